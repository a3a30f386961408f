"""Who may write the records of migrations, and what is said to a role that may not even read them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg import sql

from migrator import upkeep
from migrator.apply import inspect, migrate
from migrator.errors import MigrationError, SessionLost
from migrator.formats import FORMATS
from migrator.model import Folder
from postgres.login import Login
from tests.fix_migrations import write
from tests.fix_tools import FORMAT_NAMES, Session, files_of, made, run_by_tool, table_steps, told_by_ledger

Run = Callable[[Session, Folder], Any]

RUNS: dict[str, Run] = {
    "inspect": inspect,
    "migrate": migrate,
    "baseline": lambda session, folder: upkeep.baseline(session, folder, "1"),
    "repair": upkeep.repair,
    "force": lambda session, _folder: upkeep.force(session, "1", done=True),
}


@pytest.fixture
def other(superuser: Login, database: Login) -> Iterator[Login]:
    """Another role of the same database, whose name has to be quoted."""
    name = f'{database.user} "app"'
    password = secrets.token_urlsafe()
    role = sql.Identifier(name)
    with superuser.to(database.database).connect() as administrator:
        administrator.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        yield replace(database, user=name, password=password)
        administrator.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
        administrator.execute(sql.SQL("DROP ROLE {}").format(role))


def grant(session: Session, statement: LiteralString, role: str) -> None:
    session.execute(sql.SQL(statement).format(sql.Identifier(role)))


def refusal(run: Run, session: Session, folder: Folder) -> MigrationError:
    with pytest.raises(MigrationError) as caught:
        run(session, folder)
    assert session.info.password not in str(caught.value)
    return caught.value


# Writing


@pytest.mark.parametrize("taken_over", [False, True])
@pytest.mark.parametrize("format_name", FORMAT_NAMES)
def test_default_privileges_let_nobody_write_the_records(
    session: Session, other: Login, here: Path, *, format_name: str, taken_over: bool
) -> None:
    for grantee in (sql.Identifier(other.user), sql.SQL("PUBLIC")):
        session.execute(sql.SQL("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO {}").format(grantee))
        session.execute(sql.SQL("ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO {}").format(grantee))
    steps = [*table_steps(1), ("VACUUM t1;\n", "")]
    given = write(here, files_of(format_name, steps), format_name)
    if taken_over:
        run_by_tool(session, given, "1")
    migrate(session, given)
    tables = ["pgstack.migration", "pgstack.step", f"public.{FORMATS[format_name].history.table}", "public.t1"]
    rights = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]
    rows = session.execute(
        "SELECT t, array(SELECT r FROM unnest(%s::text[]) r WHERE has_table_privilege(%s, t, r)) FROM unnest(%s::text[]) t",
        [rights, other.user, tables],
    ).fetchall()
    assert rows == [*((table, ["SELECT"]) for table in tables[:3]), ("public.t1", rights)]
    for right in ("USAGE", "CREATE"):
        assert session.execute("SELECT has_schema_privilege(%s, 'pgstack', %s)", [other.user, right]).fetchone() == (False,)
    with other.connect() as application, pytest.raises(psycopg.errors.InsufficientPrivilege):
        application.execute("DELETE FROM pgstack.migration")


# Reading, and making


def test_a_role_that_may_not_make_the_ledger_is_told_what_it_needs(database: Login, session: Session, other: Login, here: Path) -> None:
    grant(session, "GRANT CREATE ON SCHEMA public TO {}", other.user)
    given = write(here, {"1_a.sql": "CREATE TABLE a (id int);"})
    with other.connect() as poor:
        for run in (RUNS["migrate"], RUNS["baseline"]):
            error = refusal(run, poor, given)
            assert Exception.__str__(error) == (
                f"The records of migrations could not be read or written in database {database.database} as {other.user}: "
                f"permission denied for database {database.database} (SQLSTATE 42501)."
            )
            assert f'CREATE SCHEMA pgstack AUTHORIZATION "{database.user} ""app"""' in error.hint
        assert (inspect(poor, given).pending, made(poor)) == (given.migrations, [])


