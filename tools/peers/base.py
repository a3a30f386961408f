"""What a migration tool looks like to the tests and to the benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from postgres.errors import PgstackError
from postgres.login import Login


class PeerError(PgstackError):
    """A tool could not be installed, or it failed; what it printed last is in the message."""


class Peer(Protocol):
    """One migration tool of others, run as its own users run it: as a process, on a folder in its format.

    No password is ever in a process's arguments.

    Attributes:
        name: as `tools.peers install` and the tests name it.
        format: a name of `migrator.formats`, or `tern`, which has no format here.
        reverts: whether `down` works.
    """

    name: str
    format: str
    reverts: bool

    def installed(self) -> bool:
        """Whether the pinned version is in the cache."""

    def command(self, login: Login, folder: Path) -> tuple[list[str], dict[str, str]]:
        """The arguments of a process that applies everything, and what its environment has beyond the caller's."""

    def up(self, login: Login, folder: Path, count: int | None = None) -> None:
        """Applies the next `count` migrations, or all.

        Raises:
            PeerError: the tool failed.
        """

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        """The versions that the tool's own status calls pending, in its order and its spelling.

        Raises:
            PeerError: the tool failed, or its status shows a migration in trouble.
        """

    def down(self, login: Login, folder: Path) -> None:
        """Undoes the newest migration.

        Raises:
            PeerError: the tool failed, or it has no such command.
        """
