"""Who holds what in the app, as rows and one by one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from django.db.models import Count, QuerySet

from integrations.models import AppAccount, AppEntitlement, Integration, Provisioning
from integrations.provisioning import entitlements

COLUMNS = [
    "User",
    "Username in app",
    "Active in app",
    "Entitlement",
    "Type",
    "Value string",
    "Given by",
]
BATCH = 500
_SOURCES = {
    "group": "IdP, by a group",
    "role": "IdP, by a role",
    "entitlement": "IdP, by an entitlement",
}
_IN_APP = "In the app"


def reference(entitlement: AppEntitlement) -> str:
    """Return how an address names an entitlement: its kind and its id in the app."""
    text = f"{entitlement.kind}:{entitlement.external_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def find(integration: Integration, ref: str) -> AppEntitlement:
    """Return the entitlement of a reference. Raises DoesNotExist."""
    try:
        text = base64.urlsafe_b64decode(ref + "=" * (-len(ref) % 4)).decode()
    except (binascii.Error, ValueError):
        raise AppEntitlement.DoesNotExist from None
    kind, _, external_id = text.partition(":")
    if "\x00" in text:
        raise AppEntitlement.DoesNotExist
    return listed(integration).get(kind=kind, external_id=external_id)


def listed(integration: Integration) -> QuerySet[AppEntitlement]:
    """Return what accounts of the app can hold, with how many hold it."""
    return (
        AppEntitlement.objects.filter(integration=integration)
        .select_related("resource")
        .defer("resource__comparable")
        .annotate(holder_count=Count("holders"))
        .order_by("name", "kind", "id")
    )


def search(
    integration: Integration, *, text: str = "", kind: str = ""
) -> QuerySet[AppEntitlement]:
    """Return those of `listed` of a kind, and with a text in their name."""
    rows = listed(integration)
    if text:
        rows = rows.filter(name__icontains=text)
    return rows.filter(kind=kind) if kind else rows


def kinds_of(integration: Integration) -> list[str]:
    """Return the kinds of entitlements that the app was seen to have."""
    rows = AppEntitlement.objects.filter(integration=integration).order_by()
    return sorted(rows.values_list("kind", flat=True).distinct())


def holders(entitlement: AppEntitlement, *, text: str = "") -> QuerySet[AppAccount]:
    """Return the accounts that hold it, by user name, with whose they are."""
    rows = (
        entitlement.holders.select_related("provisioning__resource", "resource")
        .defer(
            "resource__document",
            "resource__comparable",
            "provisioning__resource__document",
            "provisioning__resource__comparable",
        )
        .order_by("username", "id")
    )
    return rows.filter(username__icontains=text) if text else rows


def value_string(entitlement: AppEntitlement) -> str:
    """Return what the IdP sends to give it; empty if it cannot be given by SCIM."""
    return entitlement.resource.public_id if entitlement.resource else ""


def given_by(row: Provisioning | None, entitlement: AppEntitlement) -> str:
    """Say who gave a person what the person's account holds."""
    for kind, external_id, *source in row.granted if row else []:
        if (kind, external_id) == entitlement.key:
            return _SOURCES.get(source[0] if source else "", "IdP")
    return _IN_APP


def rows(integration: Integration) -> Iterator[tuple[str, ...]]:
    """Yield a row of COLUMNS for each assignment, a batch of accounts at a time."""
    last = 0
    while batch := _accounts_after(integration, last):
        for account in batch:
            yield from _rows_of(integration, account)
        last = batch[-1].pk


def _accounts_after(integration: Integration, last: int) -> list[AppAccount]:
    return list(
        AppAccount.objects.filter(integration=integration, pk__gt=last)
        .select_related("provisioning")
        .prefetch_related("entitlements__resource")
        .order_by("pk")[:BATCH]
    )


def _rows_of(
    integration: Integration, account: AppAccount
) -> Iterator[tuple[str, ...]]:
    row = getattr(account, "provisioning", None)
    for entitlement in sorted(account.entitlements.all(), key=lambda e: e.name):
        yield (
            row.user_name if row else "",
            account.username,
            "yes" if account.is_active else "no",
            entitlement.name,
            entitlements.label_of(integration, entitlement.kind),
            value_string(entitlement),
            given_by(row, entitlement),
        )
