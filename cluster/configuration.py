"""The texts of a cluster's configuration files. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

FILE = "pgstack.conf"
INCLUDE = f"include '{FILE}'\n"
SUPERUSER = "postgres"


def server(*, port: int, socket_directory: Path, parameters: Mapping[str, str]) -> str:
    """What is added to postgresql.conf: the user's parameters, then those that are not the user's to set."""
    fixed = {
        "listen_addresses": "127.0.0.1,::1",
        "port": str(port),
        "unix_socket_directories": str(socket_directory),
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
    }
    lines = [f"{name} = {quote(value)}" for name, value in sorted({**DEFAULTS, **parameters, **fixed}.items())]
    return "\n".join(["# Written by pgstack at each `pulumi up`; set pgstack:parameters instead of editing it.", *lines, ""])


def changed(before: str, after: str) -> list[str]:
    """The parameters in which two texts of `server` differ, sorted."""
    entries = [{tuple(line.split(" = ", 1)) for line in text.split("\n") if " = " in line} for text in (before, after)]
    return sorted({entry[0] for entry in entries[0] ^ entries[1]})


DEFAULTS = {
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_duration_statement": "1s",
    "log_parameter_max_length": "0",
}
"""Parameters unless the user sets them. Statements that are logged for being slow are logged without their values."""


def quote(value: str) -> str:
    """A value as postgresql.conf takes any: in single quotes, on one line."""
    return f"'{value.translate(_ESCAPES)}'"


_ESCAPES = str.maketrans({"\\": "\\\\", "'": "''", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


HBA = """\
# Written by pgstack. On the socket the owner of the server process and root are the superuser, by their uid;
# over TCP everyone needs a password, and only loopback is listened on.
local  all  postgres  peer map=pgstack
host   all  all  127.0.0.1/32  scram-sha-256
host   all  all  ::1/128       scram-sha-256
"""


def ident(accounts: list[str]) -> str:
    """Which accounts of the operating system may be the superuser on the socket."""
    lines = [f'pgstack  "{account}"  {SUPERUSER}' for account in accounts]
    return "\n".join(["# Written by pgstack.", *lines, ""])
