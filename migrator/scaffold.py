"""Makes the files of a new migration, in the format and the habit of numbering that a folder has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from migrator.discovery import resolve
from migrator.errors import FormatError, MigrationError
from migrator.model import REPEATABLE, Folder, Migration

UP = "-- What this migration changes goes here.\n"
DOWN = "-- What undoes it goes here.\n"
AGAIN = "-- What is to run again whenever this file changes goes here.\n"

STAMP_DIGITS = 14
"""Digits of a version that is a time, as in 20250131120000."""

UNIX_DIGITS = 10
"""Digits of a version that counts the seconds since 1970."""

PAIR: Mapping[str, str] = MappingProxyType({".up.sql": UP, ".down.sql": DOWN})

CONTENTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "dbmate": {".sql": f"-- migrate:up\n{UP}\n-- migrate:down\n{DOWN}"},
        "golang-migrate": PAIR,
        "goose": {".sql": f"-- +goose Up\n{UP}\n-- +goose Down\n{DOWN}"},
        "soda": PAIR,
        "sqlx": {".sql": UP},
    }
)
"""What the files of a migration end with, and what they hold, by format; Flyway's names are made otherwise."""


def new_files(folder: Folder, name: str, now: datetime, *, repeatable: bool = False) -> tuple[tuple[str, str], ...]:
    """Name and content of each file of a new migration: a valid one, which changes nothing yet.

    Its version is the time where the folder's versions are times or where it is empty, and the next number where they count;
    it is always the newest.

    Args:
        folder: where the files will go. Nothing is written.
        name: in words; what cannot be in a file name is left out.
        now: aware of its time zone.
        repeatable: a migration without a version, which runs again whenever its file changes. Only Flyway has them.

    Raises:
        FormatError: the folder's format is not known, or has no repeatable migrations.
        MigrationError: nothing remains of the name, or a repeatable one has it already.
    """
    format_name = resolve(folder, None).format
    if not format_name:
        raise FormatError(
            f"Nothing tells in which format a migration of {folder.path} is to be.",
            hint="Say it with `format:` of the database in the settings.",
        )
    clean = _clean(name)
    if repeatable:
        return (_repeatable(folder, format_name, clean),)
    newest = next((migration for migration in reversed(folder.migrations) if not migration.repeatable), None)
    version = _next_version(newest, now)
    if format_name == "flyway":
        undo = ((f"U{version}__{clean}.sql", DOWN),) if newest and newest.down else ()
        return (f"V{version}__{clean}.sql", UP), *undo
    pairs = newest is not None and newest.up.path.endswith(".up.sql")
    contents = PAIR if pairs else CONTENTS[format_name]
    return tuple((f"{version}_{clean}{suffix}", content) for suffix, content in contents.items())


def _clean(name: str) -> str:
    words = re.sub(r"[\s_-]+", "_", name)
    clean = re.sub(r"\W", "", words).strip("_")
    if not clean:
        raise MigrationError(f"`{name}` makes no file name.", hint="Say in a few words what the migration changes.")
    return clean


def _repeatable(folder: Folder, format_name: str, name: str) -> tuple[str, str]:
    if format_name != "flyway":
        raise FormatError(f"{format_name} has no repeatable migrations.", hint="Only the format flyway has them.")
    version = REPEATABLE + name
    if any(migration.version == version for migration in folder.migrations):
        raise MigrationError(f"{folder.path} has {version}.sql already.", hint="Change that file: it will run again.")
    return f"{version}.sql", AGAIN


def _next_version(newest: Migration | None, now: datetime) -> str:
    """A version after the newest one, as wide as that is."""
    stamp = now.astimezone(UTC).strftime("%Y%m%d%H%M%S")
    if newest is None:
        return stamp
    last = newest.version.partition(".")[0]
    clocks = {STAMP_DIGITS: int(stamp), UNIX_DIGITS: int(now.timestamp())}
    return str(max(clocks.get(len(last), 0), int(last) + 1)).zfill(len(last))
