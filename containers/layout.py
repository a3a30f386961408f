"""What is where in a server's container: as the official images have it, and what is brought into it."""

from __future__ import annotations

from pathlib import PurePosixPath

SUPERUSER = "postgres"
PORT = 5432

CONTROL = "/run/pgstack"
"""Where a container finds what it starts from, in a volume of its own: its file system is read-only."""

FLAG = f"{CONTROL}/flags/initialising"
"""There from the beginning of a cluster's first start until its server answers; see `start.sh`."""

FIRST_WITH_VERSION = 18
"""From this version on the data is in a folder named for the version, below the volume's top."""


def mount_point(version: int) -> PurePosixPath:
    """Where the data volume is mounted."""
    return PurePosixPath("/var/lib/postgresql" if version >= FIRST_WITH_VERSION else "/var/lib/postgresql/data")


def data_directory(version: int) -> PurePosixPath:
    """PGDATA."""
    return mount_point(version) / str(version) / "docker" if version >= FIRST_WITH_VERSION else mount_point(version)


def version_files(newest: int) -> tuple[PurePosixPath, ...]:
    """Where a data volume of any version has its PG_VERSION, seen from the volume's top.

    Args:
        newest: the newest version that there may be.
    """
    below = [PurePosixPath(str(version), "docker", "PG_VERSION") for version in range(newest, FIRST_WITH_VERSION - 1, -1)]
    return (*below, PurePosixPath("PG_VERSION"))
