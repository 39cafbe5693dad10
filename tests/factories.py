"""Things to test with. What has rules is made by the services."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import factory
from factory.django import DjangoModelFactory

from integrations import services as integration_services
from integrations.catalog.loader import shipped_manifests
from integrations.models import App, Integration, ServiceAccount
from integrations.outside import origins
from tokens import api_tokens
from tokens import services as token_services
from tokens.api_tokens import IssuedApiToken
from tokens.services import IssuedToken
from workspaces import services as workspace_services
from workspaces.clock import database_now
from workspaces.models import Directory, Membership, Role, User, Workspace
from workspaces.permissions import can

PASSWORD = "correct horse battery staple"
SERVICE_PASSWORD = "service-password-in-the-app"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@keyway.example")
    name = factory.Faker("name")

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> User:
        email = kwargs.pop("email")
        return User.objects.create_user(email, PASSWORD, **kwargs)


class WorkspaceFactory(DjangoModelFactory):
    class Meta:
        model = Workspace

    name = factory.Sequence(lambda n: f"Workspace {n}")
    slug = factory.Sequence(lambda n: f"workspace-{n}")
    owner = factory.SubFactory(UserFactory)

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Workspace:
        return workspace_services.create_workspace(**kwargs)


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    workspace = factory.SubFactory(WorkspaceFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.MEMBER


class AppFactory(DjangoModelFactory):
    class Meta:
        model = App
        django_get_or_create = ("slug",)

    slug = "demo-app"
    name = factory.LazyAttribute(lambda app: app.manifest["name"])
    connector = factory.LazyAttribute(lambda app: app.manifest["connector"])

    @factory.lazy_attribute
    def manifest(self) -> dict[str, Any]:
        return next(m for m in shipped_manifests() if m["slug"] == self.slug)


class ServiceAccountFactory(DjangoModelFactory):
    class Meta:
        model = ServiceAccount

    workspace = factory.SubFactory(WorkspaceFactory)
    app = factory.SubFactory(AppFactory)
    name = factory.Sequence(lambda n: f"svc-{n}")
    username = "svc-keyway"
    secret = SERVICE_PASSWORD
    base_url = "http://127.0.0.1:9"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> ServiceAccount:
        return integration_services.add_service_account(
            kwargs.pop("workspace"), actor=None, now=database_now(), **kwargs
        )


class IntegrationFactory(DjangoModelFactory):
    class Meta:
        model = Integration

    workspace = factory.SubFactory(WorkspaceFactory)
    service_account = factory.SubFactory(
        ServiceAccountFactory, workspace=factory.SelfAttribute("..workspace")
    )
    name = factory.Sequence(lambda n: f"Integration {n}")
    base_url = "http://127.0.0.1:9"

    @classmethod
    def _create(cls, model_class: Any, *args: Any, **kwargs: Any) -> Integration:
        # As by somebody who knows the password.
        origins.allow(kwargs["service_account"], kwargs["base_url"], actor=None)
        return integration_services.create(
            kwargs.pop("workspace"),
            app=kwargs["service_account"].app,
            actor=None,
            **kwargs,
        )


def issue_token(directory: Directory, **kwargs: Any) -> IssuedToken:
    """Return a new token of the directory with its value."""
    values = {"name": "test", "actor": None, "now": database_now(), **kwargs}
    return token_services.issue(directory, **values)


def issue_api_token(
    workspace: Workspace, role: Role = Role.OWNER, scopes: Any = api_tokens.SCOPES
) -> IssuedApiToken:
    """Return an API token of a member of the role, with its value."""
    membership = workspace.memberships.filter(role=role).first()
    if membership is None:
        membership = MembershipFactory(workspace=workspace, role=role)
    allowed = [scope for scope in scopes if can(membership, scope)]
    return api_tokens.issue(
        membership,
        name="script",
        scopes=allowed,
        lifetime=timedelta(days=90),
        now=database_now(),
    )
