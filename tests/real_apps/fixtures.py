"""Fixtures of outside apps that really run. A pytest plugin: name it to use it.

Each yields an `OutsideApp` on a free loopback port, new and with seeds only.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.real_apps import redmine as redmine_server
from tests.real_apps import wagtail_server
from tests.real_apps.servers import REPOSITORY, free_port, running

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class OutsideApp:
    """Where an app runs and who may administer it."""

    base_url: str
    username: str
    password: str = field(repr=False)


@pytest.fixture(scope="session")
def demo_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideApp]:
    """The demo app, with its failure switches."""
    folder = tmp_path_factory.mktemp("demo_app")
    app = OutsideApp(f"http://127.0.0.1:{free_port()}", "svc-keyway", "pass-of-demo-1")
    port = app.base_url.rpartition(":")[2]
    command = [sys.executable, "-m", "integrations.demo_app", "--faults"]
    with running(
        [*command, "--port", port, "--data", str(folder / "demo.sqlite3")],
        ready_url=f"{app.base_url}/healthz",
        env={"DEMO_APP_SERVICE_PASSWORD": app.password},
        log=folder / "server.log",
    ):
        yield app


@pytest.fixture(scope="session")
def flask_appbuilder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideApp]:
    """A Flask-AppBuilder app: the security API that Apache Superset has too.

    `SUPERSET_UNDER_TEST=http://user:password@127.0.0.1:8088` takes that one instead.
    """
    given = urlsplit(os.environ.get("SUPERSET_UNDER_TEST", ""))
    if given.hostname:
        base_url = f"{given.scheme}://{given.hostname}:{given.port}"
        yield OutsideApp(base_url, given.username or "", given.password or "")
        return
    python = _installed("flask_appbuilder")
    folder = tmp_path_factory.mktemp("flask_appbuilder")
    app = OutsideApp(f"http://127.0.0.1:{free_port()}", "svc-keyway", "pass-of-fab-1")
    port = app.base_url.rpartition(":")[2]
    with running(
        [str(python), str(_FOLDER / "flask_appbuilder" / "app.py")],
        ready_url=f"{app.base_url}/api/v1/security/login",
        env={
            "FAB_PORT": port,
            "FAB_DATA": str(folder / "fab.sqlite3"),
            "FAB_ADMIN_USERNAME": app.username,
            "FAB_ADMIN_PASSWORD": app.password,
        },
        log=folder / "server.log",
    ):
        yield app


@pytest.fixture(scope="session")
def wagtail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideApp]:
    """Wagtail with its groups Editors and Moderators."""
    python = _installed("wagtail")
    folder = tmp_path_factory.mktemp("wagtail")
    with wagtail_server.running_wagtail(python, folder) as url:
        yield OutsideApp(url, wagtail_server.USERNAME, wagtail_server.PASSWORD)


@pytest.fixture(scope="session")
def jupyterhub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideApp]:
    """JupyterHub with its proxy, and the groups editors and viewers."""
    python = _installed("jupyterhub")
    folder = tmp_path_factory.mktemp("jupyterhub")
    app = OutsideApp(f"http://127.0.0.1:{free_port()}", "svc-admin", "pass-of-hub-1")
    config = _FOLDER / "jupyterhub" / "jupyterhub_config.py"
    with running(
        [str(python), "-m", "jupyterhub", "--config", str(config)],
        ready_url=f"{app.base_url}/hub/api",
        env={
            "HUB_URL": app.base_url,
            "HUB_INTERNAL_URL": f"http://127.0.0.1:{free_port()}",
            "HUB_PROXY": str(
                python.parents[1] / "node_modules" / ".bin" / "configurable-http-proxy"
            ),
            "HUB_PROXY_API_URL": f"http://127.0.0.1:{free_port()}",
            "HUB_ADMIN_USERNAME": app.username,
            "HUB_ADMIN_PASSWORD": app.password,
        },
        log=folder / "server.log",
        folder=folder,
        is_ready=lambda status: status == HTTPStatus.OK,
    ):
        yield app


@pytest.fixture(scope="session")
def roundup(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideApp]:
    """A tracker of Roundup, as its classic template makes it."""
    python = _installed("roundup")
    folder = tmp_path_factory.mktemp("roundup")
    app = OutsideApp(f"http://127.0.0.1:{free_port()}", "admin", "pass-of-roundup-1")
    with running(
        [str(python), str(_FOLDER / "roundup" / "app.py")],
        ready_url=f"{app.base_url}/rest",
        env={
            "ROUNDUP_PORT": app.base_url.rpartition(":")[2],
            "ROUNDUP_HOME": str(folder / "tracker"),
            "ROUNDUP_ADMIN_PASSWORD": app.password,
        },
        log=folder / "server.log",
    ):
        yield app


@pytest.fixture(scope="session")
def redmine_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Redmine of this session keeps its data."""
    _installed("redmine")
    return tmp_path_factory.mktemp("redmine")


@pytest.fixture(scope="session")
def redmine(redmine_folder: Path) -> Iterator[OutsideApp]:
    """Redmine with the groups Editors and Viewers and two projects."""
    with redmine_server.running_redmine(redmine_folder) as url:
        yield OutsideApp(url, redmine_server.USERNAME, redmine_server.PASSWORD)


@pytest.fixture
def fresh_redmine(redmine: OutsideApp, redmine_folder: Path) -> OutsideApp:
    """The same Redmine without what other tests left in it."""
    redmine_server.restore(redmine_folder)
    return redmine


def _installed(name: str) -> Path:
    """Return the Python of an installed app; skip, or fail where CI asks for it."""
    is_current = subprocess.run(
        [str(_FOLDER / "install.sh"), "--check", name], check=False
    )
    if is_current.returncode:
        reason = f"{name} is not installed: run `make real-apps`"
        if os.environ.get("KEYWAY_NO_SKIP") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return REPOSITORY / ".real-apps" / name / "bin" / "python"
