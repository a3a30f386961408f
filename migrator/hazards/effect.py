"""The words for what a statement does to a running database."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from migrator.hazards.batch import Name


class Kind(StrEnum):
    """What a person has to weigh before a migration runs."""

    DROPS = "drops data"
    REWRITES = "rewrites a table"
    LOCKS = "locks a table"
    OUTSIDE = "not transactional"
    CLIENTS = "may break clients"
    UNKNOWN = "not looked at"


class Effect(NamedTuple):
    """One thing that a statement does.

    Attributes:
        text: in words; goes on where a sentence began with the migration's title.
        table: what it is done to; None where that is not one relation.
    """

    kind: Kind
    text: str
    table: Name | None = None


ALL = "reads and writes"
WRITES = "writes"


def listed(names: Sequence[str]) -> str:
    """Names, as a sentence has them: `a, b and c`."""
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def columns_of(names: Sequence[str]) -> str:
    """Columns, as a sentence names them."""
    return f"column{'s' if len(names) > 1 else ''} {listed(names)}"


def locks(what: str, against: str, why: str) -> str:
    """The sentence for a lock that is held for as long as there are rows to go through."""
    return f"locks {what} against {against}: {why}"
