"""Statements sent without waiting for the answers, on libpq's pipeline mode, and the waiting itself.

psycopg's own `Connection.pipeline` keeps a cursor for every statement that is on its way, and tells which of them failed only
through its exception. Here no more than `WINDOW` are on their way, and each answer comes back with what was sent.
"""

from __future__ import annotations

import contextlib
import select
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Generic, LiteralString, TypeVar

import psycopg
from psycopg import pq
from psycopg.errors import error_from_result

from migrator.errors import SessionLost

Tag = TypeVar("Tag")
Result = TypeVar("Result")

WINDOW = 512
"""Statements that may be on their way at a time: enough to fill a line of 100 ms, few enough for memory to stay flat."""

FIRST_SILENCE = 1.0
LONGEST_SILENCE = 30.0
"""Seconds without an answer after which somebody is told; the time doubles from the first to the longest."""

LOST = (psycopg.OperationalError, SessionLost)
"""What is raised where a session is lost, so that there is nobody to wait for. Anything else is Ctrl-C, or the caller's own."""

CANCELLING = 5.0
"""Seconds that it may take to tell a server to stop."""

TICK = 0.1
"""Seconds after which psycopg looks up from waiting."""

FAILED = pq.ExecStatus.FATAL_ERROR
SKIPPED = pq.ExecStatus.PIPELINE_ABORTED
SYNC = pq.ExecStatus.PIPELINE_SYNC

Silence = Callable[[float], None]
"""Called while the server says nothing, with the seconds since it last did. What it raises ends the waiting."""


@cache
def numbered(sql: LiteralString) -> bytes:
    """A statement with psycopg's placeholders, with those of the server."""
    first, *rest = sql.split("%s")
    return "".join([first, *(f"${number}{part}" for number, part in enumerate(rest, start=1))]).encode()


def encoded(values: Sequence[Any]) -> list[bytes | None]:
    """Parameters as text, in the form in which the server reads values of any type."""
    return [None if value is None else _text(value) for value in values]


def _text(value: Any) -> bytes:
    if isinstance(value, bytes | bytearray | memoryview):
        return b"\\x" + bytes(value).hex().encode()
    return str(value).encode()


class Line:
    """Waits for the socket of a session.

    Args:
        silence: told while nothing comes.
        first: seconds after which it is told for the first time.
    """

    def __init__(self, connection: psycopg.Connection[Any], silence: Silence | None = None, first: float = FIRST_SILENCE) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._silence = silence
        self._first = first
        self._poll = select.poll()

    def wait(self, *, until_sent: bool = False) -> None:
        """Blocks until something can be read, or, where `until_sent`, written.

        Raises:
            psycopg.OperationalError: the connection broke.
        """
        started = time.monotonic()
        pause = self._first
        self._poll.register(self._pgconn.socket, select.POLLIN | (select.POLLOUT if until_sent else 0))
        while not self._poll.poll(pause * 1000 if self._silence else None):
            if self._silence:
                self._silence(time.monotonic() - started)
            pause = min(pause * 2, LONGEST_SILENCE)

    def read(self) -> None:
        """Waits for input and takes it in, sending what is left to send meanwhile."""
        self.wait(until_sent=self._pgconn.flush() != 0)
        self._pgconn.consume_input()

    def run(self, sql: bytes) -> None:
        """Runs statements in the simple protocol. What they return is nobody's business.

        A `COPY … FROM STDIN` that waits for rows is told that there are none.

        Raises:
            psycopg.Error: one of them failed; those behind it were not run.
            KeyboardInterrupt: the server was told to stop, and has.
        """
        self._pgconn.send_query(sql)
        try:
            failed = self._answers()
        except KeyboardInterrupt:
            with contextlib.suppress(psycopg.OperationalError, SessionLost):
                cancel(self._connection)
                self._answers()
            raise
        if failed:
            raise error_from_result(failed, encoding=self._connection.info.encoding)

    def _answers(self) -> pq.abc.PGresult | None:
        """Waits until the server is through; the first of its answers that is a failure."""
        failed = None
        while True:
            while self._pgconn.is_busy():
                self.read()
            result = self._pgconn.get_result()
            if result is None:
                return failed
            if result.status == pq.ExecStatus.COPY_IN:
                self._pgconn.put_copy_end(b"a migration has no rows for COPY here")
            elif result.status == pq.ExecStatus.COPY_OUT:
                self._pass_over()
            elif result.status == FAILED:
                failed = failed or result

    def _pass_over(self) -> None:
        """Reads the rows that a `COPY … TO STDOUT` sends, for nobody."""
        while (size := self._pgconn.get_copy_data(1)[0]) >= 0:
            if not size:
                self.read()


def cancel(connection: psycopg.Connection[Any]) -> None:
    """Tells the server to stop what it is running for a session.

    Raises:
        psycopg.OperationalError: it could not be told.
    """
    connection.cancel_safe(timeout=CANCELLING)


def send(connection: psycopg.Connection[Any], line: Line, sql: bytes, rows: str | None) -> None:
    """Runs one statement, with the rows that a `COPY … FROM STDIN` waits for; raises as `Line.run` does."""
    if rows is None:
        line.run(sql)
        return
    with connection.cursor().copy(sql) as copy:
        copy.write(rows)


