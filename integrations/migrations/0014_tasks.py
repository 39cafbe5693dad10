"""Tasks for people: who does them, and the lists of accounts that prove them."""

from __future__ import annotations

import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0013_app_edited'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='integration',
            name='service_account',
            field=models.ForeignKey(help_text='None where people do the work in the app.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='integrations', to='integrations.serviceaccount'),
        ),
        migrations.CreateModel(
            name='AccountList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('file_name', models.CharField(max_length=255)),
                ('rows', models.JSONField(help_text='Each account by the names of the columns.')),
                ('uploaded_at', models.DateTimeField()),
                ('approved_at', models.DateTimeField(help_text='Since when a sync may import it.', null=True)),
                ('imported_at', models.DateTimeField(null=True)),
                ('integration', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='account_lists', to='integrations.integration')),
                ('uploaded_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-uploaded_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Task',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('user_name', models.CharField(max_length=500)),
                ('state', models.CharField(choices=[('open', 'Open'), ('done', 'Done'), ('not_possible', 'Cannot be done'), ('not_needed', 'No longer needed')], default='open', max_length=20)),
                ('steps', models.JSONField(help_text='Each with words and values.')),
                ('account_key', models.CharField(max_length=255)),
                ('outcome', models.JSONField(help_text='The account once it is done, and whether it exists then.')),
                ('finding', models.TextField(blank=True, help_text="What the app's list showed instead.")),
                ('reason', models.TextField(blank=True, help_text='Why it cannot be done.')),
                ('created_at', models.DateTimeField()),
                ('closed_at', models.DateTimeField(null=True)),
                ('proved_at', models.DateTimeField(help_text='When a list of the app showed it done.', null=True)),
                ('mailed_at', models.DateTimeField(null=True)),
                ('closed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('integration', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='integrations.integration')),
                ('provisioning', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='integrations.provisioning')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['integration', 'account_key'], name='task_by_account')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('state', 'open')), fields=('provisioning',), name='task_open_once'), models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('state', 'open')), models.Q(models.Q(('state', 'open'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='task_closed_at_a_time')],
            },
        ),
        migrations.CreateModel(
            name='TaskAssignee',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('integration', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='assignees', to='integrations.integration')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('integration', 'user'), name='task_assignee_unique')],
            },
        ),
    ]
