"""sqlx, of Rust: `<version>_<name>.sql`, or `.up.sql` and `.down.sql` beside each other.

The table, its values and the lock follow sqlx-core's and sqlx-postgres's `migrate` modules.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from migrator.errors import DirtyError
from migrator.formats.base import Applied, Command, Format, Sections
from migrator.formats.pattern import Pattern
from migrator.model import BOM, Folder, Migration, Script

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver

LOCK_FACTOR = 0x3D32AD9E
"""What sqlx multiplies the database name's CRC-32 with: the product always fits into 63 bits."""

NO_TRANSACTION = "-- no-transaction"
"""What a file begins with that sqlx runs outside a transaction."""


class SqlxHistory:
    """`_sqlx_migrations`: a row a migration, with the SHA-384 of the up file's bytes."""

    table: LiteralString = "_sqlx_migrations"

    keeps_each = True

    literal = False

    create: tuple[LiteralString, ...] = (
        """
        CREATE TABLE IF NOT EXISTS public._sqlx_migrations (
            version bigint PRIMARY KEY,
            description text NOT NULL,
            installed_on timestamptz NOT NULL DEFAULT now(),
            success boolean NOT NULL,
            checksum bytea NOT NULL,
            execution_time bigint NOT NULL
        )
        """,
    )

    def is_own(self, columns: frozenset[str]) -> bool:
        return {"version", "success", "checksum"} <= columns

    def lock_key(self, database: str) -> int | None:
        return LOCK_FACTOR * zlib.crc32(database.encode())

    def applied(self, connection: psycopg.Connection[Any], folder: Folder) -> tuple[Applied, ...]:
        rows = connection.execute("SELECT version, checksum, success FROM public._sqlx_migrations ORDER BY version").fetchall()
        for version, _, success in rows:
            if not success:
                raise DirtyError(
                    f"sqlx left migration {version} half done.",
                    hint="Undo by hand what it did, delete its row from public._sqlx_migrations, and try again.",
                )
        return tuple(Applied(str(version), bytes(checksum)) for version, checksum, _ in rows)

    def checksums(self, migration: Migration) -> Iterator[bytes]:
        raw = migration.up.raw
        yield _checksum(raw)
        unix = raw.removeprefix(BOM).replace(b"\r\n", b"\n")
        for text in (unix, unix.replace(b"\n", b"\r\n")):
            yield from (_checksum(mark + text) for mark in (b"", BOM) if mark + text != raw)

    def record(self, migration: Migration, started: datetime | None = None) -> Command:
        return Command(
            """
            INSERT INTO public._sqlx_migrations (version, description, success, checksum, execution_time)
            VALUES (%s, %s, true, %s, (extract(epoch FROM clock_timestamp() - coalesce(%s::timestamptz, now())) * 1000000000)::bigint)
            """,
            (int(migration.version), _description(migration), _checksum(migration.up.raw), started),
        )

    def forget(self, migration: Migration, previous: Migration | None) -> Command:
        return Command("DELETE FROM public._sqlx_migrations WHERE version = %s", (int(migration.version),))

    def mend(self, migration: Migration) -> Command | None:
        return Command(
            "UPDATE public._sqlx_migrations SET description = %s, checksum = %s WHERE version = %s",
            (_description(migration), _checksum(migration.up.raw), int(migration.version)),
        )


def _description(migration: Migration) -> str:
    return migration.name.replace("_", " ")


def _checksum(raw: bytes) -> bytes:
    return hashlib.sha384(raw).digest()


def sections(script: Script) -> Sections:
    """The file as it is, outside a transaction where its first words ask for that."""
    if script.text.startswith(NO_TRANSACTION):
        script = script.section(script.text, script.first_line, transactional=False)
    return Sections(script)


SQLX = Format(
    name="sqlx",
    tool="sqlx",
    pattern=Pattern(r"([0-9]+)_([^.].*?)(?:\.(up|down))?\.sql"),
    history=SqlxHistory(),
    version_limit=2**63 - 1,
    examples=("20250131120000_create_users.sql",),
    sections=sections,
    beside=frozenset({"schema.sql"}),
)
