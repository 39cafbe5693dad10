"""A cron expression says when to sync, instead of a number of hours."""

from __future__ import annotations

from cronsim import CronSim
from django.db import migrations, models
from django.utils import timezone

_HOURLY, _NIGHTLY, _WEEKLY = '0 * * * *', '0 2 * * *', '0 2 * * 0'


def _expression(hours):
    if hours <= 0:
        return ''
    if hours == 1:
        return _HOURLY
    if hours < 24:
        return f'0 */{hours} * * *'
    return _NIGHTLY if hours < 168 else _WEEKLY


def _hours(expression):
    """Return hours between two syncs that come near the expression; 0 is never."""
    if not expression:
        return 0
    clock = CronSim(expression, timezone.now())
    gap = next(clock), next(clock)
    return max(1, min(round((gap[1] - gap[0]).total_seconds() / 3600), 32767))


def follow_cron(apps, schema_editor):
    now = timezone.now()
    integrations = apps.get_model('integrations', 'Integration').objects
    used = integrations.exclude(sync_every_hours=0).order_by()
    for hours in set(used.values_list('sync_every_hours', flat=True)):
        expression = _expression(hours)
        clock = CronSim(expression, now)
        integrations.filter(sync_every_hours=hours).update(
            sync_schedule=expression,
            next_sync_at=next(clock),
            sync_overdue_at=next(clock),
        )
    _answers(apps, 'sync_every_hours', 'sync_schedule', lambda n: _expression(int(n)))
    jobs = apps.get_model('workspaces', 'Job').objects
    waiting = jobs.filter(kind='integrations.schedule_syncs')
    waiting.filter(state__in=['queued', 'retrying']).delete()


def follow_hours(apps, schema_editor):
    integrations = apps.get_model('integrations', 'Integration').objects
    used = integrations.exclude(sync_schedule='').order_by()
    for expression in set(used.values_list('sync_schedule', flat=True)):
        found = integrations.filter(sync_schedule=expression)
        found.update(sync_every_hours=_hours(expression))
    _answers(apps, 'sync_schedule', 'sync_every_hours', _hours)


def _answers(apps, before, after, convert):
    """Rename an answer of the drafts, with its value converted."""
    for draft in apps.get_model('integrations', 'IntegrationDraft').objects.all():
        if before in draft.answers:
            draft.answers[after] = convert(draft.answers.pop(before))
            draft.save(update_fields=['answers'])


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0015_pace'),
        ('workspaces', '0012_tokens_of_deactivated'),
    ]

    operations = [
        migrations.AddField(
            model_name='integration',
            name='sync_schedule',
            field=models.CharField(blank=True, default='', help_text='A cron expression of five fields, in UTC; empty syncs only when somebody asks for it.', max_length=100),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='integration',
            name='next_sync_at',
            field=models.DateTimeField(help_text='When the schedule asks for the next sync.', null=True),
        ),
        migrations.AddField(
            model_name='integration',
            name='sync_overdue_at',
            field=models.DateTimeField(help_text='The second time of the schedule after the last sync.', null=True),
        ),
        migrations.RunPython(follow_cron, follow_hours),
        migrations.RemoveField(model_name='integration', name='sync_every_hours'),
    ]
