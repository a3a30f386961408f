"""What a format is made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, LiteralString, Protocol

from migrator.model import Migration

if TYPE_CHECKING:
    import psycopg  # who only reads files needs no driver


@dataclass(frozen=True)
class FileName:
    """A file name, taken apart.

    Attributes:
        direction: "up" or "down".
        paired: whether the name says its direction, so that the other one has a file of its own.
    """

    version: str
    name: str
    direction: str
    paired: bool


class History(Protocol):
    """The table in which a format's own tool keeps what it applied. All calls run in the caller's transaction."""

    table: LiteralString
    """Its name in the schema `public`."""

    def create(self, connection: psycopg.Connection[Any]) -> None:
        """Makes the table as the tool makes it, unless it is there."""

    def applied(self, connection: psycopg.Connection[Any]) -> dict[int, bytes | None]:
        """The versions the tool counts as applied, with its checksum where it keeps one. The table must be there."""

    def checksums(self, migration: Migration) -> frozenset[bytes]:
        """The checksums that the tool could have recorded for a migration's file, with either line end."""

    def record(self, connection: psycopg.Connection[Any], migration: Migration, nanoseconds: int) -> None:
        """Adds the row of a migration that was just applied, in `nanoseconds`."""


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: as the settings name it.
        patterns: file names it has; groups `version`, `name` and, where files come in pairs, `direction`.
        version_limit: the largest version its history table holds.
    """

    name: str
    patterns: tuple[re.Pattern[str], ...]
    history: History
    version_limit: int

    def parse(self, file: str) -> FileName | None:
        """The parts of a file name, or None where it is not one of this format's."""
        for pattern in self.patterns:
            found = pattern.fullmatch(file)
            if found and int(found["version"]) <= self.version_limit:
                direction = found.groupdict().get("direction")
                return FileName(found["version"], found["name"], direction or "up", direction is not None)
        return None
