"""Has everybody apply the same migrations to fresh databases, in turn, so that what the machine does meanwhile hits all alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.migrate import folders
from benchmarks.migrate.contenders import Contender, RunFailed
from benchmarks.migrate.servers import Server, tables
from postgres.errors import PgstackError

WARM_UP = 5
"""Migrations that everybody applies once, uncounted: programs are read from the disk, and who does not work is found out."""


@dataclass(frozen=True)
class Course:
    """What is run, and where.

    Attributes:
        count: migrations in the folder.
        rounds: times that each contender applies it.
        port: where the server is reached, if not on its own port.
        scratch: folder for the migrations.
    """

    server: Server
    count: int
    rounds: int
    scratch: Path
    port: int | None = None


def run_once(course: Course, contender: Contender, folder: Path, count: int) -> float:
    """The seconds that a contender takes for a folder of `count` migrations, on a fresh database.

    Raises:
        RunFailed: it failed, or something is missing in the database.
    """
    login = course.server.fresh_database()
    took, _ = contender.command(replace(login, port=course.port or login.port), folder).run()
    if (made := tables(login)) != count:
        raise RunFailed(f"{contender.name} ended as if all was well, but only {made} of {count} migrations are there.")
    return took


def race(course: Course, contenders: Sequence[Contender], tell: Callable[[str], None]) -> dict[str, list[float]]:
    """The seconds of each contender's runs, by its name. Who fails in the warm-up is told, and takes no part.

    Raises:
        RunFailed: somebody failed afterwards.
    """
    starters = [contender for contender in contenders if _warmed_up(course, contender, tell)]
    written = {
        contender.name: folders.write(course.scratch / f"{contender.name}-{course.count}", contender.layout, course.count)
        for contender in starters
    }
    results: dict[str, list[float]] = {contender.name: [] for contender in starters}
    for number in range(course.rounds):
        # Nobody comes after the same one each time.
        for contender in starters[number % len(starters) :] + starters[: number % len(starters)]:
            results[contender.name].append(run_once(course, contender, written[contender.name], course.count))
        last = ", ".join(f"{name} {times[-1]:.2f}" for name, times in results.items())
        tell(f"  round {number + 1} of {course.rounds}: {last}")
    return results


def _warmed_up(course: Course, contender: Contender, tell: Callable[[str], None]) -> bool:
    folder = folders.write(course.scratch / f"{contender.name}-warm-up", contender.layout, WARM_UP)
    try:
        run_once(course, contender, folder, WARM_UP)
    except PgstackError as error:
        tell(f"  {contender.name} takes no part: {error}")
        return False
    return True
