"""Brings a server's databases and roles to what is wanted, or says what that would take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
from psycopg import sql

from bootstrap import contents, databases, roles
from bootstrap.model import BootstrapError, Role, Step, Wanted
from migrator import ledger
from postgres import scram
from postgres.locks import advisory_lock, key_of
from postgres.login import Login
from postgres.scram_secret import is_of

LOCK_KEY = key_of("pgstack bootstrap")
LOCK_TIMEOUT = 120.0
"""Seconds to wait for another bootstrap of the server: concurrent ones fail with "tuple concurrently updated"."""

Act = Callable[[psycopg.Connection[Any], list[Step]], None]
"""Runs the steps of one phase."""


def differences(administrator: Login, wanted: Wanted) -> tuple[str, ...]:
    """What `ensure` would do, in words; empty where all is as it should be. Changes nothing.

    Raises:
        ConnectionFailed: the server does not answer, or refuses the administrator.
    """
    with administrator.connect() as connection:
        return _walk(connection, administrator, wanted, None)


def ensure(administrator: Login, wanted: Wanted) -> tuple[str, ...]:
    """Makes databases, roles, rights and extensions what is wanted and returns what was done, in words.

    Repeats safely, also after a failure half-way. Drops nothing. Passwords reach the server as SCRAM verifiers.

    Raises:
        ConnectionFailed: the server does not answer, or refuses the administrator.
        BootstrapError: the administrator may not do a step, or the server cannot provide what is wanted.
        LockTimeout: another bootstrap of this server is at work.
    """
    with (
        administrator.connect() as connection,
        advisory_lock(connection, LOCK_KEY, what="another bootstrap of this server", timeout=LOCK_TIMEOUT),
    ):
        return _walk(connection, administrator, wanted, lambda session, steps: _run(session, wanted.owner, steps))


def _walk(connection: psycopg.Connection[Any], administrator: Login, wanted: Wanted, act: Act | None) -> tuple[str, ...]:
    """Goes through the phases in order; each one looks at what the ones before it left. Without `act` nothing is run."""
    done: list[Step] = []

    def phase(session: psycopg.Connection[Any], steps: list[Step]) -> None:
        if act:
            act(session, steps)
        done.extend(steps)

    def verifier(role: Role) -> sql.Literal:
        return scram.verifier(connection, role.name, role.password)

    observed = roles.observe(connection, wanted)
    phase(connection, roles.plan(wanted, observed, verifier))
    needs_connect = None if observed.administrator_is_superuser else administrator.user
    existing = []
    for name in wanted.databases:
        found = databases.observe(connection, name)
        phase(connection, databases.plan(wanted, name, found, needs_connect))
        if found or act:
            existing.append(name)
    # Where nothing is run, who is yet to be let in cannot look into a database, and says nothing about a password.
    shut_out = set() if act else {step.lets_in for step in done}
    for name in existing if administrator.user not in shut_out else ():
        with administrator.to(name).connect() as session:
            phase(session, contents.plan(wanted, name, contents.observe(session, wanted, ledger.history_tables())))
    known = [role for role in wanted.roles if existing and role.name in observed.attributes.keys() - shut_out]
    right = _has_password if observed.administrator_is_superuser else partial(_logs_in, administrator, existing[0] if existing else "")
    refused = [role for role in known if not right(connection, role)]
    phase(connection, [_password(role, verifier(role)) for role in refused])
    return tuple(step.what for step in done)


def _has_password(connection: psycopg.Connection[Any], role: Role) -> bool:
    """Whether the server has stored this password for a role; a superuser alone may look."""
    row = connection.execute("SELECT rolpassword FROM pg_catalog.pg_authid WHERE rolname = %s", [role.name]).fetchone()
    return row is not None and is_of(row[0], role.password)


def _logs_in(administrator: Login, database: str, _connection: psycopg.Connection[Any], role: Role) -> bool:
    """The same where nobody may look: by trying it."""
    return replace(administrator, database=database, user=role.name, password=role.password).works()


def _password(role: Role, verifier: sql.Literal) -> Step:
    statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role.name), verifier)
    return Step(f"set the password of the role {role.name}", statement)


def _run(connection: psycopg.Connection[Any], owner: Role, steps: list[Step]) -> None:
    for step in steps:
        try:
            with _as(connection, owner if step.as_owner else None):
                connection.execute(step.statement)
        except psycopg.Error as error:
            administrator = connection.info.user
            raise BootstrapError(
                f"Could not {step.what}: {error.diag.message_primary or error} (SQLSTATE {error.sqlstate})",
                hint=f"The administrator {administrator} needs CREATEROLE and CREATEDB, and rights over what exists already. "
                "What was done before this step stays; the next run goes on from here.",
            ) from None


@contextmanager
def _as(connection: psycopg.Connection[Any], role: Role | None) -> Iterator[None]:
    """Acts as a role for a while; as the administrator itself where there is none."""
    if role is None:
        yield
        return
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role.name)))
    try:
        yield
    finally:
        connection.execute("RESET ROLE")
