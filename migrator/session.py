"""A session that migrates: its settings, its locks, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from migrator import ledger
from migrator.errors import MigrationError, PoolerError, ReadOnlyError, SessionLost
from migrator.events import Listener
from migrator.formats import FORMATS
from migrator.link import brief, broken, reopen, where
from postgres.locks import Wanted, acquire, attempt, key_of, refused, release

LOCK_KEY = key_of("pgstack migrations")

NEVER = ("statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout", "transaction_timeout")
"""Limits that a role may have, and that a long migration must not meet."""

SINCE = {"idle_session_timeout": 14_00_00, "client_connection_check_interval": 14_00_00, "transaction_timeout": 17_00_00}
"""Settings that not every supported server has, with the version that brought them."""

RESET: tuple[LiteralString, ...] = ("RESET SESSION AUTHORIZATION", "RESET ROLE", "RESET ALL", "DISCARD TEMP")
"""What makes a session new again, but for its locks."""

USABLE: LiteralString = (
    "SELECT pg_catalog.pg_is_in_recovery(), current_setting('transaction_read_only') = 'on', pg_catalog.pg_backend_pid()"
)

PROBE_TRIES = 3
PROBE_PATIENCE = 2.0
"""Seconds in which a pooler gives a back end to a second client, if it has one."""


class Settings(NamedTuple):
    """How patient a run is.

    Attributes:
        lock_timeout: seconds that a statement waits for a lock before it is given up and tried again.
        patience: seconds after which waiting for locks of tables ends in an error.
        queue: seconds to wait for another migrator of the same database.
    """

    lock_timeout: float = 5.0
    patience: float = 60.0
    queue: float = 300.0


class Found(NamedTuple):
    """What a database has of records.

    Attributes:
        tables: (schema, name) → columns of those that are there.
        others: up to five tables that belong to no extension, where there is no ledger.
    """

    tables: Mapping[tuple[str, str], frozenset[str]]
    others: tuple[str, ...] = ()

    @property
    def has_ledger(self) -> bool:
        """Whether the migrator has been here before."""
        return (ledger.SCHEMA, ledger.TABLE) in self.tables

    @property
    def has_steps(self) -> bool:
        """Whether there is a record of migrations outside transactions."""
        return (ledger.SCHEMA, "step") in self.tables

    def has_history(self, format_name: str) -> bool:
        """Whether the history table of a format's tool is there."""
        history = FORMATS[format_name].history
        columns = self.tables.get(("public", history.table))
        return columns is not None and history.is_own(columns)

    def require_room(self, format_name: str) -> None:
        """Raises MigrationError where another tool's table has the name that a format's own one is to have."""
        history = FORMATS[format_name].history
        if ("public", history.table) in self.tables and not self.has_history(format_name):
            others = [FORMATS[name].tool for name in self.formats if FORMATS[name].history.table == history.table]
            raise MigrationError(
                f"public.{history.table} is not the table that {format_name} keeps, but that of {' or '.join(others) or 'something else'}.",
                hint="Correct `format:` of the database in the settings; or, where the switch is meant, rename that table: "
                "the new one is filled from pgstack's ledger.",
            )

    @property
    def formats(self) -> tuple[str, ...]:
        """The formats whose tools have a history table here."""
        return tuple(name for name in FORMATS if self.has_history(name))


def prepare(connection: psycopg.Connection[Any], settings: Settings) -> sql.Composed:
    """The statement that gives a session the settings of a migration; run after `RESET` and before each one."""
    version = connection.info.server_version
    values = dict.fromkeys(NEVER, "0") | {
        "lock_timeout": f"{settings.lock_timeout * 1000:.0f}ms",
        "client_connection_check_interval": "5s",
        "synchronous_commit": "off",
    }
    known = {name: value for name, value in values.items() if version >= SINCE.get(name, 0)}
    calls = [sql.SQL("set_config({}, {}, false)").format(sql.Literal(name), sql.Literal(value)) for name, value in known.items()]
    return sql.SQL("SELECT {}").format(sql.SQL(", ").join(calls))


def look(connection: psycopg.Connection[Any]) -> Found:
    """Finds out which records there are. Reads the catalog only."""
    with connection.pipeline():
        asked = _ask(connection)
    return _found(*asked)


def _ask(connection: psycopg.Connection[Any]) -> tuple[psycopg.Cursor[Any], psycopg.Cursor[Any]]:
    names = ledger.history_tables()
    tables = connection.execute(
        "SELECT n.nspname, c.relname, array_agg(a.attname::text) FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
        " WHERE n.nspname = ANY(%s) AND c.relname = ANY(%s) AND c.relkind IN ('r', 'p') GROUP BY 1, 2",
        [list({schema for schema, _ in names}), list({table for _, table in names})],
    )
    others = connection.execute(
        """
        SELECT n.nspname || '.' || c.relname
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE pg_catalog.to_regclass('pgstack.migration') IS NULL
          AND c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = c.tableoid AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1 LIMIT 5
        """
    )
    return tables, others


