"""Networks, waited for."""

from __future__ import annotations

import time

from docker import DockerClient

from containers.engine import STACK, connect
from containers.errors import EngineError

PAUSE = 0.05
"""Seconds between two looks."""


def wait(url: str, name: str, stack: str, timeout: float) -> None:
    """Waits until the engine has the stack's network.

    Args:
        timeout: in seconds.

    Raises:
        EngineError: it did not come in time.
    """
    deadline = time.monotonic() + timeout
    with connect(url) as client:
        while not _exists(client, name, stack):
            if time.monotonic() >= deadline:
                raise EngineError(
                    f"The network {name} of the stack {stack} is not on the engine after {timeout:.0f} s.",
                    hint="If it could not be made, another message says why; if somebody removed it, run `pulumi up --refresh`.",
                )
            time.sleep(PAUSE)


def _exists(client: DockerClient, name: str, stack: str) -> bool:
    found = client.networks.list(names=[name])
    return any(one.name == name and (one.attrs.get("Labels") or {}).get(STACK) == stack for one in found)
