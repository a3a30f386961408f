"""Takes a file of SQL apart with PostgreSQL's own grammar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from migrator.errors import MigrationFailed
from migrator.model import Script

TRANSACTION_CONTROL = frozenset({"TRANS_STMT_BEGIN", "TRANS_STMT_START", "TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"})


@dataclass(frozen=True)
class Statement:
    """One statement of a script.

    Attributes:
        text: without the semicolon.
        start: index of its first character in the script's text.
    """

    text: str
    start: int


def line_of(text: str, index: int) -> int:
    """The 1-based line of the character at `index`."""
    return text.count("\n", 0, index) + 1


def refusal(script: Script, start: int, what: str, *, hint: str) -> MigrationFailed:
    """The error for a statement, from the character `start` on, that the migrator itself refuses."""
    line = line_of(script.text, start)
    return MigrationFailed(f"{script.path}:{line}: {what}", path=script.path, line=line, sqlstate="", hint=hint)


def split(script: Script) -> tuple[Statement, ...]:
    """The statements of a script. What the parser does not understand is one statement: the server may be newer than it.

    Raises:
        MigrationFailed: a statement begins or ends a transaction, which is the migrator's to do, or waits for data.
    """
    import pglast  # noqa: PLC0415  60 ms, and not needed where nothing is pending

    text = script.text
    try:
        parsed = pglast.parse_sql(text)
    except pglast.parser.ParseError:
        return (Statement(text, 0),)
    statements = []
    for raw in parsed:
        start = raw.stmt_location or 0
        end = start + raw.stmt_len if raw.stmt_len else len(text)
        kind = getattr(getattr(raw.stmt, "kind", None), "name", "")
        if kind in TRANSACTION_CONTROL:
            verb = text[start:end].split()[0].upper()
            raise refusal(
                script,
                start,
                f"{verb} inside a migration, though each one runs in a transaction of its own.",
                hint="Take the statement out of the file, or split the file where the transaction is to end.",
            )
        if _waits_for_data(raw.stmt):
            raise refusal(
                script,
                start,
                "COPY … FROM STDIN inside a migration: there is nobody to send it data.",
                hint="Use INSERT with the rows as values.",
            )
        statements.append(Statement(text[start:end], start))
    return tuple(statements)


def _waits_for_data(statement: Any) -> bool:
    """Whether it is a COPY FROM STDIN."""
    is_copy = type(statement).__name__ == "CopyStmt"
    return is_copy and bool(statement.is_from) and statement.filename is None and not statement.is_program
