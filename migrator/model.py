"""A migration, as every part of the migrator sees it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from migrator.errors import FormatError

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Script:
    """One file of SQL.

    Attributes:
        path: as messages show it, relative to where the program runs.
        raw: the bytes of the file.
    """

    path: str
    raw: bytes

    @classmethod
    def read(cls, file: Path) -> Script:
        """Reads a file.

        Raises:
            FormatError: it is not UTF-8, or has a NUL byte, which PostgreSQL takes in no text; says at which byte.
        """
        raw = file.read_bytes()
        at = raw.find(b"\0")
        if at < 0:
            try:
                raw.decode()
            except UnicodeDecodeError as error:
                at = error.start
        if at >= 0:
            raise FormatError(f"{file} is no UTF-8 text: see byte {at + 1}.", hint="Save it as UTF-8 and try again.")
        return cls(str(file), raw)

    @cached_property
    def text(self) -> str:
        """The SQL, without a byte order mark and with line feeds alone as its line ends."""
        return self.raw.removeprefix(BOM).replace(b"\r\n", b"\n").decode()

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of `text` in hex: a checkout with other line ends is the same migration."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Migration:
    """One step of a schema's history.

    Attributes:
        version: as the file name has it, digits and all.
        order: what versions are sorted by.
        name: as the file name has it, without version and suffix.
        up: what makes the step.
        down: what undoes it, where there is such a file.
    """

    version: str
    order: int
    name: str
    up: Script
    down: Script | None = None

    @property
    def checksum(self) -> str:
        """SHA-256 of the up file's text, in hex."""
        return self.up.checksum

    @property
    def title(self) -> str:
        """Version and name, as messages show a migration."""
        return f"{self.version}_{self.name}"


@dataclass(frozen=True)
class Folder:
    """All migrations of a database, in order.

    Attributes:
        path: the folder, as the settings name it.
        format: a name of `migrator.formats`.
    """

    path: str
    format: str
    migrations: tuple[Migration, ...]
