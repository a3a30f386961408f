"""The migrator's own record of what was applied: `pgstack.migration` in each database."""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString, NamedTuple

import psycopg

from migrator.formats import FORMATS
from migrator.formats.base import Command
from migrator.model import Migration, Order, Script, order_of, title_of

SCHEMA = "pgstack"
TABLE = "migration"
TOOL_VERSION = "0.1.0"

CREATE: tuple[LiteralString, ...] = (
    "DO $$ BEGIN IF to_regnamespace('pgstack') IS NULL THEN CREATE SCHEMA pgstack; END IF; END $$",
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
"""Makes the ledger. `restrict` and `CLOSE_SCHEMA` follow it in the same transaction."""

CLOSE_SCHEMA: LiteralString = """
    DO $$
    DECLARE grantee text;
    BEGIN
        FOR grantee IN
            SELECT DISTINCT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END
            FROM pg_catalog.pg_namespace n, pg_catalog.aclexplode(n.nspacl) a
            WHERE n.nspname = 'pgstack' AND a.grantee <> n.nspowner
        LOOP
            EXECUTE 'REVOKE ALL ON SCHEMA pgstack FROM ' || grantee;  -- regrole's text is quoted by the server already
        END LOOP;
    END $$
"""

_RESTRICT: LiteralString = """
    DO $$
    DECLARE entry record;
    BEGIN
        FOR entry IN
            SELECT DISTINCT c.oid::regclass::text AS relation,
                CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE a.grantee::regrole::text END AS grantee
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, pg_catalog.aclexplode(c.relacl) a
            WHERE (n.nspname = 'pgstack' OR n.nspname = 'public' AND c.relname = 'history') AND c.relkind = 'r'
              AND a.privilege_type <> 'SELECT' AND a.grantee <> c.relowner
        LOOP
            EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER ON %s FROM %s', entry.relation, entry.grantee);
        END LOOP;
    END $$
"""

_INSERT: LiteralString = """
    INSERT INTO pgstack.migration (version, name, checksum, format, duration, down_sql, tool_version)
    VALUES (%s, %s, %s, %s, CASE WHEN %s::bool THEN clock_timestamp() - coalesce(%s::timestamptz, now()) END, %s, %s)
"""
_AGAIN: LiteralString = (
    _INSERT
    + """
    ON CONFLICT (version) DO UPDATE SET (name, checksum, format, applied_at, applied_by, duration, tool_version)
    = (excluded.name, excluded.checksum, excluded.format, now(), session_user, excluded.duration, excluded.tool_version)
"""
)
"""Only a repeatable migration may be in the ledger already: for any other, the primary key is the last guard against a second run."""


class Row(NamedTuple):
    """A migration that the ledger knows as applied.

    Attributes:
        checksum: SHA-256 of what was applied, in hex; empty where another tool's history says that the file is not what it ran.
    """

    version: str
    name: str
    checksum: str
    format: str = ""

    @property
    def order(self) -> Order:
        """What versions are sorted by."""
        return order_of(self.version)

    @property
    def title(self) -> str:
        """Version and name, as messages show a migration."""
        return title_of(self.version, self.name)


def stand_in(row: Row) -> Migration:
    """A migration that only its row tells of."""
    return Migration(row.version, row.name, Script(row.title, b"", ""))


def rows(connection: psycopg.Connection[Any]) -> tuple[Row, ...]:
    """What was applied, by version, without the SQL that undoes it. The ledger must exist."""
    found = connection.execute("SELECT version, name, checksum, format FROM pgstack.migration").fetchall()
    return tuple(sorted((Row(*row) for row in found), key=lambda row: row.order))


def down_sql(connection: psycopg.Connection[Any], version: str) -> str | None:
    """What undoes a migration, as its file said when it was applied."""
    row = connection.execute("SELECT down_sql FROM pgstack.migration WHERE version = %s", [version]).fetchone()
    return row[0] if row else None


def restrict(history: LiteralString) -> LiteralString:
    """A statement that takes every right but SELECT on the ledger and on a tool's history from all roles but their owner.

    Default privileges give an application its rights on every new table; on these it could rewrite the schema's history.
    """
    return _RESTRICT.replace("'history'", f"'{history}'")


def record(migration: Migration, format_name: str, started: datetime | None = None, *, by_us: bool = True) -> Command:
    """Adds a migration to the ledger; one that is repeatable may be in it already.

    Args:
        started: when it was begun; None for the beginning of the command's transaction.
        by_us: False where another tool applied it, so that nothing is known of its duration.
    """
    values = (
        *(migration.version, migration.name, migration.checksum, format_name, by_us, started),
        *(migration.down.text if migration.down else None, TOOL_VERSION),
    )
    return Command(_AGAIN if migration.repeatable else _INSERT, values)


def forget(version: str) -> Command:
    """Takes a migration out of the ledger."""
    return Command("DELETE FROM pgstack.migration WHERE version = %s", (version,))


def mend(migration: Migration, version: str | None = None) -> Command:
    """Makes the row of an applied migration fit its file.

    Args:
        version: as the row has it, where the file writes it otherwise.
    """
    return Command(
        "UPDATE pgstack.migration SET version = %s, name = %s, checksum = %s, down_sql = %s WHERE version = %s",
        (
            *(migration.version, migration.name, migration.checksum, migration.down.text if migration.down else None),
            version or migration.version,
        ),
    )


def kept_for(format_name: str) -> Command:
    """Says of every row that the tool of this format has been told of it."""
    return Command("UPDATE pgstack.migration SET format = %s", (format_name,))


def history_tables() -> tuple[tuple[str, str], ...]:
    """Schema and name of every table in which this program or a migration tool keeps its history."""
    tables = {format_.history.table: None for format_ in FORMATS.values()}
    return ((SCHEMA, TABLE), (SCHEMA, "step"), *(("public", table) for table in tables))
