"""A proxy before a server that breaks connections at an exact message of PostgreSQL's protocol."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Literal, NamedTuple

import pytest

from postgres.login import Login
from tests.fix_cluster import WAIT

Side = Literal["asks", "answers"]
"""Whose message it is: "asks" goes from client to server, "answers" from server to client."""


class How(Enum):
    """What becomes of a connection."""

    CUT = "both ends are told that the other has closed it"
    RESET = "both ends are told that it is broken"
    HANG = "neither end is told anything, and nothing comes through any more"
    MUTE = "what the server says gets lost, what it is asked gets through"
    HOLD = "nothing comes through any more, and each end hears when the other goes"


@dataclass
class Trap:
    """Strikes at a message.

    Attributes:
        needle: what the message holds; a COMMIT that was carried out is the answer `C……COMMIT`.
        past: what another message of the same side has to hold before.
        times: how often it strikes, over all connections.
        then: called right before each strike.
        struck: set once it did.
    """

    side: Side
    needle: bytes
    how: How
    past: bytes = b""
    times: int = 1
    then: Callable[[], None] = lambda: None
    struck: threading.Event = field(default_factory=threading.Event)

    def springs(self, side: Side, message: bytes) -> bool:
        """Whether this is the message; to be asked of every one that comes by."""
        if side != self.side or not self.times:
            return False
        if self.past:
            self.past = b"" if self.past in message else self.past
            return False
        if self.needle not in message:
            return False
        self.times -= 1
        return True

    def wait(self) -> None:
        """Waits until it has struck."""
        assert self.struck.wait(WAIT), f"nothing with {self.needle!r} came by"


class Place(NamedTuple):
    """A message; attributes as those of a trap."""

    side: Side
    needle: bytes
    past: bytes = b""

    def trap(self, how: How, times: int = 1) -> Trap:
        """A trap that strikes there."""
        return Trap(self.side, self.needle, how, self.past, times)


class Proxy:
    """Takes connections on a port of its own, and passes them on.

    Attributes:
        login: the way in through the proxy.
        opened: connections that were taken so far.
    """

    def __init__(self, login: Login) -> None:
        self._server = (login.host, login.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.login = replace(login, port=self._listener.getsockname()[1])
        self.opened = 0
        self._traps: list[Trap] = []
        self._deaf = False
        self._lock = threading.Lock()
        self._connections: list[_Connection] = []
        threading.Thread(target=self._take, daemon=True).start()

    def set(self, trap: Trap) -> Trap:
        """Arms a trap."""
        with self._lock:
            self._traps.append(trap)
        return trap

    def disarm(self) -> None:
        """Takes all traps away."""
        with self._lock:
            self._traps.clear()

    def trap_for(self, side: Side, message: bytes) -> Trap | None:
        """The trap that springs at a message."""
        with self._lock:
            sprung = [trap for trap in self._traps if trap.springs(side, message)]
        return sprung[0] if sprung else None

    def refuse(self) -> None:
        """From now on it takes no new connections."""
        with contextlib.suppress(OSError):  # it does so already
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def deafen(self) -> None:
        """From now on nothing comes through, on no connection; new ones are taken, and hear nothing."""
        self._deaf = True
        for connection in self._connections:
            connection.end(How.HANG)

    def close(self) -> None:
        """Takes no connection any more, and breaks those that there are."""
        self.refuse()
        for connection in self._connections:
            connection.end(How.RESET)

    def _take(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                self.opened += 1
                connection = _Connection(self, client, socket.create_connection(self._server))
                self._connections.append(connection)
                if self._deaf:
                    connection.end(How.HANG)
                connection.start()


class _Connection:
    """One client and the server, with a thread for each direction."""

    def __init__(self, proxy: Proxy, client: socket.socket, server: socket.socket) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._how: How | None = None
        self._lock = threading.Lock()
        for end in (client, server):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def start(self) -> None:
        ways: tuple[tuple[Side, socket.socket, socket.socket], ...]
        ways = (("asks", self._client, self._server), ("answers", self._server, self._client))
        for way in ways:
            threading.Thread(target=self._pass_on, args=way, daemon=True).start()

    def end(self, how: How) -> None:
        """Breaks the connection, unless it is broken already in the same or a quieter way."""
        with self._lock:
            self._how = how
            if how is How.CUT:
                self._each(lambda end: end.shutdown(socket.SHUT_WR))
            elif how is How.RESET:
                self._each(lambda end: end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)))
                self._each(lambda end: end.shutdown(socket.SHUT_RD))  # wakes the thread that reads from it
                self._each(socket.socket.close)

    def _each(self, act: Callable[[socket.socket], None]) -> None:
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):  # that end is gone already
                act(end)

    def _pass_on(self, side: Side, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):  # one of the ends is gone
            for message in _messages(source, typed=side == "answers"):
                self._handle(side, message, sink)
        with self._lock:
            if self._how not in {How.HANG, How.MUTE}:
                with contextlib.suppress(OSError):
                    sink.shutdown(socket.SHUT_WR)

    def _handle(self, side: Side, message: bytes, sink: socket.socket) -> None:
        if self._how and not (self._how is How.MUTE and side == "asks"):
            return  # it is swallowed
        trap = self._proxy.trap_for(side, message)
        if trap is None:
            sink.sendall(message)
            return
        trap.then()
        self.end(trap.how)
        trap.struck.set()


def _messages(source: socket.socket, *, typed: bool) -> Iterator[bytes]:
    """The messages that come from one end. The first of a client has no type, only its length."""
    buffer = bytearray()
    while chunk := source.recv(65536):
        buffer += chunk
        while len(buffer) >= 4 + typed:
            length = int.from_bytes(buffer[typed : typed + 4], "big") + typed
            if len(buffer) < length:
                break
            yield bytes(buffer[:length])
            del buffer[:length]
            typed = True


@pytest.fixture
def proxy(database: Login) -> Iterator[Proxy]:
    """A proxy before an empty database."""
    made = Proxy(database)
    yield made
    made.close()