def _found(tables: psycopg.Cursor[Any], others: psycopg.Cursor[Any]) -> Found:
    names = ledger.history_tables()
    known = {(schema, table): frozenset(columns) for schema, table, columns in tables.fetchall() if (schema, table) in names}
    return Found(known, tuple(str(row[0]) for row in others.fetchall()))


def require_usable(connection: psycopg.Connection[Any]) -> int:
    """Makes sure that a session is one that can migrate; returns the process id of its back end.

    Behind a pooler that is not the one that the session was told when it was opened.

    Raises:
        ReadOnlyError: on a standby, and where transactions are read-only.
        PoolerError: something hands each transaction another session.
    """
    return _usable(connection, connection.execute(USABLE))


def _usable(connection: psycopg.Connection[Any], answer: psycopg.Cursor[Any]) -> int:
    standby, read_only, pid = answer.fetchone() or (False, False, 0)
    if standby:
        raise ReadOnlyError(
            f"{where(connection)} is a standby: it takes no changes.", hint="Give the address of the primary, or of the writer endpoint."
        )
    if read_only:
        raise ReadOnlyError(
            f"{where(connection)} lets {connection.info.user} read only (default_transaction_read_only).",
            hint="Take that setting from the role or the database, or migrate as another role.",
        )
    if pid != connection.info.backend_pid:
        _refuse_pooler(connection)
    return int(pid)


def _refuse_pooler(connection: psycopg.Connection[Any]) -> None:
    """Raises PoolerError where a pooler hands each transaction another session, as PgBouncer does in transaction mode.

    A pooler gives its clients a process id of its own making. One that pools by session is fine: it keeps a back end for
    each client, which shows when a second client is given another one, or none because there are no more.
    """
    for _ in range(PROBE_TRIES):
        mine = _backend(connection)
        try:
            with closing(reopen(connection)) as other, brief(other, PROBE_PATIENCE):
                other.execute("BEGIN")
                shared = _backend(other) == mine or _backend(connection) != mine
        except SessionLost:
            return
        except psycopg.OperationalError:  # a pool that changes the session after each statement takes no BEGIN
            if broken(connection):
                raise
            shared = True
        if shared:
            raise PoolerError(
                f"{where(connection)} is a pooler that changes the session between transactions, as PgBouncer does with "
                "pool_mode = transaction.",
                hint="Migrations need a session of their own, for the lock that keeps other migrators out: "
                "give the address of the server itself, or of a pool with pool_mode = session.",
            )


def _backend(connection: psycopg.Connection[Any]) -> int:
    row = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0


class Locks:
    """The locks of a run: its own, and that of the format's own tool, where it has one.

    Args:
        format_name: empty where there is no format.
    """

    def __init__(self, connection: psycopg.Connection[Any], format_name: str, settings: Settings, listener: Listener) -> None:
        self._connection = connection
        self._timeout = settings.queue
        self._waiting = listener.waiting
        self._own = [Wanted(LOCK_KEY, "another migrator of this database")]
        self._tool = []
        if format_name:
            format_ = FORMATS[format_name]
            key = format_.history.lock_key(connection.info.dbname)
            self._tool = [Wanted(key, f"{format_.tool}, which is migrating this database")] if key is not None else []

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds them.

        Raises:
            LockTimeout: another migrator, or the tool, is at work.
        """
        acquire(self._connection, self._all, self._timeout, self._waiting)
        with self._given_back():
            yield

    @contextmanager
    def entered(self) -> Iterator[tuple[int, Found]]:
        """The same, with what has to be known before anything is done, all in one round trip where the locks are free.

        Yields the process id of the session's back end, and the records that there are.

        Raises:
            ReadOnlyError, PoolerError: see `require_usable`.
            LockTimeout: another migrator, or the tool, is at work.
        """
        connection = self._connection
        with connection.pipeline():
            usable, locks, tables = connection.execute(USABLE), attempt(connection, self._all), _ask(connection)
        missing = refused(connection, self._all, locks)
        if missing:
            pid = _usable(connection, usable)
            with self.held():
                yield pid, look(connection)
            return
        with self._given_back():
            yield _usable(connection, usable), _found(*tables)

    @contextmanager
    def open_to_tool(self) -> Iterator[None]:
        """Lets the tool in meanwhile; raises as `held` does where it does not come out again."""
        if self._tool:
            release(self._connection, [lock.key for lock in self._tool])
        yield
        if self._tool:
            acquire(self._connection, self._tool, self._timeout, self._waiting)

    @property
    def _all(self) -> list[Wanted]:
        return [*self._own, *self._tool]

    @contextmanager
    def _given_back(self) -> Iterator[None]:
        try:
            yield
        finally:
            release(self._connection, [lock.key for lock in self._all])
