"""Reads a folder of migrations. Never guesses: a wrong guess would make the application's own tool run everything again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from migrator.errors import FormatError
from migrator.formats import FORMATS
from migrator.formats.base import FileName, Format
from migrator.model import Folder, Migration, Order, Script, order_of

MARKED = tuple(format_ for format_ in FORMATS.values() if format_.mark)
"""Formats that put both directions into one file: run as plain SQL, such a file would undo itself."""

CHUNK = 2**14
"""Bytes read at a time: more than most migrations have, and little enough to be allocated at once."""


class File(NamedTuple):
    """A file of a folder: its name, and what is in it."""

    name: str
    script: Script


class Named(NamedTuple):
    """The same, with the name taken apart."""

    parts: FileName
    script: Script


def read_folder(path: Path, format_name: str | None = None) -> Folder:
    """Reads all migrations in `path`, which is not searched deeper.

    Where several formats fit, the folder's format is empty and its candidates are named; `resolve` decides later.

    Args:
        path: shown in messages as it is given.
        format_name: of `migrator.formats.NAMES`; None to tell it from the files.

    Raises:
        FormatError: names the file, and what is wrong with it.
    """
    folder = str(path)
    names = _names(folder)
    files = [_read(folder, name) for name in names if name.endswith(".sql")]
    formats = (FORMATS[format_name],) if format_name else _fitting(files)
    for format_ in formats or FORMATS.values():
        _refuse_unread(folder, names, format_)
    if not formats:
        return Folder(folder, "", ())
    migrations = _migrations(formats[0], files)
    if len(formats) == 1:
        return Folder(folder, formats[0].name, migrations)
    return Folder(folder, "", migrations, tuple(format_.name for format_ in formats))


def resolve(folder: Folder, format_name: str | None) -> Folder:
    """The folder in one format.

    Args:
        format_name: of `migrator.formats.NAMES`; None where nothing but the files could tell.

    Raises:
        FormatError: it has files of another format, or several fit and nothing tells which it is.
    """
    if format_name is None or format_name == folder.format:
        if folder.candidates:
            raise FormatError(
                f"{folder.path} has files that several tools write: {', '.join(folder.candidates)}.",
                hint="Say which it is with `format:` of the database in the settings.",
            )
        return folder
    if not folder.migrations:
        return folder._replace(format=format_name)
    if format_name not in folder.candidates:
        raise FormatError(
            f"{folder.path} has no files of {format_name}, but of {' or '.join(folder.candidates or [folder.format])}.",
            hint="Correct `format:` of the database in the settings, or the folder.",
        )
    migrations = tuple(_in_format(FORMATS[format_name], migration) for migration in folder.migrations)
    return Folder(folder.path, format_name, migrations)


def _in_format(format_: Format, migration: Migration) -> Migration:
    """A migration of a pair of files, as this format reads them."""
    down = format_.sections(migration.down).up if migration.down else None
    return Migration(migration.version, migration.name, format_.sections(migration.up).up, down)


def _names(folder: str) -> list[str]:
    """The names of a folder's files, sorted."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())
    except (FileNotFoundError, NotADirectoryError):
        message = f"{folder} is no folder of migrations: there is none."
        raise FormatError(message, hint="Make it, or correct the path in the settings.") from None


def _read(folder: str, name: str) -> File:
    path = f"{folder}{os.sep}{name}"
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            raw = chunk = os.read(descriptor, CHUNK)
            while len(chunk) == CHUNK:
                chunk = os.read(descriptor, CHUNK)
                raw += chunk
        finally:
            os.close(descriptor)
    except OSError as error:
        raise FormatError(f"{path} cannot be read: {error.strerror}.") from None
    return File(name, Script.of(path, raw))


def _looks(file: File) -> tuple[Format, ...]:
    """The formats that one file could be of, by its name and its content."""
    named = tuple(format_ for format_ in FORMATS.values() if format_.parse(file.name))
    marked = tuple(format_ for format_ in named if format_.marks(file.script.text))
    return marked or tuple(format_ for format_ in named if not format_.mark)


