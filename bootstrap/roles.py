"""Roles and their memberships."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from bootstrap.model import Role, Step, Wanted

ATTRIBUTES: dict[str, tuple[bool, LiteralString]] = {
    "rolsuper": (False, "NOSUPERUSER"),
    "rolcreatedb": (False, "NOCREATEDB"),
    "rolcreaterole": (False, "NOCREATEROLE"),
    "rolreplication": (False, "NOREPLICATION"),
    "rolbypassrls": (False, "NOBYPASSRLS"),
    "rolcanlogin": (True, "LOGIN"),
}
"""Column of pg_roles → what it is for a role of ours, and what ALTER ROLE calls that."""

HARMLESS_MEMBERSHIPS = frozenset({"rds_iam"})
"""Roles that give no right to data or DDL; rds_iam lets a role log in with an IAM token."""

SET_OPTION_SINCE = 160000
"""server_version_num from which membership has a SET option, and CREATEROLE does not imply it."""


@dataclass(frozen=True)
class Membership:
    """`member` has the rights of `group`, by the will of `grantor`."""

    group: str
    member: str
    grantor: str


@dataclass(frozen=True)
class Observed:
    """The roles a server has.

    Attributes:
        attributes: role → the columns of `ATTRIBUTES`; only roles that exist.
        expiring: roles whose password has an end.
        memberships: of the application's and the read-only role.
        administrator_is_superuser: so that it needs no membership to act for the owner.
        may_become_owner: whether SET ROLE to the owner works for the administrator.
        version: server_version_num.
    """

    attributes: dict[str, dict[str, bool]]
    expiring: frozenset[str]
    memberships: tuple[Membership, ...]
    administrator_is_superuser: bool
    may_become_owner: bool
    version: int


def observe(connection: psycopg.Connection[Any], wanted: Wanted) -> Observed:
    """Reads pg_roles and pg_auth_members."""
    names = [role.name for role in wanted.roles]
    version = connection.info.server_version
    rows = connection.execute(
        "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin,"
        " coalesce(rolvaliduntil < 'infinity', false)"
        " FROM pg_catalog.pg_roles WHERE rolname = ANY(%s)",
        [names],
    ).fetchall()
    memberships = connection.execute(
        "SELECT roleid::regrole::text, member::regrole::text, grantor::regrole::text, g.rolname, m.rolname, o.rolname"
        " FROM pg_catalog.pg_auth_members a JOIN pg_catalog.pg_roles g ON g.oid = a.roleid"
        " JOIN pg_catalog.pg_roles m ON m.oid = a.member JOIN pg_catalog.pg_roles o ON o.oid = a.grantor"
        " WHERE m.rolname = ANY(%s)",
        [[wanted.app.name, wanted.readonly.name]],
    ).fetchall()
    attributes = {row[0]: dict(zip(ATTRIBUTES, row[1:-1], strict=True)) for row in rows}
    superuser = connection.execute("SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user").fetchone()
    may_become_owner = False
    if wanted.owner.name in attributes:
        option = "SET" if version >= SET_OPTION_SINCE else "MEMBER"
        answer = connection.execute("SELECT pg_catalog.pg_has_role(current_user, %s, %s)", [wanted.owner.name, option]).fetchone()
        may_become_owner = bool(answer and answer[0])
    return Observed(
        attributes=attributes,
        expiring=frozenset(row[0] for row in rows if row[-1]),
        memberships=tuple(Membership(*row[3:]) for row in memberships),
        administrator_is_superuser=bool(superuser and superuser[0]),
        may_become_owner=may_become_owner,
        version=version,
    )


def plan(wanted: Wanted, observed: Observed, verifier: Callable[[Role], sql.Literal]) -> list[Step]:
    """The steps from what is to what is wanted.

    Args:
        verifier: gives the SCRAM verifier of a role that is to be made.
    """
    steps = []
    for role in wanted.roles:
        name = sql.Identifier(role.name)
        if role.name not in observed.attributes:
            create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, verifier(role))
            steps.append(Step(f"create the role {role.name}", create))
            continue
        has = observed.attributes[role.name]
        steps += [
            Step(
                f"make the role {role.name} {word}",
                sql.SQL("ALTER ROLE {} {}").format(name, sql.SQL(word)),
                lets_in=role.name if word == "LOGIN" else "",
            )
            for column, (should, word) in ATTRIBUTES.items()
            if has[column] != should
        ]
        if role.name in observed.expiring:
            statement = sql.SQL("ALTER ROLE {} VALID UNTIL 'infinity'").format(name)
            steps.append(Step(f"let the password of the role {role.name} not expire", statement, lets_in=role.name))
    for membership in observed.memberships:
        if membership.group not in HARMLESS_MEMBERSHIPS:
            steps.append(_revoke(membership, observed.version))
    if not observed.administrator_is_superuser and not observed.may_become_owner:
        options = sql.SQL(" WITH SET TRUE, INHERIT FALSE") if observed.version >= SET_OPTION_SINCE else sql.SQL("")
        grant = sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(wanted.owner.name)) + options
        steps.append(Step(f"let the administrator act as {wanted.owner.name}", grant))
    return steps


def _revoke(membership: Membership, version: int) -> Step:
    statement = sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(membership.group), sql.Identifier(membership.member))
    if version >= SET_OPTION_SINCE:
        # From 16 on a membership is taken back by its grantor alone, and silently kept otherwise.
        statement += sql.SQL(" GRANTED BY {}").format(sql.Identifier(membership.grantor))
    return Step(f"take the role {membership.member} out of {membership.group}", statement)
