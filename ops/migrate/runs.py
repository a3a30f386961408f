"""`up`, `down` and `redo`: what is to be run, running it, and what is said of it afterwards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from migrator.apply import migrate
from migrator.errors import DriftError, TargetError
from migrator.jobs import Job
from migrator.ledger import Row
from migrator.model import Folder
from migrator.plan import Plan
from migrator.session import Settings
from migrator.state import read
from ops import screen
from ops.migrate.listeners import Ran, listener
from ops.migrate.planned import jobs_of

NOTHING = "0"
"""The target below every version."""


@dataclass(frozen=True)
class Newest:
    """The newest migration that is applied.

    Attributes:
        below: the version before it.
        has_file: whether it can be applied again.
    """

    row: Row
    below: str
    has_file: bool


@dataclass(frozen=True)
class Outcome:
    """What a command did to a database.

    Attributes:
        ran: in order.
        adopted: versions that the format's own tool had applied, and that are in the ledger now.
        version: the newest that is applied now; empty where none is.
        seconds: that it took.
    """

    database: str
    ran: tuple[Ran, ...]
    adopted: tuple[str, ...]
    version: str
    seconds: float

    @property
    def summary(self) -> str:
        """The line below everything."""
        counts = [
            f"{count} {verb}"
            for verb, count in (
                ("taken over", len(self.adopted)),
                ("undone", sum(ran.direction == "down" for ran in self.ran)),
                ("applied", sum(ran.direction == "up" for ran in self.ran)),
            )
            if count
        ]
        at = f"{self.database} is at {self.version}" if self.version else f"{self.database} has no migration applied"
        return f"{', '.join(counts)} in {screen.duration(self.seconds)}; {at}." if counts else f"Nothing to do: {at}."

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "database": self.database,
            "version": self.version or None,
            "taken_over": list(self.adopted),
            "ran": [
                {"version": ran.migration.version, "name": ran.migration.name, "direction": ran.direction, "seconds": round(ran.seconds, 6)}
                for ran in self.ran
            ],
            "seconds": round(self.seconds, 6),
        }


class Runner:
    """Runs migrations of a folder on one session, and shows it.

    Args:
        connection: of the database's owner, in autocommit mode.
        as_json: whether a program reads the output.
    """

    def __init__(self, connection: psycopg.Connection[Any], folder: Folder, settings: Settings, *, as_json: bool) -> None:
        self._connection = connection
        self._database = connection.info.dbname  # which a session that was lost and opened again does not tell any more
        self._folder = folder
        self._settings = settings
        self._as_json = as_json

    def up(self, target: str | None) -> Outcome:
        """Applies what is pending up to a version; None is the newest. Raises as `migrator.apply.migrate` does."""
        plan = read(self._connection, self._folder, target).plan
        started = time.monotonic()
        ran = self._migrate(target, allow_rollback=False, expected=None)
        adopted = tuple(migration.version for migration in plan.adopted)
        versions = [row.version for row in _versioned(plan)] + [one.migration.version for one in ran if not one.migration.repeatable]
        return self._outcome(ran, versions[-1] if versions else "", started, adopted)

    def down(self, to: str | None, *, yes: bool) -> Outcome:
        """Undoes the newest migration, or all above a version, after asking.

        Raises:
            TargetError: there is nothing to undo, no such version, or one of them has nothing that undoes it.
            DriftError: files and records tell different stories.
            Declined: the answer was no.
        """
        target = to if to is not None else self._newest().below
        jobs = self._undoing(target)
        if not jobs:
            raise TargetError(f"Nothing is applied above {target}, so there is nothing to undo.")
        titles = [f"  {job.migration.title}" for job in jobs]
        screen.complain("\n".join([f"To be undone on {self._database}, newest first:", *titles]))
        screen.confirm("The data in what they made is lost. Go on?", yes=yes)
        started = time.monotonic()
        ran = self._migrate(target, allow_rollback=True, expected=len(jobs))
        return self._outcome(ran, "" if target == NOTHING else target, started)

    def redo(self, *, yes: bool) -> Outcome:
        """Undoes the newest migration and applies it again, from its file as it is now, after asking.

        Raises:
            TargetError: nothing is applied, or there is nothing that undoes it.
            DriftError: its file is gone, or files and records tell different stories.
            Declined: the answer was no.
        """
        newest = self._newest()
        if not newest.has_file:
            raise DriftError(
                f"{newest.row.title} cannot be applied again: its file is gone.", hint="`ops migrate down` undoes it for good."
            )
        self._undoing(newest.below)
        screen.complain(f"{newest.row.title} is undone and applied again on {self._database}.")
        screen.confirm("The data in what it made is lost. Go on?", yes=yes)
        started = time.monotonic()
        undone = self._migrate(newest.below, allow_rollback=True, expected=1)
        again = self._migrate(newest.row.version, allow_rollback=False, expected=None)
        return self._outcome([*undone, *again], newest.row.version, started)

    def _undoing(self, target: str) -> tuple[Job, ...]:
        """What going down to a version takes, newest first. Whatever stands in the way is told before anybody is asked."""
        jobs = jobs_of(self._connection, read(self._connection, self._folder, target))
        return tuple(job for job in jobs if job.direction == "down")

    def _newest(self) -> Newest:
        """The newest migration that is applied.

        Raises:
            TargetError: none is.
        """
        plan = read(self._connection, self._folder).plan
        applied = _versioned(plan)
        if not applied:
            raise TargetError(f"No migration is applied to {self._database}.")
        below = applied[-2].version if len(applied) > 1 else NOTHING
        return Newest(applied[-1], below, has_file=applied[-1] not in plan.missing)

    def _migrate(self, target: str | None, *, allow_rollback: bool, expected: int | None) -> list[Ran]:
        with listener(as_json=self._as_json, expected=expected) as tally:
            migrate(self._connection, self._folder, tally, self._settings, target=target, allow_rollback=allow_rollback)
        return tally.ran_so_far

    def _outcome(self, ran: Sequence[Ran], version: str, started: float, adopted: tuple[str, ...] = ()) -> Outcome:
        return Outcome(self._database, tuple(ran), adopted, version, time.monotonic() - started)


def _versioned(plan: Plan) -> list[Row]:
    """What is applied and has a version of its own, in order."""
    return [row for row in plan.applied if not row.order[0]]
