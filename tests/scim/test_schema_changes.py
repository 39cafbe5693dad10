"""Changing a directory's own user schema."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from integrations.models import Provisioning
from scim import schema_changes
from scim.models import Change, Resource
from scim.protocol.user_schema import InvalidUserSchema, parse, urn_of
from scim.schema_changes import (
    Difference,
    StaleUserSchema,
    attributes_of,
    change_user_schema,
    document_with,
    holders,
    version_of,
)
from tests.conftest import JSON, ScimClient
from tests.scim.together import together
from tests.scim.urns import USER
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import AuditEvent, Directory, Job, User

FIRST: list[JSON] = [
    {"name": "costCode", "type": "string"},
    {"name": "level", "type": "string"},
    {"name": "tags", "type": "string", "multiValued": True},
]
To = Callable[..., Difference]


@pytest.fixture
def urn(directory: Directory) -> str:
    return urn_of(directory.key)


@pytest.fixture
def to(directory: Directory, alice: User) -> To:
    def change(*attributes: JSON) -> Difference:
        directory.refresh_from_db()
        return change_user_schema(
            directory,
            {"attributes": list(attributes)},
            expected_version=version_of(directory),
            actor=alice,
            now=database_now(),
        )

    return change


@pytest.fixture
def ann(to: To, urn: str, scim: ScimClient) -> str:
    to(*FIRST)
    own = {"costCode": "C7", "level": "3", "tags": ["Red"]}
    return f"/Users/{scim.add_user('ann', **{urn: own})['id']}"


def test_next_request_sees_the_schema(to: To, urn: str, scim: ScimClient) -> None:
    assert scim.get(f"/Schemas/{urn}").status == 404

    done = to(*FIRST)

    assert done == Difference(("costCode", "level", "tags"), (), ())
    assert scim.get(f"/Schemas/{urn}").status == 200
    assert scim.add_user(**{urn: {"costCode": "C7"}})[urn] == {"costCode": "C7"}


def test_removed_attribute_goes_with_its_values(
    ann: str, to: To, urn: str, scim: ScimClient
) -> None:
    etag = scim.get(ann).headers["ETag"]

    done = to(FIRST[0])

    assert done == Difference((), (), ("level", "tags"))
    answer = scim.get(ann)
    assert answer.body[urn] == {"costCode": "C7"}
    assert answer.headers["ETag"] != etag
    assert scim.get("/Users", filter=f'{urn}:level eq "3"').status == 400
    to(*FIRST)
    assert scim.get(ann).body[urn] == {"costCode": "C7"}
    assert scim.get("/Users", filter=f"{urn}:level pr").resources == []


def test_empty_schema_takes_the_extension_away(
    ann: str, to: To, urn: str, scim: ScimClient
) -> None:
    to()

    body = scim.get(ann).body
    assert body["schemas"] == [USER]
    assert urn not in body
    assert scim.get(f"/Schemas/{urn}").status == 404


@pytest.mark.parametrize(
    ("new", "value"),
    [
        ({"name": "level", "type": "integer"}, 3),
        ({"name": "level", "type": "decimal"}, 3),
        ({"name": "level", "type": "string", "multiValued": True}, ["3"]),
        ({"name": "tags", "type": "string"}, "Red"),
        ({"name": "LEVEL", "type": "string"}, "3"),
        ({"name": "level", "type": "dateTime"}, None),
        ({"name": "costCode", "type": "integer"}, None),
        ({"name": "costCode", "type": "dateTime"}, None),
        ({"name": "costCode", "type": "reference"}, None),
        ({"name": "costCode", "type": "boolean"}, None),
    ],
    ids=str,
)
def test_value_of_another_type_stays_if_it_fits(
    new: JSON, value: Any, ann: str, to: To, urn: str, scim: ScimClient
) -> None:
    to(new)

    assert scim.get(ann).body.get(urn, {}).get(new["name"]) == value
    found = scim.get("/Users", filter=f"{urn}:{new['name']} pr").resources
    assert len(found) == (value is not None)


@pytest.mark.parametrize(
    ("was", "value", "new"),
    [
        ("boolean", True, "integer"),
        ("integer", 1, "boolean"),
        ("decimal", 0, "boolean"),
        ("integer", 3, "dateTime"),
    ],
)
def test_value_does_not_become_another(
    was: str, value: Any, new: str, to: To, urn: str, scim: ScimClient
) -> None:
    to({"name": "vip", "type": was})
    user = scim.add_user(**{urn: {"vip": value}})

    to({"name": "vip", "type": new})

    assert urn not in scim.get(f"/Users/{user['id']}").body


def test_time_in_a_string_becomes_a_time(to: To, urn: str, scim: ScimClient) -> None:
    to({"name": "since"})
    user = scim.add_user(**{urn: {"since": "2024-05-01T10:00:00Z"}})

    to({"name": "since", "type": "dateTime"})

    assert urn in scim.get(f"/Users/{user['id']}").body
    earlier = f'{urn}:since lt "2024-05-01T12:00:01+02:00"'
    assert len(scim.get("/Users", filter=earlier).resources) == 1


def test_filter_follows_case_exact(
    ann: str, to: To, urn: str, scim: ScimClient
) -> None:
    query = {"filter": f'{urn}:costCode eq "c7"'}
    assert len(scim.get("/Users", **query).resources) == 1
    etag = scim.get(ann).headers["ETag"]

    to({**FIRST[0], "caseExact": True}, *FIRST[1:])

    assert scim.get("/Users", **query).resources == []
    found = scim.get("/Users", filter=f'{urn}:costCode eq "C7"').resources
    assert len(found) == 1
    assert scim.get(ann).headers["ETag"] == etag


def test_user_whom_the_change_does_not_touch_keeps_its_version(
    ann: str, to: To, scim: ScimClient
) -> None:
    other = f"/Users/{scim.add_user('bob')['id']}"
    versions = [scim.get(path).headers["ETag"] for path in (ann, other)]
    changes = Change.objects.count()

    to(*FIRST, {"name": "more"})
    Worker(threads=1).drain()

    assert [scim.get(path).headers["ETag"] for path in (ann, other)] == versions
    assert Change.objects.count() == changes


def test_lost_value_is_a_change_that_the_app_hears_of(
    ann: str, to: To, urn: str
) -> None:
    version = Provisioning.objects.get().desired_version

    to(*FIRST[1:])

    change = Change.objects.latest("id")
    assert (change.kind, change.attributes) == (Change.Kind.PATCHED, [urn])
    assert Provisioning.objects.get().desired_version == version + 1


def test_change_is_audited_by_names(ann: str, to: To, alice: User) -> None:
    to({**FIRST[0], "type": "integer"}, {"name": "more"})

    event = AuditEvent.objects.filter(action="scim.user_schema.changed").latest("id")
    assert event.actor == alice
    assert event.target_type == "directory"
    assert event.data == {
        "added": "more",
        "changed": "costCode",
        "removed": "level, tags",
    }


def test_save_without_a_change_leaves_no_trace(ann: str, to: To) -> None:
    events = AuditEvent.objects.count()

    assert not to(*reversed(FIRST))

    assert AuditEvent.objects.count() == events


def test_invalid_definition_changes_nothing(directory: Directory, to: To) -> None:
    to(*FIRST)
    before = version_of(directory)

    with pytest.raises(InvalidUserSchema):
        to({"name": "a b"})

    directory.refresh_from_db()
    assert version_of(directory) == before


def test_second_admin_does_not_overwrite_the_first(
    directory: Directory, to: To, alice: User
) -> None:
    seen = version_of(directory)
    to(*FIRST)

    with pytest.raises(StaleUserSchema):
        change_user_schema(
            directory,
            {"attributes": [{"name": "mine"}]},
            expected_version=seen,
            actor=alice,
            now=database_now(),
        )

    directory.refresh_from_db()
    assert [a.name for a in attributes_of(directory)] == ["costCode", "level", "tags"]


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_at_once_one_is_told(directory: Directory, alice: User) -> None:
    seen = version_of(directory)

    def save(name: str) -> str:
        try:
            change_user_schema(
                Directory.objects.get(pk=directory.pk),
                {"attributes": [{"name": name}]},
                expected_version=seen,
                actor=alice,
                now=database_now(),
            )
        except StaleUserSchema:
            return "stale"
        return "saved"

    outcomes = together([partial(save, name) for name in ("one", "two")])

    assert sorted(outcomes) == ["saved", "stale"]


def test_large_directory_is_brought_into_line_by_a_job(
    ann: str,
    to: To,
    urn: str,
    scim: ScimClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(schema_changes, "AT_ONCE", 0)
    monkeypatch.setattr(schema_changes, "_CHUNK", 1)
    own = {urn: {"costCode": "C7", "level": "9"}}
    paths = [ann, *(f"/Users/{scim.add_user(n, **own)['id']}" for n in "bcd")]

    to(FIRST[0])
    Worker(threads=1).drain()

    for path in paths:
        assert scim.get(path).body[urn] == {"costCode": "C7"}
    job = Job.objects.filter(kind=schema_changes.JOB).latest("id")
    assert (job.state, job.result) == (Job.State.COMPLETED, {"users": 4})


def test_job_finds_who_was_stored_with_the_schema_of_before(
    directory: Directory, ann: str, to: To, urn: str, scim: ScimClient
) -> None:
    late = Resource.objects.get()
    document, comparable = late.document, late.comparable
    to(FIRST[0])
    Resource.objects.update(document=document, comparable=comparable)

    Worker(threads=1).drain()

    assert scim.get(ann).body[urn] == {"costCode": "C7"}


def test_job_of_a_directory_that_is_gone_ends(workspace: Any) -> None:
    job = Job(subject="gone", workspace=workspace)

    assert schema_changes.carry_out(job) is None


def test_user_in_line_costs_no_write(
    directory: Directory, ann: str, django_assert_max_num_queries: Any
) -> None:
    directory.refresh_from_db()
    now = database_now()

    with django_assert_max_num_queries(2):
        assert schema_changes.fit_users(directory, now=now) == 0


def test_holders_are_counted_in_this_directory(
    directory: Directory, ann: str, scim: ScimClient, urn: str
) -> None:
    scim.add_user("bob", **{urn: {"level": "1"}})
    scim.add_user("cid")

    counted = [holders(directory, name) for name in ("costCode", "level", "nope")]
    assert counted == [1, 2, 0]


def test_document_with_another_schema_changes_nothing(
    directory: Directory, ann: str, urn: str
) -> None:
    resource = Resource.objects.get()
    attributes = parse(
        {"attributes": [{"name": "level", "type": "integer"}]}
    ).attributes

    assert document_with(resource, attributes)[urn] == {"level": 3}
    assert Resource.objects.get().document == resource.document
