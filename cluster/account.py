"""Which account of this machine the server runs as: PostgreSQL refuses to run as root."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError, UnreachableFolderError

NAME = "pgstack"
"""The system account that is made where this program runs as root."""


_SWITCH = """
import os, sys
uid, gid = map(int, sys.argv[1:3])
os.setgroups([])
os.setgid(gid)
os.setuid(uid)
os.execv(sys.argv[3], sys.argv[3:])
"""
"""A process of its own gives up root: where subprocess does it, Python forks this one, with the threads of gRPC in it."""


@dataclass(frozen=True)
class Account:
    """An account of the operating system.

    Attributes:
        switch: whether a process has to be started as this account, since the present one is root.
    """

    uid: int
    gid: int
    name: str
    switch: bool

    def run(self, command: list[str], *, folder: Path, log: int) -> int:
        """Runs a program as this account, in its own session, and returns its exit code.

        It gets no standard input, a bare environment (no secret of the caller's), and no other file of the caller's
        than `log`, a file descriptor for all it prints: a server it leaves behind holds nothing of the caller open.
        """
        switch = [sys.executable, "-I", "-S", "-c", _SWITCH, str(self.uid), str(self.gid)] if self.switch else []
        completed = subprocess.run(
            [*switch, *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C", "HOME": str(folder), "USER": self.name},
            start_new_session=True,
            check=False,
        )
        return completed.returncode

    def own(self, path: Path) -> None:
        """Makes `path` this account's."""
        if self.switch:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def make_folder(self, path: Path) -> None:
        """Makes a folder of this account's, with those above it that are missing; those are open to it whatever the umask."""
        missing = [folder for folder in reversed(path.parents) if not folder.exists()]
        for folder in missing:
            folder.mkdir(exist_ok=True)
            if self.switch:
                folder.chmod(0o755)
        path.mkdir(exist_ok=True)
        self.own(path)

    def require_reach(self, path: Path) -> None:
        """Raises UnreachableFolderError where the account cannot pass through a folder above `path`."""
        if not self.switch:
            return
        if blocking := self.blocked_by(path):
            raise UnreachableFolderError(
                f"The server runs as the account {self.name}, which may not enter {blocking}, so it cannot reach {path}.",
                hint=f"Run as a user who is not root, set pgstack:dataDirectory to a folder elsewhere, or: chmod o+x {blocking}",
            )

    def blocked_by(self, path: Path) -> Path | None:
        """The first folder above `path` that the account may not pass through, if any."""
        return blocked(path, self.uid, self.gid)


def blocked(path: Path, uid: int, gid: int) -> Path | None:
    """The first folder above `path`, links followed, that a user of one group may not pass through. Looks at modes, not at ACLs."""
    for folder in reversed(path.resolve().parents):
        if not folder.exists():
            return None
        status = folder.stat()
        if status.st_uid == uid:
            bit = 0o100
        elif status.st_gid == gid:
            bit = 0o010
        else:
            bit = 0o001
        if not status.st_mode & bit:
            return folder
    return None


def name() -> str:
    """The name of the account the server runs as, whether it was made yet or not."""
    return NAME if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def current(*, create: bool) -> Account:
    """The account for the server: the caller's own; for root, a system account.

    Side effect: where the caller is root and `create` is set, the system account is made unless it is there.

    Raises:
        ClusterError: the account is missing and cannot be made.
    """
    if os.geteuid() != 0:
        mine = pwd.getpwuid(os.geteuid())
        return Account(mine.pw_uid, mine.pw_gid, mine.pw_name, switch=False)
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        if not create:
            raise ClusterError(f"There is no account {NAME}: no server was ever started here as root.") from None
        _make()
        entry = pwd.getpwnam(NAME)
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name, switch=True)


def _make() -> None:
    command = [
        "useradd",
        "--system",
        "--user-group",
        "--no-create-home",
        "--home-dir",
        "/nonexistent",
        "--shell",
        "/usr/sbin/nologin",
        NAME,
    ]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        made = subprocess.CompletedProcess(command, 127, "", "there is no useradd on this machine")
    if made.returncode:
        raise ClusterError(
            f"PostgreSQL does not run as root, and the account {NAME} could not be made for it: {made.stderr.strip()}",
            hint=f"Make a system account named {NAME}, or run as a user who is not root.",
        )
