"""Clusters of their own, for tests that stop, break or delete a server."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from cluster import postmaster
from cluster.cluster import Cluster
from cluster.marker import Marker
from cluster.runner import Runner
from postgres.login import Login
from tests.fix_server import free_port

QUICK = {"fsync": "off", "shared_buffers": "16MB"}
"""Parameters of a server whose data nobody needs."""

PASSWORD = "Corr3ct-Horse"
"""The superuser's, unless a test sets another."""

WAIT = 20.0
"""Seconds that a test waits for something that has to happen."""


def wait_for(happened: Callable[[], bool], what: str) -> None:
    """Waits until something happened; fails the test where it does not."""
    deadline = time.monotonic() + WAIT
    while not happened():
        assert time.monotonic() < deadline, f"waited {WAIT:.0f} s for {what}"
        time.sleep(0.02)


def superuser_of(cluster: Cluster, password: str) -> Login:
    """The superuser's way in over TCP."""
    return Login("127.0.0.1", cluster.port, "postgres", "postgres", password, sslmode="disable")


def pid_of(cluster: Cluster) -> int:
    """The pid of a cluster's server, which has to run."""
    running = postmaster.find(cluster.data)
    assert running is not None, f"no server runs in {cluster.data}"
    return running.pid


def at_work_in(data: Path) -> list[int]:
    """The pids of all processes whose working directory is `data`; those that have ended do not count."""
    pids = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/cwd").readlink() == data:
                pids.append(pid)
    return sorted(pids)


def crash(cluster: Cluster) -> None:
    """Kills a server as a power cut does, and waits until its last process has ended."""
    os.kill(pid_of(cluster), signal.SIGKILL)
    wait_for(lambda: at_work_in(cluster.data) == [], "the killed server's processes to end")


@dataclass
class Clusters:
    """Hands out clusters, each in a folder and on a port of its own.

    Attributes:
        folder: they are below it.
        template: folder of a cluster that was made and stopped.
        made: those handed out, to be stopped in the end.
    """

    folder: Path
    template: Path
    made: list[Cluster] = field(default_factory=list)

    def up(self, password: str = PASSWORD, **parameters: str) -> Cluster:
        """A running cluster with its superuser's password."""
        cluster = self.ready(**parameters)
        cluster.ensure(password)
        return cluster

    def ready(self, folder: Path | None = None, **parameters: str) -> Cluster:
        """A cluster that was made and does not run; a copy, since that is faster than `initdb`."""
        cluster = self.new(folder, **parameters)
        copy_made(self.template, cluster.folder)
        return cluster

    def new(self, folder: Path | None = None, **parameters: str) -> Cluster:
        """A cluster of the stack `dev` of the project `shop`, not made yet."""
        where = folder or self.folder / secrets.token_hex(4)
        return self.keep(Cluster(where, Marker("shop", "dev", 18), free_port(), {**QUICK, **parameters}))

    def variant(self, cluster: Cluster, *, port: int | None = None, **parameters: str) -> Cluster:
        """The same cluster with other settings."""
        return self.keep(replace(cluster, port=port or cluster.port, parameters={**cluster.parameters, **parameters}))

    def keep(self, cluster: Cluster) -> Cluster:
        """Has a cluster stopped and deleted in the end."""
        self.made.append(cluster)
        return cluster

    def clear(self) -> None:
        """Ends every server that still runs, and deletes all data."""
        for cluster in self.made:
            if running := postmaster.find(cluster.data):
                os.kill(running.pid, signal.SIGQUIT)
            wait_for(lambda data=cluster.data: at_work_in(data) == [], f"the server in {cluster.data} to end")
            for folder in (cluster.folder, cluster.socket_directory):
                shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def copy_made(template: Path, folder: Path) -> None:
    """Copies the folder of a cluster, owners and all."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-a", str(template), str(folder)], check=True)


@pytest.fixture(scope="session")
def made_cluster(open_folder: Path) -> Path:
    """The folder of a cluster that was made and stopped, to be copied: less what only fills the disk."""
    cluster = Cluster(open_folder / "made", Marker("shop", "dev", 18), free_port(), QUICK)
    cluster.ensure(PASSWORD)
    with superuser_of(cluster, PASSWORD).connect() as session:
        session.execute("UPDATE pg_database SET datistemplate = false")
        session.execute("DROP DATABASE template0")
        session.execute("DROP DATABASE template1")
    cluster.stop()
    Runner(cluster.folder, cluster.log, cluster.port).run("pg_resetwal", "--wal-segsize=1", f"--pgdata={cluster.data}")
    return cluster.folder


@pytest.fixture
def clusters(open_folder: Path, made_cluster: Path) -> Iterator[Clusters]:
    """Clusters for one test."""
    made = Clusters(open_folder / secrets.token_hex(4), made_cluster)
    yield made
    made.clear()


@pytest.fixture(scope="module")
def running(open_folder: Path, made_cluster: Path) -> Iterator[Cluster]:
    """A running cluster for the tests of a module that only look at it."""
    made = Clusters(open_folder / secrets.token_hex(4), made_cluster)
    yield made.up()
    made.clear()
