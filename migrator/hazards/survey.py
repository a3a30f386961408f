"""Goes through the migrations that are to be applied, and says of each statement what a person has to weigh."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from migrator import grammar, statements
from migrator.errors import MigrationFailed
from migrator.hazards import plpgsql, rules
from migrator.hazards.batch import Batch
from migrator.hazards.effect import Effect, Kind
from migrator.model import Migration
from migrator.statements import Statement


@dataclass(frozen=True)
class Hazard:
    """Something that a migration does to a database in use.

    Attributes:
        migration: its title.
        path: of its file.
        line: 1-based.
        text: in words; goes on where a sentence began with the title.
    """

    migration: str
    path: str
    line: int
    kind: Kind
    text: str


@dataclass(frozen=True)
class Surveyed:
    """A statement that was looked at.

    Attributes:
        made_here: whether it is about nothing but what the statements before it made: nobody uses that yet.
    """

    statement: Statement
    hazards: tuple[Hazard, ...]
    made_here: bool


@dataclass(frozen=True)
class Survey:
    """A migration that was looked at.

    Attributes:
        statements: in order; none where the script could not be taken apart.
        notes: what is to be said of the migration as a whole.
    """

    migration: Migration
    statements: tuple[Surveyed, ...]
    notes: tuple[Hazard, ...]

    @property
    def hazards(self) -> tuple[Hazard, ...]:
        """All of them: those of the whole first, then as they come in the file."""
        return (*self.notes, *(hazard for found in self.statements for hazard in found.hazards))

    def at(self, index: int) -> Surveyed | None:
        """The statement at a character of the script's text, or the last one before it."""
        return next((found for found in reversed(self.statements) if found.statement.start <= index), None)


def of(migrations: Sequence[Migration]) -> tuple[Hazard, ...]:
    """The hazards of migrations that are applied together, in this order. Nothing is said about a table that they make themselves."""
    return tuple(hazard for found in survey(migrations) for hazard in found.hazards)


def survey(migrations: Sequence[Migration]) -> Iterator[Survey]:
    """Looks at migrations that are applied together, in this order. No file is read and no database is asked."""
    batch = Batch()
    for migration in migrations:
        batch.begin()
        yield _survey(migration, batch)


def _survey(migration: Migration, batch: Batch) -> Survey:
    script = migration.up
    try:
        parsed = statements.parse(script)
    except MigrationFailed as refusal:
        why = Exception.__str__(refusal).removeprefix(f"{refusal.path}:{refusal.line}: ").rstrip(".")
        return Survey(migration, (), (_whole(migration, refusal.line, f"will be refused: {why}"),))
    except grammar.error() as error:
        line = statements.line_of(script, grammar.place(error))
        text = "was not looked at: the parser does not know its SQL, which has a mistake or is newer"
        return Survey(migration, (), (_whole(migration, line, text),))
    outside = _outside(migration, tuple(statement for statement, _ in parsed))
    return Survey(migration, tuple(_look(migration, statement, node, batch, together=not outside) for statement, node in parsed), outside)


def _whole(migration: Migration, line: int, text: str) -> Hazard:
    return Hazard(migration.title, migration.up.path, line, Kind.UNKNOWN, text)


def _outside(migration: Migration, parsed: Sequence[Statement]) -> tuple[Hazard, ...]:
    """Says that a migration runs outside a transaction, if it does, and where that is asked for."""
    script = migration.up
    start = 0 if not script.transactional else next((statement.start for statement in parsed if not statement.transactional), None)
    if start is None:
        return ()
    text = "is not transactional: what was done before a failure stays"
    return (Hazard(migration.title, script.path, statements.line_of(script, start), Kind.OUTSIDE, text),)


def _look(migration: Migration, statement: Statement, node: Any, batch: Batch, *, together: bool) -> Surveyed:
    """Looks at a statement and lets the batch learn from it; `together` with the others in one transaction, or by itself."""
    script = migration.up
    line = statements.line_of(script, statement.start)
    found = [_hazard(migration, line, effect) for effect in rules.of(node, batch)]
    touched = rules.touched(node)
    made_here = bool(touched) and all(batch.made(name) for name in touched)
    batch.learn(node)
    for inner in plpgsql.inner(statement.text, node):
        found += [_hazard(migration, line + inner.line, effect, ", in a DO block") for effect in rules.of(inner.node, batch)]
        batch.learn(inner.node, surely=False)
    if not together:
        batch.unchecked.clear()
    return Surveyed(statement, tuple(dict.fromkeys(found)), made_here)


def _hazard(migration: Migration, line: int, effect: Effect, where: str = "") -> Hazard:
    return Hazard(migration.title, migration.up.path, line, effect.kind, f"{effect.text}{where}")
