"""Secrets at rest: bound to their place, their key and every bit of themselves."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from django.test import override_settings

from integrations.models import ServiceAccount
from tests import factories
from workspaces import secrets
from workspaces.models import Workspace
from workspaces.secrets import Address, UnreadableSecret

ADDRESS = Address("tenant", "table", "row", "column")
SECRET = "päss-wörd-of-a-service"
FIRST, SECOND = b"1" * 32, b"2" * 32


def test_comes_back_as_it_was() -> None:
    assert secrets.decrypt(secrets.encrypt(SECRET, ADDRESS), ADDRESS) == SECRET


def test_empty_secret_comes_back_too() -> None:
    assert secrets.decrypt(secrets.encrypt("", ADDRESS), ADDRESS) == ""


def test_does_not_hold_the_plaintext() -> None:
    sealed = secrets.encrypt(SECRET, ADDRESS)

    assert SECRET not in sealed
    assert SECRET.encode() not in base64.urlsafe_b64decode(sealed.split(".")[2])


def test_no_two_seals_are_alike() -> None:
    sealed = {secrets.encrypt(SECRET, ADDRESS) for _ in range(100)}

    assert len(sealed) == 100


@pytest.mark.parametrize("part", ["workspace", "table", "row", "column"])
def test_does_not_open_elsewhere(part: str) -> None:
    sealed = secrets.encrypt(SECRET, ADDRESS)

    with pytest.raises(UnreadableSecret):
        secrets.decrypt(sealed, replace(ADDRESS, **{part: "other"}))


def test_parts_of_an_address_do_not_run_together() -> None:
    sealed = secrets.encrypt(SECRET, Address("a", "bc", "d", "e"))

    with pytest.raises(UnreadableSecret):
        secrets.decrypt(sealed, Address("ab", "c", "d", "e"))


def test_any_changed_bit_is_noticed() -> None:
    version, number, encoded = secrets.encrypt(SECRET, ADDRESS).split(".")
    data = base64.urlsafe_b64decode(encoded)

    for place in range(len(data) * 8):
        changed = bytearray(data)
        changed[place // 8] ^= 1 << place % 8
        value = f"{version}.{number}.{base64.urlsafe_b64encode(changed).decode()}"
        with pytest.raises(UnreadableSecret):
            secrets.decrypt(value, ADDRESS)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain text",
        "v1.1.",
        "v1.1.AAAA",
        "v1.1.*",
        "v1.x.AAAA",
        "v1.1.AAAA.AAAA",
        "v1.1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ],
)
def test_what_was_never_sealed_is_unreadable(value: str) -> None:
    with pytest.raises(UnreadableSecret) as failure:
        secrets.decrypt(value, ADDRESS)

    assert failure.value.__suppress_context__


def test_other_version_is_unreadable() -> None:
    sealed = secrets.encrypt(SECRET, ADDRESS).replace("v1.", "v2.", 1)

    with pytest.raises(UnreadableSecret, match="format"):
        secrets.decrypt(sealed, ADDRESS)


class TestKeyRing:
    def test_new_values_use_the_highest_key_and_old_ones_stay_readable(self) -> None:
        with override_settings(KEYWAY_ENCRYPTION_KEYS={1: FIRST}):
            old = secrets.encrypt(SECRET, ADDRESS)
        with override_settings(KEYWAY_ENCRYPTION_KEYS={1: FIRST, 2: SECOND}):
            new = secrets.encrypt(SECRET, ADDRESS)

            assert old.startswith("v1.1.")
            assert new.startswith("v1.2.")
            assert secrets.decrypt(old, ADDRESS) == SECRET
            assert secrets.decrypt(new, ADDRESS) == SECRET

    def test_missing_key_is_named(self) -> None:
        with override_settings(KEYWAY_ENCRYPTION_KEYS={1: FIRST}):
            sealed = secrets.encrypt(SECRET, ADDRESS)

        with (
            override_settings(KEYWAY_ENCRYPTION_KEYS={2: SECOND}),
            pytest.raises(UnreadableSecret, match="KEYWAY_ENCRYPTION_KEYS"),
        ):
            secrets.decrypt(sealed, ADDRESS)

    def test_number_of_another_key_does_not_help(self) -> None:
        with override_settings(KEYWAY_ENCRYPTION_KEYS={1: FIRST, 2: FIRST}):
            sealed = secrets.encrypt(SECRET, ADDRESS).replace("v1.2.", "v1.1.", 1)

            with pytest.raises(UnreadableSecret):
                secrets.decrypt(sealed, ADDRESS)


class TestServiceAccount:
    def test_is_stored_sealed(self, workspace: Workspace) -> None:
        account = factories.ServiceAccountFactory(workspace=workspace, secret=SECRET)

        stored = ServiceAccount.objects.filter(pk=account.pk).values().get()

        assert SECRET not in str(stored)
        assert secrets.decrypt(stored["sealed_secret"], account.secret_address)

    def test_does_not_open_in_another_row_or_tenant(
        self, workspace: Workspace, other_workspace: Workspace
    ) -> None:
        mine = factories.ServiceAccountFactory(workspace=workspace)
        twin = factories.ServiceAccountFactory(workspace=workspace)
        theirs = factories.ServiceAccountFactory(workspace=other_workspace)

        for account in (twin, theirs):
            with pytest.raises(UnreadableSecret):
                secrets.decrypt(mine.sealed_secret, account.secret_address)

    def test_address_survives_a_rename(self, workspace: Workspace) -> None:
        account = factories.ServiceAccountFactory(workspace=workspace, secret=SECRET)
        account.name, account.username = "renamed", "renamed"
        account.save()

        account.refresh_from_db()

        assert secrets.decrypt(account.sealed_secret, account.secret_address) == SECRET
