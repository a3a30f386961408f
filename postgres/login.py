"""One way in to one database."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Thread
from typing import Any, TypeVar

import psycopg

from postgres import ambient
from postgres.errors import ConnectionFailed
from postgres.tls import VERIFYING

Work = TypeVar("Work")

CONNECT_TIMEOUT = 10
"""Seconds to wait for a server to answer."""


class ServerRefused(ConnectionFailed):
    """The server answers, but this login, or its TLS, is not what it takes. Trying again helps nothing."""


@dataclass(frozen=True)
class Login:
    """Host, database, user and password. Its repr leaves the password out.

    Attributes:
        host: name or address, or the folder of a Unix socket.
        port: 1 to 65535.
        sslmode: as libpq has it.
        root_certificate: file of the authorities that may sign the server's certificate; empty for those that this system trusts.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(default="", repr=False)
    sslmode: str = "prefer"
    root_certificate: str = ""

    def to(self, database: str) -> Login:
        """The same login to another database of the server."""
        return replace(self, database=database)

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Opens a session in autocommit mode with UTF-8 as its encoding.

        Nothing but this login and `options` decides where it leads: libpq's environment variables, its service and password
        files, and certificates in the home are not used.

        Side effects: see `ambient.parameters`.

        Args:
            options: more connection parameters for libpq.

        Raises:
            ServerRefused: the server answered, and does not let this login in, or its TLS is not what `sslmode` asks for.
            ConnectionFailed: nobody answered, or the server is not ready. Both say which database, which user, and why.
        """
        try:
            return psycopg.connect(
                **{
                    **ambient.parameters(),
                    "host": self.host,
                    "port": self.port,
                    "dbname": self.database,
                    "user": self.user,
                    "password": self.password,
                    "sslmode": self.sslmode,
                    "sslrootcert": self._authorities(),
                    "connect_timeout": CONNECT_TIMEOUT,
                    "application_name": "pgstack",
                    "client_encoding": "UTF8",
                    "autocommit": True,
                    **options,
                }
            )
        except psycopg.OperationalError as error:
            reason = _reason(error)
            kind, hint = _judgement(reason)
            raise kind(f"No session in database {self.database} on {self.host}:{self.port} as {self.user}: {reason}", hint=hint) from None

    def connect_meanwhile(self, work: Callable[[], Work]) -> tuple[psycopg.Connection[Any], Work]:
        """Does some work while a session is opened: the server takes as long to open one as many a work does.

        Raises:
            ConnectionFailed: see `connect`; anything that `work` raises comes first.
        """
        opened: list[psycopg.Connection[Any]] = []
        failed: list[BaseException] = []

        def connect() -> None:
            try:
                opened.append(self.connect())
            except BaseException as error:  # noqa: BLE001  it is raised by whoever waits for this thread
                failed.append(error)

        thread = Thread(target=connect)
        thread.start()
        try:
            done = work()
        except BaseException:
            thread.join()
            for connection in opened:
                connection.close()
            raise
        thread.join()
        if failed:
            raise failed[0]
        return opened[0], done

    def works(self) -> bool:
        """Whether the server lets this login in now. Opens and closes a session."""
        try:
            self.connect().close()
        except ConnectionFailed:
            return False
        return True

    def _authorities(self) -> str:
        if self.root_certificate:
            return self.root_certificate
        return ambient.system_authorities() if self.sslmode in VERIFYING else ambient.NOWHERE


REFUSALS = (
    (r"does not support SSL", "The server speaks no TLS. Switch it on there; sslmode `disable` goes without, in clear."),
    (r"certificate verify failed", "Its authority is not trusted here: name a file with that authority's certificate as rootCertificate."),
    (r"does not match host name", "Set host to a name that is in the certificate; sslmode `verify-ca` would not look at the name."),
    (r"root certificate file", "Name a file with the certificates of the authorities to trust, in PEM format, as rootCertificate."),
    (r"password authentication failed|no password supplied", "Check the user and the password."),
    (r"no encryption|SSL off", "The server may take encrypted sessions alone: set sslmode to `require` or better."),
    (r"SSL error|invalid response to SSL", "Is that a PostgreSQL server, and does it speak TLS 1.2 or newer?"),
)
"""What a reason looks like where the server, or its TLS, refuses; and what to do."""

NOT_READY = r"starting up|not yet accepting|shutting down|recovery mode|too many (clients|connections)|remaining connection slots"
"""Refusals that pass by themselves."""


def _judgement(reason: str) -> tuple[type[ConnectionFailed], str]:
    """The error that a reason makes, and its hint."""
    if re.search(NOT_READY, reason):
        return ConnectionFailed, ""
    for pattern, hint in REFUSALS:
        if re.search(pattern, reason):
            return ServerRefused, hint
    if "FATAL" in reason:
        return ServerRefused, ""
    return ConnectionFailed, "Is the server running there, and is it the one you mean?"


ATTEMPT = r"^(- host: .*?, hostaddr: (None|'[^']*'): )?(connection failed: )?(connection to server .*? failed: )?"
"""What comes before the reason in a line of libpq's or psycopg's message."""

LEFT_OUT = ("\t", "Multiple connection attempts failed", "Either provide the file")
"""How lines begin that give no reason."""


def _reason(error: psycopg.Error) -> str:
    """Why there is no session, in one line: each reason once, without the addresses and without libpq's questions and advice."""
    lines = [line for line in str(error).splitlines() if not line.startswith(LEFT_OUT)]
    reasons = dict.fromkeys(" ".join(re.sub(ATTEMPT, "", line).split()) for line in lines)
    return "; ".join(filter(None, reasons)) or type(error).__name__
