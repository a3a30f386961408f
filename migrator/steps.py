"""A migration outside a transaction, a statement at a time.

It cannot share a transaction with its records. So `pgstack.step` says of each statement that it is about to be run, and then that
it was; what was cut off in between is looked up in the catalog by `migrator.recovery`. A statement that could run in a transaction
shares one with its mark, and leaves no doubt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from migrator import failure, grammar, ledger, marks, recovery
from migrator.errors import MigrationFailed, UncertainError
from migrator.events import Listener
from migrator.jobs import Job
from migrator.link import broken
from migrator.recovery import Verdict
from migrator.statements import Parsed, Statement, line_of, parse
from migrator.stream import LAST_COMMIT
from migrator.watch import Watch
from migrator.wire import Line, send


@dataclass(frozen=True)
class Step:
    """A statement of a migration, and what is known of it from an earlier run.

    Attributes:
        node: PostgreSQL's syntax tree; None where the grammar does not know the statement.
        state: "running", "failed" or "done"; empty where it was never begun.
    """

    position: int
    statement: Statement
    node: Any
    state: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the statement and the rows below it, in hex."""
        return hashlib.sha256((self.statement.text + (self.statement.data or "")).encode()).hexdigest()

    @property
    def setting(self) -> bool:
        """Whether it changes settings of its session alone: a later session needs it once more."""
        return self.node is not None and grammar.sets(self.node)

    @property
    def exact(self) -> bool:
        """Whether it can share a transaction with its mark."""
        return self.node is not None and self.statement.transactional and grammar.kind(self.node) not in grammar.MAY_COMMIT


class Steps:
    """Runs one job outside a transaction, or goes on with one that was cut off."""

    def __init__(self, connection: psycopg.Connection[Any], line: Line, listener: Listener, watch: Watch) -> None:
        self._connection = connection
        self._line = line
        self._listener = listener
        self._watch = watch

    def run(self, job: Job, parsed: Parsed, settings: Sequence[bytes]) -> None:
        """Runs what is left of a job and tells both records.

        Args:
            settings: statements that give the session its settings.

        Raises:
            MigrationFailed: at a statement; those before it stay, and the next run goes on with it.
            UncertainError: nobody can tell whether a statement that was cut off was carried out.
        """
        for statement in (*settings, LAST_COMMIT):
            self._line.run(statement)
        with self._connection.transaction():
            self._connection.execute(marks.CREATE)
            self._connection.execute(ledger.restrict(""))
        for step in self._known(job, parsed):
            if step.state == "done" and not step.setting:
                continue
            try:
                self._run(job, step)
            except psycopg.Error as error:
                if broken(self._connection):
                    raise
                self._mark(job, step, "failed")
                failed = failure.describe(error, job.script, step.statement, self._watch.blockers)
                failed.outcome = "The statements before it were committed one by one and stay; the next run goes on with this one"
                raise failed from None
        try:
            self._record(job, settings)
        except psycopg.Error as error:
            if broken(self._connection):
                raise
            failed = failure.describe(error, job.script, None, self._watch.blockers)
            failed.outcome = "Its statements were committed one by one and stay; the next run records it"
            raise failed from None

    def _record(self, job: Job, settings: Sequence[bytes]) -> None:
        """Tells both records that a job is done."""
        with self._connection.transaction():
            for statement in (*settings, LAST_COMMIT):
                self._line.run(statement)
            for command in job.records(self._started(job)):
                self._connection.execute(command.sql, command.parameters)
            self._connection.execute("DELETE FROM pgstack.step WHERE version = %s", [job.migration.version])

    def _known(self, job: Job, parsed: Parsed) -> list[Step]:
        """The statements of a job, with what became of them before.

        Raises:
            MigrationFailed: one that was begun is not what it was.
        """
        nodes = [node for _, node in parse(job.script)] if parsed.recognised else [None]
        rows = self._connection.execute(
            "SELECT position, checksum, state FROM pgstack.step WHERE version = %s AND direction = %s ORDER BY position",
            [job.migration.version, job.direction],
        ).fetchall()
        earlier = {position: (checksum, state) for position, checksum, state in rows}
        steps = [
            Step(position, statement, node, earlier.get(position, ("", ""))[1])
            for position, (statement, node) in enumerate(zip(parsed.statements, nodes, strict=True))
        ]
        run = {position: checksum for position, (checksum, state) in earlier.items() if state != "failed"}
        changed = [step for step in steps if run.get(step.position, step.checksum) != step.checksum]
        if changed or max(run, default=-1) >= len(steps):
            raise self._changed(job, changed[0].statement if changed else None)
        return steps

    def _changed(self, job: Job, statement: Statement | None) -> MigrationFailed:
        line = line_of(job.script, statement.start if statement else len(job.script.text.rstrip()))
        error = MigrationFailed(
            f"{job.script.path}:{line}: this migration runs outside a transaction, was cut off half-way, and the part that was "
            "run already is not what it was.",
            path=job.script.path,
            line=line,
            sqlstate="",
            hint="Bring that part of the file back as it was (git shows it); what comes after it may change.",
        )
        error.outcome = "Nothing of it was run now"
        return error

    def _run(self, job: Job, step: Step) -> None:
        if step.exact:
            with self._connection.transaction():
                send(self._connection, self._line, step.statement.text.encode(), step.statement.data)
                self._mark(job, step, "done")
            return
        verdict = recovery.judge(self._connection, step.node, step.state)
        if verdict is Verdict.UNKNOWN:
            raise self._uncertain(job, step)
        if verdict is Verdict.AGAIN:
            self._mark(job, step, "running")
            if not self._repaired(job, step):
                send(self._connection, self._line, step.statement.text.encode(), step.statement.data)
        self._mark(job, step, "done")

    def _repaired(self, job: Job, step: Step) -> bool:
        """Clears away what another run left half made; whether that did all the work of the statement."""
        needed = list(recovery.repairs(self._connection, step.node))
        for repair in needed:
            self._listener.noticed(f"{job.migration.title}: {repair.why}")
            self._line.run(repair.statement.as_bytes(self._connection))
        return bool(needed) and recovery.judge(self._connection, step.node, "running") is Verdict.DONE

    def _uncertain(self, job: Job, step: Step) -> UncertainError:
        line = line_of(job.script, step.statement.start)
        return UncertainError(
            f"{job.script.path}:{line}: an earlier run was cut off at this statement, which runs outside a transaction, "
            f"and the database does not tell whether it was carried out.\n  statement: {' '.join(step.statement.text.split())[:200]}",
            path=job.script.path,
            line=line,
            sqlstate="",
            hint=f"Look, then say what you found: `ops migrate force {job.migration.version} --done`, or `--again` to run it once more.",
        )

    def _mark(self, job: Job, step: Step, state: str) -> None:
        """Marks a step, as the session's own user, whose role a statement before may have changed."""
        with self._connection.transaction():
            self._connection.execute("SET LOCAL ROLE NONE")
            self._connection.execute(marks.MARK, [job.migration.version, job.direction, step.position, step.checksum, state])

    def _started(self, job: Job) -> datetime | None:
        row = self._connection.execute(
            "SELECT min(started_at) FROM pgstack.step WHERE version = %s AND direction = %s", [job.migration.version, job.direction]
        ).fetchone()
        return row[0] if row else None
