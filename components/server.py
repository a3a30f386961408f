"""What every target gives the databases: somewhere to connect to, and somebody who may make them, or migrate them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import pulumi


@dataclass(frozen=True)
class Endpoint:
    """Host and port of a server, from one point of view."""

    host: pulumi.Input[str]
    port: int


@dataclass(frozen=True)
class RoleLogin:
    """A role, and how it logs in."""

    user: str
    password: pulumi.Output[str]


@dataclass(frozen=True)
class Administrator(RoleLogin):
    """The role that makes databases and roles. It need not be a superuser."""

    database: str = "postgres"


class Server(Protocol):
    """A server that a stack has, whichever target made it."""

    @property
    def target(self) -> str:
        """As the settings name it."""

    @property
    def version(self) -> pulumi.Input[int]:
        """Major version."""

    @property
    def host(self) -> Endpoint:
        """From the machine that runs Pulumi."""

    @property
    def container(self) -> Mapping[str, pulumi.Input[str]] | None:
        """Names of the container and what belongs to it, for those who operate it; None where there is none."""

    @property
    def redis(self) -> Mapping[str, Any] | None:
        """For the stack's outputs: the Redis beside it; None where there is none."""

    @property
    def adminer(self) -> Mapping[str, Any] | None:
        """For the stack's outputs: the Adminer beside it; None where there is none."""

    @property
    def network(self) -> Endpoint | None:
        """From a container or an instance beside the server; None where nothing is beside it."""

    @property
    def sslmode(self) -> str:
        """What clients are told to use, as libpq has it."""

    @property
    def root_certificate(self) -> str:
        """File of the authorities that may sign the server's certificate; empty for those that the system trusts."""

    @property
    def administrator(self) -> Administrator | None:
        """Who makes databases and roles; None where they are there already, and are left alone."""

    @property
    def extensions(self) -> Sequence[str]:
        """Extensions that each of its databases is to have."""

    @property
    def logins(self) -> Mapping[str, RoleLogin]:
        """Without an administrator: database → who migrates it."""

    @property
    def ready(self) -> Sequence[pulumi.Resource]:
        """What has to be there before anyone connects."""


def login_inputs(server: Server, login: RoleLogin) -> dict[str, Any]:
    """A login from the machine that runs Pulumi, as the dynamic resources take it."""
    password: pulumi.Input[str] = login.password
    inputs: dict[str, Any] = {
        "host": server.host.host,
        "port": server.host.port,
        "user": login.user,
        "password": pulumi.Output.secret(password),
        "sslmode": server.sslmode,
    }
    return {**inputs, "rootCertificate": server.root_certificate} if server.root_certificate else inputs
