"""One database of the settings: the database itself, its test twin, its roles, its migrations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pulumi

from components.dynamic.bootstrap import ROLES, Bootstrap
from components.dynamic.migrations import MigrationsRun
from components.dynamic.password import Password
from components.server import Server, login_inputs
from components.settings import DatabaseSettings
from migrator.discovery import read_folder
from migrator.model import Folder


@dataclass(frozen=True)
class DatabaseArgs:
    """A database and the server that it is on."""

    settings: DatabaseSettings
    server: Server


@dataclass(frozen=True)
class RoleLogin:
    """A role of a database, and how it logs in."""

    user: str
    password: pulumi.Output[str]


class Database(pulumi.ComponentResource):
    """A database with its roles and migrations.

    Produces: a `Password` for each role, a `Bootstrap`, and a `Migrations` for the database and for its twin where there is
    a folder of migrations.

    Attributes:
        roles: "owner", "app" and "readonly".
        versions: database → version of its newest migration; the databases that have migrations.
    """

    roles: Mapping[str, RoleLogin]
    versions: Mapping[str, pulumi.Output[str]]

    def __init__(self, args: DatabaseArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        settings, server = args.settings, args.server
        super().__init__("pgstack:index:Database", settings.name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        names = (settings.name, settings.twin) if settings.twin else (settings.name,)
        self.roles = {role: RoleLogin(getattr(settings, role), Password(f"{settings.name}-{role}", child).result) for role in ROLES}
        administrator = server.administrator
        bootstrap = Bootstrap(
            settings.name,
            administrator={
                **login_inputs(server, user=administrator.user, password=administrator.password),
                "database": administrator.database,
            },
            databases=names,
            roles={role: {"name": login.user, "password": login.password} for role, login in self.roles.items()},
            extensions=settings.extensions,
            opts=pulumi.ResourceOptions(parent=self, depends_on=server.ready),
        )
        owner = self.roles["owner"]
        runs = {}
        if folder := migrations_of(settings):
            runs = {
                name: MigrationsRun(
                    name,
                    database=name,
                    owner=login_inputs(server, user=owner.user, password=owner.password),
                    folder=folder,
                    opts=pulumi.ResourceOptions(parent=self, depends_on=[bootstrap]),
                )
                for name in names
            }
        self.versions = {name: run.version for name, run in runs.items()}
        self.register_outputs({})


def migrations_of(settings: DatabaseSettings) -> Folder | None:
    """Reads the database's migrations: those of the folder it names, else of `sql/<name>/migrations` if that exists.

    Raises:
        FormatError: the folder that is named does not exist, or its files cannot be read.
    """
    if settings.migrations is not None:
        return read_folder(Path(settings.migrations), settings.format)
    usual = Path("sql", settings.name, "migrations")
    return read_folder(usual, settings.format) if usual.is_dir() else None
