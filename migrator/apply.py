"""Brings a database where its files want it: what is pending is applied, what is too much undone, under one lock."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from threading import Thread
from typing import TYPE_CHECKING, Any

import psycopg

from migrator import ledger, session
from migrator.errors import Interrupted, MigrationError, MigrationFailed, SessionLost, TargetError
from migrator.events import Listener
from migrator.explain import explained
from migrator.link import Link, where
from migrator.model import Folder, Migration
from migrator.plan import Plan
from migrator.session import Found, Settings
from migrator.state import State, inspect, read
from migrator.takeover import take_over
from migrator.wire import FIRST_SILENCE
from postgres.errors import ConnectionFailed

if TYPE_CHECKING:
    from migrator.jobs import Job

__all__ = ["inspect", "migrate"]

LOSSES = 2
"""Times that a session may break at one migration; after that the migration itself is suspected."""


def migrate(
    connection: psycopg.Connection[Any],
    folder: Folder,
    listener: Listener | None = None,
    settings: Settings | None = None,
    *,
    target: str | None = None,
    allow_rollback: bool = False,
) -> tuple[Migration, ...]:
    """Applies every pending migration of a folder, or undoes those above a target; returns them in the order of that.

    Makes the ledger where there is none, and takes over what the format's own tool applied before. Each migration is
    committed together with its rows in both records. A session that breaks is opened again: the ledger tells what was committed.

    Args:
        connection: a session of the database's owner, in autocommit mode. It is closed if it breaks.
        target: the version to go to; None for the newest.
        allow_rollback: whether migrations above the target may be undone.

    Raises:
        FormatError, DirtyError, NotEmptyError, DriftError, TargetError: nothing was run.
        PoolerError, ReadOnlyError: nothing was run; migrations need another address.
        MigrationFailed: names file, line and SQLSTATE; earlier migrations stay applied.
        Interrupted: by Ctrl-C; earlier migrations stay applied.
        LockTimeout: another migrator is at work.
        ConnectionFailed: the session was lost, and the server did not come back.
        MigrationError: the records cannot be read or written; says what is missing.
    """
    run = _Run(connection, folder, listener or Listener(), settings or Settings(), target, allow_rollback=allow_rollback)
    return run.to_the_end()


class _Run:
    """One call of `migrate`, over as many sessions as it takes."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        folder: Folder,
        listener: Listener,
        settings: Settings,
        target: str | None,
        *,
        allow_rollback: bool,
    ) -> None:
        self._link = Link(connection, listener, min(FIRST_SILENCE, settings.lock_timeout / 2))
        self._folder = folder
        self._listener = listener
        self._settings = settings
        self._target = target
        self._allow_rollback = allow_rollback
        self._planned = 0
        self._careful = False
        self._done: list[Migration] = []
        self._unheard: list[Job] = []
        self._at: Migration | None = None

    def to_the_end(self) -> tuple[Migration, ...]:
        losses: Counter[str] = Counter()
        try:
            while True:
                try:
                    with self._link.watched(), explained(self._link.connection):
                        self._once(self._link.connection)
                except SessionLost as error:
                    version = self._at.version if self._at else ""
                    losses[version] += 1
                    if losses[version] > LOSSES:
                        self._link.abandon()
                        raise self._suspicion(error) from None
                    self._careful = losses.total() > 1
                    self._link.reopen(str(error.args[0]))
                else:
                    return tuple(self._done)
        finally:
            self._link.close()

    def _once(self, connection: psycopg.Connection[Any]) -> None:
        self._at = None
        if not self._folder.format:
            self._folder = read(connection, self._folder, self._target).folder
        locks = session.Locks(connection, self._folder.format, self._settings, self._listener)
        self._link.end_lost()
        with locks.entered() as (pid, found):
            self._link.identify(pid)
            outside = self._round(connection, found)
            while outside is not None:
                with locks.open_to_tool():
                    self._execute(connection, [outside])
                outside = self._round(connection)

    def _round(self, connection: psycopg.Connection[Any], found: Found | None = None) -> Job | None:
        """Looks at the records and does what they ask for, up to the first migration that goes outside a transaction; returns that.

        It is run while the format's own tool may have its lock: a tool that waits for it inside the server would be waited for by
        that migration.
        """
        state = read(connection, self._folder, self._target, found=found)
        state.plan.refuse_drift()
        self._refuse_rollback(state.plan)
        self._recount(state.plan)
        if not state.folder.format:
            return None
        undoing = self._undoing(connection, state)
        with _parser_on_its_way(wanted=bool(state.plan.pending)):
            take_over(connection, state)
        return self._run(connection, state, undoing)

    def _recount(self, plan: Plan) -> None:
        """Counts what a lost session committed: it may be more than anybody heard of, and less if the server crashed."""
        left = {migration.order for migration in plan.pending} | {row.order for row in plan.undo}
        unheard = [job for job in self._unheard if job.migration.order not in left]
        self._unheard = []
        self._done = [migration for migration in self._done if migration.order not in left]
        for job in unheard:
            self._done.append(job.migration)
            self._listener.ran(job.migration, job.direction, 0.0)

    def _refuse_rollback(self, plan: Plan) -> None:
        if plan.undo and not self._allow_rollback:
            raise TargetError(
                f"The target version {self._target} is below what is applied: {', '.join(row.title for row in plan.undo)} would be undone. "
                "Nothing was run.",
                hint="Set allowRollback (or use `ops migrate down`) if that is meant: what they hold is lost.",
            )

    def _undoing(self, connection: psycopg.Connection[Any], state: State) -> Sequence[Job]:
        """What undoes that is to be undone. Where something has nothing that undoes it, that is told before anything is written."""
        if not state.plan.undo:
            return ()
        from migrator.jobs import downs  # noqa: PLC0415  who goes up need not wait for it here

        recorded = partial(ledger.down_sql, connection) if state.found.has_ledger else lambda _version: None
        return downs(state.folder, state.plan.undo, state.plan.applied, recorded)

    def _run(self, connection: psycopg.Connection[Any], state: State, undoing: Sequence[Job]) -> Job | None:
        """Runs what is to be run, up to the first that goes outside a transaction; returns that."""
        folder, plan = state.folder, state.plan
        if not plan.pending and not plan.undo:
            return None
        from migrator.jobs import ups  # noqa: PLC0415  who has nothing to apply need not wait for all that
        from migrator.statements import check, outside  # noqa: PLC0415

        jobs = [*undoing, *ups(folder, plan.pending)]
        jobs = [job.outside() if job.migration.version in state.begun else job for job in jobs]
        for job in jobs:
            check(job.script)
        if not self._planned:
            self._planned = len(jobs)
            self._listener.planned(len(jobs))
        count = next((number for number, job in enumerate(jobs) if outside(job.script)), len(jobs))
        self._execute(connection, jobs[:count])
        return jobs[count] if count < len(jobs) else None

    def _execute(self, connection: psycopg.Connection[Any], jobs: Sequence[Job]) -> None:
        if not jobs:
            return
        from migrator.execute import Executor  # noqa: PLC0415  who has nothing to apply need not wait for it

        self._at = jobs[0].migration
        executor = Executor(connection, self._settings, self._listener, self._link.watch, careful=self._careful)
        try:
            try:
                executor.run(jobs, earlier=self._done, planned=self._planned)
            finally:
                self._done += [job.migration for job in executor.committed]
                self._unheard = [*jobs[len(executor.committed) :]]
                self._at = self._unheard[0].migration if self._unheard else None
        except KeyboardInterrupt:
            raise self._interruption(connection, jobs) from None

    def _interruption(self, connection: psycopg.Connection[Any], jobs: Sequence[Job]) -> Interrupted:
        from migrator.statements import outside  # noqa: PLC0415  likewise

        with contextlib.suppress(psycopg.Error, MigrationError):  # then it is what was heard of that counts
            self._recount(read(connection, self._folder, self._target).plan)
        left = next((job for job in jobs if job.migration not in self._done), None)
        if left is None:
            at = "the end"
        elif outside(left.script):
            at = f"{left.migration.title}, which runs outside a transaction, so that the next run has to see how far it came"
        else:
            at = f"{left.migration.title}, which was rolled back"
        return Interrupted(
            f"Interrupted at {at}; {len(self._done)} of {self._planned} were committed and stay.",
            hint="Run the command again: it goes on from here.",
        )

    def _suspicion(self, error: Exception) -> MigrationFailed | ConnectionFailed:
        """The session broke again and again at one place."""
        broke = f"the session broke {LOSSES + 1} times"
        said = " ".join(str(error.args[0]).split())
        if self._at is None:
            return ConnectionFailed(
                f"{where(self._link.connection)}: {broke} before a migration could be run: {said}",
                hint="The server's log tells why, or that of what is between. What was committed stays: the next run goes on from there.",
            )
        failed = MigrationFailed(
            f"{self._at.up.path}: {broke} at this migration: {said}\n"
            f"{len(self._done)} before it were committed and stay; whether this one was, the next run sees in the ledger.",
            path=self._at.up.path,
            line=1,
            sqlstate="",
            applied=tuple(migration.version for migration in self._done),
            hint="The server's log tells why it ended the session: out of memory, a crash of an extension, or somebody's command.",
        )
        failed.outcome = "Whether the migration was committed, the next run sees in the ledger"
        return failed


@contextlib.contextmanager
def _parser_on_its_way(*, wanted: bool) -> Iterator[None]:
    """Imports the parser while the server is asked for something, which may be far away."""
    if not wanted:
        yield
        return
    from migrator import grammar  # noqa: PLC0415  who has nothing to apply need not wait for it

    thread = Thread(target=grammar.load)
    thread.start()
    yield
    thread.join()
