"""Older code, which does not name these columns, can insert rows."""

import django.core.validators
import integrations.models.integration
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0020_webhooks_and_watching'),
    ]

    operations = [
        migrations.AlterField(
            model_name='integration',
            name='delete_after_days',
            field=models.PositiveSmallIntegerField(db_default=30, default=30, help_text='For Delete later: how long the deactivated account stays.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(365)]),
        ),
        migrations.AlterField(
            model_name='integration',
            name='matching_rules',
            field=models.JSONField(db_default=['userName'], default=integrations.models.integration.by_user_name, help_text='How a sync finds whose an account is, in order: userName, email, externalId, or attribute:<name> of the user schema.'),
        ),
        migrations.AlterField(
            model_name='integration',
            name='sync_schedule',
            field=models.CharField(blank=True, db_default='', default='', help_text='A cron expression of five fields, in UTC; empty syncs only when somebody asks for it.', max_length=100),
        ),
        migrations.AlterField(
            model_name='integration',
            name='threshold_minimum',
            field=models.PositiveSmallIntegerField(db_default=5, default=5, help_text='Fewer removals by the IdP than this are never held.', validators=[django.core.validators.MinValueValidator(1)]),
        ),
    ]
