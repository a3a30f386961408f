"""The Docker Engine that the tests start where the machine has none: that it leaves nothing behind, however it ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.fix_cluster import wait_for
from tools.engine import dockerd, packages, slots

ROOT = Path(__file__).resolve().parents[2]

SCRIPT = """
import sys
from tools.engine import docker_engine
with docker_engine() as engine:
    print(engine.url, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def _only_where_one_is_started() -> None:
    if os.environ.get("DOCKER_HOST") or dockerd.existing():
        pytest.skip("DOCKER_HOST or the machine has an engine, so the tests start none")
    if os.geteuid() != 0 or dockerd.lacking():
        pytest.skip("no engine can be started here: that takes root and Docker's programs")


def started() -> tuple[subprocess.Popen[str], Path]:
    """A process that has started an engine, and the folder of its socket."""
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    url = process.stdout.readline().strip()
    assert url.startswith("unix:///"), url
    return process, Path(url.removeprefix("unix://")).parent


def daemons(folder: Path) -> list[psutil.Process]:
    """The processes of the engine of a folder."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if process.info["name"] in {"dockerd", "containerd"} and any(str(folder) in word for word in words):
            found.append(process)
    return found


def bridge(folder: Path) -> Path:
    kind, _, number = folder.name.partition("-")
    return Path("/sys/class/net", slots.Slot(kind, int(number), -1).bridge)


def rules(folder: Path) -> str:
    listed = packages.run([str(packages.which("iptables")), "-w", "-S"])
    return "\n".join(line for line in listed.splitlines() if f"pgstack-engine {folder.name}" in line)


def test_nothing_is_left_behind() -> None:
    process, folder = started()
    assert len(daemons(folder)) == 2
    assert bridge(folder).exists()
    assert rules(folder)
    process.communicate("\n", timeout=60)
    assert process.returncode == 0
    assert not daemons(folder)
    assert not folder.exists()
    assert not bridge(folder).exists()
    assert not rules(folder)


def test_two_at_a_time() -> None:
    first, folder = started()
    second, other = started()
    assert folder != other
    assert len(daemons(folder)) == len(daemons(other)) == 2
    for process in (second, first):
        process.communicate("\n", timeout=60)
        assert process.returncode == 0


def test_ends_with_a_killed_process() -> None:
    process, folder = started()
    process.kill()
    process.communicate()
    wait_for(lambda: not daemons(folder), "the engine to end")
    again, same = started()
    again.communicate("\n", timeout=60)
    assert again.returncode == 0
    assert not same.exists()
    if same == folder:
        assert not bridge(folder).exists()
        assert not rules(folder)
