"""Servers to measure on: their settings are the defaults, with fsync, and their data is on the checkout's disk."""

from __future__ import annotations

import contextlib
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from psycopg import sql

from benchmarks.migrate.programs import NoServer, Programs, find
from cluster import account
from postgres.login import Login
from postgres.scram import verifier
from tests.fix_server import free_port

OWNER = "bench"
"""The role that migrates: it owns its databases, and nothing else."""


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        version: as it says itself.
        superuser: to the database `postgres`.
    """

    version: str
    programs: Programs
    superuser: Login
    password: str = field(repr=False)

    def fresh_database(self) -> Login:
        """Makes an empty database and returns its owner's login. What was written before is on the disk afterwards.

        No database is ever dropped while something is measured: some file systems are slow at making files for minutes after
        many were deleted (ext4 skips over the inodes).
        """
        name = f"{OWNER}_{secrets.token_hex(6)}"
        with self.superuser.connect() as session:
            session.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0").format(sql.Identifier(name), sql.Identifier(OWNER)))
            session.execute("CHECKPOINT")
        return Login(self.superuser.host, self.superuser.port, name, OWNER, self.password, sslmode="disable")


def tables(login: Login) -> int:
    """How many tables a database has that migrations made, each with its key and its index."""
    with login.connect() as session:
        row = session.execute(
            """
            SELECT count(*) FILTER (WHERE indexes = 2) FROM (
                SELECT count(*) FILTER (WHERE i.indisvalid) AS indexes
                FROM pg_catalog.pg_class c JOIN pg_catalog.pg_index i ON i.indrelid = c.oid
                WHERE c.relkind = 'r' AND c.relname ~ '^t[0-9]+$' GROUP BY c.oid
            ) found
            """
        ).fetchone()
    return int(row[0]) if row else 0


@contextlib.contextmanager
def running(major: int, folder: Path) -> Iterator[Server]:
    """Makes a cluster below `folder`, which the server's account can reach, runs a server on it, and stops it at the end.

    Raises:
        NoServer: there are no programs of that version, or they do not work here.
    """
    owner = account.current(create=True)
    programs = find(major, owner)
    place = folder / str(major)
    owner.make_folder(place)
    data = f"--pgdata={place / 'data'}"
    port, password = free_port(), secrets.token_urlsafe()

    def run(program: str, *arguments: str) -> None:
        with tempfile.TemporaryFile() as printed:
            if owner.run(programs.command(program, *arguments), folder=place, log=printed.fileno()):
                printed.seek(0)
                raise NoServer(f"{program} failed: {printed.read().decode(errors='replace').strip()}")

    with _only_for(owner, place / "password", password) as file:
        run("initdb", data, "--username=postgres", f"--pwfile={file}", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories="
    run("pg_ctl", "start", data, f"--log={place / 'log'}", f"--options={options}", "--wait", "--silent")
    try:
        superuser = Login("127.0.0.1", port, "postgres", "postgres", password, sslmode="disable")
        yield Server(_prepare(superuser, password), programs, superuser, password)
    finally:
        run("pg_ctl", "stop", data, "--mode=immediate", "--silent")


@contextlib.contextmanager
def _only_for(owner: account.Account, file: Path, text: str) -> Iterator[Path]:
    """A file that an account alone can read, for as long as the context lasts."""
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")
    owner.own(file)
    try:
        yield file
    finally:
        file.unlink()


def _prepare(superuser: Login, password: str) -> str:
    """Makes the role that migrates; returns the server's version."""
    with superuser.connect() as session:
        secret = verifier(session, OWNER, password)
        session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(OWNER), secret))
        return session.info.parameter_status("server_version") or ""
