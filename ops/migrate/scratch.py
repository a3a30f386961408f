"""Throw-away databases: made like those of a stack, gone afterwards."""

from __future__ import annotations

import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from psycopg import sql

from bootstrap.model import Role, Wanted
from bootstrap.run import ensure
from cluster import programs
from cluster.cluster import Cluster
from cluster.errors import PortTakenError
from cluster.marker import Marker
from components.settings import DatabaseSettings
from ops.access import Access, from_environment
from ops.source import Source
from postgres.login import Login

PARAMETERS = {"fsync": "off", "shared_buffers": "16MB"}
"""Of a server whose data nobody needs."""

STARTS = 5
"""Tries to start a server on a port that was free a moment ago."""


class Server(Protocol):
    """Makes databases that are thrown away with it."""

    @property
    def version(self) -> str:
        """PostgreSQL's, in full."""

    def new(self) -> Access:
        """The owner's way into a new, empty database."""


@contextmanager
def server(source: Source, variable: str | None) -> Iterator[Server]:
    """A server for databases like that of `source`: one of its own, or one that is there.

    Args:
        variable: of the environment, with the URL of a server where the user may make databases; None for a server that is
            started for this, on loopback, and deleted at the end.
    """
    settings = source.settings or DatabaseSettings(name="scratch")
    with _started(settings) if variable is None else _borrowed(settings, variable) as made:
        yield made


class _Own:
    """A server that was started for this. Databases have the roles and the extensions that the stack would give them."""

    def __init__(self, administrator: Login, settings: DatabaseSettings) -> None:
        self._administrator = administrator
        self._settings = settings
        self._roles = {role: Role(getattr(settings, role), secrets.token_urlsafe()) for role in ("owner", "app", "readonly")}
        self.version = _version(Access(administrator))

    def new(self) -> Access:
        name = _name()
        ensure(self._administrator, Wanted((name,), extensions=self._settings.extensions, **self._roles))
        owner = self._roles["owner"]
        return Access(replace(self._administrator, database=name, user=owner.name, password=owner.password))


@contextmanager
def _started(settings: DatabaseSettings) -> Iterator[Server]:
    folder = Path(tempfile.mkdtemp(prefix="pgstack-scratch."))
    folder.chmod(0o755)  # for the account that the server has where root runs this
    try:
        password = secrets.token_urlsafe()
        cluster = _start(folder / "server", password)
        try:
            yield _Own(Login("127.0.0.1", cluster.port, "postgres", "postgres", password, sslmode="disable"), settings)
        finally:
            cluster.delete()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(folder: Path, password: str) -> Cluster:
    for _ in range(STARTS - 1):
        try:
            return _start_once(folder, password)
        except PortTakenError:
            continue
    return _start_once(folder, password)


def _start_once(folder: Path, password: str) -> Cluster:
    cluster = Cluster(folder, Marker("pgstack", "scratch", programs.version()[0]), _free_port(), PARAMETERS)
    cluster.ensure(password)
    return cluster


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class _Borrowed:
    """A server that is there. Its roles are left alone: who logs in owns the databases."""

    def __init__(self, access: Access, settings: DatabaseSettings) -> None:
        self._made: list[str] = []
        self._access = access
        self._settings = settings
        self.version = _version(access)

    def new(self) -> Access:
        name = _name()
        with self._access.session() as session:
            self._made.append(name)
            session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        made = replace(self._access, login=self._access.login.to(name))
        with made.session() as session:
            for extension in self._settings.extensions:
                session.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        return made

    def clear(self) -> None:
        """Drops what was made."""
        with self._access.session() as session:
            for name in self._made:
                session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _borrowed(settings: DatabaseSettings, variable: str) -> Iterator[Server]:
    made = _Borrowed(from_environment(variable, None), settings)
    try:
        yield made
    finally:
        made.clear()


def _name() -> str:
    return f"pgstack_scratch_{secrets.token_hex(6)}"


def _version(access: Access) -> str:
    with access.session() as session:
        return (session.info.parameter_status("server_version") or "").partition(" ")[0]
