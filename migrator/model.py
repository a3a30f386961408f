"""A migration, as every part of the migrator sees it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple, Self

from migrator.errors import FormatError

BOM = b"\xef\xbb\xbf"

REPEATABLE = "R__"
"""What the version of a migration begins with that has none of its own and runs again whenever its file changes."""

Order = tuple[bool, tuple[int, ...], str]
"""What versions are sorted by: repeatable ones last, by name; all others by their numbers."""


def order_of(version: str) -> Order:
    """The place of a version: `9` before `10`, `1.9` before `1.10`, and `1.0` the same as `1`.

    What is no number comes before all others: a table may hold it, no file has it.
    """
    if version.isdecimal():
        return (False, (int(version),), "")
    if version.startswith(REPEATABLE):
        return (True, (), version)
    parts = version.split(".")
    if not all(part.isdecimal() for part in parts):
        return (False, (), version)
    numbers = [int(part) for part in parts]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return (False, tuple(numbers), "")


class Script(NamedTuple):
    """The SQL of one direction: a file, or a section of one.

    Attributes:
        path: of the file, as messages show it.
        raw: the bytes of the whole file.
        text: the SQL, without a byte order mark and with line feeds alone as its line ends.
        first_line: the 1-based line of the file at which `text` begins.
        transactional: False where the file itself asks to be run outside a transaction.
    """

    path: str
    raw: bytes
    text: str
    first_line: int = 1
    transactional: bool = True

    @classmethod
    def read(cls, file: Path) -> Script:
        """Reads a whole file.

        Raises:
            FormatError: it is not UTF-8, or has a NUL byte, which PostgreSQL takes in no text; says at which byte.
        """
        return cls.of(str(file), file.read_bytes())

    @classmethod
    def of(cls, path: str, raw: bytes) -> Script:
        """The script that a file's bytes are; raises as `read` does."""
        at = raw.find(b"\0")
        text = ""
        if at < 0:
            try:
                text = raw.removeprefix(BOM).replace(b"\r\n", b"\n").decode()
            except UnicodeDecodeError:
                at = _first_bad_byte(raw)
        if at >= 0:
            raise FormatError(f"{path} is no UTF-8 text: see byte {at + 1}.", hint="Save it as UTF-8 and try again.")
        return cls(path, raw, text)

    def section(self, text: str, first_line: int, *, transactional: bool = True) -> Script:
        """A part of the same file."""
        return self._replace(text=text, first_line=first_line, transactional=transactional)

    @property
    def checksum(self) -> str:
        """SHA-256 of `text` in hex: a checkout with other line ends is the same migration."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _first_bad_byte(raw: bytes) -> int:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return error.start
    return 0


class Step(NamedTuple):
    """What a migration is made of, and what every run asks of each one."""

    version: str
    name: str
    up: Script
    down: Script | None
    order: Order
    checksum: str


class Migration(Step):
    """One step of a schema's history. One with another version or another script is made anew.

    Attributes:
        version: as the format's tool records it; `R__<name>` for one that is repeatable.
        name: as the file name has it, without version and suffix.
        up: what makes the step.
        down: what undoes it, where the files say so.
        order: what migrations are sorted by.
        checksum: of the up script.
    """

    __slots__ = ()

    def __new__(cls, version: str, name: str, up: Script, down: Script | None = None) -> Self:
        """Works out order and checksum."""
        return super().__new__(cls, version, name, up, down, order_of(version), up.checksum)

    def __getnewargs__(self) -> tuple[str, str, Script, Script | None]:
        """What a copy is made of."""
        return self[:4]

    @property
    def repeatable(self) -> bool:
        """Whether it has no version, and runs again whenever its file changes."""
        return self.version.startswith(REPEATABLE)

    @property
    def title(self) -> str:
        """Version and name, as messages show a migration."""
        return title_of(self.version, self.name)


def title_of(version: str, name: str) -> str:
    """Version and name, as messages show a migration."""
    return version if version.startswith(REPEATABLE) else f"{version}_{name}"


class Folder(NamedTuple):
    """All migrations of a database, in order.

    Attributes:
        path: the folder, as the settings name it.
        format: a name of `migrator.formats`; empty where several fit, or where there are no files to tell it from.
        candidates: the formats that fit, where `format` is empty and there are files.
    """

    path: str
    format: str
    migrations: tuple[Migration, ...]
    candidates: tuple[str, ...] = ()
