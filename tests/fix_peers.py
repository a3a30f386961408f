"""The migration tools of others on a database of the test's own, beside our migrator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import pytest

from migrator.apply import inspect, migrate
from migrator.discovery import read_folder
from migrator.model import Folder, Order, order_of
from migrator.plan import Plan
from postgres.login import Login
from tests.fix_migrations import dump
from tests.fix_server import empty_database
from tests.interop.folders import STEPS, Case, Files, Step
from tools.peers import Peer
from tools.peers.versions import VERSIONS

HISTORIES: dict[str, LiteralString] = {
    "sqlx": "SELECT version, description, success, checksum FROM public._sqlx_migrations ORDER BY 1",
    "soda": "SELECT version FROM public.schema_migration ORDER BY 1",
    "golang-migrate": "SELECT version, dirty FROM public.schema_migrations ORDER BY 1",
    "dbmate": "SELECT version FROM public.schema_migrations ORDER BY 1",
    "goose": "SELECT version_id, is_applied FROM public.goose_db_version ORDER BY id",
    "flyway": """
        SELECT installed_rank, version, description, type, script, checksum, installed_by = current_user, success
        FROM public.flyway_schema_history ORDER BY 1
    """,
}
"""Format → what its tool's table says, without times."""


class Outcome(NamedTuple):
    """What migrations left in a database.

    Attributes:
        schema: as pg_dump writes it, the tool's own table included and the ledger left out.
        history: the rows of the tool's own table.
    """

    schema: str
    history: list[tuple[Any, ...]]


def outcome(login: Login, format_name: str) -> Outcome:
    """What migrations of a format left in a database."""
    with login.connect() as session:
        rows = session.execute(HISTORIES[format_name]).fetchall()
    return Outcome(dump(login, "--exclude-schema=pgstack", "--no-owner", "--no-acl"), rows)


def orders(versions: Iterable[str]) -> list[Order]:
    """Versions, however they are spelled."""
    return [order_of(version) for version in versions]


class Alone:
    """What the tools make of all steps in an empty database when nobody else touches it. Each is run once."""

    def __init__(self, superuser: Login) -> None:
        self._superuser = superuser
        self._outcomes: dict[str, Outcome] = {}

    def __call__(self, case: Case, path: Path) -> Outcome:
        """The outcome of a case's folder of all steps."""
        if case.name not in self._outcomes:
            with empty_database(self._superuser) as login:
                case.peer.up(login, path)
                self._outcomes[case.name] = outcome(login, case.peer.format)
        return self._outcomes[case.name]


@dataclass(frozen=True)
class Ground:
    """A tool that is installed, an empty database, and a folder of migrations, which both migrators are run on.

    Attributes:
        path: the folder; it has all steps at first.
    """

    case: Case
    login: Login
    path: Path

    def place(self, *steps: Step, more: Files | None = None) -> None:
        """Makes the folder one of these steps and files alone."""
        self.path.mkdir(exist_ok=True)
        for old in self.path.iterdir():
            old.unlink()
        for name, content in {**self.case.files(*steps), **(more or {})}.items():
            (self.path / name).write_bytes(content)

    @property
    def peer(self) -> Peer:
        """The tool."""
        return self.case.peer

    @property
    def folder(self) -> Folder:
        """The folder as we read it."""
        return read_folder(self.path, self.peer.format)

    @property
    def every(self) -> list[Order]:
        """Every version of the folder, in order."""
        return [migration.order for migration in self.folder.migrations]

    def ours(self, target: str | None = None) -> list[Order]:
        """Runs our migrator, up or down; the versions that it ran."""
        with self.login.connect() as session:
            return orders(migration.version for migration in migrate(session, self.folder, target=target, allow_rollback=True))

    def plan(self) -> Plan:
        """What our migrator would do."""
        with self.login.connect() as session:
            return inspect(session, self.folder)

    def our_pending(self) -> list[Order]:
        """The versions that we call pending."""
        return [migration.order for migration in self.plan().pending]

    def theirs(self, count: int | None = None) -> None:
        """Runs the tool."""
        self.peer.up(self.login, self.path, count)

    def their_pending(self) -> list[Order]:
        """The versions that the tool calls pending."""
        return orders(self.peer.pending(self.login, self.path))

    def outcome(self) -> Outcome:
        """What has become of the database."""
        return outcome(self.login, self.peer.format)

    def notes(self) -> list[tuple[int, str]]:
        """What the steps wrote into the table `note`."""
        with self.login.connect() as session:
            return session.execute("SELECT id, body FROM note ORDER BY id").fetchall()

    def ledger(self) -> list[Order]:
        """The versions in our ledger, in order."""
        with self.login.connect() as session:
            return sorted(orders(row[0] for row in session.execute("SELECT version FROM pgstack.migration")))


@pytest.fixture(scope="session")
def alone(superuser: Login) -> Alone:
    """What the tools do on the server of the session."""
    return Alone(superuser)


@pytest.fixture
def ground(case: Case, database: Login, tmp_path: Path) -> Ground:
    """All steps as files of the test's `case`. Leaves the test out where its tool is not installed."""
    if not case.peer.installed():
        pytest.skip(f"{case.peer.name} {VERSIONS[case.peer.name]} is not installed; `make interop` gets every tool")
    made = Ground(case, database, tmp_path / "migrations")
    made.place(*STEPS)
    return made
