from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.engine import Run, Secret, declare, password_of

SERVER = {"host": "127.0.0.1", "port": 5433}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A stack with a database that has a twin and migrations, one that has neither, and one without a single migration yet."""
    monkeypatch.chdir(tmp_path)
    for name in ("shop", "empty"):
        (tmp_path / "sql" / name / "migrations").mkdir(parents=True)
    (tmp_path / "sql" / "shop" / "migrations" / "20250131_a.sql").write_text("SELECT 1;\n")
    return declare(
        monkeypatch,
        port=5433,
        databases=[{"name": "shop", "testTwin": True, "roles": {"app": "größe"}}, {"name": "notes"}, {"name": "empty"}],
    )


def url(user: str, password: str, database: str) -> Secret:
    return Secret(f"postgresql://{user}:s3cret%2F{password}@127.0.0.1:5433/{database}?sslmode=disable")


def contract(name: str, migration: str | None, *, application: str | None = None, app: str = "", encoded: str = "") -> dict[str, Any]:
    """What docs/reference/outputs.md promises for one database."""
    application = application or name
    app = app or f"{application}_app"
    users = {"owner": f"{application}_owner", "app": app, "readonly": f"{application}_readonly"}
    urls = {role: url(encoded if role == "app" and encoded else user, f"{application}-{role}", name) for role, user in users.items()}
    return {
        "name": name,
        "endpoints": {"host": SERVER, "network": None},
        "roles": {role: {"user": user, "url": urls[role]} for role, user in users.items()},
        "environment": {
            "DATABASE_URL": urls["app"],
            "PGHOST": "127.0.0.1",
            "PGPORT": "5433",
            "PGDATABASE": name,
            "PGUSER": app,
            "PGPASSWORD": Secret(password_of(f"{application}-app")),
            "PGSSLMODE": "disable",
        },
        "networkEnvironment": None,
        "migration": migration,
    }


def test_the_output_of_the_server(run: Run) -> None:
    assert run.exports["server"] == {"target": "embedded", "version": 18, "host": SERVER, "network": None, "docker": None}


def test_the_output_of_a_database_without_a_twin(run: Run) -> None:
    assert run.exports["databases"]["notes"] == contract("notes", None)


def test_the_output_of_a_database_with_a_twin_has_the_twins_below_test(run: Run) -> None:
    names = {"app": "größe", "encoded": "gr%C3%B6%C3%9Fe"}
    assert run.exports["databases"]["shop"] == {
        **contract("shop", "20250131", **names),
        "test": contract("shop_test", "20250131", application="shop", **names),
    }


def test_a_database_whose_folder_is_empty_has_an_empty_migration(run: Run) -> None:
    assert run.exports["databases"]["empty"] == contract("empty", "")


def secrets(value: Any, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The places of the secrets in a tree."""
    if isinstance(value, Secret):
        return {path}
    return {found for key, part in value.items() for found in secrets(part, (*path, key))} if isinstance(value, dict) else set()


def test_secrets_are_urls_and_passwords_and_nothing_else(run: Run) -> None:
    one = {
        ("roles", "owner", "url"),
        ("roles", "app", "url"),
        ("roles", "readonly", "url"),
        ("environment", "DATABASE_URL"),
        ("environment", "PGPASSWORD"),
    }
    assert secrets(run.exports["databases"]["shop"]) == one | {("test", *path) for path in one}
    assert secrets(run.exports["server"]) == set()
