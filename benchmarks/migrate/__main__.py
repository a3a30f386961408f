"""`python -m benchmarks.migrate`: the migrator against the tools whose formats it reads, in one run on the same servers.

- 1,000 migrations on loopback, on PostgreSQL 15 and on 18; 200 through a delay line that makes a round trip of 20 ms.
  Each migration is a table with an identity key and an index, in a transaction of its own; each run has a fresh database;
  whole processes are timed, from their start to their end. Servers have default settings, so `fsync` is on.
- What the migrator takes where nothing is pending, beyond importing the driver and connecting.
- The memory that it takes, with the number of migrations.

Medians of rounds in which everybody has a turn. A tool that is not installed (`python -m tools.peers install`) is named.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks.migrate import report, servers
from benchmarks.migrate.bench import PARTS, TARGETS, Bench, tell
from benchmarks.migrate.contenders import PSQL
from benchmarks.migrate.disk import SLOW, data_folder
from benchmarks.migrate.programs import NoServer
from tools.peers import PEERS

MOST = 4000
"""Of anything that the command line asks for."""


def names(known: tuple[str, ...], text: str) -> frozenset[str]:
    """The names in a list with commas.

    Raises:
        argparse.ArgumentTypeError: one of them is not known.
    """
    chosen = frozenset(text.split(","))
    if unknown := chosen.difference(known):
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    return chosen


def count(text: str) -> int:
    """A number of migrations, or of rounds.

    Raises:
        ValueError: it is no number.
        argparse.ArgumentTypeError: it is out of bounds.
    """
    number = int(text)
    if not 1 <= number <= MOST:
        raise argparse.ArgumentTypeError(f"{text}: choose from 1 to {MOST}")
    return number


def parse() -> argparse.Namespace:
    """The command line."""
    tools = (PSQL, *sorted(PEERS))
    majors = tuple(str(major) for major in TARGETS)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.migrate", description="Measures the migrator against the tools whose formats it reads."
    )
    parser.add_argument("--rounds", type=count, default=5, help="times that everybody has a turn (5)")
    parser.add_argument("--n", type=count, default=1000, help="migrations on loopback (1000)")
    parser.add_argument("--n-delayed", type=count, default=200, help="migrations through the delay line (200)")
    parser.add_argument("--tools", type=lambda text: names(tools, text), default=frozenset(tools), help=f"of {','.join(tools)} (all)")
    parser.add_argument("--servers", type=lambda text: names(majors, text), default=frozenset(majors), help="major versions (15,18)")
    parser.add_argument("--parts", type=lambda text: names(PARTS, text), default=frozenset(PARTS), help=f"of {','.join(PARTS)} (all)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write every figure")
    options = parser.parse_args()
    options.servers = sorted(int(major) for major in options.servers)
    return options


def main() -> None:
    """Runs the parts that were asked for, one server after the other."""
    options = parse()
    # An end by another process is to stop the server and delete its data as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if missing := sorted(name for name in options.tools - {PSQL} if not PEERS[name].installed()):
        tell(f"Missing, and not measured: {', '.join(missing)}. Try: python -m tools.peers install")
    with tempfile.TemporaryDirectory(prefix="pgstack-bench.") as scratch, data_folder() as (data, per_file):
        bench = Bench(options, Path(scratch))
        tell(f"{os.cpu_count()} cores, Python {platform.python_version()}; a file is made in {per_file:.0f} µs")
        if per_file > SLOW:
            tell("  That is slow, and makes all tools look alike. If many files were deleted in the last minutes, try again in five.")
        bench.figures |= {"cores": os.cpu_count(), "python": platform.python_version(), "microseconds per file": per_file}
        for major in options.servers:
            try:
                with servers.running(major, data) as server:
                    bench.figures[f"PostgreSQL {major}"] = server.version
                    bench.measure(major, server)
            except NoServer as error:
                tell(f"\nPostgreSQL {major} is missing, and not measured on. {error}")
        if races := {name: race["seconds"] for name, race in bench.figures["races"].items()}:
            tell("\n" + "\n".join(report.summary(races)))
        if options.json:
            options.json.write_text(json.dumps(bench.figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
