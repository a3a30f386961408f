"""Runs the server's programs and turns what they print into errors that a person can act on."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from cluster import account, programs
from cluster.errors import ClusterError, DiskFullError, PortTakenError

SHOWN_LINES = 15
"""Of the server's log, in an error message."""


@dataclass(frozen=True)
class Runner:
    """Runs programs for the cluster in `folder`, as the server's account.

    Attributes:
        log: what the server prints; its end is part of every error.
        port: the server's, for the error that it is taken.
    """

    folder: Path
    log: Path
    port: int

    def run(self, program: str, *arguments: str) -> None:
        """Runs one of the server's programs to its end.

        Raises:
            DiskFullError, PortTakenError: as they say.
            ClusterError: it failed otherwise; the message has what it printed and what the server logged meanwhile.
        """
        owner = account.current(create=False)
        path = programs.for_account(owner) / program
        start = self.log.stat().st_size if self.log.exists() else 0
        with tempfile.TemporaryFile() as printed:
            code = owner.run([str(path), *arguments], folder=self.folder, log=printed.fileno())
            printed.seek(0)
            text = printed.read().decode(errors="replace").strip()
        if code:
            raise self._error(f"{program} failed with code {code}:", f"{text}\n{self.logged(start)}".strip())

    def _error(self, what: str, text: str) -> ClusterError:
        if "No space left on device" in text or "Disk quota exceeded" in text:
            return self.disk_full()
        if "Address already in use" in text:
            return PortTakenError(f"Port {self.port} is taken.", hint="Stop that program, or set pgstack:port to another one.")
        return ClusterError(f"{what}\n{text}", hint=f"The whole log is {self.log}.")

    def disk_full(self) -> DiskFullError:
        """The error for a disk without space, with how much is left."""
        free = shutil.disk_usage(self.folder).free // 2**20
        return DiskFullError(
            f"No space is left for {self.folder}: {free} MiB are free there, a new cluster takes about 50 MiB.",
            hint="Free some, or set pgstack:dataDirectory to a folder on another disk, and run the command again: it goes on from here.",
        )

    def logged(self, start: int = 0) -> str:
        """The last lines of the server's log from the byte `start` on."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as file:
            file.seek(start)
            return "\n".join(file.read().decode(errors="replace").splitlines()[-SHOWN_LINES:])
