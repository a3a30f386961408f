"""All settings of a stack, and which of them belong to which target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import pydantic
from pydantic import Field

from components.explain import NAMESPACE
from components.settings.databases import DatabaseSettings, name_problems
from components.settings.external import ExternalSettings, external_problems
from components.settings.kinds import Model, Path, refuse
from components.settings.login import LoginSettings
from components.settings.parameters import ServerParameters


class Settings(Model):
    """All settings of a stack."""

    target: Literal["embedded", "external"] = Field(
        "embedded",
        description="Where the server runs. embedded: a process of this user, from a Python wheel. external: it is there already.",
    )
    version: Literal[18] = Field(18, description="PostgreSQL's major version. The embedded server is 18.")
    port: int = Field(5432, strict=True, ge=1, le=65535, description="TCP port of the embedded server on the loopback interface.")
    data_directory: Path = Field(
        ".pgstack/data",
        description="Folder of the embedded server's data, relative to Pulumi.yaml; each stack has a folder of its name in it.",
    )
    delete_data: bool = Field(
        False,
        description="Whether `pulumi destroy` deletes the embedded server's data. It acts after the next `pulumi up`, whose preview warns.",
    )
    parameters: ServerParameters = Field(
        ServerParameters(), description="Parameters of the embedded server's postgresql.conf, such as max_connections."
    )
    external: ExternalSettings = Field(ExternalSettings(), description="The server of target external.")
    databases: tuple[DatabaseSettings, ...] = Field((), description="The databases, each with its roles and migrations.")

    @pydantic.model_validator(mode="after")
    def _check_together(self) -> Settings:
        databases = dict(enumerate(self.databases))
        refuse(problems_together(self.target, self.external, databases, len(databases)))
        return self

    def login_of(self, database: DatabaseSettings) -> LoginSettings | None:
        """Who migrates a database whose roles are not made here; None where they are."""
        if self.target != "external" or self.external.manage_roles:
            return None
        return database.login or self.external.login


EMBEDDED_ALONE = {
    "version": "an external server has the version that it has",
    "port": f"set {NAMESPACE}:external.port instead",
    "dataDirectory": "an external server's data is its own",
    "deleteData": "the data of an external server is never deleted",
    "parameters": "set them on the server itself",
}
"""Keys that mean nothing on an external server, and why, or what to do instead."""


def problems_together(target: str, external: ExternalSettings | None, databases: Mapping[int, DatabaseSettings], entries: int) -> list[str]:
    """What is wrong between settings that are right by themselves, a line each.

    Args:
        external: None where it cannot be read, so that nothing is said of what depends on it.
        databases: those that can be read, by their places in the list.
        entries: how many there are in that list.
    """
    lines = name_problems(databases)
    if target == "external":
        return lines + external_problems(external, databases, entries)
    elsewhere = f"belongs to target external, and this one is {target}: take it out"
    if external not in (None, ExternalSettings()):
        lines.append(f"{NAMESPACE}:external: {elsewhere}")
    return lines + [f"{NAMESPACE}:databases[{index}].login: {elsewhere}" for index, entry in databases.items() if entry.login]
