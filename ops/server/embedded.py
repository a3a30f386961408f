"""The everyday commands for a server that is a process of this user."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import psutil

from cluster import postmaster
from cluster.cluster import Cluster
from cluster.marker import Marker
from cluster.placement import place
from ops import screen, stacks
from ops.errors import OpsError
from ops.server import parts
from ops.server.deployed import Deployed, up_command
from ops.server.status import Part
from toolchain import paths

PAUSE = 0.3
"""Seconds between two looks at a log that is followed."""


def cluster_of(stack: str) -> Cluster:
    """The cluster that a stack's settings describe."""
    known = stacks.server_of(stack)
    folder = place(paths.ROOT.joinpath(known.data_directory, stack))
    return Cluster(folder, Marker(stacks.PROJECT, stack, known.version), known.port, known.parameters.as_text())


def start(stack: str) -> None:
    """Starts the server on the data that it has.

    Raises:
        OpsError: it has none.
        ClusterError: it does not start.
    """
    cluster = cluster_of(stack)
    if not cluster.data.exists():
        raise OpsError(f"The server of the stack {stack} has no data yet.", hint=f"`{up_command(stack)}` makes it.")
    if postmaster.find(cluster.data) is not None:
        screen.say("The server runs already.")
        return
    # Without a password its own is left as it is.
    for what in cluster.ensure(""):
        screen.say(what)


def stop(stack: str) -> None:
    """Stops the server, ending its sessions."""
    screen.say("stopped the server" if cluster_of(stack).stop() else "The server does not run.")


def status(deployed: Deployed) -> Part:
    """How the server is."""
    cluster = cluster_of(deployed.name)
    running = postmaster.find(cluster.data)
    if running is None:
        return Part("postgres", None, None, "stopped" if cluster.data.exists() else "missing", answers=False)
    began = datetime.fromtimestamp(psutil.Process(running.pid).create_time(), UTC).isoformat(timespec="seconds")
    where = ("127.0.0.1", running.port)
    ports = [{"address": where[0], "port": where[1]}]
    answers = parts.answers(parts.SERVER, where)
    version = str(deployed.outputs["server"]["version"])
    return Part("postgres", None, None, "running", since=began, ports=ports, answers=answers, version=version)


def logs(stack: str, *, follow: bool, tail: int | None) -> None:
    """Prints the server's log, and, where it is followed, what is added to it.

    Raises:
        OpsError: there is none.
    """
    file = cluster_of(stack).log
    try:
        with file.open(encoding="utf-8", errors="replace") as lines:
            known = lines.readlines()
            for line in known if tail is None else known[len(known) - min(tail, len(known)) :]:
                screen.say(line.rstrip("\n"))
            while follow:
                if line := lines.readline():
                    screen.say(line.rstrip("\n"))
                else:
                    time.sleep(PAUSE)
    except FileNotFoundError:
        raise OpsError(f"The server of the stack {stack} has no log yet.", hint=f"`{up_command(stack)}` starts it.") from None


def reset(stack: str, *, delete_data: bool) -> None:
    """Stops the server and starts it again, or deletes it with its data."""
    cluster = cluster_of(stack)
    if delete_data:
        cluster.delete()
        screen.say(f"deleted {cluster.data}")
    else:
        cluster.stop()
        start(stack)


def data_in_words(stack: str) -> str:
    """The folder of the server's data."""
    return str(cluster_of(stack).data)
