"""Session advisory locks, waited for without blocking the server."""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from postgres.errors import PgstackError

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 1.0
"""Seconds between two tries; the pause doubles from the first to the longest, with jitter."""


def key_of(name: str) -> int:
    """The key of the advisory lock that has this name: a signed 64-bit number."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)


class LockTimeout(PgstackError):
    """Somebody else held the lock for too long."""


@contextmanager
def advisory_lock(connection: psycopg.Connection[Any], key: int, *, what: str, timeout: float) -> Iterator[None]:
    """Holds the session advisory lock `key` of the connection's database.

    It is polled: a session that waits inside `pg_advisory_lock` keeps a snapshot open, and
    `CREATE INDEX CONCURRENTLY` of the holder would wait for it for ever.

    Args:
        key: signed 64-bit number.
        what: what the lock is for, in the words of the error message.
        timeout: seconds to wait at most.

    Raises:
        LockTimeout: names the session that holds the lock.
    """
    deadline = time.monotonic() + timeout
    pause = FIRST_PAUSE
    while not _try(connection, key):
        if time.monotonic() >= deadline:
            raise LockTimeout(
                f"Waited {timeout:.0f} s for {what}; {_holder(connection, key)}.",
                hint="Let it finish, or end that session with pg_terminate_backend, and run the command again.",
            )
        time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311  no secret
        pause = min(pause * 2, LONGEST_PAUSE)
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_catalog.pg_advisory_unlock(%s)", [key])


def _try(connection: psycopg.Connection[Any], key: int) -> bool:
    row = connection.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", [key]).fetchone()
    return row is not None and bool(row[0])


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
