"""Signing in at the workspace's provider: who comes in, how far, and who does not."""

from __future__ import annotations

import time
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from integrations.single_sign_on.signing_in import vouches_for_email
from integrations.single_sign_on.views import (
    ANSWERS_A_SECOND,
    ANSWERS_AT_ONCE,
    RATE_LIMIT,
)
from tests import factories
from tests.fakes import factors
from tests.fakes.identity_provider import Provider
from tests.scim.together import together
from tests.single_sign_on.conftest import Door, set_up
from workspaces import audit, sign_in_providers
from workspaces.clock import database_now
from workspaces.models import (
    AuditEvent,
    EmailDomain,
    Membership,
    SignInLink,
    SignInProvider,
    User,
    Workspace,
)
from workspaces.sign_in_providers import Identity, SignInRefused

SOME_TIME_AGO = int(time.time()) - 3600


def reasons() -> list[str]:
    failed = AuditEvent.objects.filter(action=audit.SignIn.FAILED).order_by("id")
    return [event.data.get("reason", "") for event in failed]


def test_member_signs_in_from_the_log_in_page(door: Door, bob: User) -> None:
    page = door.client.get("/login/?next=/security/").content.decode()
    assert "/login/sso/?next=/security/" in page

    found = door.client.post(
        "/login/sso/", {"email": "Bob@ACME.test", "next": "/security/"}
    )
    assert found.url == f"{door.path}?next=/security/"
    answer = door.sign_in("?next=/security/")

    assert answer.url == "/security/"
    assert door.client.get("/security/").status_code == 200
    link = SignInLink.objects.get()
    assert (link.user, link.subject) == (bob, "sub-of-bob")
    actions = AuditEvent.objects.order_by("id").values_list("action", flat=True)
    assert list(actions)[-2:] == [
        audit.SingleSignOn.LINKED,
        audit.SignIn.SIGNED_IN,
    ]


def test_without_a_provider_nobody_is_offered_one(client: Client, bob: User) -> None:
    assert b"/login/sso/" not in client.get("/login/").content


def test_linked_person_is_known_by_the_key_not_the_address(
    door: Door, alice: User, bob: User
) -> None:
    door.sign_in()
    door.client.logout()

    door.sign_in(email="alice@acme.test")

    assert door.client.session["_auth_user_id"] == str(bob.pk)


def test_address_may_come_from_userinfo(door: Door, bob: User) -> None:
    door.idp.userinfo = {"sub": "sub-of-bob", "email": "bob@acme.test"}

    door.sign_in(email=None)

    assert door.is_signed_in


def test_userinfo_of_somebody_else_is_refused(door: Door, bob: User) -> None:
    door.idp.userinfo = {"sub": "sub-of-alice", "email": "bob@acme.test"}

    door.sign_in(email=None)

    assert reasons() == ["userinfo_of_somebody_else"]


class TestWhoDoesNotComeIn:
    @pytest.mark.parametrize(
        ("claims", "reason"),
        [
            ({"email": "nobody@acme.test"}, "no_member"),
            ({"email": ""}, "no_member"),
            ({"email_verified": False}, "email_not_verified"),
            ({"email": "charlie@other.test"}, "no_member"),
        ],
    )
    def test_who_is_no_member(
        self, door: Door, bob: User, charlie: User, claims: Any, reason: str
    ) -> None:
        answer = door.sign_in(**claims)

        assert answer.url == "/login/"
        assert not door.is_signed_in
        assert reasons() == [reason]
        assert not SignInLink.objects.exists()

    def test_ten_13_domain_that_is_not_proven(self, door: Door, bob: User) -> None:
        EmailDomain.objects.update(proven_at=None)

        door.sign_in()

        assert reasons() == ["domain_not_proven"]
        assert "has not proven the domain" in door.told()

    def test_ten_13_domain_that_another_workspace_proved(
        self, door: Door, bob: User, other_workspace: Workspace
    ) -> None:
        """A provider of one workspace does not speak for addresses of another's."""
        EmailDomain.objects.update(workspace=other_workspace)

        door.sign_in()

        assert reasons() == ["domain_not_proven"]

    @pytest.mark.parametrize("is_linked", [False, True])
    def test_member_whom_the_idp_deactivated(
        self, door: Door, bob: User, is_linked: bool
    ) -> None:
        if is_linked:
            door.sign_in()
            door.client.logout()
        Membership.objects.filter(user=bob).update(is_active=False)

        door.sign_in()

        assert not door.is_signed_in
        assert reasons() == ["no_member"]

    def test_superuser(self, door: Door, bob: User) -> None:
        User.objects.filter(pk=bob.pk).update(is_superuser=True)

        door.sign_in()

        assert reasons() == ["no_member"]

    def test_second_identity_of_one_address(self, door: Door, bob: User) -> None:
        door.sign_in()
        door.client.logout()

        door.sign_in(sub="somebody-new-with-bobs-address")

        assert reasons() == ["linked_otherwise"]


