"""The roles of an app as app roles of Microsoft Entra ID, for its manifest."""

from __future__ import annotations

import re
import uuid
from typing import Any

from django.http import JsonResponse

from integrations.models import Integration
from scim.models import Resource

_NAMESPACE = uuid.UUID("6f1d53a2-5a44-4d0f-9c5b-0a6f8f3c1b7e")
_VALUE = re.compile(r"(?!\.)[0-9A-Za-z:!#$%&'()*+,\-./;=?@\[\]^_`{|}~]{1,120}")
"""What Entra takes as the value of an app role: no blanks, no leading full stop."""


def manifest(integration: Integration) -> dict[str, Any]:
    """Return `appRoles` for the manifest of the enterprise app's registration.

    A role keeps its id over renames, as Entra refuses to change one in use. Its
    value is what the gateway takes in `roles`: the name of a custom role, or the
    public id of the Role where Entra takes no such name.
    """
    roles = Resource.objects.filter(
        directory=integration.directory_id, resource_type="Role"
    ).order_by("label", "pk")
    return {"appRoles": [_app_role(role) for role in roles.defer("comparable")]}


def file(integration: Integration) -> JsonResponse:
    """Answer with the manifest as a file to save."""
    answer = JsonResponse(manifest(integration), json_dumps_params={"indent": 2})
    name = f"entra-app-roles-{integration.directory.key}.json"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _app_role(role: Resource) -> dict[str, Any]:
    value = role.external_id or ""
    return {
        "allowedMemberTypes": ["User"],
        "description": role.label,
        "displayName": role.label,
        "id": str(uuid.uuid5(_NAMESPACE, role.public_id)),
        "isEnabled": True,
        "value": value if _VALUE.fullmatch(value) else role.public_id,
    }
