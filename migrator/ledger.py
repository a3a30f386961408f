"""The migrator's own record of what was applied: `pgstack.migration` in each database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from migrator.formats import FORMATS
from migrator.model import Migration

SCHEMA = "pgstack"
TABLE = "migration"
TOOL_VERSION = "0.1.0"

_CREATE: tuple[LiteralString, ...] = (
    "CREATE SCHEMA pgstack",
    """
    CREATE TABLE pgstack.migration (
        version text PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL CHECK (checksum ~ '^[0-9a-f]{64}$'),
        format text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        applied_by text NOT NULL DEFAULT session_user,
        duration interval,
        down_sql text,
        tool_version text NOT NULL
    )
    """,
    "COMMENT ON TABLE pgstack.migration IS 'Migrations applied by pgstack; checksum: SHA-256 of the file with \\n line ends'",
    "COMMENT ON COLUMN pgstack.migration.duration IS 'null where another tool applied the migration'",
)


@dataclass(frozen=True)
class Row:
    """A migration that the ledger knows as applied."""

    version: str
    name: str
    checksum: str

    @property
    def order(self) -> int:
        """What versions are sorted by."""
        return int(self.version)

    @property
    def title(self) -> str:
        """Version and name, as messages show a migration."""
        return f"{self.version}_{self.name}"


def exists(connection: psycopg.Connection[Any]) -> bool:
    """Whether the database has a ledger."""
    row = connection.execute("SELECT pg_catalog.to_regclass('pgstack.migration') IS NOT NULL").fetchone()
    return row is not None and bool(row[0])


def rows(connection: psycopg.Connection[Any]) -> tuple[Row, ...]:
    """What was applied, by version. The ledger must exist."""
    found = connection.execute("SELECT version, name, checksum FROM pgstack.migration").fetchall()
    return tuple(sorted((Row(*row) for row in found), key=lambda row: row.order))


def create(connection: psycopg.Connection[Any]) -> None:
    """Makes the ledger, readable and writable by its owner alone. Run it in a transaction."""
    for statement in _CREATE:
        connection.execute(statement)
    restrict(connection, SCHEMA, TABLE)
    grantees = connection.execute(
        "SELECT DISTINCT a.grantee::regrole::text FROM pg_catalog.pg_namespace n,"
        " pg_catalog.aclexplode(n.nspacl) a WHERE n.nspname = %s AND a.grantee NOT IN (0, n.nspowner)",
        [SCHEMA],
    ).fetchall()
    for (grantee,) in grantees:
        connection.execute(sql.SQL("REVOKE ALL ON SCHEMA pgstack FROM {}").format(sql.SQL(grantee)))


def restrict(connection: psycopg.Connection[Any], schema: str, table: str) -> None:
    """Takes every right but SELECT on a history table from all roles but its owner.

    Default privileges give an application its rights on every new table; on these it could rewrite the schema's history.
    """
    grantees = connection.execute(
        "SELECT DISTINCT a.grantee::regrole::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,"
        " pg_catalog.aclexplode(c.relacl) a"
        " WHERE n.nspname = %s AND c.relname = %s AND a.privilege_type <> 'SELECT' AND a.grantee NOT IN (0, c.relowner)",
        [schema, table],
    ).fetchall()
    name = sql.Identifier(schema, table)
    for (grantee,) in grantees:
        # regrole's text is quoted by the server already.
        connection.execute(
            sql.SQL("REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON {} FROM {}").format(name, sql.SQL(grantee))
        )


def record(connection: psycopg.Connection[Any], migration: Migration, format_name: str, nanoseconds: int | None) -> None:
    """Adds a migration to the ledger; `nanoseconds` is None where another tool applied it."""
    connection.execute(
        "INSERT INTO pgstack.migration (version, name, checksum, format, duration, down_sql, tool_version)"
        " VALUES (%s, %s, %s, %s, %s * interval '1 microsecond', %s, %s)",
        [
            migration.version,
            migration.name,
            migration.checksum,
            format_name,
            None if nanoseconds is None else nanoseconds / 1000,
            migration.down.text if migration.down else None,
            TOOL_VERSION,
        ],
    )


def history_tables() -> tuple[tuple[str, str], ...]:
    """Schema and name of every table in which this program or a migration tool keeps its history."""
    return ((SCHEMA, TABLE), *(("public", format_.history.table) for format_ in FORMATS.values()))
