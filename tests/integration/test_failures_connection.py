"""Connections that are cut, reset or hung at every phase of a run: it ends converged, or with a clear error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import sql

from migrator import link, watch
from migrator.errors import MigrationFailed
from migrator.model import Folder
from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_failures import EIGHTH, Heard, run, versions
from tests.fix_migrations import write
from tests.fix_proxy import How, Place, Proxy, Trap

COMMITTED = b"COMMIT\0"
"""In the question, and in the answer. """

BREAKS = [How.CUT, How.RESET, How.HANG]

Converged = Callable[[], None]


PHASES = {
    "the first question": Place("asks", b"pg_is_in_recovery"),
    "the lock is asked for": Place("asks", b"pg_try_advisory_lock"),
    "the lock was given": Place("answers", b"pg_try_advisory_lock"),
    "the records are looked for": Place("asks", b"array_agg"),
    "the records are made": Place("asks", b"CREATE TABLE pgstack.migration"),
    "the records were made": Place("answers", COMMITTED),
    "before a BEGIN": Place("asks", b"BEGIN\0", EIGHTH),
    "before a statement": Place("asks", b"CREATE TABLE t7 "),
    "between two statements": Place("asks", b"INTO journal VALUES (8)"),
    "before the ledger's row": Place("asks", b"INTO pgstack.migration", EIGHTH),
    "before the tool's row": Place("asks", b"INTO public._sqlx_migrations", EIGHTH),
    "before a COMMIT": Place("asks", COMMITTED, EIGHTH),
    "after a COMMIT that nobody heard of": Place("answers", COMMITTED, EIGHTH),
    "the lock is given back": Place("asks", b"pg_advisory_unlock"),
}
"""Those of migrations in a pipeline, several of which are on their way at a time."""

ALONE = {
    "before the rows of a COPY": Place("asks", b"COPY t11"),
    "in the rows of a COPY": Place("asks", b"1\n2\n"),
    "before an intent": Place("asks", b"INTO pgstack.step"),
    "after an intent": Place("asks", b"CREATE INDEX CONCURRENTLY"),
    "after a statement outside a transaction": Place("answers", b"CREATE INDEX\0"),
    "before the row of a migration outside a transaction": Place("asks", b"min(started_at)"),
}
"""Those of migrations that go alone, a statement at a time."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is between these tests and the server that would let a session wait, for its first answer or for another."""
    monkeypatch.setattr(watch, "FIRST_ANSWER", 0.3)
    monkeypatch.setattr(watch, "LOOKS", 2)
    monkeypatch.setattr(link, "PAUSE", 0.05)


@pytest.mark.parametrize("how", BREAKS, ids=lambda how: how.name.lower())
@pytest.mark.parametrize("place", PHASES.values(), ids=PHASES.keys())
def test_pipeline_that_breaks_is_gone_on_with(proxy: Proxy, twenty: Folder, converged: Converged, place: Place, how: How) -> None:
    run_through(proxy, twenty, place.trap(how))
    converged()


@pytest.mark.parametrize("how", [How.CUT, How.HANG], ids=lambda how: how.name.lower())
@pytest.mark.parametrize("place", ALONE.values(), ids=ALONE.keys())
def test_session_that_breaks_at_a_single_migration_is_gone_on_with(
    proxy: Proxy, twenty: Folder, converged: Converged, place: Place, how: How
) -> None:
    run_through(proxy, twenty, place.trap(how))
    converged()


def run_through(proxy: Proxy, folder: Folder, trap: Trap) -> None:
    """Migrates over a connection that breaks once; every migration is reported, and reported once."""
    proxy.set(trap)
    heard = Heard()
    assert (run(proxy.login, folder, heard), heard.ran_) == (versions(folder), versions(folder))
    trap.wait()


def test_answers_that_get_lost_are_read_in_the_ledger(proxy: Proxy, twenty: Folder, converged: Converged) -> None:
    """What was asked gets through: the server commits the whole pipeline, and nobody hears of it."""
    proxy.set(Trap("answers", COMMITTED, How.MUTE, EIGHTH))
    heard = Heard()
    assert (run(proxy.login, twenty, heard), heard.ran_) == (versions(twenty), versions(twenty))
    why = "The server waits for us (idle), and we for the server: what is between them lost something."
    assert [wait for wait in heard.waits if "opened" in wait] == [f"the session was lost ({why}); it is opened again"]
    converged()


