"""What the migrator costs where nothing is pending, and how much memory it takes."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.migrate import folders
from benchmarks.migrate.contenders import OURS, RunFailed, connecting_command, our_command
from benchmarks.migrate.servers import Server

PAIRS = 15
"""Runs of the migrator with nothing to do, each beside one of a process that connects only."""

MIB = 1024
"""KiB."""


@dataclass(frozen=True)
class Memory:
    """What a run took.

    Attributes:
        count: migrations that were applied.
        text: KiB of their files.
        peak: the most memory that the process had, in KiB.
    """

    count: int
    text: int
    peak: int


def nothing_to_do(server: Server, scratch: Path, count: int) -> tuple[list[float], list[float]]:
    """The seconds of runs that find `count` migrations applied, and of processes that import the driver and connect, pair by pair.

    Raises:
        RunFailed: a run applied something, or imported the parser.
    """
    login = server.fresh_database()
    folder = folders.write(scratch / f"{OURS}-applied-{count}", "sqlx", count)
    ours, bare = our_command(login, folder), connecting_command(login)
    ours.run()
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(PAIRS + 1):
        took, printed = ours.run()
        if json.loads(printed) | {"peak": 0} != {"applied": 0, "parser": False, "peak": 0}:
            raise RunFailed(f"A run with nothing to do said: {printed.decode()}")
        beside, _ = bare.run()
        if number:  # the first one warms up
            seconds[0].append(took)
            seconds[1].append(beside)
    return seconds


def beyond(ours: Sequence[float], bare: Sequence[float]) -> float:
    """The median of what the first of each pair took longer, in seconds."""
    return statistics.median(own - other for own, other in zip(ours, bare, strict=True))


def memory(server: Server, scratch: Path, count: int) -> Memory:
    """Applies `count` migrations and says how much memory that took."""
    folder = folders.write(scratch / f"{OURS}-memory-{count}", "sqlx", count)
    _, printed = our_command(server.fresh_database(), folder).run()
    text = sum(file.stat().st_size for file in folder.iterdir())
    return Memory(count, text // MIB, int(json.loads(printed)["peak"]))
