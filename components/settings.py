"""Every configuration key: its type, its default and its limits.

This is the one place. `Pulumi.yaml`'s `config:` block and `docs/reference/settings.md` are generated from it
(`make generate`), and a test fails where they differ. Units and side effects of a key stand in its description.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components import identifiers
from components.explain import NAMESPACE, Location, explain, shown
from migrator import formats
from postgres.errors import PgstackError


class SettingsError(PgstackError):
    """Settings that cannot be used. The message lists every one of them: key, value, and what to do."""


def _identifier(name: str) -> str:
    if problem := identifiers.problem_with(name):
        raise ValueError(problem)
    return name


def _extension(name: str) -> str:
    length = len(name.encode())
    if length > identifiers.MAX_BYTES:
        raise ValueError(f"is {length} bytes long, PostgreSQL keeps {identifiers.MAX_BYTES}")
    if not EXTENSION_NAME.fullmatch(name):
        raise ValueError("is no name of an extension: they are like citext or uuid-ossp")
    return name


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be a number, text, true or false")  # noqa: TRY004  pydantic collects ValueError
    return value


def _format(name: str) -> str:
    if name not in formats.NAMES:
        raise ValueError(f"is no migration format of this version: choose one of {', '.join(sorted(formats.NAMES))}")
    return name


def _relative_folder(path: str) -> str:
    if not path.strip() or "\0" in path:
        raise ValueError("is no path: name a folder, relative to the one of Pulumi.yaml")
    return str(PurePath(path))


EXTENSION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

Identifier = Annotated[str, AfterValidator(_identifier)]
Extension = Annotated[str, AfterValidator(_extension)]
Folder = Annotated[str, AfterValidator(_relative_folder)]
Format = Annotated[str, AfterValidator(_format)]

PARAMETER_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")

KEPT_PARAMETERS = {
    "port": f"set {NAMESPACE}:port instead",
    "listen_addresses": "the server listens on loopback alone",
    "unix_socket_permissions": "the server's socket is for its own account alone",
    "unix_socket_directories": "the server's socket is where this program looks for it",
    "data_directory": f"set {NAMESPACE}:dataDirectory instead",
    "hba_file": "who may log in is decided by the roles",
    "ident_file": "who may log in is decided by the roles",
    "password_encryption": "passwords are kept as SCRAM-SHA-256",
}
"""Server parameters that are not the user's to set, and what to do instead."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=False)


class RoleNames(_Model):
    """The three roles of a database. Each is `<database>_<role>` unless it is named here."""

    owner: Identifier | None = Field(None, description="Owns the database and its schema, runs the migrations.")
    app: Identifier | None = Field(None, description="The application: reads and writes data, no DDL.")
    readonly: Identifier | None = Field(None, description="Reads data.")


class DatabaseSettings(_Model):
    """One database of the server."""

    name: Identifier = Field(description="The database's name.")
    migrations: Folder | None = Field(
        None,
        description="Folder of its migrations, relative to Pulumi.yaml. `sql/<name>/migrations` where that exists, else none.",
    )
    format: Format | None = Field(
        None, description=f"Format of the migrations ({', '.join(sorted(formats.NAMES))}), where their files leave it open."
    )
    extensions: tuple[Extension, ...] = Field((), description="Extensions to have in it.")
    test_twin: bool = Field(False, description="Whether `<name>_test` is made beside it, with the same roles and migrations.")
    roles: RoleNames = Field(RoleNames(), description="Names of its roles, where `<name>_owner` and so on do not suit.")

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


Scalar = Annotated[Any, AfterValidator(_scalar)]


def _raise(problems: list[str]) -> None:
    if problems:
        raise ValueError("\n".join(problems))


def _parameter_problems(parameters: Mapping[str, Any]) -> list[str]:
    """What is wrong with the names of parameters, a line each."""
    problems = {
        name: f"is not yours to set: {KEPT_PARAMETERS[name]}"
        if name in KEPT_PARAMETERS
        else "is no parameter of PostgreSQL: they are lower case, like log_min_duration_statement"
        for name in parameters
        if name in KEPT_PARAMETERS or not PARAMETER_NAME.fullmatch(name)
    }
    keys = {name: f".{name}" if PARAMETER_NAME.fullmatch(name) else f"[{shown(name)}]" for name in problems}
    return [f"{NAMESPACE}:parameters{keys[name]} = {shown(parameters[name])}: {problem}" for name, problem in problems.items()]


