from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from cluster import account, programs
from cluster.account import Account
from cluster.errors import ClusterError, DiskFullError, PortTakenError
from cluster.runner import Runner
from tests.unit import places


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    """Runs programs of a test's own, as the one who runs the tests."""
    me = Account(os.geteuid(), os.getegid(), "me", switch=False)
    monkeypatch.setattr(account, "current", lambda *, create: me)  # noqa: ARG005  the name is part of the call
    monkeypatch.setattr(programs, "for_account", lambda _account: tmp_path / "bin")
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: SimpleNamespace(free=7 * 2**20))
    return Runner(tmp_path, tmp_path / "postgres.log", 5433)


def fail(runner: Runner, text: str) -> ClusterError:
    places.program(runner.folder / "bin" / "pg_ctl", f"{text}\nexit 3")
    with pytest.raises(ClusterError) as caught:
        runner.run("pg_ctl", "start")
    return caught.value


def test_a_program_that_succeeds_is_silent(runner: Runner, capfd: pytest.CaptureFixture[str]) -> None:
    places.program(runner.folder / "bin" / "pg_ctl", 'echo "$1"; echo "$1" > asked')
    runner.run("pg_ctl", "start")
    assert ((runner.folder / "asked").read_text(), capfd.readouterr().out) == ("start\n", "")


def test_a_failure_shows_what_was_printed_and_logged_meanwhile(runner: Runner) -> None:
    runner.log.write_text("of yesterday\n")
    error = fail(runner, f'echo "printed $1"; i=0; while [ $i -lt 20 ]; do echo "logged $i" >> {runner.log}; i=$((i+1)); done')
    assert str(error).splitlines() == [
        "pg_ctl failed with code 3:",
        "printed start",
        *(f"logged {number}" for number in range(5, 20)),
        f"The whole log is {runner.log}.",
    ]


def test_a_failure_without_a_log_shows_what_was_printed(runner: Runner) -> None:
    assert Exception.__str__(fail(runner, "echo complaint >&2")) == "pg_ctl failed with code 3:\ncomplaint"
    assert runner.logged() == ""


@pytest.mark.parametrize("said", ["No space left on device", "Disk quota exceeded"])
def test_a_full_disk_is_told_with_what_is_left(runner: Runner, said: str) -> None:
    error = fail(runner, f"echo 'could not extend file: {said}'")
    assert isinstance(error, DiskFullError)
    assert Exception.__str__(error) == f"No space is left for {runner.folder}: 7 MiB are free there, a new cluster takes about 50 MiB."


def test_a_port_that_is_taken_meanwhile_is_told(runner: Runner) -> None:
    error = fail(runner, "echo 'could not bind IPv4 address: Address already in use'")
    assert isinstance(error, PortTakenError)
    assert Exception.__str__(error) == "Port 5433 is taken."
