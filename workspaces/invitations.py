"""Offer somebody a place in a workspace by e-mail, and let them take it.

The link holds a random value that is made by the job that sends the e-mail and is
kept nowhere else: the database has its keyed digest. An invitation serves once,
and for seven days.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import smtplib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.mail import send_mail
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from workspaces import audit, jobs
from workspaces.clock import database_now
from workspaces.errors import (
    AddressTaken,
    AlreadyMember,
    InvitationOver,
    NoLongerAllowed,
    OtherPerson,
)
from workspaces.factors import passkeys
from workspaces.key_ring import in_order
from workspaces.models import (
    Invitation,
    Job,
    Membership,
    Passkey,
    Role,
    User,
    Workspace,
)
from workspaces.models.user import email_key
from workspaces.permissions import Permission, can
from workspaces.ranks import require_rank

JOB = "workspaces.send_invitation"
LIFETIME = timedelta(days=7)
PATIENT_FAILURES = 200
"""Tries of the e-mail to somebody whom the IdP made: more than a day of them."""

_PURPOSE = b"workspaces.invitation\x1f"


@transaction.atomic
def invite(email: str, *, role: Role, by: Membership, now: datetime) -> Invitation:
    """Offer a place and put the e-mail off; an open offer to the address is renewed.

    The link of a renewed offer stops working when the next e-mail is sent. Raises
    MemberError if the rules refuse it.
    """
    workspace = Workspace.objects.select_for_update().get(pk=by.workspace_id)
    by = _present(by)
    key = email_key(email)
    offers = Invitation.objects.open().filter(workspace=workspace, email_key=key)
    # Another role in an open offer takes away the one that it had.
    require_rank(by, role, *map(Role, offers.values_list("role", flat=True)))
    if Membership.objects.filter(workspace=workspace, user__email_key=key).exists():
        raise AlreadyMember(email)
    invitation, _ = Invitation.objects.open().update_or_create(
        workspace=workspace,
        email_key=key,
        defaults={
            "email": email.strip(),
            "role": role,
            "invited_by": by.user,
            "expires_at": now + LIFETIME,
            "sent_at": None,
            "digest": "",
        },
        create_defaults={
            "email": email.strip(),
            "role": role,
            "invited_by": by.user,
            "created_at": now,
            "expires_at": now + LIFETIME,
        },
    )
    audit.record(
        audit.Members.INVITED,
        workspace=workspace,
        actor=by.user,
        target=invitation,
        data={"role": role},
    )
    jobs.enqueue(
        JOB,
        workspace=workspace,
        subject=str(invitation.public_id),
        trigger=Job.Trigger.WEB,
        actor=by.user,
        max_failures=8,
        now=now,
    )
    return invitation


def lack_way_in(memberships: Sequence[Membership]) -> set[int]:
    """Return the keys of those who cannot sign in before an invitation: one query.

    Whom the IdP of another workspace made gets theirs there.
    """
    found = [
        row
        for row in memberships
        if row.is_active
        and row.user.provisioned_by_id in (None, row.workspace_id)
        and not row.user.has_usable_password()
    ]
    have_passkey = passkeys.owners_among([row.user_id for row in found])
    return {row.pk for row in found if row.user_id not in have_passkey}


def send_way_in(membership: Membership, *, by: Membership, now: datetime) -> Invitation:
    """Let a member send `invite_provisioned` to another. Raises MemberError."""
    require_rank(_present(by), Role(membership.role))
    return invite_provisioned(membership, actor=by.user, now=now)


@transaction.atomic
def invite_provisioned(
    membership: Membership, *, actor: User | None = None, now: datetime
) -> Invitation:
    """Send a member who has no way in the link by which they make one.

    An open offer to the address is renewed. The mail server may be down for a day:
    the job goes on trying.
    """
    user, workspace = membership.user, membership.workspace
    values = {
        "email": user.email,
        "role": membership.role,
        "membership": membership,
        "invited_by": actor,
        "expires_at": now + LIFETIME,
        "sent_at": None,
        "digest": "",
    }
    invitation, _ = Invitation.objects.open().update_or_create(
        workspace=workspace,
        email_key=user.email_key,
        defaults=values,
        create_defaults={**values, "created_at": now},
    )
    audit.record(
        audit.Members.INVITED,
        workspace=workspace,
        actor=actor,
        target=invitation,
        data={"role": membership.role},
    )
    jobs.enqueue(
        JOB,
        workspace=workspace,
        subject=str(invitation.public_id),
        trigger=Job.Trigger.WEB if actor else Job.Trigger.SCIM,
        actor=actor,
        max_failures=PATIENT_FAILURES,
        now=now,
    )
    return invitation


def renew(invitation: Invitation, *, by: Membership, now: datetime) -> Invitation:
    """Send an open invitation again, for another seven days."""
    if invitation.membership is not None:
        return send_way_in(invitation.membership, by=by, now=now)
    return invite(invitation.email, role=Role(invitation.role), by=by, now=now)


@transaction.atomic
def revoke(invitation: Invitation, *, by: Membership, now: datetime) -> None:
    """End an invitation before it is accepted. Raises InvitationOver."""
    invitation = _locked(invitation)
    require_rank(_present(by), Role(invitation.role))
    _end(invitation, actor=by.user, now=now)


@transaction.atomic
def revoke_again(invitation: Invitation, *, now: datetime) -> None:
    """End what was revoked before, and a backup brought back. Raises InvitationOver."""
    _end(_locked(invitation), actor=None, now=now)


def _end(invitation: Invitation, *, actor: User | None, now: datetime) -> None:
    if invitation.accepted_at is not None or invitation.revoked_at is not None:
        raise InvitationOver
    invitation.revoked_at = now
    invitation.digest = ""
    invitation.save(update_fields=["revoked_at", "digest"])
    audit.record(
        audit.Members.INVITATION_REVOKED,
        workspace=invitation.workspace,
        actor=actor,
        target=invitation,
    )


def send(job: Job) -> None:
    """Make a link and send it. Raises RetryLater if the mail server refuses.

    Each try makes a new link, so that nothing has to be kept but the digest.
    """
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        invitation = (
            Invitation.objects.select_for_update(of=("self",))
            .select_related("workspace", "invited_by")
            .filter(workspace=job.workspace_id, public_id=job.subject)
            .first()
        )
        if invitation is None or not invitation.is_open(database_now()):
            return
        if invitation.sent_at is not None:
            # Sent by a try that could not say so any more.
            return
        invitation.digest = _digests(token)[0]
        invitation.save(update_fields=["digest"])
    path = reverse("workspaces:accept_invitation", args=[token])
    context = {
        "invitation": invitation,
        "role": Role(invitation.role).label,
        "invited_by": invitation.invited_by,
        "url": f"{settings.KEYWAY_PUBLIC_URL}{path}",
        "days": LIFETIME.days,
    }
    try:
        send_mail(
            f"Join {invitation.workspace.name} on Keyway".replace("\n", " "),
            render_to_string("workspaces/invitation_email.txt", context),
            None,
            [invitation.email],
        )
    except (smtplib.SMTPException, OSError):
        # Not the server's own words: they may quote the address of somebody.
        raise jobs.RetryLater(
            "The mail server did not take the email. Check KEYWAY_EMAIL_URL."
        ) from None
    Invitation.objects.filter(pk=invitation.pk, digest=invitation.digest).update(
        sent_at=database_now()
    )


def find(token: str, *, now: datetime) -> Invitation | None:
    """Return the open invitation of a link, None if there is none any more."""
    invitation = (
        Invitation.objects.select_related("workspace", "invited_by", "membership__user")
        .filter(digest__in=_digests(token))
        .first()
    )
    return invitation if invitation and invitation.is_open(now) else None


@transaction.atomic
def accept_as(
    invitation: Invitation, user: User | AnonymousUser, *, now: datetime
) -> Membership:
    """Let somebody who is signed in join. Raises MemberError."""
    invitation = _open(invitation, now=now)
    if user.is_anonymous or email_key(user.email) != invitation.email_key:
        raise OtherPerson(invitation.email)
    return _join(invitation, user, now=now)


@transaction.atomic
def accept_as_new(
    invitation: Invitation, *, name: str, password: str, now: datetime
) -> Membership:
    """Make an account for the invited address and let it join. Raises MemberError."""
    invitation = _open(invitation, now=now)
    return _join(invitation, _new_person(invitation, name, password), now=now)


@transaction.atomic
def accept_as_provisioned(
    invitation: Invitation, *, password: str, now: datetime
) -> Membership:
    """Let a member whom the IdP made set a first password. Raises InvitationOver."""
    invitation = _open(invitation, now=now)
    user = person_without_way_in(invitation)
    if user is None:
        raise InvitationOver
    user.set_password(password)
    user.save(update_fields=["password"])
    return _join(invitation, user, now=now)


def begin_passkey(invitation: Invitation, *, now: datetime) -> passkeys.Ceremony:
    """Ask the browser for a passkey to join with, instead of a password."""
    purpose = _purpose(invitation)
    return passkeys.begin_first(invitation.email, purpose=purpose, now=now)


def accept_by_passkey(
    invitation: Invitation, *, name: str, challenge_id: str, answer: Any, now: datetime
) -> tuple[Membership, Passkey]:
    """Let somebody join whose way in is the passkey that the browser made.

    `name` is that of a new person. Raises PasskeyRefused and MemberError. Call it
    outside of a transaction.
    """
    state = passkeys.take(None, _purpose(invitation), challenge_id, now=now)
    with transaction.atomic():
        invitation = _open(invitation, now=now)
        user = person_without_way_in(invitation) or _new_person(invitation, name, None)
        membership = _join(invitation, user, now=now)
        device = passkeys.add(user, state, answer, name="Passkey", now=now)
    return membership, device


def person_without_way_in(invitation: Invitation) -> User | None:
    """Return the member whom the invitation is to let in, if it is one.

    Whoever has a password or a passkey signs in: a mailbox adds no second way.
    """
    membership = invitation.membership
    if membership is None or not membership.is_active:
        return None
    return None if passkeys.can_sign_in(membership.user) else membership.user


def _new_person(invitation: Invitation, name: str, password: str | None) -> User:
    user, is_new = User.objects.find_or_create(invitation.email, name=name)
    if not is_new:
        raise AddressTaken
    user.set_password(password)
    user.save(update_fields=["password"])
    return user


def _purpose(invitation: Invitation) -> str:
    return f"join:{invitation.public_id.hex}"


def _join(invitation: Invitation, user: User, *, now: datetime) -> Membership:
    membership, created = Membership.objects.get_or_create(
        workspace=invitation.workspace,
        user=user,
        defaults={"role": invitation.role},
    )
    invitation.accepted_at = now
    invitation.digest = ""
    invitation.save(update_fields=["accepted_at", "digest"])
    if created:
        audit.record(
            audit.Members.JOINED,
            workspace=invitation.workspace,
            actor=user,
            target=membership,
            data={"role": invitation.role},
        )
    return membership


def _open(invitation: Invitation, *, now: datetime) -> Invitation:
    invitation = _locked(invitation)
    if not invitation.is_open(now):
        raise InvitationOver
    return invitation


def _locked(invitation: Invitation) -> Invitation:
    return (
        Invitation.objects.select_for_update(of=("self",))
        .select_related("workspace", "membership__user", "membership__workspace")
        .get(pk=invitation.pk)
    )


def _present(by: Membership) -> Membership:
    found = Membership.objects.select_related("user").filter(pk=by.pk).first()
    if found is None or not can(found, Permission.MANAGE_MEMBERS):
        raise NoLongerAllowed
    return found


def _digests(token: str) -> list[str]:
    """Return the digest under each key of the ring, the one in use first."""
    ring = settings.KEYWAY_TOKEN_KEYS
    return [
        hmac.new(ring[number], _PURPOSE + token.encode(), hashlib.sha256).hexdigest()
        for number in in_order(ring)
    ]
