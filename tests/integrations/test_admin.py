"""The Django admin: everything to look at, nothing secret, superusers only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from urllib.parse import unquote

import pytest
from axes.models import AccessAttempt
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.management import call_command
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations.models import (
    App,
    AppAccount,
    AppEntitlement,
    Integration,
    Provisioning,
    ServiceAccount,
)
from scim.models import Resource
from tests import factories
from tests.confirming import new_code, sign_in_verified, with_authenticator
from tests.conftest import ScimClient
from tests.factories import SERVICE_PASSWORD
from tests.fakes.factors import Authenticator
from tests.integrations.connectors.manifests import shipped
from tokens.audit import Action
from tokens.models import ScimToken
from tokens.services import IssuedToken
from workspaces import leases
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    AuthenticatorApp,
    Directory,
    Job,
    Role,
    User,
    Workspace,
)

READ_ONLY = {
    "AppAccount",
    "AppEntitlement",
    "AuditEvent",
    "Change",
    "Directory",
    "GroupMember",
    "Job",
    "Provisioning",
    "Resource",
    "ScimToken",
    "ServiceAccount",
}


MOST_QUERIES = 14
"""Of any page, three of them for the session and its second factor."""

FACTORS = {
    "AuthenticatorApp",
    "CodeAttempts",
    "Passkey",
    "PasskeyChallenge",
    "PhoneDevice",
    "PhoneEnrolment",
    "PhoneNonce",
    "RecoveryCode",
    "RecoveryCodes",
}


@pytest.fixture
def root(db: None, client: Client) -> Client:
    user = factories.UserFactory(email="root@keyway.test", is_superuser=True)
    sign_in_verified(client, user)
    return client


@pytest.fixture
def issued(integration: Integration) -> IssuedToken:
    """A token of the workspace's own directory, whose value is kept sealed."""
    own = integration.workspace.directories.get(kind=Directory.Kind.DIRECTORY_SYNC)
    return factories.issue_token(own)


@pytest.fixture
def everything(
    integration: Integration, scim: ScimClient, issued: IssuedToken, client: Client
) -> None:
    """At least one row of every model."""
    user = scim.add_user(password="canary-of-a-scim-password")
    scim.add_group("Engineering", user["id"])
    now = database_now()
    account = AppAccount.objects.create(
        integration=integration,
        external_id="7",
        username="ann",
        resource=Resource.objects.get(public_id=user["id"]),
        seen_at=now,
    )
    entitlement = AppEntitlement.objects.create(
        integration=integration, kind="group", external_id="1", name="E", seen_at=now
    )
    account.entitlements.add(entitlement)
    Client().post(
        "/login/", {"username": "x@acme.test", "password": "canary-of-a-typed-password"}
    )


def models_of_admin() -> list[type[Model]]:
    return sorted(admin.site._registry, key=lambda model: model._meta.label)


def pages_of(model: type[Model]) -> Iterator[str]:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    yield reverse(f"{name}_changelist")
    for row in model._default_manager.all():
        yield reverse(f"{name}_change", args=[row.pk])
        yield reverse(f"{name}_history", args=[row.pk])


def secrets_of(issued: IssuedToken) -> dict[str, str]:
    values = {
        "service password": SERVICE_PASSWORD,
        "sealed service password": ServiceAccount.objects.get().sealed_secret,
        "token": issued.plaintext,
        "SCIM password": "canary-of-a-scim-password",
        "typed password": "canary-of-a-typed-password",
    }
    for token in ScimToken.objects.all():
        values[f"digest {token.pk}"] = token.digest
        if token.sealed_value:
            values[f"sealed value {token.pk}"] = token.sealed_value
    for user in User.objects.all():
        values[f"hash {user.pk}"] = user.password
        values[f"digest of hash {user.pk}"] = user.password.rpartition("$")[2]
    return values


