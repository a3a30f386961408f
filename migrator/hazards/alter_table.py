"""What ALTER TABLE does to a table that has rows: one sentence for all its steps of a kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from migrator import grammar
from migrator.hazards.batch import Batch, Name
from migrator.hazards.effect import ALL, WRITES, Effect, Kind, listed, locks

NOUNS = {"OBJECT_INDEX": "index", "OBJECT_MATVIEW": "materialized view", "OBJECT_TABLE": "table"}
"""What has rows of its own."""

NUMBERED = frozenset({"bigserial", "serial", "serial2", "serial4", "serial8", "smallserial"})

WIDENED = frozenset({"bpchar", "interval", "numeric", "text", "timestamp", "timestamptz", "varbit", "varchar"})
"""Types of which one is turned into a wider one without a rewrite; which it is now, the statement does not say."""

STEADY = frozenset(
    {
        "concat",
        "current_setting",
        "date_trunc",
        "json_build_array",
        "json_build_object",
        "jsonb_build_array",
        "jsonb_build_object",
        "lower",
        "make_interval",
        "md5",
        "now",
        "statement_timestamp",
        "timezone",
        "to_char",
        "to_jsonb",
        "transaction_timestamp",
        "upper",
    }
)
"""Functions of PostgreSQL that give one value for all rows. Others are taken to give one for each: a user's own do unless they say so."""

INDEXED = {"CONSTR_EXCLUSION": "exclusion constraint", "CONSTR_PRIMARY": "primary key", "CONSTR_UNIQUE": "unique constraint"}
"""Constraints that an index keeps."""


class Reason(NamedTuple):
    """Why a step rewrites the table or keeps it locked.

    Attributes:
        readers: whether readers wait for the lock, too.
        also: another table that it locks.
    """

    kind: Kind
    text: str
    readers: bool = True
    also: Name | None = None


def of(node: Any, batch: Batch) -> Iterator[Effect]:
    """The effects of one statement; a lock is not mentioned where the same statement rewrites the table, which locks it anyway."""
    noun = NOUNS.get(node.objtype.name)
    if not noun:
        return
    table = Name.of(node.relation)
    reasons: list[Reason] = []
    for command in node.cmds:
        step = command.subtype.name
        if step == "AT_DropColumn" and not batch.made_column(table, command.name):
            yield Effect(Kind.DROPS, f"drops column {command.name} of {noun} {table}", table)
        elif step == "AT_AttachPartition":
            part = Name.of(command.def_.name)
            yield Effect(Kind.LOCKS, locks(f"table {part}", ALL, f"checks whether every row may be in this partition of {table}"), part)
        elif step == "AT_ValidateConstraint":
            reasons += _validate(command, table, batch)
        else:
            reasons += _STEPS.get(step, _nothing)(command)
    yield from _told(noun, table, reasons)


def _told(noun: str, table: Name, reasons: Sequence[Reason]) -> Iterator[Effect]:
    rewrites = [reason for reason in reasons if reason.kind is Kind.REWRITES]
    why = "; ".join(reason.text for reason in rewrites or reasons)
    if rewrites:
        yield Effect(Kind.REWRITES, f"rewrites {noun} {table}: {why}", table)
    elif reasons:
        others = sorted({str(reason.also) for reason in reasons if reason.also})
        against = ALL if any(reason.readers for reason in reasons) else WRITES
        what = f"{noun} {table}" if not others else f"tables {listed([str(table), *others])}"
        yield Effect(Kind.LOCKS, locks(what, against, why), table)


def _nothing(_command: Any) -> Iterator[Reason]:
    return iter(())


def _validate(command: Any, table: Name, batch: Batch) -> Iterator[Reason]:
    readers = batch.unchecked.get((batch.full(table), command.name))
    if readers is not None:
        yield Reason(Kind.LOCKS, f"checks every row for constraint {command.name}, which the same transaction adds", readers)


