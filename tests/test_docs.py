"""The documentation tells the truth: names, links, commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands

from tests import requirements

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())

    broken = [link for link in links if not (page.parent / link).exists()]

    assert broken == []


def test_index_leads_to_every_page() -> None:
    index = ROOT / "docs/README.md"
    linked = re.findall(r"\]\(([^)#:]+)", index.read_text())
    pages = [page.relative_to(index.parent) for page in ROOT.glob("docs/**/*.md")]
    own = [page for page in map(str, pages) if "decisions" not in page]

    assert sorted({*own} - {*linked}) == ["README.md"]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_exists(page: Path) -> None:
    named = re.findall(r"manage\.py (\w+)", page.read_text())

    assert [command for command in named if command not in get_commands()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    named = re.findall(r"`(?:PORT=\d+ )?make ([a-z-]+)", page.read_text())

    assert [target for target in named if target not in targets] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_path_of_the_code_exists(page: Path) -> None:
    named = re.findall(
        r"`((?:config|integrations|scim|tokens|workspaces|tests)/[\w./-]+)`",
        page.read_text(),
    )

    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("app", ["workspaces", "tokens", "scim", "integrations"])
def test_every_model_stands_in_the_row_of_its_app(app: str) -> None:
    page = (ROOT / "docs/explanation/architecture.md").read_text()
    models = apps.get_app_config(app).get_models()

    [row] = re.findall(rf"^\| `{app}` \| (.+?) \|", page, re.MULTILINE)

    assert {*re.findall(r"\w+", row)} == {model.__name__ for model in models}


def test_every_test_that_a_page_names_exists() -> None:
    tests = "".join(path.read_text() for path in ROOT.glob("tests/**/test_*.py"))
    known = set(re.findall(r"def (test_\w+)", tests))
    named = {
        each for page in PAGES for each in re.findall(r"`(test_\w+)`", page.read_text())
    }

    assert named
    assert named - known == set()


def test_every_setting_is_described_and_no_other() -> None:
    code = (ROOT / "config/settings.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|key_ring)\(\s*"([A-Z_]+)"', code))
    page = (ROOT / "docs/reference/settings.md").read_text()
    described = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))

    assert read == described


def test_every_dependency_has_its_line() -> None:
    project = (ROOT / "pyproject.toml").read_text()
    listed = project.partition("dependencies = [")[2].partition("]\n")[0]
    names = re.findall(r'"([\w-]+)', listed)
    page = (ROOT / "docs/explanation/dependencies.md").read_text().lower()

    assert [dependency for dependency in names if dependency not in page] == []


def test_requirements_are_written_anew() -> None:
    assert requirements.PAGE.read_text() == requirements.page(), "make requirements"
