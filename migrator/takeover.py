"""Makes both records of a database agree: the ledger, and the history of the format's own tool."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import psycopg

from migrator import ledger
from migrator.formats import FORMATS
from migrator.formats.base import Command
from migrator.link import broken
from migrator.model import Migration
from migrator.state import State


def take_over(connection: psycopg.Connection[Any], state: State) -> None:
    """Makes both records where they are missing, and tells each what only the other has. One transaction, one round trip."""
    needed = commands(state)
    if not needed:
        return
    try:
        with connection.pipeline():
            run(connection, (Command("BEGIN"), *needed, Command("COMMIT")))
    except psycopg.Error:
        if not broken(connection):
            connection.execute("ROLLBACK")
        raise


def run(connection: psycopg.Connection[Any], wanted: Iterable[Command]) -> None:
    """Runs commands, one after the other."""
    for sql, parameters in wanted:
        connection.execute(sql, parameters or None)


def commands(state: State) -> tuple[Command, ...]:
    """What `take_over` runs; nothing where both records are there and agree."""
    if not state.incomplete and not state.plan.adopted:
        return ()
    history = FORMATS[state.folder.format].history
    fill = not state.found.has_history(state.folder.format)
    adopted = {migration.order for migration in state.plan.adopted}
    return (
        *(Command(sql) for sql in (() if state.found.has_ledger else ledger.CREATE)),
        *(Command(sql) for sql in (history.create if fill else ())),
        Command(ledger.restrict(history.table)),
        *(() if state.found.has_ledger else (Command(ledger.CLOSE_SCHEMA),)),
        *(ledger.record(one, state.folder.format, by_us=False) for one in state.folder.migrations if one.order in adopted),
        *((ledger.kept_for(state.folder.format),) if fill and state.found.has_ledger else ()),
        *((history.record(one) for one in _applied(state)) if fill else ()),
    )


def _applied(state: State) -> Iterator[Migration]:
    """What is applied, in order. Of what has no file its row alone tells: it may be on its way out, in more than one round."""
    format_ = FORMATS[state.folder.format]
    files = {migration.order: migration for migration in state.folder.migrations}
    due = {migration.order for migration in state.plan.pending}
    for row in state.plan.applied:
        file = files.get(row.order)
        ran = file is not None and (not file.repeatable or file.checksum == row.checksum)
        if file is not None and ran and row.order not in due:
            yield file
        elif row.order not in files and not row.order[0] and format_.holds(row.version):
            yield ledger.stand_in(row)
