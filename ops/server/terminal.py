"""A program inside a container, with this terminal as its own."""

from __future__ import annotations

import os
import select
import shutil
import signal
import socket
import struct
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from docker import DockerClient
from docker.errors import APIError
from docker.models.containers import Container

CHUNK = 65536
HEADER = struct.Struct(">BxxxL")
"""Before each piece of output where there is no terminal: which stream, and how many bytes."""

ERRORS = 2
"""The number of that stream."""


def run(client: DockerClient, container: Container, command: Sequence[str], *, user: str = "") -> int:
    """Runs a command with this process's input and outputs, and returns its exit code.

    Where input and output are a terminal, the command gets one of its own, of the same size, and every key that is typed.
    """
    on_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    environment = {"TERM": os.environ.get("TERM", "xterm")} if on_terminal else {}
    made = client.api.exec_create(
        container.id, list(command), stdin=True, stdout=True, stderr=True, tty=on_terminal, user=user, environment=environment
    )
    answer: Any = client.api.exec_start(made["Id"], tty=on_terminal, socket=True)
    line: socket.socket = getattr(answer, "_sock", answer)
    sys.stdout.flush()
    try:
        early = _read_ahead(answer, line)
        if on_terminal:
            with _raw(sys.stdin.fileno()), _same_size(client, made["Id"]):
                _carry(line, _Plain(early))
        else:
            _carry(line, _Framed(early))
    finally:
        answer.close()
    return int(client.api.exec_inspect(made["Id"])["ExitCode"] or 0)


def _read_ahead(answer: Any, line: socket.socket) -> bytes:
    """What the HTTP library has read already beyond the headers."""
    buffered = getattr(getattr(getattr(getattr(answer, "_response", None), "raw", None), "_fp", None), "fp", None)
    if buffered is None:
        return b""
    line.setblocking(False)
    try:
        waiting = len(buffered.peek(1))
        return bytes(buffered.read1(waiting)) if waiting else b""
    except OSError:
        return b""


class _Plain:
    """Output as it comes."""

    def __init__(self, early: bytes) -> None:
        self.take(early)

    def take(self, data: bytes) -> None:
        _write(1, data)


class _Framed:
    """Output in pieces, each of one of the two streams."""

    def __init__(self, early: bytes) -> None:
        self._left = b""
        self.take(early)

    def take(self, data: bytes) -> None:
        self._left += data
        while len(self._left) >= HEADER.size:
            stream, size = HEADER.unpack(self._left[: HEADER.size])
            end = HEADER.size + size
            if len(self._left) < end:
                return
            _write(2 if stream == ERRORS else 1, self._left[HEADER.size : end])
            self._left = self._left[end:]


def _write(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def _carry(line: socket.socket, output: _Plain | _Framed) -> None:
    """Carries input there and output here until the command closes its output."""
    line.setblocking(False)
    source = sys.stdin.fileno()
    ended = False
    waiting = b""
    while True:
        inputs: list[Any] = [line] if ended or waiting else [line, source]
        readable, writable, _ = select.select(inputs, [line] if waiting else [], [])
        if line in readable:
            try:
                data = line.recv(CHUNK)
            except ConnectionResetError:
                return
            if not data:
                return
            output.take(data)
        if source in readable:
            waiting = os.read(source, CHUNK)
            if not waiting:
                ended = True
                with suppress(OSError):
                    line.shutdown(socket.SHUT_WR)
        if line in writable:
            try:
                waiting = waiting[line.send(waiting) :]
            except (BrokenPipeError, ConnectionResetError):
                waiting, ended = b"", True  # it has ended, and its last words are still to come


@contextmanager
def _raw(descriptor: int) -> Iterator[None]:
    """Hands every key on, Ctrl-C too: it is the command's to make something of."""
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


@contextmanager
def _same_size(client: DockerClient, identifier: str) -> Iterator[None]:
    """Keeps the command's terminal as large as this one."""

    def resize(*_: Any) -> None:
        size = shutil.get_terminal_size()
        with suppress(APIError):  # it has ended, or not begun yet
            client.api.exec_resize(identifier, height=size.lines, width=size.columns)

    before = signal.signal(signal.SIGWINCH, resize)
    resize()
    try:
        yield
    finally:
        signal.signal(signal.SIGWINCH, before)
