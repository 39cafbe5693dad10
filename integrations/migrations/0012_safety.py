"""Observe only, removal policies, held removals, drift, restore points."""

from __future__ import annotations

import django.core.validators
import django.db.models.deletion
import integrations.models.integration
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0011_screenshots'),
        ('scim', '0006_members_of_one_directory'),
        ('workspaces', '0012_tokens_of_deactivated'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='integration',
            name='delete_after_days',
            field=models.PositiveSmallIntegerField(default=30, help_text='For Delete later: how long the deactivated account stays.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(365)]),
        ),
        migrations.AddField(
            model_name='integration',
            name='matching_rules',
            field=models.JSONField(default=integrations.models.integration.by_user_name, help_text='How a sync finds whose an account is, in order: userName, email, externalId, or attribute:<name> of the user schema.'),
        ),
        migrations.AddField(
            model_name='integration',
            name='observing_since',
            field=models.DateTimeField(help_text='Since when Keyway only shows what it would change.', null=True),
        ),
        migrations.AddField(
            model_name='integration',
            name='removals_counted_from',
            field=models.DateTimeField(help_text='When the last decision on removals was made.', null=True),
        ),
        migrations.AddField(
            model_name='integration',
            name='removals_held_at',
            field=models.DateTimeField(help_text='Since when removals wait for a decision.', null=True),
        ),
        migrations.AddField(
            model_name='integration',
            name='threshold_minimum',
            field=models.PositiveSmallIntegerField(default=5, help_text='Fewer removals by the IdP than this are never held.', validators=[django.core.validators.MinValueValidator(1)]),
        ),
        migrations.AddField(
            model_name='provisioning',
            name='applied_account',
            field=models.JSONField(help_text='username, email and display_name as the app showed them after the last change.', null=True),
        ),
        migrations.AddField(
            model_name='provisioning',
            name='approved_version',
            field=models.PositiveIntegerField(db_default=0, default=0, help_text='The desired version whose removal a person has approved.'),
        ),
        migrations.AddField(
            model_name='provisioning',
            name='delete_at',
            field=models.DateTimeField(help_text='When the deactivated account is deleted.', null=True),
        ),
        migrations.AddField(
            model_name='provisioning',
            name='drifted_at',
            field=models.DateTimeField(help_text='Since when the app shows other than what was applied.', null=True),
        ),
        migrations.AddField(
            model_name='provisioning',
            name='undone_at',
            field=models.DateTimeField(help_text='Since when the app differs from the IdP on purpose.', null=True),
        ),
        migrations.AddField(
            model_name='provisioning',
            name='undone_by',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='integration',
            name='on_unassign',
            field=models.CharField(choices=[('deactivate', 'Deactivate'), ('delete', 'Delete'), ('delete_later', 'Delete later'), ('never', 'Never')], default='deactivate', max_length=20),
        ),
        migrations.AlterField(
            model_name='integration',
            name='threshold_percent',
            field=models.PositiveSmallIntegerField(default=20, help_text='Above this, a sync or what the IdP takes away is held as a whole.', validators=[django.core.validators.MinValueValidator(0), django.core.validators.MaxValueValidator(100)]),
        ),
        migrations.CreateModel(
            name='RestorePoint',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('run', models.UUIDField()),
                ('resource_id', models.CharField(help_text='Public id.', max_length=36)),
                ('user_name', models.CharField(max_length=500)),
                ('external_id', models.CharField(blank=True, help_text="The app's own key of the account.", max_length=255)),
                ('before', models.JSONField(help_text='username, email, given_name, family_name, display_name, active and entitlements; null if there was no account.', null=True)),
                ('granted', models.JSONField(help_text='What SCIM had given until then.')),
                ('changes', models.JSONField(default=list, help_text='In order: [act, details], as integrations.provisioning.restoring says.')),
                ('is_removal', models.BooleanField(default=False, help_text='Whether it counts against the threshold.')),
                ('is_undo', models.BooleanField(default=False, help_text='Whether it was made while another was undone.')),
                ('at', models.DateTimeField()),
                ('undone_at', models.DateTimeField(null=True)),
                ('integration', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='restore_points', to='integrations.integration')),
                ('job', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='workspaces.job')),
                ('undone_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='provisioning',
            name='undo_to',
            field=models.ForeignKey(db_index=False, help_text='The point to put the account back to, until that is done.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='integrations.restorepoint'),
        ),
        migrations.AddIndex(
            model_name='provisioning',
            index=models.Index(condition=models.Q(('drifted_at__isnull', False)), fields=['integration'], name='provisioning_drifted'),
        ),
        migrations.AddIndex(
            model_name='provisioning',
            index=models.Index(condition=models.Q(('delete_at__isnull', False)), fields=['delete_at'], name='provisioning_delete_at'),
        ),
        migrations.AddIndex(
            model_name='restorepoint',
            index=models.Index(fields=['integration', '-id'], name='restore_point_newest'),
        ),
        migrations.AddIndex(
            model_name='restorepoint',
            index=models.Index(fields=['integration', 'run'], name='restore_point_by_run'),
        ),
        migrations.AddIndex(
            model_name='restorepoint',
            index=models.Index(fields=['resource_id', '-id'], name='restore_point_of_user'),
        ),
        migrations.AddIndex(
            model_name='restorepoint',
            index=models.Index(condition=models.Q(('is_removal', True)), fields=['integration', 'at'], name='restore_point_removals'),
        ),
    ]
