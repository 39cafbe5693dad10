"""What a workspace asks of everybody who logs in."""

from __future__ import annotations

from django.db import transaction

from workspaces import audit
from workspaces.models import User, Workspace


@transaction.atomic
def change(
    workspace: Workspace, *, require_two_steps: bool, confirm_minutes: int, actor: User
) -> Workspace:
    """Set the policy. `confirm_minutes` is 0 to 60; 0 asks each time."""
    found = Workspace.objects.select_for_update().get(pk=workspace.pk)
    before = _as_data("before", found)
    found.require_two_steps = require_two_steps
    found.confirm_minutes = confirm_minutes
    after = _as_data("after", found)
    if list(before.values()) == list(after.values()):
        return found
    found.save(update_fields=["require_two_steps", "confirm_minutes"])
    audit.record(
        audit.Factors.POLICY_CHANGED,
        workspace=found,
        actor=actor,
        target=found,
        data={**before, **after},
    )
    return found


def _as_data(when: str, workspace: Workspace) -> dict[str, str | int | bool | None]:
    return {
        f"{when}_require_two_steps": workspace.require_two_steps,
        f"{when}_confirm_minutes": workspace.confirm_minutes,
    }
