"""What PostgreSQL's own grammar says of a statement. `pglast` is imported at first use: 60 ms, for who has something to apply."""

from __future__ import annotations

import gc
from collections.abc import Callable
from importlib import import_module
from typing import Any

OUTSIDE = frozenset(
    {
        "AlterSubscriptionStmt",
        "AlterSystemStmt",
        "CreateTableSpaceStmt",
        "CreatedbStmt",
        "DropSubscriptionStmt",
        "DropTableSpaceStmt",
        "DropdbStmt",
    }
)
"""Statements that never run inside a transaction."""

WHOLE_DATABASE = frozenset({"REINDEX_OBJECT_SCHEMA", "REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE"})

PREPARED = frozenset({"TRANS_STMT_COMMIT_PREPARED", "TRANS_STMT_ROLLBACK_PREPARED"})

MAY_COMMIT = frozenset({"CallStmt", "DoStmt"})
"""Statements that may end a transaction inside, where there is none around them."""


def load() -> None:
    """Imports the parser. Its classes are there to stay: to look for garbage among them meanwhile takes as long as to make them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        import_module("pglast")
    finally:
        if collecting:
            gc.enable()


def parse(text: str) -> tuple[Any, ...]:
    """The statements of a text: nodes with `stmt`, `stmt_location` and `stmt_len`, both in characters.

    Raises:
        pglast.parser.ParseError: see `error` and `place`.
    """
    import pglast  # noqa: PLC0415

    parsed: tuple[Any, ...] = pglast.parse_sql(text)
    return parsed


def places(text: str) -> tuple[slice, ...]:
    """Where the statements of a text are, without semicolons and the comments between them.

    Raises:
        pglast.parser.ParseError: see `error` and `place`.
    """
    import pglast  # noqa: PLC0415

    found: tuple[slice, ...] = pglast.split(text, only_slices=True)
    return found


def complete(text: str) -> bool:
    """Whether no literal, quoted name or comment is still open where a text ends."""
    from pglast.parser import ParseError, scan  # noqa: PLC0415

    try:
        scan(text)
    except ParseError:
        return False
    return True


def error() -> type[Exception]:
    """What `parse` raises."""
    from pglast.parser import ParseError  # noqa: PLC0415

    found: type[Exception] = ParseError
    return found


def place(raised: Exception) -> int:
    """The index of the character at which a text stopped being SQL."""
    return int(raised.args[1]) if len(raised.args) > 1 else 0


def kind(node: Any) -> str:
    """The name of a statement's node, as PostgreSQL's source has it: `CreateStmt` is CREATE TABLE."""
    return type(node).__name__


def transactional(node: Any) -> bool:
    """Whether a statement may run inside a transaction."""
    name = kind(node)
    check = _CHECKS.get(name)
    return name not in OUTSIDE and not (check and check(node))


def waits_for_data(node: Any) -> bool:
    """Whether it is a COPY FROM STDIN."""
    return kind(node) == "CopyStmt" and bool(node.is_from) and node.filename is None and not node.is_program


def answers_with_data(node: Any) -> bool:
    """Whether it is a COPY TO STDOUT."""
    return kind(node) == "CopyStmt" and not node.is_from and node.filename is None and not node.is_program


def discards_all(node: Any) -> bool:
    """Whether it is a DISCARD ALL."""
    return kind(node) == "DiscardStmt" and node.target.name == "DISCARD_ALL"


def sets(node: Any) -> bool:
    """Whether it is a SET or RESET, or a SELECT of `set_config` alone, as pg_dump writes it."""
    if kind(node) == "SelectStmt":
        values = [target.val for target in node.targetList or ()]
        return bool(values) and all(kind(value) == "FuncCall" and value.funcname[-1].sval == "set_config" for value in values)
    return kind(node) == "VariableSetStmt"


def transaction_verb(node: Any) -> str:
    """Which statement of transaction control it is; empty for any other statement."""
    return str(node.kind.name) if kind(node) == "TransactionStmt" else ""


def chains(node: Any) -> bool:
    """Whether it is a COMMIT AND CHAIN."""
    return bool(node.chain)


def options(elements: Any) -> dict[str, str]:
    """A list of options such as `WITH (connect = false)`, by name; an option without a value is `true`."""
    return {element.defname: _value(element.arg) for element in elements or ()}


def _value(argument: Any) -> str:
    if kind(argument) == "TypeName":  # a word that is no keyword, such as `off`
        argument = argument.names[-1]
    for attribute in ("sval", "boolval", "ival"):
        if hasattr(argument, attribute):
            return str(getattr(argument, attribute)).lower()
    return "true"


def _on(value: str) -> bool:
    return value not in {"false", "off", "0"}


def detaches_concurrently(node: Any) -> bool:
    """Whether it is an ALTER TABLE … DETACH PARTITION … CONCURRENTLY."""
    return any(command.subtype.name == "AT_DetachPartition" and command.def_ and command.def_.concurrent for command in node.cmds or ())


def _rebuilds_outside(node: Any) -> bool:
    return node.kind.name in WHOLE_DATABASE or _on(options(node.params).get("concurrently", "off"))


def _makes_slot(node: Any) -> bool:
    chosen = options(node.options)
    return _on(chosen.get("connect", "true")) and _on(chosen.get("create_slot", "true"))


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "AlterDatabaseStmt": lambda node: "tablespace" in options(node.options),
    "AlterTableStmt": detaches_concurrently,
    "ClusterStmt": lambda node: node.relation is None,
    "CreateSubscriptionStmt": _makes_slot,
    "DropStmt": lambda node: bool(node.concurrent),
    "IndexStmt": lambda node: bool(node.concurrent),
    "ReindexStmt": _rebuilds_outside,
    "TransactionStmt": lambda node: node.kind.name in PREPARED,
    "VacuumStmt": lambda node: bool(node.is_vacuumcmd),
}
"""Statements that run outside a transaction in some of their forms; each says for a node whether it is one of those."""
