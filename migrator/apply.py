"""Applies what is pending, a transaction each, under one lock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from migrator import ledger, statements
from migrator.errors import MigrationFailed, NotEmptyError
from migrator.formats import FORMATS
from migrator.formats.base import Format, History
from migrator.model import Folder, Migration, Script
from migrator.plan import Plan, compare
from postgres.locks import advisory_lock, key_of

LOCK_KEY = key_of("pgstack migrations")
LOCK_TIMEOUT = 300.0
"""Seconds to wait for another migrator of the same database."""

LONGEST_EXCERPT = 200
"""Characters of a failed statement that a message shows."""

Progress = Callable[[Migration, float], None]
"""Called after each migration with the seconds it took."""

_SESSION = "RESET ROLE; RESET ALL; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0"
"""Run before each migration and its history rows: what one file sets must not reach the next."""


def inspect(connection: psycopg.Connection[Any], folder: Folder) -> Plan:
    """Compares a folder with a database. Reads only.

    A database without a ledger, but with the history of the format's own tool, is compared with that history.

    Raises:
        NotEmptyError: the database has tables, and neither ledger nor history.
    """
    return compare(folder.migrations, _applied(connection, folder))


def migrate(connection: psycopg.Connection[Any], folder: Folder, progress: Progress | None = None) -> tuple[Migration, ...]:
    """Applies every pending migration of a folder and returns them.

    Makes the ledger where there is none, and takes over what the format's own tool applied before. Each migration is
    committed together with its rows in both histories.

    Args:
        connection: a session of the database's owner, in autocommit mode.

    Raises:
        DriftError: files and ledger disagree; nothing was run.
        NotEmptyError: the database has tables, and neither ledger nor history; nothing was run.
        MigrationFailed: names file, line and SQLSTATE; earlier migrations stay applied.
        LockTimeout: another migrator is at work.
    """
    if not folder.migrations:
        return ()
    with advisory_lock(connection, LOCK_KEY, what="another migrator of this database", timeout=LOCK_TIMEOUT):
        format_ = FORMATS[folder.format]
        _take_over(connection, folder, format_)
        plan = compare(folder.migrations, ledger.rows(connection))
        plan.refuse_drift()
        applied: list[Migration] = []
        for migration in plan.pending:
            started = time.monotonic()
            try:
                _apply(connection, migration, format_)
            except MigrationFailed as error:
                raise _with_aftermath(error, tuple(done.version for done in applied), len(plan.pending)) from None
            applied.append(migration)
            if progress:
                progress(migration, time.monotonic() - started)
        return tuple(applied)


def _applied(connection: psycopg.Connection[Any], folder: Folder) -> tuple[ledger.Row, ...]:
    """The ledger's rows; where there is no ledger, those that the tool's history amounts to."""
    if ledger.exists(connection):
        return ledger.rows(connection)
    if not folder.migrations:
        return ()
    history = FORMATS[folder.format].history
    if _has_table(connection, history.table):
        return _rows_of_history(history, history.applied(connection), folder)
    if tables := _tables(connection):
        raise NotEmptyError(
            f"The database {connection.info.dbname} has tables ({', '.join(tables)}), but no record of how they were made: "
            f"neither pgstack's ledger nor {folder.format}'s table {history.table}.",
            hint="Was it migrated by another tool? Then name that one's `format:` in the settings. If its tables are of no use, drop them.",
        )
    return ()


def _rows_of_history(history: History, recorded: dict[int, bytes | None], folder: Folder) -> tuple[ledger.Row, ...]:
    """A tool's history as rows of a ledger; a file that is not the one the tool ran has no checksum."""
    files = {migration.order: migration for migration in folder.migrations}
    rows = []
    for order, checksum in sorted(recorded.items()):
        migration = files.get(order)
        if migration is None:
            rows.append(ledger.Row(str(order), "unknown", ""))
            continue
        same = checksum is None or checksum in history.checksums(migration)
        rows.append(ledger.Row(migration.version, migration.name, migration.checksum if same else ""))
    return tuple(rows)


