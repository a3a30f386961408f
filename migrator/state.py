"""What a database tells of its migrations, compared with the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import psycopg

from migrator import ledger, marks, session
from migrator.discovery import resolve
from migrator.errors import MigrationError, NotEmptyError
from migrator.explain import explained
from migrator.formats import FORMATS
from migrator.model import Folder
from migrator.plan import Plan, Records, compare, unfit
from migrator.session import Found


class State(NamedTuple):
    """A database and its files, compared.

    Attributes:
        folder: with the format that the files or the database's records name; without one where there are neither.
        plan: what is to be done.
        found: the records that there are.
        begun: versions that were begun outside a transaction, and have not ended.
    """

    folder: Folder
    plan: Plan
    found: Found
    begun: tuple[str, ...] = ()

    @property
    def incomplete(self) -> bool:
        """Whether one of the two records is yet to be made. There is none to be made where there are neither files nor records."""
        there = bool(self.folder.migrations or self.plan.applied)
        return there and not (self.found.has_ledger and self.found.has_history(self.folder.format))


def inspect(connection: psycopg.Connection[Any], folder: Folder, target: str | None = None) -> Plan:
    """Compares a folder with a database. Reads only.

    A database without a ledger, but with the history of the format's own tool, is compared with that history.

    Raises:
        FormatError: nothing tells which format the files have.
        DirtyError: the tool's history says that a migration failed.
        NotEmptyError: the database has tables, and neither ledger nor history.
        TargetError: there is no such version.
        MigrationError: the records cannot be read, or a table in their place is another tool's.
    """
    with explained(connection):
        return read(connection, folder, target, thorough=True).plan


def read(
    connection: psycopg.Connection[Any],
    folder: Folder,
    target: str | None = None,
    *,
    found: Found | None = None,
    thorough: bool = False,
) -> State:
    """Compares a folder with a database; raises as `inspect` does.

    Args:
        found: the records that there are, where somebody has looked just now.
        thorough: whether to look for what is not in the way of a run, but will be for the format's own tool.
    """
    found = found or session.look(connection)
    rows = ledger.rows(connection) if found.has_ledger else None
    folder = _with_format(folder, rows, found)
    if not folder.format:
        return State(folder, Plan(), found)
    found.require_room(folder.format)
    _require_current(connection, rows, folder.format, found)
    history = FORMATS[folder.format].history
    recorded = history.applied(connection, folder) if found.has_history(folder.format) else None
    if folder.migrations and rows is None and recorded is None and found.others:
        raise NotEmptyError(
            f"The database {connection.info.dbname} has tables ({', '.join(found.others)}), but no record of how they were made: "
            f"neither pgstack's ledger nor {folder.format}'s table {history.table}.",
            hint="Was it migrated by another tool? Then name that one's `format:` in the settings. Did these files make the tables, or "
            "others like them? Then `ops migrate baseline VERSION` records them as applied up to there. If they are of no use, drop them.",
        )
    records = Records(rows, recorded, history.keeps_each, history.literal)
    plan = compare(folder.migrations, records, history.checksums, target)
    begun = marks.begun(connection) if found.has_steps else ()
    if thorough and recorded:
        plan = replace(plan, unfit=unfit(folder.migrations, recorded, history.checksums))
    return State(folder, plan.with_begun(begun), found, begun)


def _require_current(connection: psycopg.Connection[Any], rows: Sequence[ledger.Row] | None, format_name: str, found: Found) -> None:
    """Raises MigrationError where a tool's history was left behind when the settings changed to another one's: it is out of date."""
    others = sorted({row.format for row in rows or ()} - {format_name})
    if others and found.has_history(format_name):
        table = FORMATS[format_name].history.table
        raise MigrationError(
            f"The ledger of {connection.info.dbname} goes with {' and '.join(others)}; the table public.{table} of {format_name} is from "
            "another time, and does not tell what was applied or undone since.",
            hint=f"Correct `format:` of the database in the settings; or, where the switch is meant, rename public.{table}: "
            "the new one is filled from the ledger.",
        )


def _with_format(folder: Folder, rows: Sequence[ledger.Row] | None, found: Found) -> Folder:
    """The folder, with the format that the database's own records name where its files leave it open."""
    if folder.format:
        return folder
    formats = {row.format for row in rows or ()} or set(found.formats)
    fitting = [name for name in folder.candidates or formats if name in formats]
    return resolve(folder, fitting[0] if len(fitting) == 1 else None)
