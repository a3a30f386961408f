"""Says what is missing where the server refuses what the migrator itself asks for: to read its records, or to make them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from migrator.errors import MigrationError, SessionLost
from migrator.link import broken

NO_RIGHT = "42501"


@contextmanager
def explained(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Turns the driver's errors into the migrator's own, which name database and user.

    Raises:
        SessionLost: the session broke.
        MigrationError: the server refused something.
    """
    try:
        yield
    except psycopg.Error as error:
        said = " ".join(str(error.diag.message_primary or error).split()) or type(error).__name__
        where = f"database {connection.info.dbname} as {connection.info.user}"
        if broken(connection):
            raise SessionLost(f"The session in {where} was lost: {said}") from None
        state = f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
        raise MigrationError(
            f"The records of migrations could not be read or written in {where}: {said}{state}.", hint=_hint(connection, error)
        ) from None


def _hint(connection: psycopg.Connection[Any], error: psycopg.Error) -> str:
    if error.sqlstate != NO_RIGHT:
        return error.diag.message_hint or ""
    return (
        f"Migrate as the role that did so before, which owns the schema pgstack and the tool's own table. For a first run, a role needs "
        f"CREATE on the schema public, and either CREATE on the database or a schema of its own: "
        f"CREATE SCHEMA pgstack AUTHORIZATION {sql.Identifier(connection.info.user).as_string(connection)}."
    )
