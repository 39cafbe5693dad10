"""Unsafe production settings refuse to start, and name the setting.

Each case starts Python anew on a copy of the code, so that neither the `.env` of
this machine nor the folder in which the tests run plays a part.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from pytest_django import Settings

from config.checks import check_settings, refuse_unsafe_settings, unsafe_settings
from config.environment import key_ring

ROOT = Path(__file__).parents[1]
CODE = ("config", "integrations", "scim", "tokens", "workspaces", "templates", "static")
SECRET = "kJ8-vb2_QxZ1mN4pLr7sTwY0eU3iO6aS9dF5gH-cVbX" * 2
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
SAFE = {
    "KEYWAY_ENV": "production",
    "KEYWAY_PUBLIC_URL": "https://keyway.example",
    "KEYWAY_SECRET_KEY": SECRET,
    "KEYWAY_ENCRYPTION_KEYS": f"1:{KEY}",
    "KEYWAY_TOKEN_KEYS": f"1:{KEY}",
}
KEYS = ("KEYWAY_SECRET_KEY", "KEYWAY_ENCRYPTION_KEYS", "KEYWAY_TOKEN_KEYS")
UNSAFE = {
    "debug": ({"KEYWAY_DEBUG": "true"}, "KEYWAY_DEBUG"),
    "no secret key": ({"KEYWAY_SECRET_KEY": None}, "KEYWAY_SECRET_KEY"),
    "empty secret key": ({"KEYWAY_SECRET_KEY": ""}, "KEYWAY_SECRET_KEY"),
    "short secret key": ({"KEYWAY_SECRET_KEY": SECRET[:49]}, "KEYWAY_SECRET_KEY"),
    "no encryption key": (
        {"KEYWAY_ENCRYPTION_KEYS": None},
        "KEYWAY_ENCRYPTION_KEYS",
    ),
    "encryption key without number": (
        {"KEYWAY_ENCRYPTION_KEYS": KEY},
        "KEYWAY_ENCRYPTION_KEYS",
    ),
    "no token key": ({"KEYWAY_TOKEN_KEYS": None}, "KEYWAY_TOKEN_KEYS"),
    "http": ({"KEYWAY_PUBLIC_URL": "http://keyway.example"}, "KEYWAY_PUBLIC_URL"),
}
WAYS = {
    "wsgi": [sys.executable, "-c", "import config.wsgi"],
    "check": [sys.executable, "manage.py", "check"],
}


@dataclass
class Copy:
    """The code in a folder of its own."""

    folder: Path

    def run(
        self, way: str, *, cwd: Path | None = None, **changes: str | None
    ) -> subprocess.CompletedProcess[str]:
        """Start Python with nothing in its environment but what is said here."""
        values = SAFE | {"KEYWAY_VAR_DIR": str(self.folder / "var")} | changes
        command = [
            str(self.folder / part) if part == "manage.py" else part
            for part in WAYS[way]
        ]
        return subprocess.run(
            command,
            cwd=cwd or self.folder,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(self.folder),
                "PYTHONPYCACHEPREFIX": str(self.folder / "pycache"),
                **{name: value for name, value in values.items() if value is not None},
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in CODE:
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "manage.py", folder)
    return folder


@pytest.fixture
def copy(code: Path) -> Copy:
    (code / ".env").unlink(missing_ok=True)
    return Copy(code)


@pytest.mark.parametrize("way", WAYS)
def test_safe_settings_start(copy: Copy, way: str) -> None:
    done = copy.run(way)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("changes", "setting"), UNSAFE.values(), ids=UNSAFE.keys())
def test_unsafe_setting_refuses_to_start(
    copy: Copy, changes: dict[str, str | None], setting: str
) -> None:
    done = copy.run("wsgi", **changes)

    assert done.returncode != 0
    assert setting in done.stderr
    for secret in (SECRET, KEY):
        assert secret not in done.stderr
        assert secret not in done.stdout


def test_every_command_refuses_too(copy: Copy) -> None:
    done = copy.run(
        "check",
        KEYWAY_DEBUG="true",
        KEYWAY_SECRET_KEY=SECRET[:49],
        KEYWAY_ENCRYPTION_KEYS="",
        KEYWAY_TOKEN_KEYS=None,
        KEYWAY_PUBLIC_URL="http://keyway.example",
    )

    assert done.returncode != 0
    for setting in (
        "KEYWAY_DEBUG",
        "KEYWAY_SECRET_KEY",
        "KEYWAY_ENCRYPTION_KEYS",
        "KEYWAY_TOKEN_KEYS",
        "KEYWAY_PUBLIC_URL",
    ):
        assert setting in done.stderr


def test_all_that_is_wrong_is_said_at_once(copy: Copy) -> None:
    done = copy.run(
        "wsgi",
        KEYWAY_DEBUG="true",
        KEYWAY_SECRET_KEY=None,
        KEYWAY_ENCRYPTION_KEYS=None,
        KEYWAY_TOKEN_KEYS=None,
        KEYWAY_PUBLIC_URL=None,
    )

    for number in range(1, 6):
        assert f"keyway.E00{number}" in done.stderr


def test_folder_in_which_it_starts_plays_no_part(copy: Copy, tmp_path: Path) -> None:
    done = copy.run("check", cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []


def test_production_is_the_default(copy: Copy) -> None:
    done = copy.run("wsgi", KEYWAY_ENV=None, KEYWAY_PUBLIC_URL="http://localhost:8000")

    assert done.returncode != 0
    assert "KEYWAY_PUBLIC_URL" in done.stderr


class TestDotEnv:
    @pytest.fixture
    def development(self, copy: Copy) -> Copy:
        """The `.env` that `make setup` writes is there."""
        subprocess.run(
            [sys.executable, "-m", "config.dotenv"],
            cwd=copy.folder,
            env={"PYTHONPATH": str(copy.folder)},
            check=True,
        )
        assert (copy.folder / ".env").stat().st_mode & 0o777 == 0o600
        return copy

    def test_is_enough_for_development(self, development: Copy) -> None:
        nothing = dict.fromkeys(SAFE)

        done = development.run("check", **nothing)

        assert done.returncode == 0, done.stderr

    def test_environment_wins(self, development: Copy) -> None:
        done = development.run("wsgi", KEYWAY_SECRET_KEY="short")

        assert done.returncode != 0
        assert "KEYWAY_SECRET_KEY" in done.stderr

    def test_empty_values_win_too(self, development: Copy) -> None:
        done = development.run("wsgi", **dict.fromkeys(KEYS, ""))

        assert done.returncode != 0
        for setting in KEYS:
            assert setting in done.stderr

    def test_of_development_fills_no_gap_of_production(self, development: Copy) -> None:
        done = development.run("wsgi", **dict.fromkeys(KEYS))

        assert done.returncode != 0
        for setting in KEYS:
            assert setting in done.stderr

    def test_of_production_is_read(self, development: Copy) -> None:
        path = development.folder / ".env"
        text = path.read_text().replace("=development", "=production")
        path.write_text(text + "KEYWAY_PUBLIC_URL=https://keyway.example\n")
        nothing = dict.fromkeys(SAFE)

        done = development.run("wsgi", **nothing)

        assert done.returncode == 0, done.stderr

    def test_is_never_written_over(self, development: Copy) -> None:
        path = development.folder / ".env"
        before = path.read_text()

        subprocess.run(
            [sys.executable, "-m", "config.dotenv"],
            cwd=development.folder,
            env={"PYTHONPATH": str(development.folder)},
            check=True,
        )

        assert path.read_text() == before


class TestEachCheck:
    @pytest.fixture(autouse=True)
    def production(self, settings: Settings) -> None:
        settings.DEVELOPMENT = False
        settings.DEBUG = False
        settings.SECRET_KEY = SECRET
        settings.KEYWAY_PUBLIC_URL = "https://keyway.example"
        settings.KEYWAY_ALLOWED_NETWORKS = []

    def test_nothing_is_wrong_with_what_is_safe(self) -> None:
        assert list(unsafe_settings()) == []
        assert check_settings() == []
        refuse_unsafe_settings()

    @pytest.mark.parametrize(
        ("name", "value", "check"),
        [
            ("DEBUG", True, "keyway.E001"),
            ("SECRET_KEY", "unset", "keyway.E002"),
            ("SECRET_KEY", SECRET[:49], "keyway.E002"),
            ("SECRET_KEY", "ab" * 50, "keyway.E002"),
            ("SECRET_KEY", f"django-insecure-{SECRET}", "keyway.E002"),
            ("KEYWAY_ENCRYPTION_KEYS", {}, "keyway.E003"),
            ("KEYWAY_TOKEN_KEYS", {}, "keyway.E004"),
            ("KEYWAY_PUBLIC_URL", "", "keyway.E005"),
            ("KEYWAY_PUBLIC_URL", "http://keyway.example", "keyway.E005"),
            ("KEYWAY_ALLOWED_NETWORKS", [ip_network("0.0.0.0/0")], "keyway.E006"),
            (
                "KEYWAY_ALLOWED_NETWORKS",
                [ip_network("10.0.0.0/8"), ip_network("::/0")],
                "keyway.E006",
            ),
        ],
    )
    def test_one_thing_that_is_wrong_is_one_error(
        self, settings: Settings, name: str, value: object, check: str
    ) -> None:
        setattr(settings, name, value)

        (error,) = check_settings()

        assert error.id == check
        with pytest.raises(ImproperlyConfigured, match=check):
            refuse_unsafe_settings()

    def test_development_may_be_open_but_not_without_keys(
        self, settings: Settings
    ) -> None:
        settings.DEVELOPMENT = True
        settings.DEBUG = True
        settings.KEYWAY_PUBLIC_URL = "http://localhost:8000"
        settings.KEYWAY_ENCRYPTION_KEYS = {}

        assert [error.id for error in check_settings()] == ["keyway.E003"]


class TestKeyRing:
    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (KEY, "numbers before the colon"),
            (f"one:{KEY}", "numbers before the colon"),
            ("1:not base64 at all!", "numbers before the colon"),
            ("1:c2hvcnQ=", "key 1 must hold 32 bytes"),
            (f"1:{KEY},2:c2hvcnQ=", "key 2 must hold 32 bytes"),
        ],
    )
    def test_key_that_cannot_be_one_is_refused_without_showing_it(
        self, monkeypatch: pytest.MonkeyPatch, value: str, words: str
    ) -> None:
        monkeypatch.setenv("KEYWAY_TOKEN_KEYS", value)

        with pytest.raises(ImproperlyConfigured, match=words) as failure:
            key_ring("KEYWAY_TOKEN_KEYS")

        assert "KEYWAY_TOKEN_KEYS" in str(failure.value)
        assert KEY not in str(failure.value)
        assert failure.value.__cause__ is None
        assert failure.value.__suppress_context__ or not failure.value.__context__

    def test_several_keys_have_numbers(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("KEYWAY_TOKEN_KEYS", f"1:{KEY},12:{KEY}")

        ring = key_ring("KEYWAY_TOKEN_KEYS")

        assert sorted(ring) == [1, 12]
        assert {len(key) for key in ring.values()} == {32}


def test_secret_may_come_from_a_file(copy: Copy, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)

    done = copy.run("wsgi", KEYWAY_SECRET_KEY=None, KEYWAY_SECRET_KEY_FILE=str(file))

    assert done.returncode == 0, done.stderr
