"""Keep the name of each owner, so that a token without a label is the workspace's."""

from django.db import migrations


def name_owners(apps, schema_editor):
    ScimToken = apps.get_model('tokens', 'ScimToken')
    for token in ScimToken.objects.exclude(owner=None).select_related('owner__user'):
        user = token.owner.user
        token.owner_label = (user.name or user.email)[:254]
        token.save(update_fields=['owner_label'])


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0002_owners_and_refusals'),
    ]

    operations = [migrations.RunPython(name_owners, migrations.RunPython.noop)]
