"""A job that waits for a person has a state of its own, and says who ended it."""

from __future__ import annotations

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0004_invitation"),
    ]

    operations = [
        migrations.AddField(
            model_name="job",
            name="ended_by",
            field=models.ForeignKey(
                db_index=False,
                help_text="Who ended it before its end. Null: it ended by itself.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="job",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Queued"),
                    ("started", "Started"),
                    ("running", "Running"),
                    ("retrying", "Retrying"),
                    ("held", "Waiting for a decision"),
                    ("paused", "Waiting: integration is paused"),
                    ("completed", "Completed"),
                    ("not_completed", "Not completed"),
                ],
                default="queued",
                max_length=20,
            ),
        ),
        migrations.RemoveConstraint(model_name="job", name="job_waits_once"),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "retrying", "held", "paused"])
                ),
                fields=("kind", "subject"),
                name="job_waits_once",
            ),
        ),
    ]
