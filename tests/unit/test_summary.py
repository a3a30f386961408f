from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from cluster import programs
from postgres import ambient
from tests.unit import places
from toolchain import summary
from toolchain.errors import ToolchainError

HOST = {"host": "127.0.0.1", "port": 5433}


def output(name: str, application: str = "shop", migration: str | None = "20250131", **more: Any) -> dict[str, Any]:
    roles = {
        role: {
            "user": f"{application}_{role}",
            "url": f"postgresql://{application}_{role}:s3%2Fcret%21@127.0.0.1:5433/{name}?sslmode=disable",
        }
        for role in ("owner", "app", "readonly")
    }
    return {"name": name, "endpoints": {"host": HOST, "network": None}, "roles": roles, "migration": migration, **more}


@pytest.fixture
def outputs() -> dict[str, Any]:
    """Of a stack with two databases, the first of them with a test twin."""
    return copy.deepcopy(
        {
            "server": {"target": "embedded", "version": 18, "host": HOST, "network": None},
            "databases": {"shop": output("shop", test=output("shop_test")), "till": output("till", "till", None)},
        }
    )


def test_the_summary_says_what_is_up_and_what_to_run_next_without_a_password(outputs: dict[str, Any]) -> None:
    text = summary.render("local", outputs)
    assert text == (
        "\n"
        "PostgreSQL 18 (embedded) is up on stack local.\n"
        "\n"
        "  database   migration  URL of the application's role, without its password\n"
        "  shop       20250131   postgresql://shop_app@127.0.0.1:5433/shop\n"
        "  shop_test  20250131   postgresql://shop_app@127.0.0.1:5433/shop_test\n"
        "  till       none       postgresql://till_app@127.0.0.1:5433/till\n"
        "\n"
        "Next:\n"
        "  make psql DATABASE=shop    open psql as the application's role\n"
        "  make -s url DATABASE=shop  print that role's URL with its password\n"
        "  make preview               show what `make up` would change, pending migrations by name\n"
        "  make destroy               stop it; the data stays"
    )
    assert "cret" not in text


def test_the_summary_of_another_stack_names_it_in_its_commands(outputs: dict[str, Any]) -> None:
    outputs["databases"] = {}
    assert summary.render("dev", outputs).splitlines() == [
        "",
        "PostgreSQL 18 (embedded) is up on stack dev.",
        "",
        "Next:",
        "  make psql STACK=dev     open psql as the application's role",
        "  make -s url STACK=dev   print that role's URL with its password",
        "  make preview STACK=dev  show what `make up` would change, pending migrations by name",
        "  make destroy STACK=dev  stop it; the data stays",
    ]


def test_what_runs_beside_postgresql_has_a_line_each(outputs: dict[str, Any]) -> None:
    outputs |= {
        "adminer": {"url": "http://127.0.0.1:8080"},
        "redis": {
            "endpoints": {"host": {"host": "127.0.0.1", "port": 6379}, "network": {"host": "redis", "port": 6379}},
            "environment": {"REDIS_PASSWORD": "[secret]"},
        },
    }
    lines = summary.render("dev", outputs).splitlines()
    assert lines[7:12] == [
        "",
        "  Adminer  http://127.0.0.1:8080",
        "  Redis    redis://127.0.0.1:6379, with a password: the output redis has it",
        "",
        "Next:",
    ]


def test_what_does_not_run_has_no_line(outputs: dict[str, Any]) -> None:
    assert summary.render("dev", {**outputs, "adminer": None, "redis": None}) == summary.render("dev", outputs)


def test_a_server_that_is_not_published_is_named_as_containers_reach_it(outputs: dict[str, Any]) -> None:
    for database in (outputs["databases"]["shop"], outputs["databases"]["shop"]["test"]):
        database["endpoints"] = {"host": None, "network": {"host": "database", "port": 5432}}
    outputs["databases"]["till"]["endpoints"]["host"] = {"host": "::1", "port": 5433}
    text = summary.render("dev", outputs)
    assert "postgresql://shop_app@database:5432/shop\n" in text
    assert "postgresql://till_app@[::1]:5433/till\n" in text
    with pytest.raises(ToolchainError) as caught:
        summary.find_login(outputs, "shop", "app")
    assert str(caught.value) == (
        "shop is reached from its network alone.\nSet `publish: true` in pgstack:docker, or run psql in a container there."
    )


