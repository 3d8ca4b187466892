"""docker-compose.yml and Dockerfile as text: what must hold of every service, with or without an engine to run it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
ONE_SHOT = {"init", "superset-init"}
DEMO = {"sandbox", "mailbox"}
PARTS = {"postgres", "redis", "api-server", "scheduler", "dag-processor", "triggerer", "worker", "receiver", "superset"}
_VARIABLE = re.compile(r"\$\{([A-Z][A-Z0-9_]*)(:?[-+?][^}]*)?")
_SECRET = re.compile(r"\{\{([a-z_]+)\}\}|/run/secrets/([a-z_]+)")
_PINNED = re.compile(r":[^:]*\d+\.\d+[^:]*$|@sha256:[0-9a-f]{64}$")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def default_of(value: str) -> str:
    """`${NAME:-default}` as it is without the variable."""
    found = re.fullmatch(r"\$\{[A-Z_]+:-(.*)\}", value)
    return found[1] if found else value


def secrets_of(service: dict[str, Any]) -> set[str]:
    return set(service.get("secrets", []))


def test_every_part_of_the_production_shape_is_there() -> None:
    assert set(SERVICES) == PARTS | ONE_SHOT | DEMO
    assert {name for name, service in SERVICES.items() if "demo" in service.get("profiles", [])} == DEMO


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_may_do_no_more_than_it_must(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert not service.get("cap_add")
    assert not service.get("privileged")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"] is True
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert not any("docker.sock" in str(volume) for volume in service.get("volumes", []))


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_a_service_says_whether_it_is_well_and_comes_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_what_runs_once_does_not_come_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "no"
    waits = [
        other
        for other, service in SERVICES.items()
        if service.get("depends_on", {}).get(name, {}).get("condition") == "service_completed_successfully"
    ]
    assert waits, f"nobody waits for {name}"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert str(port).startswith("127.0.0.1:"), port
    if name in ("postgres", "redis"):
        assert "ports" not in SERVICES[name]
        assert SERVICES[name]["networks"] == ["stores"]


def test_the_network_of_the_stores_has_no_way_out() -> None:
    assert COMPOSE["networks"]["stores"]["internal"] is True


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    if service["image"].startswith("rebuttal-"):
        builders = [other for other in SERVICES.values() if other["image"] == service["image"] and "build" in other]
        assert len(builders) == 1, "an image of ours is built by one service, and the others take it by its name"
        bases = [default_of(value) for value in builders[0]["build"]["args"].values()]
        assert bases
        assert all(_PINNED.search(base) for base in bases), bases
        return
    assert _PINNED.search(default_of(service["image"])), service["image"]


def test_the_dockerfile_builds_on_the_same_bases_and_installs_by_hash() -> None:
    dockerfile = text_of("Dockerfile")
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", dockerfile, re.M))
    for service in SERVICES.values():
        for name, value in service.get("build", {}).get("args", {}).items():
            assert defaults[name] == default_of(value)
    installs = re.findall(r"pip install[^\n]*", dockerfile)
    assert len(installs) >= 4
    assert all("--require-hashes" in line for line in installs), installs
    airflow = re.search(r"^apache-airflow==([\d.]+)", text_of("requirements/airflow.in"), re.M)
    assert airflow
    assert f"airflow:{airflow[1]}-" in defaults["BASE_IMAGE"]


def test_every_image_runs_as_somebody_without_rights() -> None:
    for stage in ("loop", "superset"):
        body = re.split(r"^FROM ", text_of("Dockerfile"), flags=re.M)
        last = next(part for part in body if re.match(rf"\S+ AS {stage}\n", part))
        assert re.findall(r"^USER (\S+)$", last, re.M)[-1] == "50000:0"


def test_secrets_are_declared_made_and_given_to_those_who_name_them() -> None:
    from compose.make_secrets import MADE

    assert set(COMPOSE["secrets"]) == set(MADE)
    for name, secret in COMPOSE["secrets"].items():
        assert secret["file"] == f"${{SECRETS_FOLDER:-./.secrets}}/{name}"
    used: set[str] = set()
    for name, service in SERVICES.items():
        said = yaml.safe_dump(
            [service.get(key) for key in ("environment", "command", "entrypoint", "healthcheck")], width=10_000
        )
        named = {first or second for first, second in _SECRET.findall(said)}
        assert named <= secrets_of(service), f"{name} names secrets that it is not given"
        used |= named | secrets_of(service)
    assert used == set(MADE)


def test_who_speaks_with_strangers_knows_least() -> None:
    assert secrets_of(SERVICES["receiver"]) == {"state_password", "identity_key", "connections"}
    assert not any(name.startswith("AIRFLOW__") for name in SERVICES["receiver"]["environment"])
    assert secrets_of(SERVICES["superset"]) == {"superset_db_password", "bi_reader_password"}
    assert not secrets_of(SERVICES["sandbox"]) | secrets_of(SERVICES["mailbox"])


def test_no_secret_stands_in_the_files() -> None:
    for name, service in SERVICES.items():
        environment = service.get("environment", {})
        for key, value in environment.items():
            told = str(value)
            if re.search(r"PASSWORD|SECRET|_KEY|TOKEN", key) and not key.endswith("_FILE"):
                assert re.fullmatch(r"\{\{[a-z_]+\}\}", told), f"{name}: {key}"
            if found := re.search(r"://[^/@]*:([^/@]*)@", told):
                assert re.fullmatch(r"\{\{[a-z_]+\}\}", found[1]), f"{name}: {key}"
    for line in text_of("Dockerfile").splitlines():
        assert not re.search(r"(PASSWORD|SECRET|TOKEN)\w*=", line), line
    assert ".secrets/" in text_of(".gitignore").splitlines()
    assert text_of(".dockerignore").splitlines()[1] == "*", "an image gets only what is listed"


def test_every_variable_is_explained() -> None:
    asked = {found[0] for found in _VARIABLE.findall(text_of("docker-compose.yml"))}
    assert len(asked) > 10
    explained = set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]*)=", text_of(".env.example"), re.M))
    assert asked <= explained, f"not in .env.example: {sorted(asked - explained)}"


def test_every_database_and_role_of_an_address_is_made() -> None:
    script = text_of("compose/postgres/databases.sh")
    addresses = set(re.findall(r"://(\w+):\{\{(\w+)\}\}@postgres:5432/(\w+)", text_of("docker-compose.yml")))
    assert len(addresses) == 5
    for role, password, database in addresses:
        assert f"\nrole {role} {password}\n" in script
        assert f"\ndatabase {database} " in script


def test_every_volume_is_used() -> None:
    volumes = [volume for service in SERVICES.values() for volume in service.get("volumes", [])]
    named = {str(volume).split(":")[0] for volume in volumes if isinstance(volume, str)}
    assert set(COMPOSE["volumes"]) == {name for name in named if not name.startswith(".")}


def test_a_configuration_that_is_not_there_is_an_error() -> None:
    mounts = [
        volume for service in SERVICES.values() for volume in service.get("volumes", []) if isinstance(volume, dict)
    ]
    assert len(mounts) > 5
    for mount in mounts:
        assert mount["read_only"] is True
        assert mount["bind"] == {"create_host_path": False}, "docker would make an empty folder"


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command here; PyYAML has parsed the file")
def test_compose_itself_accepts_the_file() -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin here; PyYAML has parsed the file")
    said = subprocess.run(
        ["docker", "compose", "--env-file", ".env.example", "--profile", "demo", "config", "--quiet"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
