"""Jobs that were due in the year 9000 get the state that says why they wait."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models.functions import Now

PARKED_UNTIL = datetime(9000, 1, 1, tzinfo=UTC)
STATES = {"retrying": "held", "queued": "paused"}


def name_them(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    parked = apps.get_model("workspaces", "Job").objects.filter(due_at=PARKED_UNTIL)
    for before, after in STATES.items():
        parked.filter(state=before).update(state=after, due_at=Now())


def park_them(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    jobs = apps.get_model("workspaces", "Job").objects
    for before, after in STATES.items():
        jobs.filter(state=after).update(state=before, due_at=PARKED_UNTIL)


class Migration(migrations.Migration):
    dependencies = [
        ("workspaces", "0005_parked_jobs"),
    ]

    operations = [migrations.RunPython(name_them, park_them)]