class TestAnswerThatDoesNotFit:
    @pytest.mark.parametrize(
        ("change", "reason"),
        [
            ({"state": "of-another"}, "not_begun_here"),
            ({"state": ""}, "not_begun_here"),
            ({"iss": "https://evil.test"}, "wrong_iss"),
            ({"code": "made-up"}, "provider_invalid_grant"),
            ({"error": "access_denied"}, "provider_access_denied"),
            ({"error": "<b>%00"}, "provider_unknown"),
        ],
    )
    def test_is_refused(
        self, door: Door, bob: User, change: dict[str, str], reason: str
    ) -> None:
        answer = {**door.idp.authorize(door.begin()), **change}

        door.come_back(answer)

        assert not door.is_signed_in
        assert reasons() == [reason]

    def test_code_is_of_no_use_in_another_browser(self, door: Door, bob: User) -> None:
        answer = door.idp.authorize(door.begin())

        Client().get(f"{door.path}callback/", answer)

        assert reasons() == ["not_begun_here"]

    def test_answer_counts_once(self, door: Door, bob: User) -> None:
        answer = door.idp.authorize(door.begin())
        door.come_back({**answer, "code": "made-up"})

        door.come_back(answer)

        assert reasons() == ["provider_invalid_grant", "not_begun_here"]

    def test_answer_comes_within_ten_minutes(self, door: Door, bob: User) -> None:
        answer = door.idp.authorize(door.begin())
        session = door.client.session
        kept = session["sign_in_at_provider"]
        kept["at"] = (database_now() - timedelta(minutes=11)).isoformat()
        session["sign_in_at_provider"] = kept
        session.save()

        door.come_back(answer)

        assert reasons() == ["not_begun_here"]

    def test_token_for_another_client(self, door: Door, bob: User) -> None:
        door.sign_in(aud="another-client")

        assert reasons() == ["id_token_invalid_claim_aud"]
        assert "cannot be trusted" in door.told()

    def test_wrong_client_secret(
        self, door: Door, alice: User, bob: User, workspace: Workspace
    ) -> None:
        set_up(workspace, door.idp, actor=alice, client_secret="wrong-secret-7")

        door.sign_in()

        assert reasons() == ["provider_invalid_client"]
        assert "wrong-secret-7" not in door.told()

    def test_flood_does_not_reach_the_provider(
        self, door: Door, bob: User, provider: SignInProvider
    ) -> None:
        for _ in range(ANSWERS_AT_ONCE):
            RATE_LIMIT.take(
                f"{provider.public_id}.127.0.0.1",
                rate=ANSWERS_A_SECOND,
                burst=ANSWERS_AT_ONCE,
            )
        asked = len(door.idp.asked)

        door.sign_in()

        assert reasons() == ["too_many"]
        assert len(door.idp.asked) == asked

    @pytest.mark.parametrize("endpoint", ["token_endpoint", "jwks_uri"])
    def test_endpoint_on_an_address_that_is_not_allowed(
        self, door: Door, bob: User, provider: SignInProvider, endpoint: str
    ) -> None:
        provider.metadata[endpoint] = "https://169.254.169.254/latest"
        provider.save()

        door.sign_in()

        assert reasons() == ["no_answer"]
        assert "is not allowed" in door.told()


class TestSession:
    def test_opens_the_providers_workspace_alone(
        self, door: Door, bob: User, other_workspace: Workspace
    ) -> None:
        """The Owners of one workspace decide whom their provider vouches for."""
        Membership.objects.filter(user=bob).delete()
        for workspace in (other_workspace, door.workspace):
            factories.MembershipFactory(workspace=workspace, user=bob)
        door.sign_in()
        signed_in = AuditEvent.objects.get(action=audit.SignIn.SIGNED_IN)
        assert signed_in.workspace == door.workspace

        answer = door.client.post("/switch-workspace/", {"workspace": "other"})

        assert answer.status_code == 404

    @pytest.mark.parametrize("end", ["unlink", "delete"])
    def test_ends_with_its_link(
        self, door: Door, alice: User, bob: User, provider: SignInProvider, end: str
    ) -> None:
        door.sign_in()
        if end == "unlink":
            sign_in_providers.unlink(SignInLink.objects.get(), actor=alice)
        else:
            sign_in_providers.delete(provider, actor=alice)

        assert door.client.get("/security/").url.startswith("/login/")
        assert not door.is_signed_in

    @pytest.mark.parametrize(
        ("auth_age", "is_member_elsewhere", "is_fresh"),
        [
            (0, False, True),
            (0.5, False, True),
            (3600, False, False),
            (None, False, False),
            (0, True, False),
        ],
    )
    def test_stp_16_only_a_fresh_sign_in_of_its_own_people_stands_for_the_password(
        self,
        door: Door,
        bob: User,
        other_workspace: Workspace,
        auth_age: float | None,
        is_member_elsewhere: bool,
        is_fresh: bool,
    ) -> None:
        if is_member_elsewhere:
            factories.MembershipFactory(workspace=other_workspace, user=bob)
        now = int(time.time())
        door.sign_in(auth_time=None if auth_age is None else now - auth_age)

        answer = door.client.post("/security/authenticator-app/")

        asked_first = "/security/confirm/" in answer.url
        assert asked_first is not is_fresh


