"""The SQL that a run would send, with a comment above each migration that says how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from migrator import ledger
from migrator.formats import FORMATS
from migrator.jobs import Job, downs, ups
from migrator.model import Folder
from migrator.notes import preview_notes
from migrator.state import State, read
from migrator.statements import split
from ops import screen

OUTSIDE = "outside a transaction: what was carried out before a failure stays, and the next run goes on from there"
INSIDE = "in a transaction of its own"


@dataclass(frozen=True)
class Planned:
    """What a run would do now.

    Attributes:
        notes: what to weigh before it runs.
        records: the tables in which each migration is recorded.
    """

    database: str
    records: tuple[str, ...]
    adopted: tuple[str, ...]
    jobs: tuple[Job, ...]
    notes: tuple[str, ...]

    @property
    def sql(self) -> str:
        """All of it as one text. It is to be read: run by hand, it would leave no record."""
        if not self.jobs:
            return "\n".join([*self._taken_over, f"-- Nothing to run on {self.database}."]) + "\n"
        head = [
            f"-- To be run on {self.database}: {screen.counted(len(self.jobs), 'migration')}.",
            f"-- Each is recorded in {' and '.join(self.records)}, in the transaction in which it ends.",
            *self._taken_over,
            *(f"-- note: {note}" for note in self.notes),
        ]
        return "\n".join(head) + "\n" + "".join(self._section(number, job) for number, job in enumerate(self.jobs, start=1))

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "database": self.database,
            "taken_over": list(self.adopted),
            "migrations": [
                {
                    "version": job.migration.version,
                    "name": job.migration.name,
                    "direction": job.direction,
                    "transactional": split(job.script).transactional,
                    "file": job.script.path,
                    "sql": job.script.text,
                }
                for job in self.jobs
            ],
            "notes": list(self.notes),
        }

    @property
    def _taken_over(self) -> list[str]:
        return [f"-- Applied by another tool, recorded and not run: {title}" for title in self.adopted]

    def _section(self, number: int, job: Job) -> str:
        verb = "apply" if job.direction == "up" else "undo"
        how = INSIDE if split(job.script).transactional else OUTSIDE
        head = f"-- {number} of {len(self.jobs)}: {verb} {job.migration.title} ({job.script.path}),\n-- {how}"
        return f"\n{head}\n{job.script.text.strip()}\n"


def look(connection: psycopg.Connection[Any], folder: Folder, target: str | None) -> Planned:
    """What `up` to a target would run; what `down` would, where the target is below what is applied. Reads only.

    Raises:
        DriftError: a run would refuse.
        MigrationFailed: a run would refuse a statement.
        TargetError: there is no such version, or a migration above it has nothing that undoes it.
    """
    state = read(connection, folder, target)
    jobs = jobs_of(connection, state)
    notes = preview_notes(state.plan.pending) if state.plan.applied else ()
    adopted = tuple(migration.title for migration in state.plan.adopted)
    return Planned(connection.info.dbname, _records(state), adopted, jobs, notes)


def _records(state: State) -> tuple[str, ...]:
    own = f"{ledger.SCHEMA}.{ledger.TABLE}"
    return (own, f"public.{FORMATS[state.folder.format].history.table}") if state.folder.format else (own,)


def jobs_of(connection: psycopg.Connection[Any], state: State) -> tuple[Job, ...]:
    """What a run would do in this state of a database; raises as `look` does."""
    state.plan.refuse_drift()
    if not state.folder.format:
        return ()
    plan = state.plan

    def recorded(version: str) -> str | None:
        return ledger.down_sql(connection, version) if state.found.has_ledger else None

    return (*downs(state.folder, plan.undo, plan.applied, recorded), *ups(state.folder, plan.pending))
