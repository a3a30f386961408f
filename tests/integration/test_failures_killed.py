"""kill -9 at every phase of a run: the next run converges, or says what nobody can know."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from migrator import upkeep
from migrator.errors import MigrationFailed, TargetError, UncertainError
from migrator.model import Folder
from postgres.login import Login
from tests.fix_cluster import wait_for
from tests.fix_failures import EIGHTH, Heard, at_work, migrator, run, settled, versions
from tests.fix_migrations import CleanRuns, ledger_versions, write
from tests.fix_proxy import How, Place, Proxy

Session = psycopg.Connection[Any]

COMMITTED = b"COMMIT\0"


@pytest.fixture
def session(database: Login) -> Iterator[Session]:
    with contextlib.closing(database.connect()) as connection:
        yield connection


def kill_at(place: Place, proxy: Proxy, session: Session, folder: Folder) -> None:
    """Lets a migrator come as far as a message, and kills it there; what it had sent before gets through."""
    trap = proxy.set(place.trap(How.HOLD))
    with migrator(proxy.login, folder):
        trap.wait()
    wait_for(lambda: settled(session), "the killed migrator's session to end")


def one(session: Session, query: LiteralString) -> Any:
    row = session.execute(query).fetchone()
    assert row is not None
    return row[0]


def applied(session: Session) -> list[str]:
    """The versions in the ledger, where there is one."""
    return ledger_versions(session) if one(session, "SELECT to_regclass('pgstack.migration') IS NOT NULL") else []


PHASES = {
    "before the lock": (Place("asks", b"pg_try_advisory_lock"), 0),
    "while the records are made": (Place("asks", b"CREATE TABLE pgstack.migration"), 0),
    "before a statement": (Place("asks", b"CREATE TABLE t7 "), 6),
    "between two statements": (Place("asks", b"INTO journal VALUES (8)"), 7),
    "before the ledger's row": (Place("asks", b"INTO pgstack.migration", EIGHTH), 7),
    "before COMMIT": (Place("asks", COMMITTED, EIGHTH), 7),
    "between COMMIT and BEGIN": (Place("asks", b"BEGIN\0", EIGHTH), 8),
    "in the rows of a COPY": (Place("asks", b"1\n2\n"), 10),
    "after COPY": (Place("asks", b"INTO journal VALUES (11)"), 10),
    "before an intent": (Place("asks", b"INTO pgstack.step"), 13),
    "after an intent": (Place("asks", b"CREATE INDEX CONCURRENTLY"), 13),
    "after an index was made": (Place("answers", b"CREATE INDEX\0"), 13),
    "before the records of the index": (Place("asks", b"min(started_at)"), 13),
}
"""Where the process is killed, and how many migrations are committed then."""


@pytest.mark.parametrize(("place", "committed"), PHASES.values(), ids=PHASES.keys())
def test_next_run_goes_on_where_the_killed_one_was(
    proxy: Proxy, database: Login, session: Session, twenty: Folder, converged: Callable[[], None], *, place: Place, committed: int
) -> None:
    kill_at(place, proxy, session, twenty)
    assert applied(session) == versions(twenty)[:committed]
    assert run(database, twenty) == versions(twenty)[committed:]
    converged()


def test_killed_in_the_middle_of_a_statement(database: Login, session: Session, tmp_path: Path, clean_runs: CleanRuns) -> None:
    """The server notices within five seconds that there is nobody any more, though the statement would have run for an hour."""
    given = write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int); SELECT pg_sleep(3600)", "2_b.sql": "CREATE TABLE b (id int)"})
    with migrator(database, given):
        wait_for(lambda: at_work(session, "pg_sleep"), "the statement")
    mended = write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)", "2_b.sql": "CREATE TABLE b (id int)"})
    assert run(database, mended) == ["1", "2"]
    clean_runs.assert_same(database, mended)


WAITING = {
    "an index": ("CREATE INDEX CONCURRENTLY a_new ON a (id)", ["2_x: the index a_new was left half made and is built anew"]),
    "an index built anew": ("REINDEX INDEX CONCURRENTLY a_id", ["2_x: the index a_id_ccnew, left by an interrupted REINDEX, is dropped"]),
    "an index that goes": ("DROP INDEX CONCURRENTLY a_id", []),
    "a partition that goes": (
        "ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY",
        ["2_x: a partition that was left half detached is attached no more"],
    ),
}
"""Statements that wait for the writers of a table, half of their work done; and what the next run says."""


@pytest.mark.parametrize(("statement", "notices"), WAITING.values(), ids=WAITING.keys())
def test_killed_in_the_middle_of_work_outside_a_transaction(
    database: Login, session: Session, tmp_path: Path, clean_runs: CleanRuns, *, statement: str, notices: list[str]
) -> None:
    tables = {
        "1_a.sql": "CREATE TABLE a (id int); CREATE INDEX a_id ON a (id);"
        "CREATE TABLE p (id int) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9)"
    }
    run(database, write(tmp_path, tables))
    given = write(tmp_path, {**tables, "2_x.sql": statement})
    with database.connect() as writer, writer.transaction():
        writer.execute("INSERT INTO a VALUES (1); INSERT INTO p VALUES (1)")
        with migrator(database, given):
            wait_for(lambda: at_work(session, statement, "Lock"), "the statement to wait")
        session.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        wait_for(lambda: not at_work(session, statement), "the statement to end")
    heard = Heard()
    assert (run(database, given, heard), heard.notices) == (["2"], notices)
    assert one(session, "SELECT count(*) FROM pg_index WHERE NOT indisvalid") == 0
    clean_runs.assert_same(database, given)


# What nobody can know

MAYBE_DONE = ["CALL fill()", "DO $$ BEGIN CALL fill(); END $$"]
"""Statements that commit inside: neither a transaction nor the catalog tells whether they were carried out."""


@pytest.mark.parametrize(("done", "rows"), [(True, 1), (False, 2)], ids=["done", "again"])
@pytest.mark.parametrize("statement", MAYBE_DONE, ids=["CALL", "DO"])
def test_killed_where_the_database_does_not_tell(
    proxy: Proxy,
    database: Login,
    session: Session,
    tmp_path: Path,
    clean_runs: CleanRuns,
    *,
    statement: str,
    done: bool,
    rows: int,
) -> None:
    procedure = "CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO a VALUES (1); COMMIT; RAISE NOTICE 'filled'; END $$"
    files = {
        "1_a.sql": f"CREATE TABLE a (id int);\n{procedure};",
        "2_fill.sql": f"-- no-transaction\n{statement};\n",
        "3_c.sql": "SELECT 1",
    }
    given = write(tmp_path, files)
    kill_at(Place("answers", b"filled"), proxy, session, given)
    for _ in range(2):
        with pytest.raises(UncertainError) as failed:
            run(database, given)
        assert str(failed.value) == (
            f"{given.migrations[1].up.path}:2: an earlier run was cut off at this statement, which runs outside a transaction, "
            f"and the database does not tell whether it was carried out.\n  statement: {statement}\n"
            "Nothing was run; none was applied before it, 1 after it were not run.\n"
            "Look, then say what you found: `ops migrate force 2 --done`, or `--again` to run it once more."
        )
    upkeep.force(session, "2", done=done)
    with pytest.raises(TargetError, match="The migration 2 was not cut off at a statement that nobody knows the end of"):
        upkeep.force(session, "2", done=done)
    assert (run(database, given), one(session, "SELECT count(*) FROM a")) == (["2", "3"], rows)
    clean_runs.assert_same(database, given)


@pytest.mark.parametrize("rest", ["CREATE INDEX CONCURRENTLY b_name ON b (name)", "CREATE INDEX b_name ON b (name)"])
def test_part_that_was_run_must_be_what_it_was_and_the_rest_may_change(
    proxy: Proxy, database: Login, session: Session, tmp_path: Path, *, clean_runs: CleanRuns, rest: str
) -> None:
    """What was begun outside a transaction is ended so, even where nothing in the file asks for it any more."""
    after = {"2_v.sql": "VACUUM b"}
    table, index = "CREATE TABLE b (id int, name text)", "CREATE INDEX CONCURRENTLY b_id ON b (id)"
    path = tmp_path
    before_intent = Place("asks", hashlib.sha256(index.encode()).hexdigest().encode())
    kill_at(before_intent, proxy, session, write(path, {"1_b.sql": f"{table};\n\n{index};\n", **after}))
    for edited in (f"CREATE TABLE b (id bigint);\n\n{index};\n", "-- Nothing is left.\n"):
        with pytest.raises(MigrationFailed) as failed:
            run(database, write(path, {"1_b.sql": edited, **after}))
        assert str(failed.value) == (
            f"{path}/1_b.sql:1: this migration runs outside a transaction, was cut off half-way, and the part that was run already is "
            "not what it was.\nNothing of it was run now; none was applied before it, 1 after it were not run.\n"
            "Bring that part of the file back as it was (git shows it); what comes after it may change."
        )
    changed = write(path, {"1_b.sql": f"{table};\n\n{rest};\n", **after})
    assert (run(database, changed), one(session, "SELECT count(*) FROM pgstack.step")) == (["1", "2"], 0)
    clean_runs.assert_same(database, changed)