class TestSigningInAgain:
    """Who has no password proves anew at the provider who they are."""

    def test_stp_16_asks_the_provider_and_counts_as_fresh(
        self, door: Door, bob: User
    ) -> None:
        door.sign_in(auth_time=SOME_TIME_AGO)
        page = door.client.get("/security/confirm/?next=/security/passkeys/new/")
        query = "?again=1&next=/security/passkeys/new/"
        assert f"{door.path}{query}" in unescape(page.content.decode())

        url = door.begin(query)
        answer = door.come_back(door.idp.authorize(url, auth_time=int(time.time())))

        assert "prompt=login&max_age=0" in url
        assert answer.url == "/security/passkeys/new/"
        assert door.client.get(answer.url).status_code == 200

    def test_provider_that_did_not_ask_proves_nothing(
        self, door: Door, bob: User
    ) -> None:
        door.sign_in(auth_time=SOME_TIME_AGO)

        door.sign_in("?again=1", auth_time=SOME_TIME_AGO)

        answer = door.client.get("/security/passkeys/new/")
        assert answer.url.startswith("/security/confirm/")

    def test_somebody_else_is_refused(self, door: Door, alice: User, bob: User) -> None:
        door.sign_in()

        door.sign_in("?again=1", sub="sub-of-alice", email="alice@acme.test")

        assert reasons() == ["somebody_else"]
        assert door.client.session["_auth_user_id"] == str(bob.pk)

    def test_is_for_sessions_of_a_provider_only(self, door: Door, bob: User) -> None:
        door.client.force_login(bob)

        assert door.client.get(f"{door.path}?again=1").url == "/"


class TestSecondStep:
    @pytest.mark.parametrize(
        ("is_trusted", "claims", "is_asked"),
        [
            (False, {"amr": ["pwd", "mfa"]}, True),
            (True, {"amr": ["pwd"]}, True),
            (True, {"amr": ["pwd", "mfa"]}, False),
            (True, {"acr": "mfa"}, False),
            (True, {"amr": "mfa"}, True),
        ],
    )
    def test_is_asked_here_unless_the_owner_trusts_the_providers(
        self,
        door: Door,
        bob: User,
        provider: SignInProvider,
        is_trusted: bool,
        claims: Any,
        is_asked: bool,
    ) -> None:
        factors.authenticator(bob)
        SignInProvider.objects.update(trusts_second_step=is_trusted)

        answer = door.sign_in(**claims)

        assert (answer.url == "/login/second-step/") is is_asked
        assert door.is_signed_in is not is_asked

    def test_is_proven_here_in_a_session_that_stays_the_providers(
        self, door: Door, bob: User
    ) -> None:
        app = factors.authenticator(bob)
        door.sign_in("?next=/security/")

        answer = door.client.post("/login/second-step/", {"code": app.code()})

        assert answer.url == "/security/"
        assert door.client.session["vouched"]["link"] == SignInLink.objects.get().pk

    @pytest.mark.parametrize("is_trusted", [True, False])
    def test_required_one_can_be_the_providers(
        self, door: Door, bob: User, workspace: Workspace, is_trusted: bool
    ) -> None:
        Workspace.objects.update(require_two_steps=True)
        SignInProvider.objects.update(trusts_second_step=True)
        door.sign_in(amr=["mfa"])

        SignInProvider.objects.update(trusts_second_step=is_trusted)
        answer = door.client.get("/members/")

        # Members may not see the page: 403 tells that the gate let the session by.
        # At once, also in sessions that began before the Owner thought otherwise.
        assert answer.status_code == (403 if is_trusted else 302)


