"""Migrations through a real PgBouncer: refused where it changes the session between transactions, else as good as without."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from migrator import link, watch
from migrator import session as sessions
from migrator.errors import PoolerError
from migrator.model import Folder
from postgres.login import Login
from tests.fix_cluster import wait_for
from tests.fix_failures import Heard, Session, at_work, run, versions
from tests.fix_migrations import CleanRuns, write
from tests.fix_pgbouncer import Pooled

REFUSAL = (
    "127.0.0.1:{port} is a pooler that changes the session between transactions, as PgBouncer does with pool_mode = transaction.\n"
    "Migrations need a session of their own, for the lock that keeps other migrators out: give the address of the server itself, or of a "
    "pool with pool_mode = session."
)


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_pooler_without_sessions_is_refused_and_nothing_is_run(
    pooled: Pooled, session: Session, twenty: Folder, mode: str, size: int
) -> None:
    pgbouncer = pooled(mode, size)
    with pytest.raises(PoolerError) as refused:
        run(pgbouncer.login, twenty)
    assert str(refused.value) == REFUSAL.format(port=pgbouncer.login.port)
    assert session.execute("SELECT to_regnamespace('pgstack')").fetchone() == (None,)


def test_transactions_of_others_do_not_hide_what_the_pooler_does(pooled: Pooled, database: Login, twenty: Folder) -> None:
    """A busy pool hands out one back end or another."""
    pgbouncer = pooled("transaction", 3)
    with pgbouncer.login.connect() as first, pgbouncer.login.connect() as second, first.transaction():
        first.execute("SELECT 1")
        second.execute("SELECT 1")
        with pytest.raises(PoolerError):
            run(pgbouncer.login, twenty)


@pytest.mark.parametrize("size", [1, 20])
def test_pooler_with_sessions_is_as_good_as_the_server(
    pooled: Pooled, twenty: Folder, converged: Callable[[], None], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(sessions, "PROBE_PATIENCE", 0.3)
    assert run(pooled("session", size).login, twenty) == versions(twenty)
    converged()


def test_pool_of_one_session_is_not_taken_for_a_server_that_answers_nobody(
    pooled: Pooled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look at a long statement has to wait for the one back end, which is busy with that."""
    monkeypatch.setattr(sessions, "PROBE_PATIENCE", 0.3)
    monkeypatch.setattr(watch, "LONGEST_ANSWER", 0.1)
    heard = Heard()
    slow = write(tmp_path, {"1_slow.sql": "CREATE TABLE a AS SELECT pg_sleep(2)::text"})
    assert run(pooled("session", 1).login, slow, heard) == ["1"]
    assert len(heard.waits) >= watch.LOOKS
    assert {wait.partition(" s, ")[2] for wait in heard.waits} == {"and no second session to look from: are there too many?"}


def test_pooler_that_dies_and_comes_back_is_gone_on_with(
    pooled: Pooled, database: Login, session: Session, tmp_path: Path, *, clean_runs: CleanRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The back end that it leaves behind, which holds the lock still, is ended."""
    monkeypatch.setattr(link, "PAUSE", 0.05)
    pgbouncer = pooled("session")
    given = write(tmp_path, {"1_a.sql": "CREATE TABLE a (id int)", "2_b.sql": "SELECT pg_advisory_xact_lock(1); CREATE TABLE b (id int)"})
    session.execute("SELECT pg_advisory_lock(1)")
    with ThreadPoolExecutor(1) as threads:
        migrating = threads.submit(run, pgbouncer.login, given)
        wait_for(lambda: at_work(session, "pg_advisory_xact_lock", "Lock"), "the second migration")
        pgbouncer.kill()
        pgbouncer.start()
        session.execute("SELECT pg_advisory_unlock(1)")
        assert migrating.result() == ["1", "2"]
    clean_runs.assert_same(database, given)
