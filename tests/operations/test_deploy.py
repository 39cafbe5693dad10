"""The files to deploy with are whole, and safe by themselves."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs/deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = ("migrate", "web", "worker", "manage")
POSTGRESQL = {"bookworm": 15, "trixie": 17}
"""The version whose client each release of Debian has."""

MANIFESTS = [
    document
    for file in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for document in yaml.safe_load_all(file.read_text())
]
UNITS = sorted((DEPLOY / "systemd").iterdir())


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    return manifest["spec"]["template"]["spec"]


PODS = {
    manifest["metadata"].get("name", manifest["metadata"].get("generateName")): manifest
    for manifest in MANIFESTS
    if manifest["kind"] in {"Deployment", "Job"}
}


class TestImage:
    def test_runs_as_nobody_special(self) -> None:
        stages = DOCKERFILE.split("\nFROM ")
        users = re.findall(r"^USER (\S+)", stages[-1], re.MULTILINE)

        assert users == ["10001:10001"]
        assert "/usr/sbin/nologin" in stages[-1]

    def test_installs_what_the_lock_says(self) -> None:
        assert "--require-hashes -r /tmp/requirements-server.txt" in DOCKERFILE
        lock = (ROOT / "requirements-server.txt").read_text()
        base = (ROOT / "requirements.txt").read_text()
        pins = set(re.findall(r"^([\w.\[\],-]+==\S+)", base, re.MULTILINE))

        assert {"psycopg", "ldap3", "redis", "pywebpush"} <= set(
            re.findall(r"^([a-z0-9]+)==", lock, re.MULTILINE)
        )
        assert pins <= set(re.findall(r"^([\w.\[\],-]+==\S+)", lock, re.MULTILINE))

    def test_copies_what_is_there_and_lets_nothing_else_in(self) -> None:
        copied = set(re.findall(r"^COPY ([\w.-]+) ", DOCKERFILE, re.MULTILINE))
        allowed = (ROOT / ".dockerignore").read_text().splitlines()

        assert copied <= {line.removeprefix("!") for line in allowed}
        assert allowed[0] == "*"
        for name in copied:
            assert (ROOT / name).exists(), name
        for app in ("config", "integrations", "scim", "tokens", "workspaces"):
            assert app in copied

    def test_pg_dump_is_new_enough_for_the_database_beside_it(self) -> None:
        """pg_dump refuses a server that is newer than itself."""
        releases = set(re.findall(r"^FROM python:\S+-(\w+)", DOCKERFILE, re.MULTILINE))
        server = COMPOSE["services"]["db"]["image"]

        (release,) = releases
        assert int(re.match(r"postgres:(\d+)-", server)[1]) <= POSTGRESQL[release]

    def test_says_how_it_is(self) -> None:
        assert "HEALTHCHECK" in DOCKERFILE
        assert "/healthz" in DOCKERFILE
        assert "STOPSIGNAL SIGTERM" in DOCKERFILE

    def test_holds_no_secret(self) -> None:
        assert not re.search(r"(SECRET_KEY|_KEYS|PASSWORD)=", DOCKERFILE)


class TestCompose:
    @pytest.mark.parametrize("name", OURS)
    def test_ours_can_write_nowhere_and_do_nothing_special(self, name: str) -> None:
        service = COMPOSE["services"][name]

        assert service["read_only"] is True
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in service["security_opt"]
        assert "ports" not in service

    def test_web_and_worker_are_two_each_and_wait_for_the_migrations(self) -> None:
        for name in ("web", "worker"):
            service = COMPOSE["services"][name]
            assert service["deploy"]["replicas"] == 2
            waits = service["depends_on"]["migrate"]["condition"]
            assert waits == "service_completed_successfully"

    def test_database_cannot_be_reached_from_outside(self) -> None:
        for name in ("db", "redis"):
            service = COMPOSE["services"][name]
            assert "ports" not in service
            assert service["networks"] == ["inside"]
        assert COMPOSE["networks"]["inside"]["internal"] is True
        assert COMPOSE["services"]["caddy"]["networks"] == ["outside"]

    @pytest.mark.parametrize("name", ["web", "worker", "manage"])
    def test_who_calls_others_can_get_out(self, name: str) -> None:
        """Web processes ask the identity provider when a member signs in."""
        assert COMPOSE["services"][name]["networks"] == ["inside", "outside"]

    def test_manage_runs_any_command_and_has_a_place_for_backups(self) -> None:
        service = COMPOSE["services"]["manage"]

        assert service["entrypoint"] == ["python", "manage.py"]
        assert service["volumes"] == ["./backups:/backups"]
        assert service["environment"]["TMPDIR"] == "/backups"
        assert service["profiles"] == ["manage"]
        web = COMPOSE["services"]["web"]["environment"]
        assert web.items() <= service["environment"].items()

    def test_no_password_is_in_the_file(self) -> None:
        for service in COMPOSE["services"].values():
            for name, value in service.get("environment", {}).items():
                assert "PASSWORD" not in name
                assert "@" not in str(value)

    def test_what_it_mounts_is_there(self) -> None:
        for service in COMPOSE["services"].values():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source == "./backups":
                    page = (ROOT / "docs/howto/production.md").read_text()
                    assert re.search("^sudo install .* backups$", page, re.MULTILINE)
                elif source.startswith("."):
                    assert (ROOT / source).exists()
                else:
                    assert source in COMPOSE["volumes"]

    def test_docker_reads_it(self, tmp_path: Path) -> None:
        program = shutil.which("docker")
        if (
            not program
            or subprocess.run(
                [program, "compose", "version"], capture_output=True, check=False
            ).returncode
        ):
            pytest.skip("install docker with its compose plugin")
        shutil.copy(ROOT / "compose.yaml", tmp_path)
        for name in ("keyway.env", "postgres.env"):
            (tmp_path / name).touch()

        done = subprocess.run(
            [program, "compose", "config", "--quiet"],
            cwd=tmp_path,
            env={"KEYWAY_HOST": "keyway.example"},
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stderr


class TestKubernetes:
    @pytest.mark.parametrize("name", PODS)
    def test_pod_is_safe_and_has_its_limits(self, name: str) -> None:
        pod = pod_of(PODS[name])
        (container,) = pod["containers"]
        safe = container["securityContext"]

        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        assert safe["readOnlyRootFilesystem"] is True
        assert safe["allowPrivilegeEscalation"] is False
        assert safe["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
        assert container["resources"]["requests"]["cpu"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}

    def test_web_is_probed_and_ends_slowly(self) -> None:
        pod = pod_of(PODS["keyway-web"])
        (container,) = pod["containers"]

        assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
        assert container["lifecycle"]["preStop"]
        assert pod["terminationGracePeriodSeconds"] >= 30
        strategy = PODS["keyway-web"]["spec"]["strategy"]["rollingUpdate"]
        assert strategy["maxUnavailable"] == 0

    def test_selectors_find_their_pods(self) -> None:
        labels = [
            manifest["spec"]["template"]["metadata"]["labels"]
            for manifest in PODS.values()
        ]
        for manifest in MANIFESTS:
            selector = manifest["spec"].get("selector")
            if selector:
                wanted = selector.get("matchLabels", selector)
                assert any(wanted.items() <= found.items() for found in labels)

    def test_no_secret_is_in_them(self) -> None:
        assert "Secret" not in {manifest["kind"] for manifest in MANIFESTS}


class TestSystemd:
    @pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
    def test_unit_is_whole(self, unit: Path) -> None:
        text = unit.read_text()
        if unit.suffix == ".service":
            assert "User=keyway" in text
            assert "ProtectSystem=strict" in text
            assert "NoNewPrivileges=true" in text
            assert "SystemCallFilter=~@privileged" in text
        for command in re.findall(r"manage\.py (\w+)", text):
            assert command in get_commands()

    def test_command_for_operators_runs_as_the_units_do(self) -> None:
        said = (DEPLOY / "keyway-manage").read_text()
        unit = (DEPLOY / "systemd/keyway-backup.service").read_text()

        for name in ("WorkingDirectory", "EnvironmentFile", "StateDirectory", "UMask"):
            (value,) = re.findall(rf"^{name}=(.+)$", unit, re.MULTILINE)
            assert value in said
        assert "--uid=keyway --gid=keyway" in said

    @pytest.mark.skipif(
        shutil.which("systemd-analyze") is None, reason="install systemd"
    )
    def test_systemd_reads_them(self, tmp_path: Path) -> None:
        """Every key is one that systemd knows; the programs are not here."""
        for unit in UNITS:
            shutil.copy(unit, tmp_path)

        done = subprocess.run(
            ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())],
            capture_output=True,
            text=True,
            check=False,
        )

        unknown = [
            line
            for line in done.stderr.splitlines()
            if "Unknown" in line or "Failed to parse" in line
        ]
        assert unknown == []


def test_proxy_hides_what_is_for_operators_and_replaces_what_clients_say() -> None:
    text = (DEPLOY / "Caddyfile").read_text()

    assert "path /metrics /readyz /healthz" in text
    assert "header_up X-Forwarded-Proto {scheme}" in text
    assert "header_up X-Forwarded-For {remote_host}" in text
    assert text.count("{") == text.count("}")
