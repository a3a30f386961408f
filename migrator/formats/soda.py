"""soda, the migration tool of pop, of Go: `<version>_<name>.up.sql` with `.down.sql`.

The table follows pop's `schema_migration`; its version has 14 characters, the length of the time stamps soda makes.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from migrator.formats.base import Applied, Command, Format
from migrator.formats.pattern import Pattern
from migrator.model import Folder, Migration

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver


class SodaHistory:
    """`schema_migration`: a row a version."""

    table: LiteralString = "schema_migration"

    keeps_each = True

    literal = True

    create: tuple[LiteralString, ...] = (
        """
        CREATE TABLE IF NOT EXISTS public.schema_migration (
            version varchar(14) NOT NULL,
            CONSTRAINT schema_migration_pkey PRIMARY KEY (version)
        )
        """,
        "CREATE UNIQUE INDEX IF NOT EXISTS schema_migration_version_idx ON public.schema_migration (version)",
    )

    def is_own(self, columns: frozenset[str]) -> bool:
        return columns == {"version"}

    def lock_key(self, database: str) -> int | None:
        return None

    def applied(self, connection: psycopg.Connection[Any], folder: Folder) -> tuple[Applied, ...]:
        rows = connection.execute("SELECT version FROM public.schema_migration ORDER BY version").fetchall()
        return tuple(Applied(version) for (version,) in rows)

    def checksums(self, migration: Migration) -> Iterable[bytes]:
        return ()

    def record(self, migration: Migration, started: datetime | None = None) -> Command:
        return Command("INSERT INTO public.schema_migration (version) VALUES (%s)", (migration.version,))

    def forget(self, migration: Migration, previous: Migration | None) -> Command:
        return Command("DELETE FROM public.schema_migration WHERE ltrim(version, '0') = ltrim(%s, '0')", (migration.version,))

    def mend(self, migration: Migration) -> Command | None:
        return Command(
            """
            UPDATE public.schema_migration SET version = %s
            WHERE ltrim(version, '0') = ltrim(%s, '0') AND NOT EXISTS (SELECT FROM public.schema_migration WHERE version = %s)
            """,
            (migration.version,) * 3,
        )


SODA = Format(
    name="soda",
    tool="soda",
    pattern=Pattern(r"([0-9]{1,14})_([^.]+)\.(up|down)\.sql"),
    history=SodaHistory(),
    version_limit=10**14 - 1,
    examples=("20250131120000_create_users.up.sql", "20250131120000_create_users.down.sql"),
    placeholder=Pattern(r"\{\{"),
    beside=frozenset({"schema.sql"}),
    unread=Pattern(r"[0-9]+_.+\.fizz"),
)
