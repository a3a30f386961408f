"""A real PostgreSQL server, from the embedded package, for the tests that need one."""

from __future__ import annotations

import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg import sql

from cluster.cluster import Cluster
from cluster.marker import Marker
from postgres.login import Login


def free_port() -> int:
    """A TCP port of loopback that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that the server's account may enter; pytest's own are closed to it where the tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="pgstack-test."))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def superuser(open_folder: Path) -> Iterator[Login]:
    """The superuser of a server that runs for the whole session."""
    password = secrets.token_urlsafe()
    port = free_port()
    parameters = {"fsync": "off", "shared_buffers": "16MB"}
    cluster = Cluster(open_folder / "session", Marker("tests", "session", 18), port, parameters)
    cluster.ensure(password)
    yield Login("127.0.0.1", port, "postgres", "postgres", password, sslmode="disable")
    cluster.delete()


@contextmanager
def empty_database(superuser: Login) -> Iterator[Login]:
    """A login, as its owner who is no superuser, to an empty database that is dropped afterwards."""
    name = f"test_{secrets.token_hex(6)}"
    password = secrets.token_urlsafe()
    role = sql.Identifier(name)
    with superuser.connect() as session:
        session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
        session.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(role, role))
    try:
        yield Login(superuser.host, superuser.port, name, name, password, sslmode="disable")
    finally:
        with superuser.connect() as session:
            session.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(role))
            session.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture
def database(superuser: Login) -> Iterator[Login]:
    """A login to an empty database of the test's own."""
    with empty_database(superuser) as login:
        yield login
