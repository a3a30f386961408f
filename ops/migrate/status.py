"""The state of every migration: files, ledger and the tool's history side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import psycopg

from migrator import marks
from migrator.errors import MigrationFailed
from migrator.ledger import Row
from migrator.model import Folder, Migration, Order, order_of
from migrator.plan import WAYS_OUT, Plan
from migrator.state import State, read
from migrator.statements import split
from ops import screen

Condition = Literal[
    "applied", "taken over", "pending", "held back", "to undo", "interrupted", "edited", "missing", "late", "undone"
]  # fmt: skip
"""applied: by us. taken over: recorded as applied, but not run by us. held back: above the target version. to undo: applied, and
above it. interrupted: cut off outside a transaction. edited: its file is not what was applied. missing: applied, without a file.
late: not applied, though a later one is. undone: by another tool."""

IN_ORDER: Mapping[Condition, str] = {
    "applied": "green",
    "taken over": "green",
    "pending": "yellow",
    "to undo": "yellow",
    "held back": "dim",
}
"""States that nobody has to be told about, and their colours; all others are red."""

SETTLED: Collection[Condition] = {"applied", "taken over", "held back"}
"""States in which nothing is left to be done."""

HEADS = ("version", "name", "state", "applied at (UTC)", "by", "took")
FOLDED = ("name", "by")
"""What the table shows, and what of it may take several lines."""


class Record(NamedTuple):
    """What the ledger tells of one migration, beyond what a plan needs."""

    applied_at: datetime
    applied_by: str
    duration: timedelta | None


@dataclass(frozen=True)
class Line:
    """One migration.

    Attributes:
        seconds: that it took; None where it was not run by us.
        transactional: whether it will run in a transaction; None where that is no question any more, or cannot be said.
        path: of its up file; None where there is none.
    """

    version: str
    name: str
    state: Condition
    applied_at: datetime | None = None
    applied_by: str | None = None
    seconds: float | None = None
    transactional: bool | None = None
    path: str | None = None

    @property
    def cells(self) -> tuple[screen.Cell, ...]:
        """As the table shows it."""
        at = self.applied_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M") if self.applied_at else ""
        took = screen.duration(self.seconds) if self.seconds is not None else ""
        state = f"{self.state}, outside a transaction" if self.transactional is False else self.state
        return (self.version, self.name, (state, IN_ORDER.get(self.state, "red")), at, self.applied_by or "", took)

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "version": self.version,
            "name": self.name,
            "state": self.state,
            "applied_at": self.applied_at.astimezone(UTC).isoformat() if self.applied_at else None,
            "applied_by": self.applied_by,
            "seconds": self.seconds,
            "transactional": self.transactional,
            "file": self.path,
        }


@dataclass(frozen=True)
class Report:
    """All migrations of one database.

    Attributes:
        problems: why `up` would refuse to run, a line each.
        warnings: what is not in its way.
    """

    database: str
    format: str
    path: str
    lines: tuple[Line, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def is_settled(self) -> bool:
        """Whether nothing is pending, to be undone, cut off, or other than it should be."""
        return all(line.state in SETTLED for line in self.lines)

    @property
    def title(self) -> str:
        """The line above the table."""
        return f"{self.database}: {self.path}" + (f" ({self.format})" if self.format else "")

    @property
    def footer(self) -> str:
        """The lines below the table."""
        counts = Counter(line.state for line in self.lines)
        told = ", ".join(f"{count} {state}" for state, count in counts.items())
        lines = [f"{screen.counted(len(self.lines), 'migration')}: {told}." if counts else "There are no migrations."]
        lines += [f"problem: {problem}" for problem in self.problems]
        lines += [WAYS_OUT] if self.problems else []
        return "\n".join([*lines, *(f"warning: {warning}" for warning in self.warnings)])

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "database": self.database,
            "format": self.format,
            "folder": self.path,
            "settled": self.is_settled,
            "migrations": [line.facts for line in self.lines],
            "problems": list(self.problems),
            "warnings": list(self.warnings),
        }


def look(connection: psycopg.Connection[Any], folder: Folder, target: str | None = None) -> Report:
    """Compares a folder with a database. Reads only; raises as `migrator.state.inspect` does."""
    state = read(connection, folder, target, thorough=True)
    records = _records(connection) if state.found.has_ledger else {}
    begun = {order_of(version) for version in marks.begun(connection)} if state.found.has_steps else set()
    conditions = _conditions(state.plan, records, begun)
    transactions, refusals = _transactions(state.plan.pending)
    files = {migration.order: migration for migration in state.folder.migrations}
    known: dict[Order, Row | Migration] = {row.order: row for row in (*state.plan.undone, *state.plan.applied)}
    lines = (
        _line(entry, files.get(order), conditions.get(order, "held back"), records.get(order), transactions.get(order))
        for order, entry in sorted({**known, **files}.items())
    )
    return _report(connection, state, tuple(lines), refusals)


def _report(connection: psycopg.Connection[Any], state: State, lines: tuple[Line, ...], refusals: tuple[str, ...]) -> Report:
    plan = state.plan
    return Report(
        connection.info.dbname, state.folder.format, state.folder.path, lines, plan.problems, (*plan.warnings, *refusals)
    )  # fmt: skip


def _line(entry: Row | Migration, file: Migration | None, state: Condition, record: Record | None, transactional: bool | None) -> Line:
    line = Line(entry.version, entry.name, state, transactional=transactional, path=file.up.path if file else None)
    if record is None:
        return line
    seconds = record.duration.total_seconds() if record.duration is not None else None
    return replace(line, applied_at=record.applied_at, applied_by=record.applied_by, seconds=seconds)


def _records(connection: psycopg.Connection[Any]) -> dict[Order, Record]:
    rows = connection.execute("SELECT version, applied_at, applied_by, duration FROM pgstack.migration").fetchall()
    return {order_of(version): Record(*rest) for version, *rest in rows}


def _conditions(plan: Plan, records: Mapping[Order, Record], begun: Iterable[Order]) -> dict[Order, Condition]:
    """The state of each migration that has one; of several that fit, the one that is to be seen to first."""
    found: dict[Order, Condition] = {}
    for row in plan.applied:
        record = records.get(row.order)
        found[row.order] = "applied" if record and record.duration is not None else "taken over"
    found |= dict.fromkeys((row.order for row in plan.undo), "to undo")
    found |= dict.fromkeys((migration.order for migration in plan.pending), "pending")
    found |= dict.fromkeys((migration.order for migration in plan.edited), "edited")
    found |= dict.fromkeys((row.order for row in plan.missing), "missing")
    found |= dict.fromkeys((migration.order for migration in plan.late), "late")
    found |= dict.fromkeys((row.order for row in plan.undone), "undone")
    found |= dict.fromkeys(begun, "interrupted")
    return found


def _transactions(pending: Iterable[Migration]) -> tuple[dict[Order, bool], tuple[str, ...]]:
    """Which migrations run in a transaction, and what the migrator refuses of the others."""
    found: dict[Order, bool] = {}
    refusals = []
    for migration in pending:
        try:
            found[migration.order] = split(migration.up).transactional
        except MigrationFailed as failed:
            refusals.append(str(failed))
    return found, tuple(refusals)


def show(reports: Iterable[Report]) -> None:
    """Prints reports as tables."""
    for number, report in enumerate(reports):
        screen.say(f"\n{report.title}" if number else report.title)
        _show(report)


def _show(report: Report) -> None:
    if report.lines:
        screen.print_table(HEADS, [line.cells for line in report.lines], folded=FOLDED)
    screen.say(report.footer)
