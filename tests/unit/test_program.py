from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from migrator.discovery import read_folder
from tests.unit.engine import Declared, Run, Secret, declare, password_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder with migrations of one database, in which the program runs."""
    monkeypatch.chdir(tmp_path)
    steps = tmp_path / "sql" / "shop" / "migrations"
    steps.mkdir(parents=True)
    for name in ("1_a.sql", "2_b.sql"):
        (steps / name).write_text(f"SELECT '{name}';\n")
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, project: Path) -> Run:
    """A stack with a database that has migrations and a twin, and one that has neither."""
    databases: list[dict[str, Any]] = [
        {"name": "shop", "testTwin": True, "extensions": ["pgcrypto"], "roles": {"app": "till"}},
        {"name": "notes"},
    ]
    return declare(monkeypatch, port=5433, parameters={"max_connections": 50}, databases=databases)


def test_the_program_declares_components_with_everything_below_them(run: Run) -> None:
    assert run.tree == [
        "Database notes > Bootstrap notes",
        "Database notes > Password notes-app",
        "Database notes > Password notes-owner",
        "Database notes > Password notes-readonly",
        "Database shop > Bootstrap shop",
        "Database shop > Migrations shop",
        "Database shop > Migrations shop_test",
        "Database shop > Password shop-app",
        "Database shop > Password shop-owner",
        "Database shop > Password shop-readonly",
        "EmbeddedServer server > Cluster server",
        "EmbeddedServer server > Password server-superuser",
        "stack > Database notes",
        "stack > Database shop",
        "stack > EmbeddedServer server",
    ]


def test_the_server_gets_its_settings_and_a_secret_password(run: Run) -> None:
    cluster = run.find("Cluster", "server")
    assert cluster.inputs == {
        "project": "pgstack",
        "stack": "local",
        "version": 18,
        "port": 5433,
        "dataDirectory": ".pgstack/data",
        "deleteData": False,
        "parameters": {"max_connections": "50", "shared_buffers": "128MB"},
        "password": Secret(password_of("server-superuser")),
    }
    assert cluster.depends_on == ("Password server-superuser",)
    assert run.outputs["EmbeddedServer server"] == {"version": 18, "port": 5433}


def login(user: str, password: str, **more: str) -> dict[str, Any]:
    return {"host": "127.0.0.1", "port": 5433, "user": user, "password": Secret(password_of(password)), "sslmode": "disable", **more}


def test_a_database_is_made_ready_after_the_server_with_its_twin_and_roles(run: Run) -> None:
    bootstrap = run.find("Bootstrap", "shop")
    assert bootstrap.inputs == {
        "administrator": login("postgres", "server-superuser", database="postgres"),
        "databases": ["shop", "shop_test"],
        "roles": {
            role: {"name": name, "password": Secret(password_of(f"shop-{role}"))}
            for role, name in (("owner", "shop_owner"), ("app", "till"), ("readonly", "shop_readonly"))
        },
        "extensions": ["pgcrypto"],
    }
    assert bootstrap.depends_on == (
        "Cluster server",
        "Password server-superuser",
        "Password shop-app",
        "Password shop-owner",
        "Password shop-readonly",
    )


@pytest.mark.parametrize("database", ["shop", "shop_test"])
def test_migrations_run_as_the_owner_once_the_database_is_ready(run: Run, database: str) -> None:
    migrations = run.find("Migrations", database)
    folder = read_folder(Path("sql", "shop", "migrations"))
    assert migrations.inputs == {
        "database": database,
        "owner": login("shop_owner", "shop-owner"),
        "directory": "sql/shop/migrations",
        "format": "sqlx",
        "migrations": [{"version": m.version, "name": m.name, "checksum": m.checksum} for m in folder.migrations],
        "version": "2",
        "targetVersion": "",
        "allowRollback": False,
        "lockTimeout": 5,
    }
    assert migrations.depends_on == ("Bootstrap shop", "Password shop-owner")


def test_a_password_is_an_output_that_the_engine_encrypts(run: Run) -> None:
    passwords = [resource for resource in run.resources if resource.kind == "Password"]
    assert [(one.inputs, one.secret_outputs, one.depends_on) for one in passwords] == [({}, ("result",), ())] * 7


def strip(value: Any) -> Any:
    """A value without the secrets in it."""
    if isinstance(value, dict):
        return {key: strip(part) for key, part in value.items()}
    return [strip(part) for part in value] if isinstance(value, list) else None if isinstance(value, Secret) else value


def test_no_password_and_no_sql_is_in_clear_anywhere(run: Run) -> None:
    shown = json.dumps([[strip(one.inputs), one.provider] for one in run.resources] + [run.outputs])
    assert [word for word in ("s3cret", "SELECT") if word in shown] == []


def test_the_same_program_is_declared_the_same_way_twice(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    """A provider that were kept as code would differ from run to run, and every preview would show a change."""

    def providers(resources: list[Declared]) -> dict[str, Any]:
        return {one.kind: one.provider for one in resources if one.provider}

    again = declare(monkeypatch, databases=[{"name": "shop"}])
    assert providers(again.resources) == providers(run.resources)


def test_the_exports_are_the_server_what_is_beside_it_and_the_databases(run: Run) -> None:
    assert list(run.exports) == ["server", "redis", "adminer", "databases"]
    assert (run.exports["redis"], run.exports["adminer"]) == (None, None)
    assert list(run.exports["databases"]) == ["shop", "notes"]


@pytest.mark.usefixtures("project")
def test_without_databases_there_is_a_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    run = declare(monkeypatch)
    assert run.tree == [
        "EmbeddedServer server > Cluster server",
        "EmbeddedServer server > Password server-superuser",
        "stack > EmbeddedServer server",
    ]
    assert run.exports["databases"] == {}


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("delete", [True, False])
def test_deleting_data_is_warned_of(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, delete: bool) -> None:
    run = declare(monkeypatch, deleteData=delete)
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    warning = "deleteData is set: once this is applied, `pulumi destroy` deletes the server's data for good."
    assert warnings == ([warning] if delete else [])
    assert run.find("Cluster", "server").inputs["deleteData"] is delete


def test_a_folder_of_migrations_that_is_named_is_used(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    (project / "db").mkdir()
    (project / "db" / "7_x.up.sql").write_text("SELECT 7;\n")
    run = declare(monkeypatch, databases=[{"name": "shop", "migrations": "db", "format": "soda"}])
    inputs = run.find("Migrations", "shop").inputs
    assert (inputs["directory"], inputs["format"], inputs["version"]) == ("db", "soda", "7")


@pytest.mark.usefixtures("project")
def test_where_migrations_go_and_how_they_wait_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    run = declare(monkeypatch, databases=[{"name": "shop", "targetVersion": "1", "allowRollback": True, "lockTimeout": 60}])
    inputs = run.find("Migrations", "shop").inputs
    assert {key: inputs[key] for key in ("version", "targetVersion", "allowRollback", "lockTimeout")} == {
        "version": "1",
        "targetVersion": "1",
        "allowRollback": True,
        "lockTimeout": 60,
    }


def test_a_folder_whose_format_is_open_is_declared_as_it_is(monkeypatch: pytest.MonkeyPatch, project: Path) -> None:
    """The history that a database has already may say which of the formats it is."""
    file = project / "sql" / "shop" / "migrations" / "3_c.up.sql"
    for old in file.parent.iterdir():
        old.unlink()
    file.write_text("SELECT 3;\n")
    inputs = declare(monkeypatch, databases=[{"name": "shop"}]).find("Migrations", "shop").inputs
    assert (inputs["format"], inputs["version"]) == ("", "3")


def refusal(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        declare(monkeypatch, **settings)
    assert caught.value.__cause__ is None
    return str(caught.value)


@pytest.mark.usefixtures("project")
def test_mistakes_in_the_settings_end_the_program_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, port=0, target="dokcer") == (
        "2 settings cannot be used:\n"
        '  pgstack:target = "dokcer": must be embedded, docker or external\n'
        "  pgstack:port = 0: must be at least 1\n"
        "Every key is described in docs/reference/settings.md. Nothing was changed."
    )


@pytest.mark.usefixtures("project")
def test_a_folder_that_is_named_has_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(monkeypatch, databases=[{"name": "shop", "migrations": "nowhere"}]) == (
        "nowhere is no folder of migrations: there is none.\nMake it, or correct the path in the settings."
    )


@pytest.mark.parametrize("stack", ["local", "dev"])
def test_the_stack_files_of_this_repository_declare_their_databases(monkeypatch: pytest.MonkeyPatch, stack: str) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:2375")
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    run = declare(monkeypatch, **{key.removeprefix("pgstack:"): value for key, value in config.items()})
    assert run.exports["databases"].keys() == {entry["name"] for entry in config["pgstack:databases"]}
    assert run.find("Migrations", "usualstore").inputs["version"] == "20250610093000"
    assert run.find("Migrations", "kennwilliamson_test").inputs["version"] == "20250829025210"
