"""Shows what happens while migrations run: a bar on a terminal, a line for each elsewhere."""

from __future__ import annotations

from types import TracebackType
from typing import NamedTuple, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from migrator.errors import MigrationError
from migrator.events import Direction, Listener
from migrator.model import Migration
from ops import screen

FEW = 30
"""So many migrations have a line each on a terminal, too; of more, only those that took long."""

LONG = 1.0
"""Seconds from which on a migration is worth a line among many."""


class Ran(NamedTuple):
    """A migration that was committed."""

    migration: Migration
    direction: Direction
    seconds: float

    def __str__(self) -> str:
        return f"{'applied' if self.direction == 'up' else 'undid'} {self.migration.title} in {screen.duration(self.seconds)}"


class Tally(Listener):
    """Remembers what ran; tells on stderr what it waits for.

    Args:
        expected: number of migrations that somebody agreed to; None where nobody was asked.

    Attributes:
        ran_so_far: in order.
    """

    def __init__(self, expected: int | None = None) -> None:
        self.ran_so_far: list[Ran] = []
        self._expected = expected

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Nothing is left open."""

    def planned(self, count: int) -> None:
        """Raises MigrationError where it is not what somebody agreed to."""
        if self._expected not in (None, count):
            would = screen.counted(count, "migration")
            raise MigrationError(
                f"The database has changed meanwhile: {would} would be run, not {self._expected}. Nothing was run.",
                hint="Run the command again.",
            )

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        self.ran_so_far.append(Ran(migration, direction, seconds))

    def waiting(self, what: str) -> None:
        screen.complain(what)

    def noticed(self, text: str) -> None:
        screen.complain(text)


class Lines(Tally):
    """Prints a line for each migration."""

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        super().ran(migration, direction, seconds)
        screen.say(str(self.ran_so_far[-1]))


class Bar(Tally):
    """Shows a bar with the number of migrations, the last one, and the time; it is gone in the end.

    The bar is drawn by a thread of its own, ten times a second: a run of a thousand migrations is not slowed down by it.
    """

    def __init__(self, expected: int | None = None) -> None:
        super().__init__(expected)
        columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self._progress = Progress(*columns, console=screen.console(), transient=True)
        self._task = self._progress.add_task("", total=None, visible=False)
        self._count = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def planned(self, count: int) -> None:
        super().planned(count)
        self._count = count
        self._progress.reset(self._task, total=count, visible=True)

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        super().ran(migration, direction, seconds)
        self._progress.update(self._task, advance=1, description=migration.title)
        if self._count <= FEW or seconds >= LONG:
            self._progress.console.print(str(self.ran_so_far[-1]))

    def waiting(self, what: str) -> None:
        self._progress.console.print(what)

    def noticed(self, text: str) -> None:
        self._progress.console.print(text)


def listener(*, as_json: bool, expected: int | None = None) -> Tally:
    """The listener that fits the output."""
    if as_json:
        return Tally(expected)
    return Bar(expected) if screen.is_terminal() else Lines(expected)
