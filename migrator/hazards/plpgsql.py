"""Finds the SQL inside a DO block: the statements that it runs as they are written, and text given to EXECUTE as a literal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from migrator import grammar

STATEMENT = 0
"""How PL/pgSQL reads a piece of SQL, as the parser numbers it: 0 is a statement, others are parts of one."""


class Inner(NamedTuple):
    """A statement inside a block.

    Attributes:
        line: of the block's statement, beginning with 0 where the DO is.
    """

    node: Any
    line: int


def inner(text: str, node: Any) -> tuple[Inner, ...]:
    """The statements inside a DO block that PL/pgSQL runs; none for any other statement, or where they cannot be told.

    Args:
        text: of the statement.
        node: of the statement.
    """
    if grammar.kind(node) != "DoStmt":
        return ()
    options = {option.defname: option.arg.sval for option in node.args}
    if options.get("language", "plpgsql") != "plpgsql":
        return ()
    from pglast import parse_plpgsql  # noqa: PLC0415

    try:
        tree = parse_plpgsql(text)
    except grammar.error():
        return ()
    at = text.find(options.get("as", ""))
    offset = text.count("\n", 0, at) if at > 0 else 0
    return tuple(Inner(found, offset + line - 1) for query, line in _queries(tree, 1) for found in _parsed(query))


def _queries(tree: Any, line: int) -> Iterator[tuple[str, int]]:
    """Every piece of SQL that is a statement, with its line."""
    if isinstance(tree, list):
        for part in tree:
            yield from _queries(part, line)
    elif isinstance(tree, dict):
        line = tree.get("lineno", line)
        if tree.get("parseMode") == STATEMENT:
            yield tree["query"], line
        for name, part in tree.items():
            if name == "PLpgSQL_stmt_dynexecute":
                yield from ((text, part.get("lineno", line)) for text in _literal(part["query"]["PLpgSQL_expr"]["query"]))
            yield from _queries(part, line)


def _literal(expression: str) -> Iterator[str]:
    """The text that an expression is, if it is nothing but a literal."""
    for select in _parsed(f"SELECT {expression}"):
        value = select.targetList[0].val
        if grammar.kind(value) == "A_Const" and hasattr(value.val, "sval"):
            yield value.val.sval


def _parsed(query: str) -> tuple[Any, ...]:
    try:
        return tuple(raw.stmt for raw in grammar.parse(query))
    except grammar.error():
        return ()
