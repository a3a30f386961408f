"""What is inside a database: extensions, and the rights on schemas, tables and sequences, those that are and those to come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from bootstrap.model import BootstrapError, Step, Wanted
from migrator.ledger import SCHEMA as LEDGER_SCHEMA

Rights = dict[str, frozenset[LiteralString]]

KINDS: dict[str, LiteralString] = {"table": "TABLE", "view": "TABLE", "sequence": "SEQUENCE", "schema": "SCHEMA"}
PLURALS: dict[str, LiteralString] = {"table": "TABLES", "sequence": "SEQUENCES", "schema": "SCHEMAS"}
"""Kind of object → its word in GRANT, and in ALTER DEFAULT PRIVILEGES."""

APP: Rights = {
    "table": frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"}),
    "view": frozenset({"SELECT"}),
    "sequence": frozenset({"USAGE", "SELECT"}),
    "schema": frozenset({"USAGE"}),
}
READONLY: Rights = {kind: frozenset({"USAGE"} if kind == "schema" else {"SELECT"}) for kind in KINDS}

TOLERATED: Rights = {"table": frozenset({"TRUNCATE"}), "view": APP["table"], "sequence": frozenset({"UPDATE"})}
"""Rights on data that a migration may give the application beyond the usual ones."""

REVOCABLE: frozenset[LiteralString] = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "USAGE", "CREATE"}
)
"""Privileges that are taken away where they are too many; one that a newer server brings is left alone."""


@dataclass(frozen=True)
class Thing:
    """A schema, table, view or sequence of the owner, and who has which right on it.

    Attributes:
        kind: a key of `KINDS`.
        names: schema, or schema and name.
        rights: (role or PUBLIC, privilege), the owner's left out.
    """

    kind: str
    names: tuple[str, ...]
    rights: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Observed:
    """The inside of a database.

    Attributes:
        extensions: installed.
        available: extension → whether an owner who is no superuser may create it.
        things: all that rights are kept on.
        defaults: (kind, role, privilege) that the owner's future objects give.
    """

    extensions: frozenset[str]
    available: dict[str, bool]
    things: tuple[Thing, ...]
    defaults: frozenset[tuple[str, str, str]]


def observe(connection: psycopg.Connection[Any], wanted: Wanted, left_out: Iterable[tuple[str, str]]) -> Observed:
    """Reads the catalog of the connection's database.

    Args:
        left_out: schema and name of tables whose rights are somebody else's to keep.
    """
    extensions = connection.execute("SELECT extname FROM pg_catalog.pg_extension").fetchall()
    available = connection.execute(
        "SELECT a.name, coalesce(bool_or(v.trusted), false) FROM pg_catalog.pg_available_extensions a"
        " LEFT JOIN pg_catalog.pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version"
        " WHERE a.name = ANY(%s) GROUP BY 1",
        [list(wanted.extensions)],
    ).fetchall()
    hidden = set(left_out)
    things: dict[tuple[str, tuple[str, ...]], set[tuple[str, str]]] = {}
    for kind, schema, name, grantee, privilege in connection.execute(_THINGS, {"owner": wanted.owner.name}).fetchall():
        if (schema, name) in hidden:
            continue
        rights = things.setdefault((kind, (schema, name) if name else (schema,)), set())
        if grantee is not None:
            rights.add((grantee, privilege))
    defaults = connection.execute(_DEFAULTS, {"owner": wanted.owner.name}).fetchall()
    return Observed(
        extensions=frozenset(name for (name,) in extensions),
        available=dict(available),
        things=tuple(Thing(kind, names, frozenset(rights)) for (kind, names), rights in things.items() if names != (LEDGER_SCHEMA,)),
        defaults=frozenset(defaults),
    )


_THINGS = """
    SELECT 'schema', n.nspname, NULL, coalesce(r.rolname, 'PUBLIC'), a.privilege_type
    FROM pg_catalog.pg_namespace n
         LEFT JOIN LATERAL pg_catalog.aclexplode(n.nspacl) a ON a.grantee <> n.nspowner
         LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
    WHERE n.nspname = 'public' OR n.nspowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(owner)s)
    UNION ALL
    SELECT CASE WHEN c.relkind = 'S' THEN 'sequence' WHEN c.relkind IN ('v', 'm') THEN 'view' ELSE 'table' END,
           n.nspname, c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type
    FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN LATERAL pg_catalog.aclexplode(c.relacl) a ON a.grantee <> c.relowner
         LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
      AND c.relowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(owner)s)
      AND NOT EXISTS (
          SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
      )
    ORDER BY 1, 2, 3
