"""A delay line: a TCP proxy that hands every byte on a fixed time after it came, as a long cable does.

Each direction delays by itself, and any amount may be on its way: the round trip grows, the throughput does not shrink.
Opening a connection takes no longer than before; what client and server then say to each other does.

As a process of its own, so that it shares no interpreter with what is measured, it takes the address to lead to and the
milliseconds of one direction, prints its port, and runs until its standard input ends:

    python -m benchmarks.migrate.delay 127.0.0.1 5432 10
"""

from __future__ import annotations

import contextlib
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parents[2]

CHUNK = 65536
"""Bytes read at a time."""


@dataclass(frozen=True)
class _Parcel:
    """What came, and when it is to go out; nothing at the end of the stream."""

    due: float
    content: bytes


class DelayLine:
    """Listens on a port of loopback and leads to an address, `delay` seconds in each direction. Use it as a context."""

    def __init__(self, host: str, port: int, delay: float) -> None:
        self._target = (host, port)
        self._delay = delay
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A thread that waits in accept() notices a shutdown, but not a close.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(self._target)
            except OSError:
                client.close()
                continue
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._join, args=(client, server), daemon=True).start()

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        """Carries both directions until both have ended."""
        with client, server:
            there = self._start(client, server)
            back = self._start(server, client)
            for thread in (*there, *back):
                thread.join()

    def _start(self, source: socket.socket, target: socket.socket) -> tuple[threading.Thread, ...]:
        parcels: queue.SimpleQueue[_Parcel] = queue.SimpleQueue()
        threads = (
            threading.Thread(target=self._take_in, args=(source, parcels), daemon=True),
            threading.Thread(target=_hand_on, args=(parcels, target), daemon=True),
        )
        for thread in threads:
            thread.start()
        return threads

    def _take_in(self, source: socket.socket, parcels: queue.SimpleQueue[_Parcel]) -> None:
        while True:
            try:
                content = source.recv(CHUNK)
            except OSError:
                content = b""
            parcels.put(_Parcel(time.monotonic() + self._delay, content))
            if not content:
                return


def _hand_on(parcels: queue.SimpleQueue[_Parcel], target: socket.socket) -> None:
    while True:
        parcel = parcels.get()
        time.sleep(max(0.0, parcel.due - time.monotonic()))
        try:
            if not parcel.content:
                target.shutdown(socket.SHUT_WR)
                return
            target.sendall(parcel.content)
        except OSError:
            # The receiver has gone. The sender learns it as over a cable: what it sends is answered by nobody.
            return


@contextlib.contextmanager
def delayed(host: str, port: int, milliseconds: float) -> Iterator[int]:
    """Runs a delay line in a process of its own and yields its port.

    Args:
        milliseconds: of one direction; a round trip takes twice as many longer.
    """
    command = [sys.executable, "-m", "benchmarks.migrate.delay", host, str(port), str(milliseconds)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.stdin.close()


def main() -> None:
    """Runs a delay line until standard input ends."""
    host, port, milliseconds = sys.argv[1:]
    with DelayLine(host, int(port), float(milliseconds) / 1000) as line:
        print(line.port, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
