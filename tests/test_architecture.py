"""The house stands as docs/explanation/architecture.md draws it."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest
from django.apps import apps
from django.dispatch import Signal

from workspaces import audit

ROOT = Path(__file__).parents[1]
LAYERS = ("config", "integrations", "scim", "tokens", "workspaces")
MODULES = sorted(
    path
    for layer in (*LAYERS, "tests")
    for path in (ROOT / layer).rglob("*.py")
    if "migrations" not in path.parts
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_imports_point_one_way() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Contracts:" in done.stdout


def test_foreign_keys_point_the_same_way() -> None:
    """A table may know those of its own app and of the apps below."""
    wrong = []
    for model in apps.get_models():
        if model._meta.app_label not in LAYERS:
            continue
        here = LAYERS.index(model._meta.app_label)
        for column in model._meta.get_fields():
            target = column.related_model if column.concrete else None
            label = target._meta.app_label if target else None
            if label in LAYERS and LAYERS.index(label) < here:
                wrong.append(f"{model.__name__}.{column.name} -> {target}")

    assert wrong == []


def test_every_table_leads_to_a_workspace() -> None:
    """No row without a tenant, but for people and the catalog."""
    without = {"User", "Workspace", "App"}
    # A factor is its person's, in whatever workspaces that person is.
    without |= {"AuthenticatorApp", "CodeAttempts", "Passkey", "PasskeyChallenge"}
    without |= {"RecoveryCode", "RecoveryCodes"}
    without |= {"PhoneDevice", "PhoneEnrolment", "PhoneNonce"}
    # A worker works for all.
    without |= {"WorkerProcess"}
    lost = []
    for model in apps.get_models():
        if model._meta.app_label not in LAYERS or model.__name__ in without:
            continue
        names = {
            column.related_model.__name__
            for column in model._meta.get_fields()
            if column.concrete and column.is_relation and column.related_model
        }
        if not names & {"Workspace", "Directory", "Integration", "Resource"}:
            lost.append(model.__name__)

    assert lost == []


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_has_postponed_annotations(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not tree.body:
        return

    imported = [
        alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
        for alias in node.names
    ]
    assert imported == ["annotations"]


def test_product_modules_say_what_they_are_for() -> None:
    silent = []
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        is_product = path.relative_to(ROOT).parts[0] in LAYERS
        if tree.body and is_product and not ast.get_docstring(tree):
            silent.append(name_of(path))

    assert silent == []


def test_packages_are_empty_but_for_models_and_factors() -> None:
    full = [
        name_of(path)
        for path in MODULES
        if path.name == "__init__.py"
        and path.parent.name not in {"models", "factors"}
        and path.read_text(encoding="utf-8").strip()
    ]

    assert full == []


def test_no_module_is_a_drawer_for_anything() -> None:
    drawers = {"utils.py", "helpers.py", "common.py", "core.py", "misc.py"}

    assert [name_of(path) for path in MODULES if path.name in drawers] == []


def test_there_is_one_signal() -> None:
    made = []
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] not in LAYERS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            is_call = isinstance(node, ast.Call)
            called = node.func if is_call else None
            name = getattr(called, "id", getattr(called, "attr", ""))
            if name == "Signal":
                made.append(name_of(path))

    signals = importlib.import_module("scim.signals")
    assert made == ["scim/signals.py"]
    assert [n for n, v in vars(signals).items() if isinstance(v, Signal)] == [
        "resource_changed"
    ]


def test_no_model_listens_to_the_saving_of_models() -> None:
    forbidden = {"pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed"}
    found = [
        f"{name_of(path)}: {node.id}"
        for path in MODULES
        if path.relative_to(ROOT).parts[0] in LAYERS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Name) and node.id in forbidden
    ]

    assert found == []


def test_every_audit_action_is_registered_and_named_alike() -> None:
    actions: list[StrEnum] = []
    for layer in LAYERS:
        if not (ROOT / layer / "audit.py").is_file():
            continue
        module = importlib.import_module(f"{layer}.audit")
        for value in vars(module).values():
            is_ours = getattr(value, "__module__", "") == module.__name__
            if is_ours and isinstance(value, type) and issubclass(value, StrEnum):
                actions.extend(value)

    assert actions
    assert {*map(str, actions)} == {*audit.registered()}
    assert len(set(actions)) == len(actions)
    for action in actions:
        app, subject, verb = action.split(".")
        assert app in LAYERS
        assert subject
        assert verb


def test_audit_log_has_one_writer() -> None:
    writers = [
        name_of(path)
        for path in MODULES
        if path.relative_to(ROOT).parts[0] in LAYERS
        and "AuditEvent.objects.create" in path.read_text(encoding="utf-8")
    ]

    assert writers == ["workspaces/audit.py"]


def test_blind_except_stands_at_edges_only() -> None:
    found = []
    for path in MODULES:
        if path.relative_to(ROOT).parts[0] not in LAYERS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.ExceptHandler):
                continue
            name = getattr(node.type, "id", None)
            if node.type is None or name in {"Exception", "BaseException"}:
                found.append(name_of(path))

    assert set(found) <= {
        "config/operations/doctor.py",
        "scim/api/exceptions.py",
        "scim/api/views.py",
        "workspaces/celery_dispatcher.py",
        "workspaces/leases.py",
        "workspaces/management/commands/worker.py",
    }


def test_tests_patch_no_library() -> None:
    """No mocks where the real part can run."""
    users = [
        name_of(path)
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == "tests"
        and any(
            isinstance(node, ast.ImportFrom | ast.Import)
            and any(
                "mock" in alias.name or "mock" in (getattr(node, "module", "") or "")
                for alias in node.names
            )
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    ]

    assert users == []