@contextlib.contextmanager
def watched(connection: psycopg.Connection[Any], silence: Silence, first: float = FIRST_SILENCE) -> Iterator[None]:
    """Has psycopg's own waiting for the answers of a session tell of silence, too, as long as the context lasts.

    Args:
        silence, first: as those of `Line`.
    """

    def wait(gen: Generator[Any, Any, Result], interval: float = TICK, timeout: float | None = None) -> Result:
        return type(connection).wait(connection, _telling(gen, silence, first), min(interval, first), timeout)

    connection.wait = wait  # type: ignore[method-assign]  # psycopg calls it for whatever it waits for, and has no hook in it
    try:
        yield
    finally:
        del connection.wait


def _telling(gen: Generator[Any, Any, Result], silence: Silence, first: float) -> Generator[Any, Any, Result]:
    """Passes on what psycopg does and hears while it waits; whatever it hears nothing for too long, `silence` is told."""
    heard = time.monotonic()
    due = heard + first
    try:
        state = next(gen)
        while True:
            ready = yield state
            now = time.monotonic()
            if ready:
                heard, due = now, now + first
            elif now >= due:
                silence(now - heard)
                due = now + min(2 * (now - heard), LONGEST_SILENCE)
            state = gen.send(ready)
    except StopIteration as end:
        result: Result = end.value
        return result


class Pipeline(Generic[Tag]):
    """Statements on their way, each with a tag that says what it is for. Use it as a context: leaving it waits for all answers.

    Args:
        done: called with the tag of each statement that was carried out, in order.

    Attributes:
        failed: tag and error of the statement at which the server stopped; those behind it were skipped.
    """

    def __init__(self, connection: psycopg.Connection[Any], line: Line, done: Callable[[Tag], None]) -> None:
        self.failed: tuple[Tag, psycopg.Error] | None = None
        self._connection = connection
        self._pgconn = connection.pgconn
        self._line = line
        self._done = done
        self._open: deque[Tag] = deque()
        self._answer: list[pq.abc.PGresult] = []
        self._ending = False

    def __enter__(self) -> Pipeline[Tag]:
        self._pgconn.enter_pipeline_mode()
        return self

    def send(self, tag: Tag, sql: bytes, parameters: Sequence[bytes | None] | None = None) -> None:
        """Sends one statement; waits only where too many are on their way."""
        self._pgconn.send_query_params(sql, parameters)
        self._open.append(tag)
        while len(self._open) >= WINDOW and not self.failed:
            self._line.read()
            self._collect()

    def prepare(self, tag: Tag, name: bytes, sql: bytes) -> None:
        """Prepares a statement that is sent again and again."""
        self._pgconn.send_prepare(name, sql)
        self._open.append(tag)

    def send_prepared(self, tag: Tag, name: bytes, parameters: Sequence[bytes | None]) -> None:
        """Sends one that was prepared."""
        self._pgconn.send_query_prepared(name, parameters)
        self._open.append(tag)

    def hurry(self) -> None:
        """Asks for the answers to what was sent so far, and takes those that are there."""
        self._pgconn.send_flush_request()
        self._pgconn.flush()
        self._pgconn.consume_input()
        self._collect()

    def drain(self) -> None:
        """Waits for all answers."""
        self._pgconn.pipeline_sync()
        self._ending = True
        while self._ending:
            self._line.read()
            self._collect()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            try:
                self.drain()
            except LOST:
                raise
            except BaseException:
                self._stop()
                raise
            self._pgconn.exit_pipeline_mode()
        elif not issubclass(kind, LOST):
            self._stop()

    def _stop(self) -> None:
        """Has the server stop, and takes in what it says until it is through. Nobody is told: an answer may have got lost."""
        with contextlib.suppress(psycopg.OperationalError, SessionLost):
            cancel(self._connection)
            if not self._ending:
                self._pgconn.pipeline_sync()
            while not self._is_through():
                self._line.read()
            self._pgconn.exit_pipeline_mode()

    def _is_through(self) -> bool:
        """Takes the answers that have come, looking for the last one. There is a `None` between two, and two at their end."""
        ended = False
        while not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is not None and result.status == SYNC:
                return True
            if result is None and ended:
                break
            ended = result is None
        return False

    def _collect(self) -> None:
        """Takes the answers that have come, without waiting."""
        while not self._pgconn.is_busy():
            result = self._pgconn.get_result()
            if result is None:
                if not self._answer:
                    return
                self._settle(self._answer)
                self._answer = []
            elif result.status == SYNC:
                self._ending = False
                return
            else:
                self._answer.append(result)

    def _settle(self, answer: list[pq.abc.PGresult]) -> None:
        tag = self._open.popleft()
        statuses = {result.status for result in answer}
        if FAILED in statuses:
            broken = next(result for result in answer if result.status == FAILED)
            self.failed = (tag, error_from_result(broken, encoding=self._connection.info.encoding))
        elif SKIPPED not in statuses:
            self._done(tag)
