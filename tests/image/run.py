"""Build the image, start compose.yaml, and do what the documentation says, under load.

    python -m tests.image.run [--before REF] [--keep] [--write]

Starts everything of compose.yaml beside the demo app, on a port of its own. While an
IdP adds and changes users through Caddy, it stops processes, upgrades from the code of
REF and goes back, takes a backup and restores it. The commands are those of
docs/howto, read from there. Ends with status 1 if a request failed, or if anything that
was acknowledged is missing afterwards.

Needs git, a Docker daemon with Compose 2.24 or later, root or sudo, some 3 GB of disk
and the images that Dockerfile and compose.yaml name.
"""

from __future__ import annotations

import argparse
import json
import re
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from tests.image import page
from tests.image.clients import Clients
from tests.image.stack import APP_PASSWORD, APP_URL, ROOT, Failed, Stack, stack

EMAIL, PASSWORD = "alice@acme.test", "correct horse battery staple"
DRAIN_SECONDS = 120
UNDISTURBED_SECONDS = 10
AWAY_SECONDS = 6


def main() -> int:
    options = _options()
    facts: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="keyway-image-"))
    with stack(folder, keep=options.keep) as made:
        clients = conduct(made, facts, before=options.before)
    print(*facts, sep="\n")
    if options.write:
        page.write(clients.steps, facts)
    return int(any(step.failed for step in clients.steps if not step.is_control))


def conduct(made: Stack, facts: list[str], *, before: str) -> Clients:
    """Do everything, in the order in which an operator would."""
    now = _present_state()
    made.lay(before, deployed_by=now)
    _start(made, facts)
    _look_at_the_containers(made)
    portal = _certified(made)
    _set_up(made)
    _sign_in(made, portal)
    given = json.loads(made.manage("generate_token", "--workspace=acme", "--json"))
    clients = Clients(
        made.url, given["base_url"], given["token"], certificates=_certificates(made)
    )
    with clients.working():
        with clients.step("nothing, to compare with"):
            time.sleep(UNDISTURBED_SECONDS)
        _stop_one_of_each(made, clients)
        _upgrade(made, clients, now, facts)
        _back_up(made, clients)
        _replace_both_at_once(made, clients)
    _require_everything_at_the_app(made, clients, facts)
    _restore(made, portal, clients, facts)
    return clients


def _start(made: Stack, facts: list[str]) -> None:
    begun = time.monotonic()
    made.follow("production.md", "2a. Containers on one machine")
    facts.append(f"Built and started in {time.monotonic() - begun:.0f} s.")
    (size,) = made.docker(
        "image", "ls", "--format", "{{.Size}}", "keyway:latest"
    ).split()
    facts.append(f"The image has {size}.")


def _look_at_the_containers(made: Stack) -> None:
    """Raise Failed if one of ours could write, or be more than it needs to be."""
    for service in ("web", "worker"):
        for name in made.containers(service):
            user = made.docker("exec", name, "id", "-u").strip()
            status = made.docker("exec", name, "cat", "/proc/1/status")
            rights = dict(re.findall(r"^(\w+):\s+(\S+)", status, re.MULTILINE))
            written = made.docker(
                "exec", name, "sh", "-c", "touch /srv/keyway/x 2>&1 || true"
            )
            if (
                user != "10001"
                or int(rights["CapBnd"], 16)
                or rights["NoNewPrivs"] != "1"
                or "Read-only file system" not in written
            ):
                raise Failed(f"{name}: user {user}, {rights}, {written}")


def _certificates(made: Stack) -> ssl.SSLContext:
    """Return a context that trusts Caddy's own authority and nobody else."""
    path = "/data/caddy/pki/authorities/local/root.crt"
    return ssl.create_default_context(
        cadata=made.compose("exec", "-T", "caddy", "cat", path)
    )


def _certified(made: Stack) -> httpx2.Client:
    ends_at = time.monotonic() + 60
    while True:
        try:
            client = httpx2.Client(
                base_url=made.url, verify=_certificates(made), trust_env=False
            )
            client.get("/login/").raise_for_status()
        except (Failed, httpx2.HTTPError):
            if time.monotonic() > ends_at:
                raise
            time.sleep(1)
        else:
            return client


def _set_up(made: Stack) -> None:
    made.manage(
        *("createsuperuser", "--noinput", f"--email={EMAIL}"),
        DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        DJANGO_SUPERUSER_NAME="Alice",
    )
    seed = (ROOT / "tests/image/seed.py").read_bytes()
    made.manage("shell", given=seed, APP_PASSWORD=APP_PASSWORD, APP_URL=APP_URL)


