"""Folders of migrations, and what a database tells of those that were applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from migrator.discovery import read_folder
from migrator.model import Folder

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
    rows = session.execute("SELECT version::text FROM public._sqlx_migrations WHERE success ORDER BY version").fetchall()
    return [row[0] for row in rows]
