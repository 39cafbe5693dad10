"""The `keyway` command line, over the management API."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from typing import Any

import click

from config.cli import credentials, following
from config.cli.api import Api
from config.cli.errors import Refused
from config.cli.naming import integration_path, token_path, webhook_path
from config.cli.output import line, show

TOKEN_COLUMNS = ("id", "name", "hint", "state", "createdAt", "endsAt", "lastUsedAt")
INTEGRATION_COLUMNS = ("key", "name", "app", "status", "lastSyncedAt")
INTEGRATION_FACTS = (
    *("key", "name", "app", "status", "statusReason", "gatewayUrl", "baseUrl"),
    *("identifier", "syncSchedule", "onUnassign", "pausedAt", "lastSyncedAt"),
)
JOB_FACTS = ("id", "state", "createdAt", "startedAt", "endedAt", "error")
WEBHOOK_COLUMNS = ("id", "url", "failingSince", "turnedOffAt")
DELIVERY_FACTS = (
    *("id", "event", "state", "status", "milliseconds", "attempts", "error"),
    "attemptedAt",
)
POLICY_FACTS = ("defaultDays", "longestDays", "longestOverlapHours", "remindDays")
LOG_COLUMNS = ("at", "kind", "status", "what")
OVERLAPS = ("now", "1h", "24h", "7d")

output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="How to print the answer.",
)
wait_option = click.option(
    "--wait", is_flag=True, help="Return once it is over; exit code 1 if it failed."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def keyway() -> None:
    """Tokens, integrations, syncs and webhooks of a Keyway workspace.

    INTEGRATION is a key, or a name that only one has. TOKEN_ID likewise.
    """


def _api() -> Api:
    """Return the API as whoever is logged in; it hangs up when the command ends."""
    return click.get_current_context().with_resource(Api(credentials.load()))


@keyway.command()
@click.option(
    "--url",
    prompt="Address of Keyway",
    envvar="KEYWAY_URL",
    help="Such as https://keyway.example.com.",
)
def login(url: str) -> None:
    """Check an API token, and keep it for later in a file that only you can read.

    The token is asked for, or comes from KEYWAY_API_TOKEN. It is no argument: those are
    in lists of processes.
    """
    token = os.environ.get("KEYWAY_API_TOKEN")
    given = credentials.checked(
        url, token or click.prompt("API token", hide_input=True)
    )
    with Api(given) as api:
        me = api.get("/user/users/me")
    path = credentials.save(given)
    click.echo(f"You are {me['email']} in {me['currentOrg']['name']}. Kept in {path}.")


@keyway.command()
def logout() -> None:
    """Forget the kept API token. It goes on working elsewhere."""
    forgotten = credentials.forget()
    click.echo("Forgotten." if forgotten else "Nothing was kept.")


@keyway.group()
def integrations() -> None:
    """Look at integrations."""


@integrations.command("list")
@output_option
def list_integrations(output: str) -> None:
    """List integrations, newest first."""
    rows = list(_api().pages("/v1/integrations"))
    show(rows, INTEGRATION_COLUMNS, output=output)


@integrations.command("show")
@click.argument("integration")
@output_option
def show_integration(integration: str, output: str) -> None:
    """Show the integration of this key or name."""
    api = _api()
    found = api.get(integration_path(api, integration))
    show(found, INTEGRATION_FACTS, output=output)


@keyway.group()
def tokens() -> None:
    """Generate, replace and revoke the SCIM tokens of an integration."""


@tokens.command("list")
@click.argument("integration")
@output_option
def list_tokens(integration: str, output: str) -> None:
    """List the tokens of an integration, without values."""
    api = _api()
    found = api.pages(f"{integration_path(api, integration)}/tokens")
    show(list(found), TOKEN_COLUMNS, output=output)


@tokens.command()
@click.argument("integration")
@output_option
def generate(integration: str, output: str) -> None:
    """Generate the first token, and print its value this once."""
    api = _api()
    path = f"{integration_path(api, integration)}/tokens"
    _show_once(api.post(path), output)


@tokens.command()
@click.argument("integration")
@click.argument("token_id")
@click.option(
    "--overlap",
    type=click.Choice(OVERLAPS),
    default="now",
    show_default=True,
    help="How long the old token goes on working.",
)
@output_option
def rotate(integration: str, token_id: str, overlap: str, output: str) -> None:
    """Make the token that takes the place of one, and print its value this once."""
    api = _api()
    path = f"{token_path(api, integration, token_id)}/rotate"
    _show_once(api.post(path, {"overlap": overlap}), output)


@tokens.command()
@click.argument("integration")
@click.argument("token_id")
@click.confirmation_option(
    prompt="Your IdP can no longer provision with this token. Revoke it?"
)
def revoke(integration: str, token_id: str) -> None:
    """Revoke a token: it stops at once, for good."""
    api = _api()
    api.delete(token_path(api, integration, token_id))
    click.echo("Revoked.")


def _show_once(made: dict[str, Any], output: str) -> None:
    """Print a new token: its value alone on stdout, so that a script can take it."""
    if output == "json":
        show(made, (), output=output)
        return
    click.echo(f"{made['hint']} ({made['id']}). Shown once: keep it now.", err=True)
    click.echo(made["token"])


@keyway.group()
def sync() -> None:
    """Read users, roles and entitlements from the app."""


@sync.command()
@click.argument("integration")
@wait_option
@output_option
def start(integration: str, output: str, *, wait: bool) -> None:
    """Start a sync. One that waits or runs already is joined."""
    api = _api()
    path = f"{integration_path(api, integration)}/syncs"
    _show_sync(api, api.post(path), output, wait=wait)


@sync.command()
@click.argument("integration")
@wait_option
@output_option
def status(integration: str, output: str, *, wait: bool) -> None:
    """Show the newest sync."""
    api = _api()
    path = f"{integration_path(api, integration)}/syncs"
    newest = api.get(path, limit="1")["data"]
    if not newest:
        raise Refused("No sync yet. Start one with `keyway sync start`.")
    _show_sync(api, newest[0], output, wait=wait)


def _show_sync(api: Api, job: dict[str, Any], output: str, *, wait: bool) -> None:
    if wait:
        job = following.until_over(api, job)
    show(job, JOB_FACTS, output=output)
    if wait and job["state"] != "completed":
        why = job["error"] or "Look at it in the portal."
        raise Refused(f"The sync is {job['state'].replace('_', ' ')}. {why}")


@keyway.group()
def webhooks() -> None:
    """Look at webhooks, and try them."""


@webhooks.command("list")
@output_option
def list_webhooks(output: str) -> None:
    """List the endpoints that hear of events, newest first."""
    show(list(_api().pages("/v1/webhooks")), WEBHOOK_COLUMNS, output=output)


@webhooks.command("test")
@click.argument("webhook")
@wait_option
@output_option
def try_webhook(webhook: str, output: str, *, wait: bool) -> None:
    """Send a test to the webhook of this id or address."""
    api = _api()
    path = webhook_path(api, webhook)
    sent = api.post(f"{path}/test")
    if wait:
        sent = following.until_tried(api, path, sent)
    show(sent, DELIVERY_FACTS, output=output)
    if wait and sent["state"] != "delivered":
        raise Refused(f"The test did not arrive. {sent['error']}")


@keyway.group()
def policy() -> None:
    """Look at the token policy."""


@policy.command("show")
@output_option
def show_policy(output: str) -> None:
    """Show how long tokens may live, and when people are told of their end."""
    show(_api().get("/v1/token-policy"), POLICY_FACTS, output=output)


@keyway.group()
def audit() -> None:
    """Keep the audit log elsewhere."""


@audit.command("export")
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "jsonl"]),
    default="csv",
    show_default=True,
    help="A table, or JSON lines with the digests of the chain.",
)
@click.option("--from", "start", default="", help="The first day, such as 2026-01-31.")
@click.option("--to", "end", default="", help="The last day.")
@click.option("--what", default="", help="An action, such as tokens.token.generated.")
def export_audit(form: str, start: str, end: str, what: str) -> None:
    """Write the audit log to standard output, newest first. That is recorded in it."""
    given = {"from": start, "to": end, "what": what}
    query = {name: text for name, text in given.items() if text}
    for piece in _api().download(f"/v1/audit-log.{form}", **query):
        sys.stdout.buffer.write(piece)


@keyway.command()
@click.option("--follow", "-f", is_flag=True, help="Go on as more comes, until Ctrl+C.")
@click.option(
    "--limit",
    type=click.IntRange(1, 200),
    default=50,
    show_default=True,
    help="How many entries; with --follow, before those that come.",
)
@output_option
def logs(limit: int, output: str, *, follow: bool) -> None:
    """Print the activity: what the IdP asked, and what was done. Oldest first."""
    api = _api()
    if not follow:
        page = api.get("/v1/activity", limit=str(limit))["data"]
        show(following.by_time(page), LOG_COLUMNS, output=output)
        return
    with suppress(KeyboardInterrupt):
        for row in following.entries(api, first=limit):
            click.echo(_as_line(row, output))


def _as_line(row: dict[str, Any], output: str) -> str:
    if output == "json":
        return json.dumps(row, ensure_ascii=False)
    return line(row, LOG_COLUMNS)
