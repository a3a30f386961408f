"""Migrators that race, and tables that somebody else has locked: waited for, told of, and given up with a name."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from migrator.errors import MigrationFailed
from migrator.formats import FORMATS
from migrator.session import LOCK_KEY, Settings
from postgres.locks import LockTimeout
from postgres.login import Login
from tests.fix_cluster import wait_for
from tests.fix_failures import Heard, at_work, migrator, run, versions
from tests.fix_migrations import CleanRuns, ledger_versions, sqlx_versions, tables, write
from tests.fix_proxy import How, Place, Proxy

Session = psycopg.Connection[Any]

RACERS = 10

PATIENT = Settings(lock_timeout=1.0)
HASTY = Settings(lock_timeout=1.0, patience=0.5)
"""Both look into a silence after half a second; the second one has no time to try again more than once."""

LOCK_A = "LOCK TABLE a IN ACCESS EXCLUSIVE MODE"


@pytest.fixture
def other(database: Login) -> Iterator[Session]:
    """A session of somebody else's, who has the same role."""
    with contextlib.closing(database.connect(application_name="psql")) as connection:
        yield connection


@pytest.fixture
def administrator(superuser: Login, database: Login) -> Iterator[Session]:
    """A superuser's session in the database."""
    with contextlib.closing(superuser.to(database.database).connect(application_name="psql")) as connection:
        yield connection


def named(session: Session) -> str:
    """A session as messages name it."""
    return f"pid {session.info.backend_pid} of {session.info.user} (psql)"


class Freeing(Heard):
    """Does something when it hears of what is waited for."""

    def __init__(self, cue: str, free: Callable[[], object]) -> None:
        super().__init__()
        self._cue = cue
        self._free = free

    def waiting(self, what: str) -> None:
        super().waiting(what)
        if self._cue in what:
            self._free()


# Migrators that race


def test_ten_migrators_at_once_apply_each_migration_once(database: Login, session: Session, tmp_path: Path, clean_runs: CleanRuns) -> None:
    """One of thirty migrations is an index built concurrently, which waits for every transaction that might use the table."""
    files = {f"{number}_t.sql": f"CREATE TABLE t{number} (id int); INSERT INTO t{number} VALUES ({number})" for number in range(1, 31)}
    given = write(tmp_path, {**files, "15_t.sql": "CREATE INDEX CONCURRENTLY t1_id ON t1 (id)"})
    start = threading.Barrier(RACERS)

    def race(_number: int) -> list[str]:
        start.wait()
        return run(database, given, settings=Settings())

    with ThreadPoolExecutor(RACERS) as threads:
        done = sorted(threads.map(race, range(RACERS)))
    assert done == [[]] * (RACERS - 1) + [versions(given)]
    assert (ledger_versions(session), sqlx_versions(session)) == (versions(given), versions(given))
    clean_runs.assert_same(database, given)


def test_migrator_whose_forerunner_is_killed_takes_its_place(proxy: Proxy, database: Login, session: Session, tmp_path: Path) -> None:
    given = write(tmp_path, {f"{number}_t.sql": f"CREATE TABLE t{number} (id int)" for number in range(1, 6)})
    trap = proxy.set(Place("asks", b"CREATE TABLE t3 ").trap(How.HOLD))
    with ThreadPoolExecutor(1) as threads, migrator(proxy.login, given):
        trap.wait()
        follower = threads.submit(run, database, given)
        tries = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_try_advisory_lock%' AND state = 'idle'"
        wait_for(lambda: session.execute(tries).rowcount == 1, "the second migrator to wait")
        assert ledger_versions(session) == ["1", "2"]
    assert (follower.result(), tables(session)) == (["3", "4", "5"], ["t1", "t2", "t3", "t4", "t5"])