"""

_DEFAULTS = """
    SELECT CASE d.defaclobjtype WHEN 'r' THEN 'table' WHEN 'S' THEN 'sequence' ELSE 'schema' END, r.rolname, a.privilege_type
    FROM pg_catalog.pg_default_acl d
         CROSS JOIN pg_catalog.aclexplode(d.defaclacl) a
         JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
    WHERE d.defaclrole = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = %(owner)s)
      AND d.defaclnamespace = 0 AND d.defaclobjtype IN ('r', 'S', 'n') AND a.grantee <> d.defaclrole
"""


def plan(wanted: Wanted, database: str, observed: Observed) -> list[Step]:
    """The steps towards the extensions and rights that are wanted.

    Raises:
        BootstrapError: the server does not have an extension.
    """
    steps = _extensions(wanted, database, observed)
    for role, rights in ((wanted.app.name, APP), (wanted.readonly.name, READONLY)):
        for kind in PLURALS:
            has = {privilege for of, grantee, privilege in observed.defaults if (of, grantee) == (kind, role)}
            for action, privileges in _changes(has, rights[kind], frozenset()):
                steps.append(_default(database, kind, role, action, privileges))
        for thing in observed.things:
            has = {privilege for grantee, privilege in thing.rights if grantee == role}
            tolerated = TOLERATED.get(thing.kind, frozenset()) if rights is APP else frozenset()
            for action, privileges in _changes(has, rights[thing.kind], tolerated):
                steps.append(_on(database, thing, role, action, privileges))
    for thing in observed.things:
        has = {privilege for grantee, privilege in thing.rights if grantee == "PUBLIC"}
        # Everybody may look into a schema, as in one that the server makes; what is in it is for the three roles.
        for action, privileges in _changes(has, frozenset(), frozenset({"USAGE"} if thing.kind == "schema" else ())):
            steps.append(_on(database, thing, "PUBLIC", action, privileges))
    return steps


def _changes(
    has: set[str], should: frozenset[LiteralString], tolerated: frozenset[LiteralString]
) -> Iterator[tuple[LiteralString, list[LiteralString]]]:
    """GRANT with the privileges that are missing, REVOKE with those that are too many."""
    if missing := sorted(should - has):
        yield "GRANT", missing
    if excess := sorted(privilege for privilege in REVOCABLE if privilege in has and privilege not in should | tolerated):
        yield "REVOKE", excess


def _on(database: str, thing: Thing, role: str, action: LiteralString, privileges: list[LiteralString]) -> Step:
    direction: LiteralString = "TO" if action == "GRANT" else "FROM"
    statement = sql.SQL("{} {} ON {} {} {} {}").format(
        sql.SQL(action),
        _list(privileges),
        sql.SQL(KINDS[thing.kind]),
        sql.Identifier(*thing.names),
        sql.SQL(direction),
        sql.SQL("PUBLIC") if role == "PUBLIC" else sql.Identifier(role),
    )
    name = ".".join(thing.names)
    words = f"{action.lower()} {', '.join(privileges)} on the {thing.kind} {name} of {database} {direction.lower()} {role}"
    return Step(words, statement, as_owner=True)


def _default(database: str, kind: str, role: str, action: LiteralString, privileges: list[LiteralString]) -> Step:
    direction: LiteralString = "TO" if action == "GRANT" else "FROM"
    statement = sql.SQL("ALTER DEFAULT PRIVILEGES {} {} ON {} {} {}").format(
        sql.SQL(action), _list(privileges), sql.SQL(PLURALS[kind]), sql.SQL(direction), sql.Identifier(role)
    )
    words = f"{action.lower()} {', '.join(privileges)} on future {PLURALS[kind].lower()} of {database} {direction.lower()} {role}"
    return Step(words, statement, as_owner=True)


def _list(privileges: list[LiteralString]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(privilege) for privilege in privileges)


def _extensions(wanted: Wanted, database: str, observed: Observed) -> list[Step]:
    steps = []
    for name in wanted.extensions:
        if name in observed.extensions:
            continue
        if name not in observed.available:
            raise BootstrapError(
                f"The server has no extension {name}, which the database {database} asks for.",
                hint="SELECT name FROM pg_available_extensions lists those it has. Correct `extensions:` in the settings.",
            )
        create = sql.SQL("CREATE EXTENSION {} CASCADE").format(sql.Identifier(name))
        steps.append(Step(f"create the extension {name} in {database}", create, as_owner=observed.available[name]))
    return steps
