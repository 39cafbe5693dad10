"""Which provider a workspace signs in with, and which of its members comes from there.

A provider speaks only for members of its own workspace, and only for addresses in
domains that the workspace proved by DNS. The first sign-in links the provider's own
key of the person to the member; from then on the address no longer matters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from workspaces import audit, domains, secrets
from workspaces.models import (
    EmailDomain,
    Membership,
    SignInLink,
    SignInProvider,
    User,
    Workspace,
)
from workspaces.models.user import email_key
from workspaces.sealed import SealedColumn

JSON = dict[str, str]


class SignInRefused(Exception):
    """Somebody does not come in. `reason` is for the audit log, the message for them."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


class SecretNeeded(ValueError):
    """The kept client secret belongs to another issuer or client."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What an Owner decides about the provider. An empty secret keeps the present one."""

    name: str
    issuer: str
    client_id: str
    client_secret: str
    trusts_second_step: bool
    metadata: JSON


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a provider vouches for. Everything in it was signed by the provider."""

    subject: str
    email: str
    email_is_refuted: bool
    """The provider says itself that the address was never verified."""
    has_second_step: bool
    proven_at: datetime | None
    """When the person last proved to the provider who they are, if it says so."""


def of(workspace: Workspace) -> SignInProvider | None:
    """Return the provider of a workspace, if it has one."""
    return (
        SignInProvider.objects.select_related("workspace")
        .filter(workspace=workspace)
        .first()
    )


def for_email(email: str) -> list[SignInProvider]:
    """Return the providers that may vouch for an address, by their workspace's name."""
    proven = EmailDomain.objects.filter(
        name=domains.domain_of(email), proven_at__isnull=False
    )
    return list(
        SignInProvider.objects.select_related("workspace")
        .filter(workspace__in=proven.values("workspace"))
        .order_by("workspace__name", "pk")
    )


def client_secret(provider: SignInProvider) -> str:
    """Return the client secret. Raises UnreadableSecret."""
    return secrets.decrypt(provider.sealed_secret, provider.secret_address)


def keeps_secret(
    provider: SignInProvider | None, *, issuer: str, client_id: str
) -> bool:
    """Say whether a kept secret may go on: it is told to no other issuer or client."""
    return provider is not None and (provider.issuer, provider.client_id) == (
        issuer,
        client_id,
    )


@transaction.atomic
def save(
    workspace: Workspace, wanted: Settings, *, actor: User, now: datetime
) -> SignInProvider:
    """Set the provider of a workspace. Raises SecretNeeded.

    With another issuer the links go: the same key would be somebody else there.
    """
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    provider = of(workspace) or SignInProvider(workspace=workspace)
    kept = provider if provider.pk else None
    is_same = keeps_secret(kept, issuer=wanted.issuer, client_id=wanted.client_id)
    if not wanted.client_secret and not is_same:
        raise SecretNeeded
    unlinked = 0
    if kept and kept.issuer != wanted.issuer:
        unlinked, _ = SignInLink.objects.filter(provider=kept).delete()
    provider.name = wanted.name
    provider.issuer = wanted.issuer
    provider.client_id = wanted.client_id
    provider.trusts_second_step = wanted.trusts_second_step
    provider.metadata = wanted.metadata
    provider.changed_at = now
    if wanted.client_secret:
        provider.sealed_secret = secrets.encrypt(
            wanted.client_secret, provider.secret_address
        )
    provider.save()
    audit.record(
        audit.SingleSignOn.SAVED,
        workspace=workspace,
        actor=actor,
        target=provider,
        data={
            "issuer": wanted.issuer,
            "client_id": wanted.client_id,
            "trusts_second_step": wanted.trusts_second_step,
            "new_secret": bool(wanted.client_secret),
            "unlinked": unlinked,
        },
    )
    return provider