def _fitting(files: Sequence[File]) -> tuple[Format, ...]:
    """The formats that all files fit; none where there are no files.

    Raises:
        FormatError: there are files, but of no format, or of several.
    """
    first = next((file for file in files if _looks(file)), None)
    if first is None:
        if files:
            raise _odd(files[0])
        return ()
    formats = _looks(first)
    paired = all(_fits(format_, first.name, paired=True) for format_ in formats)
    for file in files:
        if not all(_fits(format_, file.name, paired=paired) for format_ in formats):
            formats = tuple(format_ for format_ in formats if _fits(format_, file.name, paired=paired))
        if not formats:
            raise _mixed(first, file)
    return formats


def _fits(format_: Format, name: str, *, paired: bool) -> bool:
    parts = format_.parse(name)
    return parts.paired == paired if parts else name in format_.beside


def _odd(file: File) -> FormatError:
    return FormatError(
        f"{file.script.path} has no name of a format that is read here ({', '.join(FORMATS)}).",
        hint="Rename it, or move it to another folder.",
    )


def _mixed(first: File, other: File) -> FormatError:
    looks = _looks(other)
    if not looks:
        return _odd(other)
    of_first, of_other = (" or ".join(format_.name for format_ in formats) for formats in (_looks(first), looks))
    return FormatError(
        f"{first.script.path} looks like a file of {of_first}, {other.script.path} like one of {of_other}.",
        hint="Move one of them to another folder, or say what they are with `format:` of the database in the settings.",
    )


def _refuse_unread(folder: str, names: Sequence[str], format_: Format) -> None:
    """Refuses files that the tool would run, and that nobody would miss here until something is missing in the database."""
    if format_.unread:
        for name in names:
            if not name.endswith(".sql") and format_.unread.fullmatch(name):
                raise FormatError(
                    f"{folder}{os.sep}{name} belongs to a migration of {format_.tool}, but is no SQL, and is not read here.",
                    hint=f"Write it as SQL, or leave this folder to {format_.tool}.",
                )


def _migrations(format_: Format, files: Sequence[File]) -> tuple[Migration, ...]:
    """All migrations, in order."""
    found: dict[str, dict[Order, Named]] = {"up": {}, "down": {}}
    foreign = [other for other in MARKED if other is not format_]
    for file in files:
        parts = format_.parse(file.name)
        if parts is None:
            if file.name in format_.beside:
                continue
            raise FormatError(f"{file.script.path} has no name of the format {format_.name}.", hint=_example(format_))
        for other in foreign:
            if other.cue in file.script.text and other.marks(file.script.text):
                raise _foreign(format_, other, file)
        named = Named(parts, file.script)
        same = found[parts.direction].setdefault(order_of(parts.version), named)
        if same is not named:
            raise FormatError(f"{same.script.path} and {file.script.path} have one version.", hint="Give one of them a later one.")
    ups, downs = found["up"], found["down"]
    return tuple([_migration(format_, ups.get(order), downs.get(order)) for order in sorted({**ups, **downs})])


def _foreign(format_: Format, other: Format, file: File) -> FormatError:
    return FormatError(
        f"{file.script.path} is a file of {other.tool}, in a folder of {format_.name}.",
        hint="Move it to another folder, or correct `format:` of the database in the settings.",
    )


def _migration(format_: Format, up_file: Named | None, down_file: Named | None) -> Migration:
    if up_file is None:
        assert down_file is not None  # noqa: S101  a version has one of the two
        raise FormatError(
            f"{down_file.script.path} undoes a migration that is not there.", hint="Add the file that it undoes, or remove this one."
        )
    parts, script = up_file
    up, down = format_.sections(script)
    if down_file:
        undone, down_script = down_file
        if undone.name != parts.name:
            raise FormatError(f"{script.path} and {down_script.path} have one version, but two names.", hint="Rename one of them.")
        down = format_.sections(down_script).up
    return Migration(parts.version, parts.name, up, down)


def _example(format_: Format) -> str:
    return f"A name of that format: {format_.examples[0]}"
