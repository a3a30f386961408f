"""Turns measurements into lines to read. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.migrate.contenders import OURS, PSQL

REFERENCES = frozenset({OURS, PSQL})
"""Who is no migration tool to be compared with: psql keeps no record of what it did."""


@dataclass(frozen=True)
class Comparison:
    """The migrator beside the fastest tool.

    Attributes:
        ours, fastest: median seconds.
        peer: the name of the fastest tool.
    """

    ours: float
    peer: str
    fastest: float

    @property
    def ratio(self) -> float:
        """What part of the fastest tool's time the migrator takes."""
        return self.ours / self.fastest


def compare(results: Mapping[str, Sequence[float]]) -> Comparison | None:
    """The comparison that a race gives; None where nobody else ran, or the migrator did not."""
    medians = {name: statistics.median(seconds) for name, seconds in results.items()}
    peers = {name: median for name, median in medians.items() if name not in REFERENCES}
    if not peers or OURS not in medians:
        return None
    peer = min(peers, key=peers.__getitem__)
    return Comparison(medians[OURS], peer, peers[peer])


def verdict(value: float, target: float) -> str:
    """Whether a target was reached, in a word."""
    return "reached" if value <= target else "missed"


def table(results: Mapping[str, Sequence[float]], target: float) -> list[str]:
    """A line for each contender, the fastest first, with the ratio to the fastest tool; then what became of the target."""
    found = compare(results)
    lines = [f"  {'':<16}{'median':>8}{'min':>8}{'max':>8}" + (f"{f'x {found.peer}':>16}" if found else "")]
    for name, seconds in sorted(results.items(), key=lambda each: statistics.median(each[1])):
        middle = statistics.median(seconds)
        ratio = f"{middle / found.fastest:16.3f}" if found else ""
        lines.append(f"  {name:<16}{middle:8.2f}{min(seconds):8.2f}{max(seconds):8.2f}{ratio}")
    if found:
        lines.append(
            f"  {OURS}: {found.ratio:.3f} x the fastest tool, {found.peer}; at most {target:.2f} wanted: {verdict(found.ratio, target)}"
        )
    return lines


def summary(races: Mapping[str, Mapping[str, Sequence[float]]]) -> list[str]:
    """A table of all races in Markdown: median seconds, and in brackets the ratio to the fastest tool of that race."""
    found = {race: compare(results) for race, results in races.items()}
    names = sorted({name for results in races.values() for name in results}, key=lambda name: (name not in REFERENCES, name))
    lines = [f"| | {' | '.join(races)} |", f"|---|{'---|' * len(races)}"]
    for name in names:
        cells = [_cell(results.get(name), found[race]) for race, results in races.items()]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _cell(seconds: Sequence[float] | None, found: Comparison | None) -> str:
    if not seconds:
        return "–"
    middle = statistics.median(seconds)
    return f"{middle:.2f} s" + (f" ({middle / found.fastest:.2f})" if found else "")
