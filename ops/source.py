"""Where a database's migrations are, and how they are to be applied: from a stack's settings, or from the options alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ops import stacks
from ops.command import Choice
from toolchain import paths

if TYPE_CHECKING:
    from components.settings import DatabaseSettings
    from migrator.model import Folder


@dataclass(frozen=True)
class Source:
    """The migrations of one database.

    Attributes:
        database: its name; empty where only the environment knows it.
        path: the folder.
        format: of its files; None where they tell it.
        target: the version to go to; None for the newest.
        lock_timeout: seconds that a statement waits for a lock.
        settings: the database's own; None where it is no stack's.
        is_external: whether its server is one that the stack did not make, and has whatever version it has.
    """

    database: str
    path: Path
    format: str | None
    target: str | None = None
    lock_timeout: float = 5.0
    settings: DatabaseSettings | None = None
    is_external: bool = False

    def read(self) -> Folder:
        """Its migrations.

        Raises:
            FormatError: the folder is not there, or its files cannot be read.
        """
        from migrator.discovery import read_folder  # noqa: PLC0415

        return read_folder(self.path, self.format)


def one(choice: Choice) -> Source:
    """The database that is meant.

    Raises:
        typer.BadParameter: the stack has several, or not this one.
    """
    found = several(choice)
    if choice.database is None:
        found = tuple(source for source in found if not source.settings or source.database == source.settings.name)
    if len(found) == 1:
        return found[0]
    names = ", ".join(source.database for source in several(choice))
    raise typer.BadParameter(f"the stack {_stack(choice)} has several databases: {names}.", param_hint="--database")


def several(choice: Choice) -> tuple[Source, ...]:
    """The database that is named; where none is, all of the stack's that have migrations, test twins included.

    Raises:
        typer.BadParameter: options that do not go together; or there is no such database.
    """
    if choice.folder is not None:
        if choice.stack is not None:
            raise typer.BadParameter("a folder given by hand belongs to no stack: give one of the two.", param_hint="--stack")
        return (Source(choice.database or "", choice.folder, _known(choice.format)),)
    for option, value, instead in (("--format", choice.format, "`format:` of the database"), ("--url-from", choice.url_from, "the target")):
        if value is not None:
            raise typer.BadParameter(f"goes with --folder; for a stack, {instead} in its settings says it.", param_hint=option)
    stack = _stack(choice)
    external = stacks.settings_of(stack).get("target") == "external"
    found = {name: _of(entry, name, is_external=external) for entry in stacks.databases_of(stack) for name in entry.names}
    if choice.database is None:
        chosen = tuple(source for source in found.values() if _is_meant(source))
    else:
        chosen = tuple(source for name, source in found.items() if name == choice.database)
    if not chosen:
        names = ", ".join(found) or "none"
        what = f"no database {choice.database}" if choice.database else "no database with migrations"
        raise typer.BadParameter(f"the stack {stack} has {what}; there are: {names}.", param_hint="--database")
    return chosen


def _known(format_name: str | None) -> str | None:
    """The format, if there is such a one."""
    from migrator.formats import NAMES  # noqa: PLC0415

    if format_name is not None and format_name not in NAMES:
        raise typer.BadParameter(f"{format_name!r} is none of {', '.join(sorted(NAMES))}.", param_hint="--format")
    return format_name


def _stack(choice: Choice) -> str:
    return choice.stack or stacks.USUAL


def _of(entry: DatabaseSettings, name: str, *, is_external: bool) -> Source:
    return Source(name, _shown(entry), entry.format, entry.target_version, float(entry.lock_timeout), entry, is_external)


def _shown(entry: DatabaseSettings) -> Path:
    """The folder of a database: as the settings name it, which is from Pulumi.yaml on; the whole path for who is elsewhere."""
    folder = Path(entry.migrations or Path("sql", entry.name, "migrations"))
    return folder if Path.cwd() == paths.ROOT else paths.ROOT / folder


def _is_meant(source: Source) -> bool:
    """Whether a database has migrations: a folder that is named has to be there, the usual one need not."""
    return source.path.is_dir() or (source.settings is not None and source.settings.migrations is not None)
