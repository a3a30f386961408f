"""What the dev stack costs beyond what it cannot do without; all figures of one run, in turn.

1. `pulumi up` with nothing to do, on the whole stack dev, against `pulumi up` of a program that declares the same Docker
   resources: same CLI, plug-in, virtual environment, kind of backend and options. `make up`, which also says what is there, beside them.
2. From nothing but images to the first query of an application's role, by `make up`, against `docker run` of the same image
   until its first answer, with the time that the migrations of all databases take on a server that has the roles.

Run it with `make bench-docker`. It needs what the tests of target docker need, and leaves nothing behind.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker

from benchmarks.docker.parts import PASSWORD, Bare, ask, docker_run, make_databases, migrate, pulumi_up
from benchmarks.figures import spread
from benchmarks.up import report, seconds
from postgres.login import Login
from tests.fix_dev import start_dev
from tests.fix_docker import TestEngine
from tests.fix_server import free_port
from tools.engine import docker_engine, provide
from tools.engine.dockerd import empty

RUNS = 7
"""Of each command; no-op updates after one that is not counted."""

LIMITS = {"update": 1.3, "first": 1.2}


@contextmanager
def engine() -> Iterator[TestEngine]:
    """The engine of the tests, with their images."""
    with ExitStack() as stack:
        url = stack.enter_context(docker_engine()).url
        client = docker.DockerClient(base_url=url, timeout=300)
        stack.callback(client.close)
        yield TestEngine(url, provide(client, url), client)


def no_op(folder: Path, where: TestEngine, runs: int) -> dict[str, list[float]]:
    """The seconds of updates with nothing to do: by `make up`, by `pulumi up` of the stack and of the bare program."""
    dev = start_dev(folder, where)
    bare = None
    try:
        dev.make("up")
        bare = Bare(folder / "bare", dev)
        bare.up()
        actions: dict[str, Callable[[], object]] = {"make": lambda: dev.make("up"), "ours": pulumi_up(dev), "bare": bare.up}
        taken: dict[str, list[float]] = {name: [] for name in actions}
        for run in range(runs + 1):
            for name, action in actions.items():
                took = seconds(action)
                if run:
                    taken[name].append(took)
        return taken
    finally:
        dev.end()
        if bare:
            empty(where.client, f"pgstack.stack={bare.name}")


def first_up(folder: Path, where: TestEngine) -> float:
    """The seconds from nothing to the first query of an application's role."""
    dev = start_dev(folder, where)
    try:
        up = seconds(lambda: dev.make("up"))
        login = dev.login("usualstore")
        return up + seconds(lambda: ask(login))
    finally:
        dev.end()


def by_hand(where: TestEngine) -> tuple[float, float]:
    """The seconds of `docker run` until the first answer, and of the migrations."""
    name = f"byhand-{secrets.token_hex(4)}"
    administrator = Login("127.0.0.1", free_port(), "postgres", "postgres", PASSWORD, "disable")
    try:
        started = seconds(lambda: docker_run(where, name, administrator))
        work = make_databases(administrator)
        return started, seconds(lambda: migrate(work))
    finally:
        empty(where.client, f"pgstack.stack={name}")


def main() -> None:
    """Runs both comparisons and prints their figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.docker")
    parser.add_argument("--runs", type=int, default=RUNS, help="of each command")
    parser.add_argument("--only", choices=LIMITS, help="one of the comparisons")
    options = parser.parse_args()
    chosen = [options.only] if options.only else list(LIMITS)
    folder = Path(tempfile.mkdtemp(prefix="pgstack-bench."))
    folder.chmod(0o755)
    try:
        with engine() as where:
            print(f"Load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
            if "update" in chosen:
                taken = no_op(folder / "noop", where, options.runs)
                bare = ("pulumi up of a program with the same containers", taken["bare"])
                report("No-op update of stack dev", ("pulumi up", taken["ours"]), bare)
                print(f"  limit {LIMITS['update']}\n")
                report("The same with all that make does", ("make up", taken["make"]), bare)
            if "first" in chosen:
                pairs = [(first_up(folder / f"first{run}", where), by_hand(where)) for run in range(options.runs)]
                for title, part in (("docker run until the first answer", 0), ("the migrations alone", 1)):
                    print(f"{title}: {spread([pair[1][part] for pair in pairs])}")
                beside = ("docker run until the first answer, and the migrations", [sum(pair[1]) for pair in pairs])
                report("From nothing to the first query on stack dev", ("make up", [pair[0] for pair in pairs]), beside)
                print(f"  limit {LIMITS['first']}\n")
            print(f"Load after: {os.getloadavg()[0]:.1f}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
