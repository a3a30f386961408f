"""Finds out from the catalog what became of a statement that was cut off, and clears away what it left half made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg import sql

from migrator import grammar

Session = psycopg.Connection[Any]


class Verdict(Enum):
    """What is known of a statement."""

    DONE = "it was carried out"
    AGAIN = "it was not, or running it once more does no harm"
    UNKNOWN = "nobody can tell"


class Repair(NamedTuple):
    """A statement that clears away what another one left half made."""

    why: str
    statement: sql.Composed


def judge(connection: Session, node: Any, state: str) -> Verdict:
    """What became of a statement that has to run outside a transaction.

    Args:
        node: PostgreSQL's syntax tree; None where the grammar does not know the statement.
        state: what `pgstack.step` says: "running" for one that was cut off; "failed" where the server refused it; empty where
            it was never begun.
    """
    if state != "running":
        return Verdict.AGAIN
    check = _JUDGES.get(grammar.kind(node))
    return check(connection, node) if check else Verdict.UNKNOWN


def repairs(connection: Session, node: Any) -> Iterator[Repair]:
    """What has to be cleared away before a statement can be run, by whomever it was left."""
    find = _REPAIRS.get(grammar.kind(node))
    return find(connection, node) if find else iter(())


def _one(connection: Session, query: LiteralString, *parameters: Any) -> tuple[Any, ...] | None:
    return connection.execute(query, parameters).fetchone()


def _name(relation: Any) -> str:
    """A relation as `to_regclass` reads it."""
    parts = [part for part in (relation.schemaname, relation.relname) if part]
    return sql.Identifier(*parts).as_string(None)


def _names(objects: Any) -> list[str]:
    return [sql.Identifier(*(part.sval for part in parts)).as_string(None) for parts in objects]


def _index(connection: Session, node: Any) -> tuple[Any, ...] | None:
    """Schema, name and validity of the index that a CREATE INDEX is to make, where there is one on its table."""
    return _one(
        connection,
        "SELECT n.nspname, c.relname, i.indisvalid FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = to_regclass(%s) AND c.relname = %s",
        _name(node.relation),
        node.idxname,
    )


def _index_was_made(connection: Session, node: Any) -> Verdict:
    if node.idxname is None:
        return Verdict.UNKNOWN
    found = _index(connection, node)
    return Verdict.DONE if found and found[2] else Verdict.AGAIN


def _index_was_dropped(connection: Session, node: Any) -> Verdict:
    there = [name for name in _names(node.objects) if (_one(connection, "SELECT to_regclass(%s)", name) or (None,))[0]]
    return Verdict.AGAIN if there else Verdict.DONE


def _partition_was_detached(connection: Session, node: Any) -> Verdict:
    return Verdict.AGAIN if _attached(connection, node) else Verdict.DONE


def _attached(connection: Session, node: Any) -> tuple[Any, ...] | None:
    return _one(
        connection,
        "SELECT inhdetachpending FROM pg_catalog.pg_inherits WHERE inhparent = to_regclass(%s) AND inhrelid = to_regclass(%s)",
        _name(node.relation),
        _name(node.cmds[0].def_.name),
    )


def _made(query: LiteralString, attribute: str) -> Callable[[Session, Any], Verdict]:
    def check(connection: Session, node: Any) -> Verdict:
        return Verdict.DONE if _one(connection, query, getattr(node, attribute)) else Verdict.AGAIN

    return check


def _dropped(query: LiteralString, attribute: str) -> Callable[[Session, Any], Verdict]:
    def check(connection: Session, node: Any) -> Verdict:
        return Verdict.AGAIN if _one(connection, query, getattr(node, attribute)) else Verdict.DONE

    return check


def _harmless(_connection: Session, _node: Any) -> Verdict:
    return Verdict.AGAIN


def _invalid_index(connection: Session, node: Any) -> Iterator[Repair]:
    found = _index(connection, node) if node.concurrent and node.idxname else None
    if found and not found[2]:
        name = sql.Identifier(found[0], found[1])
        yield Repair(f"the index {found[1]} was left half made and is built anew", sql.SQL("DROP INDEX CONCURRENTLY {}").format(name))


def _leftovers(connection: Session, node: Any) -> Iterator[Repair]:
    """The invalid copies that an interrupted REINDEX CONCURRENTLY of a table or an index leaves."""
    if node.relation is None:
        return
    rows = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE NOT i.indisvalid AND c.relname ~ '_cc(new|old)[0-9]*$'"
        " AND i.indrelid IN (SELECT to_regclass(%s) UNION ALL SELECT indrelid FROM pg_catalog.pg_index WHERE indexrelid = to_regclass(%s))",
        [_name(node.relation)] * 2,
    ).fetchall()
    for schema, name in rows:
        yield Repair(
            f"the index {name}, left by an interrupted REINDEX, is dropped",
            sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name)),
        )


def _pending_detach(connection: Session, node: Any) -> Iterator[Repair]:
    """What an interrupted DETACH PARTITION CONCURRENTLY asks for first. The statement itself then finds its work done."""
    found = _attached(connection, node) if grammar.detaches_concurrently(node) else None
    if found and found[0]:
        parent, partition = (
            sql.SQL("{}").format(sql.Identifier(*(part for part in (relation.schemaname, relation.relname) if part)))
            for relation in (node.relation, node.cmds[0].def_.name)
        )
        yield Repair(
            "a partition that was left half detached is attached no more",
            sql.SQL("ALTER TABLE {} DETACH PARTITION {} FINALIZE").format(parent, partition),
        )


_DATABASE: LiteralString = "SELECT 1 FROM pg_catalog.pg_database WHERE datname = %s"
_TABLESPACE: LiteralString = "SELECT 1 FROM pg_catalog.pg_tablespace WHERE spcname = %s"
_SUBSCRIPTION: LiteralString = (
    "SELECT 1 FROM pg_catalog.pg_subscription WHERE subname = %s"
    " AND subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())"
)

_JUDGES: dict[str, Callable[[Session, Any], Verdict]] = {
    "AlterDatabaseStmt": _harmless,
    "AlterSubscriptionStmt": _harmless,
    "AlterSystemStmt": _harmless,
    "AlterTableStmt": _partition_was_detached,
    "ClusterStmt": _harmless,
    "CreateSubscriptionStmt": _made(_SUBSCRIPTION, "subname"),
    "CreateTableSpaceStmt": _made(_TABLESPACE, "tablespacename"),
    "CreatedbStmt": _made(_DATABASE, "dbname"),
    "DropStmt": _index_was_dropped,
    "DropSubscriptionStmt": _dropped(_SUBSCRIPTION, "subname"),
    "DropTableSpaceStmt": _dropped(_TABLESPACE, "tablespacename"),
    "DropdbStmt": _dropped(_DATABASE, "dbname"),
    "IndexStmt": _index_was_made,
    "ReindexStmt": _harmless,
    "VacuumStmt": _harmless,
}

_REPAIRS: dict[str, Callable[[Session, Any], Iterator[Repair]]] = {
    "AlterTableStmt": _pending_detach,
    "IndexStmt": _invalid_index,
    "ReindexStmt": _leftovers,
}
