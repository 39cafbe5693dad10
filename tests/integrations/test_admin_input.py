"""No input ends in a 5xx in the Django admin: it says what is wrong, or what to do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db import IntegrityError
from django.test import Client

from integrations.models import App, Integration
from tests import factories
from tests.confirming import sign_in_verified
from tests.integrations.connectors.manifests import shipped
from workspaces import superusers
from workspaces.errors import LastOwner
from workspaces.models import Membership, User, Workspace

LONG_NUMBER = "9" * 5000
TEXTS = ("", "x" * 10_000, "a\0b", LONG_NUMBER, "-1", "null", "é\N{PILE OF POO}" * 200)
"""For any field. Keys of rows are among the fields: these are nobody's."""


@pytest.fixture
def root(db: None, client: Client) -> Client:
    user = factories.UserFactory(email="root@keyway.test", is_superuser=True)
    sign_in_verified(client, user)
    client.raise_request_exception = False
    return client


def test_forms_answer_whatever_is_typed(
    root: Client, bob: User, integration: Integration
) -> None:
    member = Membership.objects.get(user=bob)
    inline = {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    forms = {
        "workspaces/user/add": ("email", "name", "password1", "usable_password"),
        f"workspaces/user/{bob.pk}/change": ("email", "name", "is_active"),
        f"workspaces/user/{bob.pk}/password": ("password1", "usable_password"),
        "workspaces/workspace/add": ("name", "slug"),
        f"workspaces/workspace/{integration.workspace_id}/change": ("name", "slug"),
        "workspaces/membership/add": ("user", "workspace", "role"),
        f"workspaces/membership/{member.pk}/change": ("role",),
        f"integrations/integration/{integration.pk}/change": ("name",),
        "integrations/app/add": ("manifest", "is_offered", "seen"),
        f"integrations/app/{integration.app_id}/change": ("manifest", "seen"),
    }

    for path, fields in forms.items():
        for text in TEXTS:
            wish = inline | dict.fromkeys(fields, text)
            status = root.post(f"/admin/{path}/", wish).status_code
            assert status in {200, 302}, (path, text[:10])


@pytest.mark.parametrize(
    ("manifest", "error"),
    [
        ('{\n  "slug": oops\n}', "line 2, column 11"),
        ('{"slug": "a", "slug": "b"}', "the same name twice"),
        ('{"slug": NaN}', "NaN is not JSON."),
        ('{"slug": 1e999}', "too large"),
        ('{"slug": ' + LONG_NUMBER + "}", "larger than 18 digits"),
        ('{"slug": "\\ud800"}', "surrogate pair"),
        ('{"slug": "\\u0000"}', "NUL character"),
        ("[" * 100_000, "nested deeper"),
        ("[]", "The manifest must be one JSON object."),
    ],
    ids=lambda text: text[:20],
)
def test_manifest_that_cannot_be_kept_is_refused_at_its_place(
    root: Client, manifest: str, error: str
) -> None:
    answer = root.post("/admin/integrations/app/add/", {"manifest": manifest})

    assert answer.status_code == 200
    (said,) = answer.context["adminform"].form.errors["manifest"]
    assert error in said


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("scim/requestrecord/?status=x", 302),
        ("workspaces/job/?kind=a%00b", 400),
        ("workspaces/job/?state__exact=a%00b", 400),
        ("workspaces/job/?subject__regex=(", 400),
        ("integrations/connectionwatch/?usual_gap=x", 400),
        (f"tokens/scimtoken/?directory__id__exact={LONG_NUMBER}", 302),
        (f"tokens/scimtoken/?directory__id__exact={'9' * 25}", 200),
        ("workspaces/user/?is_active__exact=x", 302),
        ("workspaces/user/?q=a%00b&o=x&p=-1", 200),
    ],
)
def test_filter_that_no_list_offers_is_refused(
    root: Client, query: str, status: int
) -> None:
    assert root.get(f"/admin/{query}").status_code == status


@pytest.mark.parametrize("key", ["x", "", "a\0b", "9" * 25, LONG_NUMBER])
def test_selection_that_is_none_is_said(root: Client, key: str) -> None:
    chosen = {"action": "revoke", "_selected_action": key, "confirmed": "1"}

    answer = root.post("/admin/tokens/scimtoken/", chosen, follow=True)

    assert answer.status_code == 200
    assert not any("is revoked" in str(m) for m in get_messages(answer.wsgi_request))


class TestTwoSuperusersAtOnce:
    """What the other one did between the look at the form and its answer."""

    def said(self, answer: Any) -> str:
        assert answer.status_code == 200
        return str(answer.content.decode())

    def test_manifest_of_the_other_is_not_overwritten(self, root: Client) -> None:
        app = factories.AppFactory()
        path = f"/admin/integrations/app/{app.pk}/change/"
        opened = root.get(path).context["adminform"].form.initial["seen"]
        manifest = {**shipped("demo-app"), "name": "Mine"}
        wish = {"manifest": json.dumps(manifest), "seen": opened}
        root.post(path, wish)

        theirs = {**wish, "manifest": json.dumps({**manifest, "name": "Theirs"})}
        answer = root.post(path, theirs)

        assert "Somebody else saved this app after you opened it." in self.said(answer)
        assert App.objects.get(pk=app.pk).name == "Mine"
        assert "Theirs" in answer.content.decode()

    @pytest.mark.parametrize(
        ("error", "sentence"),
        [
            (LastOwner(), "The last Owner cannot leave"),
            (IntegrityError("UNIQUE"), "Somebody else saved the same a moment before."),
            (Membership.DoesNotExist(), "This was deleted a moment before."),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_the_service_refuses_is_said(
        self,
        root: Client,
        bob: User,
        workspace: Workspace,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        sentence: str,
    ) -> None:
        def refuse(*_args: Any, **_kwargs: Any) -> None:
            raise error

        monkeypatch.setattr(superusers, "change_role", refuse)
        monkeypatch.setattr(superusers, "remove_member", refuse)
        one = f"/admin/workspaces/membership/{Membership.objects.get(user=bob).pk}"

        changed = root.post(f"{one}/change/", {"role": "admin"}, follow=True)
        deleted = root.post(f"{one}/delete/", {"post": "yes"}, follow=True)

        assert sentence in self.said(changed)
        assert sentence in self.said(deleted)
        assert Membership.objects.get(user=bob).role == "member"

    def test_password_that_was_set_meanwhile_is_kept(
        self, root: Client, bob: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        save = superusers.change_person

        def late(person: User, **kwargs: Any) -> None:
            User.objects.filter(pk=person.pk).update(password="set meanwhile")
            save(person, **kwargs)

        monkeypatch.setattr(superusers, "change_person", late)
        wish = {"email": bob.email, "name": "Bobby", "is_active": "on"}
        root.post(f"/admin/workspaces/user/{bob.pk}/change/", wish)

        bob.refresh_from_db()
        assert (bob.name, bob.password) == ("Bobby", "set meanwhile")
