"""Ways into a database: as the owner, by a stack's outputs; or as whoever the environment says. No password is ever an argument."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import typer
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from ops import stacks
from ops.command import Choice
from ops.errors import OpsError
from ops.source import Source
from postgres.login import Login
from toolchain import summary

USUAL_VARIABLE = "DATABASE_URL"

OF_A_LOGIN = frozenset({"host", "port", "dbname", "user", "password", "sslmode", "sslrootcert"})
"""libpq's parameters that a `Login` has."""

NOT_PASSED_ON = frozenset({"service", "servicefile", "client_encoding", "application_name", "fallback_application_name", "replication"})
"""Parameters that are the session's own matter, or were looked up already."""


@dataclass(frozen=True)
class Access:
    """A login, and what else libpq is told.

    Attributes:
        options: further parameters of libpq.
    """

    login: Login
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection[Any]]:
        """A session in autocommit mode.

        Raises:
            ConnectionFailed: there is none to be had.
            OpsError: the server refused something, for want of a right most often.
        """
        with self.login.connect(**self.options) as connection:
            try:
                yield connection
            except psycopg.Error as error:
                said = error.diag.message_primary or " ".join(str(error).split()) or type(error).__name__
                state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
                raise OpsError(f"The server refused what {self.login.user} asked of {self.login.database}: {said}{state}") from None


def to(choice: Choice, sources: Sequence[Source]) -> tuple[Access, ...]:
    """The way into each of these databases.

    Raises:
        ToolchainError: the stack is not up, or has no such database yet.
        typer.BadParameter: nothing in the environment names a database.
    """
    if choice.folder is not None:
        return (from_environment(choice.url_from, choice.database),)
    stack = choice.stack or stacks.USUAL
    outputs = stacks.outputs_of(stack)
    authorities = stacks.root_certificate_of(stack)
    return tuple(_owner(outputs, source.database, authorities) for source in sources)


def _owner(outputs: dict[str, Any], database: str, authorities: str) -> Access:
    *_, address = summary.find_login(outputs, database, "owner")
    return _of(conninfo_to_dict(address), authorities)


def from_environment(variable: str | None, database: str | None) -> Access:
    """What a URL in the environment says; what it leaves open is looked up as `psql` does it: PGHOST and so on, a service, ~/.pgpass.

    Args:
        variable: with the URL; DATABASE_URL where it is None and set.
        database: instead of the one that is named there.

    Raises:
        typer.BadParameter: the variable is not set, or nothing names a database.
    """
    address = os.environ.get(variable or USUAL_VARIABLE, "")
    if variable and not address:
        raise typer.BadParameter(f"the environment has no variable {variable}.", param_hint="--url-from")
    try:
        named = conninfo_to_dict(address)
    except psycopg.ProgrammingError:
        # libpq's own message could show a part of the password.
        raise OpsError(f"{variable or USUAL_VARIABLE} is no connection URL.", hint="It is like postgresql://user@host:5432/shop.") from None
    known = {**_ambient(), **named, **({"dbname": database} if database else {})}
    if not known.get("dbname"):
        raise typer.BadParameter(
            f"nothing in the environment names a database: set {USUAL_VARIABLE}, or PGHOST, PGDATABASE and so on.", param_hint="--url-from"
        )
    return _of(known, "", passfile=str(Path.home() / ".pgpass"))


def _ambient() -> dict[str, str]:
    """What the environment, or the service that it names, sets of libpq's parameters; and the user of this process."""
    options = {option.keyword.decode(): option for option in pq.Conninfo.get_defaults()}
    return {name: option.val.decode() for name, option in options.items() if option.val and option.val != option.compiled}


def _of(known: Mapping[str, Any], authorities: str, **defaults: str) -> Access:
    """The access that libpq's parameters describe."""
    given = {name: str(value) for name, value in known.items() if value}
    port = given.get("port", "5432")
    if not port.isdigit():
        raise OpsError(f"Several servers are named: {given.get('host', '')}.", hint="Migrations go to one: name the primary.")
    login = Login(
        given.get("host", ""),
        int(port),
        given["dbname"],
        given["user"],
        given.get("password", ""),
        given.get("sslmode", "prefer"),
        given.get("sslrootcert", authorities),
    )
    options = {name: value for name, value in {**defaults, **given}.items() if name not in OF_A_LOGIN | NOT_PASSED_ON}
    return Access(login, options)
