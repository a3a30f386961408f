"""Session advisory locks, waited for without blocking the server."""

from __future__ import annotations

import contextlib
import hashlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg

from postgres.errors import PgstackError

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
"""Seconds between two tries; the pause doubles from the first to the longest, with jitter."""

TOLD_AGAIN = 30.0
"""Seconds, at most, between two words about who is waited for; the first comes after one second."""


def key_of(name: str) -> int:
    """The key of the advisory lock that has this name: a signed 64-bit number."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


class LockTimeout(PgstackError):
    """Somebody else held the lock for too long."""


class Wanted(NamedTuple):
    """A lock to hold.

    Attributes:
        key: signed 64-bit number.
        what: what the lock is for, in the words of the error message.
    """

    key: int
    what: str


@contextmanager
def advisory_lock(connection: psycopg.Connection[Any], key: int, *, what: str, timeout: float) -> Iterator[None]:
    """Holds the session advisory lock `key` of the connection's database; arguments and errors as those of `acquire`."""
    acquire(connection, [Wanted(key, what)], timeout)
    try:
        yield
    finally:
        release(connection, [key])


def acquire(
    connection: psycopg.Connection[Any],
    wanted: Sequence[Wanted],
    timeout: float,
    waiting: Callable[[str], None] | None = None,
) -> None:
    """Takes session advisory locks of the connection's database: all of them, or none.

    They are polled: a session that waits inside `pg_advisory_lock` keeps a snapshot open, and `CREATE INDEX CONCURRENTLY` of
    the holder would wait for it for ever.

    Args:
        timeout: seconds to wait at most.
        waiting: told now and then who is waited for.

    Raises:
        LockTimeout: names the session that holds one of them.
    """
    started = told = time.monotonic()
    deadline = started + timeout
    pause = FIRST_PAUSE
    while missing := refused(connection, wanted, attempt(connection, wanted)):
        if time.monotonic() >= deadline:
            raise LockTimeout(
                f"Waited {timeout:.0f} s for {missing.what}; {_holder(connection, missing.key)}.",
                hint="Let it finish, or end that session with pg_terminate_backend, and run the command again.",
            )
        if waiting and time.monotonic() - told >= min(TOLD_AGAIN, 1.0 + (told - started)):
            told = time.monotonic()
            waiting(f"waits since {told - started:.0f} s for {missing.what}; {_holder(connection, missing.key)}")
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        pause = min(pause * 2, LONGEST_PAUSE)


def attempt(connection: psycopg.Connection[Any], wanted: Sequence[Wanted]) -> psycopg.Cursor[Any]:
    """Asks for locks without waiting; `refused` reads the answer."""
    return connection.execute(
        "SELECT pg_catalog.pg_try_advisory_lock(key) FROM pg_catalog.unnest(%s::bigint[]) key", [[lock.key for lock in wanted]]
    )


def refused(connection: psycopg.Connection[Any], wanted: Sequence[Wanted], answer: psycopg.Cursor[Any]) -> Wanted | None:
    """The first lock that was not to be had; the others are given back then. None where all are held now."""
    got = [bool(row[0]) for row in answer.fetchall()]
    missing = [lock for lock, held in zip(wanted, got, strict=True) if not held]
    if missing and any(got):
        release(connection, [lock.key for lock in wanted if lock not in missing])
    return missing[0] if missing else None


def release(connection: psycopg.Connection[Any], keys: Sequence[int]) -> None:
    """Gives locks back. A session that broke holds none."""
    with contextlib.suppress(psycopg.OperationalError):
        connection.execute("SELECT pg_catalog.pg_advisory_unlock(key) FROM pg_catalog.unnest(%s::bigint[]) key", [list(keys)])


def _holder(connection: psycopg.Connection[Any], key: int) -> str:
    row = connection.execute(
        """
        SELECT a.pid, a.application_name, a.client_addr, a.query
        FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
          AND (l.classid::bigint << 32) | l.objid::bigint = %s
        """,
        [key],
    ).fetchone()
    if row is None:
        return "its holder has just gone"
    pid, application, address, query = row
    return f"pid {pid} ({application or 'unnamed'}, {address or 'local'}) holds it, running: {(query or '')[:120]}"
