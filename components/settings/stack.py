"""All settings of a stack, and which of them belong to which target."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pydantic
from pydantic import Field

from components.explain import NAMESPACE
from components.settings.databases import DatabaseSettings, name_problems
from components.settings.docker import DockerSettings
from components.settings.external import ExternalSettings, external_problems
from components.settings.kinds import Model, Path, refuse
from components.settings.login import LoginSettings
from components.settings.parameters import ServerParameters

EMBEDDED_VERSION: Literal[18] = 18
"""PostgreSQL's major version in the wheel."""


class Settings(Model):
    """All settings of a stack."""

    target: Literal["embedded", "docker", "external"] = Field(
        "embedded",
        description="Where the server runs. embedded: a process of this user, from a wheel. docker: a container of Docker or Podman. "
        "external: it is there already.",
    )
    version: Literal[15, 16, 17, 18] = Field(
        EMBEDDED_VERSION, description=f"PostgreSQL's major version. The embedded server is {EMBEDDED_VERSION}."
    )
    port: int = Field(5432, strict=True, ge=1, le=65535, description="TCP port of the server on this machine.")
    data_directory: Path = Field(
        ".pgstack/data",
        description="Folder of the embedded server's data, relative to Pulumi.yaml; each stack has a folder of its name in it.",
    )
    delete_data: bool = Field(
        False,
        description="Whether `pulumi destroy` deletes the data of a server that this program runs. It acts after the next `pulumi up`, "
        "whose preview warns.",
    )
    parameters: ServerParameters = Field(ServerParameters(), description="Parameters of postgresql.conf, such as max_connections.")
    docker: DockerSettings = Field(DockerSettings(), description="The container of target docker.")
    external: ExternalSettings = Field(ExternalSettings(), description="The server of target external.")
    databases: tuple[DatabaseSettings, ...] = Field((), description="The databases, each with its roles and migrations.")

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Settings:
        databases = dict(enumerate(self.databases))
        parts = Parts(self.target, self.version, self.port, self.docker, self.external, self.parameters, databases, len(databases))
        refuse(problems_together(parts))
        return self

    def login_of(self, database: DatabaseSettings) -> LoginSettings | None:
        """Who migrates a database whose roles are not made here; None where they are."""
        if self.target != "external" or self.external.manage_roles:
            return None
        return database.login or self.external.login


ELSEWHERE = {
    "embedded": {"docker": "belongs to target docker, and this one is embedded: take it out"},
    "docker": {
        "dataDirectory": f"belongs to target embedded: the data is in a volume, set {NAMESPACE}:docker.volume instead",
    },
    "external": {
        "version": "belongs to the targets embedded and docker: an external server has the version that it has",
        "port": f"belongs to the targets embedded and docker: set {NAMESPACE}:external.port instead",
        "dataDirectory": "belongs to target embedded: an external server's data is its own",
        "deleteData": "belongs to the targets embedded and docker: the data of an external server is never deleted",
        "parameters": "belongs to the targets embedded and docker: set them on the server itself",
        "docker": "belongs to target docker, and this one is external: take it out",
    },
}
"""Target → keys that mean nothing there, and why, or what to do instead."""


@dataclass(frozen=True)
class Parts:
    """Settings that can be read, to be looked at together.

    Attributes:
        docker, external, parameters: None where they cannot be read, so that nothing is said of what depends on them.
        databases: those that can be read, by their places in the list.
        entries: how many there are in that list.
    """

    target: str
    version: object
    port: object
    docker: DockerSettings | None
    external: ExternalSettings | None
    parameters: ServerParameters | None
    databases: Mapping[int, DatabaseSettings]
    entries: int


def problems_together(parts: Parts) -> list[str]:
    """What is wrong between settings that are right by themselves, a line each."""
    lines = name_problems(parts.databases)
    if parts.target == "external":
        return lines + external_problems(parts.external, parts.databases, parts.entries)
    if parts.target == "docker":
        if parts.docker and isinstance(parts.port, int):
            lines += parts.docker.problems(parts.port)
    else:
        if parts.version != EMBEDDED_VERSION and parts.version in {15, 16, 17}:
            lines.append(
                f"{NAMESPACE}:version = {parts.version}: the embedded server is PostgreSQL {EMBEDDED_VERSION}: "
                "take it out, or set target docker"
            )
        if parts.parameters and parts.parameters.listen_addresses is not None:
            lines.append(f"{NAMESPACE}:parameters.listen_addresses: is not yours to set: the embedded server listens on loopback alone")
    elsewhere = f"belongs to target external, and this one is {parts.target}: take it out"
    if parts.external not in (None, ExternalSettings()):
        lines.append(f"{NAMESPACE}:external: {elsewhere}")
    return lines + [f"{NAMESPACE}:databases[{index}].login: {elsewhere}" for index, entry in parts.databases.items() if entry.login]
