"""Directory Sync: its rules, its email domains, and the roles that teams give."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.api import form_input, paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.problems import Problem
from integrations.directory_sync import provisioning
from integrations.directory_sync.forms import DomainsForm, RulesForm, TeamRoleForm
from workspaces import directory_sync, domains, teams
from workspaces.clock import database_now
from workspaces.models import DirectorySync as DirectorySyncModel
from workspaces.models import EmailDomain, Team, Workspace
from workspaces.permissions import Permission
from workspaces.ranks import GIVEN_BY_IDP

TAG = ["Directory Sync"]
_MANAGES = Permission.MANAGE_DIRECTORY_SYNC
_IS_OFF = "Provisioning is not enabled. Add a domain first."


class RulesSerializer(serializers.Serializer):
    """What becomes of people whom the IdP provisions."""

    sendsInvites = serializers.BooleanField(
        source="sends_invites", help_text="Whether users who are created get an email."
    )
    defaultRole = serializers.ChoiceField(
        source="default_role",
        choices=GIVEN_BY_IDP,
        help_text="Of new members; teams can give a higher one.",
    )
    adopts = serializers.BooleanField(
        help_text="In proven domains, take over people who have an account already."
    )
    allowsUnproven = serializers.BooleanField(
        source="allows_unproven", help_text="Provision before a domain is proven."
    )
    ownedTokens = serializers.ChoiceField(
        source="owned_tokens",
        choices=DirectorySyncModel.OwnedTokens.choices,
        help_text="What becomes of the tokens of a deactivated member.",
    )


class DirectorySyncSerializer(RulesSerializer):
    """How Directory Sync stands."""

    scimUrl = serializers.CharField()
    enabled = serializers.BooleanField()


class DomainSerializer(serializers.Serializer):
    """An email domain, with the TXT record that proves it."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    provenAt = serializers.DateTimeField(source="proven_at", allow_null=True)
    checkedAt = serializers.DateTimeField(source="checked_at", allow_null=True)
    finding = serializers.CharField(allow_blank=True)
    recordName = serializers.CharField(source="record_name")
    recordValue = serializers.CharField(source="record_value")


class NewDomainsSerializer(serializers.Serializer):
    """Domains to list, each without the @ sign."""

    domains = serializers.ListField(
        child=serializers.CharField(),
        allow_empty=False,
        max_length=domains.MOST_AT_ONCE,
    )


class ListedDomainsSerializer(serializers.Serializer):
    """The domains that are new. `token` is there with the first domains alone."""

    id = serializers.CharField(help_text="The key of the directory.")
    added = DomainSerializer(many=True)
    token = serializers.CharField(
        required=False, help_text="The first token, in this answer and in no other."
    )