class TestFinding:
    @pytest.mark.parametrize(
        ("email", "words"),
        [
            ("", "Enter your email address."),
            ("bob", "Enter an email address, such as"),
            ("bob@elsewhere.test", "people of elsewhere.test"),
        ],
    )
    def test_says_what_is_missing(self, door: Door, email: str, words: str) -> None:
        answer = door.client.post("/login/sso/", {"email": email})

        assert answer.status_code == 422
        assert words in answer.content.decode()

    def test_offers_each_workspace_that_proved_the_domain(
        self,
        door: Door,
        idp: Provider,
        other_workspace: Workspace,
        charlie: User,
    ) -> None:
        now = database_now()
        EmailDomain.objects.create(
            workspace=other_workspace, name="acme.test", created_at=now, proven_at=now
        )
        set_up(other_workspace, idp, actor=charlie, name="Other ID")

        page = door.client.post("/login/sso/", {"email": "x@acme.test"})

        text = page.content.decode()
        assert "Acme with Acme ID" in text
        assert "Other with Other ID" in text

    def test_unknown_workspace_is_not_found(self, client: Client, db: None) -> None:
        path = "/login/sso/00000000-0000-4000-8000-000000000000/"

        assert client.get(path).status_code == 404
        assert client.get(f"{path}callback/").status_code == 404

    def test_who_is_signed_in_goes_home(self, door: Door, bob: User) -> None:
        door.client.force_login(bob)

        answers = [
            door.client.get(path) for path in (door.path, f"{door.path}callback/")
        ]

        assert {answer.url for answer in answers} == {"/"}


def test_break_glass_password_goes_on_working(door: Door, bob: User) -> None:
    door.client.post("/login/", {"username": bob.email, "password": factories.PASSWORD})

    assert door.is_signed_in


def test_nothing_secret_is_kept_in_the_audit_log(door: Door, bob: User) -> None:
    answer = door.sign_in()

    assert answer.status_code == 302
    written = str(list(AuditEvent.objects.values_list("data", flat=True)))
    for secret in ("secret-of-the-client-1", "code-0", "at-1", "eyJ"):
        assert secret not in written


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "a\x00b"},
        {"sub": "\ud800"},
        {"email": "bob\x00@acme.test"},
        {"email": "\ud800@acme.test"},
        {"email": ["bob@acme.test"]},
    ],
    ids=["NUL", "surrogate", "NUL in address", "surrogate in address", "list"],
)
def test_claims_that_no_database_takes_are_refused(
    door: Door, bob: User, claims: dict[str, Any]
) -> None:
    answer = door.sign_in(**claims)

    assert answer.url == "/login/"
    assert not door.is_signed_in


@pytest.mark.parametrize(
    "document", [[1], 5, "text", {"expires_in": [1]}, {"expires_in": 1e400}]
)
def test_token_response_that_is_none_is_refused(
    door: Door, bob: User, monkeypatch: pytest.MonkeyPatch, document: object
) -> None:
    monkeypatch.setattr(Provider, "_token", lambda _self, _asked: (200, document))

    assert door.sign_in().url == "/login/"
    assert reasons() == ["provider_unusable_token_response"]


@pytest.mark.django_db(transaction=True)
def test_of_two_first_sign_ins_at_once_both_come_in(
    provider: SignInProvider, bob: User
) -> None:
    identity = Identity("sub-of-bob", bob.email, False, False, None)

    def enter() -> int:
        return sign_in_providers.enter(provider, identity, now=database_now()).user_id

    assert together([enter, enter]) == [bob.pk, bob.pk]
    assert SignInLink.objects.count() == 1


@pytest.mark.parametrize("is_deleted", [True, False])
def test_answer_of_a_provider_that_was_set_aside_meanwhile_is_refused(
    provider: SignInProvider, bob: User, *, is_deleted: bool
) -> None:
    identity = Identity("sub-of-bob", bob.email, False, False, None)
    rows = SignInProvider.objects.filter(pk=provider.pk)
    _ = rows.delete() if is_deleted else rows.update(issuer="https://other.test")

    with pytest.raises(SignInRefused, match="Sign in again"):
        sign_in_providers.enter(provider, identity, now=database_now())

    assert not SignInLink.objects.exists()


@pytest.mark.parametrize(
    ("issuer", "claims", "vouches"),
    [
        ("https://id.acme.test", {}, True),
        ("https://id.acme.test", {"email_verified": "false"}, False),
        ("https://accounts.google.com", {"email_verified": True}, False),
        ("https://accounts.google.com", {"hd": "acme.test"}, True),
        (
            "https://accounts.google.com",
            {"hd": "x.test", "email_verified": False},
            False,
        ),
    ],
)
def test_address_counts_only_where_the_provider_stands_for_it(
    issuer: str, claims: dict[str, object], vouches: bool
) -> None:
    assert vouches_for_email(issuer, claims) is vouches
