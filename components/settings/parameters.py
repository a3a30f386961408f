"""Parameters of a server's postgresql.conf."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pydantic
from pydantic import BaseModel, ConfigDict, Field

from components.explain import NAMESPACE, shown
from components.settings.kinds import Scalar, refuse

PARAMETER_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")

KEPT_PARAMETERS = {
    "port": f"set {NAMESPACE}:port instead",
    "unix_socket_permissions": "the server's socket is for its own account, or its container, alone",
    "unix_socket_directories": "the server's socket is where this program looks for it",
    "data_directory": f"set {NAMESPACE}:dataDirectory, or {NAMESPACE}:docker.volume, instead",
    "hba_file": "who may log in is decided by the roles",
    "ident_file": "who may log in is decided by the roles",
    "password_encryption": "passwords are kept as SCRAM-SHA-256",
}
"""Server parameters that are not the user's to set, and what to do instead."""


class ServerParameters(BaseModel):
    """Parameters of postgresql.conf. The typed ones are checked here, any other goes to the server as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Scalar] = Field(init=False)

    listen_addresses: str | None = Field(
        None,
        min_length=1,
        description="Addresses to listen on: `*` in a container unless set; an embedded server has loopback alone.",
    )
    max_connections: int = Field(100, strict=True, ge=10, le=10_000, description="Sessions at a time.")
    shared_buffers: str = Field("128MB", pattern=r"^\d+(kB|MB|GB)$", description="Memory for the server's page cache.")

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> ServerParameters:
        refuse(parameter_problems(self.__pydantic_extra__))
        return self

    def as_text(self) -> dict[str, str]:
        """Name → value as postgresql.conf writes it, sorted by name."""
        words = {True: "on", False: "off"}
        values = self.model_dump(exclude_none=True)
        return {name: words[value] if isinstance(value, bool) else str(value) for name, value in sorted(values.items())}


def parameter_problems(parameters: Mapping[str, Any]) -> list[str]:
    """What is wrong with the names of parameters, a line each."""
    problems = {
        name: f"is not yours to set: {KEPT_PARAMETERS[name]}"
        if name in KEPT_PARAMETERS
        else "is no parameter of PostgreSQL: they are lower case, like log_min_duration_statement"
        for name in parameters
        if name in KEPT_PARAMETERS or not PARAMETER_NAME.fullmatch(name)
    }
    keys = {name: f".{name}" if PARAMETER_NAME.fullmatch(name) else f"[{shown(name)}]" for name in problems}
    return [f"{NAMESPACE}:parameters{keys[name]} = {shown(parameters[name])}: {problem}" for name, problem in problems.items()]
