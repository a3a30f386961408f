"""A server in a container with data in a volume, for those who upgrade it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from docker.models.containers import Container

from containers.engine import labels
from ops.server.deployed import Names
from ops.server.parts import execute, start
from ops.upgrade.plan import STATISTICS, Wanted
from tests.fix_docker import Scratch


@dataclass
class Upgraded:
    """A stack of the least that an upgrade needs: volumes, and perhaps a container.

    Attributes:
        goal: PostgreSQL 18.
    """

    scratch: Scratch
    goal: Wanted

    @property
    def names(self) -> Names:
        return self.goal.names

    def volume(self, name: str, part: str, **changed: str) -> None:
        """Makes a volume with the stack's labels."""
        self.scratch.engine.client.volumes.create(name, labels={**labels("pgstack", self.names.stack, part), **changed})

    def server(self, image: str, mount: str, *, name: str | None = None, volume: str | None = None) -> Container:
        """Starts a server on the data volume, as the image does it by itself."""
        made = self.scratch.engine.client.containers.run(
            image,
            detach=True,
            name=name or self.names.container,
            environment={"POSTGRES_PASSWORD": "first"},
            volumes={volume or self.names.volume: {"bind": mount, "mode": "rw"}},
            labels=labels("pgstack", self.names.stack, "postgres"),
            network_mode="none",
            # Over TCP: while the image makes a cluster, its server listens on the socket alone.
            healthcheck={"test": ["CMD-SHELL", "psql -h 127.0.0.1 -U postgres -c 'SELECT 1'"], "interval": 3600 * 10**9},
        )
        start([made], 60, lambda _: None)
        return made

    def old(self) -> Container:
        """Starts a server of version 15."""
        return self.server(self.scratch.engine.images.postgres15, "/var/lib/postgresql/data")

    def volumes(self) -> set[str]:
        """The stack's volumes."""
        found = self.scratch.engine.client.volumes.list(filters={"label": f"pgstack.stack={self.names.stack}"})
        return {str(one.name) for one in found}

    def inside(self, script: str, **volumes: str) -> str:
        """What a shell script prints that sees volumes as folders at the top."""
        printed = self.scratch.engine.client.containers.run(
            self.scratch.engine.images.postgres15,
            entrypoint=["/bin/sh", "-c", script],
            volumes={name: {"bind": f"/{folder}", "mode": "rw"} for folder, name in volumes.items()},
            network_mode="none",
            remove=True,
        )
        return bytes(printed).decode()

    def to(self, version: int) -> Wanted:
        """A goal of another version, with the same image."""
        return replace(self.goal, version=version)


def sql(server: Container, statements: str, database: str = "postgres") -> str:
    """What the superuser gets, inside the container."""
    code, printed = execute(server, ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-c", statements])
    assert code == 0, printed.decode()
    return printed.decode().strip()


@pytest.fixture
def upgraded(scratch: Scratch) -> Iterator[Upgraded]:
    """A stack with empty volumes, to be filled by version 15."""
    name = scratch.name
    names = Names(scratch.engine.url, name, f"{name}-postgres", f"{name}-data", f"{name}-backups")
    goal = Wanted(names, f"{name}-control", 18, scratch.engine.images.postgres18, "never", False, 60.0, STATISTICS)
    made = Upgraded(scratch, goal)
    for volume, part in ((names.volume, "data"), (names.backup_volume, "backups"), (goal.control, "control")):
        made.volume(volume, part)
    yield made
    scratch.empty()
