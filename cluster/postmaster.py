"""Looks at the server process of a data directory. Every question here is answered without starting anything."""

from __future__ import annotations

import errno
import os
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from cluster.errors import PortTakenError


@dataclass(frozen=True)
class Postmaster:
    """What postmaster.pid says of a server that runs.

    Attributes:
        socket_directory: None where it listens on no socket.
        ready: whether it accepts sessions.
    """

    pid: int
    port: int
    socket_directory: Path | None
    ready: bool


def find(data: Path) -> Postmaster | None:
    """The server of a data directory, if it runs.

    A pid file that a crash or a reboot left behind may name a process that is something else by now, so the process
    has to be one that works in this directory.
    """
    try:
        lines = (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        pid = int(lines[0])
        if Path(psutil.Process(pid).cwd()).resolve() != data.resolve():
            return None
        # Lines: pid, data directory, start time, port, socket directory, listen address, shared memory, status.
        return Postmaster(pid, int(lines[3]), Path(lines[4]) if lines[4] else None, lines[7].strip() == "ready")
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def require_free(port: int) -> None:
    """Raises PortTakenError where something listens on the port on loopback; names it where this account may see it."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise PortTakenError(
                        f"Port {port} is taken{_by_whom(port)}.",
                        hint="Stop that program, or choose another port: pulumi config set pgstack:port 5433",
                    ) from None
                if error.errno == errno.EACCES:
                    raise PortTakenError(
                        f"Port {port} is not for this account: {os.strerror(errno.EACCES)}.", hint="Choose a port from 1024 on."
                    ) from None


def _by_whom(port: int) -> str:
    try:
        pids = {
            found.pid
            for found in psutil.net_connections("tcp")
            if found.laddr and found.laddr.port == port and found.status == psutil.CONN_LISTEN
        }
        names = [f"{psutil.Process(pid).name()} (pid {pid})" for pid in sorted(pid for pid in pids if pid)]
    except psutil.Error:
        names = []
    return f" by {', '.join(names)}" if names else ""
