"""soda, the migration tool of pop, of Go: `<version>_<name>.up.sql` with `.down.sql`.

The table follows pop's `schema_migration`; its version has 14 characters, the length of the time stamps soda makes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, LiteralString

from migrator.formats.base import Format
from migrator.model import Migration

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver


class SodaHistory:
    """`schema_migration`: a row a version."""

    table: LiteralString = "schema_migration"

    def create(self, connection: psycopg.Connection[Any]) -> None:
        connection.execute(
            """
            CREATE TABLE IF NOT EXISTS public.schema_migration (
                version varchar(14) NOT NULL,
                CONSTRAINT schema_migration_pkey PRIMARY KEY (version)
            )
            """
        )
        connection.execute("CREATE UNIQUE INDEX IF NOT EXISTS schema_migration_version_idx ON public.schema_migration (version)")

    def applied(self, connection: psycopg.Connection[Any]) -> dict[int, bytes | None]:
        return {int(row[0]): None for row in connection.execute("SELECT version FROM public.schema_migration").fetchall()}

    def checksums(self, migration: Migration) -> frozenset[bytes]:
        return frozenset()

    def record(self, connection: psycopg.Connection[Any], migration: Migration, nanoseconds: int) -> None:
        connection.execute("INSERT INTO public.schema_migration (version) VALUES (%s)", [migration.version])


SODA = Format(
    name="soda",
    patterns=(re.compile(r"(?P<version>[0-9]{1,14})_(?P<name>.+)\.(?P<direction>up|down)\.sql"),),
    history=SodaHistory(),
    version_limit=10**14 - 1,
)