def _sign_in(made: Stack, portal: httpx2.Client) -> None:
    """Raise Failed if the portal does not open, or the proxy shows too much."""
    sign_in = portal.get("/login/").text
    csrf = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', sign_in)[1]
    portal.post(
        "/login/",
        data={"username": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": csrf},
        headers={"Referer": f"{made.url}/login/"},
    )
    found = {
        path: portal.get(path).status_code
        for path in ("/integrations/", "/metrics", "/readyz", "/healthz")
    }
    if list(found.values()) != [200, 404, 404, 404]:
        raise Failed(f"Through the proxy: {found}")


def _stop_one_of_each(made: Stack, clients: Clients) -> None:
    for service in ("web", "worker"):
        name = made.containers(service)[0]
        with clients.step(f"one of two containers of `{service}` is stopped"):
            made.docker("stop", name)
            time.sleep(AWAY_SECONDS)
        with clients.step("and started again"):
            made.docker("start", name)
            time.sleep(AWAY_SECONDS)


def _upgrade(made: Stack, clients: Clients, now: str, facts: list[str]) -> None:
    """Go to the present version, back to the one before, and there again."""
    old = _applied(made)
    made.lay(now)
    with clients.step("the new version is built, and migrates the database"):
        made.follow("upgrade.md", "With Compose")
    facts.append(f"Migrations of the new version: {_applied(made) - old}.")
    with clients.step("web and workers go over to the new version"):
        made.follow("upgrade.md", "With Compose", block=1)
    made.docker("tag", "keyway", "keyway:after")
    made.docker("tag", "keyway:before", "keyway")
    with clients.step("and back, the database stays"):
        made.follow("upgrade.md", "With Compose", block=1)
    made.docker("tag", "keyway:after", "keyway")
    with clients.step("and over again"):
        made.follow("upgrade.md", "With Compose", block=1)


def _applied(made: Stack) -> int:
    return made.manage("showmigrations", "--plan").count("[X]")


def _back_up(made: Stack, clients: Clients) -> None:
    with clients.step("a backup is taken"):
        made.follow("backup-and-restore.md", "With Compose")


def _replace_both_at_once(made: Stack, clients: Clients) -> None:
    """Do what upgrade.md warns of. Raises Failed if the clients do not see it."""
    with clients.step("both web containers are replaced at once") as step:
        step.is_control = True
        made.compose("up", "--detach", "--no-deps", "--force-recreate", "--wait", "web")
    if not step.failed:
        raise Failed("No request failed while there was no web container.")


def _require_everything_at_the_app(
    made: Stack, clients: Clients, facts: list[str]
) -> None:
    """Wait for the workers; raise Failed if an acknowledged user has no account."""
    look = (
        "import os, sqlite3; print(*[name for (name,) in"
        " sqlite3.connect('/tmp/app').execute('SELECT login FROM user')])"
    )
    wanted, begun = set(clients.acknowledged), time.monotonic()
    while True:
        held = set(made.compose("exec", "-T", "app", "python", "-c", look).split())
        if wanted <= held:
            break
        if time.monotonic() - begun > DRAIN_SECONDS:
            raise Failed(f"Not at the app: {sorted(wanted - held)[:10]}")
        time.sleep(2)
    facts.append(f"Users acknowledged, and found at the app: {len(wanted)}.")


def _restore(
    made: Stack, portal: httpx2.Client, clients: Clients, facts: list[str]
) -> None:
    """Put the backup into a new database, and use it with the token of before."""
    log = made.folder / "backups/acme.jsonl"
    log.write_text(portal.get("/audit/export.jsonl").raise_for_status().text)
    log.chmod(0o644)
    made.follow("backup-and-restore.md", "With Compose", block=1)
    _certified(made)
    answer = httpx2.get(
        f"{clients.base_url}/Users?count=0",
        headers={"Authorization": f"Bearer {clients.token}"},
        verify=clients.certificates,
        trust_env=False,
    )
    restored = answer.raise_for_status().json()["totalResults"]
    if not 0 < restored <= len(clients.acknowledged):
        raise Failed(f"{restored} users are in the restored database")
    facts.append(f"Users of the backup, read from the restored database: {restored}.")


def _present_state() -> str:
    """Return a commit of the files as they are now."""
    made = subprocess.run(
        ["git", "stash", "create"], cwd=ROOT, capture_output=True, check=True, text=True
    )
    return made.stdout.strip() or "HEAD"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--before", default="HEAD", metavar="REF", help="what to upgrade from"
    )
    parser.add_argument("--keep", action="store_true", help="leave the containers")
    parser.add_argument("--write", action="store_true", help="write the figures down")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
