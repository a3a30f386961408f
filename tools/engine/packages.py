"""Programs from the system's packages: what an engine and the building of images need."""

from __future__ import annotations

import os
import shutil
import subprocess

from tools.engine.errors import NoTestEngineError

DOCKER = ("docker.io", "containerd", "runc", "iptables", "iproute2", "mmdebstrap", "debian-archive-keyring")
"""What the Docker Engine and the building of images take."""

PODMAN = ("podman", "netavark", "aardvark-dns", "containernetworking-plugins", "runc", "iptables")
"""What Podman takes, with either of its two networks: a release of the system that lacks one has the other."""

REGISTRY = ("docker-registry",)
"""What the tests of pulling images take."""

CHROMIUM = ("chromium", "chromium-driver")
"""What the tests of pages take."""

LONGEST_TAIL = 5
"""Lines of a failed program's output that a message shows."""


def run(command: list[str], *, environment: dict[str, str] | None = None) -> str:
    """Runs a program to its end and returns what it printed.

    Raises:
        NoTestEngineError: there is no such program, or it failed.
    """
    try:
        done = subprocess.run(
            command, env={**os.environ, **(environment or {})}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise NoTestEngineError(f"There is no `{command[0]}` on PATH.") from None
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-LONGEST_TAIL:])
        raise NoTestEngineError(f"`{' '.join(command[:3])} …` failed:\n{tail}")
    return done.stdout


def missing(programs: tuple[str, ...]) -> list[str]:
    """Those of some programs that are not on PATH, nor where root finds its own."""
    return [program for program in programs if which(program) is None]


def which(program: str) -> str | None:
    """The path of a program, also of one that is for root."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


def install(packages: tuple[str, ...]) -> None:
    """Installs those of some packages that the system's lists have.

    Raises:
        NoTestEngineError: the caller is not root, the system has no apt-get, or that failed.
    """
    if os.geteuid() != 0:
        raise NoTestEngineError("Only root can install packages.")
    if shutil.which("apt-get") is None:
        raise NoTestEngineError("There is no apt-get here, and no other package manager is known.")
    if not _known(packages[:1]):
        run(["apt-get", "update"])
    known = _known(packages)
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *known]
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(command, environment=quiet)
    except NoTestEngineError:
        # Lists that are some weeks old name files that the mirror has no more.
        run(["apt-get", "update"])
        run(command, environment=quiet)


def _known(packages: tuple[str, ...]) -> list[str]:
    """The packages of which there is a version to install."""
    listed = run(["apt-cache", "policy", *packages], environment={"LC_ALL": "C"})
    found: dict[str, bool] = {}
    name = ""
    for line in listed.splitlines():
        if not line.startswith(" "):
            name = line.rstrip(":")
        elif line.strip().startswith("Candidate:"):
            found[name] = not line.endswith("(none)")
    return [package for package in packages if found.get(package)]
