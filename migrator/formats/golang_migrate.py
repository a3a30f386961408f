"""golang-migrate: `<version>_<name>.up.sql` with `.down.sql`.

The table and the lock follow its `database/postgres` and `database/pgx` drivers. Of all it applied it keeps the last version alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from migrator.errors import DirtyError
from migrator.formats.base import Applied, Command, Format
from migrator.formats.pattern import Pattern
from migrator.model import Folder, Migration, order_of

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver

LOCK_SALT = 1486364155
"""What it multiplies the CRC-32 of schema, table and database with, modulo 2^32."""


class GolangMigrateHistory:
    """`schema_migrations`: one row with the version that was applied last; none where nothing was."""

    table: LiteralString = "schema_migrations"

    keeps_each = False

    literal = False

    create: tuple[LiteralString, ...] = (
        "CREATE TABLE IF NOT EXISTS public.schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)",
    )

    def is_own(self, columns: frozenset[str]) -> bool:
        return {"version", "dirty"} <= columns

    def lock_key(self, database: str) -> int | None:
        # It takes the database's name from the path of the address, slash included.
        return zlib.crc32(f"public\0schema_migrations\0/{database}".encode()) * LOCK_SALT % 2**32

    def applied(self, connection: psycopg.Connection[Any], folder: Folder) -> tuple[Applied, ...]:
        row = connection.execute("SELECT version, dirty FROM public.schema_migrations LIMIT 1").fetchone()
        if row is None:
            return ()
        version, dirty = row
        if dirty:
            raise DirtyError(
                f"golang-migrate left version {version} half done.",
                hint="Mend the schema by hand, then say with `migrate force <version>` which version it has.",
            )
        return _up_to(str(version), folder)

    def checksums(self, migration: Migration) -> Iterable[bytes]:
        return ()

    def record(self, migration: Migration, started: datetime | None = None) -> Command:
        version = int(migration.version)
        return Command(
            """
            WITH moved AS (UPDATE public.schema_migrations SET version = greatest(version, %s), dirty = false RETURNING true)
            INSERT INTO public.schema_migrations (version, dirty) SELECT %s::bigint, false WHERE NOT EXISTS (SELECT FROM moved)
            """,
            (version, version),
        )

    def forget(self, migration: Migration, previous: Migration | None) -> Command:
        if previous is None:
            return Command("DELETE FROM public.schema_migrations")
        return Command("UPDATE public.schema_migrations SET version = %s, dirty = false", (int(previous.version),))

    def mend(self, migration: Migration) -> Command | None:
        return None


def _up_to(version: str, folder: Folder) -> tuple[Applied, ...]:
    """All migrations of the folder that are not newer, and the version itself, which may have no file."""
    last = order_of(version)
    older = [migration.version for migration in folder.migrations if migration.order <= last]
    if not older or order_of(older[-1]) != last:
        older.append(version)
    return tuple(Applied(one) for one in older)


GOLANG_MIGRATE = Format(
    name="golang-migrate",
    tool="golang-migrate",
    pattern=Pattern(r"([0-9]+)_(.+)\.(up|down)\.sql"),
    history=GolangMigrateHistory(),
    version_limit=2**63 - 1,
    examples=("20250131120000_create_users.up.sql", "20250131120000_create_users.down.sql"),
    beside=frozenset({"schema.sql"}),
)
