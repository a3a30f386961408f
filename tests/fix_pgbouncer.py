"""A real PgBouncer before a server: the one that is installed, or Debian's, unpacked into a folder that git ignores."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cluster import account
from postgres.login import Login
from tests.fix_cluster import wait_for
from tests.fix_server import free_port

CACHE = Path(__file__).resolve().parents[1] / ".pgstack" / "pgbouncer"

PACKAGES = ["pgbouncer", "libevent-2.1-7", "libc-ares2"]
"""Debian's, with what it takes that few systems have."""


@dataclass(frozen=True)
class Program:
    """An executable file, and the folder of the libraries that it takes; empty where the system has them."""

    path: Path
    libraries: str = ""


@dataclass
class PgBouncer:
    """One that runs in a folder of its own.

    Attributes:
        login: the way in through it.
    """

    login: Login
    folder: Path
    program: Program

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = [str(self.program.path), "--daemon", "--quiet", str(self.folder / "pgbouncer.ini")]
        printed = self.folder / "printed"
        with printed.open("w") as log:
            code = account.current(create=True).run(
                ["/usr/bin/env", f"LD_LIBRARY_PATH={self.program.libraries}", *command], folder=self.folder, log=log.fileno()
            )
        assert code == 0, printed.read_text()
        wait_for(lambda: (self.folder / "pid").exists() and self._answers(), "PgBouncer to answer")

    def kill(self) -> None:
        """Kills it, with all connections."""
        os.kill(int((self.folder / "pid").read_text()), signal.SIGKILL)
        wait_for(lambda: not self._answers(), "PgBouncer to end")
        (self.folder / "pid").unlink()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.login.host, self.login.port)):
            return True
        return False


@pytest.fixture(scope="session")
def pgbouncer_program(open_folder: Path) -> Program:
    """The program, where the server's account may run it."""
    if found := shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin"):
        return Program(Path(found))
    if not (CACHE / "usr/sbin/pgbouncer").exists():
        _unpack(CACHE)
    copy = open_folder / "pgbouncer"
    shutil.copytree(CACHE, copy)
    libraries = next(copy.glob("usr/lib/*/libcares.so*")).parent
    return Program(copy / "usr/sbin/pgbouncer", str(libraries))


def _unpack(folder: Path) -> None:
    """Fetches Debian's packages. Needs no root."""
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        pytest.skip("there is no PgBouncer here, and no apt-get to get one")
    partial = folder.with_name(f"pgbouncer.{os.getpid()}")
    partial.mkdir(parents=True)
    try:
        fetched = subprocess.run(["apt-get", "download", *PACKAGES], cwd=partial, capture_output=True, check=False)
        if fetched.returncode:
            pytest.skip(f"there is no PgBouncer here, and apt-get gets none: {fetched.stderr.decode().strip()}")
        for package in partial.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, partial / "root"], check=True)
        (partial / "root").rename(folder)
    finally:
        shutil.rmtree(partial)


CONFIGURATION = """
[databases]
* = host={server.host} port={server.port}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users
pool_mode = {mode}
default_pool_size = {size}
logfile = {folder}/log
pidfile = {folder}/pid
"""

Pooled = Callable[..., PgBouncer]


@pytest.fixture
def pooled(pgbouncer_program: Program, open_folder: Path, database: Login) -> Iterator[Pooled]:
    """Makes a PgBouncer before the test's database: `pooled("session", size=20)`."""
    made: list[PgBouncer] = []

    def make(mode: str, size: int = 20) -> PgBouncer:
        owner = account.current(create=True)
        folder = open_folder / secrets.token_hex(4)
        folder.mkdir()
        port = free_port()
        text = CONFIGURATION.format(server=database, port=port, folder=folder, mode=mode, size=size)
        (folder / "pgbouncer.ini").write_text(text)
        (folder / "users").write_text(f'"{database.user}" "{database.password}"\n')
        for path in (folder, *folder.iterdir()):
            owner.own(path)
        made.append(PgBouncer(replace(database, port=port), folder, pgbouncer_program))
        made[-1].start()
        return made[-1]

    yield make
    for pgbouncer in made:
        pgbouncer.kill()
