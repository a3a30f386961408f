"""Jobs as statements on their way down one pipeline, no more of them than it takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import LiteralString, NamedTuple

from migrator.formats.base import Command
from migrator.jobs import Job
from migrator.statements import Parsed, Statement
from migrator.wire import Pipeline, encoded, numbered

LAST_COMMIT = b"RESET synchronous_commit"
"""The commits before the last need not reach the disk one by one: the last one takes them along."""

EACH = 100
EVERY = 8
"""The server is asked to tell at once of each of the first migrations, and then of every eighth: telling costs, too."""

NUMBERS = count(1)
"""For the names of prepared statements, which live as long as their session."""


class Sent(NamedTuple):
    """What a statement on its way is for.

    Attributes:
        statement: of the migration; None for one of the migrator's own.
        commits: whether it is the migration's COMMIT.
    """

    job: Job
    statement: Statement | None = None
    commits: bool = False


class Stream:
    """Sends jobs down a pipeline.

    A migration that surely leaves its session alone is not cleaned up after, and its records are prepared statements; after any
    other one, and before its records, the settings are made anew, and then the prepared statements, which it may have dropped.
    Nothing comes between a migration's BEGIN and its first statement, which may be one that has to be the first.

    Args:
        fresh: statements that give the session its settings.
    """

    def __init__(self, pipeline: Pipeline[Sent], fresh: Sequence[bytes]) -> None:
        self._pipeline = pipeline
        self._fresh = fresh
        self._before: tuple[bytes, ...] = (b"BEGIN", *fresh, b"COMMIT")
        self._names: dict[LiteralString, bytes] = {}
        self._sent = 0

    def add(self, job: Job, parsed: Parsed, *, last: bool) -> None:
        """Sends one job.

        Args:
            last: whether its commit has to reach the disk, with all before it.
        """
        own = Sent(job)
        send = self._pipeline.send
        inert = parsed.inert
        for statement in (*self._before, b"BEGIN"):
            send(own, statement)
        self._before = ()
        for part in parsed.statements:
            send(Sent(job, part), part.text.encode())
        if not inert:
            self._names.clear()
            for statement in self._fresh:
                send(own, statement)
        for command in job.records(None):
            self._record(own, command, prepared=inert)
        if last:
            send(own, LAST_COMMIT)
        send(Sent(job, commits=True), b"COMMIT")
        self._sent += 1
        if last or self._sent <= EACH or self._sent % EVERY == 0:
            self._pipeline.hurry()

    def _record(self, own: Sent, command: Command, *, prepared: bool) -> None:
        sql = numbered(command.sql)
        if not prepared:
            self._pipeline.send(own, sql, encoded(command.parameters))
            return
        name = self._names.get(command.sql)
        if name is None:
            name = self._names[command.sql] = b"pgstack_%d" % next(NUMBERS)
            self._pipeline.prepare(own, name, sql)
        self._pipeline.send_prepared(own, name, encoded(command.parameters))
