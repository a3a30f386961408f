"""psql: of this machine, over TCP; or the container's own, inside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from ops import stacks
from ops.server.deployed import Deployed
from toolchain import summary

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SUPERUSER = "postgres"
ROLES = ("owner", "app", "readonly", "superuser")


def over_tcp(deployed: Deployed, database: str | None, role: str, host: str | None, arguments: Sequence[str]) -> None:
    """Runs psql of this machine, and exits with its code.

    Args:
        host: the loopback address to go through; None for the one in the outputs.

    Raises:
        typer.BadParameter: the server is not on this machine, and a loopback address of it is wanted.
    """
    output = deployed.database(database, first=True)
    endpoint: dict[str, Any] = dict(output["endpoints"]["host"])
    if host is not None:
        if endpoint["host"] not in LOOPBACK:
            raise typer.BadParameter(f"the server is at {endpoint['host']}, not on this machine's loopback.", param_hint="--ipv4, --ipv6")
        endpoint["host"] = host
    address = summary.login_of(output, role)["url"]
    summary.run_psql((endpoint, output["name"], address), list(arguments), stacks.root_certificate_of(deployed.name))


def over_socket(deployed: Deployed, database: str | None, arguments: Sequence[str]) -> None:
    """Runs psql of this machine as the superuser of an embedded server, over its socket, and exits with its code."""
    from urllib.parse import quote  # noqa: PLC0415

    from cluster import postmaster  # noqa: PLC0415
    from ops.errors import OpsError  # noqa: PLC0415
    from ops.server.embedded import cluster_of  # noqa: PLC0415

    running = postmaster.find(cluster_of(deployed.name).data)
    if running is None:
        raise OpsError("The server does not run.", hint="`python -m ops start` starts it.")
    endpoint = {"host": str(running.socket_directory), "port": running.port}
    name = deployed.database(database)["name"] if database else "postgres"
    summary.run_psql((endpoint, name, f"postgresql://{quote(SUPERUSER)}@/{quote(name)}"), list(arguments))


def inside(deployed: Deployed, database: str | None, role: str | None, arguments: Sequence[str]) -> int:
    """Runs the container's psql over its socket, which asks for no password; returns its exit code.

    Args:
        role: None for the superuser.
    """
    from containers.engine import connect  # noqa: PLC0415
    from containers.errors import EngineError  # noqa: PLC0415
    from ops.server import parts, terminal  # noqa: PLC0415

    if role in (None, "superuser"):
        user = SUPERUSER
        name = deployed.database(database)["name"] if database else "postgres"
    else:
        output = deployed.database(database, first=True)
        name, user = output["name"], summary.login_of(output, str(role))["user"]
    with connect(deployed.names.url) as client:
        container = parts.one(client, deployed.names, parts.SERVER)
        if container.status != "running":
            raise EngineError(
                f"The container {container.name} is {container.status}.",
                hint=f"`python -m ops start --stack {deployed.name}` starts it.",
            )
        return terminal.run(client, container, ["psql", "-U", user, "-d", name, *arguments])