def _take_over(connection: psycopg.Connection[Any], folder: Folder, format_: Format) -> None:
    """Makes both histories where they are missing; what the tool applied goes into the ledger."""
    if ledger.exists(connection):
        return
    rows = _applied(connection, folder)
    compare(folder.migrations, rows).refuse_drift()
    versions = {row.order for row in rows}
    with connection.transaction():
        ledger.create(connection)
        if not _has_table(connection, format_.history.table):
            format_.history.create(connection)
        ledger.restrict(connection, "public", format_.history.table)
        for migration in folder.migrations:
            if migration.order in versions:
                ledger.record(connection, migration, folder.format, None)


def _apply(connection: psycopg.Connection[Any], migration: Migration, format_: Format) -> None:
    """Runs one migration and writes both histories, in one transaction."""
    started = time.monotonic_ns()
    parts = statements.split(migration.up)
    current = parts[0] if parts else statements.Statement("", 0)
    connection.execute(_SESSION + "; DISCARD TEMP")
    try:
        with connection.transaction():
            for current in parts:
                connection.execute(current.text.encode())
                _require_transaction(connection, migration.up, current)
            connection.execute(_SESSION)
            nanoseconds = time.monotonic_ns() - started
            ledger.record(connection, migration, format_.name, nanoseconds)
            format_.history.record(connection, migration, nanoseconds)
    except psycopg.Error as error:
        failure = _failure(error, migration.up, current)
        if connection.closed:
            failure.outcome = "The session broke; whether the migration was committed, the next run sees in the ledger"
        elif connection.info.transaction_status == TransactionStatus.ACTIVE:
            connection.close()  # the server waits for data of a COPY; nothing else ends that
        raise failure from None


def _require_transaction(connection: psycopg.Connection[Any], script: Script, statement: statements.Statement) -> None:
    """Raises MigrationFailed where a statement ended the migration's transaction, as SQL that the parser does not know may."""
    if connection.info.transaction_status == TransactionStatus.INTRANS:
        return
    connection.close()
    error = statements.refusal(
        script,
        statement.start,
        "the statement ended the migration's transaction.",
        hint="Take COMMIT and ROLLBACK out of the file, undo by hand what it did, and run the command again.",
    )
    error.outcome = "What it committed stays, and is not in the ledger"
    raise error


def _failure(error: psycopg.Error, script: Script, statement: statements.Statement) -> MigrationFailed:
    """What the server said, with the place in the file."""
    diagnosis = error.diag
    inside = int(diagnosis.statement_position or 1) - 1
    line = statements.line_of(script.text, statement.start + inside)
    state = error.sqlstate or ""
    said = diagnosis.message_primary or str(error).strip() or type(error).__name__
    more = [
        f"  {name}: {text}"
        for name, text in (("detail", diagnosis.message_detail), ("hint", diagnosis.message_hint), ("context", diagnosis.context))
        if text
    ]
    excerpt = " ".join(statement.text.split())
    excerpt = excerpt if len(excerpt) <= LONGEST_EXCERPT else f"{excerpt[:LONGEST_EXCERPT]}…"
    message = "\n".join([f"{script.path}:{line}: {said}" + (f" (SQLSTATE {state})" if state else ""), *more, f"  statement: {excerpt}"])
    return MigrationFailed(message, path=script.path, line=line, sqlstate=state)


def _with_aftermath(error: MigrationFailed, applied: tuple[str, ...], pending: int) -> MigrationFailed:
    """The same error with what became of the others."""
    rest = pending - len(applied) - 1
    before = f"{len(applied)} before it were applied and stay" if applied else "none was applied before it"
    after = f", {rest} after it were not run" if rest else ""
    message = f"{Exception.__str__(error)}\n{error.outcome}; {before}{after}."
    hint = error.hint or "Mend the file and run the command again: it goes on from here."
    told = MigrationFailed(message, path=error.path, line=error.line, sqlstate=error.sqlstate, applied=applied, hint=hint)
    told.outcome = error.outcome
    return told


def _has_table(connection: psycopg.Connection[Any], table: str) -> bool:
    row = connection.execute(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relname = %s)",
        [table],
    ).fetchone()
    return row is not None and bool(row[0])


def _tables(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """Up to five tables of the database that belong to no extension."""
    rows = connection.execute(
        """
        SELECT n.nspname || '.' || c.relname
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1 LIMIT 5
        """
    ).fetchall()
    return tuple(str(row[0]) for row in rows)
