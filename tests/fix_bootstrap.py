"""Administrators of a server, and databases that a bootstrap is to make."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from psycopg import sql

from bootstrap.model import Role, Wanted
from postgres.login import Login


@dataclass
class Wishes:
    """Hands out what a bootstrap is to make, under names that nothing else has.

    Attributes:
        superuser: drops it all in the end.
        handed_out: what was handed out.
    """

    superuser: Login
    handed_out: list[Wanted] = field(default_factory=list)

    def new(self, name: str = "", *, twin: bool = False, extensions: tuple[str, ...] = ()) -> Wanted:
        """A database with its roles; `name` is the beginning of every name."""
        stem = name or f"shop_{secrets.token_hex(4)}"
        roles = {role: Role(f"{stem}_{role}", secrets.token_urlsafe()) for role in ("owner", "app", "readonly")}
        return self.keep(Wanted((stem, f"{stem}_test") if twin else (stem,), extensions=extensions, **roles))

    def keep(self, wanted: Wanted) -> Wanted:
        """Has databases and roles dropped in the end."""
        self.handed_out.append(wanted)
        return wanted

    def login(self, wanted: Wanted, role: str, database: str = "") -> Login:
        """The way in of a role: `owner`, `app` or `readonly`."""
        who: Role = getattr(wanted, role)
        return Login(self.superuser.host, self.superuser.port, database or wanted.databases[0], who.name, who.password, sslmode="disable")

    def clear(self) -> None:
        """Drops everything."""
        with self.superuser.connect() as session:
            for wanted in self.handed_out:
                for name in wanted.databases:
                    session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            for wanted in self.handed_out:
                for role in wanted.roles:
                    session.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role.name)))


@pytest.fixture(scope="module")
def creator(superuser: Login) -> Iterator[Login]:
    """An administrator as hosted servers have them: no superuser, but with CREATEROLE and CREATEDB."""
    name = f"admin_{secrets.token_hex(4)}"
    password = secrets.token_urlsafe()
    role = sql.Identifier(name)
    with superuser.connect() as session:
        session.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEROLE CREATEDB PASSWORD {}").format(role, sql.Literal(password)))
    yield Login(superuser.host, superuser.port, "postgres", name, password, sslmode="disable")
    with superuser.connect() as session:
        session.execute(sql.SQL("REASSIGN OWNED BY {} TO CURRENT_USER").format(role))
        session.execute(sql.SQL("DROP OWNED BY {}").format(role))
        session.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.fixture(scope="module", params=["superuser", "creator"])
def administrator(request: pytest.FixtureRequest) -> Login:
    """The superuser, then an administrator who is none."""
    login: Login = request.getfixturevalue(request.param)
    return login


@pytest.fixture
def wishes(superuser: Login, administrator: Login) -> Iterator[Wishes]:
    """Databases for one test, each with its roles."""
    made = Wishes(superuser)
    yield made
    made.clear()
