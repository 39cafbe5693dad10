"""What browsers load: few files, and small ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

OWN_SCRIPTS = Path(__file__).parents[1] / "static" / "js"
PHONE = {"device.js", "device-worker.js"}
"""Loaded by the page on the phone alone."""


@pytest.fixture
def collected(settings: Settings, tmp_path: Path) -> Path:
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "config.static_files.BundlingStorage"}
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    return tmp_path


def test_stylesheet_is_one_file_of_less_than_20_kb(collected: Path) -> None:
    (sheet,) = collected.glob("css/app.*.css")
    text = sheet.read_text()

    assert "@import" not in text
    assert ".page-title" in text
    assert text.count("{") == text.count("}")
    assert len(gzip.compress(text.encode())) < 20_000


def test_bundle_is_made_anew_when_nothing_was_copied(collected: Path) -> None:
    (first,) = collected.glob("css/app.*.css")

    call_command("collectstatic", interactive=False, verbosity=0)

    assert list(collected.glob("css/app.*.css")) == [first]


def test_scripts_of_a_page_have_less_than_15_kb() -> None:
    scripts = [p for p in OWN_SCRIPTS.glob("*.js") if p.name not in PHONE]

    assert sum(len(gzip.compress(p.read_bytes())) for p in scripts) < 15_000
