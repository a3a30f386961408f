"""The parts of the benchmark: each measures, prints what it found, and keeps the figures."""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.figures import spread
from benchmarks.migrate import overhead, report
from benchmarks.migrate.contenders import OURS, contenders
from benchmarks.migrate.delay import delayed
from benchmarks.migrate.race import Course, race
from benchmarks.migrate.servers import Server
from postgres.errors import PgstackError
from postgres.login import Login

TARGETS = {15: 0.80, 18: 0.60}
"""Major version → the most that the migrator should take on loopback, as a part of the fastest tool's time."""

DELAYED_TARGET = 0.05
"""The same, through the delay line."""

NO_OP_TARGET = 0.030
"""Seconds."""

ROUND_TRIP = 20
TOLERANCE = 3
"""Milliseconds that the delay line makes, and that a round trip may take beyond that."""

PINGS = 25
MEMORY_COUNTS = (200, 1000, 4000)

PARTS = ("loopback", "delayed", "no-op", "memory")


class UnevenError(PgstackError):
    """The delay line is not as long as it should be: the machine is too busy to measure on."""


@dataclass
class Bench:
    """A run of the benchmark.

    Attributes:
        options: as the command line has them.
        scratch: folder for migrations.
        figures: everything measured, in the form of `--json`.
    """

    options: argparse.Namespace
    scratch: Path
    figures: dict[str, Any] = field(default_factory=lambda: {"races": {}})

    def measure(self, major: int, server: Server) -> None:
        """Runs the parts that were asked for on a server. The delayed race is on the first, what is ours alone on the newest.

        Raises:
            RunFailed: a process did not do its work.
            UnevenError: the delay line is not as long as it should be.
        """
        tell(f"\nPostgreSQL {server.version}")
        parts, majors = self.options.parts, self.options.servers
        scratch = self.scratch / str(major)
        if "loopback" in parts:
            self._race(f"loopback, PostgreSQL {major}", Course(server, self.options.n, self.options.rounds, scratch), TARGETS[major])
        if "delayed" in parts and "round trip" not in self.figures:
            self._delayed(major, server)
        if "no-op" in parts and major == max(majors):
            self._no_op(server)
        if "memory" in parts and major == max(majors):
            self._memory(server)

    def _race(self, name: str, course: Course, target: float) -> None:
        tell(f"\n{course.count} migrations, {name}")
        results = race(course, tuple(contenders(course.server.programs, self.options.tools)), tell)
        tell("\n".join(report.table(results, target)))
        self.figures["races"][name] = {"migrations": course.count, "target": target, "seconds": results}

    def _delayed(self, major: int, server: Server) -> None:
        login = server.superuser
        with delayed(login.host, login.port, ROUND_TRIP / 2) as port:
            found = round_trip(replace(login, port=port))
            tell(f"\nRound trip through the delay line: {found:.1f} ms; without it {round_trip(login):.2f} ms")
            if not ROUND_TRIP <= found <= ROUND_TRIP + TOLERANCE:
                raise UnevenError(f"A round trip through the delay line takes {found:.1f} ms instead of {ROUND_TRIP}.")
            course = Course(server, self.options.n_delayed, self.options.rounds, self.scratch / "delayed", port)
            self._race(f"round trip {ROUND_TRIP} ms, PostgreSQL {major}", course, DELAYED_TARGET)
            self.figures["round trip"] = found

    def _no_op(self, server: Server) -> None:
        count = self.options.n
        ours, bare = overhead.nothing_to_do(server, self.scratch / "no-op", count)
        beyond = overhead.beyond(ours, bare)
        word = report.verdict(beyond, NO_OP_TARGET)
        tell(f"\nNothing to do on {count} applied; the parser is not imported\n  {OURS}: {spread(ours)}")
        tell(f"  importing the driver and connecting: {spread(bare)}")
        tell(f"  beyond that: {beyond * 1000:.0f} ms (median of the pairs); at most {NO_OP_TARGET * 1000:.0f} ms wanted: {word}")
        self.figures["no-op"] = {"migrations": count, "target": NO_OP_TARGET, "seconds": ours, "connecting": bare}

    def _memory(self, server: Server) -> None:
        found = [overhead.memory(server, self.scratch / "memory", count) for count in MEMORY_COUNTS]
        tell("\nMemory of a run that applies a whole folder")
        for each in found:
            tell(f"  {each.count:>5} migrations, {each.text:>4} KiB of text: at most {each.peak / 1024:.1f} MiB")
        self.figures["memory"] = [asdict(each) for each in found]


def round_trip(login: Login) -> float:
    """The median milliseconds of a statement that does nothing."""
    times = []
    with login.connect() as session:
        for _ in range(PINGS):
            started = time.perf_counter()
            session.execute("SELECT 1")
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def tell(line: str) -> None:
    """Prints a line at once: a run takes long."""
    print(line, flush=True)
