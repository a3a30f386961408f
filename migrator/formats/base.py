"""What a format is made of: its files, and the history table that its own tool keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, LiteralString, NamedTuple, Protocol

from migrator.formats.pattern import Pattern
from migrator.model import Folder, Migration, Script

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver


class FileName(NamedTuple):
    """A file name, taken apart.

    Attributes:
        version: as the tool records it.
        direction: "up" or "down".
        paired: whether the name says its direction, so that the other one has a file of its own.
    """

    version: str
    name: str
    direction: str
    paired: bool


class Command(NamedTuple):
    """One statement and its parameters, for a pipeline: its result is looked at by nobody.

    Every parameter's type follows from its place or from a cast in the statement: they may be sent as text of no type.
    """

    sql: LiteralString
    parameters: Sequence[Any] = ()


class Applied(NamedTuple):
    """A migration that the tool's history tells of.

    Attributes:
        version: as the tool recorded it.
        checksum: as the tool keeps it; None where it keeps none.
    """

    version: str
    checksum: bytes | None = None


class History(Protocol):
    """The table in which a format's own tool keeps what it applied. All of it happens in the caller's transaction."""

    table: LiteralString
    """Its name in the schema `public`."""

    keeps_each: bool
    """Whether it has a row for each migration, and not for the newest alone."""

    literal: bool
    """Whether the tool compares versions letter by letter, so that `1` and `01` are two to it."""

    create: tuple[LiteralString, ...]
    """Makes the table as the tool itself makes it, unless it is there."""

    def is_own(self, columns: frozenset[str]) -> bool:
        """Whether a table of that name with these columns is this tool's: two tools share one name."""

    def lock_key(self, database: str) -> int | None:
        """The advisory lock, signed 64-bit, under which the tool migrates a database; None where it takes none."""

    def applied(self, connection: psycopg.Connection[Any], folder: Folder) -> tuple[Applied, ...]:
        """What the tool counts as applied. The table must be there.

        Raises:
            DirtyError: the tool left a migration half done, or marked one as failed.
        """

    def checksums(self, migration: Migration) -> Iterable[bytes]:
        """The checksums that the tool could have recorded for a migration's file; empty where it keeps none.

        The first is that of the file as it is, the others are those with other line ends, and with or without a byte order mark.
        """

    def record(self, migration: Migration, started: datetime | None = None) -> Command:
        """Adds the row of a migration that was just applied.

        Args:
            started: when; None for the beginning of the transaction that the command runs in.
        """

    def forget(self, migration: Migration, previous: Migration | None) -> Command:
        """Takes the row of a migration out that was just undone; `previous` is the one before it."""

    def mend(self, migration: Migration) -> Command | None:
        """Makes the row of an applied migration fit its file; None where it holds nothing that another file would have otherwise."""


class Sections(NamedTuple):
    """A file, taken apart into its directions."""

    up: Script
    down: Script | None = None


def first_statement(text: str) -> int:
    """The 1-based line of a text that is neither empty nor a comment; 0 where there is none."""
    lines = (line.strip() for line in text.split("\n"))
    return next((number for number, line in enumerate(lines, start=1) if line and not line.startswith("--")), 0)


def whole(script: Script) -> Sections:
    """A file that is one direction from end to end."""
    return Sections(script)


DIRECTION = 3
"""The group of a pattern that says the direction; it is preceded by the version and the name."""


class Format(NamedTuple):
    """A format.

    Attributes:
        name: as the settings name it.
        tool: the tool's name, as people say it.
        pattern: file names it has; groups: version, name and, where files come in pairs, `DIRECTION`.
        version_limit: the largest version its history table holds; None where versions are text.
        examples: names of the files of one migration, for error messages.
        mark: content that no other format's files have, and that every file of this one has.
        cue: what a text without `mark` most often lacks, and one with it never: spares a search.
        sections: takes a file apart.
        placeholder: what the tool would replace in SQL before it runs it, which is not done here.
        beside: names of files that the tool keeps in the folder or passes over there, and that are no migrations.
        unread: names of files that the tool would run or obey, and that are not read here.
    """

    name: str
    tool: str
    pattern: Pattern
    history: History
    version_limit: int | None
    examples: tuple[str, ...]
    mark: Pattern | None = None
    cue: str = ""
    sections: Callable[[Script], Sections] = whole
    placeholder: Pattern | None = None
    beside: frozenset[str] = frozenset()
    unread: Pattern | None = None

    def parse(self, file: str) -> FileName | None:
        """The parts of a file name, or None where it is not one of this format's."""
        found = self.pattern.fullmatch(file)
        if found is None or (self.version_limit is not None and int(found[1]) > self.version_limit):
            return None
        return self.file_name(found)

    def file_name(self, found: re.Match[str]) -> FileName:
        """The parts of a name that the pattern found."""
        if found.lastindex == DIRECTION:
            return FileName(found[1], found[2], found[3], paired=True)
        return FileName(found[1], found[2], "up", paired=False)

    def holds(self, version: str) -> bool:
        """Whether the history table can hold a version: what another format's files had may not fit."""
        return self.history.literal or self.version_limit is None or (version.isdecimal() and int(version) <= self.version_limit)

    def marks(self, text: str) -> bool:
        """Whether a text has this format's mark."""
        return self.mark is not None and self.cue in text and self.mark.search(text) is not None
