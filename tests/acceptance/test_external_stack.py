"""A stack on a server that is there already, end to end: a plain `pulumi`, the real engine, logins of all kinds."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from postgres.login import Login
from tests.fix_migrations import ledger_versions, tables
from tests.fix_server import free_port
from tests.fix_stack import Project
from tests.fix_tls import Proxies, TlsProxy

BLOG = "sql/kennwilliamson/migrations"
PENDING = "20250829024919_create_users_table"


@dataclass
class Stack:
    """The stack `hosted` of a project, on a backend in a folder; run by Pulumi alone."""

    project: Project
    environment: dict[str, str]

    def pulumi(self, *arguments: str, ok: bool = True, **environment: str) -> str:
        return self.project.run("pulumi", *arguments, ok=ok, **{**self.environment, **environment})

    def describe(self, external: dict[str, Any], *databases: dict[str, Any]) -> None:
        """Writes the stack file's settings, keeping its salt."""
        content = yaml.safe_load(self.file.read_text(encoding="utf-8")) or {}
        content["config"] = {"pgstack:target": "external", "pgstack:external": external, "pgstack:databases": list(databases)}
        self.file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def set_password(self, path: str, password: str) -> None:
        """As a person does it, with the password on the standard input."""
        command = f"printenv ONE_PASSWORD | tr -d '\\n' | pulumi config set --secret --path '{path}'"
        self.project.run("sh", "-c", command, **{**self.environment, "ONE_PASSWORD": password})

    def outputs(self) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets"))
        self.project.printed.pop()
        return shown

    @property
    def file(self) -> Path:
        return self.project.folder / "Pulumi.hosted.yaml"

    def holders_of(self, secret: str) -> list[str]:
        """The files of the project, and the commands' output, that have a secret in clear."""
        files = [file for file in self.project.folder.rglob("*") if file.is_file() and ".venv" not in file.parts]
        found = [str(file) for file in files if secret.encode() in file.read_bytes()]
        return found + ["printed"] * (secret in "\n".join(self.project.printed))


@pytest.fixture
def stack(project: Project) -> Stack:
    project.make("env")
    state = project.folder / "state"
    state.mkdir()
    environment = {
        "PATH": f"{project.folder / '.pgstack' / 'bin'}{os.pathsep}{project.environment['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "for this test",
        "PULUMI_STACK": "hosted",
    }
    made = Stack(project, environment)
    made.pulumi("stack", "init", "hosted")
    return made


@pytest.fixture
def proxy(stack: Stack, proxies: Proxies) -> TlsProxy:
    """TLS in front of the server; the project has its authority's certificate."""
    made = proxies.new()
    (stack.project.folder / "authority.pem").write_bytes(made.authority.read_bytes())
    return made


def resources(printed: str) -> str:
    """The lines that count what an update did."""
    return " ".join(re.split(r"Resources:\n", printed)[-1].split("\n\n")[0].split())


def test_who_owns_one_database_migrates_it_over_tls_and_nothing_else_happens(stack: Stack, database: Login, proxy: TlsProxy) -> None:
    name = database.database
    stack.describe(
        {"host": "localhost", "port": proxy.port, "sslmode": "verify-full", "rootCertificate": "authority.pem", "login": {"user": name}},
        {"name": name, "migrations": BLOG},
    )
    stack.set_password("pgstack:external.login.password", database.password)
    preview = stack.pulumi("preview")
    assert f"{name}: pending: {PENDING}" in preview
    with database.connect() as session:
        assert tables(session) == []
    stack.pulumi("up", "--yes")
    with database.connect() as session:
        assert (tables(session), len(ledger_versions(session))) == (["roles", "user_roles", "users"], 2)
    assert resources(stack.pulumi("up", "--yes")) == "5 unchanged"
    _has_the_outputs_of_one_login(stack.outputs(), database, proxy)
    _applies_one_more(stack, database)
    assert "left as it is: its databases and their data stay" in stack.pulumi("destroy", "--yes")
    with database.connect() as session:
        assert tables(session) == ["roles", "things", "user_roles", "users"]
    assert stack.holders_of(database.password) == []


def _has_the_outputs_of_one_login(outputs: dict[str, Any], database: Login, proxy: TlsProxy) -> None:
    name = database.database
    url = f"postgresql://{name}:{database.password}@localhost:{proxy.port}/{name}?sslmode=verify-full"
    here = {"host": "localhost", "port": proxy.port}
    assert outputs == {
        "server": {"target": "external", "version": 18, "host": here, "network": None, "docker": None},
        "databases": {
            name: {
                "name": name,
                "endpoints": {"host": here, "network": None},
                "roles": {"owner": {"user": name, "url": url}, "app": None, "readonly": None},
                "environment": {
                    "DATABASE_URL": url,
                    "PGHOST": "localhost",
                    "PGPORT": str(proxy.port),
                    "PGDATABASE": name,
                    "PGUSER": name,
                    "PGPASSWORD": database.password,
                    "PGSSLMODE": "verify-full",
                },
                "networkEnvironment": None,
                "migration": "20250829025210",
            }
        },
    }


