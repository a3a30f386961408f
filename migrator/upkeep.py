"""What a person does to the records by hand: baseline, repair, force. The schema itself is never touched here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from migrator import ledger, marks
from migrator.discovery import resolve
from migrator.errors import MigrationError, TargetError
from migrator.events import Listener
from migrator.explain import explained
from migrator.formats import FORMATS
from migrator.formats.base import Command, Format
from migrator.jobs import forgotten
from migrator.ledger import Row
from migrator.model import Folder, Migration, order_of
from migrator.plan import Plan
from migrator.session import Found, Locks, Settings
from migrator.state import State, read
from migrator.takeover import commands, run

Change = tuple[str, tuple[Command, ...]]
"""What is changed, in words, and the commands that do it."""


def baseline(connection: psycopg.Connection[Any], folder: Folder, version: str) -> tuple[Migration, ...]:
    """Records every migration up to a version as applied, on a database that has its tables, but no record; returns them.

    Runs none of them. Repeatable migrations are left pending.

    Raises:
        MigrationError: there is a record already.
        TargetError: there is no such version.
        FormatError: nothing tells which format the files have.
    """
    folder = resolve(folder, folder.format or None)
    with _alone(connection, folder.format) as found:
        if found.has_ledger:
            raise MigrationError(
                f"The database {connection.info.dbname} has a record of its migrations already.",
                hint="`ops migrate status` shows it, `ops migrate repair` makes it fit the files.",
            )
        chosen = _up_to(folder, version)
        found.require_room(folder.format)
        with connection.transaction():
            run(connection, commands(State(folder, Plan(), found)))
            history = FORMATS[folder.format].history
            recorded = {order_of(entry.version) for entry in history.applied(connection, folder)}
            run(connection, (ledger.record(migration, folder.format, by_us=False) for migration in chosen))
            run(connection, (history.record(migration) for migration in chosen if migration.order not in recorded))
    return chosen


def repair(connection: psycopg.Connection[Any], folder: Folder, *, dry_run: bool = False) -> tuple[str, ...]:
    """Makes both records fit the files, where the database is right and they are not; returns what was changed, in words.

    An edited migration counts as applied the way it is now, one without a file is forgotten, and so is one that another tool has
    undone; of one that was cut off outside a transaction and is not gone on with, the marks are. A late one is no matter of the
    records: it has to be given a later version.

    Args:
        dry_run: whether to change nothing, and only say what would be.
    """
    if not folder.format:
        with explained(connection):
            folder = read(connection, folder).folder
    with _alone(connection, folder.format) as found:
        state = read(connection, folder, found=found, thorough=True)
        changes = list(_changes(connection, state)) if state.folder.format else []
        if changes and not dry_run:
            with connection.transaction():
                run(connection, (*commands(state), *(command for _, mending in changes for command in mending)))
        return tuple(what for what, _ in changes)


def force(connection: psycopg.Connection[Any], version: str, *, done: bool) -> None:
    """Says what became of the statement at which a migration outside a transaction was cut off.

    Args:
        done: whether it was carried out; otherwise the next run runs it again.

    Raises:
        TargetError: no migration of this version was cut off so.
    """
    with _alone(connection) as found:
        begun = marks.begun(connection) if found.has_steps else ()
        if version not in begun or not marks.settle(connection, version, done=done):
            cut = f"These were: {', '.join(begun)}." if begun else "None was."
            raise TargetError(f"The migration {version} was not cut off at a statement that nobody knows the end of. {cut}")


@contextmanager
def _alone(connection: psycopg.Connection[Any], format_name: str = "") -> Iterator[Found]:
    """Lets neither another migrator nor the format's own tool into the database, and yields the records that there are.

    Says what is missing where the server refuses something.
    """
    with explained(connection), Locks(connection, format_name, Settings(), Listener()).entered() as (_, found):
        yield found


def _up_to(folder: Folder, version: str) -> tuple[Migration, ...]:
    versioned = [migration for migration in folder.migrations if not migration.repeatable]
    if order_of(version) not in {migration.order for migration in versioned}:
        raise TargetError(
            f"There is no migration of the version {version} in {folder.path}.",
            hint=f"They go from {versioned[0].version} to {versioned[-1].version}." if versioned else "",
        )
    return tuple(migration for migration in versioned if migration.order <= order_of(version))


def _changes(connection: psycopg.Connection[Any], state: State) -> Iterator[Change]:
    """What does not fit, and how it is made to."""
    format_, plan = FORMATS[state.folder.format], state.plan
    own = {row.order: row for row in ledger.rows(connection)} if state.found.has_ledger else {}
    undone = {row.order for row in plan.undone}
    for migration in plan.edited:
        if migration.order not in undone:
            row = own.get(migration.order)
            record = ledger.mend(migration, row.version) if row else ledger.record(migration, format_.name, by_us=False)
            yield f"{migration.title}: recorded as applied the way its file is now", (record, *_mended(format_, migration))
    for row in plan.missing:
        yield f"{row.title}: forgotten, since its file is gone", (ledger.forget(row.version), *_forgotten(format_, row, plan))
    for row in plan.undone:
        if row not in plan.missing:
            what = f"{row.title}: forgotten, since another tool has undone it"
            yield what, (ledger.forget(row.version), *_forgotten(format_, row, plan))
    for migration in plan.unfit:
        yield f"{migration.title}: {format_.tool}'s checksum is that of the file with its line ends now", _mended(format_, migration)
    for version in plan.begun:
        yield f"{version}: no longer taken for begun; what it did outside a transaction stays", (marks.forget(version),)


def _mended(format_: Format, migration: Migration) -> tuple[Command, ...]:
    command = format_.history.mend(migration)
    return (command,) if command else ()


def _forgotten(format_: Format, row: Row, plan: Plan) -> tuple[Command, ...]:
    """Takes a row out of a tool's history.

    Where that keeps the newest version alone, it goes back to the newest that stays. It does so even if the tool undid the row
    itself: the version before that, to which it went, may be of a file that was never applied.
    """
    gone = {*plan.missing, *plan.undone}
    stay = [known for known in plan.applied if not known.order[0] and format_.holds(known.version) and known not in gone]
    below = [known for known in stay if known.order < row.order]
    if (row in plan.undone) if format_.history.keeps_each else (len(below) < len(stay)):
        return ()
    return forgotten(format_, row, below[-1] if below else None)
