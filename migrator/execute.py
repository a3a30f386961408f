"""Runs jobs in order: as many as can be down one pipeline, the others by themselves."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import pq

from migrator import failure
from migrator.errors import MigrationFailed, SessionLost
from migrator.events import Listener
from migrator.jobs import Job
from migrator.link import broken
from migrator.model import Migration
from migrator.session import RESET, Settings, prepare
from migrator.statements import Parsed, Statement, refusal, split
from migrator.steps import Steps
from migrator.stream import LAST_COMMIT, Sent, Stream
from migrator.watch import Watch
from migrator.wire import FIRST_SILENCE, LOST, Line, Pipeline, send

RETRIED = frozenset({failure.LOCK_TIMEOUT, "40P01", "40001"})
"""Failures of the moment: a lock not got in time, a deadlock, a serialization failure."""

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
"""Seconds between two tries of a migration; the pause doubles from the first to the longest, with jitter."""

FLUSH = "SELECT pg_catalog.pg_logical_emit_message(true, 'pgstack', '')"
"""Writes to the log, so that its commit brings everything before it to the disk."""


class Executor:
    """Runs jobs on one session.

    Args:
        watch: looks at the session while it is silent.
        careful: whether each job waits for the one before it, so that it is sure at which one a session breaks.

    Attributes:
        committed: the jobs that were, in order.
    """

    def __init__(self, connection: psycopg.Connection[Any], settings: Settings, listener: Listener, watch: Watch, *, careful: bool) -> None:
        self.committed: list[Job] = []
        connection.prepare_threshold = None  # a migration may drop what the driver prepared
        self._connection = connection
        self._settings = settings
        self._listener = listener
        self._watch = watch
        self._careful = careful
        self._line = Line(connection, self._watch, first=min(FIRST_SILENCE, settings.lock_timeout / 2))
        self._fresh = [*(statement.encode() for statement in RESET), prepare(connection, settings).as_bytes(connection)]
        self._since = time.monotonic()

    def run(self, jobs: Sequence[Job], *, earlier: Sequence[Migration] = (), planned: int = 0) -> None:
        """Runs all jobs, each in a transaction of its own with its records.

        Args:
            earlier: what was committed before, for the message of an error.
            planned: how many there are to be in all, these and the earlier ones included.

        Raises:
            MigrationFailed: at a job; those in `committed` stay, and are on the disk.
            psycopg.OperationalError, SessionLost: the session broke; the ledger knows what was committed.
            KeyboardInterrupt: what was committed before is on the disk; `committed` may lack some of it.
        """
        self._since = time.monotonic()
        try:
            self._run_patiently(jobs)
        except MigrationFailed as failed:
            self._settle()
            done = [*earlier, *(job.migration for job in self.committed)]
            verb = "applied" if jobs[0].direction == "up" else "undone"
            raise failure.with_aftermath(failed, done, max(planned, len(earlier) + len(jobs)), verb) from None
        except LOST:
            raise
        except BaseException:  # Ctrl-C, or the listener's own
            with contextlib.suppress(psycopg.Error, SessionLost):  # what is told next is how far it came, not this
                self._roll_back()
                self._settle()
            raise

    def _settle(self) -> None:
        """Leaves a session in which a migration failed as it was, and what was committed before on the disk."""
        if broken(self._connection):
            return
        for statement in (*self._fresh, LAST_COMMIT):
            self._line.run(statement)
        self._connection.execute(FLUSH)

    def _run_patiently(self, jobs: Sequence[Job]) -> None:
        """Tries a job again that failed for somebody else's lock, until patience ends."""
        tries, deadline, at = 0, 0.0, -1
        while len(self.committed) < len(jobs):
            if at != len(self.committed):
                tries, deadline, at = 0, time.monotonic() + self._settings.patience, len(self.committed)
            try:
                self._run_from(jobs, at)
            except MigrationFailed as failed:
                if len(self.committed) == at and (failed.sqlstate not in RETRIED or time.monotonic() >= deadline):
                    raise
                if failed.sqlstate not in RETRIED:
                    raise
                title = jobs[len(self.committed)].migration.title
                self._listener.waiting(f"{title}: tried again after SQLSTATE {failed.sqlstate}")
                time.sleep(min(FIRST_PAUSE * 2**tries, LONGEST_PAUSE) * random.uniform(0.5, 1.0))  # noqa: S311  no secret
                tries += 1

    def _run_from(self, jobs: Sequence[Job], at: int) -> None:
        """Runs jobs from one on: a pipeline of them, or one that goes alone."""
        parsed = split(jobs[at].script)
        if parsed.pipelined:
            self._stream(jobs[at : at + 1] if self._careful else jobs[at:])
        elif parsed.transactional:
            self._alone(jobs[at], parsed)
        else:
            Steps(self._connection, self._line, self._listener, self._watch).run(jobs[at], parsed, self._fresh)
            self._count(jobs[at])

    def _stream(self, jobs: Sequence[Job]) -> None:
        """Sends jobs without waiting, up to the first that cannot be sent so."""
        with Pipeline[Sent](self._connection, self._line, self._carried_out) as pipeline:
            stream = Stream(pipeline, self._fresh)
            for number, job in enumerate(jobs):
                parsed = split(job.script)
                if pipeline.failed or not parsed.pipelined:
                    break
                stream.add(job, parsed, last=number == len(jobs) - 1)
        if pipeline.failed:
            tag, error = pipeline.failed
            self._roll_back()
            raise failure.describe(error, tag.job.script, tag.statement, self._watch.blockers)

    def _carried_out(self, tag: Sent) -> None:
        if tag.commits:
            self._count(tag.job)

    def _count(self, job: Job) -> None:
        self.committed.append(job)
        seconds, self._since = time.monotonic() - self._since, time.monotonic()
        self._listener.ran(job.migration, job.direction, seconds)

    def _alone(self, job: Job, parsed: Parsed) -> None:
        """Runs one job a statement at a time: SQL that the grammar does not know, and rows for COPY."""
        current: Statement | None = None
        try:
            for statement in (*self._fresh, b"BEGIN"):
                self._line.run(statement)
            for current in parsed.statements:
                send(self._connection, self._line, current.text.encode(), current.data)
                self._require_transaction(job, current)
            current = None
            for statement in (*self._fresh, LAST_COMMIT):
                self._line.run(statement)
            for command in job.records(None):
                self._connection.execute(command.sql, command.parameters)
            self._line.run(b"COMMIT")
        except psycopg.Error as error:
            if broken(self._connection):
                raise
            self._roll_back()
            raise failure.describe(error, job.script, current, self._watch.blockers) from None
        self._count(job)

    def _require_transaction(self, job: Job, statement: Statement) -> None:
        """Raises MigrationFailed where a statement ended the migration's transaction, as SQL that the parser does not know may."""
        if self._connection.info.transaction_status == pq.TransactionStatus.INTRANS:
            return
        error = refusal(
            job.script,
            statement.start,
            "the statement ended the migration's transaction.",
            hint="Take COMMIT and ROLLBACK out of the file, undo by hand what it did, and run the command again.",
        )
        error.outcome = "What it committed stays, and is not in the ledger"
        raise error

    def _roll_back(self) -> None:
        if self._connection.info.transaction_status != pq.TransactionStatus.IDLE:
            self._line.run(b"ROLLBACK")
