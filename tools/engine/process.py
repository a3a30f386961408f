"""A daemon that does not outlive the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from tools.engine.errors import NoTestEngineError
from tools.engine.packages import LONGEST_TAIL

START = 60.0
"""Seconds that an engine has to answer."""

STOP = 60.0
"""Seconds that an engine has to end, with its containers."""


@dataclass
class Daemon:
    """A program that runs in a session of its own. The kernel ends it too when this process is killed.

    Attributes:
        log: file for what it prints.
        answers: whether it does.
        inherited: file descriptors that it keeps open.
    """

    command: list[str]
    log: Path
    answers: Callable[[], bool]
    inherited: tuple[int, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it, and waits until it answers.

        Raises:
            NoTestEngineError: it ended, or it did not answer in time; what it logged last is in the message.
        """
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self.environment},
                start_new_session=True,
                pass_fds=self.inherited,
            )
        self._wait(self.process)

    def restart(self) -> None:
        """Ends it, and starts it again; raises as `start` does."""
        self.end()
        self.start()

    def end(self) -> None:
        """Asks it to end, and ends it where it does not."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            # It has a session of its own, and nobody else's process is in its group.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + START
        while not self.answers():
            ended = process.poll() is not None
            if ended or time.monotonic() > limit:
                tail = "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-LONGEST_TAIL:])
                what = f"ended with {process.returncode}" if ended else f"did not answer within {START:.0f} s"
                raise NoTestEngineError(f"The container engine {what}:\n{tail}")
            time.sleep(0.05)


@contextmanager
def running(daemon: Daemon) -> Iterator[Daemon]:
    """Runs a daemon until the end of the block; raises as `Daemon.start` does."""
    daemon.log.unlink(missing_ok=True)
    try:
        daemon.start()
        yield daemon
    finally:
        daemon.end()


def ping(url: str) -> bool:
    """Whether an engine answers there."""
    if url.startswith("unix://") and not Path(url.removeprefix("unix://")).exists():
        return False
    try:
        client = docker.DockerClient(base_url=url, timeout=5)
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except (DockerException, RequestException):
        return False
    finally:
        client.close()