@pytest.mark.parametrize("whose", ["another migrator of this database", "sqlx, which is migrating this database"])
def test_lock_that_is_not_given_back_names_its_holder(database: Login, other: Session, tmp_path: Path, whose: str) -> None:
    given = write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)"})
    key = LOCK_KEY if "migrator" in whose else FORMATS["sqlx"].history.lock_key(database.database)
    other.execute("SELECT pg_advisory_lock(%s)", [key])
    with pytest.raises(LockTimeout) as refused:
        run(database, given, settings=Settings(queue=0.2))
    assert str(refused.value) == (
        f"Waited 0 s for {whose}; pid {other.info.backend_pid} (psql, 127.0.0.1) holds it, running: SELECT pg_advisory_lock($1).\n"
        "Let it finish, or end that session with pg_terminate_backend, and run the command again."
    )
    other.execute("SELECT pg_advisory_unlock(%s)", [key])
    assert run(database, given) == ["1"]


# Tables that somebody else has locked

BLOCKED = {
    "in a transaction": "ALTER TABLE a ADD COLUMN name text",
    "with rows of data": "CREATE TABLE rows (id int);\nCOPY rows FROM stdin;\n1\n\\.\nALTER TABLE a ADD COLUMN name text;\n",
    "outside a transaction": "CREATE INDEX CONCURRENTLY a_id ON a (id)",
}


@pytest.mark.parametrize(
    ("cue", "retries"), [("waits for a lock", []), ("tried again", ["2_a: tried again after SQLSTATE 55P03"])], ids=["soon", "late"]
)
@pytest.mark.parametrize("statement", BLOCKED.values(), ids=BLOCKED.keys())
def test_locked_table_is_waited_for_and_its_holder_named(
    database: Login, other: Session, tmp_path: Path, clean_runs: CleanRuns, *, statement: str, cue: str, retries: list[str]
) -> None:
    files = {"1_a.sql": "CREATE TABLE a (id int)"}
    run(database, write(tmp_path, files))
    given = write(tmp_path, {**files, "2_a.sql": statement, "3_c.sql": "CREATE TABLE c (id int)"})
    other.execute(f"BEGIN; {LOCK_A}".encode())
    heard = Freeing(cue, lambda: other.execute("ROLLBACK"))
    assert run(database, given, heard, PATIENT) == ["2", "3"]
    assert heard.waits[0].endswith(f" s: {named(other)}, idle in transaction, last ran BEGIN; {LOCK_A}")
    assert heard.retries == retries
    clean_runs.assert_same(database, given)


@pytest.mark.parametrize("statement", BLOCKED.values(), ids=BLOCKED.keys())
def test_table_that_stays_locked_is_an_error_that_names_the_holder(
    database: Login, session: Session, other: Session, tmp_path: Path, *, clean_runs: CleanRuns, statement: str
) -> None:
    given = write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)", "2_a.sql": statement, "3_c.sql": "CREATE TABLE c (id int)"})
    run_to_the_lock = write(tmp_path / "first", {"1_a.sql": "CREATE TABLE a (id int)"})
    run(database, run_to_the_lock)
    other.execute(f"BEGIN; {LOCK_A}".encode())
    with pytest.raises(MigrationFailed) as failed:
        run(database, given, settings=HASTY)
    assert (failed.value.path, failed.value.sqlstate, failed.value.applied) == (str(tmp_path / "2_a.sql"), "55P03", ())
    first, holder, shown, aftermath, _hint = str(failed.value).splitlines()
    assert first.endswith(": canceling statement due to lock timeout (SQLSTATE 55P03)")
    assert holder == f"  blocked by {named(other)}, idle in transaction, last ran BEGIN; {LOCK_A}"
    assert shown.startswith("  statement: ")
    assert aftermath.endswith("; none was applied before it, 1 after it were not run.")
    assert (ledger_versions(session), tables(session)) == (["1"], ["a"])
    other.execute("ROLLBACK")
    assert run(database, given) == ["2", "3"]
    clean_runs.assert_same(database, given)