def test_every_model_of_ours_can_be_looked_at() -> None:
    ours = {"integrations", "scim", "tokens", "workspaces"}

    labels = {m._meta.app_label for m in models_of_admin()}

    assert ours <= labels
    missing = [
        model.__name__
        for model in apps.get_models()
        if model._meta.app_label in ours and model not in admin.site._registry
    ]
    # What people prove themselves with is nobody else's.
    assert [name for name in missing if name not in FACTORS] == []


@pytest.mark.parametrize("model", models_of_admin(), ids=lambda m: m._meta.label)
def test_list_and_rows_open_and_show_no_secret(
    root: Client, everything: None, issued: IssuedToken, model: type[Model]
) -> None:
    hidden = secrets_of(issued)
    pages = list(pages_of(model))

    for path in pages:
        with CaptureQueriesContext(connection) as queries:
            answer = root.get(path)
        assert answer.status_code == 200, path
        assert len(queries) <= MOST_QUERIES, path
        content = answer.content.decode()
        for name, value in hidden.items():
            assert value not in content, f"{name} in {path}"

    has_rows = model._default_manager.exists()
    assert has_rows == (len(pages) > 1)


def test_no_page_has_a_field_that_holds_a_secret(
    root: Client, rf: RequestFactory
) -> None:
    """UI-14: whatever rows there are. The digests of the audit log are no secrets."""
    request = rf.get("/admin/")
    request.user = User.objects.get()
    found = []
    for model in models_of_admin():
        page = admin.site._registry[model]
        shown = [
            *flatten_fieldsets(page.get_fieldsets(request, model())),
            *page.get_list_display(request),
            *page.search_fields,
        ]
        found += [
            f"{model.__name__}.{name}"
            for name in map(str, shown)
            if "sealed" in name or "digest" in name
        ]

    assert found == ["AuditChain.digest", "AuditChain.digest", "AuditEvent.digest"]


@pytest.mark.parametrize("model", models_of_admin(), ids=lambda m: m._meta.label)
def test_search_does_not_fail(
    root: Client, everything: None, model: type[Model]
) -> None:
    path = next(pages_of(model))

    for query in ("ann", "%", "' OR 1=1 --", "é"):
        assert root.get(path, {"q": query}).status_code == 200


def test_search_does_not_look_into_secrets(
    root: Client, everything: None, issued: IssuedToken
) -> None:
    token = issued.token
    sealed = ServiceAccount.objects.get().sealed_secret

    for model, text in (
        (ScimToken, token.digest),
        (ScimToken, token.sealed_value),
        (ServiceAccount, sealed),
    ):
        answer = root.get(next(pages_of(model)), {"q": text})
        assert answer.context["cl"].result_count == 0


@pytest.mark.parametrize("column", ["digest", "sealed_value"])
def test_list_cannot_be_filtered_by_a_secret(
    root: Client, everything: None, issued: IssuedToken, column: str
) -> None:
    """A filter that says yes or no would spell the value letter by letter."""
    value = getattr(issued.token, column)

    answer = root.get("/admin/tokens/scimtoken/", {f"{column}__startswith": value[:3]})

    assert answer.status_code == 400