def _name_problems(databases: Mapping[int, DatabaseSettings]) -> list[str]:
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


class ServerParameters(BaseModel):
    """Parameters of postgresql.conf. The typed ones are checked here, any other goes to the server as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Scalar] = Field(init=False)

    max_connections: int = Field(100, strict=True, ge=10, le=10_000, description="Sessions at a time.")
    shared_buffers: str = Field("128MB", pattern=r"^\d+(kB|MB|GB)$", description="Memory for the server's page cache.")

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> ServerParameters:
        _raise(_parameter_problems(self.__pydantic_extra__))
        return self

    def as_text(self) -> dict[str, str]:
        """Name → value as postgresql.conf writes it, sorted by name."""
        words = {True: "on", False: "off"}
        values = self.model_dump()
        return {name: words[value] if isinstance(value, bool) else str(value) for name, value in sorted(values.items())}


class Settings(_Model):
    """All settings of a stack."""

    target: Literal["embedded"] = Field(
        "embedded", description="Where the server runs. embedded: a process of this user, from a Python wheel."
    )
    version: Literal[18] = Field(18, description="PostgreSQL's major version. The embedded server is 18.")
    port: int = Field(5432, strict=True, ge=1, le=65535, description="TCP port of the server on the loopback interface.")
    data_directory: Folder = Field(
        ".pgstack/data",
        description="Folder of the embedded server's data, relative to Pulumi.yaml; each stack has a folder of its name in it.",
    )
    delete_data: bool = Field(
        False, description="Whether `pulumi destroy` deletes the data. It acts after the next `pulumi up`, whose preview warns."
    )
    parameters: ServerParameters = Field(ServerParameters(), description="Parameters of postgresql.conf, such as max_connections.")
    databases: tuple[DatabaseSettings, ...] = Field((), description="The databases, each with its roles and migrations.")

    @pydantic.model_validator(mode="after")
    def _check_names_together(self) -> Settings:
        _raise(_name_problems(dict(enumerate(self.databases))))
        return self


def parse(config: Mapping[str, str]) -> Settings:
    """The settings in a stack's configuration.

    Args:
        config: key → value as the engine hands them over, all strings; numbers, booleans, lists and objects as JSON.
            Keys of other namespaces than `pgstack:` are left alone.

    Raises:
        SettingsError: lists everything that is wrong, at once.
    """
    mine = {key.partition(":")[2]: value for key, value in config.items() if key.partition(":")[0] == NAMESPACE}
    values = {key: _value(key, text) for key, text in mine.items()}
    try:
        return Settings.model_validate(values)
    except pydantic.ValidationError as error:
        told = [line for detail in error.errors() for line in explain(detail, _keys_at)]
    # Pydantic looks at names together only once each is right by itself.
    lines = list(dict.fromkeys([*told, *_problems_together(values)]))
    count = "1 setting" if len(lines) == 1 else f"{len(lines)} settings"
    raise SettingsError(
        "\n".join([f"{count} cannot be used:", *(f"  {line}" for line in lines)]),
        hint="Every key is described in docs/reference/settings.md. Nothing was changed.",
    )


def _problems_together(values: Mapping[str, Any]) -> list[str]:
    """What is wrong between the entries that can be read, whatever is wrong elsewhere."""
    entries, parameters = values.get("databases"), values.get("parameters")
    readable = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        with contextlib.suppress(pydantic.ValidationError):
            readable[index] = DatabaseSettings.model_validate(entry)
    return [*_name_problems(readable), *_parameter_problems(parameters if isinstance(parameters, dict) else {})]


def _value(key: str, text: str) -> Any:
    """A value as its type has it. What is no JSON, or belongs to a text key, stays text."""
    field = next((field for name, field in Settings.model_fields.items() if to_camel(name) == key), None)
    if field is not None and field.annotation is str:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _keys_at(location: Location) -> list[str]:
    """The keys there are where a location ends."""
    model: type[BaseModel] = Settings
    if "roles" in location[:-1]:
        model = RoleNames
    elif "databases" in location[:-1]:
        model = DatabaseSettings
    return [to_camel(name) for name in model.model_fields]
