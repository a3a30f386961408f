"""The applications' own tools where something is in the way: at work at the same time, failed halfway, files that changed."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from migrator.apply import inspect
from migrator.errors import DirtyError
from migrator.model import order_of
from migrator.upkeep import repair
from postgres.login import Login
from tests.fix_peers import Ground
from tests.interop.folders import CASES, STEPS, Step
from tools.peers import PeerError

SLOW = Step("20", "slow", "SELECT pg_sleep(1.5);\nCREATE TABLE slow (id integer);\n", "DROP TABLE slow;\n")
BROKEN = Step("20", "broken", "CREATE INDEX CONCURRENTLY broken ON note (nothing);\n", "SELECT 1;\n", transactional=False)
MENDED = Step("20", "broken", "CREATE INDEX CONCURRENTLY broken ON note (body);\n", "DROP INDEX broken;\n", transactional=False)


def cases(*names: str) -> pytest.MarkDecorator:
    """The cases of these names."""
    return pytest.mark.parametrize("case", [case for case in CASES if case.name in names], ids=lambda case: case.name)


def wait_for_sleep(superuser: Login, database: str) -> None:
    """Returns when a session of the database runs `pg_sleep`."""
    deadline = time.monotonic() + 30
    with superuser.connect() as session:
        while not session.execute("SELECT FROM pg_stat_activity WHERE datname = %s AND wait_event = 'PgSleep'", [database]).fetchall():
            assert time.monotonic() < deadline, "nothing ever slept"
            time.sleep(0.02)


@cases("golang-migrate", "flyway")  # of the others, the command lines take no lock
def test_we_wait_for_the_tool_that_is_at_work(ground: Ground, superuser: Login) -> None:
    ground.place(*STEPS, SLOW)
    with ThreadPoolExecutor(1) as pool:
        tool = pool.submit(ground.theirs)
        wait_for_sleep(superuser, ground.login.database)

        assert ground.ours() == []

        tool.result()
    assert (ground.their_pending(), ground.ledger()) == ([], ground.every)


@cases("golang-migrate", "flyway")
def test_the_tool_waits_for_us(ground: Ground, superuser: Login) -> None:
    ground.place(*STEPS, SLOW)
    with ThreadPoolExecutor(1) as pool:
        own = pool.submit(ground.ours)
        wait_for_sleep(superuser, ground.login.database)

        ground.theirs()

        assert own.result() == ground.every
    assert (ground.their_pending(), ground.ledger()) == ([], ground.every)


@cases("golang-migrate", "flyway")
def test_what_the_tool_left_half_done_is_refused(ground: Ground) -> None:
    ground.place(*STEPS, BROKEN)
    with pytest.raises(PeerError):
        ground.theirs()

    with ground.login.connect() as session, pytest.raises(DirtyError):
        inspect(session, ground.folder)
    with pytest.raises(DirtyError):
        ground.ours()


@cases("sqlx", "goose", "dbmate")
def test_what_the_tool_rolled_back_is_pending(ground: Ground) -> None:
    ground.place(*STEPS, BROKEN)
    with pytest.raises(PeerError):
        ground.theirs()
    ground.place(*STEPS, MENDED)

    assert ground.their_pending() == ground.our_pending() == ground.every[-1:]
    assert ground.ours() == ground.every[-1:]
    assert ground.their_pending() == []


@cases("sqlx", "sqlx-reversible")
def test_other_line_ends_are_repaired_for_the_tool(ground: Ground) -> None:
    ground.ours()
    for file in ground.path.iterdir():
        file.write_bytes(re.sub(rb"\r?\n", b"\r\n", file.read_bytes()))
    with pytest.raises(PeerError, match="different checksum"):
        ground.their_pending()
    assert [migration.order for migration in ground.plan().unfit] == [order for order in ground.every if order != order_of("3")]

    with ground.login.connect() as session:
        repair(session, ground.folder)

    assert ground.their_pending() == []
    assert (ground.plan().unfit, ground.ours()) == ((), [])


@cases("flyway")
def test_other_line_ends_are_the_same_to_flyway(ground: Ground) -> None:
    ground.ours()
    for file in ground.path.iterdir():
        file.write_bytes(re.sub(rb"\r?\n", b"\r\n", file.read_bytes()))

    ground.theirs()

    assert (ground.plan().unfit, ground.ours()) == ((), [])


@cases("flyway")
def test_a_repeatable_migration_runs_again_when_it_changes(ground: Ground) -> None:
    def view(text: str) -> dict[str, bytes]:
        return {"R__Latest_notes.sql": f"CREATE OR REPLACE VIEW latest AS SELECT '{text}'::text AS text\n".encode()}

    ground.place(*STEPS, more=view("first"))
    assert ground.ours() == ground.every
    assert ground.their_pending() == []

    ground.place(*STEPS, more=view("second"))
    assert ground.their_pending() == ground.our_pending() == [order_of("R__Latest_notes")]
    ground.theirs()
    assert ground.ours() == []

    ground.place(*STEPS, more=view("third"))
    assert ground.ours() == [order_of("R__Latest_notes")]
    assert ground.their_pending() == []
    with ground.login.connect() as session:
        assert session.execute("SELECT text FROM latest").fetchall() == [("third",)]
