"""Let each saved password go on to where its account is used already."""

from django.db import migrations

from integrations.connectors.addresses import origin_of
from integrations.connectors.base import Misconfigured


def remember(apps, schema_editor):
    ServiceAccount = apps.get_model('integrations', 'ServiceAccount')
    Integration = apps.get_model('integrations', 'Integration')
    for account in ServiceAccount.objects.all():
        used_at = Integration.objects.filter(service_account=account)
        account.origins = sorted({
            origin
            for base_url in used_at.values_list('base_url', flat=True)
            if (origin := origin_or_none(base_url))
        })
        account.save(update_fields=['origins'])


def origin_or_none(base_url):
    try:
        return origin_of(base_url)
    except Misconfigured:
        return None


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0005_origins'),
    ]

    operations = [migrations.RunPython(remember, migrations.RunPython.noop)]