@pytest.fixture
def external(outputs: dict[str, Any]) -> dict[str, Any]:
    """Of a stack on a server of somebody else's, with one login for its database."""
    shop = output("shop")
    shop["roles"] |= {"app": None, "readonly": None}
    shop["roles"]["owner"]["url"] = shop["roles"]["owner"]["url"].replace("disable", "verify-full")
    return {"server": {**outputs["server"], "target": "external"}, "databases": {"shop": shop}}


def test_where_there_is_one_login_the_application_has_it_too(external: dict[str, Any]) -> None:
    lines = summary.render("hosted", external).splitlines()
    assert lines[4] == "  shop      20250131   postgresql://shop_owner@127.0.0.1:5433/shop"
    assert lines[-1] == "  make destroy STACK=hosted               forget it; the data stays"
    assert summary.find_url(external, None, "app") == summary.find_url(external, None, "owner")
    with pytest.raises(ToolchainError) as caught:
        summary.find_url(external, None, "readonly")
    assert str(caught.value) == "The stack knows no login of the role readonly in shop.\nIt knows: app, owner"


@pytest.mark.parametrize("named", ["", "own.pem"])
def test_psql_verifies_the_server_where_the_url_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], external: dict[str, Any], named: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(ambient, "system_authorities", lambda: "system.pem")
    places.program(tmp_path / "path" / "psql", PSQL)
    with pytest.raises(SystemExit):
        summary.run_psql(summary.find_login(external, "shop", "app"), [], named)
    assert capfd.readouterr().out.splitlines()[-2:] == ["sslmode=verify-full", f"sslrootcert={named or 'system.pem'}"]


def test_a_twin_comes_after_its_database(outputs: dict[str, Any]) -> None:
    assert [name for name, _ in summary.databases(outputs)] == ["shop", "shop_test", "till"]
    assert list(summary.databases({})) == []


@pytest.mark.parametrize(
    ("database", "role", "name", "user"),
    [(None, "app", "shop", "shop_app"), ("shop_test", "readonly", "shop_test", "shop_readonly"), ("till", "owner", "till", "till_owner")],
)
def test_a_login_is_found_by_database_and_role(outputs: dict[str, Any], database: str | None, role: str, name: str, user: str) -> None:
    url = f"postgresql://{user}:s3%2Fcret%21@127.0.0.1:5433/{name}?sslmode=disable"
    assert summary.find_login(outputs, database, role) == (HOST, name, url)
    assert summary.find_url(outputs, database, role) == url


def test_a_database_that_is_not_there_is_told_with_those_that_are(outputs: dict[str, Any]) -> None:
    with pytest.raises(ToolchainError) as caught:
        summary.find_login(outputs, "shpo", "app")
    assert str(caught.value) == "The stack has no database 'shpo'.\nIt has: shop, shop_test, till"


@pytest.mark.parametrize(("database", "shown"), [(None, "''"), ("shop", "'shop'")])
def test_a_stack_without_databases_has_no_login(database: str | None, shown: str) -> None:
    with pytest.raises(ToolchainError) as caught:
        summary.find_url({"server": {}, "databases": {}}, database, "app")
    assert str(caught.value) == f"The stack has no database {shown}.\nIt has: none"


PSQL = """
echo "$*"
echo "$PGSERVICE"
echo "$PGSERVICEFILE"
while read -r line; do echo "$line"; done < "$PGSERVICEFILE"
exit 3
"""


@pytest.mark.parametrize("where", ["path", "package"])
def test_psql_gets_the_password_through_a_file_that_is_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], outputs: dict[str, Any], where: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(programs, "installed", lambda: tmp_path / "package")
    places.program(tmp_path / where / "psql", PSQL)
    with pytest.raises(SystemExit) as caught:
        summary.run_psql(summary.find_login(outputs, "shop_test", "app"), ["-c", "SELECT 1"])
    arguments, service, file, *lines = capfd.readouterr().out.splitlines()
    assert (caught.value.code, arguments, service) == (3, "-c SELECT 1", "pgstack")
    assert lines == [
        "[pgstack]",
        "host=127.0.0.1",
        "port=5433",
        "dbname=shop_test",
        "user=shop_app",
        "password=s3/cret!",
        "sslmode=disable",
    ]
    assert not Path(file).parent.exists()


def test_the_file_for_psql_is_for_its_owner_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str], outputs: dict[str, Any]
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    places.program(tmp_path / "path" / "psql", 'ls -l "$PGSERVICEFILE"')
    with pytest.raises(SystemExit):
        summary.run_psql(summary.find_login(outputs, None, "app"), [])
    assert capfd.readouterr().out.startswith("-rw-------")
