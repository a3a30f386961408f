"""A daemon that does not outlive the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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


@contextmanager
def running(
    command: list[str],
    log: Path,
    answers: Callable[[], bool],
    *,
    inherited: tuple[int, ...] = (),
    environment: dict[str, str] | None = None,
) -> Iterator[None]:
    """Runs a daemon in a session of its own until the end of the block. The kernel ends it too when this process is killed.

    Raises:
        NoTestEngineError: it ended, or it did not answer in time; what it logged last is in the message.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
            pass_fds=inherited,
        )
    try:
        _wait(process, log, answers)
        yield
    finally:
        _end(process)


def _wait(process: subprocess.Popen[bytes], log: Path, answers: Callable[[], bool]) -> None:
    limit = time.monotonic() + START
    while not answers():
        ended = process.poll() is not None
        if ended or time.monotonic() > limit:
            tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LONGEST_TAIL:])
            what = f"ended with {process.returncode}" if ended else f"did not answer within {START:.0f} s"
            raise NoTestEngineError(f"The container engine {what}:\n{tail}")
        time.sleep(0.05)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP)
    except subprocess.TimeoutExpired:
        # It has a session of its own, and nobody else's process is in its group.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


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
