"""An application beside the database that pgstack has made: it reads that stack's outputs, and nothing else of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pulumi
import pulumi_docker as docker

DATABASE = "physics_assistant"
"""The entry of the outputs that the application works on."""

PROGRAM = "/usr/local/bin/heartbeat"
PASSWORD_FILE = "/etc/heartbeat.pgpass"  # noqa: S105  where it is, not what it is
"""Inside the container."""

SECRETS = frozenset({"DATABASE_URL", "PGPASSWORD"})
"""What must not be in the container's environment, where everybody who may inspect it reads it."""


def settings_of(database: dict[str, Any]) -> dict[str, str]:
    """The environment that the container gets: all but the secrets, and where the password is instead."""
    network = database["networkEnvironment"]
    return {name: value for name, value in network.items() if name not in SECRETS} | {
        "PGAPPNAME": "app-deploy",
        "PGPASSFILE": PASSWORD_FILE,
    }


def password_line(database: dict[str, Any]) -> str:
    """The line of a password file, as libpq reads it."""
    network = database["networkEnvironment"]
    fields = (network[name] for name in ("PGHOST", "PGPORT", "PGDATABASE", "PGUSER", "PGPASSWORD"))
    return ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields) + "\n"


def container_of(server: dict[str, Any]) -> dict[str, str]:
    """Where the server's container is.

    Raises:
        pulumi.RunError: the server runs in none, so that there is no network to join.
    """
    found: dict[str, str] | None = server.get("docker")
    if found is None:
        raise pulumi.RunError(f"The server of target {server['target']} is in no container: app-deploy needs one of target docker.")
    return found


def main() -> None:
    """Declares the application's container, on the database's network."""
    config = pulumi.Config()
    stack = pulumi.StackReference(config.get("database-stack") or "organization/pgstack/dev")
    server = stack.require_output("server").apply(container_of)
    database = stack.require_output("databases").apply(lambda databases: databases[DATABASE])
    # Outputs with a secret in them are secret as a whole; what is left without the secrets is none.
    environment = pulumi.Output.unsecret(database.apply(settings_of))

    engine = docker.Provider("engine", host=server["engine"])
    near = pulumi.ResourceOptions(provider=engine)
    image = docker.RemoteImage("app", name=config.get("image") or "postgres:15-alpine", keep_locally=True, opts=near)
    container = docker.Container(
        "app",
        name=f"{pulumi.get_project()}-{pulumi.get_stack()}",
        image=image.image_id,
        entrypoints=["/bin/sh", PROGRAM],
        envs=environment.apply(lambda values: [f"{name}={value}" for name, value in sorted(values.items())]),
        uploads=[
            docker.ContainerUploadArgs(file=PROGRAM, content=(Path(__file__).parent / "heartbeat.sh").read_text(encoding="utf-8")),
            docker.ContainerUploadArgs(file=PASSWORD_FILE, content=database.apply(password_line), permissions="0600"),
        ],
        networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=server["network"])],
        capabilities=docker.ContainerCapabilitiesArgs(drops=["ALL"]),
        security_opts=["no-new-privileges:true"],
        restart="unless-stopped",
        log_driver="json-file",
        log_opts={"max-size": "1m", "max-file": "2"},
        opts=pulumi.ResourceOptions(provider=engine, delete_before_replace=True, additional_secret_outputs=["uploads"]),
    )
    pulumi.export("container", container.name)


main()
