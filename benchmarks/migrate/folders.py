"""Folders of migrations, the same ones in every tool's format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

FIRST = 20250101000000
"""A version before the first one, as most tools write them: a point in time, to the second."""


@dataclass(frozen=True)
class Layout:
    """How a tool wants its files.

    Attributes:
        name: of the file of the migration with this number, from 1 on.
        head, tail: lines before and after the SQL, with their line ends.
    """

    name: Callable[[int], str]
    head: str = ""
    tail: str = ""


LAYOUTS = {
    "dbmate": Layout(lambda number: f"{FIRST + number}_create_t{number}.sql", "-- migrate:up\n", "-- migrate:down\n"),
    "flyway": Layout(lambda number: f"V{FIRST + number}__create_t{number}.sql"),
    "golang-migrate": Layout(lambda number: f"{FIRST + number}_create_t{number}.up.sql"),
    "goose": Layout(lambda number: f"{FIRST + number}_create_t{number}.sql", "-- +goose Up\n"),
    "soda": Layout(lambda number: f"{FIRST + number}_create_t{number}.up.sql"),
    "sqlx": Layout(lambda number: f"{FIRST + number}_create_t{number}.sql"),
    "tern": Layout(lambda number: f"{number:04}_create_t{number}.sql"),
}
"""Format → its layout."""

SCRIPT = "script"
"""The format of no tool: one file for psql, a transaction for each migration."""


def statements(number: int) -> str:
    """A table with an identity key, and an index."""
    table = f"t{number}"
    return (
        f"CREATE TABLE {table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL);\n"
        f"CREATE INDEX {table}_name ON {table} (name);\n"
    )


def write(folder: Path, layout: str, count: int) -> Path:
    """Makes a folder of `count` migrations and returns it; for psql, the file in it."""
    folder.mkdir(parents=True)
    if layout == SCRIPT:
        script = folder / "all.sql"
        script.write_text("".join(f"BEGIN;\n{statements(number)}COMMIT;\n" for number in range(1, count + 1)), encoding="utf-8")
        return script
    chosen = LAYOUTS[layout]
    for number in range(1, count + 1):
        (folder / chosen.name(number)).write_text(chosen.head + statements(number) + chosen.tail, encoding="utf-8")
    return folder
