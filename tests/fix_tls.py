"""TLS in front of a server that has none: a proxy that speaks PostgreSQL's own way of asking for it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from postgres.login import Login

SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""What a client sends first to ask for TLS. `S` says yes, and the handshake follows."""


@dataclass
class TlsProxy:
    """Ends TLS on a port of loopback, with a certificate, and passes what is inside to a server in clear.

    Attributes:
        authority: file of the authority that signed the certificate.
    """

    server: Login
    context: ssl.SSLContext
    authority: Path
    _listener: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def login(self, login: Login, sslmode: str, root_certificate: Path | None = None) -> Login:
        """The same login through the proxy, under the name that it has a certificate for."""
        trusted = str(root_certificate or "")
        return Login("localhost", self.port, login.database, login.user, login.password, sslmode, trusted)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for a client
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One session. A client that asks for no TLS, or does not like the certificate, is left."""
        with client, contextlib.suppress(OSError):
            if client.recv(8, socket.MSG_WAITALL) != SSL_REQUEST:
                return
            client.sendall(b"S")
            with (
                self.context.wrap_socket(client, server_side=True) as inside,
                socket.create_connection((self.server.host, self.server.port)) as server,
            ):
                back = threading.Thread(target=_pass_on, args=[server, inside], daemon=True)
                back.start()
                _pass_on(inside, server)
                back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Passes on what comes until it ends, and then ends the other side."""
    with contextlib.suppress(OSError):
        while part := source.recv(65536):
            target.sendall(part)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@dataclass
class Proxies:
    """Makes proxies in front of one server."""

    server: Login
    folder: Path
    made: list[TlsProxy] = field(default_factory=list)

    def new(self, name: str = "localhost") -> TlsProxy:
        """A proxy whose certificate is for `name`, by an authority that nobody else has heard of."""
        authority = trustme.CA()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        file = self.folder / f"authority-{len(self.made)}.pem"
        authority.cert_pem.write_to_path(str(file))
        self.made.append(TlsProxy(self.server, context, file))
        return self.made[-1]


@pytest.fixture
def proxies(superuser: Login, tmp_path: Path) -> Iterator[Proxies]:
    """TLS in front of the session's server."""
    made = Proxies(superuser, tmp_path)
    yield made
    for proxy in made.made:
        proxy.close()
