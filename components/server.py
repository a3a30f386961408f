"""What every target gives the databases: somewhere to connect to, and an administrator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi


@dataclass(frozen=True)
class Endpoint:
    """Host and port of a server, from one point of view."""

    host: str
    port: int


@dataclass(frozen=True)
class Administrator:
    """The role that makes databases and roles. It need not be a superuser."""

    user: str
    password: pulumi.Output[str]
    database: str = "postgres"


class Server(Protocol):
    """A server that a stack has, whichever target made it."""

    @property
    def target(self) -> str:
        """As the settings name it."""

    @property
    def version(self) -> int:
        """Major version."""

    @property
    def host(self) -> Endpoint:
        """From the machine that runs Pulumi."""

    @property
    def network(self) -> Endpoint | None:
        """From a container or an instance beside the server; None where nothing is beside it."""

    @property
    def sslmode(self) -> str:
        """What clients are told to use, as libpq has it."""

    @property
    def administrator(self) -> Administrator:
        """Who makes databases and roles."""

    @property
    def ready(self) -> Sequence[pulumi.Resource]:
        """What has to be there before anyone connects."""


def login_inputs(server: Server, *, user: str, password: pulumi.Input[str]) -> dict[str, Any]:
    """A login from the machine that runs Pulumi, as the dynamic resources take it."""
    return {
        "host": server.host.host,
        "port": server.host.port,
        "user": user,
        "password": pulumi.Output.secret(password),
        "sslmode": server.sslmode,
    }
