"""The tools: how each is called, and how its status is read."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from postgres.login import Login
from tools.peers.base import Peer, PeerError
from tools.peers.install import home, platform_name
from tools.peers.tool import Call, Tool, address


class Goose(Tool):
    """Reads no environment file: the folder that it is run in may have one."""

    name, format = "goose", "goose"

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        arguments = [str(home(self.name) / "goose"), "-env=none", "-dir", str(folder), *words]
        return Call(arguments, {"GOOSE_DRIVER": "postgres", "GOOSE_DBSTRING": address(login, login.password)})

    def up(self, login: Login, folder: Path, count: int | None = None) -> None:
        if count is None:
            super().up(login, folder)
        for _ in range(count or 0):
            self.run(login, folder, "up-by-one")

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        return tuple(re.findall(r"Pending +-- (\d+)_", self.run(login, folder, "status")))


class GolangMigrate(Tool):
    """Takes the connection as an argument; the password comes from the environment, where its driver looks for one."""

    name, format = "golang-migrate", "golang-migrate"
    down_words = ("down", "1")

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        arguments = [str(home(self.name) / "golang-migrate"), "-path", str(folder), "-database", address(login), *words]
        return Call(arguments, {"PGPASSWORD": login.password})

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        """Every file above the one version that it records."""
        try:
            printed = self.run(login, folder, "version").strip()
        except PeerError as error:
            if "no migration" not in str(error):
                raise
            printed = "-1"
        if not printed.lstrip("-").isdigit():
            raise PeerError(f"golang-migrate calls the database {printed}.")
        files = sorted((int(file.name.partition("_")[0]), file.name.partition("_")[0]) for file in folder.glob("*.up.sql"))
        return tuple(version for number, version in files if number > int(printed))


class Soda(Tool):
    """Would have pg_dump write the schema after each run, with the password among its arguments: so it is given no PATH to it."""

    name, format = "soda", "soda"

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        configuration = str(Path(__file__).with_name("soda.yml"))
        arguments = [str(home(self.name) / "soda"), "--config", configuration, "--env", "peer", "--path", str(folder), "migrate", *words]
        return Call(arguments, {"DATABASE_URL": address(login, login.password), "PATH": str(home(self.name))})

    def only(self, login: Login, folder: Path, count: int) -> list[str]:
        return ["--step", str(count)]

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        return tuple(re.findall(r"^(\d+)\s.*\sPending\s*$", self.run(login, folder, "status"), re.MULTILINE))


class Dbmate(Tool):
    """Applies all of a folder: to apply some, it is given a folder without the others."""

    name, format = "dbmate", "dbmate"
    up_words = ("migrate",)

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        program = home(self.name) / "node_modules" / "@dbmate" / platform_name() / "bin" / "dbmate"
        arguments = [str(program), "--env-file", os.devnull, "--no-dump-schema", "--migrations-dir", str(folder), *words]
        return Call(arguments, {"DATABASE_URL": address(login, login.password)})

    def up(self, login: Login, folder: Path, count: int | None = None) -> None:
        if count is None:
            super().up(login, folder)
            return
        later = self.pending(login, folder)[count:]
        with tempfile.TemporaryDirectory() as scratch:
            for file in folder.iterdir():
                if file.name.partition("_")[0] not in later:
                    shutil.copy(file, scratch)
            super().up(login, Path(scratch))

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        return tuple(re.findall(r"^\[ \] (\d+)", self.run(login, folder, "status"), re.MULTILINE))


class Sqlx(Tool):
    """Is told the version up to which it migrates, not a number of migrations."""

    name, format = "sqlx", "sqlx"
    up_words = ("run",)
    down_words = ("revert",)

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        arguments = [str(home(self.name) / "bin" / "sqlx"), "--no-dotenv", "migrate", *words, "--source", str(folder)]
        return Call(arguments, {"DATABASE_URL": address(login, login.password)})

    def only(self, login: Login, folder: Path, count: int) -> list[str]:
        return ["--target-version", self.pending(login, folder)[:count][-1]]

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        listed = re.findall(r"^(\d+)/(\w+)(?: \((.+?)\))?", self.run(login, folder, "info"), re.MULTILINE)
        if faults := [f"{version} ({fault})" for version, _, fault in listed if fault]:
            raise PeerError(f"sqlx finds fault with {', '.join(faults)}.")
        return tuple(version for version, state, _ in listed if state == "pending")


class Flyway(Tool):
    """Takes a session's lock here: by default it holds a transaction open, which CREATE INDEX CONCURRENTLY waits for without end."""

    name, format = "flyway", "flyway"
    reverts = False
    up_words = ("migrate",)

    SOUND = frozenset({"Success", "Pending", "Outdated", "Superseded"})
    """States of a migration that nothing is wrong with."""

    def installed(self) -> bool:
        return super().installed() and shutil.which("java") is not None

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        java = [
            "java",
            "-XX:TieredStopAtLevel=1",
            "-cp",
            str(home(self.name) / "*"),
            "org.flywaydb.commandline.Main",
            "-skipCheckForUpdate",
        ]
        environment = {
            "FLYWAY_URL": f"jdbc:postgresql://{address(login).rpartition('@')[2]}",
            "FLYWAY_USER": login.user,
            "FLYWAY_PASSWORD": login.password,
            "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK": "false",
            "REDGATE_DISABLE_TELEMETRY": "true",
        }
        return Call([*java, f"-locations=filesystem:{folder}", *words], environment)

    def up(self, login: Login, folder: Path, count: int | None = None) -> None:
        self._told(login, folder, *self.up_words, *([] if count is None else self.only(login, folder, count)))

    def _told(self, login: Login, folder: Path, *words: str) -> dict[str, Any]:
        """What a command says as JSON. Its exit code is 0 even where a migration failed."""
        printed = self.run(login, folder, *words, "-outputType=json")
        told: dict[str, Any] = json.loads(printed[printed.index("{") :])  # a JVM may greet first
        if fault := told.get("error"):
            raise PeerError(f"`flyway {' '.join(words)}` failed:\n{fault['message']}")
        return told

    def only(self, login: Login, folder: Path, count: int) -> list[str]:
        numbered = [version for version in self.pending(login, folder) if not version.startswith("R__")]
        return [f"-target={numbered[:count][-1]}"]

    def down(self, login: Login, folder: Path) -> None:
        raise PeerError("Flyway's open edition undoes nothing.")

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        listed = self._told(login, folder, "info")["migrations"]
        if faults := [f"{each['description']} ({each['state']})" for each in listed if each["state"] not in self.SOUND]:
            raise PeerError(f"Flyway finds fault with {', '.join(faults)}.")
        return tuple(each["version"] or Path(each["filepath"]).stem for each in listed if each["state"] == "Pending")


