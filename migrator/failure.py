"""Says what went wrong with a statement: where in which file, in the server's words, and what became of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import psycopg

from migrator.errors import MigrationFailed
from migrator.model import Migration, Script
from migrator.statements import Statement, line_of
from migrator.watch import Blocker

LONGEST_EXCERPT = 200
"""Characters of a failed statement that a message shows."""

LOCK_TIMEOUT = "55P03"
OUTSIDE_ONLY = "25001"

HINTS = {
    "42501": "Grant that right to the role that migrates, or migrate as the role that owns what is named here.",
    OUTSIDE_ONLY: "Put the statement into a migration of its own, marked in the tool's own way to run outside a transaction.",
    "55P04": "A value added to an enum is usable from the next transaction on: use it in a migration after this one.",
}

Failed = TypeVar("Failed", bound=MigrationFailed)


def describe(error: psycopg.Error, script: Script, statement: Statement | None, blockers: Sequence[Blocker] = ()) -> MigrationFailed:
    """What the server said of a statement, with the place in the file; None is the end of the migration, its COMMIT."""
    diagnosis = error.diag
    state = error.sqlstate or ""
    line = _line(script, statement, int(diagnosis.statement_position or 1) - 1)
    said = diagnosis.message_primary or str(error).strip() or type(error).__name__
    parts = (("detail", diagnosis.message_detail), ("hint", diagnosis.message_hint), ("context", diagnosis.context))
    more = [f"  {name}: {text}" for name, text in parts if text]
    if state == LOCK_TIMEOUT:
        more += [f"  blocked by {blocker}" for blocker in blockers]
    what = f"  statement: {_excerpt(statement.text)}" if statement else "  at the end, when it was to be recorded and committed"
    message = "\n".join([f"{script.path}:{line}: {said}" + (f" (SQLSTATE {state})" if state else ""), *more, what])
    return MigrationFailed(message, path=script.path, line=line, sqlstate=state, hint=HINTS.get(state, ""))


def _line(script: Script, statement: Statement | None, inside: int) -> int:
    if statement is None:
        return line_of(script, len(script.text.rstrip()))
    return line_of(script, statement.start + inside)


def _excerpt(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST_EXCERPT else f"{text[:LONGEST_EXCERPT]}…"


def with_aftermath(error: Failed, done: Sequence[Migration], planned: int, verb: str = "applied") -> Failed:
    """The same error with what became of the others."""
    rest = planned - len(done) - 1
    before = f"{len(done)} before it were {verb} and stay" if done else f"none was {verb} before it"
    after = f", {rest} after it were not run" if rest > 0 else ""
    message = f"{Exception.__str__(error)}\n{error.outcome}; {before}{after}."
    hint = error.hint or "Mend the file and run the command again: it goes on from here."
    versions = tuple(migration.version for migration in done)
    told = type(error)(message, path=error.path, line=error.line, sqlstate=error.sqlstate, applied=versions, hint=hint)
    told.outcome = error.outcome
    return told
