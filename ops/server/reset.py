"""A server in a container, made anew: on the data that it has, or without it."""

from __future__ import annotations

from typing import NamedTuple

from docker import DockerClient
from docker.errors import NotFound
from docker.models.volumes import Volume

from containers.engine import PART, PROJECT, STACK, connect
from containers.errors import ForeignVolumeError
from ops import screen
from ops.server import parts
from ops.server.deployed import Deployed, Names
from ops.server.status import size_in_words

OF_DATA = ("data", "redis-data", "control", "redis-control")
"""The parts whose volumes hold what a stack has made. Dumps, and what an upgrade has kept, are nobody's to delete here."""


class Sized(NamedTuple):
    """A volume and its bytes; -1 where the engine does not count them."""

    volume: Volume
    size: int

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.volume.name}" + (f" ({size_in_words(self.size)})" if self.size >= 0 else "")


def container_only(deployed: Deployed) -> None:
    """Removes the server's container; its volumes stay."""
    names = deployed.names
    with connect(names.url) as client:
        _remove(client, names, (parts.SERVER,))


def with_data(deployed: Deployed, *, yes: bool) -> None:
    """Removes all containers of the stack, and the volumes of their data. Asks first.

    Raises:
        ForeignVolumeError: the data volume is not the stack's; nothing was removed.
        Declined: somebody said no.
    """
    names = deployed.names
    with connect(names.url) as client:
        found = volumes(client, names)
        if found:
            screen.complain("\n".join(["To be deleted for good, with all that is in them:", *(f"  {one.words}" for one in found)]))
            screen.confirm("Go on?", yes=yes)
        _remove(client, names, parts.ORDER)
        for one in found:
            one.volume.remove()
            screen.say(f"deleted the volume {one.volume.name}")


def volumes(client: DockerClient, names: Names) -> list[Sized]:
    """The volumes of the stack's data, with their sizes.

    Raises:
        ForeignVolumeError: the volume that the stack's server uses has not the stack's labels.
    """
    found = [one for one in parts.volumes(client, names) if labels(one).get(PART) in OF_DATA]
    if names.volume not in {one.name for one in found}:
        _refuse_foreign(client, names)
    sizes = {str(one["Name"]): int((one.get("UsageData") or {}).get("Size", -1)) for one in client.df().get("Volumes") or []}
    return [Sized(one, sizes.get(str(one.name), -1)) for one in sorted(found, key=lambda one: OF_DATA.index(labels(one)[PART]))]


def labels(volume: Volume) -> dict[str, str]:
    """Its labels."""
    return volume.attrs.get("Labels") or {}


def _refuse_foreign(client: DockerClient, names: Names) -> None:
    try:
        known = labels(client.volumes.get(names.volume))
    except NotFound:
        return
    owner = f"that of the stack {known[STACK]} of the project {known.get(PROJECT)}" if STACK in known else "not labelled as this stack's"
    raise ForeignVolumeError(
        f"The volume {names.volume} is {owner}. Nothing was deleted.",
        hint="It was made by something else and taken over. If it is to go, remove it yourself: "
        f"`docker rm -f {names.container}`, `docker volume rm {names.volume}`.",
    )


def _remove(client: DockerClient, names: Names, chosen: tuple[str, ...]) -> None:
    for container in parts.containers(client, names):
        if parts.part(container) in chosen:
            if container.status in ("running", "restarting", "paused"):
                parts.stop_one(container)
            # Its anonymous volumes go with it; those that have names stay.
            container.remove(v=True, force=True)
            screen.say(f"removed the container {container.name}")
