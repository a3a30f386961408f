"""The databases themselves: owner, and who may connect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from bootstrap.model import BootstrapError, Step, Wanted

PUBLIC = "PUBLIC"


@dataclass(frozen=True)
class Observed:
    """A database that exists.

    Attributes:
        rights: (role or PUBLIC, privilege), the owner's left out.
    """

    owner: str
    encoding: str
    rights: frozenset[tuple[str, str]]


def observe(connection: psycopg.Connection[Any], name: str) -> Observed | None:
    """Reads pg_database; None where there is no such database."""
    row = connection.execute(
        "SELECT o.rolname, pg_catalog.pg_encoding_to_char(d.encoding)"
        " FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles o ON o.oid = d.datdba WHERE d.datname = %s",
        [name],
    ).fetchone()
    if row is None:
        return None
    rights = connection.execute(
        """
        SELECT coalesce(r.rolname, 'PUBLIC'), a.privilege_type
        FROM pg_catalog.pg_database d
             CROSS JOIN pg_catalog.aclexplode(coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba))) a
             LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
        WHERE d.datname = %s AND a.grantee <> d.datdba
        """,
        [name],
    ).fetchall()
    return Observed(row[0], row[1], frozenset((grantee, privilege) for grantee, privilege in rights))


def plan(wanted: Wanted, name: str, observed: Observed | None, administrator: str | None) -> list[Step]:
    """The steps towards a database that its three roles alone may connect to.

    Args:
        administrator: the role that has to get in as well, unless it is a superuser, whom nothing keeps out.

    Raises:
        BootstrapError: it exists with another encoding than UTF-8, which cannot be changed.
    """
    database = sql.Identifier(name)
    steps = []
    if observed is None:
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'UTF8'")
        steps.append(Step(f"create the database {name}", create.format(database, sql.Identifier(wanted.owner.name))))
        observed = Observed(wanted.owner.name, "UTF8", frozenset({(PUBLIC, "CONNECT"), (PUBLIC, "TEMPORARY")}))
    if observed.encoding != "UTF8":
        raise BootstrapError(
            f"The database {name} has the encoding {observed.encoding}; only UTF8 is supported, and an encoding cannot be changed.",
            hint="Dump it, create it anew with ENCODING 'UTF8', and restore the dump.",
        )
    if observed.owner != wanted.owner.name:
        statement = sql.SQL("ALTER DATABASE {} OWNER TO {}").format(database, sql.Identifier(wanted.owner.name))
        steps.append(Step(f"give the database {name} to {wanted.owner.name}", statement))
    rights: dict[str, set[LiteralString]] = {PUBLIC: set(), wanted.app.name: {"CONNECT", "TEMPORARY"}, wanted.readonly.name: {"CONNECT"}}
    if administrator and administrator != wanted.owner.name:
        rights[administrator] = {"CONNECT"}
    privileges: tuple[LiteralString, ...] = ("CONNECT", "CREATE", "TEMPORARY")
    for role, allowed in rights.items():
        grantee = sql.SQL("PUBLIC") if role == PUBLIC else sql.Identifier(role)
        for privilege in privileges:
            has = (role, privilege) in observed.rights
            if has and privilege not in allowed:
                revoke = sql.SQL("REVOKE {} ON DATABASE {} FROM {}").format(sql.SQL(privilege), database, grantee)
                steps.append(Step(f"revoke {privilege} on the database {name} from {role}", revoke, as_owner=True))
            elif not has and privilege in allowed:
                grant = sql.SQL("GRANT {} ON DATABASE {} TO {}").format(sql.SQL(privilege), database, grantee)
                lets_in = role if privilege == "CONNECT" else ""
                steps.append(Step(f"grant {privilege} on the database {name} to {role}", grant, as_owner=True, lets_in=lets_in))
    return steps
