"""Users who came from the app and whom the IdP has never written are unmatched."""

from __future__ import annotations

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import Exists, OuterRef


def find(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    written = (
        apps.get_model("scim", "Change")
        .objects.filter(
            directory=OuterRef("integration__directory"),
            resource_id=OuterRef("resource_id_public"),
        )
        .exclude(token_key="")
    )
    apps.get_model("integrations", "Provisioning").objects.filter(
        resource__source="app", resource__external_id=None
    ).exclude(Exists(written)).update(is_matched=False)


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0008_matching"),
        ("scim", "0006_members_of_one_directory"),
    ]

    operations = [migrations.RunPython(find, migrations.RunPython.noop)]