@transaction.atomic
def delete(provider: SignInProvider, *, actor: User) -> int:
    """Forget a provider. Sessions that it began are over. Returns how many it linked."""
    count = provider.links.count()
    audit.record(
        audit.SingleSignOn.DELETED,
        workspace=provider.workspace,
        actor=actor,
        target=provider,
        data={"issuer": provider.issuer, "unlinked": count},
    )
    provider.delete()
    return count


@transaction.atomic
def unlink(link: SignInLink, *, actor: User) -> None:
    """Forget who an identity is. Sessions that it began are over."""
    audit.record(
        audit.SingleSignOn.UNLINKED,
        workspace=link.workspace,
        actor=actor,
        target=link,
        data={"subject": link.subject},
    )
    link.delete()


@transaction.atomic
def enter(provider: SignInProvider, identity: Identity, *, now: datetime) -> SignInLink:
    """Return the link of the member who may come in. Raises SignInRefused."""
    # One at a time: two identities with one address do not both become the person.
    present = SignInProvider.objects.select_for_update(no_key=True).filter(
        pk=provider.pk, issuer=provider.issuer
    )
    if not present:
        # The identity was vouched for by what the Owner has set aside meanwhile.
        raise SignInRefused(
            "provider_changed",
            f"{provider.name} was changed or deleted meanwhile. Sign in again.",
        )
    link = (
        SignInLink.objects.select_related("user", "provider", "workspace")
        .filter(provider=provider, subject=identity.subject)
        .first()
    ) or _first_link(provider, identity, now)
    memberships = Membership.objects.of(link.user)
    if not memberships.filter(workspace=provider.workspace_id).exists():
        raise _unknown(provider)
    if not link.user.is_active or link.user.is_superuser:
        raise _unknown(provider)
    link.last_used_at = now
    link.save(update_fields=["last_used_at"])
    return link


def _first_link(
    provider: SignInProvider, identity: Identity, now: datetime
) -> SignInLink:
    if identity.email_is_refuted:
        raise SignInRefused(
            "email_not_verified",
            f"{provider.name} says that your email address is not verified. Verify it "
            "there, then sign in again.",
        )
    membership = (
        Membership.objects.in_workspace(provider.workspace)
        .filter(
            user__email_key=email_key(identity.email),
            is_active=True,
            user__is_active=True,
        )
        .first()
    )
    if membership is None or membership.user.is_superuser:
        raise _unknown(provider)
    user = membership.user
    if not _is_proven(provider.workspace, user):
        raise SignInRefused(
            "domain_not_proven",
            f"{provider.workspace} has not proven the domain of your email address. "
            "Ask an Owner to prove it, or sign in with your password.",
        )
    if SignInLink.objects.filter(provider=provider, user=user).exists():
        raise SignInRefused(
            "linked_otherwise",
            f"Your account is linked to another identity of {provider.name}. Ask an "
            "Owner to unlink it, then sign in again.",
        )
    link = SignInLink.objects.create(
        provider=provider,
        subject=identity.subject,
        workspace=provider.workspace,
        user=user,
        made_at=now,
        last_used_at=now,
    )
    audit.record(
        audit.SingleSignOn.LINKED,
        workspace=provider.workspace,
        actor=user,
        target=link,
        data={"issuer": provider.issuer, "subject": identity.subject},
    )
    return link


def _is_proven(workspace: Workspace, user: User) -> bool:
    """Say whether the workspace owns the domain of the address that we keep."""
    return EmailDomain.objects.filter(
        workspace=workspace,
        name=domains.domain_of(user.email),
        proven_at__isnull=False,
    ).exists()


def _unknown(provider: SignInProvider) -> SignInRefused:
    # One answer for all of it: who is not a member learns nothing of anybody.
    return SignInRefused(
        "no_member",
        f"{provider.name} knows you, but you cannot come into {provider.workspace} "
        "this way. Ask an Owner whether you are an active member, under the email "
        f"address that {provider.name} has.",
    )


SEALED = SealedColumn(
    SignInProvider,
    "sealed_secret",
    lambda provider: provider.secret_address,
    related=("workspace",),
)
