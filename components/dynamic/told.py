"""Shows what the migrator does among Pulumi's diagnostics. Imports the migrator: providers import this where they use it."""

from __future__ import annotations

from components.dynamic.base import say
from migrator.events import Direction, Listener
from migrator.model import Migration


class Told(Listener):
    """Prints what happens to one database.

    Args:
        each: whether every single migration is worth a line, or only what is out of the ordinary.
    """

    def __init__(self, database: str, *, each: bool) -> None:
        self._database = database
        self._each = each

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        if self._each:
            verb = "applied" if direction == "up" else "undid"
            say(self._database, [f"{verb} {migration.title} in {seconds * 1000:.0f} ms"])

    def waiting(self, what: str) -> None:
        say(self._database, [what])

    def noticed(self, text: str) -> None:
        say(self._database, [text])
