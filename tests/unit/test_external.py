"""The program on target `external`: what it declares, and what it gives the applications."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.unit.engine import Run, Secret, declare

HOST = {"host": "db.example.com", "port": 6432}
ENVIRONMENT = {"SHOP_PASSWORD": "hunter2", "TILL_PASSWORD": "hunter3"}


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with migrations of one database, in which the program runs with passwords in its environment."""
    monkeypatch.chdir(tmp_path)
    steps = tmp_path / "sql" / "shop" / "migrations"
    steps.mkdir(parents=True)
    (steps / "1_a.sql").write_text("SELECT 1;\n")
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


def server(**more: Any) -> dict[str, Any]:
    return {**HOST, "login": {"user": "shop", "passwordVariable": "SHOP_PASSWORD"}, **more}


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Two databases that are there already, one of them with a twin, migrations, and a login for all; the other has its own."""
    databases = [
        {"name": "shop", "testTwin": True, "extensions": ["citext"]},
        {"name": "till", "login": {"user": "cash", "passwordVariable": "TILL_PASSWORD"}},
    ]
    return declare(monkeypatch, target="external", external=server(rootCertificate="ca.pem"), databases=databases)


@pytest.fixture
def managed(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A server whose roles are made here, and a database."""
    return declare(monkeypatch, target="external", external=server(manageRoles=True, database="defaultdb"), databases=[{"name": "shop"}])


def login(user: str, password: str, **more: str) -> dict[str, Any]:
    return {**HOST, "user": user, "password": Secret(password), "sslmode": "verify-full", **more}


def test_without_roles_there_is_a_check_and_then_the_migrations(run: Run) -> None:
    assert run.tree == [
        "Database shop > Migrations shop",
        "Database shop > Migrations shop_test",
        "ExternalServer server > Check server",
        "stack > Database shop",
        "stack > Database till",
        "stack > ExternalServer server",
    ]
    migrations = run.find("Migrations", "shop_test")
    assert migrations.inputs["owner"] == login("shop", "hunter2", rootCertificate="ca.pem")
    assert migrations.depends_on == ("Check server",)


def test_the_server_is_looked_at_with_every_login_for_what_is_done_with_it(run: Run) -> None:
    shop = {"login": login("shop", "hunter2", rootCertificate="ca.pem"), "duty": "migrate", "extensions": ["citext"]}
    till = {"login": login("cash", "hunter3", rootCertificate="ca.pem"), "duty": "connect", "extensions": []}
    assert run.find("Check", "server").inputs == {
        "demands": [{**shop, "database": "shop"}, {**shop, "database": "shop_test"}, {**till, "database": "till"}]
    }


def test_with_roles_everything_is_made_as_on_the_other_targets(managed: Run) -> None:
    assert managed.tree == [
        "Database shop > Bootstrap shop",
        "Database shop > Migrations shop",
        "Database shop > Password shop-app",
        "Database shop > Password shop-owner",
        "Database shop > Password shop-readonly",
        "ExternalServer server > Check server",
        "stack > Database shop",
        "stack > ExternalServer server",
    ]
    administrator = {**login("shop", "hunter2"), "database": "defaultdb"}
    assert managed.find("Check", "server").inputs == {
        "demands": [{"login": login("shop", "hunter2"), "database": "defaultdb", "duty": "administer", "extensions": []}]
    }
    bootstrap = managed.find("Bootstrap", "shop")
    assert bootstrap.inputs["administrator"] == administrator
    assert "Check server" in bootstrap.depends_on


def test_outputs_without_roles_have_the_one_login_and_no_others(run: Run) -> None:
    def url(user: str, password: str, database: str) -> Secret:
        return Secret(f"postgresql://{user}:{password}@db.example.com:6432/{database}?sslmode=verify-full")

    def contract(name: str, user: str, password: str, migration: str | None) -> dict[str, Any]:
        environment = {
            "DATABASE_URL": url(user, password, name),
            "PGHOST": "db.example.com",
            "PGPORT": "6432",
            "PGDATABASE": name,
            "PGUSER": user,
            "PGPASSWORD": Secret(password),
            "PGSSLMODE": "verify-full",
        }
        return {
            "name": name,
            "endpoints": {"host": HOST, "network": HOST},
            "roles": {"owner": {"user": user, "url": url(user, password, name)}, "app": None, "readonly": None},
            "environment": environment,
            "networkEnvironment": environment,
            "migration": migration,
        }

    shop = contract("shop", "shop", "hunter2", "1")
    assert run.exports == {
        "server": {"target": "external", "version": 15, "host": HOST, "network": HOST, "docker": None},
        "redis": None,
        "adminer": None,
        "databases": {
            "shop": {**shop, "test": contract("shop_test", "shop", "hunter2", "1")},
            "till": contract("till", "cash", "hunter3", None),
        },
    }


def test_outputs_with_roles_have_all_three(managed: Run) -> None:
    shop = managed.exports["databases"]["shop"]
    users = {"owner": "shop_owner", "app": "shop_app", "readonly": "shop_readonly"}
    assert ({role: entry["user"] for role, entry in shop["roles"].items()}, shop["environment"]["PGUSER"]) == (users, "shop_app")


def test_a_server_on_loopback_has_nothing_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = declare(monkeypatch, target="external", external=server(host="localhost"), databases=[{"name": "shop"}])
    here = {"host": "localhost", "port": 6432}
    assert run.exports["server"] == {"target": "external", "version": 15, "host": here, "network": None, "docker": None}
    assert run.exports["databases"]["shop"]["environment"]["PGSSLMODE"] == "prefer"


@pytest.mark.parametrize("made", ["run", "managed"])
def test_no_password_is_in_clear_anywhere(request: pytest.FixtureRequest, made: str) -> None:
    run: Run = request.getfixturevalue(made)

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: strip(part) for key, part in value.items()}
        return [strip(part) for part in value] if isinstance(value, list) else None if isinstance(value, Secret) else value

    shown = json.dumps([[strip(one.inputs), one.provider] for one in run.resources] + [run.outputs, strip(run.exports)])
    assert [word for word in ("hunter", "s3cret") if word in shown] == []


def test_a_password_of_the_stack_file_has_to_be_encrypted_there(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {
        "target": "external",
        "external": {**HOST, "login": {"user": "shop", "password": "hunter2"}},
        "databases": [{"name": "shop"}],
    }
    with pytest.raises(pulumi.RunError, match=r"pgstack:external\.login\.password: is in clear") as caught:
        declare(monkeypatch, **settings)
    assert "hunter2" not in str(caught.value)
    monkeypatch.setenv("PULUMI_CONFIG_SECRET_KEYS", json.dumps(["pgstack:external"]))
    run = declare(monkeypatch, **settings)
    assert run.find("Migrations", "shop").inputs["owner"] == login("shop", "hunter2")
