"""The Docker Engine: the one that answers, or one of the session's own."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException

from tools.engine import packages, process, slots
from tools.engine.errors import NoTestEngineError

PROGRAMS = ("dockerd", "containerd", "runc", "iptables", "ip", "setpriv")

DEFAULT = "unix:///var/run/docker.sock"

LONGEST_SOCKET = 100
"""Bytes of a socket's path; the kernel takes 107."""


def lacking() -> list[str]:
    """What is missing to start an engine here."""
    return packages.missing(PROGRAMS)


def existing() -> str | None:
    """The URL of an engine that answers: of `DOCKER_HOST` alone where that is set."""
    url = os.environ.get("DOCKER_HOST") or DEFAULT
    return url if process.ping(url) else None


@dataclass(frozen=True)
class Running:
    """An engine that answers.

    Attributes:
        url: its socket.
        daemon: its process; None where it is the machine's own.
    """

    url: str
    daemon: process.Daemon | None = None


@contextmanager
def docker_engine() -> Iterator[Running]:
    """The engine that answers; else one that runs until the end of the block.

    Its containers reach each other, and what they publish is reached from this machine; the world they do not reach, so that this engine
    needs no packet filter of its own, in which it would be in the way of another.

    Raises:
        NoTestEngineError: there is none, and none can be started.
    """
    if url := existing():
        yield Running(url)
        return
    if os.environ.get("DOCKER_HOST"):
        raise NoTestEngineError(f"No engine answers at {os.environ['DOCKER_HOST']}, which DOCKER_HOST names.")
    if os.geteuid() != 0:
        raise NoTestEngineError("No Docker engine answers, and only root can start one.")
    if wanting := lacking():
        raise NoTestEngineError(f"No Docker engine answers, and to start one takes {', '.join(wanting)}: `make test` installs them.")

    with slots.take("docker") as slot, ExitStack() as stack:
        _clean(slot)
        stack.callback(_clean, slot)
        _connect(slot)
        url = f"unix://{slot.folder}/docker.sock"
        command = [str(packages.which("dockerd")), f"--config-file={_configure(slot)}"]
        daemon = process.Daemon(command, slot.data / "log", lambda: process.ping(url), inherited=(slot.lock,))
        stack.enter_context(process.running(daemon))
        _empty(url)
        stack.callback(_empty, url)
        yield Running(url, daemon)


def _configure(slot: slots.Slot) -> Path:
    """Writes the engine's settings: in a file, so that the machine's own file is not read."""
    socket = f"{slot.folder}/docker.sock"
    if len(os.fsencode(socket)) > LONGEST_SOCKET:
        raise NoTestEngineError(f"The path {socket} is too long for a socket.")
    slot.folder.mkdir(parents=True)
    slot.data.mkdir(parents=True, exist_ok=True)
    networks = list(slot.network.subnets(new_prefix=17))[1]
    settings = {
        "hosts": [f"unix://{socket}"],
        "data-root": str(slot.data),
        "exec-root": str(slot.folder / "exec"),
        "pidfile": str(slot.folder / "pid"),
        "bridge": slot.bridge,
        "iptables": False,
        "ip-masq": False,
        "ip-forward": False,
        "default-address-pools": [{"base": str(networks), "size": 24}],
        "shutdown-timeout": 10,
        "log-level": "warn",
    }
    file = slot.folder / "daemon.json"
    file.write_text(json.dumps(settings), encoding="utf-8")
    return file


def _forwarding(slot: slots.Slot, action: str) -> list[str]:
    """A command that lets the containers reach each other where the machine forwards nothing by itself."""
    own = str(slot.network)
    comment = ["-m", "comment", "--comment", f"pgstack-engine {slot.name}"]
    return [str(packages.which("iptables")), "-w", action, "FORWARD", "-s", own, "-d", own, *comment, "-j", "ACCEPT"]


def _connect(slot: slots.Slot) -> None:
    """Makes the bridge. An engine without one would take `docker0` away from the machine."""
    ip = str(packages.which("ip"))
    packages.run([ip, "link", "add", "name", slot.bridge, "type", "bridge"])
    packages.run([ip, "address", "add", f"{slot.network[1]}/24", "dev", slot.bridge])
    packages.run([ip, "link", "set", slot.bridge, "up"])
    packages.run(_forwarding(slot, "-I"))


def _clean(slot: slots.Slot) -> None:
    """Takes away what the slot's last engine has left outside its data."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    own = (f"{slot.folder}/", f"{slot.data}/")
    for mount in reversed(mounts):
        if mount.startswith(own):
            packages.run(["umount", "--lazy", mount])
    if slot.folder.exists():
        shutil.rmtree(slot.folder)
    with suppress(NoTestEngineError):
        packages.run(_forwarding(slot, "-D"))
    if Path("/sys/class/net", slot.bridge).exists():
        packages.run([str(packages.which("ip")), "link", "delete", slot.bridge])


def _empty(url: str) -> None:
    """Removes everything but images: from an engine that is the tests' alone."""
    client = docker.DockerClient(base_url=url)
    try:
        empty(client)
    finally:
        client.close()


def empty(client: docker.DockerClient, label: str | None = None) -> None:
    """Removes containers, networks and volumes: those of a label, else all. What refuses to go stays."""
    chosen: dict[str, str | list[str] | bool] = {"label": label} if label else {}
    for container in client.containers.list(all=True, filters=chosen, ignore_removed=True):
        with suppress(DockerException):
            container.remove(force=True, v=True)
    for network in client.networks.list(filters=chosen):
        if network.name not in {"bridge", "host", "none", "podman"}:
            with suppress(DockerException):
                network.remove()
    for volume in client.volumes.list(filters=chosen):
        with suppress(DockerException):
            volume.remove(force=True)
