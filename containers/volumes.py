"""Data volumes: whose they are, and which PostgreSQL made what is in them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from containers.demand import Data, Demand
from containers.engine import PROJECT, STACK
from containers.errors import ForeignVolumeError
from containers.layout import version_files

NEWEST = 30
"""A major version that is not reached for years."""

PEEPHOLE = "/pgstack-look"


def labels_of(client: DockerClient, name: str) -> Mapping[str, str] | None:
    """The labels of a volume; None where there is no such volume."""
    try:
        return client.volumes.get(name).attrs.get("Labels") or {}
    except NotFound:
        return None


def require_own(client: DockerClient, demand: Demand) -> bool:
    """Whether the data volume is there already.

    Raises:
        ForeignVolumeError: it, or another of the stack's volumes, belongs to somebody else.
    """
    for name in demand.volumes:
        _refuse_foreign(demand, name, labels_of(client, name), adopt=True)
    found = labels_of(client, demand.data.volume)
    _refuse_foreign(demand, demand.data.volume, found, adopt=demand.data.adopt)
    return found is not None


def _refuse_foreign(demand: Demand, name: str, found: Mapping[str, str] | None, *, adopt: bool) -> None:
    if found is None:
        return
    owner = (found.get(PROJECT), found.get(STACK))
    if owner == (demand.project, demand.stack):
        return
    if owner != (None, None):
        raise ForeignVolumeError(
            f"The volume {name} is that of the stack {owner[1]} of the project {owner[0]}, not of {demand.stack} of {demand.project}. "
            "It was not touched.",
            hint="Set another name for it in pgstack:docker, or run that stack instead.",
        )
    if not adopt:
        raise ForeignVolumeError(
            f"The volume {name} was not made by this program. It was not touched.",
            hint="Is it the data of the server that this stack is to take over? Then set pgstack:docker.adoptVolume to true: the data "
            "stays as it is, and the role postgres gets a new password. Otherwise set pgstack:docker.volume to another name.",
        )


def require_version(client: DockerClient, demand: Demand, image: str) -> None:
    """Makes sure that the server's version can run on the data in the volume.

    Side effects: makes a container that is never started, and removes it.

    Raises:
        ForeignVolumeError: another major version made the data.
    """
    found = major(client, demand.data, image)
    if found in (None, demand.data.version):
        return
    raise ForeignVolumeError(
        f"The volume {demand.data.volume} holds data of PostgreSQL {found}; this server is to be PostgreSQL {demand.data.version}. "
        "It was not touched.",
        hint=f"`python -m ops upgrade --stack {demand.stack}` dumps it with version {found} and restores it into a new cluster of version "
        f"{demand.data.version}; the old data is kept in a volume of its own. Or set pgstack:version back to {found}.",
    )


def major(client: DockerClient, data: Data, image: str) -> int | None:
    """The major version of the data in a volume; None where there is no data in it. Side effects: see `require_version`."""
    looking = client.containers.create(image, command=["true"], volumes={data.volume: {"bind": PEEPHOLE, "mode": "ro"}})
    try:
        texts = (_text(looking, f"{PEEPHOLE}/{file}") for file in version_files(NEWEST))
        found = next((text for text in texts if text), None)
    finally:
        looking.remove(v=True, force=True)
    return int(found) if found else None


def _text(container: Container, path: str) -> str:
    """What a file in a container says; empty where there is no such file."""
    try:
        chunks, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile(tar.getmembers()[0])
            return file.read().decode().strip() if file else ""
    except (APIError, KeyError):
        return ""
