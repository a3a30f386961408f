"""Flyway: `V<version>__<name>.sql`, `U<version>__<name>.sql` to undo it, `R__<name>.sql` to run again at each change.

The table, its values and the lock follow flyway-core and flyway-database-postgresql.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from datetime import datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, LiteralString

from migrator.errors import DirtyError
from migrator.formats.base import Applied, Command, FileName, Format
from migrator.formats.pattern import Pattern
from migrator.model import BOM, REPEATABLE, Folder, Migration, Order, order_of

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver

LOCK = int.from_bytes(b"Flyway")
"""What Flyway adds the hash of the quoted table name to."""

DESCRIPTION_LIMIT = 200
"""Characters that the history table's description holds."""

FORGET: LiteralString = """
    DELETE FROM public.flyway_schema_history WHERE type !~ '^INIT$|BASELINE$' AND <number> = %s
"""
FORGET_THE_FIRST: LiteralString = """
    DELETE FROM public.flyway_schema_history
    WHERE CASE WHEN type ~ '^INIT$|BASELINE$' THEN <parts> >= string_to_array(%s, '.')::numeric[] ELSE <number> = %s END
"""
LOWER_THE_BASELINE: LiteralString = """
    WITH lowered AS (
        UPDATE public.flyway_schema_history SET version = %s
        WHERE type ~ '^INIT$|BASELINE$' AND <parts> >= string_to_array(%s, '.')::numeric[]
    )
"""
"""A baseline counts all up to its version as applied: where one of them is undone, it goes back to the one before."""

MEND: LiteralString = """
    UPDATE public.flyway_schema_history SET description = %s, script = %s, checksum = %s
    WHERE installed_rank = (
        SELECT max(installed_rank) FROM public.flyway_schema_history
        WHERE type !~ '^INIT$|BASELINE$|^SCHEMA$' AND (<number> = %s OR (version IS NULL AND description = %s))
    )
"""


class FlywayHistory:
    """`flyway_schema_history`: a row whenever something happened, in the order of `installed_rank`."""

    table: LiteralString = "flyway_schema_history"

    keeps_each = True

    literal = False

    create: tuple[LiteralString, ...] = (
        """
        CREATE TABLE IF NOT EXISTS public.flyway_schema_history (
            installed_rank integer NOT NULL,
            version varchar(50),
            description varchar(200) NOT NULL,
            type varchar(20) NOT NULL,
            script varchar(1000) NOT NULL,
            checksum integer,
            installed_by varchar(100) NOT NULL,
            installed_on timestamp NOT NULL DEFAULT now(),
            execution_time integer NOT NULL,
            success boolean NOT NULL,
            CONSTRAINT flyway_schema_history_pk PRIMARY KEY (installed_rank)
        )
        """,
        "CREATE INDEX IF NOT EXISTS flyway_schema_history_s_idx ON public.flyway_schema_history (success)",
    )

    def is_own(self, columns: frozenset[str]) -> bool:
        return {"installed_rank", "version", "checksum", "success"} <= columns

    def lock_key(self, database: str) -> int | None:
        return LOCK + java_hash('"public"."flyway_schema_history"')

    def applied(self, connection: psycopg.Connection[Any], folder: Folder) -> tuple[Applied, ...]:
        rows = connection.execute(
            "SELECT version, description, type, checksum, success FROM public.flyway_schema_history ORDER BY installed_rank"
        ).fetchall()
        names = {_description(migration): migration.version for migration in folder.migrations if migration.repeatable}
        found: dict[Order, Applied] = {}
        for version, description, kind, checksum, success in rows:
            version_ = version or names.get(description) or REPEATABLE + description.replace(" ", "_")
            if not success:
                raise DirtyError(
                    f"Flyway marked migration {version_} as failed.",
                    hint="Undo by hand what it left behind, run `flyway repair`, and try again.",
                )
            order = order_of(version_)
            if kind == "INIT" or kind.endswith("BASELINE"):
                found.update(
                    (one.order, Applied(one.version)) for one in folder.migrations if one.order <= order and one.order not in found
                )
            elif kind == "DELETE" or kind.startswith("UNDO_"):
                found.pop(order, None)
            elif kind != "SCHEMA":
                found[order] = Applied(version_, None if checksum is None else _encoded(checksum))
        return tuple(found.values())

    def checksums(self, migration: Migration) -> Iterable[bytes]:
        return (_encoded(checksum(migration.up.raw)),)

    def record(self, migration: Migration, started: datetime | None = None) -> Command:
        return Command(
            """
            INSERT INTO public.flyway_schema_history
                (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
            SELECT coalesce(max(installed_rank), 0) + 1, %s, %s, 'SQL', %s, %s::integer, current_user,
                (extract(epoch FROM clock_timestamp() - coalesce(%s::timestamptz, now())) * 1000)::integer, true
            FROM public.flyway_schema_history
            """,
            (None if migration.repeatable else migration.version, *_described(migration), started),
        )

    def forget(self, migration: Migration, previous: Migration | None) -> Command:
        if migration.repeatable:
            return Command(
                "DELETE FROM public.flyway_schema_history WHERE version IS NULL AND description = %s", (_description(migration),)
            )
        number = _number(migration)
        if previous is None:
            return Command(_spelt(FORGET_THE_FIRST), (number, number))
        return Command(_spelt(LOWER_THE_BASELINE + FORGET), (previous.version, number, number))

    def mend(self, migration: Migration) -> Command | None:
        description = _description(migration) if migration.repeatable else None
        return Command(_spelt(MEND), (*_described(migration), _number(migration), description))


