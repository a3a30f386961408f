"""Who is measured: the tools, psql, and the migrator."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks.migrate import connecting
from benchmarks.migrate import ours as migrator
from benchmarks.migrate.folders import SCRIPT
from benchmarks.migrate.programs import Programs
from postgres.errors import PgstackError
from postgres.login import Login
from toolchain.paths import ROOT
from tools.peers import PEERS, Peer

OURS = "pgstack"
PSQL = "psql"
"""Names, as the results have them."""

TIMEOUT = 600.0
"""Seconds after which a process is given up."""

LEFT_OUT = ("PG", "DATABASE_URL", "PYTHON")
"""Beginnings of variables that would lead a tool elsewhere."""


class RunFailed(PgstackError):
    """A process that is measured did not do its work."""


@dataclass(frozen=True)
class Command:
    """A process to be measured.

    Attributes:
        environment: what it has beyond the caller's.
        given: on its standard input.
    """

    arguments: list[str]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    given: bytes = field(default=b"", repr=False)
    folder: Path = ROOT

    def run(self) -> tuple[float, bytes]:
        """Runs it to its end; the seconds that it took, and what it printed.

        Raises:
            RunFailed: it failed; the message has its last lines.
        """
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
        with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complained:
            started = time.perf_counter()
            process = subprocess.Popen(
                self.arguments,
                stdin=subprocess.PIPE,
                env={**inherited, **self.environment},
                cwd=self.folder,
                stdout=printed,
                stderr=complained,
            )
            # A timeout of subprocess's own looks every 50 ms whether the process has ended, which would be measured.
            watchdog = threading.Timer(TIMEOUT, process.kill)
            watchdog.start()
            try:
                process.communicate(self.given)
            finally:
                watchdog.cancel()
            took = time.perf_counter() - started
            texts = [(file.seek(0), file.read())[1] for file in (printed, complained)]
        if process.returncode:
            tail = b"".join(texts).decode(errors="replace").strip().splitlines()[-5:]
            raise RunFailed("\n".join([f"{Path(self.arguments[0]).name} ended with code {process.returncode}:", *tail]))
        return took, texts[0]


@dataclass(frozen=True)
class Contender:
    """Somebody who applies a folder.

    Attributes:
        layout: how the folder is written.
        command: the process that applies all of it.
    """

    name: str
    layout: str
    command: Callable[[Login, Path], Command]


def on_stdin(login: Login) -> bytes:
    """A login as `ours` and `connecting` read it."""
    return json.dumps(asdict(login)).encode()


def our_command(login: Login, folder: Path) -> Command:
    """The migrator, as a process."""
    return Command([sys.executable, "-m", migrator.__name__, str(folder), "sqlx"], given=on_stdin(login))


def connecting_command(login: Login) -> Command:
    """Importing the driver and connecting, as a process."""
    return Command([sys.executable, "-m", connecting.__name__], given=on_stdin(login))


def psql(programs: Programs) -> Contender:
    """psql, fed one script with a transaction for each migration."""

    def command(login: Login, script: Path) -> Command:
        address = {"PGHOST": login.host, "PGPORT": str(login.port), "PGDATABASE": login.database, "PGUSER": login.user}
        environment = {**programs.environment, **address, "PGPASSWORD": login.password, "PGSSLMODE": login.sslmode}
        arguments = ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", f"--file={script}"]
        return Command([str(programs.folder / "psql"), *arguments], environment, folder=script.parent)

    return Contender(PSQL, SCRIPT, command)


def peer(tool: Peer) -> Contender:
    """A tool of others."""

    def command(login: Login, folder: Path) -> Command:
        arguments, environment = tool.command(login, folder)
        return Command(arguments, environment, folder=folder.parent)

    return Contender(tool.name, tool.format, command)


def contenders(programs: Programs, names: frozenset[str]) -> Iterator[Contender]:
    """Those of `names` that are installed; the migrator always."""
    yield Contender(OURS, "sqlx", our_command)
    if PSQL in names:
        yield psql(programs)
    for name, tool in PEERS.items():
        if name in names and tool.installed():
            yield peer(tool)
