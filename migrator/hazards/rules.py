"""What a statement does to a running database, told from its node in PostgreSQL's syntax tree alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from migrator import grammar
from migrator.hazards import alter_table
from migrator.hazards.batch import Batch, Name
from migrator.hazards.effect import ALL, WRITES, Effect, Kind, columns_of, locks

SHARE_LOCK = 5
ACCESS_EXCLUSIVE_LOCK = 8
"""Lock modes as LOCK TABLE numbers them. SHARE is the weakest one that keeps writers waiting."""

DEPENDED_ON = {"OBJECT_COLLATION": "collation", "OBJECT_DOMAIN": "domain", "OBJECT_EXTENSION": "extension", "OBJECT_TYPE": "type"}
"""Things that take the columns with them that use them, where they are dropped with CASCADE."""


def of(node: Any, batch: Batch) -> tuple[Effect, ...]:
    """The effects of a statement, and of the statements in its WITH, on anything that the batch did not make itself."""
    found = (effect for part in (node, *_queries(node)) for effect in _RULES.get(grammar.kind(part), _nothing)(part, batch))
    return tuple(effect for effect in found if not (effect.table and batch.made(effect.table, surely=effect.kind is Kind.DROPS)))


def touched(node: Any) -> tuple[Name, ...]:
    """The relations that a statement is about."""
    if grammar.kind(node) == "DropStmt":
        listed = node.removeType.name in {"OBJECT_TABLE", "OBJECT_INDEX", "OBJECT_MATVIEW"}
        return tuple(Name.listed(parts) for parts in node.objects) if listed else ()
    into = getattr(node, "into", None)
    relations = (getattr(node, "relation", None), *(getattr(node, "relations", None) or ()), into and into.rel)
    return tuple(Name.of(relation) for relation in relations if grammar.kind(relation) == "RangeVar")


def _queries(node: Any) -> Iterator[Any]:
    clause = getattr(node, "withClause", None)
    for expression in clause.ctes if clause else ():
        yield expression.ctequery
        yield from _queries(expression.ctequery)


def _nothing(_node: Any, _batch: Batch) -> Iterator[Effect]:
    return iter(())


def _drop(node: Any, batch: Batch) -> Iterator[Effect]:
    what = node.removeType.name
    cascade = node.behavior.name == "DROP_CASCADE"
    there = ", if it is there" if node.missing_ok else ""
    for target in node.objects:
        if what == "OBJECT_TABLE":
            table = Name.listed(target)
            yield Effect(Kind.DROPS, f"drops table {table}{there}", table)
        elif what == "OBJECT_SCHEMA" and cascade and target.sval not in batch.schemas:
            yield Effect(Kind.DROPS, f"drops schema {target.sval} with all that is in it{there}")
        elif what in DEPENDED_ON and cascade:
            parts = getattr(target, "names", None) or (target if isinstance(target, tuple) else (target,))
            yield Effect(Kind.DROPS, f"drops {DEPENDED_ON[what]} {Name.listed(parts)} and every column that uses it{there}")


def _drop_database(node: Any, _batch: Batch) -> Iterator[Effect]:
    yield Effect(Kind.DROPS, f"drops database {node.dbname}")


def _drop_owned(node: Any, _batch: Batch) -> Iterator[Effect]:
    roles = ", ".join(role.rolename or "the current user" for role in node.roles)
    yield Effect(Kind.DROPS, f"drops everything in the database that belongs to {roles}")


def _truncate(node: Any, _batch: Batch) -> Iterator[Effect]:
    others = " and every table that refers to it" if node.behavior.name == "DROP_CASCADE" else ""
    for relation in node.relations:
        table = Name.of(relation)
        yield Effect(Kind.DROPS, f"empties table {table}{others}", table)


def _every_row(node: Any) -> bool:
    """Whether there is no WHERE, or one that is a mere constant."""
    return node.whereClause is None or grammar.kind(node.whereClause) == "A_Const"


def _delete(node: Any, _batch: Batch) -> Iterator[Effect]:
    if _every_row(node):
        table = Name.of(node.relation)
        yield Effect(Kind.DROPS, f"deletes every row of table {table}", table)


def _update(node: Any, batch: Batch) -> Iterator[Effect]:
    if not _every_row(node):
        return
    table = Name.of(node.relation)
    names = [target.name for target in node.targetList]
    if all(batch.made_column(table, name) for name in names):
        yield Effect(Kind.LOCKS, locks(f"every row of table {table}", WRITES, f"fills {columns_of(names)}"), table)
    else:
        yield Effect(Kind.DROPS, f"overwrites {columns_of(names)} in every row of table {table}", table)


def _index(node: Any, _batch: Batch) -> Iterator[Effect]:
    if not node.concurrent and node.relation.inh:
        table = Name.of(node.relation)
        why = f"builds index {node.idxname}" if node.idxname else "builds an index"
        yield Effect(Kind.LOCKS, locks(f"table {table}", WRITES, why), table)


def _reindex(node: Any, _batch: Batch) -> Iterator[Effect]:
    if "concurrently" in grammar.options(node.params):
        return
    if node.relation is None:
        yield Effect(Kind.LOCKS, locks("one table after the other", WRITES, "builds all indexes anew"))
        return
    name = Name.of(node.relation)
    if node.kind.name == "REINDEX_OBJECT_INDEX":
        yield Effect(Kind.LOCKS, locks(f"the table of index {name}", WRITES, "builds the index anew"), name)
    else:
        yield Effect(Kind.LOCKS, locks(f"table {name}", WRITES, "builds its indexes anew"), name)


def _cluster(node: Any, _batch: Batch) -> Iterator[Effect]:
    if node.relation is None:
        yield Effect(Kind.REWRITES, "rewrites every table that was clustered before")
    else:
        table = Name.of(node.relation)
        yield Effect(Kind.REWRITES, f"rewrites table {table}: sorts its rows", table)


def _vacuum(node: Any, _batch: Batch) -> Iterator[Effect]:
    if "full" not in grammar.options(node.options):
        return
    if not node.rels:
        yield Effect(Kind.REWRITES, "rewrites every table: gives free space back")
    for target in node.rels or ():
        table = Name.of(target.relation)
        yield Effect(Kind.REWRITES, f"rewrites table {table}: gives free space back", table)


def _lock(node: Any, _batch: Batch) -> Iterator[Effect]:
    if node.mode >= SHARE_LOCK:
        against = ALL if node.mode == ACCESS_EXCLUSIVE_LOCK else WRITES
        for relation in node.relations:
            table = Name.of(relation)
            yield Effect(Kind.LOCKS, f"locks table {table} against {against} until the migration ends", table)


def _refresh(node: Any, _batch: Batch) -> Iterator[Effect]:
    if not node.concurrent and not node.skipData:
        view = Name.of(node.relation)
        yield Effect(Kind.LOCKS, locks(f"materialized view {view}", "reads", "fills it anew"), view)


def _move_all(node: Any, _batch: Batch) -> Iterator[Effect]:
    yield Effect(Kind.REWRITES, f"rewrites all that is in tablespace {node.orig_tablespacename}: moves it to {node.new_tablespacename}")


def _alter_domain(node: Any, _batch: Batch) -> Iterator[Effect]:
    checks = node.subtype == "O" or (node.subtype == "C" and not node.def_.skip_validation)
    if checks:
        domain = Name.listed(node.typeName)
        yield Effect(Kind.LOCKS, locks(f"every table that uses domain {domain}", WRITES, "checks every row"))


_RULES: dict[str, Callable[[Any, Batch], Iterator[Effect]]] = {
    "AlterDomainStmt": _alter_domain,
    "AlterTableMoveAllStmt": _move_all,
    "AlterTableStmt": alter_table.of,
    "ClusterStmt": _cluster,
    "DeleteStmt": _delete,
    "DropOwnedStmt": _drop_owned,
    "DropStmt": _drop,
    "DropdbStmt": _drop_database,
    "IndexStmt": _index,
    "LockStmt": _lock,
    "RefreshMatViewStmt": _refresh,
    "ReindexStmt": _reindex,
    "TruncateStmt": _truncate,
    "UpdateStmt": _update,
    "VacuumStmt": _vacuum,
}
"""What each kind of statement does, by the name of its node."""
