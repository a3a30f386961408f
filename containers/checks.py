"""Looks at an engine before anything is declared on it, so that what is in the way is told in words and not in its API's."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

from containers import images, volumes
from containers.address import is_local
from containers.demand import Demand, Wanted
from containers.engine import PROJECT, STACK, connect
from containers.errors import NameTakenError, PortTakenError

HOLDING = ("running", "paused", "restarting")
"""A container's states in which the ports that it is published on are its own."""


class Seen(NamedTuple):
    """What a look found, in words.

    Attributes:
        to_do: what `ensure` would do.
        told: that, and what else is worth knowing.
    """

    to_do: tuple[str, ...]
    told: tuple[str, ...]


def look(demand: Demand) -> Seen:
    """Looks whether anything is in the way. Changes nothing.

    Raises:
        EngineError: what would be in the way of `ensure`; see there.
    """
    with connect(demand.url) as client:
        own = _require_free(client, demand)
        kept = volumes.require_own(client, demand)
        left = [f"the container {one.name} was made and never started, and is to be removed" for one in own if _is_left(one)]
        to_do = (*left, *(line for image in demand.images if (line := images.to_do(client, image))))
        return Seen(to_do, (*to_do, *_taken_back(demand, kept=kept and not own)))


def ensure(demand: Demand) -> tuple[dict[str, str], tuple[str, ...]]:
    """Gets the images, and makes sure that nothing is in the way; returns the images' ids by name, and what was done, in words.

    Raises:
        NoEngineError: it does not answer.
        NameTakenError, PortTakenError, ForeignVolumeError, ImageMissingError: as they say.
    """
    with connect(demand.url) as client:
        own = _require_free(client, demand)
        kept = volumes.require_own(client, demand)
        done = list(_remove_left(own))
        got = {image.name: images.ensure(client, image) for image in demand.images}
        if kept:
            volumes.require_version(client, demand, demand.images[0].name)
        done += [line for _, line in got.values() if line]
        return {name: identifier for name, (identifier, _) in got.items()}, (*done, *_taken_back(demand, kept=kept and not own))


def _taken_back(demand: Demand, *, kept: bool) -> tuple[str, ...]:
    return (f"the data volume {demand.data.volume} is there already, and is taken back",) if kept else ()


def _is_left(container: Container) -> bool:
    """Whether an update made a container and could not start it: the engine has it, and the stack's state may not."""
    return bool(container.status == "created")


def _remove_left(own: Iterable[Container]) -> Iterator[str]:
    for container in own:
        if _is_left(container):
            container.remove()
            yield f"removed the container {container.name}, which was made and never started"


def _require_free(client: DockerClient, demand: Demand) -> list[Container]:
    """Makes sure that names and ports are free, or the stack's own; returns its containers that are there."""
    found = [_own(client, demand, wanted) for wanted in demand.containers]
    for wanted, own in zip(demand.containers, found, strict=True):
        for address, port in wanted.ports:
            if is_local(demand.url) and not (own and own.status in HOLDING and (address, port) in set(published(own))):
                _require_port(client, address, port, wanted)
    return [own for own in found if own is not None]


def _own(client: DockerClient, demand: Demand, wanted: Wanted) -> Container | None:
    """The stack's own container of this name; None where there is none yet."""
    try:
        found = client.containers.get(wanted.name)
    except NotFound:
        return None
    if (found.labels.get(PROJECT), found.labels.get(STACK)) == (demand.project, demand.stack):
        return found
    owner = f"of the stack {found.labels[STACK]}" if STACK in found.labels else "not of this program"
    raise NameTakenError(
        f"There is a container {wanted.name} already, {owner}: {found.attrs['Config']['Image']}, {found.status}. It was not touched.",
        hint=f"Remove it (`docker rm {wanted.name}`; its volumes stay), or set another name in pgstack:docker.",
    )


def published(container: Container) -> Iterator[tuple[str, int]]:
    """The addresses and ports of this machine that a container is, or will be, published on."""
    for bindings in (container.attrs["HostConfig"].get("PortBindings") or {}).values():
        for binding in bindings or []:
            if binding["HostPort"]:
                yield binding["HostIp"], int(binding["HostPort"])


def _require_port(client: DockerClient, address: str, port: int, wanted: Wanted) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((address, port))
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            raise PortTakenError(
                f"{address} is no address of this machine, and the {wanted.part} container was to be published on it.",
                hint="Correct the addresses in pgstack:docker.",
            ) from None
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"Port {port} of {address} is taken{_by(client, port)}, and the {wanted.part} container was to be published on it.",
                hint="Stop what listens there (`ss -ltnp` names it), or set another port.",
            ) from None


def _by(client: DockerClient, port: int) -> str:
    """The container that a port is published for, where it is one."""
    for container in client.containers.list(ignore_removed=True):
        if any(number == port for _, number in published(container)):
            return f" by the container {container.name}"
    return ""
