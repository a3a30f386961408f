"""A folder of migrations whose database shows which of them ran, and how often; for runs that something breaks."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migrator.apply import migrate
from migrator.events import Direction, Listener
from migrator.model import Folder, Migration
from migrator.session import Settings
from postgres.login import Login
from tests.fix_migrations import CleanRuns, ledger_versions, sqlx_versions, write

Session = psycopg.Connection[Any]

ROOT = Path(__file__).resolve().parents[1]

MIGRATE = """
import json, sys
from pathlib import Path
from migrator.apply import migrate
from migrator.discovery import read_folder
from postgres.login import Login
given = json.load(sys.stdin)
with Login(**given["login"]).connect() as session:
    migrate(session, read_folder(Path(given["folder"]), "sqlx"))
"""

COUNT = 20
"""Migrations in the folder."""

SPEAKING = 8
COPIES = 11
CONCURRENTLY = 14
"""The one that can be told in what the server answers, the one that holds rows of data, and the one that runs outside a transaction."""

EIGHTH = b"the eighth speaks"
"""In what is asked and answered at the eighth migration; its number in the journal and its COMMIT come after it."""

ENTRIES = [2, 4, 6, 8, 10, 11, 12, 16, 18, 20]
"""Those that write their number into the journal; the others change the catalog alone, and are sent in a shorter way."""

IMPATIENT = Settings(lock_timeout=0.2, queue=20)
"""A silence is looked into after half the time that a statement may wait for a lock."""


class Heard(Listener):
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.ran_: list[str] = []
        self.waits: list[str] = []
        self.notices: list[str] = []

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        self.ran_.append(migration.version)

    def waiting(self, what: str) -> None:
        self.waits.append(what)

    @property
    def retries(self) -> list[str]:
        """What was tried again; the other waits depend on how busy the machine is."""
        return [what for what in self.waits if "tried again" in what]

    def noticed(self, text: str) -> None:
        self.notices.append(text)


def versions(folder: Folder) -> list[str]:
    """All versions of a folder, in order."""
    return [migration.version for migration in folder.migrations]


def run(login: Login, folder: Folder, heard: Listener | None = None, settings: Settings = IMPATIENT) -> list[str]:
    """Migrates as a user does; the versions that were applied."""
    with login.connect(connect_timeout=2) as session:
        return [migration.version for migration in migrate(session, folder, heard, settings)]


def settled(session: Session) -> bool:
    """Whether there is no other session in the database."""
    others = session.execute(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return others.rowcount == 0


def at_work(session: Session, needle: str, waits_for: str = "") -> bool:
    """Whether a session runs a statement with this in it, and waits for that."""
    found = session.execute(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'"
        " AND position(%s IN query) > 0 AND (wait_event_type = %s OR %s = '')",
        [needle, waits_for, waits_for],
    )
    return found.rowcount == 1


@contextlib.contextmanager
def migrator(login: Login, folder: Folder) -> Iterator[None]:
    """A migrator in a process of its own, which is killed in the end."""
    process = subprocess.Popen([sys.executable, "-c", MIGRATE], cwd=ROOT, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps({"login": asdict(login), "folder": folder.path}).encode())
    process.stdin.close()
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _sql(number: int) -> str:
    if number == COPIES:
        return f"CREATE TABLE t{number} (id int);\nCOPY t{number} FROM stdin;\n1\n2\n\\.\nINSERT INTO journal VALUES ({number});\n"
    if number == CONCURRENTLY:
        return "CREATE INDEX CONCURRENTLY journal_entry ON journal (entry);\n"
    table = f"CREATE TABLE t{number} (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY);\n"
    if number == SPEAKING:
        table += "SELECT 'the eighth speaks';\n"
    return f"{table}INSERT INTO journal VALUES ({number});\n" if number in ENTRIES else table


@pytest.fixture
def twenty(tmp_path: Path) -> Folder:
    """Tables, some rows of a journal, one migration with data for COPY, and one outside a transaction."""
    files = {f"{number}_t.sql": _sql(number) for number in range(2, COUNT + 1)}
    return write(tmp_path / "migrations", {"1_journal.sql": "CREATE TABLE journal (entry int)", **files})


@pytest.fixture
def converged(database: Login, twenty: Folder, clean_runs: CleanRuns) -> Callable[[], None]:
    """Asserts that each migration was applied once, and that both records and the schema are those of a clean run."""

    def check() -> None:
        assert run(database, twenty) == []
        with database.connect() as session:
            journal = session.execute("SELECT entry FROM journal ORDER BY entry").fetchall()
            assert [entry for (entry,) in journal] == ENTRIES
            assert (ledger_versions(session), sqlx_versions(session)) == (versions(twenty), versions(twenty))
            assert session.execute("SELECT count(*) FROM pgstack.step").fetchone() == (0,)
        clean_runs.assert_same(database, twenty)

    return check


@pytest.fixture
def session(database: Login) -> Iterator[Session]:
    """A session to look at the database from."""
    with contextlib.closing(database.connect()) as connection:
        yield connection