class Tern(Tool):
    """Has no format here: it is only measured against. Its folder's files are numbered from 1 without a gap."""

    name, format = "tern", "tern"
    up_words = ("migrate",)
    down_words = ("migrate", "--destination", "-1")

    def call(self, login: Login, folder: Path, *words: str) -> Call:
        environment = {
            "PGHOST": login.host,
            "PGPORT": str(login.port),
            "PGDATABASE": login.database,
            "PGUSER": login.user,
            "PGPASSWORD": login.password,
            "PGSSLMODE": login.sslmode,
        }
        return Call([str(home(self.name) / "tern"), *words, "--migrations", str(folder)], environment)

    def only(self, login: Login, folder: Path, count: int) -> list[str]:
        return ["--destination", f"+{count}"]

    def pending(self, login: Login, folder: Path) -> tuple[str, ...]:
        found = re.search(r"version:\s+(\d+) of (\d+)", self.run(login, folder, "status"))
        if found is None:
            raise PeerError("tern's status names no version.")
        return tuple(str(version) for version in range(int(found[1]) + 1, int(found[2]) + 1))


PEERS: dict[str, Peer] = {tool.name: tool for tool in (Dbmate(), Flyway(), GolangMigrate(), Goose(), Soda(), Sqlx(), Tern())}
"""Every tool, by name."""