def _add_column(command: Any) -> Iterator[Reason]:
    column = command.def_
    constraints = {constraint.contype.name: constraint for constraint in column.constraints or ()}
    default = constraints.get("CONSTR_DEFAULT")
    stored = constraints.get("CONSTR_GENERATED")
    if "CONSTR_IDENTITY" in constraints or column.typeName.names[-1].sval in NUMBERED:
        yield Reason(Kind.REWRITES, f"numbers every row in column {column.colname}")
    elif stored and stored.generated_kind == "s":
        yield Reason(Kind.REWRITES, f"computes column {column.colname} for every row")
    elif default and _varies(default.raw_expr):
        yield Reason(Kind.REWRITES, f"computes the default of column {column.colname} for every row")
    for kind, constraint in constraints.items():
        if kind != "CONSTR_FOREIGN" or default:  # without a default the column is empty: no key to look up
            yield from _add_constraint_of(constraint, f"of column {column.colname}")


def _varies(expression: Any) -> bool:
    """Whether an expression may have another value for each row."""
    return any(function not in STEADY for function in _functions(expression))


def _functions(node: Any) -> Iterator[str]:
    if isinstance(node, tuple):
        for part in node:
            yield from _functions(part)
    elif hasattr(node, "__slots__"):
        if grammar.kind(node) == "FuncCall":
            yield node.funcname[-1].sval
        for name in node.__slots__:
            yield from _functions(getattr(node, name))


def _alter_type(command: Any) -> Iterator[Reason]:
    type_ = command.def_.typeName.names[-1].sval
    unless = ", unless it only gets wider" if type_ in WIDENED and command.def_.raw_default is None else ""
    yield Reason(Kind.REWRITES, f"column {command.name} changes its type{unless}")


def _set_not_null(command: Any) -> Iterator[Reason]:
    yield Reason(Kind.LOCKS, f"looks for NULL in column {command.name} of every row, unless a valid CHECK rules it out")


def _set_expression(command: Any) -> Iterator[Reason]:
    yield Reason(Kind.REWRITES, f"computes column {command.name} for every row, if it is a stored one")


def _add_constraint(command: Any) -> Iterator[Reason]:
    yield from _add_constraint_of(command.def_, command.def_.conname or "")


def _add_constraint_of(constraint: Any, name: str) -> Iterator[Reason]:
    kind = constraint.contype.name
    if kind in INDEXED and not constraint.indexname:
        yield Reason(Kind.LOCKS, f"builds the index of {INDEXED[kind]} {name}".rstrip())
    elif constraint.skip_validation:
        return
    elif kind == "CONSTR_FOREIGN":
        also = Name.of(constraint.pktable)
        yield Reason(Kind.LOCKS, f"checks every row for foreign key {name}".rstrip(), readers=False, also=also)
    elif kind == "CONSTR_CHECK":
        yield Reason(Kind.LOCKS, f"checks every row for constraint {name}".rstrip())
    elif kind == "CONSTR_NOTNULL" and constraint.keys:  # as a step of its own; a new column is told of elsewhere
        yield Reason(Kind.LOCKS, f"looks for NULL in column {constraint.keys[0].sval} of every row")


def _rewriting(text: str) -> Callable[[Any], Iterator[Reason]]:
    def reasons(_command: Any) -> Iterator[Reason]:
        yield Reason(Kind.REWRITES, text)

    return reasons


_STEPS: dict[str, Callable[[Any], Iterator[Reason]]] = {
    "AT_AddColumn": _add_column,
    "AT_AddConstraint": _add_constraint,
    "AT_AlterColumnType": _alter_type,
    "AT_SetAccessMethod": _rewriting("stores it by another access method"),
    "AT_SetExpression": _set_expression,
    "AT_SetLogged": _rewriting("makes it survive a crash"),
    "AT_SetNotNull": _set_not_null,
    "AT_SetTableSpace": _rewriting("moves it to another tablespace"),
    "AT_SetUnLogged": _rewriting("makes it unlogged"),
}
"""Why a step takes long, by the name that PostgreSQL has for it. All others are done in no time, whatever the table holds."""
