"""Reads a folder of migrations. Never guesses: a wrong guess would make the application's own tool run everything again."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from migrator.errors import FormatError
from migrator.formats import FORMATS
from migrator.formats.base import FileName, Format
from migrator.model import Folder, Migration, Script

FOREIGN = {
    "dbmate": re.compile(r"^--\s*migrate:(up|down)\b", re.MULTILINE),
    "goose": re.compile(r"^--\s*\+goose\s+(Up|Down)\b", re.MULTILINE | re.IGNORECASE),
}
"""Marks of formats that put both directions into one file: run as plain SQL, such a file would undo itself."""

PAIRED_FORMATS = ("golang-migrate", "soda", "sqlx")
"""The tools that would take a folder of `.up.sql` and `.down.sql` files for theirs."""


def read_folder(path: Path, format_name: str | None = None) -> Folder:
    """Reads all migrations below `path`, which is not searched deeper.

    Args:
        path: shown in messages as it is given.
        format_name: of `migrator.formats.NAMES`; None to tell it from the files.

    Raises:
        FormatError: names the file, or the formats there are to choose from.
    """
    if not path.is_dir():
        raise FormatError(f"{path} is no folder of migrations: there is none.", hint="Make it, or correct the path in the settings.")
    files = sorted(file for file in path.iterdir() if file.suffix == ".sql" and file.is_file())
    if not files:
        return Folder(str(path), format_name or "", ())
    format_ = FORMATS[format_name] if format_name else _tell(path, files)
    pairs: dict[int, dict[str, tuple[FileName, Path]]] = defaultdict(dict)
    for file in files:
        parts = format_.parse(file.name)
        if parts is None:
            raise FormatError(f"{file} has no name of the format {format_.name}.", hint=_example(format_))
        same = pairs[int(parts.version)].setdefault(parts.direction, (parts, file))
        if same[1] != file:
            raise FormatError(f"{same[1]} and {file} have one version.", hint="Give one of them a later one.")
    return Folder(str(path), format_.name, tuple(_migration(order, pairs[order]) for order in sorted(pairs)))


def _tell(path: Path, files: list[Path]) -> Format:
    """The one format whose names all files have, where only one has them."""
    fitting = [format_ for format_ in FORMATS.values() if all(format_.parse(file.name) for file in files)]
    names = [format_.parse(file.name) for format_ in fitting for file in files]
    if any(name and name.paired for name in names):
        raise FormatError(
            f"{path} has .up.sql and .down.sql files, which several tools write: {', '.join(PAIRED_FORMATS)}.",
            hint="Say which it is with `format:` of the database in the settings.",
        )
    if len(fitting) != 1:
        odd = next(file for file in files if not any(format_.parse(file.name) for format_ in FORMATS.values()))
        raise FormatError(
            f"{odd} has no name of a format that this version reads ({', '.join(sorted(FORMATS))}).",
            hint="Rename it, or move it to another folder.",
        )
    return fitting[0]


def _migration(order: int, files: dict[str, tuple[FileName, Path]]) -> Migration:
    if "up" not in files:
        raise FormatError(f"{files['down'][1]} undoes a migration that is not there.", hint="Add its .up.sql file, or remove this one.")
    parts, file = files["up"]
    down = files.get("down")
    if down and down[0].name != parts.name:
        raise FormatError(f"{file} and {down[1]} have one version, but two names.", hint="Rename one of them.")
    script = Script.read(file)
    for tool, mark in FOREIGN.items():
        if not parts.paired and mark.search(script.text):
            raise FormatError(f"{file} is a file of {tool}, which this version does not read.")
    return Migration(parts.version, order, parts.name, script, Script.read(down[1]) if down else None)


def _example(format_: Format) -> str:
    names = {"sqlx": "20250131120000_create_users.sql", "soda": "20250131120000_create_users.up.sql"}
    return f"A name of that format: {names[format_.name]}"
