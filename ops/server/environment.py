"""An application's settings, in the ways that applications read them."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from ops.errors import OpsError
from ops.server.deployed import Deployed

BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]+")
"""What no reader of a dotenv file takes for anything but itself."""

DJANGO = {
    "DATABASE_NAME": "PGDATABASE",
    "DATABASE_USER": "PGUSER",
    "DATABASE_PASSWORD": "PGPASSWORD",
    "DATABASE_HOST": "PGHOST",
    "DATABASE_PORT": "PGPORT",
    "PGSSLMODE": "PGSSLMODE",
}
"""What a Django project's settings ask the environment for → what it is called in the outputs. libpq itself reads the last one."""

SQLX_POOL = {"DB_MAX_CONNECTIONS": "10", "DB_MIN_CONNECTIONS": "2", "DB_ACQUIRE_TIMEOUT": "30"}
"""The pool of an application with sqlx; seconds for the timeout."""


def of(deployed: Deployed, database: str | None, *, network: bool, test: bool) -> dict[str, str]:
    """The variables of the application's role, and those of Redis where the stack has it.

    Args:
        network: as a container beside the server needs them, not a program of this machine.
        test: those of the database's test twin.

    Raises:
        typer.BadParameter: there is no such database.
        OpsError: no container reaches the server.
    """
    key = "networkEnvironment" if network else "environment"
    found = deployed.database(database, test=test).get(key)
    if found is None:
        raise OpsError(
            f"No container reaches the server of the stack {deployed.name}: its target is {deployed.target}.",
            hint="Leave out --network: a program of this machine reaches it.",
        )
    redis = (deployed.outputs.get("redis") or {}).get(key) or {}
    return {name: str(value) for name, value in {**found, **redis}.items()}


def written(variables: Mapping[str, str], form: str) -> str:
    """The variables in one of FORMS, without a newline at the end."""
    return FORMS[form](variables)


def dotenv_value(value: str) -> str:
    """A value as a dotenv file has it: bare where nothing in it means anything, in single quotes where those keep all, else in double ones.

    In double quotes, a backslash is before each backslash, quote and dollar sign.
    """
    if BARE.fullmatch(value):
        return value
    if "'" not in value and "\\" not in value:
        return f"'{value}'"
    return '"' + re.sub(r'([\\"$])', r"\\\1", value) + '"'


def _dotenv(variables: Mapping[str, str]) -> str:
    return "\n".join(f"{name}={dotenv_value(value)}" for name, value in variables.items())


def _shell(variables: Mapping[str, str]) -> str:
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def _json(variables: Mapping[str, str]) -> str:
    return json.dumps(dict(variables), indent=2, ensure_ascii=False)


def _django(variables: Mapping[str, str]) -> str:
    chosen: dict[str, Any] = {name: variables[source] for name, source in DJANGO.items()}
    return _dotenv({**chosen, **_redis(variables)})


def _sqlx(variables: Mapping[str, str]) -> str:
    return _dotenv({"DATABASE_URL": variables["DATABASE_URL"], **SQLX_POOL, **_redis(variables)})


def _redis(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name.startswith("REDIS_")}


FORMS = {"dotenv": _dotenv, "json": _json, "shell": _shell, "django": _django, "sqlx": _sqlx}