def test_a_role_with_a_schema_of_its_own_for_the_ledger_needs_no_right_on_the_database(
    superuser: Login, database: Login, session: Session, other: Login, here: Path
) -> None:
    grant(session, "GRANT CREATE ON SCHEMA public TO {}", other.user)
    with superuser.to(database.database).connect() as administrator:
        grant(administrator, "CREATE SCHEMA pgstack AUTHORIZATION {}", other.user)
    with other.connect() as poor:
        migrate(poor, write(here, {"1_a.sql": "CREATE TABLE a (id int);", "2_b.sql": "VACUUM a;"}))
        assert (made(poor), told_by_ledger(poor)) == (["a"], ["1", "2"])


def test_a_role_that_may_not_make_the_tools_table_makes_no_ledger_either(session: Session, other: Login, here: Path) -> None:
    grant(session, "REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}", other.user)
    session.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(sql.Identifier(session.info.dbname), sql.Identifier(other.user)))
    with other.connect() as poor:
        error = refusal(migrate, poor, write(here, {"1_a.sql": "SELECT 1;"}))
        assert "permission denied for schema public (SQLSTATE 42501)." in str(error)
    assert session.execute("SELECT to_regnamespace('pgstack')").fetchone() == (None,)


@pytest.mark.parametrize("name", ["inspect", "migrate", "repair", "force"])
def test_a_role_that_may_not_read_the_ledger_is_told_whose_it_is(session: Session, other: Login, here: Path, name: str) -> None:
    given = write(here, {"1_a.sql": "CREATE TABLE a (id int);\nVACUUM;"})
    migrate(session, given)
    with other.connect() as stranger:
        error = refusal(RUNS[name], stranger, given)
    assert "permission denied for schema pgstack (SQLSTATE 42501)." in str(error)
    assert error.hint.startswith("Migrate as the role that did so before, which owns the schema pgstack and the tool's own table.")


def test_a_role_that_may_read_but_not_write_is_refused_at_its_first_migration(session: Session, other: Login, here: Path) -> None:
    first = {"1_a.sql": "CREATE TABLE a (id int);"}
    migrate(session, write(here, first))
    grant(session, "GRANT CREATE, USAGE ON SCHEMA public, pgstack TO {}", other.user)
    grant(session, "GRANT SELECT ON ALL TABLES IN SCHEMA public, pgstack TO {}", other.user)
    with other.connect() as reader:
        given = write(here, {**first, "2_b.sql": "CREATE TABLE b (id int);"})
        error = refusal(migrate, reader, given)
    assert str(error).splitlines() == [
        f"{here}/2_b.sql:1: permission denied for table migration (SQLSTATE 42501)",
        "  at the end, when it was to be recorded and committed",
        "The migration was rolled back; none was applied before it.",
        "Grant that right to the role that migrates, or migrate as the role that owns what is named here.",
    ]
    assert made(session) == ["a"]


@pytest.mark.parametrize("name", sorted(RUNS))
def test_a_table_that_is_no_ledger_of_ours_is_told(session: Session, here: Path, name: str) -> None:
    session.execute("CREATE SCHEMA pgstack; CREATE TABLE pgstack.migration (id int); CREATE TABLE pgstack.step (id int)")
    error = refusal(RUNS[name], session, write(here, {"1_a.sql": "SELECT 1;"}))
    if name != "baseline":
        assert f"in database {session.info.dbname} as {session.info.user}: column " in str(error)
        assert "does not exist (SQLSTATE 42703)." in str(error)


@pytest.mark.parametrize("name", sorted(set(RUNS) - {"migrate"}))
def test_a_lost_session_is_told_as_such(superuser: Login, session: Session, here: Path, name: str) -> None:
    """`migrate` opens it again."""
    given = write(here, {"1_a.sql": "SELECT 1;"})
    with superuser.connect() as administrator:
        administrator.execute("SELECT pg_terminate_backend(%s, 5000)", [session.info.backend_pid])
    with pytest.raises(SessionLost) as caught:
        RUNS[name](session, given)
    assert str(caught.value).startswith(f"The session in database {session.info.dbname} as {session.info.user} was lost: ")