class TeamSerializer(serializers.Serializer):
    """A group of the IdP. `role` is what its members get, or none."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    role = serializers.SerializerMethodField()

    def get_role(self, team: Team) -> str:
        """Return the role, or none."""
        return team.role or "none"


class TeamRoleSerializer(serializers.Serializer):
    """The role that a team gives, or none."""

    role = serializers.CharField()


class DirectorySync(ApiView):
    """Directory Sync of the workspace."""

    permissions: ClassVar = dict.fromkeys(("GET", "PATCH"), _MANAGES)

    @extend_schema(
        operation_id="loadDirectorySync", tags=TAG, responses=DirectorySyncSerializer
    )
    def get(self, request: Request) -> Response:
        """Return the SCIM URL, whether Directory Sync is on, and its rules."""
        return _shown(self.workspace)

    @extend_schema(
        operation_id="changeDirectorySync",
        tags=TAG,
        request=RulesSerializer,
        responses=DirectorySyncSerializer,
    )
    def patch(self, request: Request) -> Response:
        """Change the rules for members who come later; what is left out stays."""
        wish = form_input.body_of(request, RulesSerializer, partial=True)
        with transaction.atomic():
            sync = directory_sync.locked(self.workspace)
            if sync is None:
                raise Problem(409, _IS_OFF)
            sends_invites = wish.pop("sends_invites", sync.sends_invites)
            form = RulesForm({**RulesForm.of(sync).initial, **wish})
            form_input.check(form)
            directory_sync.change_rules(sync, form.rules(), by=self.caller.membership)
            directory_sync.send_invites(sync, on=sends_invites, actor=self.person)
        return _shown(self.workspace)


class TurnOn(ApiView):
    """The way back for Directory Sync that somebody turned off."""

    permissions: ClassVar = {"POST": _MANAGES}

    @extend_schema(
        operation_id="turnOnDirectorySync",
        tags=TAG,
        request=None,
        responses=DirectorySyncSerializer,
    )
    def post(self, request: Request) -> Response:
        """Turn it on again: the directory is empty, and the IdP needs a new token."""
        provisioning.turn_on_again(
            self.workspace, actor=self.person, now=database_now()
        )
        if directory_sync.of(self.workspace) is None:
            raise Problem(409, _IS_OFF)
        return _shown(self.workspace)


class Domains(ApiView):
    """The email domains that Directory Sync covers."""

    permissions: ClassVar = dict.fromkeys(("GET", "POST"), _MANAGES)

    @extend_schema(
        operation_id="listDomains",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(DomainSerializer),
    )
    def get(self, request: Request) -> Response:
        """List domains, newest first."""
        rows = EmailDomain.objects.filter(workspace=self.workspace)
        return paging.page(request, rows, DomainSerializer)

    @extend_schema(
        operation_id="addDomains",
        tags=TAG,
        request=NewDomainsSerializer,
        responses={201: ListedDomainsSerializer},
    )
    @idempotent("token")
    def post(self, request: Request) -> Response:
        """List domains. The first ones enable provisioning, and make its first token."""
        given = form_input.body_of(request, NewDomainsSerializer)
        form = DomainsForm({"domains": ", ".join(given["domains"])})
        form_input.check(form)
        covered = provisioning.cover(
            self.workspace,
            form.cleaned_data["domains"],
            actor=self.person,
            now=database_now(),
        )
        body: dict[str, Any] = {
            "id": directory_sync.directory_of(self.workspace).key,
            "added": DomainSerializer(covered.added.new, many=True).data,
        }
        if covered.issued is not None:
            body["token"] = covered.issued.plaintext
        return Response(body, status=201)


class DomainById(ApiView):
    """One email domain."""

    permissions: ClassVar = {"DELETE": _MANAGES}

    @extend_schema(operation_id="deleteDomain", tags=TAG, responses={204: None})
    def delete(self, request: Request, domainId: uuid.UUID) -> Response:
        """Take a domain off the list. Members stay; nobody new comes by it."""
        domains.delete(_domain(self, domainId), actor=self.person)
        return Response(status=204)


class DomainCheck(ApiView):
    """The look-up of a domain's TXT record."""

    permissions: ClassVar = {"POST": _MANAGES}

    @extend_schema(
        operation_id="checkDomain", tags=TAG, request=None, responses=DomainSerializer
    )
    def post(self, request: Request, domainId: uuid.UUID) -> Response:
        """Look the record up, in the background: `checkedAt` and `finding` tell of it."""
        found = _domain(self, domainId)
        domains.request_check(found, actor=self.person, now=database_now())
        return Response(DomainSerializer(found).data)


class Teams(ApiView):
    """The groups that the IdP provisions as teams."""

    permissions: ClassVar = {"GET": _MANAGES}

    @extend_schema(
        operation_id="listTeams",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(TeamSerializer),
    )
    def get(self, request: Request) -> Response:
        """List teams with the role that each gives, newest first."""
        rows = Team.objects.filter(workspace=self.workspace)
        return paging.page(request, rows, TeamSerializer)


class TeamById(ApiView):
    """One team."""

    permissions: ClassVar = {"PATCH": Permission.MANAGE_MEMBERS}

    @extend_schema(
        operation_id="giveTeamRole",
        tags=TAG,
        request=TeamRoleSerializer,
        responses=TeamSerializer,
    )
    def patch(self, request: Request, teamId: uuid.UUID) -> Response:
        """Let a team give its members a role, or none. No team makes Owners."""
        team = get_object_or_404(
            Team.objects.filter(workspace=self.workspace), public_id=teamId
        )
        given = form_input.body_of(request, TeamRoleSerializer)
        form = TeamRoleForm(given, team=team)
        form_input.check(form)
        teams.give_role(team, form.chosen(), by=self.caller.membership)
        team.refresh_from_db()
        return Response(TeamSerializer(team).data)


def _shown(workspace: Workspace) -> Response:
    sync = directory_sync.of(workspace)
    body = {
        **RulesSerializer(sync or DirectorySyncModel()).data,
        "scimUrl": directory_sync.directory_of(workspace).base_url,
        "enabled": sync is not None,
    }
    return Response(body)


def _domain(view: ApiView, domain_id: uuid.UUID) -> EmailDomain:
    return get_object_or_404(
        EmailDomain.objects.select_related("workspace"),
        workspace=view.workspace,
        public_id=domain_id,
    )
