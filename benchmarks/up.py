"""What `make up` costs beyond what it cannot do without.

1. A second `make up`, with nothing to do, against `pulumi up` of a program that declares nothing: same CLI, same language
   host, same kind of backend, same flags, in turn.
2. A first `make up` on stack `local`, toolchain and virtual environment in place, against initdb and a server start by
   hand: same programs, same account, same disk.

Run it with `make bench`. It needs nothing but what `make up` needs, and leaves nothing behind.
"""

from __future__ import annotations

import os
import secrets
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import spread
from cluster import account, programs
from tests.fix_server import free_port
from tests.fix_stack import ROOT, Project, end_project, start_project
from toolchain import pulumi_cli

RUNS = 7
"""Of each command, after one that is not counted."""


def seconds(action: Callable[[], object]) -> float:
    """How long a call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def bare_program(folder: Path, environment: dict[str, str]) -> Callable[[], object]:
    """Sets up a Pulumi program that declares nothing and returns its `up`."""
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(
        f"name: bare\nruntime:\n  name: python\n  options:\n    virtualenv: {os.path.relpath(ROOT / '.venv', folder)}\n"
    )
    (folder / "__main__.py").write_text("import pulumi\n\npulumi.export('nothing', 0)\n")
    (folder / "state").mkdir()
    tools = pulumi_cli.ensure()
    own = {
        **environment,
        "PATH": f"{tools}{os.pathsep}{environment['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{folder / 'state'}",
        "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe(),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def pulumi(*arguments: str) -> None:
        subprocess.run(["pulumi", *arguments], cwd=folder, env=own, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    pulumi("stack", "init", "bare")
    return lambda: pulumi("up", "--yes", "--skip-preview", "--stack", "bare")


def initdb_and_start(folder: Path) -> float:
    """Makes a cluster and starts a server with the wheel's programs alone; stops it again. The seconds of the first two."""
    owner = account.current(create=True)
    path = programs.for_account(owner)
    folder.mkdir()
    owner.own(folder)
    data = f"--pgdata={folder / 'data'}"
    options = f"-p {free_port()} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"

    def run(program: str, *arguments: str) -> None:
        with tempfile.TemporaryFile() as log:
            assert owner.run([str(path / program), *arguments], folder=folder, log=log.fileno()) == 0, program

    def both() -> None:
        run("initdb", data, "--username=postgres", "--auth=reject", "--locale=C")
        run("pg_ctl", "start", data, f"--log={folder / 'log'}", f"--options={options}", "--wait", "--silent")

    took = seconds(both)
    run("pg_ctl", "stop", data, "--mode=immediate", "--silent")
    return took


def first_up(folder: Path) -> float:
    """The seconds of a first `make up` in a fresh copy of the project."""
    project = start_project(folder)
    took = seconds(lambda: project.make("up"))
    end_project(project)
    return took


def no_op(project: Project, bare: Callable[[], object]) -> tuple[list[float], list[float]]:
    """The seconds of no-op updates, ours and the bare program's, in turn."""
    ours, theirs = [], []
    for run in range(RUNS + 1):
        pair = seconds(lambda: project.make("up")), seconds(bare)
        if run:
            ours.append(pair[0])
            theirs.append(pair[1])
    return ours, theirs


def report(title: str, ours: tuple[str, list[float]], theirs: tuple[str, list[float]]) -> None:
    """Prints both medians, their ratio, and their difference pair by pair."""
    beyond = statistics.median(own - other for own, other in zip(ours[1], theirs[1], strict=True))
    ratio = statistics.median(own / other for own, other in zip(ours[1], theirs[1], strict=True))
    print(f"{title}\n  {ours[0]}: {spread(ours[1])}\n  {theirs[0]}: {spread(theirs[1])}")
    print(f"  ratio {ratio:.2f}, difference {beyond:+.2f} s (medians of the pairs)\n")


def main() -> None:
    """Runs both comparisons and prints their figures."""
    folder = Path(tempfile.mkdtemp(prefix="pgstack-bench."))
    folder.chmod(0o755)
    try:
        project = start_project(folder / "noop")
        project.make("up")
        ours, theirs = no_op(project, bare_program(folder / "bare", project.environment))
        end_project(project)
        report("No-op update", ("make up", ours), ("pulumi up of a program that declares nothing", theirs))
        pairs = [(first_up(folder / f"first{run}"), initdb_and_start(folder / f"initdb{run}")) for run in range(RUNS)]
        report("First update of stack local", ("make up", [pair[0] for pair in pairs]), ("initdb and start", [pair[1] for pair in pairs]))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
