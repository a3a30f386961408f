"""The stack files below examples/: usable, and with the names and numbers that their applications have."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import settings
from components.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"

APPLICATIONS = {
    "usualstore": {
        "port": 5433,
        "container": ("usualstore-database", "postgres:15-alpine", ("database",), "usualstore_db_data", None),
        "health": (10, 5, 5),
        "databases": [("usualstore", "usualstore_app", "soda", None)],
        "companions": (False, False),
    },
    "kennwilliamson": {
        "port": 5432,
        "container": (None, "postgres:15-alpine", ("postgres",), "postgres_data", "backup_data"),
        "health": (30, 10, 3),
        "databases": [("kennwilliamson", "kennwilliamson_app", "sqlx", "kennwilliamson_test")],
        "companions": (False, False),
    },
    "physics-assistant": {
        "port": 5432,
        "container": (None, "postgres:15-alpine", ("database",), None, None),
        "health": (10, 5, 5),
        "databases": [("physics_assistant", "physics_user", "golang-migrate", None)],
        "companions": (True, True),
    },
    "math-museums": {
        "port": 5432,
        "container": ("postgres-mathmuseums", "postgres:15", ("database",), None, None),
        "health": (10, 5, 5),
        "databases": [("mathmuseums", "mathmuseums_user", None, None)],
        "companions": (False, False),
    },
}


def parsed(name: str) -> Settings:
    content = yaml.safe_load((EXAMPLES / name / f"Pulumi.{name}.yaml").read_text(encoding="utf-8"))
    return settings.parse({key: value if isinstance(value, str) else json.dumps(value) for key, value in content["config"].items()})


@pytest.mark.parametrize(("name", "expected"), APPLICATIONS.items(), ids=list(APPLICATIONS))
def test_an_application_keeps_its_names_and_numbers(name: str, expected: dict[str, Any]) -> None:
    found = parsed(name)
    docker = found.docker
    assert (found.target, found.version) == ("docker", 15)
    assert {
        "port": found.port,
        "container": (docker.name, docker.image, docker.aliases, docker.volume, docker.backup_volume),
        "health": (docker.health.interval, docker.health.timeout, docker.health.retries),
        "databases": [(one.name, one.app, one.format, one.twin) for one in found.databases],
        "companions": (docker.adminer.enabled, docker.redis.enabled),
    } == expected


def test_the_limits_and_ports_that_an_application_names() -> None:
    parameters = parsed("usualstore").parameters.as_text()
    assert (parameters["max_connections"], parameters["listen_addresses"]) == ("200", "*")
    physics = parsed("physics-assistant").docker
    assert (physics.adminer.port, physics.redis.port) == (8080, 6379)


def test_every_application_has_a_page() -> None:
    assert [
        name for name in APPLICATIONS if f"make up EXAMPLE={name}" not in (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    ] == []
