"""Service accounts. A password goes in and never comes out again."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import service_accounts
from integrations.api import form_input, paging
from integrations.api.base import ApiView
from integrations.api.idempotency import idempotent
from integrations.api.work_calls import JobSerializer
from integrations.forms.accounts import AddServiceAccountForm, ReplacePasswordForm
from integrations.models import ServiceAccount
from integrations.outside import origins
from workspaces.clock import database_now
from workspaces.confirmable import Subject
from workspaces.permissions import Permission

TAG = ["Service accounts"]


class ServiceAccountSerializer(serializers.Serializer):
    """A saved account of an app, without its password."""

    id = serializers.UUIDField(source="public_id")
    name = serializers.CharField()
    app = serializers.CharField(source="app.slug")
    loginWorkflow = serializers.CharField(source="login_workflow")
    username = serializers.CharField(allow_blank=True)
    origins = serializers.ListField(child=serializers.CharField())
    createdAt = serializers.DateTimeField(source="created_at")


class NewServiceAccountSerializer(serializers.Serializer):
    """A live account of an app with the app's admin role."""

    app = serializers.CharField()
    name = serializers.CharField()
    baseUrl = serializers.CharField(help_text="The only place that gets the password.")
    loginWorkflow = serializers.ChoiceField(
        choices=ServiceAccount.LoginWorkflow.choices
    )
    username = serializers.CharField(required=False)
    password = serializers.CharField(required=False)
    token = serializers.CharField(required=False)


class NewPasswordSerializer(serializers.Serializer):
    """The new password or access token, and where it may be sent."""

    password = serializers.CharField(trim_whitespace=False)
    origins = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        max_length=100,
        help_text="Out of those that the account is used at. Left out: all that the "
        "present one is for.",
    )
    baseUrl = serializers.CharField(
        required=False, help_text="Of an account that has no address yet."
    )


class ServiceAccounts(ApiView):
    """The service accounts of the workspace."""

    permissions: ClassVar = dict.fromkeys(
        ("GET", "POST"), Permission.MANAGE_SERVICE_ACCOUNTS
    )

    @extend_schema(
        operation_id="listServiceAccounts",
        tags=TAG,
        parameters=paging.PARAMETERS,
        responses=paging.paged(ServiceAccountSerializer),
    )
    def get(self, request: Request) -> Response:
        """List service accounts, newest first, without passwords."""
        rows = ServiceAccount.objects.filter(workspace=self.workspace)
        return paging.page(
            request, rows.select_related("app"), ServiceAccountSerializer
        )

    @extend_schema(
        operation_id="addServiceAccount",
        tags=TAG,
        request=NewServiceAccountSerializer,
        responses={201: ServiceAccountSerializer},
    )
    @idempotent()
    def post(self, request: Request) -> Response:
        """Save an account of an app. Its password is stored encrypted."""
        names = set(NewServiceAccountSerializer().fields)
        form = AddServiceAccountForm(form_input.as_form_data(request.data, names))
        form_input.check(form)
        given = form.cleaned_data
        made = service_accounts.add(
            self.workspace,
            app=given["app"],
            name=given["name"],
            username=given["username"],
            secret=given["password"] or given["token"],
            base_url=given["base_url"],
            actor=self.person,
            now=database_now(),
        )
        return Response(ServiceAccountSerializer(made).data, status=201)


class ServiceAccountById(ApiView):
    """One service account."""

    permissions: ClassVar = {"DELETE": Permission.MANAGE_SERVICE_ACCOUNTS}

    @extend_schema(operation_id="deleteServiceAccount", tags=TAG, responses={204: None})
    def delete(self, request: Request, accountId: uuid.UUID) -> Response:
        """Forget an account that no integration uses, and its password."""
        service_accounts.delete(_account(self, accountId), actor=self.person)
        return Response(status=204)


class Password(ApiView):
    """What a service account logs in with."""

    permissions: ClassVar = {"PUT": Permission.MANAGE_SERVICE_ACCOUNTS}

    @extend_schema(
        operation_id="replaceServiceAccountPassword",
        tags=TAG,
        request=NewPasswordSerializer,
        responses=ServiceAccountSerializer,
    )
    def put(self, request: Request, accountId: uuid.UUID) -> Response:
        """Replace the password or token, and check it where integrations use it."""
        account = _account(self, accountId)
        self.refuse_unconfirmed(
            service_accounts.REPLACE_PASSWORD,
            Subject(str(account.public_id), account.name),
        )
        wish = form_input.body_of(request, NewPasswordSerializer)
        form = ReplacePasswordForm(
            {
                "password": wish["password"],
                "origins": wish.get("origins", account.origins),
                "base_url": wish.get("baseUrl", ""),
            },
            account=account,
            origins=origins.known_for(account),
        )
        form_input.check(form)
        service_accounts.replace_password(
            account,
            secret=form.cleaned_data["password"],
            origins=form.chosen_origins(),
            actor=self.person,
            now=database_now(),
        )
        return Response(ServiceAccountSerializer(_account(self, accountId)).data)


class Check(ApiView):
    """A log-in to every app that an account is used for."""

    permissions: ClassVar = {"POST": Permission.MANAGE_SERVICE_ACCOUNTS}

    @extend_schema(
        operation_id="checkServiceAccount",
        tags=TAG,
        request=None,
        responses={201: JobSerializer},
    )
    @idempotent()
    def post(self, request: Request, accountId: uuid.UUID) -> Response:
        """Ask for a check. One that waits or runs already is the answer."""
        job = service_accounts.request_check(
            _account(self, accountId), actor=self.person, now=database_now()
        )
        return Response(JobSerializer(job).data, status=201)


def _account(view: ApiView, account_id: uuid.UUID) -> ServiceAccount:
    return get_object_or_404(
        ServiceAccount.objects.select_related("app", "workspace"),
        workspace=view.workspace,
        public_id=account_id,
    )
