from django.db import migrations

BLOCK = 2_048


def count_resources(apps, schema_editor):
    schema_editor.execute(
        "INSERT INTO scim_resourcecount (directory_id, resource_type, block, total)"
        f" SELECT directory_id, resource_type, id / {BLOCK}, COUNT(*)"
        " FROM scim_resource GROUP BY 1, 2, 3"
    )


class Migration(migrations.Migration):
    dependencies = [("scim", "0003_resource_count")]

    operations = [
        migrations.RunPython(count_resources, migrations.RunPython.noop, elidable=True)
    ]
