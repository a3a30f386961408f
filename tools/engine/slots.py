"""A number of the machine's that one engine has at a time: its folders, its bridge and its addresses follow from it."""

from __future__ import annotations

import fcntl
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from toolchain import paths
from tools.engine.errors import NoTestEngineError

RUN = Path("/run/pgstack-engine")
"""Where sockets are: their paths have to be short, and that of a checkout may be long."""

MOST = 16
"""Engines at a time."""

FIRST_NETWORK = {"docker": 208, "podman": 224}
"""Engine → n in 10.n.0.0/16, which its first slot has; one for each slot follows."""


def work() -> Path:
    """Where images are kept between runs. `PGSTACK_ENGINE_CACHE` shares them between checkouts."""
    return Path(os.environ.get("PGSTACK_ENGINE_CACHE") or paths.WORK / "engine").absolute()


@dataclass(frozen=True)
class Slot:
    """What an engine has to itself.

    Attributes:
        lock: a file descriptor; who has it open has the slot. A process that must not outlive the slot inherits it.
    """

    kind: str
    number: int
    lock: int

    @property
    def name(self) -> str:
        """Such as `docker-0`."""
        return f"{self.kind}-{self.number}"

    @property
    def folder(self) -> Path:
        """For sockets and what else lasts as long as the engine."""
        return RUN / self.name

    @property
    def data(self) -> Path:
        """For images and containers."""
        return work() / self.name

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The addresses of its containers."""
        return network(self.kind, self.number)

    @property
    def bridge(self) -> str:
        """The network interface of containers that name no network."""
        return f"pgstack{FIRST_NETWORK[self.kind] + self.number}"


def network(kind: str, number: int) -> ipaddress.IPv4Network:
    """The addresses of an engine's slot."""
    return ipaddress.ip_network((f"10.{FIRST_NETWORK[kind] + number}.0.0", 16))  # type: ignore[return-value]  # of version 4


@contextmanager
def take(kind: str) -> Iterator[Slot]:
    """A slot that no engine of this machine has, and whose addresses lead nowhere else.

    Raises:
        NoTestEngineError: none is free, or the caller may not make the folder.
    """
    routes = machine_routes()
    try:
        RUN.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError as error:
        raise NoTestEngineError(f"The folder for the engine's socket cannot be made: {error}.") from None
    for number in range(MOST):
        lock = os.open(RUN / f"{kind}-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        slot = Slot(kind, number, lock)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        try:
            if not any(route.overlaps(slot.network) for name, route in routes if name != slot.bridge):
                yield slot
                return
        finally:
            os.close(lock)
    raise NoTestEngineError(f"All {MOST} places for a test engine are taken on this machine.")


def machine_routes() -> list[tuple[str, ipaddress.IPv4Network]]:
    """Where the machine's addresses lead: each interface and network, without the default route."""
    lines = Path("/proc/net/route").read_text(encoding="ascii").splitlines()[1:]
    found = []
    for interface, destination, _, _, _, _, _, mask, *_ in map(str.split, lines):
        address, bits = (ipaddress.IPv4Address(bytes.fromhex(word)[::-1]) for word in (destination, mask))
        if int(bits):
            found.append((interface, ipaddress.IPv4Network((address, str(bits)), strict=False)))
    return found
