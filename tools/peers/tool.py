"""What the tools have in common: each is a process on a folder, told of the database by its environment."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

from postgres.login import Login
from postgres.url import url
from tools.peers.base import PeerError
from tools.peers.install import home

TIMEOUT = 120.0
"""Seconds after which a tool is taken for hung."""

NOT_INHERITED = ("PG", "DATABASE_URL", "DBMATE_", "FLYWAY_", "GOOSE_", "SQLX_")
"""Beginnings of variables by which the caller's environment would tell a tool of another server."""


class Call(NamedTuple):
    """A process: its arguments, and what its environment has beyond the caller's."""

    arguments: list[str]
    environment: dict[str, str]


class Tool:
    """What the tools have in common. Each says in `call` how it is run, and reads its own status in `pending`."""

    name: str
    format: str
    reverts = True
    up_words: tuple[str, ...] = ("up",)
    down_words: tuple[str, ...] = ("down",)

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        """The process that runs one of the tool's commands on a folder."""
        raise NotImplementedError

    def installed(self) -> bool:
        return home(self.name).exists()

    def command(self, login: Login, folder: Path) -> tuple[list[str], dict[str, str]]:
        return self.call(login, folder, *self.up_words)

    def up(self, login: Login, folder: Path, count: int | None = None) -> None:
        self.run(login, folder, *self.up_words, *([] if count is None else self.only(login, folder, count)))

    def only(self, login: Login, folder: Path, count: int) -> list[str]:
        """What limits `up` to the next `count` migrations."""
        return [str(count)]

    def down(self, login: Login, folder: Path) -> None:
        self.run(login, folder, *self.down_words)

    def run(self, login: Login, folder: Path, *words: str) -> str:
        """Runs one of the tool's commands and returns what it printed, both streams."""
        arguments, environment = self.call(login, folder, *words)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        try:
            done = subprocess.run(
                arguments,
                env={**inherited, **environment},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise PeerError(f"`{self.name} {' '.join(words)}` had not ended after {TIMEOUT:.0f} s.") from None
        if done.returncode != 0:
            raise PeerError(f"`{self.name} {' '.join(words)}` exited with {done.returncode}:\n{done.stdout.strip()}")
        return done.stdout


def address(login: Login, password: str = "") -> str:
    """The URL of a login, with a password only where one is given."""
    return url(host=login.host, port=login.port, database=login.database, user=login.user, password=password, sslmode=login.sslmode)
