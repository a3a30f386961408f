"""The containers of a stack: found by their labels, started, stopped, asked how they are."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.request import urlopen

from docker import DockerClient
from docker.errors import DockerException
from docker.models.containers import Container
from docker.models.volumes import Volume
from psycopg import pq

from containers import address
from containers.checks import published
from containers.engine import PART, PROJECT, STACK
from containers.errors import EngineError, UnhealthyError
from ops.server.deployed import Names, up_command

SERVER = "postgres"
ORDER = (SERVER, "redis", "adminer")
"""In which they are started: whoever needs another comes after it."""

PAUSE = 0.2
"""Seconds between two looks at a container that starts."""

PATIENCE = 3
"""Seconds that something has to answer whoever asks for the status."""

LOG_LINES = 15

NUMBER = re.compile(r"(sha256:)?[0-9a-f]{12,}")
LONGEST_NUMBER = 19
"""An image that has no name, and how much of its number is shown."""

USUAL_STOP_TIMEOUT = 10
"""Seconds that a container has to stop in where it says nothing itself."""


def label(names: Names) -> list[str]:
    """What everything of the stack is labelled with."""
    return [f"{PROJECT}={names.project}", f"{STACK}={names.stack}"]


def is_own(names: Names, labels: Mapping[str, str]) -> bool:
    """Whether something with these labels is the stack's. Podman lists also what has but one of several labels."""
    return (labels.get(PROJECT), labels.get(STACK)) == (names.project, names.stack)


def containers(client: DockerClient, names: Names) -> list[Container]:
    """All containers of the stack, whatever they are for."""
    listed = client.containers.list(all=True, filters={"label": label(names)}, ignore_removed=True)
    return [one for one in listed if is_own(names, one.labels)]


def volumes(client: DockerClient, names: Names) -> list[Volume]:
    """All volumes of the stack."""
    listed = client.volumes.list(filters={"label": label(names)})
    return [one for one in listed if is_own(names, one.attrs.get("Labels") or {})]


def find(client: DockerClient, names: Names) -> list[Container]:
    """The stack's containers, in the order in which they are started.

    Raises:
        EngineError: the server's container is not there.
    """
    found = sorted((one for one in containers(client, names) if part(one) in ORDER), key=lambda one: ORDER.index(part(one)))
    if not found or part(found[0]) != SERVER:
        raise EngineError(
            f"The stack {names.stack} has no container {names.container} on the engine: it was removed.",
            hint=f"`{up_command(names.stack, '--refresh')}` makes a new one on the volume that is there.",
        )
    return found


def one(client: DockerClient, names: Names, wanted: str) -> Container:
    """The container of a part.

    Raises:
        EngineError: there is none.
    """
    found = {part(container): container for container in find(client, names)}
    if wanted not in found:
        raise EngineError(f"The stack {names.stack} has no part {wanted}.", hint=f"It has: {', '.join(found)}.")
    return found[wanted]


def part(container: Container) -> str:
    """What a container is for."""
    return str(container.labels.get(PART, ""))


def start(containers: Sequence[Container], timeout: float, say: Callable[[str], None]) -> None:
    """Starts containers, and waits for each to be well.

    Args:
        timeout: seconds for each.

    Raises:
        UnhealthyError: one of them did not come up; has the last lines of its log.
    """
    for container in containers:
        if container.status == "paused":
            container.unpause()
        was_up = container.status == "running"
        began = time.monotonic()
        container.start()
        _wait(container, began + timeout, timeout)
        say(f"{container.name} runs already." if was_up else f"started {container.name} in {time.monotonic() - began:.1f} s")


def _wait(container: Container, deadline: float, timeout: float) -> None:
    while not is_well(container):
        container.reload()
        ended = container.status in ("exited", "dead", "removing") or int(container.attrs.get("RestartCount") or 0) > 1
        if ended or time.monotonic() > deadline:
            what = f"ended with code {container.attrs['State']['ExitCode']}" if ended else f"did not come up within {timeout:.0f} s"
            lines = container.logs(tail=LOG_LINES).decode(errors="replace").rstrip()
            raise UnhealthyError(
                f"The container {container.name} {what}.\nThe last lines of its log:\n{lines or '(it is empty)'}",
                hint=f"All of it: `python -m ops logs {part(container)}`.",
            )
        time.sleep(PAUSE)


