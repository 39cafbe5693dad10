"""A token takes the place of another: at once, or after both worked for a while."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import strip_tags

from tests import factories
from tests.conftest import ScimClient
from tokens import rotation, services
from tokens.audit import Action
from tokens.errors import TokenNotActive, TokenReplaced, TooShort
from tokens.models import ScimToken, TokenState
from tokens.services import IssuedToken, Overlap
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, User

NOW = timezone.now()
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def old(directory: Directory) -> IssuedToken:
    return factories.issue_token(directory)


def rotate(
    old: ScimToken, actor: User, overlap: Overlap, now: datetime | None = None
) -> IssuedToken:
    return services.rotate(
        old.directory, old, overlap=overlap, actor=actor, now=now or database_now()
    )


def status(directory: Directory, issued: IssuedToken) -> int:
    return ScimClient(directory, issued.plaintext).get("/Users").status


def test_s0_61_new_token_works_and_the_old_one_stops_at_once(
    directory: Directory, old: IssuedToken, alice: User
) -> None:
    new = rotate(old.token, alice, Overlap.NOW)

    assert status(directory, new) == 200
    assert status(directory, old) == 401
    assert new.token.directory == directory


@pytest.mark.parametrize(
    ("overlap", "length"),
    [(Overlap.HOUR, HOUR), (Overlap.DAY, DAY), (Overlap.WEEK, 7 * DAY)],
)
def test_s0_61_both_work_until_the_overlap_ends(
    directory: Directory,
    old: IssuedToken,
    alice: User,
    overlap: Overlap,
    length: timedelta,
) -> None:
    now = database_now()

    new = rotate(old.token, alice, overlap, now)

    old.token.refresh_from_db()
    assert status(directory, new) == 200
    assert status(directory, old) == 200
    assert old.token.overlap_ends_at == now + length
    assert old.token.state(now + length - HOUR / 2).is_live
    assert old.token.state(now + length) == TokenState.REPLACED


def test_s0_126_overlap_ends_by_itself(
    directory: Directory, old: IssuedToken, alice: User
) -> None:
    rotate(old.token, alice, Overlap.HOUR)
    ScimToken.objects.filter(pk=old.token.pk).update(overlap_ends_at=database_now())

    assert status(directory, old) == 401


def test_overlap_never_prolongs_a_token(directory: Directory, alice: User) -> None:
    old = factories.issue_token(directory, lifetime=HOUR)

    rotate(old.token, alice, Overlap.WEEK)

    old.token.refresh_from_db()
    assert old.token.ends_at == old.token.expires_at


def test_s0_129_rotation_is_audited_on_both_sides(
    old: IssuedToken, alice: User
) -> None:
    new = rotate(old.token, alice, Overlap.DAY)

    event = AuditEvent.objects.get(action=Action.REPLACED)
    assert (event.actor, event.target_id) == (alice, old.token.key)
    assert event.data["replaced_by"] == new.token.key
    assert event.data["overlap"] == "24h"
    assert AuditEvent.objects.filter(
        action=Action.GENERATED, target_id=new.token.key
    ).exists()


def test_second_rotation_of_one_token_makes_none(
    directory: Directory, old: IssuedToken, alice: User
) -> None:
    new = rotate(old.token, alice, Overlap.DAY)

    with pytest.raises(TokenReplaced) as refused:
        rotate(old.token, alice, Overlap.DAY)

    assert refused.value.successor == new.token
    assert ScimToken.objects.of_directory(directory).count() == 2


@pytest.mark.parametrize("how", ["revoked", "expired"])
def test_ended_token_cannot_be_replaced(
    directory: Directory, old: IssuedToken, alice: User, how: str
) -> None:
    if how == "revoked":
        services.revoke(old.token, actor=alice, now=database_now())
    else:
        ScimToken.objects.filter(pk=old.token.pk).update(expires_at=database_now())

    with pytest.raises(TokenNotActive, match=how):
        rotate(old.token, alice, Overlap.NOW)

    assert ScimToken.objects.of_directory(directory).count() == 1


def test_token_whose_successor_is_gone_can_be_replaced_again(
    directory: Directory, old: IssuedToken, alice: User
) -> None:
    lost = rotate(old.token, alice, Overlap.DAY)
    services.revoke(lost.token, actor=alice, now=database_now())

    new = rotate(old.token, alice, Overlap.DAY)

    old.token.refresh_from_db()
    assert old.token.replaced_by == new.token
    assert status(directory, old) == status(directory, new) == 200


def test_value_kept_for_another_look_goes_with_the_token(
    workspace: object, alice: User
) -> None:
    directory = Directory.objects.get(kind=Directory.Kind.DIRECTORY_SYNC)
    now_old = factories.issue_token(directory)

    rotate(now_old.token, alice, Overlap.NOW)

    now_old.token.refresh_from_db()
    assert now_old.token.sealed_value == ""


@pytest.mark.parametrize(
    ("name", "following"),
    [
        ("IdP", "IdP 2"),
        ("IdP 2", "IdP 3"),
        ("IdP 99", "IdP 100"),
        ("x" * 100, "x" * 98 + " 2"),
        ("2", "2 2"),
    ],
)
def test_successor_is_told_from_its_forerunner_by_name(
    directory: Directory, alice: User, name: str, following: str
) -> None:
    old = factories.issue_token(directory, name=name).token

    assert rotate(old, alice, Overlap.NOW).token.name == following


@pytest.mark.parametrize("overlap", [Overlap.NOW, Overlap.DAY])
def test_tok_12_third_rotation_ends_the_oldest_at_once(
    directory: Directory, old: IssuedToken, alice: User, overlap: Overlap
) -> None:
    second = rotate(old.token, alice, Overlap.WEEK)
    assert (status(directory, old), status(directory, second)) == (200, 200)

    third = rotate(second.token, alice, overlap)

    assert status(directory, old) == 401
    assert status(directory, third) == 200
    live = ScimToken.objects.live(database_now()).count()
    assert live == (1 if overlap is Overlap.NOW else 2)
    assert AuditEvent.objects.get(action=Action.RETIRED).target_id == old.token.key


def test_tok_12_dialog_says_which_one_stops(
    directory: Directory, old: IssuedToken, alice: User, client: Client
) -> None:
    client.force_login(alice)
    path = f"/tokens/{directory.key}/{{}}/new/"
    assert "stops at once." not in words(client, path.format(old.token.key))

    second = rotate(old.token, alice, Overlap.WEEK)

    text = words(client, path.format(second.token.key))
    assert f"({old.token.hint}), which it replaced" in text


def words(client: Client, path: str) -> str:
    return " ".join(strip_tags(client.get(path).content.decode()).split())


class TestRetire:
    def test_ends_the_overlap_for_good(
        self, directory: Directory, old: IssuedToken, alice: User
    ) -> None:
        new = rotate(old.token, alice, Overlap.WEEK)

        retired = services.retire(old.token, actor=alice, now=database_now())

        assert retired.state(database_now()) == TokenState.REPLACED
        assert status(directory, old) == 401
        assert status(directory, new) == 200
        event = AuditEvent.objects.get(action=Action.RETIRED)
        assert (event.actor, event.target_id) == (alice, old.token.key)

    def test_of_a_token_that_nothing_replaced_is_refused(
        self, directory: Directory, old: IssuedToken, alice: User
    ) -> None:
        with pytest.raises(TokenNotActive, match="Revoke it instead"):
            services.retire(old.token, actor=alice, now=database_now())

        assert status(directory, old) == 200

    def test_twice_is_refused(self, old: IssuedToken, alice: User) -> None:
        rotate(old.token, alice, Overlap.WEEK)
        services.retire(old.token, actor=alice, now=database_now())

        with pytest.raises(TokenNotActive, match="replaced"):
            services.retire(old.token, actor=alice, now=database_now())


class TestChange:
    def test_names_a_token_and_sets_its_end_from_its_making(
        self, old: IssuedToken, alice: User
    ) -> None:
        changed = services.change(
            old.token, name="okta", lifetime=90 * DAY, actor=alice, now=database_now()
        )

        assert changed.name == "okta"
        assert changed.expires_at == changed.created_at + 90 * DAY
        event = AuditEvent.objects.get(action=Action.CHANGED)
        assert event.data["former_name"] == "test"

    def test_of_nothing_leaves_no_trace(self, old: IssuedToken, alice: User) -> None:
        services.change(
            old.token, name="test", lifetime=None, actor=alice, now=database_now()
        )

        assert not AuditEvent.objects.filter(action=Action.CHANGED).exists()

    def test_to_an_end_that_is_over_is_refused(
        self, old: IssuedToken, alice: User
    ) -> None:
        with pytest.raises(TooShort):
            services.change(
                old.token,
                name="x",
                lifetime=90 * DAY,
                actor=alice,
                now=database_now() + 91 * DAY,
            )

        old.token.refresh_from_db()
        assert old.token.name == "test"

    def test_of_an_ended_token_is_refused(self, old: IssuedToken, alice: User) -> None:
        services.revoke(old.token, actor=alice, now=database_now())

        with pytest.raises(TokenNotActive):
            services.change(
                old.token, name="x", lifetime=None, actor=alice, now=database_now()
            )


MINUTE = timedelta(minutes=1)
CASES = [
    pytest.param(None, None, None, False, id="neither was used"),
    pytest.param(None, MINUTE, None, True, id="old was never used"),
    pytest.param(90 * MINUTE, None, None, False, id="new was never used"),
    pytest.param(90 * MINUTE, MINUTE, None, True, id="old is quiet for over 1 h"),
    pytest.param(30 * MINUTE, MINUTE, None, False, id="interval is not known"),
    pytest.param(30 * MINUTE, MINUTE, 20 * MINUTE, True, id="quiet for the interval"),
    pytest.param(30 * MINUTE, MINUTE, 40 * MINUTE, False, id="not yet"),
    pytest.param(4 * MINUTE, MINUTE, MINUTE, False, id="at least 5 minutes"),
]


@pytest.mark.parametrize(("old_used", "new_used", "usual", "can_retire"), CASES)
def test_old_token_may_go_when_the_new_one_is_seen_and_it_is_quiet(
    old_used: timedelta | None,
    new_used: timedelta | None,
    usual: timedelta | None,
    can_retire: bool,
) -> None:
    def token(age: timedelta | None) -> ScimToken:
        return ScimToken(last_used_at=NOW - age if age else None)

    found = rotation.Rotation(token(old_used), token(new_used), usual, NOW)

    assert found.can_retire == can_retire
