"""The stack's outputs: the contract that application deploys rely on, the same for every target.

docs/reference/outputs.md describes it. Secrets are the leaves `url`, `DATABASE_URL` and `PGPASSWORD`, nothing else.
"""

from __future__ import annotations

from typing import Any

import pulumi

from components.database import Database
from components.dynamic.bootstrap import ROLES
from components.server import Endpoint, RoleLogin, Server
from components.settings import DatabaseSettings
from postgres.url import url


def server_output(server: Server) -> dict[str, Any]:
    """What the server is."""
    return {"target": server.target, "version": server.version, "host": _endpoint(server.host), "network": _endpoint(server.network)}


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
        "environment": {
            "DATABASE_URL": _url(name, app, server),
            "PGHOST": server.host.host,
            "PGPORT": str(server.host.port),
            "PGDATABASE": name,
            "PGUSER": app.user,
            "PGPASSWORD": app.password,
            "PGSSLMODE": server.sslmode,
        },
        "migration": database.versions.get(name),
    }


def _role(database: str, role: RoleLogin | None, server: Server) -> dict[str, Any] | None:
    return {"user": role.user, "url": _url(database, role, server)} if role else None


def _endpoint(endpoint: Endpoint | None) -> dict[str, Any] | None:
    return {"host": endpoint.host, "port": endpoint.port} if endpoint else None


def _url(database: str, role: RoleLogin, server: Server) -> pulumi.Output[str]:
    def build(password: str) -> str:
        return url(
            host=server.host.host, port=server.host.port, database=database, user=role.user, password=password, sslmode=server.sslmode
        )

    return role.password.apply(build)
