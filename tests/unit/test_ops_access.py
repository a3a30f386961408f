"""The way into a database: by a stack's outputs, or by the environment."""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

import pytest
import typer

from ops import access, stacks
from ops.access import Access, from_environment
from ops.command import Choice
from ops.errors import OpsError
from ops.migrate import schema
from ops.source import Source
from postgres.login import Login
from toolchain.errors import ToolchainError

PASSWORD = "s3 %/'x"
URL = "postgresql://shop_owner:s3%20%25%2F%27x@db.example.org:6543/shop?sslmode=require"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment that names no database, and an empty home."""
    for name in [name for name in os.environ if name.startswith("PG") or name == "DATABASE_URL"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def options(found: Access) -> dict[str, str]:
    """Its options, without the password file, which every access from the environment has."""
    return {name: value for name, value in found.options.items() if name != "passfile"}


def test_the_usual_variable_is_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    monkeypatch.setenv("PGHOST", "elsewhere")
    found = from_environment(None, None)
    assert (found.login, options(found)) == (Login("db.example.org", 6543, "shop", "shop_owner", PASSWORD, "require"), {})


def test_what_a_url_leaves_open_is_in_the_other_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHOP_URL", "postgresql://shop_owner@/shop?sslcert=client.crt")
    for name, value in {"PGHOST": "::1", "PGPASSWORD": PASSWORD, "PGSSLMODE": "verify-ca", "PGSSLROOTCERT": "ca.pem"}.items():
        monkeypatch.setenv(name, value)
    found = from_environment("SHOP_URL", None)
    login = Login("::1", 5432, "shop", "shop_owner", PASSWORD, "verify-ca", "ca.pem")
    assert found == Access(login, {"passfile": str(tmp_path / ".pgpass"), "sslcert": "client.crt"})


def test_a_database_can_be_named_beside_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    assert from_environment(None, "other").login.database == "other"


def test_a_service_is_looked_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "services").write_text("[shop]\nhost=db\nport=7000\ndbname=shop\nuser=me\nconnect_timeout=3\n", encoding="utf-8")
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    monkeypatch.setenv("PGSERVICE", "shop")
    found = from_environment(None, None)
    assert (found.login, options(found)) == (Login("db", 7000, "shop", "me"), {"connect_timeout": "3"})


@pytest.mark.parametrize(
    ("variable", "message"),
    [
        (None, "nothing in the environment names a database: set DATABASE_URL, or PGHOST, PGDATABASE and so on."),
        ("SHOP_URL", "the environment has no variable SHOP_URL."),
    ],
)
def test_an_environment_that_names_no_database_is_a_usage_error(variable: str | None, message: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        from_environment(variable, None)
    assert str(refused.value) == message


def test_a_url_that_is_none_is_told_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"nonsense {PASSWORD}")
    with pytest.raises(OpsError) as refused:
        from_environment(None, None)
    assert str(refused.value) == "DATABASE_URL is no connection URL.\nIt is like postgresql://user@host:5432/shop."


def test_several_hosts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://me@a:1,b:2/shop")
    with pytest.raises(OpsError) as refused:
        from_environment(None, None)
    assert str(refused.value) == "Several servers are named: a,b.\nMigrations go to one: name the primary."


def test_nothing_shows_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", f"{URL}&sslpassword=another")
    shown = repr(from_environment(None, None))
    assert "s3" not in shown
    assert "another" not in shown


# By a stack


def outputs(database: str) -> dict[str, Any]:
    role = {"user": "shop_owner", "url": URL}
    return {"name": database, "endpoints": {"host": {"host": "db.example.org", "port": 6543}}, "roles": {"owner": role}, "migration": None}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Stands in for a stack with one database and its twin; which stack was asked is kept."""
    asked: list[str] = []

    def outputs_of(name: str) -> dict[str, Any]:
        asked.append(name)
        return copy.deepcopy({"databases": {"shop": {**outputs("shop"), "test": outputs("shop_test")}}})

    monkeypatch.setattr(stacks, "outputs_of", outputs_of)
    monkeypatch.setattr(stacks, "root_certificate_of", lambda _name: "ca.pem")
    return asked


def test_a_stack_is_asked_once_for_the_owner_of_every_database(stack: list[str]) -> None:
    sources = (Source("shop", Path("x"), None), Source("shop_test", Path("x"), None))
    owner = Access(Login("db.example.org", 6543, "shop", "shop_owner", PASSWORD, "require", "ca.pem"))
    assert (access.to(Choice(), sources), stack) == ((owner, owner), ["local"])


def test_a_database_that_the_stack_does_not_have_yet_is_told(stack: list[str]) -> None:
    with pytest.raises(ToolchainError) as refused:
        access.to(Choice(stack="dev"), (Source("till", Path("x"), None),))
    assert (str(refused.value), stack) == ("The stack has no database 'till'.\nIt has: shop, shop_test", ["dev"])


def test_a_folder_given_by_hand_asks_no_stack(monkeypatch: pytest.MonkeyPatch, stack: list[str]) -> None:
    monkeypatch.setenv("DATABASE_URL", URL)
    (found,) = access.to(Choice(folder=Path("x"), database="other"), (Source("other", Path("x"), None),))
    assert (found.login.database, stack) == ("other", [])


def test_programs_of_libpq_get_everything_but_the_password_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authorities.pem"))
    (tmp_path / "authorities.pem").touch()
    login = Login("db.example.org", 6543, "shop", "shop_owner", PASSWORD, "verify-full")
    assert schema._service(Access(login, {"sslpassword": "another"})) == (
        "[pgstack]\nsslpassword=another\nhost=db.example.org\nport=6543\ndbname=shop\nuser=shop_owner\nsslmode=verify-full\n"
        f"sslrootcert={tmp_path}/authorities.pem\n"
    )