def test_holder_whose_statement_may_not_be_seen_is_named_all_the_same(database: Login, administrator: Session, tmp_path: Path) -> None:
    run(database, write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)"}))
    administrator.execute(f"BEGIN; {LOCK_A}".encode())
    with pytest.raises(MigrationFailed) as failed:
        run(database, write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)", "2_d.sql": "DROP TABLE a"}), settings=HASTY)
    holder = f"  blocked by {named(administrator)}, whose statement this role may not see (pg_read_all_stats may)"
    assert str(failed.value).splitlines()[1] == holder


def test_locked_ledger_is_waited_for_and_its_holder_named(database: Login, other: Session, tmp_path: Path) -> None:
    run(database, write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)"}))
    given = write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)", "2_b.sql": "CREATE TABLE b (id int)"})
    other.execute("BEGIN; LOCK TABLE pgstack.migration")
    heard = Freeing("waits for a lock", lambda: other.execute("ROLLBACK"))
    assert (run(database, given, heard), len(heard.waits)) == (["2"], 1)


# Failures of the moment: somebody else's work came between


def test_deadlock_is_tried_again(superuser: Login, database: Login, administrator: Session, tmp_path: Path, clean_runs: CleanRuns) -> None:
    """Who finds a deadlock is the one to give way: here that is the migration, since the other one has patience."""
    administrator.execute(sql.SQL("ALTER ROLE {} SET deadlock_timeout = '100ms'").format(sql.Identifier(database.user)))
    files = {"1_a.sql": "CREATE TABLE a (id int); CREATE TABLE b (id int)"}
    run(database, write(tmp_path, files))
    given = write(tmp_path, {**files, "2_x.sql": f"LOCK TABLE b; SELECT pg_advisory_xact_lock(1); {LOCK_A}; CREATE TABLE c (id int)"})
    administrator.execute("SELECT pg_advisory_lock(1)")
    heard = Heard()
    with superuser.to(database.database).connect() as other, ThreadPoolExecutor(2) as threads:
        other.execute(f"SET deadlock_timeout = '1h'; BEGIN; {LOCK_A}".encode())
        migrating = threads.submit(run, database, given, heard, Settings())
        wait_for(lambda: at_work(administrator, "pg_advisory_xact_lock", "Lock"), "the migration, which has b")
        wanting = threads.submit(other.execute, "LOCK TABLE b; COMMIT")
        wait_for(lambda: at_work(administrator, "LOCK TABLE b; COMMIT", "Lock"), "the other one, which has a and wants b")
        administrator.execute("SELECT pg_advisory_unlock(1)")
        assert (migrating.result(), wanting.exception()) == (["2"], None)
    assert heard.retries == ["2_x: tried again after SQLSTATE 40P01"]
    clean_runs.assert_same(database, given)


def test_row_that_somebody_else_changed_meanwhile_is_tried_again(
    database: Login, administrator: Session, session: Session, other: Session, tmp_path: Path
) -> None:
    strict = sql.SQL("ALTER ROLE {} SET default_transaction_isolation = 'repeatable read'")
    administrator.execute(strict.format(sql.Identifier(database.user)))
    files = {"1_a.sql": "CREATE TABLE a (id int); INSERT INTO a VALUES (1)"}
    run(database, write(tmp_path, files))
    given = write(tmp_path, {**files, "2_x.sql": "SELECT 1 FROM a; SELECT pg_advisory_xact_lock(1); UPDATE a SET id = id + 1"})
    session.execute("SELECT pg_advisory_lock(1)")
    heard = Heard()
    with ThreadPoolExecutor(1) as threads:
        migrating = threads.submit(run, database, given, heard, Settings())
        wait_for(lambda: at_work(session, "pg_advisory_xact_lock", "Lock"), "the migration, which has looked at a")
        other.execute("UPDATE a SET id = id + 10")
        session.execute("SELECT pg_advisory_unlock(1)")
        assert migrating.result() == ["2"]
    assert heard.retries == ["2_x: tried again after SQLSTATE 40001"]
    assert session.execute("SELECT id FROM a").fetchall() == [(12,)]
