"""What happens while migrations run, for whoever shows it."""

from __future__ import annotations

from typing import Literal

from migrator.model import Migration

Direction = Literal["up", "down"]


class Listener:
    """Hears what happens. This one keeps it to itself; subclasses print it."""

    def planned(self, count: int) -> None:
        """So many migrations are to be run."""

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        """A migration was applied or undone, and that is committed; `seconds` since the one before it was."""

    def waiting(self, what: str) -> None:
        """Something takes its time, and this is why."""

    def noticed(self, text: str) -> None:
        """Something that the person at the terminal should know."""
