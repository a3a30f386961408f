"""The databases of a server, each with its roles and migrations, whatever the target."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from components import identifiers
from components.explain import NAMESPACE
from components.settings.kinds import Extension, Format, Identifier, Model, Path
from components.settings.login import LoginSettings
from migrator import formats


class RoleNames(Model):
    """The three roles of a database. Each is `<database>_<role>` unless it is named here."""

    owner: Identifier | None = Field(None, description="Owns the database and its schema, runs the migrations.")
    app: Identifier | None = Field(None, description="The application: reads and writes data, no DDL.")
    readonly: Identifier | None = Field(None, description="Reads data.")


class DatabaseSettings(Model):
    """One database of the server."""

    name: Identifier = Field(description="The database's name.")
    migrations: Path | None = Field(
        None,
        description="Folder of its migrations, relative to Pulumi.yaml. `sql/<name>/migrations` where that exists, else none.",
    )
    format: Format | None = Field(
        None, description=f"Format of the migrations ({', '.join(sorted(formats.NAMES))}), where their files leave it open."
    )
    target_version: str | None = Field(None, description="Version to migrate to, in quotes. The newest one of the folder unless set.")
    allow_rollback: bool = Field(
        False,
        description="Whether migrations above `targetVersion` that were applied are undone, by what undoes each of them. Data may be lost.",
    )
    lock_timeout: int = Field(
        5,
        strict=True,
        ge=1,
        le=3600,
        description="Seconds that a statement of a migration waits for a table's lock, before it lets others pass and tries again.",
    )
    extensions: tuple[Extension, ...] = Field((), description="Extensions to have in it.")
    test_twin: bool = Field(False, description="Whether `<name>_test` is made beside it, with the same roles and migrations.")
    roles: RoleNames = Field(RoleNames(), description="Names of its roles, where `<name>_owner` and so on do not suit.")
    login: LoginSettings | None = Field(
        None, description="Who migrates it on an external server without `manageRoles`, where that is not `external.login`."
    )

    @property
    def owner(self) -> str:
        """The role that owns the database."""
        return self.roles.owner or f"{self.name}_owner"

    @property
    def app(self) -> str:
        """The role of the application."""
        return self.roles.app or f"{self.name}_app"

    @property
    def readonly(self) -> str:
        """The role that reads."""
        return self.roles.readonly or f"{self.name}_readonly"

    @property
    def twin(self) -> str | None:
        """The name of the test twin, where there is to be one."""
        return f"{self.name}_test" if self.test_twin else None

    @property
    def names(self) -> tuple[str, ...]:
        """The database and its test twin."""
        return (self.name, self.twin) if self.twin else (self.name,)


def name_problems(databases: Mapping[int, DatabaseSettings]) -> list[str]:
    """Names that are taken twice, and names made from others that cannot be, a line each. Keys are places in the list."""
    names = [(entry.name, f"databases[{index}].name") for index, entry in databases.items()]
    twins = [(entry.twin, f"databases[{index}].testTwin") for index, entry in databases.items() if entry.twin]
    roles = [
        (getattr(entry, role), f"databases[{index}].roles.{role}") for index, entry in databases.items() for role in RoleNames.model_fields
    ]
    made = [f"{NAMESPACE}:{key}: {name!r} {problem}" for name, key in [*twins, *roles] if (problem := identifiers.problem_with(name))]
    return [*_doubles("database", [*names, *twins]), *_doubles("role", roles), *made]


def _doubles(kind: str, names: list[tuple[str, str]]) -> list[str]:
    first: dict[str, str] = {}
    problems = []
    for name, key in names:
        if name in first:
            other = f"{NAMESPACE}:{first[name]}"
            problems.append(f"{NAMESPACE}:{key}: the {kind} {name!r} is taken by {other}: give one of them another name")
        else:
            first[name] = key
    return problems
