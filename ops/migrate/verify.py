"""Replays migrations on databases that are thrown away, and compares the schemas that come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migrator.apply import migrate
from migrator.discovery import resolve
from migrator.formats import FORMATS
from migrator.model import Folder, Migration
from ops import screen
from ops.access import Access
from ops.migrate import schema
from ops.migrate.runs import NOTHING
from ops.migrate.scratch import Server

HEAD = "-- The schema that the migrations make. Written by `ops migrate dump`; `ops migrate dump --check` compares.\n"
"""The beginning of a schema file."""

Tell = Callable[[str], None]
"""Hears what is being done."""


@dataclass(frozen=True)
class Fault:
    """What is not as it should be.

    Attributes:
        text: a sentence.
        difference: of two schemas, as `diff -u` shows it.
    """

    text: str
    difference: str


@dataclass(frozen=True)
class Verdict:
    """What a replay found.

    Attributes:
        server: PostgreSQL's version.
        migrations: number of them.
        reversible: number of those, at the end, that were undone and applied again.
    """

    server: str
    migrations: int
    reversible: int
    fault: Fault | None

    @property
    def summary(self) -> str:
        """What is said of it."""
        if self.fault:
            return f"{self.fault.difference}\n{self.fault.text}"
        if not self.migrations:
            return "There are no migrations."
        rest = self.migrations - self.reversible
        told = [f"{screen.counted(self.reversible, 'migration')} up, down, and up again"] if self.reversible else []
        if rest:
            told.append(f"{rest} without a way down, on two databases" if told else f"{screen.counted(rest, 'migration')} on two databases")
        return f"{'; '.join(told)}: the schema is the same each time (PostgreSQL {self.server})."

    @property
    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "verified": self.fault is None,
            "server": self.server,
            "migrations": self.migrations,
            "reversible": self.reversible,
            "fault": self.fault.text if self.fault else None,
            "difference": self.fault.difference if self.fault else None,
        }


class Replay:
    """Replays a folder of migrations.

    Args:
        folder: in one format, as far as it has files.
        server: makes the databases.
        tell: hears of each step.
    """

    def __init__(self, folder: Folder, server: Server, tell: Tell) -> None:
        self._all = resolve(folder, None)
        self._versioned = self._all._replace(migrations=tuple(one for one in self._all.migrations if not one.repeatable))
        self._server = server
        self._tell = tell
        self._histories = {FORMATS[self._all.format].history.table} if self._all.format else set()

    def schema(self) -> str:
        """The schema that all migrations make of an empty database, without owners and rights."""
        return f"{HEAD}\n{schema.dump(self._made(), self._histories, rights=False)}"

    def verify(self, *, each: bool = True) -> Verdict:
        """Applies all migrations, undoes them, and applies them again; applies those that cannot be undone to two databases.

        A repeatable migration has no way down. It is left out where the others go theirs: it may need what they undo.

        Args:
            each: whether to do so with each migration by itself, too. Undoing those before it may hide what one leaves behind.

        Raises:
            MigrationFailed: one of them fails, in either direction.
        """
        stairs = self._stairs()
        fault = self._round_trip(stairs) if stairs else None
        if fault is None and stairs and each:
            fault = self._one_by_one(stairs)
        if fault is None and len(stairs) < len(self._all.migrations):
            fault = self._twice()
        return Verdict(self._server.version, len(self._all.migrations), len(stairs), fault)

    def _stairs(self) -> tuple[tuple[str, Migration], ...]:
        """The migrations that can be undone, back to the first that has none below it that cannot; each with the version below it."""
        migrations = self._versioned.migrations
        steps = tuple(zip((NOTHING, *(one.version for one in migrations)), migrations, strict=False))
        stuck = max((number for number, one in enumerate(migrations, start=1) if one.down is None), default=0)
        return steps[stuck:]

    def _round_trip(self, stairs: tuple[tuple[str, Migration], ...]) -> Fault | None:
        floor = stairs[0][0]
        made = self._at(floor)
        before = self._dump(made)
        self._tell(f"applying {screen.counted(len(stairs), 'migration')}")
        self._go(made, None)
        top = self._dump(made)
        self._tell("undoing them")
        self._go(made, floor)
        left = self._dump(made)
        if left != before:
            text = "Undone, the migrations do not leave what was there before them."
            return self._one_by_one(stairs) or Fault(text, schema.difference(before, left, ("before", "up and down")))
        self._tell("applying them again")
        self._go(made, None)
        again = self._dump(made)
        if again != top:
            text = "Applied again, the migrations make another schema."
            return self._one_by_one(stairs) or Fault(text, schema.difference(top, again, ("up", "up, down and up")))
        return None

    def _one_by_one(self, stairs: tuple[tuple[str, Migration], ...]) -> Fault | None:
        """Looks for a migration that, by itself, does not bring back what was there before it."""
        self._tell("each by itself")
        made = self._at(stairs[0][0])
        before = self._dump(made)
        for below, migration in stairs:
            self._go(made, migration.version)
            above = self._dump(made)
            self._go(made, below)
            left = self._dump(made)
            if left != before:
                text = f"{migration.title}: what undoes it does not bring back what was there before it."
                return Fault(text, schema.difference(before, left, ("before", "up and down")))
            self._go(made, migration.version)
            before = above
        return None

    def _twice(self) -> Fault | None:
        """Applies everything to two databases."""
        self._tell(f"applying {screen.counted(len(self._all.migrations), 'migration')} to two databases")
        first, second = (self._dump(self._made()) for _ in range(2))
        if first == second:
            return None
        return Fault("Two databases got different schemas from the same files.", schema.difference(first, second, ("first", "second")))

    def _made(self) -> Access:
        """A new database with all migrations."""
        made = self._server.new()
        with made.session() as session:
            migrate(session, self._all)
        return made

    def _at(self, version: str) -> Access:
        """A new database at a version, without anything repeatable."""
        made = self._server.new()
        if version != NOTHING:
            self._go(made, version)
        return made

    def _go(self, made: Access, version: str | None) -> None:
        with made.session() as session:
            migrate(session, self._versioned, target=version, allow_rollback=True)

    def _dump(self, made: Access) -> str:
        return schema.dump(made, self._histories, rights=True)
