"""What is wanted, and what a step towards it looks like."""

from __future__ import annotations

from dataclasses import dataclass, field

from psycopg import sql

from postgres.errors import PgstackError


class BootstrapError(PgstackError):
    """A database or a role could not be made as it is wanted."""


@dataclass(frozen=True)
class Role:
    """A role that logs in. Its repr leaves the password out."""

    name: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Wanted:
    """Databases that share their roles: an application's own and, where there is one, its test twin.

    Attributes:
        databases: names.
        owner: owns them and all in them, runs the migrations.
        app: reads and writes data.
        readonly: reads data.
        extensions: names, to be had in each database.
    """

    databases: tuple[str, ...]
    owner: Role
    app: Role
    readonly: Role
    extensions: tuple[str, ...] = ()

    @property
    def roles(self) -> tuple[Role, Role, Role]:
        """All three."""
        return (self.owner, self.app, self.readonly)


@dataclass(frozen=True)
class Step:
    """One statement.

    Attributes:
        what: in words, as people read it.
        statement: to be run in autocommit mode.
        as_owner: whether the owner's rights are needed for it, rather than the administrator's.
        lets_in: the role that cannot log in before this step, whatever its password.
    """

    what: str
    statement: sql.SQL | sql.Composed
    as_owner: bool = False
    lets_in: str = ""
