"""dbmate: `<version>_<name>.sql`, with a section a direction: `-- migrate:up`, `-- migrate:down`.

The table follows its postgres driver, the sections its `migration.go`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString

from migrator.errors import FormatError
from migrator.formats.base import Applied, Command, Format, Sections, first_statement
from migrator.formats.pattern import Pattern
from migrator.model import Folder, Migration, Script

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver

MARK = Pattern(r"^--[ \t]*migrate:(?P<direction>up|down)(?P<options>|[ \t].*)$", re.MULTILINE)
"""The line that a section begins with; what follows the direction are options such as `transaction:false`."""


class DbmateHistory:
    """`schema_migrations`: a row a version. Others have a table of that name too, with more columns."""

    table: LiteralString = "schema_migrations"

    keeps_each = True

    literal = True

    create: tuple[LiteralString, ...] = ("CREATE TABLE IF NOT EXISTS public.schema_migrations (version varchar PRIMARY KEY)",)

    def is_own(self, columns: frozenset[str]) -> bool:
        return columns == {"version"}

    def lock_key(self, database: str) -> int | None:
        return None

    def applied(self, connection: psycopg.Connection[Any], folder: Folder) -> tuple[Applied, ...]:
        rows = connection.execute("SELECT version FROM public.schema_migrations ORDER BY version").fetchall()
        return tuple(Applied(version) for (version,) in rows)

    def checksums(self, migration: Migration) -> Iterable[bytes]:
        return ()

    def record(self, migration: Migration, started: datetime | None = None) -> Command:
        return Command("INSERT INTO public.schema_migrations (version) VALUES (%s)", (migration.version,))

    def forget(self, migration: Migration, previous: Migration | None) -> Command:
        return Command("DELETE FROM public.schema_migrations WHERE ltrim(version, '0') = ltrim(%s, '0')", (migration.version,))

    def mend(self, migration: Migration) -> Command | None:
        return Command(
            """
            UPDATE public.schema_migrations SET version = %s
            WHERE ltrim(version, '0') = ltrim(%s, '0') AND NOT EXISTS (SELECT FROM public.schema_migrations WHERE version = %s)
            """,
            (migration.version,) * 3,
        )


def sections(script: Script) -> Sections:
    """The part below each mark.

    Raises:
        FormatError: there is not one of each, up first, with nothing but comments before it; dbmate would refuse the file too.
    """
    marks = list(MARK.finditer(script.text))
    if [mark["direction"] for mark in marks] != ["up", "down"]:
        raise FormatError(
            f"{script.path} does not have one `-- migrate:up` and, after it, one `-- migrate:down`.",
            hint="dbmate wants both in each file; the part below the second may be empty.",
        )
    up, down = marks
    early = first_statement(script.text[: up.start()])
    if early:
        raise FormatError(f"{script.path}:{early}: there is SQL before `-- migrate:up`.", hint="Move it below that line.")
    return Sections(_section(script, up, down.start()), _section(script, down, len(script.text)))


def _section(script: Script, mark: re.Match[str], end: int) -> Script:
    start = min(mark.end() + 1, end)
    first_line = script.text.count("\n", 0, start) + 1
    return script.section(script.text[start:end], first_line, transactional="transaction:false" not in mark["options"].split())


DBMATE = Format(
    name="dbmate",
    tool="dbmate",
    pattern=Pattern(r"([0-9]+)[_-](.+)(?<!\.up)(?<!\.down)\.sql"),
    history=DbmateHistory(),
    version_limit=None,
    examples=("20250131120000_create_users.sql",),
    mark=MARK,
    cue="migrate:",
    sections=sections,
)
