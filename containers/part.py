"""A container of a stack, found by its name: started, and waited for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from docker import DockerClient
from docker.errors import APIError, NotFound
from docker.models.containers import Container

from containers.engine import connect
from containers.errors import EngineError, UnhealthyError
from containers.inside import run

PAUSE = 0.1
"""Seconds between two questions whether something is up."""

LOG_LINES = 15
"""Of a container's log that a message shows."""

MOST_RESTARTS = 1
"""Starts anew, by the engine, after which something is given up that does not come up."""


def find(client: DockerClient, name: str) -> Container:
    """A container.

    Raises:
        EngineError: there is none of this name.
    """
    found = look_for(client, name)
    if found is None:
        raise EngineError(
            f"The container {name} is in the stack's state, but not on the engine: somebody removed it.",
            hint="Run `pulumi up --refresh` (make up ARGS=--refresh): it makes a new one on the volumes that are there.",
        )
    return found


def look_for(client: DockerClient, name: str) -> Container | None:
    """A container; None where there is none of this name."""
    try:
        return client.containers.get(name)
    except NotFound:
        return None


def down(found: Container | None, name: str) -> tuple[str, ...]:
    """What is to be done about a container that does not run, in words; empty where it does.

    One that is gone is no failure: a refresh asks this before it forgets the container, and a new one may be on its way.
    """
    if found is None:
        return (f"the container {name} is gone, and a new one is to be waited for",)
    return () if found.status == "running" else (f"the container {name} is {found.status}, and is to be started",)


def start(found: Container) -> tuple[str, ...]:
    """Starts a container that is down, paused, or started again and again by the engine; returns what was done, in words."""
    if found.status == "running":
        return ()
    if found.status == "paused":
        found.unpause()
        found.reload()
        return (f"let the container {found.name} go on",)
    if found.status == "restarting":
        found.stop(timeout=0)  # what was wrong may be mended, and the engine's pauses get longer and longer
    found.start()
    found.reload()
    return (f"started the container {found.name}",)


def restarts(found: Container) -> int:
    """How often the engine has started a container anew by itself."""
    return int(found.attrs["RestartCount"])


def is_over(found: Container, before: int) -> bool:
    """Whether a container that should come up has ended, for good or again and again. Looks anew.

    Args:
        before: its `restarts` at the beginning.
    """
    found.reload()
    return found.status in ("exited", "dead", "removing") or restarts(found) > before + MOST_RESTARTS


def ended(found: Container) -> str:
    """How a container ended."""
    state = found.attrs["State"]
    return f"ended with code {state['ExitCode']}{', out of memory' if state.get('OOMKilled') else ''}"


def unhealthy(found: Container, what: str, hint: str) -> UnhealthyError:
    """The error for a container that does not do what it is for, with the last lines of its log."""
    lines = found.logs(tail=LOG_LINES).decode(errors="replace").rstrip()
    return UnhealthyError(f"The container {found.name} {what}\nThe last lines of its log:\n{lines or '(it is empty)'}", hint=hint)


@dataclass(frozen=True)
class Part:
    """A container beside the server.

    Attributes:
        url: of the engine.
        name: of the container.
        question: a command inside it that ends with 0 once it is up; none where running is all there is to it.
    """

    url: str
    name: str
    question: Sequence[str]

    def differences(self) -> tuple[str, ...]:
        """What `ensure` would do, in words; empty where the container runs. Changes nothing."""
        with connect(self.url) as client:
            return down(look_for(client, self.name), self.name)

    def ensure(self, timeout: float) -> tuple[str, ...]:
        """Starts the container where it is down, and waits until it is up; returns what was done, in words.

        Args:
            timeout: seconds for it to come up.

        Raises:
            UnhealthyError: it did not; has the last lines of its log.
            EngineError: the container is gone.
        """
        hint = f"All of it: `docker logs {self.name}`."
        with connect(self.url) as client:
            found = find(client, self.name)
            done = start(found)
            before, deadline = restarts(found), time.monotonic() + timeout
            while not self._is_up(client, found):
                if is_over(found, before):
                    raise unhealthy(found, ended(found), hint)
                if time.monotonic() >= deadline:
                    raise unhealthy(found, f"did not come up within {timeout:.0f} s.", hint)
                time.sleep(PAUSE)
            return done

    def _is_up(self, client: DockerClient, found: Container) -> bool:
        found.reload()
        if found.status != "running" or not self.question:
            return bool(found.status == "running")
        try:
            return run(client, found, self.question)[0] == 0
        except APIError:
            return False  # it ended in the meantime