def _applies_one_more(stack: Stack, database: Login) -> None:
    file = stack.project.folder / BLOG / "20990101000000_add_things.sql"
    file.write_text("CREATE TABLE things (id int PRIMARY KEY);\n", encoding="utf-8")
    assert f"{database.database}: pending: 20990101000000_add_things" in stack.pulumi("preview")
    printed = stack.pulumi("up", "--yes")
    assert f"{database.database}: applied 20990101000000_add_things" in printed
    assert resources(printed) == "~ 1 updated 4 unchanged"


def test_a_password_of_the_environment_is_a_secret_of_the_state(stack: Stack, database: Login) -> None:
    login = {"user": database.user, "passwordVariable": "SHOP_PASSWORD"}
    server = {"host": "127.0.0.1", "port": database.port, "login": login}
    stack.describe(server, {"name": database.database, "migrations": BLOG})
    refused = stack.pulumi("preview", ok=False)
    assert 'pgstack:external.login.passwordVariable = "SHOP_PASSWORD": the environment has no such variable' in refused
    stack.pulumi("up", "--yes", SHOP_PASSWORD=database.password)
    assert resources(stack.pulumi("up", "--yes", SHOP_PASSWORD=database.password)) == "5 unchanged"
    assert stack.holders_of(database.password) == []


def test_a_server_that_is_unfit_is_told_by_a_preview_and_refused_by_up(stack: Stack, database: Login) -> None:
    login = {"user": database.user, "passwordVariable": "SHOP_PASSWORD"}
    server = {"host": "127.0.0.1", "port": database.port, "login": login, "sslmode": "require"}
    stack.describe(server, {"name": database.database, "migrations": BLOG})
    told = "server does not support SSL, but SSL was required. The server speaks no TLS."
    assert told in stack.pulumi("preview", SHOP_PASSWORD=database.password)
    printed = stack.pulumi("up", "--yes", ok=False, SHOP_PASSWORD=database.password)
    assert "The server cannot be used as it is:" in printed
    assert told in printed
    with database.connect() as session:
        assert tables(session) == []


def test_a_preview_without_the_server_takes_it_as_the_state_has_it(stack: Stack, database: Login) -> None:
    login = {"user": database.user, "passwordVariable": "SHOP_PASSWORD"}
    entry = {"name": database.database, "migrations": BLOG}
    stack.describe({"host": "127.0.0.1", "port": database.port, "login": login}, entry)
    stack.pulumi("up", "--yes", SHOP_PASSWORD=database.password)
    stack.describe({"host": "127.0.0.1", "port": free_port(), "login": login}, entry)
    printed = stack.pulumi("preview", SHOP_PASSWORD=database.password)
    assert "not reachable now, so it was not looked at" in printed
    assert "taken as the state has it: PostgreSQL 18" in printed


@pytest.fixture
def shop(superuser: Login) -> Iterator[str]:
    """The name of a database that a stack makes with its roles; all of it is dropped in the end."""
    name = f"shop_{secrets.token_hex(4)}"
    yield name
    with superuser.connect() as session:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        for role in ("owner", "app", "readonly"):
            session.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(f"{name}_{role}")))


def test_an_administrator_who_is_no_superuser_makes_databases_and_roles(stack: Stack, creator: Login, proxy: TlsProxy, shop: str) -> None:
    stack.describe(
        {
            "host": "localhost",
            "port": proxy.port,
            "sslmode": "verify-full",
            "rootCertificate": "authority.pem",
            "manageRoles": True,
            "login": {"user": creator.user},
        },
        {"name": shop, "migrations": BLOG},
    )
    stack.set_password("pgstack:external.login.password", creator.password)
    stack.pulumi("up", "--yes")
    assert resources(stack.pulumi("up", "--yes")) == "9 unchanged"
    roles = stack.outputs()["databases"][shop]["roles"]
    url = roles["app"]["url"]
    with psycopg.connect(url, sslrootcert=str(proxy.authority)) as session:
        assert session.execute("SELECT current_user, count(*) FROM users GROUP BY 1").fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("CREATE TABLE mine (id int)")
    passwords = [creator.password, *(role["url"].split(":")[2].partition("@")[0] for role in roles.values())]
    assert [holder for password in passwords for holder in stack.holders_of(password)] == []