def is_well(container: Container) -> bool:
    """Whether a container does what it is for, by its own health check; where it has none, whether it runs.

    The check is made now: the engine itself makes it every few seconds only.
    """
    container.reload()
    if container.status != "running":
        return False
    test = (container.attrs["Config"].get("Healthcheck") or {}).get("Test") or []
    command = {"CMD": list(test[1:]), "CMD-SHELL": ["/bin/sh", "-c", *test[1:2]]}.get(test[0] if test else "")
    if command is None:
        return True
    try:
        return execute(container, command)[0] == 0
    except DockerException:
        return False  # it has ended since


def stop(containers: Sequence[Container], say: Callable[[str], None]) -> None:
    """Stops containers, the last to be started first, each by its own signal and within its own time."""
    for container in reversed(containers):
        if container.status not in ("running", "restarting", "paused"):
            say(f"{container.name} does not run.")
            continue
        began = time.monotonic()
        stop_one(container)
        say(f"stopped {container.name} in {time.monotonic() - began:.1f} s")


def stop_one(container: Container, timeout: int | None = None) -> None:
    """Stops a container, by its own signal and within its own time, unless another one is given; in seconds."""
    if container.status == "paused":
        container.unpause()
    # The client would wait for ten seconds only, however long the container may take.
    container.stop(timeout=timeout or int(container.attrs["Config"].get("StopTimeout") or USUAL_STOP_TIMEOUT))


def endpoint(container: Container, url: str) -> tuple[str, int] | None:
    """Where this machine reaches what a container has published; None where it does not."""
    found = next(published(container), None)
    if found is None or not address.is_local(url):
        return None
    host, port = found
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host), port  # noqa: S104  what the engine calls all addresses


def answers(kind: str, where: tuple[str, int] | None) -> bool | None:
    """Whether a part answers there, in its own words; None where nobody can tell."""
    if where is None:
        return None
    host, port = where
    with suppress(OSError, HTTPException):
        return ANSWERS[kind](host, port)
    return False


def _postgres(host: str, port: int) -> bool:
    # Needs no login: whether it takes sessions is all that is asked.
    conninfo = f"host={host} port={port} connect_timeout={PATIENCE}"
    return pq.PGconn.ping(conninfo.encode()) == pq.Ping.OK


def _redis(host: str, port: int) -> bool:
    with socket.create_connection((host, port), timeout=PATIENCE) as line:
        line.sendall(b"PING\r\n")
        return line.recv(64).startswith((b"+PONG", b"-NOAUTH"))


def _adminer(host: str, port: int) -> bool:
    shown = f"[{host}]" if ":" in host else host
    with urlopen(f"http://{shown}:{port}/", timeout=PATIENCE) as answer:
        return bool(answer.status == 200)  # noqa: PLR2004  HTTP's word for well


ANSWERS: dict[str, Callable[[str, int], bool]] = {SERVER: _postgres, "redis": _redis, "adminer": _adminer}


def image_name(client: DockerClient, container: Container) -> str:
    """The name of a container's image, for people: it may have been made from the image's number."""
    named = str(container.attrs["Config"]["Image"])
    if not NUMBER.fullmatch(named):
        return named
    try:
        tags = client.images.get(named).tags
    except DockerException:
        tags = []
    return str(tags[0]) if tags else named[:LONGEST_NUMBER]


def execute(container: Container, command: Sequence[str]) -> tuple[int, bytes]:
    """Runs a command in a container; its exit code, and what it printed on both streams."""
    code, printed = container.exec_run(list(command))
    return int(code or 0), printed if isinstance(printed, bytes) else b""


def volumes_of(container: Container) -> Iterator[tuple[str, str]]:
    """The volumes of a container, and where in it they are."""
    for mount in container.attrs.get("Mounts") or []:
        if mount.get("Type") == "volume":
            yield str(mount["Name"]), str(mount["Destination"])


def ports_of(container: Container) -> list[dict[str, Any]]:
    """The addresses and ports of the engine's machine that a container is published on."""
    return [{"address": host, "port": port} for host, port in published(container)]