def checksum(raw: bytes) -> int:
    """Flyway's checksum of a file: the CRC-32 of its lines without their ends, as a signed number of 32 bits."""
    crc = zlib.crc32(raw.removeprefix(BOM).translate(None, b"\r\n"))
    return crc - 2**32 if crc >= 2**31 else crc


def java_hash(text: str) -> int:
    """What `hashCode` of a string in Java is: a signed number of 32 bits. The text is ASCII."""
    code = 0
    for character in text.encode("ascii"):
        code = (31 * code + character) % 2**32
    return code - 2**32 if code >= 2**31 else code


def _encoded(number: int) -> bytes:
    """A checksum as `Applied` holds it."""
    return str(number).encode()


def _described(migration: Migration) -> tuple[str, str, int]:
    """What a row says of a migration's file: description, script, checksum."""
    return _description(migration), PurePath(migration.up.path).name, checksum(migration.up.raw)


def _description(migration: Migration) -> str:
    """The name as Flyway writes it, abbreviated where the column is too short."""
    text = migration.name.replace("_", " ")
    return text if len(text) <= DESCRIPTION_LIMIT else text[: DESCRIPTION_LIMIT - 3] + "..."


def _spelt(sql: LiteralString) -> LiteralString:
    """SQL with a row's version for `<number>`, without zeros that mean nothing, and with that as numbers for `<parts>`.

    To Flyway `1`, `01` and `1.0` are one version.
    """
    number: LiteralString = "regexp_replace(regexp_replace(version, '(^|[.])0+(?=[0-9])', '\\1', 'g'), '([.]0)+$', '')"
    return sql.replace("<number>", number).replace("<parts>", "string_to_array(version, '.')::numeric[]")


def _number(migration: Migration) -> str:
    """A migration's version without zeros that mean nothing."""
    return ".".join(map(str, migration.order[1]))


class FlywayFormat(Format):
    """The names of Flyway's files say more than those of the others: repeatable or not, up or down."""

    def file_name(self, found: re.Match[str]) -> FileName:
        if found["version"] is None:
            return FileName(REPEATABLE + found["name"], found["name"], "up", paired=True)
        return FileName(found["version"].replace("_", "."), found["name"], "down" if found["kind"] == "U" else "up", paired=True)


FLYWAY = FlywayFormat(
    name="flyway",
    tool="Flyway",
    pattern=Pattern(r"(?:(?P<kind>[VU])(?P<version>[0-9]+(?:[._][0-9]+)*)|R)__(?P<name>.+)\.sql"),
    history=FlywayHistory(),
    version_limit=None,
    examples=("V1__create_users.sql",),
    placeholder=Pattern(r"\$\{[^}]*\}"),
    unread=Pattern(r".+\.sql\.conf"),
)
