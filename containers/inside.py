"""Commands run inside a container."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

PAUSE = 0.02
"""Seconds between two questions whether a command has ended."""

UNKNOWN = 255
"""The code of a command that the engine has none of: it ended with its container."""

HEADER = struct.Struct(">BxxxL")
"""Of a piece of output: which stream, and how many bytes."""


def run(client: DockerClient, container: Container, command: Sequence[str], *, given: bytes = b"", user: str = "") -> tuple[int, str]:
    """Runs a command; returns its exit code, and what it printed on both streams.

    Args:
        given: on its standard input, which the list of processes does not show.
        user: inside the container; its usual one unless given.
    """
    started = client.api.exec_create(container.id, list(command), stdin=True, stdout=True, stderr=True, user=user)
    answer: Any = client.api.exec_start(started["Id"], socket=True)
    line: socket.socket = getattr(answer, "_sock", answer)
    try:
        line.sendall(given)
        line.shutdown(socket.SHUT_WR)
        printed = b"".join(_pieces(answer))
    finally:
        answer.close()
        line.close()
    while (state := client.api.exec_inspect(started["Id"]))["Running"]:
        time.sleep(PAUSE)  # a command's output can end before it does
    code = state["ExitCode"]
    return UNKNOWN if code is None else int(code), printed.decode(errors="replace")


def _pieces(answer: Any) -> Iterator[bytes]:
    """What was printed, piece by piece."""
    while len(header := answer.read(HEADER.size)) == HEADER.size:
        _, size = HEADER.unpack(header)
        while size:
            piece = answer.read(size)
            if not piece:
                return
            size -= len(piece)
            yield piece
