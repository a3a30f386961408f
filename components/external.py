"""Target `external`: a PostgreSQL server that is there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from components.dynamic.check import ServerCheck
from components.server import Administrator, Endpoint, RoleLogin, login_inputs
from postgres.tls import is_loopback


@dataclass(frozen=True)
class Use:
    """What is to be done in one database of the server.

    Attributes:
        database: its name.
        login: who does it.
        migrates: whether there are migrations for it.
        extensions: that it must have.
    """

    database: str
    login: RoleLogin
    migrates: bool
    extensions: tuple[str, ...]


@dataclass(frozen=True)
class ExternalServerArgs:
    """Where a server is, and who may do what on it: one of `administrator` and `uses`.

    Attributes:
        host: name or address.
        port: TCP port.
        sslmode: as libpq has it.
        root_certificate: file of the authorities that may sign its certificate, relative to Pulumi.yaml; empty for the system's.
        administrator: makes databases and roles; None where those that are there are used.
        uses: without an administrator, what is done in which database.
    """

    host: str
    port: int
    sslmode: str
    root_certificate: str = ""
    administrator: Administrator | None = None
    uses: Sequence[Use] = field(default=())


class ExternalServer(pulumi.ComponentResource):
    """A server that somebody else runs.

    Produces: a `Check`. Implements `components.server.Server`.
    """

    target = "external"
    container = redis = adminer = None
    extensions: Sequence[str] = ()

    def __init__(self, name: str, args: ExternalServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("pgstack:index:ExternalServer", name, {}, opts)
        self.host = Endpoint(args.host, args.port)
        self.network = None if is_loopback(args.host) else self.host
        self.sslmode = args.sslmode
        self.root_certificate = args.root_certificate
        self.administrator = args.administrator
        self.logins: Mapping[str, RoleLogin] = {use.database: use.login for use in args.uses}
        check = ServerCheck(name, demands=self._demands(args), opts=pulumi.ResourceOptions(parent=self))
        self.version: pulumi.Input[int] = check.version
        self.ready: Sequence[pulumi.Resource] = (check,)
        self.register_outputs({"version": check.version})

    def _demands(self, args: ExternalServerArgs) -> list[dict[str, Any]]:
        """What the server is looked at for, as the resource takes it."""
        if args.administrator:
            return [self._demand(args.administrator, args.administrator.database, "administer", ())]
        return [self._demand(use.login, use.database, "migrate" if use.migrates else "connect", use.extensions) for use in args.uses]

    def _demand(self, login: RoleLogin, database: str, duty: str, extensions: Sequence[str]) -> dict[str, Any]:
        return {"login": login_inputs(self, login), "database": database, "duty": duty, "extensions": list(extensions)}
