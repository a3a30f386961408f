"""One way in to one database."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import psycopg

from postgres.errors import ConnectionFailed

CONNECT_TIMEOUT = 10
"""Seconds to wait for a server to answer."""


@dataclass(frozen=True)
class Login:
    """Host, database, user and password. Its repr leaves the password out.

    Attributes:
        host: name or address, or the folder of a Unix socket.
        port: 1 to 65535.
        sslmode: as libpq has it.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(default="", repr=False)
    sslmode: str = "prefer"

    def to(self, database: str) -> Login:
        """The same login to another database of the server."""
        return replace(self, database=database)

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Opens a session in autocommit mode with UTF-8 as its encoding.

        Args:
            options: more connection parameters for libpq.

        Raises:
            ConnectionFailed: says which database, which user, and what the server or the network answered.
        """
        try:
            return psycopg.connect(
                **{
                    "host": self.host,
                    "port": self.port,
                    "dbname": self.database,
                    "user": self.user,
                    "password": self.password or None,
                    "sslmode": self.sslmode,
                    "connect_timeout": CONNECT_TIMEOUT,
                    "application_name": "pgstack",
                    "client_encoding": "UTF8",
                    "autocommit": True,
                    **options,
                }
            )
        except psycopg.OperationalError as error:
            reason = _reason(error)
            raise ConnectionFailed(
                f"No session in database {self.database} on {self.host}:{self.port} as {self.user}: {reason}",
                hint="" if reason.startswith("FATAL") else "Is the server running there, and is it the one you mean?",
            ) from None

    def works(self) -> bool:
        """Whether the server lets this login in now. Opens and closes a session."""
        try:
            self.connect().close()
        except ConnectionFailed:
            return False
        return True


def _reason(error: psycopg.Error) -> str:
    """What libpq says last, in one line: without the address that it repeats and the question that follows a refused connection."""
    last = str(error).rpartition(" failed: ")[2]
    lines = [" ".join(line.split()) for line in last.splitlines() if line.strip() and not line.startswith("\t")]
    return "; ".join(lines) or type(error).__name__
