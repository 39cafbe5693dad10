"""Older code, which does not name these columns, can insert rows."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workspaces', '0020_sign_in_providers'),
    ]

    operations = [
        migrations.AlterField(
            model_name='auditevent',
            name='digest',
            field=models.CharField(blank=True, db_default='', default='', help_text='SHA-256 of this event and all before it.', max_length=64),
        ),
        migrations.AlterField(
            model_name='user',
            name='sessions_ended',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False, help_text='How often all sessions were ended.'),
        ),
    ]
