"""The session of a run: looked after while it is silent, cut where nothing comes through, and opened again."""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from migrator.errors import SessionLost
from migrator.events import Listener
from migrator.wire import watched
from postgres.errors import ConnectionFailed

if TYPE_CHECKING:
    from migrator.watch import Watch

REOPENING = 30.0
"""Seconds in which a lost server may come back."""

LONGEST_ANSWER = 10.0
"""Seconds that a second session may take to answer."""

PAUSE = 0.5
"""Seconds between two tries to open a session."""


class Link:
    """One session after another, of which the first one is the caller's.

    Args:
        first: seconds of silence after which a session is looked at for the first time.

    Attributes:
        connection: the session now.
    """

    def __init__(self, connection: psycopg.Connection[Any], listener: Listener, first: float) -> None:
        self.connection = connection
        self._own = connection
        self._listener = listener
        self._first = first
        self._watch: Watch | None = None
        self._pid = connection.info.backend_pid
        self._is_sure = False
        self._lost: list[int] = []

    @property
    def watch(self) -> Watch:
        """What looks at the session."""
        from migrator.watch import Watch  # noqa: PLC0415  most servers answer at once

        self._watch = self._watch or Watch(self.connection, self._pid if self._is_sure else None, self._listener)
        return self._watch

    def watched(self) -> contextlib.AbstractContextManager[None]:
        """Has the session looked after: whatever it is asked raises SessionLost where nothing comes through any more."""
        return watched(self.connection, self._silent, self._first)

    def identify(self, pid: int) -> None:
        """Says which back end the session has. It need not be the one that it was told of: a pooler tells what it likes."""
        self._pid = pid
        self._is_sure = True
        self._watch = None

    def reopen(self, why: str) -> None:
        """Opens the session again, which was lost.

        Raises:
            ConnectionFailed: the server did not come back.
        """
        self._listener.waiting(f"the session was lost ({' '.join(why.split())}); it is opened again")
        lost = self.connection
        self.connection = _opened(lost)
        lost.close()
        self._lost.append(self._pid)
        self._pid = self.connection.info.backend_pid
        self._is_sure = False
        self._watch = None

    def end_lost(self) -> None:
        """Ends the back ends of sessions that were lost: they may hold the lock still."""
        while self._lost:
            _end(self.connection, self._lost[-1])
            self._lost.pop()

    def abandon(self) -> None:
        """Ends the back ends of a session that is not to be opened again, as far as the server can be reached."""
        with (
            contextlib.suppress(ConnectionFailed, SessionLost, psycopg.OperationalError),
            contextlib.closing(reopen(self.connection)) as other,
            brief(other, LONGEST_ANSWER),
        ):
            for pid in (*self._lost, self._pid):
                _end(other, pid)

    def close(self) -> None:
        """Closes the session, unless it is the caller's."""
        if self.connection is not self._own:
            self.connection.close()

    def _silent(self, seconds: float) -> None:
        self.watch(seconds)


def broken(connection: psycopg.Connection[Any]) -> bool:
    """Whether a session has ended, by whomever."""
    return connection.closed or connection.pgconn.status == pq.ConnStatus.BAD


def cut(connection: psycopg.Connection[Any]) -> None:
    """Breaks a session from this end: whatever else is asked of it then fails at once."""
    with contextlib.suppress(OSError, psycopg.OperationalError):
        with socket.socket(fileno=os.dup(connection.fileno())) as end:
            end.shutdown(socket.SHUT_RDWR)
        while True:  # until the driver has seen it, too: it would try to roll back
            connection.pgconn.consume_input()


@contextlib.contextmanager
def brief(connection: psycopg.Connection[Any], seconds: float) -> Iterator[None]:
    """Cuts a session that does not answer for so long, and raises SessionLost."""

    def silence(silent: float) -> None:
        cut(connection)
        raise SessionLost(f"{where(connection)} has not answered for {silent:.0f} s.")

    with watched(connection, silence, seconds):
        yield


def answers(connection: psycopg.Connection[Any]) -> bool:
    """Whether somebody answers where a session leads, if only to say that there is no other session to be had."""
    return pq.PGconn.ping(_conninfo(connection).encode()) == pq.Ping.OK


def reopen(connection: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    """A second session like a first one, which may be broken.

    Raises:
        ConnectionFailed: the server does not answer, or lets nobody in.
    """
    try:
        return psycopg.connect(_conninfo(connection), autocommit=True)
    except psycopg.OperationalError as error:
        raise ConnectionFailed(f"No second session on {where(connection)}: {' '.join(str(error).split())}") from None


def where(connection: psycopg.Connection[Any]) -> str:
    """The address of a session's server."""
    return f"{connection.info.host}:{connection.info.port}"


def _conninfo(connection: psycopg.Connection[Any]) -> str:
    """All that a session was opened with, so that nothing is left to the environment."""
    return make_conninfo(**{option.keyword.decode(): option.val.decode() for option in connection.pgconn.info if option.val is not None})


def _opened(lost: psycopg.Connection[Any]) -> psycopg.Connection[Any]:
    deadline = time.monotonic() + REOPENING
    while True:
        try:
            return reopen(lost)
        except ConnectionFailed as error:
            if time.monotonic() >= deadline:
                raise ConnectionFailed(
                    f"The session was lost, and the server did not come back within {REOPENING:.0f} s. {error.args[0]}",
                    hint="What was committed stays, and the ledger knows it. Run the command again when the server is back: it goes on.",
                ) from None
            time.sleep(PAUSE)


def _end(connection: psycopg.Connection[Any], pid: int) -> None:
    """Ends the back end of a session that was lost. One that is gone, or somebody else's, is left alone."""
    connection.execute(
        "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
        " WHERE pid = %s AND pid <> pg_catalog.pg_backend_pid() AND usename = session_user AND application_name = %s",
        [pid, connection.info.get_parameters().get("application_name", "")],
    )
