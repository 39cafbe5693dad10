"""What an IdP does with people who use Redmine, whichever connector carries it out.

Each function provisions over SCIM into the integration that it is given and returns
how Redmine itself then describes these people. Two connectors that do the same leave
the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from integrations import services
from integrations.models import Integration
from tests.conftest import JSON, scim_client
from tests.real_apps import redmine
from workspaces.clock import database_now
from workspaces.management.commands.worker import Worker
from workspaces.models import Job


@dataclass(frozen=True, slots=True)
class RedminePerson:
    """An account as Redmine's own API tells of it."""

    login: str
    first_name: str
    last_name: str
    mail: str
    is_active: bool
    groups: tuple[str, ...]
    roles: tuple[str, ...]
    """`Project: Role`, in order."""


def people_come_and_go(integration: Integration) -> list[RedminePerson]:
    """Hire three, move one between groups, rename one who leaves, delete one."""
    idp = _Idp(integration)
    ann, bea, carl = (idp.hire(name, "Lee") for name in ("Ann", "Bea", "Carl"))
    idp.put_in("Editors", ann, bea)
    idp.work()

    idp.take_out("Editors", ann)
    idp.put_in("Viewers", ann)
    idp.change(bea, userName="bea.novak@example.com", name={"familyName": "Novak"})
    idp.work()

    idp.change(bea, active=False)
    idp.change(ann, active=False)
    idp.delete(carl)
    idp.work()

    idp.change(ann, active=True)
    idp.work()
    return people_of(integration)


def roles_in_projects(integration: Integration) -> list[RedminePerson]:
    """Give one person two roles, take one of them away, and give another person one."""
    idp = _Idp(integration)
    dora, eve = (idp.hire(name, "Roy") for name in ("Dora", "Eve"))
    idp.entitle(dora, "Website: Developer", "Website: Manager")
    idp.entitle(eve, "Intranet: Reporter")
    idp.work()

    idp.entitle(dora, "Website: Manager")
    idp.entitle(eve)
    idp.work()
    return people_of(integration)


def people_of(integration: Integration) -> list[RedminePerson]:
    """Return everybody in Redmine but its administrators, by login."""
    auth = (redmine.USERNAME, redmine.PASSWORD)
    with httpx2.Client(base_url=integration.base_url, auth=auth) as client:
        listed = client.get("/users.json", params={"status": "", "limit": 100}).json()
        users = [
            client.get(
                f"/users/{user['id']}.json",
                params={"include": "groups,memberships"},
            ).json()["user"]
            for user in listed["users"]
            if not user["admin"]
        ]
    return sorted(map(_person, users), key=lambda person: person.login)


def _person(user: JSON) -> RedminePerson:
    return RedminePerson(
        login=user["login"],
        first_name=user["firstname"],
        last_name=user["lastname"],
        mail=user["mail"],
        is_active=user["status"] == 1,
        groups=tuple(sorted(group["name"] for group in user["groups"])),
        roles=tuple(
            sorted(
                f"{membership['project']['name']}: {role['name']}"
                for membership in user["memberships"]
                for role in membership["roles"]
            )
        ),
    )


class _Idp:
    """Writes to the integration's gateway; `work` lets a worker carry it out."""

    def __init__(self, integration: Integration) -> None:
        self._scim = scim_client(integration.directory)
        services.request_sync(integration, actor=None, now=database_now())
        self.work()

    def hire(self, given: str, family: str) -> str:
        address = f"{given}.{family}@example.com".lower()
        made = self._scim.add_user(
            address,
            name={"givenName": given, "familyName": family},
            emails=[{"value": address, "type": "work", "primary": True}],
        )
        return str(made["id"])

    def change(self, person: str, **values: Any) -> None:
        self._patch(f"/Users/{person}", {"op": "replace", "value": values})

    def delete(self, person: str) -> None:
        assert self._scim.delete(f"/Users/{person}").status == 204

    def put_in(self, group: str, *people: str) -> None:
        members = [{"value": person} for person in people]
        self._patch(
            self._group(group), {"op": "add", "path": "members", "value": members}
        )

    def take_out(self, group: str, person: str) -> None:
        path = f'members[value eq "{person}"]'
        self._patch(self._group(group), {"op": "remove", "path": path})

    def entitle(self, person: str, *names: str) -> None:
        values = [{"value": name} for name in names]
        change = {"op": "replace", "path": "entitlements", "value": values}
        self._patch(f"/Users/{person}", change)

    def work(self) -> None:
        Worker(threads=1).drain()
        unfinished = Job.objects.exclude(state=Job.State.COMPLETED)
        assert not unfinished, [(job.kind, job.error) for job in unfinished]

    def _group(self, name: str) -> str:
        found = self._scim.get("/Groups", filter=f'displayName eq "{name}"')
        return f"/Groups/{found.resources[0]['id']}"

    def _patch(self, path: str, operation: JSON) -> None:
        answer = self._scim.patch(path, operation)
        assert answer.status < 300, answer.body
