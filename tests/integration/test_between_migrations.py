"""What one migration leaves behind in its session, what the role's own settings would do to it, and what reaches the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any, LiteralString

import pytest
from psycopg import sql

from migrator.apply import migrate
from migrator.errors import MigrationFailed
from migrator.session import Settings
from postgres.login import Login
from tests.fix_cluster import PASSWORD, Clusters, superuser_of
from tests.fix_migrations import write
from tests.fix_tools import Session, made, told_by_ledger, told_by_tool

COPIED = "CREATE TABLE z (id int);\nCOPY z FROM STDIN;\n1\n\\.\n"

LIMITS: list[LiteralString] = ["statement_timeout = '50ms'", "transaction_timeout = '50ms'", "idle_in_transaction_session_timeout = '50ms'"]


def alter(superuser: Login, role: str, setting: LiteralString) -> None:
    with superuser.connect() as administrator:
        administrator.execute(sql.SQL("ALTER ROLE {} SET {}").format(sql.Identifier(role), sql.SQL(setting)))


def one(session: Session, query: str) -> Any:
    row = session.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


# Settings

LEAKS = [
    "SET search_path = ''",
    "SET search_path = elsewhere",
    "SET ROLE pg_monitor",
    "SET statement_timeout = 1",
    "SET lock_timeout = 1",
    "SET default_transaction_read_only = on",
    "SET client_encoding = 'LATIN1'",
    "SET standard_conforming_strings = off",
    "SET LOCAL search_path = ''",
    "SET timezone = 'Asia/Tokyo'",
    "SET client_min_messages = error",
    "SET synchronous_commit = on",
    "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
    "SELECT set_config('search_path', '', false)",
    "DO $$ BEGIN SET search_path = ''; END $$",
    "RESET ALL",
    "DEALLOCATE ALL",
    "DISCARD PLANS",
]

SHOWN = [
    "search_path",
    "role",
    "statement_timeout",
    "lock_timeout",
    "default_transaction_read_only",
    "client_encoding",
    "standard_conforming_strings",
    "timezone",
    "client_min_messages",
    "synchronous_commit",
]


@pytest.mark.parametrize("kind", ["pipelined", "copied"])
@pytest.mark.parametrize("setting", LEAKS)
def test_setting_of_one_migration_reaches_neither_the_next_nor_the_records(
    superuser: Login, database: Login, session: Session, here: Path, *, setting: str, kind: str
) -> None:
    with superuser.connect() as administrator:
        administrator.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(database.user)))
    look = ", ".join(f"current_setting('{name}') AS {name}" for name in SHOWN)
    rows = "CREATE TABLE public.r (id int);\nCOPY public.r FROM STDIN;\n1\n\\.\n" if kind == "copied" else ""
    files = {
        "1_before.sql": f"CREATE TABLE before AS SELECT {look};",
        "2_set.sql": f"CREATE SCHEMA elsewhere;\n{rows}{setting};",
        "3_after.sql": f"CREATE TABLE after AS SELECT {look};",
    }
    given = write(here, files)
    assert migrate(session, given) == given.migrations
    columns = sql.SQL(", ").join(map(sql.Identifier, SHOWN))
    before, after = (
        session.execute(sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier("public", name))).fetchone()
        for name in ("before", "after")
    )
    assert after == before
    assert session.execute("SELECT DISTINCT applied_by FROM pgstack.migration").fetchall() == [(database.user,)]
    assert told_by_tool(session, given) == ["1", "2", "3"]


@pytest.mark.parametrize("kind", ["pipelined", "copied"])
def test_temporary_tables_and_functions_end_with_their_migration(session: Session, here: Path, kind: str) -> None:
    """One of the name of a table that a later migration writes to would take its rows, and be gone with the session."""
    rows = "COPY a FROM STDIN;\n7\n\\.\n" if kind == "copied" else "INSERT INTO a VALUES (7);"
    files = {
        "1_a.sql": "CREATE TABLE a (id int);",
        "2_temp.sql": f"CREATE TEMP TABLE a (id int);\n{rows}",
        "3_temp.sql": "CREATE TABLE pg_temp.a (id int);",
        "4_b.sql": "CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TEMP TABLE migration (version text);",
        "5_c.sql": "INSERT INTO a VALUES (1);",
        "6_d.sql": "CREATE TABLE b AS SELECT to_regprocedure('pg_temp.f()')::text AS f, (SELECT count(*) FROM a) AS rows;",
    }
    given = write(here, files)
    migrate(session, given)
    assert session.execute("SELECT id FROM public.a").fetchall() == [(1,)]
    assert session.execute("SELECT f, rows FROM b").fetchall() == [(None, 1)]
    assert told_by_ledger(session) == told_by_tool(session, given) == ["1", "2", "3", "4", "5", "6"]


def test_the_migrations_of_a_failed_run_leave_no_settings_in_the_session(session: Session, here: Path) -> None:
    before = one(session, "SHOW search_path")
    files = {"1_a.sql": "SET search_path = '';", "2_b.sql": "-- no-transaction\nSET search_path = '';\nSELECT 1 / 0;"}
    with pytest.raises(MigrationFailed, match="division by zero"):
        migrate(session, write(here, files))
    assert one(session, "SHOW search_path") == before


# What has to be the first in a transaction


@pytest.mark.parametrize("before", ["SELECT 1;", "CREATE TABLE a (id int);", COPIED, "VACUUM;"])
def test_a_migration_may_choose_its_isolation(session: Session, here: Path, before: str) -> None:
    """PostgreSQL takes that in no transaction that has run a query before."""
    text = "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE;\nCREATE TABLE iso{} AS SELECT current_setting('transaction_isolation') AS level;"
    copied = text + "\nCREATE TABLE c (id int);\nCOPY c FROM STDIN;\n1\n\\.\n"
    migrate(session, write(here, {"1_i.sql": text.format(1), "2_b.sql": before, "3_i.sql": text.format(3), "4_i.sql": copied.format(4)}))
    levels = [one(session, f"SELECT level FROM iso{number}") for number in (1, 3, 4)]
    assert levels == ["serializable"] * 3


# The role's own settings

SLOW = "SELECT pg_sleep(0.15);"

LATE_SLEEP = """
CREATE TABLE a (id int);
CREATE FUNCTION nap() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.15); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON a DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION nap();
INSERT INTO a VALUES (1);
"""


@pytest.mark.parametrize(
    "text",
    [SLOW, f"-- no-transaction\n{SLOW}", f"CREATE TABLE b (id int);\nCOPY b FROM STDIN;\n\\.\n{SLOW}", LATE_SLEEP],
    ids=["pipelined", "outside", "copied", "at the commit"],
)
@pytest.mark.parametrize("setting", LIMITS)
def test_time_limits_of_the_role_are_lifted(superuser: Login, database: Login, here: Path, *, setting: LiteralString, text: str) -> None:
    alter(superuser, database.user, setting)
    given = write(here, {"1_slow.sql": text, "2_slow.sql": text.replace(" a ", " c ").replace("nap", "nod").replace(" b ", " d ")})
    with database.connect() as session:
        migrate(session, given)
        session.execute("RESET ALL; SET statement_timeout = 0")
        assert told_by_ledger(session) == ["1", "2"]


def test_a_role_that_waits_for_no_lock_waits_here(superuser: Login, database: Login, session: Session, here: Path) -> None:
    alter(superuser, database.user, "lock_timeout = '1ms'")
    migrate(
        session,
        write(here, {"1_a.sql": "CREATE TABLE a AS SELECT current_setting('lock_timeout') AS waits"}),
        settings=Settings(lock_timeout=7),
    )
    assert one(session, "SELECT waits FROM a") == "7s"


# What reaches the disk


@pytest.mark.parametrize(
    "last",
    [
        "CREATE TABLE z (id int);",
        "SELECT 1;",
        "SET synchronous_commit = off;",
        COPIED,
        "VACUUM;",
    ],
)
def test_the_last_commit_is_on_the_disk_and_all_before_it(clusters: Clusters, here: Path, last: str) -> None:
    """The server's own writer of the log is asleep: what is flushed was flushed by a commit."""
    cluster = clusters.up(wal_writer_delay="10s", wal_writer_flush_after="1GB", autovacuum="off")
    files = {f"{number}_t.sql": f"CREATE TABLE t{number} (id int);" for number in range(1, 9)}
    with superuser_of(cluster, PASSWORD).connect() as watching, superuser_of(cluster, PASSWORD).connect() as session:
        migrate(session, write(here, {**files, "9_last.sql": last}))
        flushed = one(watching, "SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn() - 1024")
        assert (flushed, len(told_by_ledger(session))) == (True, 9)


def test_what_was_committed_before_a_failure_is_on_the_disk(clusters: Clusters, here: Path) -> None:
    cluster = clusters.up(wal_writer_delay="10s", wal_writer_flush_after="1GB", autovacuum="off")
    files = {f"{number}_t.sql": f"CREATE TABLE t{number} (id int);" for number in range(1, 9)}
    with superuser_of(cluster, PASSWORD).connect() as watching, superuser_of(cluster, PASSWORD).connect() as session:
        with pytest.raises(MigrationFailed):
            migrate(session, write(here, {**files, "9_last.sql": "SELECT 1 / 0;"}))
        assert one(watching, "SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn() - 1024")
        assert len(made(session)) == 8
