"""What the `ldap` connector does in a real OpenLDAP beyond the contract."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import ldap3
import pytest

from integrations.connectors.base import PermanentFailure, Session
from integrations.connectors.exchange import Exchange
from integrations.desired import Entitlement
from tests.integrations.connectors.contract import person
from tests.integrations.connectors.directory_manifest import openldap, session_with
from tests.real_apps.slapd import BASE, Slapd

pytestmark = pytest.mark.real_app

PEOPLE = f"ou=people,{BASE}"


@pytest.fixture
def session(slapd: Slapd) -> Iterator[Session]:
    with session_with(slapd) as session:
        yield session


@pytest.fixture
def directory(slapd: Slapd) -> Iterator[Any]:
    """Another client, to see what is really there."""
    port = int(slapd.base_url.rpartition(":")[2])
    server = ldap3.Server("127.0.0.1", port, get_info=ldap3.NONE)
    client = ldap3.Connection(server, slapd.username, slapd.password)
    assert client.bind()
    yield client
    client.unbind()


def entry(directory: Any, query: str, base: str = BASE) -> dict[str, Any]:
    wanted = [ldap3.ALL_ATTRIBUTES, ldap3.ALL_OPERATIONAL_ATTRIBUTES]
    directory.search(base, query, attributes=wanted)
    (found,) = directory.response
    return found


def can_log_in(slapd: Slapd, dn: str, password: str) -> bool:
    port = int(slapd.base_url.rpartition(":")[2])
    server = ldap3.Server("127.0.0.1", port, get_info=ldap3.NONE)
    client = ldap3.Connection(server, dn, password)
    try:
        return bool(client.bind())
    finally:
        client.unbind()


def group_named(session: Session, name: str) -> Entitlement:
    return next(e for e in session.list_entitlements() if e.name == name)


@pytest.fixture
def own_group(session: Session, directory: Any) -> Iterator[Entitlement]:
    """A group of this test's own, with the placeholder in it."""
    name = f"own-{uuid4().hex[:8]}"
    nobody = {"member": f"cn=nobody,{BASE}"}
    assert directory.add(f"cn={name},ou=groups,{BASE}", "groupOfNames", nobody)
    yield group_named(session, name)
    assert directory.delete(f"cn={name},ou=groups,{BASE}")


def test_new_entry_has_a_hashed_password_and_our_reference(
    session: Session, directory: Any
) -> None:
    wanted = person()
    session.create_account(wanted)

    found = entry(directory, f"(uid={wanted.username})")["attributes"]

    assert found["userPassword"][0].startswith("{SSHA}")
    assert found["employeeNumber"] == [wanted.external_ref]
    assert found["objectClass"][-1] == "inetOrgPerson"


def test_user_name_stands_in_where_the_class_insists_on_a_name(
    session: Session,
) -> None:
    wanted = person(family_name="", display_name="")

    made = session.create_account(wanted)

    assert (made.family_name, made.display_name) == (wanted.username,) * 2


def test_update_leaves_what_the_idp_does_not_say(session: Session) -> None:
    made = session.create_account(person())
    wanted = person(made.username, family_name="", email="")

    session.update_account(made.external_id, wanted)

    found = session.get_account(made.external_id)
    assert found is not None
    assert (found.family_name, found.email) == ("Example", made.email)


def test_deactivated_account_cannot_log_in(
    session: Session, directory: Any, slapd: Slapd
) -> None:
    wanted = person()
    made = session.create_account(wanted)
    dn = entry(directory, f"(uid={wanted.username})")["dn"]
    directory.extend.standard.modify_password(user=dn, new_password="pass-of-ann-1")
    assert can_log_in(slapd, dn, "pass-of-ann-1")

    session.deactivate_account(made.external_id)
    locked = can_log_in(slapd, dn, "pass-of-ann-1")
    session.reactivate_account(made.external_id)

    assert not locked
    assert can_log_in(slapd, dn, "pass-of-ann-1")


def test_account_that_is_locked_for_wrong_passwords_is_active(
    session: Session, directory: Any
) -> None:
    wanted = person()
    made = session.create_account(wanted)
    dn = entry(directory, f"(uid={wanted.username})")["dn"]
    locked = [(ldap3.MODIFY_REPLACE, ["20260101000000Z"])]
    assert directory.modify(dn, {"pwdAccountLockedTime": locked})

    found = session.get_account(made.external_id)

    assert found is not None
    assert found.active


