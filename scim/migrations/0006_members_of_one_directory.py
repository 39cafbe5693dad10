from django.db import migrations

ENDS = ("group", "member")


def tie_to_directory(apps, schema_editor):
    """Let the database refuse a membership whose ends are of other directories."""
    for end in ENDS:
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.execute(
                f"CREATE TRIGGER scim_{end}_of_directory"
                " BEFORE INSERT ON scim_groupmember WHEN NOT EXISTS (SELECT 1"
                f" FROM scim_resource WHERE id = NEW.{end}_id"
                " AND directory_id = NEW.directory_id) BEGIN"
                f" SELECT RAISE(ABORT, 'FOREIGN KEY constraint failed: {end}'); END"
            )
        else:
            schema_editor.execute(
                f"ALTER TABLE scim_groupmember ADD CONSTRAINT scim_{end}_of_directory"
                f" FOREIGN KEY (directory_id, {end}_id)"
                " REFERENCES scim_resource (directory_id, id)"
                " DEFERRABLE INITIALLY DEFERRED"
            )


def untie(apps, schema_editor):
    for end in ENDS:
        if schema_editor.connection.vendor == "sqlite":
            schema_editor.execute(f"DROP TRIGGER scim_{end}_of_directory")
        else:
            schema_editor.execute(
                f"ALTER TABLE scim_groupmember DROP CONSTRAINT scim_{end}_of_directory"
            )


class Migration(migrations.Migration):
    dependencies = [("scim", "0005_fewer_indexes")]

    operations = [migrations.RunPython(tie_to_directory, untie)]
