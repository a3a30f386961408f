"""One database of the settings: the database itself, its test twin, its roles, its migrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.dynamic.bootstrap import ROLES, Bootstrap
from components.dynamic.migrations import MigrationsRun
from components.dynamic.password import Password
from components.server import Administrator, RoleLogin, Server, login_inputs
from components.settings import DatabaseSettings
from migrator.discovery import read_folder
from migrator.model import Folder


@dataclass(frozen=True)
class DatabaseArgs:
    """A database and the server that it is on."""

    settings: DatabaseSettings
    server: Server


class Database(pulumi.ComponentResource):
    """A database with its roles and migrations.

    Produces: where the server has an administrator, a `Password` for each role and a `Bootstrap`; and a `Migrations` for the
    database and for its twin where there is a folder of migrations.

    Attributes:
        roles: "owner", "app" and "readonly"; where they are not made here, "owner" alone, who migrates the database.
        versions: database → version of its newest migration; the databases that have migrations.
    """

    roles: Mapping[str, RoleLogin]
    versions: Mapping[str, pulumi.Output[str]]

    def __init__(self, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        settings, server = args.settings, args.server
        super().__init__("pgstack:index:Database", settings.name, {}, opts)
        if server.administrator:
            self.roles = {role: self._make_role(settings, role) for role in ROLES}
            ready: Sequence[pulumi.Resource] = [self._bootstrap(settings, server, server.administrator)]
        else:
            self.roles = {"owner": server.logins[settings.name]}
            ready = server.ready
        runs = {}
        if folder := migrations_of(settings):
            runs = {
                name: MigrationsRun(
                    name,
                    database=name,
                    owner=login_inputs(server, self.roles["owner"]),
                    folder=folder,
                    target_version=settings.target_version,
                    allow_rollback=settings.allow_rollback,
                    lock_timeout=settings.lock_timeout,
                    opts=pulumi.ResourceOptions(parent=self, depends_on=ready),
                )
                for name in settings.names
            }
        self.versions = {name: run.version for name, run in runs.items()}
        self.register_outputs({})

    @property
    def application(self) -> RoleLogin:
        """The role that the application logs in as."""
        return self.roles.get("app", self.roles["owner"])

    def _make_role(self, settings: DatabaseSettings, role: str) -> RoleLogin:
        password = Password(f"{settings.name}-{role}", pulumi.ResourceOptions(parent=self))
        return RoleLogin(getattr(settings, role), password.result)

    def _bootstrap(self, settings: DatabaseSettings, server: Server, administrator: Administrator) -> Bootstrap:
        return Bootstrap(
            settings.name,
            administrator={**login_inputs(server, administrator), "database": administrator.database},
            databases=settings.names,
            roles={role: {"name": login.user, "password": login.password} for role, login in self.roles.items()},
            extensions=tuple(dict.fromkeys((*settings.extensions, *server.extensions))),
            opts=pulumi.ResourceOptions(parent=self, depends_on=server.ready),
        )


def folder_of(settings: DatabaseSettings) -> Path | None:
    """The folder of the database's migrations: the one it names, else `sql/<name>/migrations` if that exists."""
    if settings.migrations is not None:
        return Path(settings.migrations)
    usual = Path("sql", settings.name, "migrations")
    return usual if usual.is_dir() else None


def migrations_of(settings: DatabaseSettings) -> Folder | None:
    """Reads the database's migrations; None where it has no folder of them.

    Raises:
        FormatError: the folder that is named does not exist, or its files cannot be read.
    """
    folder = folder_of(settings)
    return read_folder(folder, settings.format) if folder else None