def test_entry_is_renamed_and_stays_in_its_groups(
    session: Session, directory: Any
) -> None:
    group = group_named(session, "engineers")
    made = session.create_account(person())
    session.grant(made.external_id, group)
    wanted = person("new,name+1=x")

    session.update_account(made.external_id, wanted)

    members = entry(directory, "(cn=engineers)")["attributes"]["member"]
    renamed = entry(directory, f"(employeeNumber={wanted.external_ref})")
    assert renamed["dn"].endswith(PEOPLE)
    assert [m for m in members if "new" in m] == [renamed["dn"]]
    assert not [m for m in members if made.username in m]
    session.delete_account(made.external_id)


def test_name_changes_only_in_its_case(session: Session) -> None:
    made = session.create_account(person())

    session.update_account(made.external_id, person(made.username.title()))

    found = session.get_account(made.external_id)
    assert found is not None
    assert found.username == made.username.title()


def test_deleted_account_leaves_no_member_behind(
    session: Session, directory: Any, own_group: Entitlement
) -> None:
    made = session.create_account(person())
    session.grant(made.external_id, own_group)

    session.delete_account(made.external_id)

    members = entry(directory, f"(cn={own_group.name})")["attributes"]["member"]
    assert members == [f"cn=nobody,{BASE}"]


def test_last_member_gives_way_to_the_placeholder(
    session: Session, directory: Any, own_group: Entitlement
) -> None:
    made = session.create_account(person())
    session.grant(made.external_id, own_group)
    nobody = {"member": [(ldap3.MODIFY_DELETE, [f"cn=nobody,{BASE}"])]}
    assert directory.modify(f"cn={own_group.name},ou=groups,{BASE}", nobody)

    session.revoke(made.external_id, own_group)

    members = entry(directory, f"(cn={own_group.name})")["attributes"]["member"]
    assert members == [f"cn=nobody,{BASE}"]


def test_last_member_stays_where_no_placeholder_is_named(
    slapd: Slapd, directory: Any
) -> None:
    manifest = openldap()
    del manifest["ldap"]["groups"][0]["placeholder"]
    dn = f"cn=lonely,ou=groups,{BASE}"
    with session_with(slapd, manifest) as session:
        made = session.create_account(person())
        member = entry(directory, f"(uid={made.username})")["dn"]
        assert directory.add(dn, "groupOfNames", {"cn": "lonely", "member": member})
        group = group_named(session, "lonely")

        with pytest.raises(PermanentFailure, match="placeholder"):
            session.revoke(made.external_id, group)

    assert directory.delete(dn)


def test_grant_follows_a_group_that_was_renamed(
    session: Session, directory: Any
) -> None:
    assert directory.add(
        f"cn=old,ou=groups,{BASE}", "groupOfNames", {"member": f"cn=nobody,{BASE}"}
    )
    group = group_named(session, "old")
    assert directory.modify_dn(f"cn=old,ou=groups,{BASE}", "cn=renamed")
    made = session.create_account(person())

    session.grant(made.external_id, group)

    found = session.get_account(made.external_id)
    assert found is not None
    assert (group.kind, group.external_id) in found.entitlements
    assert directory.delete(f"cn=renamed,ou=groups,{BASE}")


def test_grant_of_a_group_that_is_gone_is_refused(session: Session) -> None:
    made = session.create_account(person())
    gone = Entitlement("group", "00000000-0000-1000-8000-000000000000", "gone")

    with pytest.raises(PermanentFailure, match="no such account or entitlement"):
        session.grant(made.external_id, gone)
    session.revoke(made.external_id, gone)


def test_list_says_who_is_in_which_group(session: Session) -> None:
    group = group_named(session, "engineers")
    made = session.create_account(person("Ann, O'X+1 of the \\ list"))
    session.grant(made.external_id, group)

    listed = {each.external_id: each for each in session.list_accounts()}

    assert listed[made.external_id].entitlements == {(group.kind, group.external_id)}
    session.delete_account(made.external_id)


@pytest.mark.parametrize("active", ["full-time", None])
def test_activity_can_be_the_value_of_an_attribute(
    slapd: Slapd, directory: Any, active: str | None
) -> None:
    off = {"style": "attribute", "attribute": "employeeType", "inactive": "left"}
    manifest = openldap(deactivate=off | ({"active": active} if active else {}))
    with session_with(slapd, manifest) as session:
        made = session.create_account(person(active=False))
        before = entry(directory, f"(uid={made.username})")["attributes"]
        session.reactivate_account(made.external_id)
        after = entry(directory, f"(uid={made.username})")["attributes"]
        found = session.get_account(made.external_id)

    assert not made.active
    assert before["employeeType"] == ["left"]
    assert after.get("employeeType", []) == ([active] if active else [])
    assert found is not None
    assert found.active


