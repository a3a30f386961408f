"""sqlx, of Rust: `<version>_<name>.sql`, or `.up.sql` and `.down.sql` beside each other.

The table and its values follow sqlx-core's `migrate` modules.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any, LiteralString

from migrator.formats.base import Format
from migrator.model import Migration

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver


class SqlxHistory:
    """`_sqlx_migrations`: a row a migration, with the SHA-384 of the up file's bytes."""

    table: LiteralString = "_sqlx_migrations"

    def create(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            """
            CREATE TABLE IF NOT EXISTS public._sqlx_migrations (
                version bigint PRIMARY KEY,
                description text NOT NULL,
                installed_on timestamptz NOT NULL DEFAULT now(),
                success boolean NOT NULL,
                checksum bytea NOT NULL,
                execution_time bigint NOT NULL
            )
            """
        )

    def applied(self, connection: psycopg.Connection[Any]) -> dict[int, bytes | None]:
        rows = connection.execute("SELECT version, checksum FROM public._sqlx_migrations WHERE success").fetchall()
        return {int(version): bytes(checksum) for version, checksum in rows}

    def checksums(self, migration: Migration) -> frozenset[bytes]:
        raw = migration.up.raw
        unix = raw.replace(b"\r\n", b"\n")
        return frozenset(hashlib.sha384(text).digest() for text in (raw, unix, unix.replace(b"\n", b"\r\n")))

    def record(self, connection: psycopg.Connection[Any], migration: Migration, nanoseconds: int) -> None:
        connection.execute(
            "INSERT INTO public._sqlx_migrations (version, description, success, checksum, execution_time) VALUES (%s, %s, true, %s, %s)",
            [migration.order, migration.name.replace("_", " "), hashlib.sha384(migration.up.raw).digest(), nanoseconds],
        )


SQLX = Format(
    name="sqlx",
    patterns=(
        re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.(?P<direction>up|down)\.sql"),
        re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)(?<!\.up)(?<!\.down)\.sql"),
    ),
    history=SqlxHistory(),
    version_limit=2**63 - 1,
)
