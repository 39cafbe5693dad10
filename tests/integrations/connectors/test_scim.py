"""The `scim` connector and apps that are as apps are: a small server each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from ipaddress import ip_network
from typing import Any

import pytest

from integrations.catalog.loader import check_manifest, shipped_manifests
from integrations.connectors.base import (
    ConnectorError,
    Misconfigured,
    PermanentFailure,
    TemporaryFailure,
)
from integrations.connectors.exchange import Exchange
from integrations.connectors.registry import connector_for
from integrations.connectors.scim.connector import ScimSession
from integrations.desired import Connection, Entitlement
from tests.fakes.json_app import Answering, Asked, JsonApp, json_app
from tests.integrations.connectors.contract import person

TOKEN = "t0ken-of-the-account"
USER: dict[str, Any] = {"id": "1", "userName": "ann@example.com", "active": True}
NO_GROUPS = {"Resources": [{"name": "User", "endpoint": "/Users"}], "totalResults": 1}

Answer = tuple[int, object]


def page(*resources: object, **members: object) -> Answer:
    return 200, {"totalResults": len(resources), "Resources": resources, **members}


def routes(found: dict[str, object | Callable[[Asked], Answer]]) -> Answering:
    """Answer by `METHOD path`; what is not there is a 404. Without groups."""
    known = {"GET /ResourceTypes": (200, NO_GROUPS), **found}

    def answering(asked: Asked) -> Answer:
        answer = known.get(f"{asked.method} {asked.path}", (404, {}))
        return answer(asked) if callable(answer) else answer  # type: ignore[return-value]

    return answering


@contextmanager
def talking_to(
    answering: Answering,
    *,
    username: str = "",
    heard: list[Exchange] | None = None,
    **settings: Any,
) -> Iterator[tuple[ScimSession, JsonApp]]:
    manifest = next(m for m in shipped_manifests() if m["slug"] == "scim-app")
    manifest["scim"] |= settings
    connector = connector_for(manifest, allowed_networks=[ip_network("127.0.0.0/8")])
    note = heard.append if heard is not None else lambda _: None
    with json_app(answering) as app:
        connection = Connection(app.base_url, username, TOKEN)
        with closing(connector.open(connection, observe=note)) as session:
            assert isinstance(session, ScimSession)
            yield session, app


class TestLogin:
    @pytest.mark.parametrize(
        ("username", "header"),
        [
            ("", f"Bearer {TOKEN}"),
            ("svc", "Basic c3ZjOnQwa2VuLW9mLXRoZS1hY2NvdW50"),
        ],
    )
    def test_goes_with_each_request(self, username: str, header: str) -> None:
        with talking_to(routes({"GET /Users": page()}), username=username) as (
            session,
            app,
        ):
            session.check()

        assert {asked.headers["authorization"] for asked in app.asked} == {header}

    def test_client_credentials_become_a_token_once(self) -> None:
        heard: list[Exchange] = []
        answering = routes(
            {
                "POST /oauth/token": (200, {"access_token": "fresh-token-1"}),
                "GET /scim/ResourceTypes": (200, NO_GROUPS),
                "GET /scim/Users": page(),
            }
        )
        with talking_to(
            answering,
            username="svc",
            heard=heard,
            path="/scim",
            token_path="/oauth/token",
            scope="scim.manage",
        ) as (session, app):
            session.log_in()
            session.check()

        asked_for_token, *others = app.asked
        assert asked_for_token.body == "grant_type=client_credentials&scope=scim.manage"
        assert {each.headers["authorization"] for each in others} == {
            "Bearer fresh-token-1"
        }
        assert "fresh-token-1" not in str(heard)
        assert TOKEN not in str(heard)

    def test_refused_token_is_named_as_such(self) -> None:
        with (
            talking_to(lambda _: (401, {"detail": f"bad {TOKEN}"})) as (session, _),
            pytest.raises(Misconfigured, match="access token") as failure,
        ):
            session.check()

        assert TOKEN not in failure.value.message


class TestDiscovery:
    def test_app_that_says_nothing_is_taken_for_one_that_can(self) -> None:
        answering = routes({"GET /ResourceTypes": (404, {}), "GET /Users": page(USER)})
        with talking_to(answering) as (session, _):
            session.check()
            told = session.limits()

        assert told == [
            "The app has no ServiceProviderConfig. Keyway takes it that the app can "
            "PATCH and filter."
        ]

    def test_app_without_groups_has_none_to_read(self) -> None:
        config = {"patch": {"supported": True}, "filter": {"supported": True}}
        answering = routes(
            {"GET /ServiceProviderConfig": (200, config), "GET /Users": page(USER)}
        )
        with talking_to(answering) as (session, app):
            assert session.limits() == ["The app has no groups."]
            assert list(session.list_entitlements()) == []
            assert [each.username for each in session.list_accounts()] == [
                "ann@example.com"
            ]

        assert not [each for each in app.asked if "Groups" in each.path]

    def test_address_without_scim_is_a_wrong_address(self) -> None:
        with (
            talking_to(lambda _: (404, {})) as (session, _),
            pytest.raises(Misconfigured, match="SCIM base URL"),
        ):
            session.check()

    def test_roles_are_those_of_the_endpoint_the_schema_or_the_manifest(self) -> None:
        value = {"name": "value", "canonicalValues": ["admin", "viewer"]}
        schema = {
            "id": "urn:ietf:params:scim:schemas:core:2.0:User",
            "attributes": [{"name": "roles", "subAttributes": [value]}],
        }
        types = [*NO_GROUPS["Resources"], {"name": "Role", "endpoint": "/Roles"}]  # type: ignore[misc]
        by_endpoint = routes(
            {
                "GET /ResourceTypes": page(*types),
                "GET /Roles": page({"id": "r1", "displayName": "Seller"}),
            }
        )
        by_schema = routes({"GET /Schemas": page(schema)})
        with talking_to(by_endpoint) as (session, _):
            assert list(session.list_entitlements()) == [
                Entitlement("role", "r1", "Seller")
            ]
        with talking_to(by_schema) as (session, _):
            assert [each.name for each in session.list_entitlements()] == [
                "admin",
                "viewer",
            ]
        with talking_to(by_schema, roles=["editor"]) as (session, _):
            assert [each.name for each in session.list_entitlements()] == ["editor"]


class TestLists:
    def test_cursor_is_followed_where_the_app_has_it(self) -> None:
        """RFC 9865: the first request has an empty cursor; the last no next one."""
        pages = {
            "": page({**USER, "id": "1"}, nextCursor="c2", totalResults=2),
            "c2": page({**USER, "id": "2"}, totalResults=2),
        }
        config = {"pagination": {"cursor": True}, "filter": {"supported": True}}
        answering = routes(
            {
                "GET /ServiceProviderConfig": (200, config),
                "GET /Users": lambda asked: pages[asked.query["cursor"]],
            }
        )
        with talking_to(answering) as (session, app):
            assert [each.external_id for each in session.list_accounts()] == ["1", "2"]

        assert not any("startIndex" in asked.query for asked in app.asked)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            pytest.param(page(USER, totalResults=2), PermanentFailure, id="same again"),
            pytest.param(page(totalResults=2), TemporaryFailure, id="too few"),
            pytest.param(page(USER, USER, totalResults=1), None, id="one twice"),
            pytest.param((200, {"totalResults": "1"}), PermanentFailure, id="a text"),
            pytest.param((200, [USER]), PermanentFailure, id="no ListResponse"),
            pytest.param(page({"userName": "x"}), PermanentFailure, id="no id"),
            pytest.param(page({"id": "1"}), PermanentFailure, id="no userName"),
            pytest.param(page({**USER, "active": 1}), PermanentFailure, id="active 1"),
            pytest.param((200, {"totalResults": 0}), None, id="no Resources for none"),
        ],
    )
    def test_list_is_whole_or_an_error(
        self, answer: Answer, error: type[ConnectorError] | None
    ) -> None:
        with talking_to(routes({"GET /Users": answer})) as (session, _):
            if error is None:
                assert len(list(session.list_accounts())) <= 1
            else:
                with pytest.raises(error):
                    list(session.list_accounts())

    def test_active_as_a_text_is_understood(self) -> None:
        user = {**USER, "active": "False"}
        with talking_to(routes({"GET /Users": page(user)})) as (session, _):
            (account,) = session.list_accounts()

        assert not account.active


class TestChanges:
    @pytest.mark.parametrize("status", [400, 409])
    def test_taken_name_is_a_duplicate(self, status: int) -> None:
        refused = (status, {"scimType": "uniqueness", "detail": "taken"})
        with (
            talking_to(routes({"POST /Users": refused})) as (session, _),
            pytest.raises(PermanentFailure, match="already has an account"),
        ):
            session.create_account(person())

    def test_apps_own_words_are_repeated(self) -> None:
        refused = (400, {"scimType": "invalidValue", "detail": "userName is too long."})
        with (
            talking_to(routes({"POST /Users": refused})) as (session, _),
            pytest.raises(PermanentFailure, match="userName is too long"),
        ):
            session.create_account(person())

    def test_what_is_not_offered_is_not_tried_again(self) -> None:
        with (
            talking_to(routes({"POST /Users": (501, {})})) as (session, _),
            pytest.raises(PermanentFailure, match="does not offer"),
        ):
            session.create_account(person())

    def test_external_id_is_the_reference_of_the_person(self) -> None:
        wanted = person()
        answering = routes({"POST /Users": (201, USER)})
        with talking_to(answering) as (session, app):
            session.create_account(wanted)

        (sent,) = [asked.body for asked in app.asked if asked.method == "POST"]
        assert isinstance(sent, dict)
        assert sent["externalId"] == wanted.external_ref
        assert sent["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:User"]

    def test_other_addresses_of_the_app_stay(self) -> None:
        user = {
            **USER,
            "emails": [
                {"value": "home@example.com", "type": "home"},
                {"value": "old@example.com", "type": "work", "primary": True},
            ],
        }
        answering = routes({"GET /Users/1": (200, user), "PATCH /Users/1": (200, user)})
        with talking_to(answering) as (session, app):
            session.update_account("1", person(email="new@example.com"))

        assert changed(app)["emails"] == [
            {"value": "new@example.com", "type": "work", "primary": True},
            {"value": "home@example.com", "type": "home"},
        ]

    def test_attribute_goes_where_the_manifest_says(self) -> None:
        urn = "urn:example:params:scim:schemas:extension:bi:2.0:User"
        answering = routes({"GET /Users/1": (200, USER), "PATCH /Users/1": (204, None)})
        with talking_to(answering, attributes={"seat": f"{urn}:seat.kind"}) as (
            session,
            app,
        ):
            session.update_account("1", person(attributes={"seat": "full"}))

        assert changed(app)[f"{urn}:seat.kind"] == "full"

    def test_attribute_that_the_app_does_not_have_is_named(self) -> None:
        with (
            talking_to(routes({})) as (session, _),
            pytest.raises(PermanentFailure, match="no attribute shoeSize"),
        ):
            session.create_account(person(attributes={"shoeSize": "42"}))

    def test_put_says_which_version_it_replaces(self) -> None:
        """Without PATCH: what somebody else changed meanwhile is not overwritten."""
        user = {**USER, "meta": {"version": 'W/"7"'}, "title": "Dr"}
        config = {"etag": {"supported": True}, "filter": {"supported": True}}
        answering = routes(
            {
                "GET /ServiceProviderConfig": (200, config),
                "GET /Users/1": (200, user),
                "PUT /Users/1": (412, {}),
            }
        )
        with talking_to(answering) as (session, app):
            with pytest.raises(TemporaryFailure, match="tries again"):
                session.deactivate_account("1")

        (put,) = [asked for asked in app.asked if asked.method == "PUT"]
        assert put.headers["if-match"] == 'W/"7"'
        assert put.body == {**USER, "active": False, "title": "Dr"}

    @pytest.mark.parametrize("key", [".", "..", ""])
    def test_key_that_would_leave_its_place_is_refused(self, key: str) -> None:
        with (
            talking_to(routes({})) as (session, app),
            pytest.raises(PermanentFailure),
        ):
            session.delete_account(key)

        assert not [asked for asked in app.asked if asked.method == "DELETE"]

    def test_key_stays_in_its_segment(self) -> None:
        answering = routes({"DELETE /Users/a%2Fb%3Fc": (204, None)})
        with talking_to(answering) as (session, app):
            session.delete_account("a/b?c")

        assert app.asked[-1].path == "/Users/a%2Fb%3Fc"


class TestRoles:
    def test_are_given_beside_those_that_are_there(self) -> None:
        user = {**USER, "roles": [{"value": "viewer", "primary": True}]}
        answering = routes({"GET /Users/1": (200, user), "PATCH /Users/1": (200, user)})
        admin = Entitlement("role", "admin", "admin")
        viewer = Entitlement("role", "viewer", "viewer")
        with talking_to(answering) as (session, app):
            session.grant("1", admin)
            given = changed(app)["roles"]
            session.revoke("1", viewer)
            taken = changed(app)["roles"]
            before = len(app.asked)
            session.grant("1", viewer)
            session.revoke("1", admin)

        assert given == [{"value": "viewer", "primary": True}, {"value": "admin"}]
        assert taken == []
        assert {asked.method for asked in app.asked[before:]} == {"GET"}


class TestManifest:
    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"scim": {"path": "scim"}}, "scim.path: This must match"),
            ({"scim": {"page_size": 0}}, "scim.page_size: "),
            ({"scim": {"attributes": {"a": "x y"}}}, "scim.attributes.a: x y is not"),
            (
                {"scim": {"token_path": "/t"}, "login_workflows": ["access_token"]},
                "scim.token_path: An OAuth client has a name and a secret.",
            ),
            ({"scim": {"colour": 1}}, "'colour' is not known here."),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(
        self, changes: dict[str, Any], said: str
    ) -> None:
        manifest = next(m for m in shipped_manifests() if m["slug"] == "scim-app")

        problems = check_manifest({**manifest, **changes})

        assert said in "\n".join(map(str, problems))

    def test_section_must_be_there(self) -> None:
        manifest = next(m for m in shipped_manifests() if m["slug"] == "scim-app")
        del manifest["scim"]

        assert [str(each) for each in check_manifest(manifest)] == [
            "manifest: 'scim' is missing."
        ]


def changed(app: JsonApp) -> dict[str, Any]:
    """Return path and value of each operation of the last PATCH."""
    body = [asked.body for asked in app.asked if asked.method == "PATCH"][-1]
    return {
        op["path"]: op["value"] for op in json.loads(json.dumps(body))["Operations"]
    }