def test_deactivated_entries_can_be_moved_aside(slapd: Slapd, directory: Any) -> None:
    inactive = f"ou=inactive,{BASE}"
    manifest = openldap(deactivate={"style": "move", "base": inactive})
    with session_with(slapd, manifest) as session:
        group = group_named(session, "engineers")
        made = session.create_account(person("moved, aside"))
        session.grant(made.external_id, group)

        session.deactivate_account(made.external_id)

        assert entry(directory, "(uid=moved, aside)")["dn"].endswith(inactive)
        assert session.find_account("moved, aside") == session.get_account(
            made.external_id
        )
        listed = [e for e in session.list_accounts() if e.username == "moved, aside"]
        assert [each.active for each in listed] == [False]
        assert listed[0].entitlements == {(group.kind, group.external_id)}
        session.reactivate_account(made.external_id)
        assert session.get_account(made.external_id) == session.find_account(
            "moved, aside"
        )
        assert entry(directory, "(uid=moved, aside)")["dn"].endswith(PEOPLE)
        session.delete_account(made.external_id)


def test_groups_can_hold_user_names(slapd: Slapd, directory: Any) -> None:
    manifest = openldap()
    manifest["ldap"]["groups"] = [
        {
            "kind": "group",
            "base": f"ou=groups,{BASE}",
            "object_class": "posixGroup",
            "member": "memberUid",
            "members": "username",
        }
    ]
    with session_with(slapd, manifest) as session:
        group = group_named(session, "shell")
        made = session.create_account(person())
        session.grant(made.external_id, group)
        wanted = person()

        session.update_account(made.external_id, wanted)

        members = entry(directory, "(cn=shell)")["attributes"]["memberUid"]
        assert members == [wanted.username]
        session.revoke(made.external_id, group)
        found = session.get_account(made.external_id)
        assert found is not None
        assert not found.entitlements


def test_attributes_of_the_user_schema_have_their_own_place(
    slapd: Slapd, directory: Any
) -> None:
    manifest = openldap(own_attributes={"floors": "roomNumber", "car": "carLicense"})
    with session_with(slapd, manifest) as session:
        wanted = person(attributes={"floors": [3, "4 left"], "car": True})
        made = session.create_account(wanted)
        first = entry(directory, f"(uid={wanted.username})")["attributes"]
        session.update_account(
            made.external_id,
            person(wanted.username, attributes={"floors": [], "car": False}),
        )
        second = entry(directory, f"(uid={wanted.username})")["attributes"]

    assert set(first["roomNumber"]) == {"3", "4 left"}
    assert first["carLicense"] == ["TRUE"]
    assert not second.get("roomNumber")
    assert second["carLicense"] == ["FALSE"]


def test_con_09_a_name_is_never_part_of_a_filter_or_a_dn(session: Session) -> None:
    """CON-09: filter and DN characters stay text."""
    bystander = session.create_account(person())
    for hostile in ("*)(uid=*", f"x,{PEOPLE}", "ann)(|(objectClass=*", "x\\2a", " x #"):
        assert session.find_account(hostile) is None
        made = session.create_account(person(hostile, given_name=hostile))
        assert session.get_account(made.external_id) == made
        session.delete_account(made.external_id)
    assert session.get_account("*") is None
    assert session.get_account(bystander.external_id) == bystander


def test_name_that_no_directory_takes_is_refused(session: Session) -> None:
    for name in ("a\x00b", "a\ud800b"):
        with pytest.raises(PermanentFailure, match="cannot be sent"):
            session.create_account(person(name))
    assert session.find_account("a\x00b") is None


def test_keyways_own_account_is_not_touched(slapd: Slapd, directory: Any) -> None:
    manifest = openldap(
        base=f"ou=services,{BASE}",
        object_classes=["organizationalRole"],
        rdn="cn",
        attributes={"username": "cn"},
    )
    with session_with(slapd, manifest) as session:
        own = session.find_account("keyway")
        assert own is not None
        for act in (session.deactivate_account, session.delete_account):
            with pytest.raises(PermanentFailure, match="Keyway works"):
                act(own.external_id)

    assert entry(directory, "(cn=keyway)")


def test_every_act_is_told_without_secrets(slapd: Slapd) -> None:
    told: list[Exchange] = []
    with session_with(slapd, observe=told.append) as session:
        made = session.create_account(person())
        session.deactivate_account(made.external_id)

    methods = [each.method for each in told]
    assert methods[:3] == ["BIND", "ADD", "PASSWORD"]
    assert methods[-1] == "MODIFY"
    assert told[0].is_login
    assert [each.status for each in told] == [0] * len(told)
    added = told[1]
    assert added.path == f"uid={made.username},{PEOPLE}"
    assert json.loads(added.request_body)["mail"] == [made.email]
    told_of = "".join(f"{e.path}{e.request_body}{e.answer_body}{e.error}" for e in told)
    assert slapd.password not in told_of
    assert "-aA1" not in told_of
