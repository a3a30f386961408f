"""Looks from a second session at what a silent one is doing: waiting for somebody, working, or cut off."""

from __future__ import annotations

import contextlib
import fcntl
import struct
import termios
from dataclasses import dataclass
from typing import Any, NoReturn

import psycopg

from migrator.errors import SessionLost
from migrator.events import Listener
from migrator.link import LONGEST_ANSWER, answers, brief, cut, reopen
from postgres.errors import ConnectionFailed

LOOKS = 3
"""Looks in a row at which the server answers nobody, or waits for us as we wait for it, after which a session is taken for lost."""

HIDDEN = "<insufficient privilege>"
"""What the server shows in place of the statement of another role's session."""

FIRST_ANSWER = 60.0
"""Seconds that the first answer may take, before which nobody can look: a pooler may let a session wait for a back end."""


@dataclass(frozen=True)
class Blocker:
    """A session that another one waits for."""

    pid: int
    application: str
    user: str
    state: str
    query: str

    def __str__(self) -> str:
        name = f" ({self.application})" if self.application else ""
        if self.query == HIDDEN:
            return f"pid {self.pid} of {self.user}{name}, whose statement this role may not see (pg_read_all_stats may)"
        query = " ".join(self.query.split())[:120]
        doing = f"running {query}" if self.state == "active" else f"{self.state}, last ran {query}"
        return f"pid {self.pid} of {self.user}{name}, {doing}"


class Watch:
    """Tells why a session is silent. Opens a session of its own for each look.

    Args:
        pid: of the session's back end; None where that is not known yet.

    Attributes:
        blockers: those that were seen at the last look.
    """

    def __init__(self, connection: psycopg.Connection[Any], pid: int | None, listener: Listener) -> None:
        self.blockers: tuple[Blocker, ...] = ()
        self._connection = connection
        self._pid = pid
        self._listener = listener
        self._silent = 0.0
        self._unanswered = 0
        self._expected = 0
        self._unsent = 0

    def __call__(self, seconds: float) -> None:
        """Looks once.

        Args:
            seconds: since when the session is silent.

        Raises:
            SessionLost: the server has no such session, or waits for us as we wait for it, or answers nobody. The session is cut.
        """
        if seconds <= self._silent:
            self._unanswered = self._expected = 0
        self._silent = seconds
        try:
            with contextlib.closing(reopen(self._connection)) as other, brief(other, LONGEST_ANSWER):
                state, awaited = self._state(other)
                self.blockers = _blockers(other, self._pid) if awaited == "Lock" else ()
        except (ConnectionFailed, SessionLost, psycopg.OperationalError):
            self._not_seen(seconds)
        else:
            self._unanswered = 0
            self._judge(state, awaited, seconds)

    def _state(self, other: psycopg.Connection[Any]) -> tuple[str, str]:
        """What the session does, and the kind of thing that it waits for; nothing of either where there is no such session."""
        row = other.execute(
            "SELECT coalesce(state, 'unknown'), coalesce(wait_event_type, '') FROM pg_catalog.pg_stat_activity WHERE pid = %s", [self._pid]
        ).fetchone()
        return row or ("", "")

    def _not_seen(self, seconds: float) -> None:
        if answers(self._connection):
            self._listener.waiting(f"no answer for {seconds:.0f} s, and no second session to look from: are there too many?")
            return
        self._unanswered += 1
        if self._unanswered >= LOOKS:
            self._give_up(f"The server has not answered for {seconds:.0f} s.")

    def _judge(self, state: str, awaited: str, seconds: float) -> None:
        if not state and (self._pid is not None or seconds >= FIRST_ANSWER):
            self._give_up("The server has ended the session.")
        unsent, before = _unsent(self._connection), self._unsent
        self._unsent = unsent
        self._expected = self._expected + 1 if awaited == "Client" and unsent >= before else 0
        if self._expected >= LOOKS:
            self._give_up(f"The server waits for us ({state}), and we for the server: what is between them lost something.")
        if self.blockers:
            self._listener.waiting(f"waits for a lock since {seconds:.0f} s: {'; '.join(str(blocker) for blocker in self.blockers)}")
        elif state == "active":
            self._listener.waiting(f"still running after {seconds:.0f} s")

    def _give_up(self, why: str) -> NoReturn:
        cut(self._connection)
        raise SessionLost(why)


def _unsent(connection: psycopg.Connection[Any]) -> int:
    """Bytes that this system has yet to bring to the server: on a slow line that may take its time. 0 where it does not tell."""
    try:
        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    except OSError:
        return 0
    return int(struct.unpack("i", answer)[0])


def _blockers(other: psycopg.Connection[Any], pid: int | None) -> tuple[Blocker, ...]:
    rows = other.execute(
        "SELECT pid, coalesce(application_name, ''), coalesce(usename, ''), coalesce(state, 'unknown'), coalesce(query, '')"
        " FROM pg_catalog.pg_stat_activity WHERE pid = ANY(pg_catalog.pg_blocking_pids(%s)) ORDER BY pid",
        [pid],
    ).fetchall()
    return tuple(Blocker(*row) for row in rows)
