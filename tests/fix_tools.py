"""The same migrations in the format of every tool, and databases that those tools migrated before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrator import grammar
from migrator.formats import FORMATS
from migrator.model import Folder, order_of
from postgres.login import Login

Session = psycopg.Connection[Any]

FORMAT_NAMES = sorted(FORMATS)

Step = tuple[str, str]
"""What makes a step of a schema's history, and what undoes it."""


def table_steps(count: int) -> list[Step]:
    """Steps of which each makes a table: t1, t2 and so on."""
    return [(f"CREATE TABLE t{number} (id int);\n", f"DROP TABLE t{number};\n") for number in range(1, count + 1)]


def files_of(format_name: str, steps: Sequence[Step]) -> dict[str, str]:
    """Files of a format, with the versions 1, 2 and so on; one for which nothing is said to undo it has no such file."""
    files: dict[str, str] = {}
    for number, (up, down) in enumerate(steps, start=1):
        files |= _files(format_name, number, up, down)
    return files


def _files(format_name: str, number: int, up: str, down: str) -> dict[str, str]:
    name = f"{number}_step"
    match format_name:
        case "dbmate":
            return {f"{name}.sql": f"-- migrate:up\n{up}-- migrate:down\n{down}"}
        case "goose":
            return {f"{name}.sql": f"-- +goose Up\n{up}" + (f"-- +goose Down\n{down}" if down else "")}
        case "flyway":
            pair = {f"V{number}__step.sql": up, f"U{number}__step.sql": down}
        case _:
            pair = {f"{name}.up.sql": up, f"{name}.down.sql": down}
    return {file: text for file, text in pair.items() if text}


def run_by_tool(session: Session, folder: Folder, *versions: str) -> None:
    """Does what the format's own tool does to apply migrations: makes its table, runs the files, adds its rows."""
    history = FORMATS[folder.format].history
    for statement in history.create:
        session.execute(statement)
    for migration in folder.migrations:
        if migration.version in versions:
            session.execute(migration.up.text.encode())
            session.execute(*history.record(migration))


def undo_by_tool(session: Session, folder: Folder, version: str) -> None:
    """Does what the tool does to undo its newest migration."""
    numbers = [migration.version for migration in folder.migrations]
    at = numbers.index(version)
    migration = folder.migrations[at]
    assert migration.down
    session.execute(migration.down.text.encode())
    session.execute(*FORMATS[folder.format].history.forget(migration, folder.migrations[at - 1] if at else None))


def told_by_tool(session: Session, folder: Folder) -> list[str]:
    """The versions that the tool's own history counts as applied, as its files have them, in order."""
    names = {migration.order: migration.version for migration in folder.migrations}
    orders = sorted(order_of(entry.version) for entry in FORMATS[folder.format].history.applied(session, folder))
    return [names.get(order, str(order)) for order in orders]


def told_by_ledger(session: Session) -> list[str]:
    """The versions in the project's own ledger, in order."""
    return sorted((row[0] for row in session.execute("SELECT version FROM pgstack.migration").fetchall()), key=order_of)


def made(session: Session) -> list[str]:
    """The tables in `public`, without those in which tools keep their history."""
    histories = [format_.history.table for format_ in FORMATS.values()]
    rows = session.execute(
        "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public' AND tablename <> ALL(%s) ORDER BY 1", [histories]
    ).fetchall()
    return [row[0] for row in rows]


@pytest.fixture
def session(database: Login) -> Iterator[Session]:
    """A session of the owner of an empty database."""
    with database.connect() as connection:
        yield connection


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Where a test puts its migrations."""
    return tmp_path / "migrations"


@pytest.fixture
def newer(monkeypatch: pytest.MonkeyPatch) -> str:
    """A comment that makes a script one that the parser's grammar does not know, as it knows no SQL that is newer."""
    comment = "/* newer than the grammar */"

    def blind(function: Callable[[str], Any]) -> Callable[[str], Any]:
        def look(text: str) -> Any:
            if comment in text:
                raise grammar.error()("syntax error", text.index(comment))
            return function(text)

        return look

    monkeypatch.setattr(grammar, "parse", blind(grammar.parse))
    monkeypatch.setattr(grammar, "places", blind(grammar.places))
    return comment
