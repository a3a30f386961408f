"""Finds the programs of a PostgreSQL server: the embedded package's, or Debian's, installed or not."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster import account
from cluster import programs as embedded
from postgres.errors import PgstackError
from toolchain import paths

SKIPPED = ("libc6", "libllvm", "libperl", "libpython", "libjson-perl")
"""Beginnings of packages that a fetched server does without: every system has the first, the others are for what is not used here."""


class NoServer(PgstackError):
    """There are no programs of that version on this machine, and they cannot be had."""


@dataclass(frozen=True)
class Programs:
    """A server's programs.

    Attributes:
        folder: has `postgres`, `initdb`, `pg_ctl` and `psql`.
        libraries: folders of libraries that this system does not have.
    """

    folder: Path
    libraries: tuple[Path, ...] = ()

    @property
    def environment(self) -> dict[str, str]:
        """What a process of theirs needs in its environment."""
        return {"LD_LIBRARY_PATH": os.pathsep.join(map(str, self.libraries))} if self.libraries else {}

    def command(self, program: str, *arguments: str) -> list[str]:
        """A command line that brings its environment along, for where no other can be given."""
        environment = [f"{name}={value}" for name, value in self.environment.items()]
        return [*(["/usr/bin/env", *environment] if environment else []), str(self.folder / program), *arguments]


def find(major: int, owner: account.Account) -> Programs:
    """The programs of a major version, which `owner` can run.

    Side effect: what is not installed is fetched as Debian packages and unpacked below `.pgstack/`, once; nothing is installed.

    Raises:
        NoServer: says what was missing.
    """
    if major == embedded.version()[0]:
        return Programs(embedded.for_account(owner))
    installed = Path(f"/usr/lib/postgresql/{major}/bin")
    if (installed / "postgres").exists():
        return Programs(installed)
    return _fetched(major, owner)


def _fetched(major: int, owner: account.Account) -> Programs:
    root = paths.WORK / "benchmarks" / f"debian-{major}"
    if owner.blocked_by(root / "usr") is not None and owner.switch:
        root = embedded.SHARED_COPY / root.name
    if not root.exists():
        partial = root.with_name(f".{root.name}.{os.getpid()}")
        partial.mkdir(parents=True)
        try:
            _unpack(major, partial)
            partial.chmod(0o755)
            partial.rename(root)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    libraries = tuple(sorted(root.glob("usr/lib/*-linux-*"))) + tuple(sorted(root.glob("lib/*-linux-*")))
    found = Programs(root / f"usr/lib/postgresql/{major}/bin", libraries)
    _run(found.command("postgres", "--version"), root)
    return found


def _unpack(major: int, folder: Path) -> None:
    server = f"postgresql-{major}"
    needless = ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")
    depends = _run(["apt-cache", "depends", "--recurse", *(f"--no-{kind}" for kind in needless), server], folder)
    names = {line for line in depends.splitlines() if line.startswith("lib") and not line.startswith(SKIPPED)}
    _run(["apt-get", "download", "--quiet", server, f"postgresql-client-{major}", *sorted(names)], folder)
    for package in sorted(folder.glob("*.deb")):
        _run(["dpkg-deb", "--extract", package.name, "."], folder)
        package.unlink()
    # Without its compiler the server would fail at a costly query; without the bridge to it, it does not compile.
    (folder / f"usr/lib/postgresql/{major}/lib/llvmjit.so").unlink(missing_ok=True)


def _run(command: list[str], folder: Path) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NoServer(f"It is not installed, and there is no `{command[0]}` here to fetch it with.") from None
    if done.returncode:
        tail = (done.stdout + done.stderr).strip().splitlines()[-3:]
        raise NoServer(f"It is not installed, and cannot be fetched: `{command[0]} {command[1]}` says {' / '.join(tail)}")
    return done.stdout
