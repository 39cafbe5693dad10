"""What each experiment starts from: Keyway set up in the database of this process.

    python -m tests.faults.template     # prints base_url, token and more as JSON

The groups are those of the hostile app, as a first sync would have taken them over.
`neighbour` is how to reach the directory of another workspace.
"""

from __future__ import annotations

import io
import json
import os
from typing import Any

import django

GROUPS = {"1": "Engineering", "2": "Sales", "3": "Support"}
"""Names by the ids that they have in the app."""


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("load_catalog", stdout=io.StringIO())
    call_command("seed_demo", stdout=io.StringIO())
    neighbour = _generate_token("acme") | {"groups": {}}
    given = {"groups": _take_groups(), "neighbour": neighbour}
    print(json.dumps(_generate_token("demo") | given))


def _generate_token(workspace: str) -> dict[str, Any]:
    from django.core.management import call_command

    made = io.StringIO()
    call_command("generate_token", "--workspace", workspace, "--json", stdout=made)
    return json.loads(made.getvalue())


def _take_groups() -> dict[str, str]:
    """Return the ids of the SCIM groups by those of the app's."""
    from integrations.desired import Entitlement
    from integrations.models import AppEntitlement, Integration
    from integrations.syncing import importing
    from integrations.syncing.report import Report
    from workspaces.clock import database_now
    from workspaces.models import Job

    integration = Integration.objects.get(workspace__slug="demo")
    # Of a few dozen users many are deleted: nobody is here to approve that.
    integration.threshold_minimum = 10_000
    integration.save(update_fields=["threshold_minimum"])
    found = [Entitlement("group", key, name) for key, name in GROUPS.items()]
    importing.take_entitlements(integration, found, Report(), now=database_now())
    # The first sync of the demo is no part of any experiment.
    Job.objects.all().delete()
    rows = AppEntitlement.objects.filter(integration=integration)
    return dict(rows.values_list("external_id", "resource__public_id"))


if __name__ == "__main__":
    main()
