from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolchain import venv

LOCK = b"a==1 --hash=sha256:0\n"
STAMP = hashlib.sha256(LOCK).hexdigest()


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout with a lock file and no virtual environment."""
    monkeypatch.setattr(venv, "ROOT", tmp_path)
    monkeypatch.setattr(venv, "VENV", tmp_path / ".venv")
    (tmp_path / "requirements.txt").write_bytes(LOCK)
    return tmp_path


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, checkout: Path) -> list[list[str]]:
    """The commands that were run; none of them really is, but a virtual environment gets its Python."""
    ran: list[list[str]] = []

    def run(command: list[str], **_options: Any) -> subprocess.CompletedProcess[bytes]:
        ran.append([word.replace(str(checkout), "CHECKOUT") for word in command])
        if "venv" in command:
            (checkout / ".venv" / "bin").mkdir(parents=True)
            (checkout / ".venv" / "bin" / "python").touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return ran


MAKE = [sys.executable, "-m", "venv", "CHECKOUT/.venv"]
INSTALL = [
    "CHECKOUT/.venv/bin/python",
    "-m",
    "pip",
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--require-hashes",
    "-r",
    "CHECKOUT/requirements.txt",
]


def test_a_first_run_makes_the_environment_and_installs_the_lock(checkout: Path, commands: list[list[str]]) -> None:
    venv.install("requirements.txt")
    assert commands == [MAKE, INSTALL]
    assert (checkout / ".venv" / ".installed-requirements").read_text() == STAMP


def test_a_lock_that_is_installed_is_not_installed_again(checkout: Path, commands: list[list[str]]) -> None:
    venv.install("requirements.txt")
    stamp = checkout / ".venv" / ".installed-requirements"
    os.utime(stamp, (1, 1))
    commands.clear()
    venv.install("requirements.txt")
    assert commands == []
    assert stamp.stat().st_mtime > 1, "make would call again and again"


def test_a_changed_lock_is_installed_into_the_same_environment(checkout: Path, commands: list[list[str]]) -> None:
    venv.install("requirements.txt")
    (checkout / "requirements.txt").write_bytes(b"a==2 --hash=sha256:0\n")
    commands.clear()
    venv.install("requirements.txt")
    assert commands == [INSTALL]


def test_two_locks_do_not_stand_for_each_other(checkout: Path, commands: list[list[str]]) -> None:
    (checkout / "requirements-dev.txt").write_bytes(LOCK)
    venv.install("requirements.txt")
    venv.install("requirements-dev.txt")
    assert commands == [MAKE, INSTALL, [*INSTALL[:-1], "CHECKOUT/requirements-dev.txt"]]


def test_an_old_python_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(sys, "version", "3.9.2 (default, Feb 28 2021)")
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    with pytest.raises(SystemExit) as caught:
        venv.install("requirements.txt")
    assert caught.value.code == "Python 3.11 or newer is needed; /usr/bin/python3 is 3.9.2. Try: make PYTHON=python3.11 up"
    assert commands == []


@pytest.mark.parametrize(
    ("failing", "message"),
    [
        ("venv", "The virtual environment could not be made. On Debian and Ubuntu: apt-get install python3-venv"),
        ("pip", "requirements.txt could not be installed; pip's message is above. Is the package index reachable?"),
    ],
)
def test_a_step_that_fails_is_told_and_done_again_next_time(
    monkeypatch: pytest.MonkeyPatch, checkout: Path, failing: str, message: str
) -> None:
    (checkout / ".venv").mkdir()
    monkeypatch.setattr(subprocess, "run", lambda command, **_options: subprocess.CompletedProcess(command, int(failing in command)))
    with pytest.raises(SystemExit) as caught:
        venv.install("requirements.txt")
    assert caught.value.code == message
    assert not (checkout / ".venv" / ".installed-requirements").exists()
