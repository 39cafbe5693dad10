"""What a token may do, from where, and for whom."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from scim import records
from scim.models import RequestRecord, Resource
from tests import factories
from tests.conftest import Answer, ScimClient
from tests.scim.counting import statements
from tests.scim.test_errors import assert_is_scim_error
from tokens import services, usage
from tokens.audit import Action
from tokens.limits import Limits, NetworkRule, NoNetwork, learnt_networks, read_networks
from tokens.models import ScimToken
from tokens.services import IssuedToken, Overlap
from workspaces.clock import database_now
from workspaces.models import AuditEvent, Directory, User

HOME, ELSEWHERE = "127.0.0.1", "203.0.113.9"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@pytest.fixture(autouse=True)
def no_record_of_other_tests() -> None:
    records._waiting.clear()


@pytest.fixture
def limited(directory: Directory) -> Callable[..., ScimClient]:
    """Return a client of the directory whose token has limits."""

    def make(**limits: Any) -> ScimClient:
        issued = factories.issue_token(directory, limits=Limits(**limits))
        return ScimClient(directory, issued.plaintext)

    return make


@pytest.fixture
def issued(directory: Directory) -> IssuedToken:
    return factories.issue_token(directory)


def path_of(token: ScimToken) -> str:
    return f"/tokens/{token.directory.key}/{token.key}/limit/"


def given(**changes: str) -> dict[str, str]:
    return {
        "access": "full",
        "network_rule": "any",
        "networks": "",
        "email_domains": "",
        **changes,
    }


WRITES: dict[str, Callable[[ScimClient, str], Answer]] = {
    "create": lambda scim, _: scim.post("/Users", {"userName": "zoe@acme.test"}),
    "replace": lambda scim, ann: scim.put(f"/Users/{ann}", {"userName": "ann"}),
    "patch": lambda scim, ann: scim.patch(
        f"/Users/{ann}", {"op": "replace", "path": "active", "value": False}
    ),
    "delete": lambda scim, ann: scim.delete(f"/Users/{ann}"),
    "bulk": lambda scim, _: scim.post("/Bulk", {"schemas": [BULK], "Operations": []}),
}


@pytest.mark.parametrize("write", WRITES)
def test_read_only_token_writes_nothing_and_reads_all(
    scim: ScimClient, limited: Callable[..., ScimClient], write: str
) -> None:
    ann = scim.add_user("ann@acme.test")
    reader = limited(is_read_only=True)

    refused = WRITES[write](reader, ann["id"])

    assert refused.status == 403
    assert_is_scim_error(refused)
    assert "may only read" in refused.body["detail"]
    assert scim.get(f"/Users/{ann['id']}").body == ann
    assert reader.get(f"/Users/{ann['id']}").status == 200
    assert reader.post("/Users/.search", {"count": 1}).status == 200
    assert reader.post("/.search", {"count": 1}).status == 200


def test_address_that_is_not_allowed_reads_nothing(
    limited: Callable[..., ScimClient], directory: Directory
) -> None:
    scim = limited(network_rule=NetworkRule.ENFORCE, networks=("10.0.0.0/8",))

    refused = scim.get("/Users")

    assert refused.status == 403
    assert_is_scim_error(refused)
    assert "may not be used from 127.0.0.1" in refused.body["detail"]
    event = AuditEvent.objects.get(action=Action.REFUSED)
    assert event.data["reason"] == "Address not allowed"
    assert event.address == HOME


@pytest.mark.parametrize(
    "limits",
    [
        {"network_rule": NetworkRule.ENFORCE, "networks": ("127.0.0.0/24",)},
        {"network_rule": NetworkRule.REPORT, "networks": ("10.0.0.0/8",)},
        {"network_rule": NetworkRule.ANY, "networks": ("10.0.0.0/8",)},
    ],
    ids=["listed", "report first", "any"],
)
def test_address_is_let_through(
    limited: Callable[..., ScimClient], limits: dict[str, Any]
) -> None:
    assert limited(**limits).get("/Users").status == 200


@pytest.mark.parametrize(
    ("address", "is_covered"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("11.0.0.1", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
        (None, False),
    ],
)
def test_range_covers_addresses(address: str | None, is_covered: bool) -> None:
    limits = Limits(networks=("10.0.0.0/8", "2001:db8::/32"))

    assert limits.covers(address) is is_covered


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("203.0.113.7", ["203.0.113.7"]),
        ("203.0.113.7/24, 203.0.113.0/24", ["203.0.113.0/24"]),
        ("10.0.0.0/8\n2001:DB8::1", ["10.0.0.0/8", "2001:db8::1"]),
        ("", []),
    ],
)
def test_networks_are_read(text: str, networks: list[str]) -> None:
    assert read_networks(text) == networks


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(NoNetwork, match=r"“office” is no address or range. Enter one"):
        read_networks("10.0.0.1 office")


class TestDomains:
    @pytest.mark.parametrize(
        "user",
        [
            {"userName": "zoe@other.test"},
            {"userName": "zoe", "emails": [{"value": "zoe@other.test"}]},
            {"userName": "zoe@acme.test", "emails": [{"value": "zoe@OTHER.test"}]},
        ],
    )
    def test_user_of_another_domain_is_refused_by_name(
        self, limited: Callable[..., ScimClient], user: dict[str, Any]
    ) -> None:
        scim = limited(email_domains=("acme.test",))

        refused = scim.post("/Users", user)

        assert refused.status == 403
        assert_is_scim_error(refused)
        assert (
            refused.body["detail"]
            == "This token may not write users of other.test, only of acme.test."
        )
        assert scim.get("/Users").body["totalResults"] == 0

    def test_user_without_an_address_is_refused(
        self, limited: Callable[..., ScimClient]
    ) -> None:
        refused = limited(email_domains=("acme.test",)).post(
            "/Users", {"userName": "zoe"}
        )

        assert refused.status == 403
        assert "no email address" in refused.body["detail"]

    @pytest.mark.parametrize("write", ["replace", "patch", "delete"])
    def test_user_of_another_domain_cannot_be_touched(
        self, scim: ScimClient, limited: Callable[..., ScimClient], write: str
    ) -> None:
        theirs = scim.add_user("ann@other.test")
        ours = {"userName": "ann@acme.test"}
        narrow = limited(email_domains=("acme.test",))

        if write == "replace":
            refused = narrow.put(f"/Users/{theirs['id']}", ours)
        else:
            refused = WRITES[write](narrow, theirs["id"])

        assert refused.status == 403
        assert scim.get(f"/Users/{theirs['id']}").body == theirs

    def test_inactive_user_of_another_domain_cannot_be_brought_back(
        self, scim: ScimClient, limited: Callable[..., ScimClient]
    ) -> None:
        theirs = scim.add_user("ann@other.test", externalId="7", active=False)
        narrow = limited(email_domains=("acme.test",))

        refused = narrow.post(
            "/Users", {"userName": "ann@acme.test", "externalId": "7"}
        )

        assert refused.status == 403
        assert Resource.objects.get(public_id=theirs["id"]).active is False

    def test_user_of_a_listed_domain_is_written(
        self, limited: Callable[..., ScimClient]
    ) -> None:
        scim = limited(email_domains=("acme.test", "acme.example"))
        ann = scim.add_user("ann@acme.test")

        moved = scim.put(f"/Users/{ann['id']}", {"userName": "ann@acme.example"})

        assert moved.status == 200
        assert scim.delete(f"/Users/{ann['id']}").status == 204


def test_limits_cost_no_query(limited: Callable[..., ScimClient]) -> None:
    scim = limited(
        network_rule=NetworkRule.ENFORCE,
        networks=("127.0.0.1",),
        email_domains=("acme.test",),
    )
    scim.get("/Schemas")

    with statements() as found:
        assert scim.get("/Schemas").status == 200

    assert len(found) == 1


def test_successor_keeps_the_limits(directory: Directory, alice: User) -> None:
    limits = Limits(is_read_only=True, email_domains=("acme.test",))
    old = factories.issue_token(directory, limits=limits).token

    new = services.rotate(
        directory, old, overlap=Overlap.DAY, actor=alice, now=database_now()
    )

    assert new.token.limits == limits


@pytest.mark.parametrize(
    ("seen", "offered"),
    [
        ([], []),
        (["203.0.113.7", "203.0.113.9"], ["203.0.113.7", "203.0.113.9"]),
        (
            ["203.0.113.7", "192.0.2.1", "203.0.113.9", "203.0.113.200"],
            ["203.0.113.0/24", "192.0.2.1"],
        ),
        (["2001:db8:0:1::5"], ["2001:db8:0:1::5"]),
        (["2001:db8:0:1::5", "2001:db8:0:1::9"], ["2001:db8:0:1::/64"]),
    ],
)
def test_pools_are_learnt_as_ranges(seen: list[str], offered: list[str]) -> None:
    assert learnt_networks(seen) == offered


def test_addresses_are_learnt_from_the_requests_of_the_token(
    scim: ScimClient, issued: IssuedToken
) -> None:
    now = database_now()
    scim.get("/Users")
    mine = ScimClient(scim.directory, issued.plaintext)
    for _ in range(3):
        mine.get("/Users")
    records.flush()
    oldest = RequestRecord.objects.filter(token_key=issued.token.key).earliest("id")
    RequestRecord.objects.filter(pk=oldest.pk).update(
        address=ELSEWHERE, at=now - timedelta(days=40)
    )

    uses = usage.uses_of(issued.token, since=now - timedelta(days=30))

    assert [(use.address, use.requests) for use in uses] == [(HOME, 2)]


class TestPage:
    def test_addresses_are_offered_and_then_enforced(
        self, alice_client: Client, issued: IssuedToken
    ) -> None:
        scim = ScimClient(issued.token.directory, issued.plaintext)
        scim.get("/Users")
        records.flush()
        path = path_of(issued.token)

        page = alice_client.get(path)
        assert "1 address in the last 30 days" in page.text
        assert "Not listed" in page.text
        offered = alice_client.get(f"{path}?allow=used").context["form"].initial
        assert (offered["network_rule"], offered["networks"]) == ("report", HOME)

        networks = given(network_rule="enforce", networks="10.0.0.0/8")
        answer = alice_client.post(path, networks, follow=True)

        assert "The limits of test are saved." in answer.text
        assert "1 network" in answer.text
        assert scim.get("/Users").status == 403

    def test_change_is_in_the_audit_log_once(
        self, alice_client: Client, alice: User, issued: IssuedToken
    ) -> None:
        for _ in range(2):
            alice_client.post(
                path_of(issued.token),
                given(access="read", email_domains="ACME.test, acme.example"),
            )

        event = AuditEvent.objects.get(action=Action.LIMITED)
        assert event.actor == alice
        assert event.data == {
            "directory": issued.token.directory.key,
            "access": "read",
            "network_rule": "any",
            "networks": "",
            "email_domains": "acme.test acme.example",
        }

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"network_rule": "enforce"}, "Enter at least one network, or choose"),
            ({"networks": "office"}, "“office” is no address or range."),
            (
                {
                    "networks": "10.0.0.1 " * 50
                    + " ".join(f"10.0.1.{n}" for n in range(50))
                },
                "Enter at most 50 networks.",
            ),
            ({"email_domains": "@acme.test"}, "has an @"),
            ({"access": "all"}, "Choose one of the two."),
            ({"network_rule": "none"}, "Choose one of the rules"),
        ],
    )
    def test_what_is_wrong_is_said(
        self,
        alice_client: Client,
        issued: IssuedToken,
        changes: dict[str, str],
        words: str,
    ) -> None:
        answer = alice_client.post(path_of(issued.token), given(**changes))

        assert answer.status_code == 422
        assert words in answer.text

    def test_token_that_has_ended_says_so(
        self, alice_client: Client, issued: IssuedToken
    ) -> None:
        services.revoke(issued.token, actor=None, now=database_now())

        answer = alice_client.post(
            path_of(issued.token), given(access="read"), follow=True
        )

        assert "test has ended: revoked." in answer.text

    def test_another_tenants_token_is_not_found(
        self, alice_client: Client, other_scim: ScimClient
    ) -> None:
        theirs = ScimToken.objects.get(directory=other_scim.directory)

        assert alice_client.get(path_of(theirs)).status_code == 404
