"""The stack's outputs: the contract that application deploys rely on, the same for every target.

docs/reference/outputs.md describes it. Secrets are the leaves `url`, `DATABASE_URL` and `PGPASSWORD`, nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pulumi

from components.database import Database
from components.dynamic.bootstrap import ROLES
from components.server import Endpoint, RoleLogin, Server
from components.settings import DatabaseSettings
from postgres.url import url


def server_output(server: Server) -> dict[str, Any]:
    """What the server is."""
    return {
        "target": server.target,
        "version": server.version,
        "host": _endpoint(server.host),
        "network": _endpoint(server.network),
        "docker": dict(server.container) if server.container else None,
    }


def database_output(settings: DatabaseSettings, database: Database, server: Server) -> dict[str, Any]:
    """Everything an application needs of its database, with the twin's below `test` where there is one."""
    output = _one(settings.name, database, server)
    if settings.twin:
        output["test"] = _one(settings.twin, database, server)
    return output


def _one(name: str, database: Database, server: Server) -> dict[str, Any]:
    app = database.application
    return {
        "name": name,
        "endpoints": {"host": _endpoint(server.host), "network": _endpoint(server.network)},
        "roles": {role: _role(name, database.roles.get(role), server) for role in ROLES},
        "environment": _environment(name, app, server.host, server.sslmode),
        "networkEnvironment": _environment(name, app, server.network, server.sslmode) if server.network else None,
        "migration": database.versions.get(name),
    }


def _environment(database: str, role: RoleLogin, endpoint: Endpoint, sslmode: str) -> dict[str, Any]:
    """The variables that an application is given, by the names that libpq and most frameworks know."""
    return {
        "DATABASE_URL": _url(database, role, endpoint, sslmode),
        "PGHOST": endpoint.host,
        "PGPORT": str(endpoint.port),
        "PGDATABASE": database,
        "PGUSER": role.user,
        "PGPASSWORD": role.password,
        "PGSSLMODE": sslmode,
    }


def _role(database: str, role: RoleLogin | None, server: Server) -> dict[str, Any] | None:
    return {"user": role.user, "url": _url(database, role, server.host, server.sslmode)} if role else None


def _endpoint(endpoint: Endpoint | None) -> dict[str, Any] | None:
    return {"host": endpoint.host, "port": endpoint.port} if endpoint else None


def _url(database: str, role: RoleLogin, endpoint: Endpoint, sslmode: str) -> pulumi.Output[str]:
    def build(known: Sequence[str]) -> str:
        password, host = known
        return url(host=host, port=endpoint.port, database=database, user=role.user, password=password, sslmode=sslmode)

    return pulumi.Output.all(role.password, endpoint.host).apply(build)
