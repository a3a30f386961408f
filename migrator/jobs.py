"""What is to be run: the SQL of a migration in one direction, and what both records are told in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from migrator import ledger
from migrator.errors import TargetError
from migrator.events import Direction
from migrator.formats import FORMATS
from migrator.formats.base import Command, Format
from migrator.formats.pattern import Pattern
from migrator.ledger import Row, stand_in
from migrator.model import Folder, Migration, Script
from migrator.statements import refusal


class Job(NamedTuple):
    """One migration, up or down.

    Attributes:
        records: what to tell ledger and history once it is done; it is given the time of the beginning where that is not the
            transaction's own.
    """

    migration: Migration
    direction: Direction
    script: Script
    records: Callable[[datetime | None], tuple[Command, ...]]

    def outside(self) -> Job:
        """The same job outside a transaction: one that was begun so has to be ended so, even if its file was edited meanwhile."""
        return self._replace(script=self.script._replace(transactional=False))


def ups(folder: Folder, migrations: Sequence[Migration]) -> tuple[Job, ...]:
    """Jobs that apply migrations of a folder.

    Raises:
        MigrationFailed: one of them has a placeholder, which the format's own tool would replace, and nobody here.
    """
    format_ = FORMATS[folder.format]
    history = format_.history
    if format_.placeholder:
        for migration in migrations:
            _refuse_placeholder(migration.up, format_.placeholder, format_.tool)

    def job(migration: Migration) -> Job:
        def records(started: datetime | None) -> tuple[Command, ...]:
            return (ledger.record(migration, folder.format, started), history.record(migration, started))

        return Job(migration, "up", migration.up, records)

    return tuple(job(migration) for migration in migrations)


def _refuse_placeholder(script: Script, pattern: Pattern, tool: str) -> None:
    found = pattern.search(script.text)
    if found:
        raise refusal(
            script,
            found.start(),
            f"{found[0]} is something that {tool} replaces before it runs the file; here nothing is replaced.",
            hint="Write out what it stands for.",
        )


def downs(folder: Folder, rows: Sequence[Row], applied: Sequence[Row], recorded: Callable[[str], str | None]) -> tuple[Job, ...]:
    """Jobs that undo migrations, in the order given.

    Args:
        applied: all that are applied, in order; those to be undone among them.
        recorded: the ledger's SQL that undoes a version, for one whose file is gone or was edited.

    Raises:
        TargetError: one of them has nothing that undoes it.
    """
    format_ = FORMATS[folder.format]
    files = {migration.order: migration for migration in folder.migrations}
    held = [row for row in applied if not row.order[0] and format_.holds(row.version)]
    before = dict(zip((row.order for row in held[1:]), held, strict=False))

    def job(row: Row) -> Job:
        migration = _undoable(row, files.get(row.order), recorded)

        def records(_started: datetime | None) -> tuple[Command, ...]:
            return (ledger.forget(row.version), *forgotten(format_, row, before.get(row.order)))

        assert migration.down is not None  # noqa: S101  _undoable has seen to it
        return Job(migration, "down", migration.down, records)

    return tuple(job(row) for row in rows)


def forgotten(format_: Format, row: Row, previous: Row | None) -> tuple[Command, ...]:
    """Takes a row out of a tool's history, if that can hold such a version at all; `previous` is the one before it there."""
    if not format_.holds(row.version):
        return ()
    return (format_.history.forget(stand_in(row), stand_in(previous) if previous else None),)


def _undoable(row: Row, file: Migration | None, recorded: Callable[[str], str | None]) -> Migration:
    """The migration of a row with what undoes it: the file's word where it is the file that was applied, else the ledger's."""
    if file and file.down and file.checksum == row.checksum:
        return Migration(row.version, file.name, file.up, file.down)
    text = recorded(row.version)
    if text is None:
        raise TargetError(
            f"{row.title} cannot be undone: it has no down migration, neither in its file nor in the ledger. Nothing was run.",
            hint="Write one, or put what undoes it into a new migration.",
        )
    down = Script.of(f"the ledger's down SQL of {row.title}", text.encode())
    return Migration(row.version, row.name, file.up if file else down, down)