@pytest.mark.parametrize("name", sorted(READ_ONLY))
def test_what_only_the_product_writes_cannot_be_written_here(
    root: Client, everything: None, name: str
) -> None:
    (model,) = [m for m in models_of_admin() if m.__name__ == name]
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    assert row is not None
    before = list(model._default_manager.order_by("pk").values())

    added = root.post(reverse(f"{name}_add"), {})
    changed = root.post(reverse(f"{name}_change", args=[row.pk]), {"name": "x"})
    deleted = root.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"})
    at_once = root.post(
        reverse(f"{name}_changelist"),
        {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"},
    )

    assert {added.status_code, changed.status_code, deleted.status_code} == {403}
    assert at_once.status_code in {302, 200, 403}
    assert list(model._default_manager.order_by("pk").values()) == before


class TestTokens:
    path = "/admin/tokens/scimtoken/"

    def test_action_revokes(
        self, root: Client, integration: Integration, scim: ScimClient
    ) -> None:
        token = ScimToken.objects.get()

        answer = root.post(
            self.path,
            {"action": "revoke", "_selected_action": [token.pk], "confirmed": "1"},
            follow=True,
        )

        assert "is revoked." in answer.content.decode()
        assert scim.get("/Users").status == 401
        event = AuditEvent.objects.get(action=Action.REVOKED)
        assert event.actor_label == str(User.objects.get(email="root@keyway.test"))
        assert event.workspace == integration.workspace

    def test_action_on_several_tells_which_were_revoked_before(
        self, root: Client, integration: Integration
    ) -> None:
        tokens = [factories.issue_token(integration.directory).token for _ in range(2)]
        selected = [token.pk for token in tokens]
        revoke = {"action": "revoke", "confirmed": "1"}
        root.post(self.path, {**revoke, "_selected_action": selected[:1]})

        answer = root.post(
            self.path, {**revoke, "_selected_action": selected}, follow=True
        )

        content = answer.content.decode()
        assert "has been revoked already." in content
        assert "is revoked." in content
        assert not ScimToken.objects.filter(revoked_at=None).exists()

    def test_state_is_shown(self, root: Client, scim: ScimClient) -> None:
        assert "Active" in root.get(self.path).content.decode()


class TestCatalog:
    def form(self, manifest: object) -> dict[str, object]:
        return {"manifest": json.dumps(manifest), "is_offered": "on"}

    def test_manifest_that_works_is_saved(self, root: Client) -> None:
        app = factories.AppFactory()
        manifest = {**app.manifest, "name": "Renamed"}

        answer = root.post(
            f"/admin/integrations/app/{app.pk}/change/", self.form(manifest)
        )

        assert answer.status_code == 302
        app.refresh_from_db()
        assert app.name == app.manifest["name"] == "Renamed"
        assert app.edited_at is not None
        event = AuditEvent.objects.get(action="integrations.app.changed")
        assert event.actor_label == str(User.objects.get(email="root@keyway.test"))
        assert event.target_label == "Renamed"

    def test_new_app_is_its_manifest(self, root: Client) -> None:
        manifest = {**shipped("redmine"), "slug": "our-redmine", "name": "Our Redmine"}

        answer = root.post("/admin/integrations/app/add/", self.form(manifest))

        assert answer.status_code == 302
        app = App.objects.get(slug="our-redmine")
        assert (app.name, app.connector) == ("Our Redmine", "http")
        assert AuditEvent.objects.filter(action="integrations.app.added").exists()

    def test_says_what_is_wrong_with_a_manifest_and_where(self, root: Client) -> None:
        manifest = shipped("redmine")
        manifest["http"]["calls"]["create_account"]["body"] = "person"

        answer = root.post("/admin/integrations/app/add/", self.form(manifest))

        problem = "http.calls.create_account.body: person is not known here."
        assert problem in answer.content.decode()
        assert not App.objects.filter(slug="redmine").exists()

    @pytest.mark.parametrize(
        "text", ["{", "[" * 100_000, '{"slug": ["x"]}', '["\\u0000"]']
    )
    def test_text_that_is_no_manifest_is_refused(self, root: Client, text: str) -> None:
        answer = root.post("/admin/integrations/app/add/", {"manifest": text})

        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors["manifest"]

    def test_app_keeps_its_slug_and_no_two_have_one(self, root: Client) -> None:
        app = factories.AppFactory()
        manifest = {**app.manifest, "slug": "another"}
        path = f"/admin/integrations/app/{app.pk}/change/"

        renamed = root.post(path, self.form(manifest)).content.decode()
        doubled = root.post("/admin/integrations/app/add/", self.form(app.manifest))

        assert "slug: This must stay demo-app." in renamed
        assert "slug: Another app has demo-app." in doubled.content.decode()

    def test_release_leaves_alone_what_was_edited_and_says_so(
        self, root: Client
    ) -> None:
        call_command("load_catalog", stdout=StringIO())
        app = App.objects.get(slug="redmine")
        root.post(
            f"/admin/integrations/app/{app.pk}/change/",
            self.form({**app.manifest, "name": "Our Redmine"}),
        )
        first, second = StringIO(), StringIO()

        call_command("load_catalog", stdout=first)
        app.refresh_from_db()
        kept = app.name
        call_command("load_catalog", "--overwrite", stdout=second)
        app.refresh_from_db()

        assert "kept redmine\n" in first.getvalue()
        assert "updated demo-app\n" in first.getvalue()
        assert "load_catalog --overwrite" in first.getvalue()
        assert kept == "Our Redmine"
        assert (app.name, app.edited_at) == ("Redmine", None)
        assert "updated redmine\n" in second.getvalue()

    @pytest.mark.parametrize("manifest", [{}, [], "x", {"slug": "demo-app"}], ids=str)
    def test_manifest_that_cannot_work_is_refused_with_the_reason(
        self, root: Client, manifest: object
    ) -> None:
        app = factories.AppFactory()
        before = app.manifest

        answer = root.post(
            f"/admin/integrations/app/{app.pk}/change/", self.form(manifest)
        )

        assert answer.status_code == 200
        assert answer.context["adminform"].form.errors["manifest"]
        app.refresh_from_db()
        assert app.manifest == before


class TestPeople:
    def test_new_person_can_log_in(self, root: Client) -> None:
        answer = root.post(
            "/admin/workspaces/user/add/",
            {
                "email": "New.Person@Acme.test",
                "name": "New",
                "password1": "correct horse battery",
                "password2": "correct horse battery",
                "usable_password": "true",
            },
        )

        assert answer.status_code == 302, answer.context["adminform"].form.errors
        assert Client().login(
            request=answer.wsgi_request,
            username="new.person@acme.test",
            password="correct horse battery",
        )

    def test_two_people_cannot_have_one_address_in_two_cases(
        self, root: Client, alice: User
    ) -> None:
        answer = root.post(
            "/admin/workspaces/user/add/",
            {
                "email": "ALICE@acme.test",
                "name": "Twin",
                "password1": "correct horse battery",
                "password2": "correct horse battery",
                "usable_password": "true",
            },
        )

        assert answer.status_code == 200
        assert User.objects.filter(email_key="alice@acme.test").count() == 1

    def test_changed_address_is_compared_in_its_new_form(
        self, root: Client, alice: User
    ) -> None:
        answer = root.post(
            f"/admin/workspaces/user/{alice.pk}/change/",
            {"email": "Alice.New@acme.test", "name": "Alice", "is_active": "on"},
        )

        assert answer.status_code == 302
        alice.refresh_from_db()
        assert alice.email_key == "alice.new@acme.test"


class TestWorkspaces:
    def test_name_of_an_integration_can_be_changed(
        self, root: Client, integration: Integration
    ) -> None:
        answer = root.post(
            f"/admin/integrations/integration/{integration.pk}/change/",
            {"name": "Renamed", "identifier": ""},
        )

        assert answer.status_code == 302
        integration.refresh_from_db()
        assert integration.name == "Renamed"

    def test_name_that_is_taken_is_an_error_of_the_form(
        self, root: Client, workspace: Workspace, integration: Integration
    ) -> None:
        factories.IntegrationFactory(workspace=workspace, name="Taken")

        answer = root.post(
            f"/admin/integrations/integration/{integration.pk}/change/",
            {"name": "Taken", "identifier": ""},
        )

        assert answer.status_code == 200
        integration.refresh_from_db()
        assert integration.name == "Acme Demo"


class TestWhoMayEnter:
    pages = ("/admin/", "/admin/tokens/scimtoken/", "/admin/workspaces/user/")

    @pytest.mark.parametrize("role", Role)
    def test_no_role_of_a_workspace_opens_it(
        self, client: Client, workspace: Workspace, role: Role
    ) -> None:
        user = factories.UserFactory()
        factories.MembershipFactory(workspace=workspace, user=user, role=role)
        client.force_login(user)

        for path in self.pages:
            answer = client.get(path, follow=True)
            assert answer.status_code == 403
            assert b"You cannot open this page" in answer.content

    def test_anonymous_is_sent_to_the_portals_login(
        self, client: Client, db: None
    ) -> None:
        for path in self.pages:
            answer = client.get(path, follow=True)
            location, _ = answer.redirect_chain[-1]
            assert unquote(location) == f"/login/?next={path}"
            assert answer.status_code == 200

    def test_next_of_its_login_stays_here(self, client: Client, alice: User) -> None:
        answer = client.get("/admin/login/?next=https://evil.example/", follow=True)
        done = client.post(
            answer.redirect_chain[-1][0],
            {"username": alice.email, "password": factories.PASSWORD},
        )

        assert done.status_code == 302
        assert "evil" not in done["Location"]

    def test_ui_14_password_alone_does_not_open_it(
        self, client: Client, db: None
    ) -> None:
        """A superuser without a factor, and without a workspace, sets one up first."""
        factories.UserFactory(email="root@keyway.test", is_superuser=True)
        data = {"username": "root@keyway.test", "password": factories.PASSWORD}
        client.post("/login/?next=/admin/", data)

        for path in self.pages:
            led = client.get(path, follow=True)
            assert led.redirect_chain[-1][0] == f"/security/?next={path}"
            assert b"The administration opens after two steps." in led.content

        options = client.post("/security/passkeys/begin/").json()
        credential = json.dumps(Authenticator().create(options))
        form = {"name": "Key", "credential": credential, "next": "/admin/"}
        added = client.post("/security/passkeys/new/", form, follow=True)
        assert b'href="/admin/"' in added.content
        assert client.get("/admin/").status_code == 200
        event = AuditEvent.objects.get(action="workspaces.factor.added")
        assert event.workspace is None

    def test_ui_14_who_has_a_factor_is_asked_for_it(
        self, client: Client, alice: User, workspace: Workspace
    ) -> None:
        User.objects.filter(pk=alice.pk).update(is_superuser=True)
        app = with_authenticator(alice)
        client.force_login(alice)

        led = client.get("/admin/tokens/scimtoken/", follow=True)
        asked = "/login/second-step/?next=/admin/tokens/scimtoken/"
        assert led.redirect_chain[-1][0] == asked
        done = client.post(asked, {"factor": str(app.public_id), "code": new_code(app)})

        assert done["Location"] == "/admin/tokens/scimtoken/"
        assert client.get(done["Location"]).status_code == 200

    def test_ui_14_factor_that_is_gone_opens_nothing(self, root: Client) -> None:
        assert root.get("/admin/").status_code == 200
        AuthenticatorApp.objects.all().delete()

        assert root.get("/admin/").status_code == 302

    def test_superuser_who_is_deactivated_is_out(self, root: Client) -> None:
        assert root.get("/admin/").status_code == 200
        User.objects.filter(is_superuser=True).update(is_active=False)

        assert root.get("/admin/").status_code == 302

    def test_superuser_who_is_none_any_more_is_out(self, root: Client) -> None:
        User.objects.update(is_superuser=False)

        assert root.get("/admin/").status_code == 302

    @pytest.mark.parametrize("path", pages)
    def test_action_of_somebody_else_does_nothing(
        self, alice_client: Client, scim: ScimClient, path: str
    ) -> None:
        token = ScimToken.objects.get()

        alice_client.post(path, {"action": "revoke", "_selected_action": [token.pk]})

        token.refresh_from_db()
        assert token.revoked_at is None


def test_names_from_outside_are_escaped(
    root: Client, integration: Integration, scim: ScimClient
) -> None:
    scim.add_user("ann@acme.test", displayName="<script>alert(1)</script>")
    Provisioning.objects.update(last_error="<script>alert(2)</script>")
    job = leases.claim(worker="<script>alert(3)</script>", now=database_now())
    assert job is not None
    leases.give_up(job, "<script>alert(4)</script>", now=database_now())

    for model in (Resource, Provisioning, Job):
        for path in pages_of(model):
            assert b"<script>alert" not in root.get(path).content


def test_attempts_to_log_in_keep_no_password(root: Client, everything: None) -> None:
    assert AccessAttempt.objects.exists()
    assert "canary-of-a-typed-password" not in str(list(AccessAttempt.objects.values()))