@pytest.mark.parametrize("how", BREAKS, ids=lambda how: how.name.lower())
def test_session_that_breaks_again_and_again_names_the_migration(proxy: Proxy, twenty: Folder, converged: Converged, how: How) -> None:
    proxy.set(Trap("asks", b"CREATE TABLE t7 ", how, times=99))
    with pytest.raises(MigrationFailed) as failed:
        run(proxy.login, twenty)
    path = twenty.migrations[6].up.path
    assert (failed.value.path, failed.value.applied) == (path, ("1", "2", "3", "4", "5", "6"))
    first, *_, aftermath, hint = str(failed.value).splitlines()
    assert first.startswith(f"{path}: the session broke 3 times at this migration: ")
    assert aftermath == "6 before it were committed and stay; whether this one was, the next run sees in the ledger."
    assert hint == "The server's log tells why it ended the session: out of memory, a crash of an extension, or somebody's command."
    proxy.disarm()
    assert run(proxy.login, twenty) == versions(twenty)[6:]
    converged()


def test_session_that_breaks_before_any_migration_names_the_server(proxy: Proxy, twenty: Folder, converged: Converged) -> None:
    proxy.set(Trap("asks", b"CREATE SCHEMA pgstack", How.RESET, times=99))
    with pytest.raises(ConnectionFailed) as failed:
        run(proxy.login, twenty)
    assert str(failed.value).startswith(f"127.0.0.1:{proxy.login.port}: the session broke 3 times before a migration could be run: ")
    proxy.disarm()
    assert run(proxy.login, twenty) == versions(twenty)
    converged()


def test_server_that_does_not_come_back_is_an_error_and_the_next_run_goes_on(
    proxy: Proxy, database: Login, twenty: Folder, converged: Converged, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "REOPENING", 0.2)
    proxy.set(Trap("asks", b"CREATE TABLE t7 ", How.CUT, then=proxy.refuse))
    with pytest.raises(ConnectionFailed) as failed:
        run(proxy.login, twenty)
    first, hint = str(failed.value).splitlines()
    assert first.startswith("The session was lost, and the server did not come back within 0 s. No second session on 127.0.0.1:")
    assert hint == "What was committed stays, and the ledger knows it. Run the command again when the server is back: it goes on."
    assert run(database, twenty) == versions(twenty)[6:]
    converged()


def test_server_that_answers_nobody_any_more_is_given_up(
    proxy: Proxy, database: Login, twenty: Folder, converged: Converged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one whose machine is gone: new connections are taken by what is between, and hear nothing either."""
    monkeypatch.setattr(link, "REOPENING", 0.0)
    monkeypatch.setattr(watch, "LOOKS", 1)
    proxy.set(Trap("asks", b"CREATE TABLE t7 ", How.HANG, then=proxy.deafen))
    heard = Heard()
    with pytest.raises(ConnectionFailed, match="The session was lost, and the server did not come back"):
        run(proxy.login, twenty, heard)
    assert [wait.partition(" for ")[0] for wait in heard.waits] == ["the session was lost (The server has not answered"]
    proxy.close()
    assert run(database, twenty) == versions(twenty)[6:]
    converged()


def test_full_server_is_not_taken_for_a_lost_one(superuser: Login, database: Login, tmp_path: Path) -> None:
    """A long migration may be what makes the sessions pile up: that there is no room for one to look from says nothing of it."""
    with superuser.connect() as administrator:
        administrator.execute(sql.SQL("ALTER ROLE {} CONNECTION LIMIT 1").format(sql.Identifier(database.user)))
    heard = Heard()
    slow = write(tmp_path, {"1_slow.sql": "CREATE TABLE a AS SELECT pg_sleep(1)::text"})
    assert run(database, slow, heard) == ["1"]
    assert len(heard.waits) >= watch.LOOKS
    assert {wait.partition(" s, ")[2] for wait in heard.waits} == {"and no second session to look from: are there too many?"}
