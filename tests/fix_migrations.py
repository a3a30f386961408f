"""Folders of migrations, and what a database tells of those that were applied to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from cluster import programs
from migrator.apply import migrate
from migrator.discovery import read_folder
from migrator.model import Folder
from postgres.login import Login
from tests.fix_server import empty_database

SQL = Path(__file__).resolve().parent.parent / "sql"
"""The migrations that come with the project."""


def write(path: Path, files: Mapping[str, str | bytes], format_name: str = "sqlx") -> Folder:
    """Makes `path` a folder of these files alone, and reads it."""
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        old.unlink()
    for name, content in files.items():
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_folder(path, format_name)


def tables(session: psycopg.Connection[Any]) -> list[str]:
    """The tables in `public`, without the histories of migration tools."""
    rows = session.execute(
        "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public'"
        " AND tablename NOT IN ('schema_migration', '_sqlx_migrations') ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def ledger_versions(session: psycopg.Connection[Any]) -> list[str]:
    """The versions in the project's own ledger, in order."""
    rows = session.execute("SELECT version FROM pgstack.migration ORDER BY version::numeric").fetchall()
    return [row[0] for row in rows]


def sqlx_versions(session: psycopg.Connection[Any]) -> list[str]:
    """The versions in sqlx's history, in order."""
    rows = session.execute("SELECT version::text FROM public._sqlx_migrations WHERE success ORDER BY _sqlx_migrations.version").fetchall()
    return [row[0] for row in rows]


def dump(login: Login, *options: str) -> str:
    """What pg_dump says of a database's schema."""
    program = str(programs.installed() / "pg_dump")
    address = ["--host", login.host, "--port", str(login.port), "--username", login.user, login.database]
    done = subprocess.run(
        [program, "--schema-only", "--restrict-key=test", *options, *address],
        env={**os.environ, "PGPASSWORD": login.password},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


class CleanRuns:
    """The schemas that folders make in an empty database when nothing goes wrong."""

    def __init__(self, superuser: Login) -> None:
        self._superuser = superuser
        self._schemas: dict[tuple[str, ...], str] = {}

    def assert_same(self, login: Login, folder: Folder) -> None:
        """Compares a database with what a clean run of the folder makes."""
        key = tuple(migration.checksum for migration in folder.migrations)
        if key not in self._schemas:
            with empty_database(self._superuser) as clean:
                with clean.connect() as session:
                    migrate(session, folder)
                self._schemas[key] = _anybodys(clean)
        assert _anybodys(login) == self._schemas[key]


def _anybodys(login: Login) -> str:
    """The schema of a database, without the name of its owner."""
    return dump(login).replace(login.user, "owner")


@pytest.fixture(scope="session")
def clean_runs(superuser: Login) -> CleanRuns:
    """What folders make on the server of the session."""
    return CleanRuns(superuser)
