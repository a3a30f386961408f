"""Compares files with the ledger. Pure: no file is read and no database is asked here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migrator.errors import DriftError
from migrator.ledger import Row
from migrator.model import Migration


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what stands in the way.

    Attributes:
        pending: to be applied, in order.
        edited: applied, but their file is not what it was.
        missing: in the ledger, but without a file.
        late: not applied, though a later one was.
    """

    pending: tuple[Migration, ...]
    edited: tuple[Migration, ...]
    missing: tuple[Row, ...]
    late: tuple[Migration, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each thing in the way."""
        return (
            *(f"edited: {migration.up.path} is not the file that was applied" for migration in self.edited),
            *(f"missing: {row.title} was applied, its file is gone" for row in self.missing),
            *(f"late: {migration.up.path} is older than the newest that was applied" for migration in self.late),
        )

    def refuse_drift(self) -> None:
        """Raises DriftError where files and ledger tell different stories."""
        if not self.problems:
            return
        raise DriftError(
            "\n".join(["The migrations are not the ones that were applied; nothing was run.", *(f"  {line}" for line in self.problems)]),
            hint="Three ways out:\n"
            "  - bring the file back as it was (git shows it) and put the change into a new migration;\n"
            "  - give a late migration a version after the newest, so that it is run next;\n"
            "  - on a database that can be made anew, drop it and run `pulumi up` again.",
        )


def compare(files: Sequence[Migration], applied: Sequence[Row]) -> Plan:
    """What the files hold beyond the ledger, and where the two disagree. Both are in order of version."""
    rows = {row.order: row for row in applied}
    newest = max(rows, default=-1)
    known = {migration.order for migration in files}
    unapplied = [migration for migration in files if migration.order not in rows]
    return Plan(
        pending=tuple(migration for migration in unapplied if migration.order > newest),
        edited=tuple(m for m in files if m.order in rows and rows[m.order].checksum != m.checksum),
        missing=tuple(row for row in applied if row.order not in known),
        late=tuple(migration for migration in unapplied if migration.order < newest),
    )
