"""Older code, which does not name these columns, can insert rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0009_oauth'),
    ]

    operations = [
        migrations.AlterField(
            model_name='scimtoken',
            name='email_domains',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AlterField(
            model_name='scimtoken',
            name='is_read_only',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AlterField(
            model_name='scimtoken',
            name='network_rule',
            field=models.CharField(choices=[('any', 'Any address'), ('report', 'Report first: list other addresses'), ('enforce', 'Enforce: refuse other addresses')], db_default='any', default='any', max_length=10),
        ),
        migrations.AlterField(
            model_name='scimtoken',
            name='networks',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
    ]
