"""Every configuration key: its type, its default and its limits.

This is the one place. `Pulumi.yaml`'s `config:` block and `docs/reference/settings.md` are generated from it
(`make generate`), and a test fails where they differ. Units and side effects of a key stand in its description.
"""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated, Any, Literal

import pydantic
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components import identifiers
from migrator import formats
from postgres.errors import PgstackError

NAMESPACE = "pgstack"

LONGEST_SHOWN = 100
"""Characters of a wrong value that a message shows."""


class SettingsError(PgstackError):
    """Settings that cannot be used. The message lists every one of them: key, value, and what to do."""


def _identifier(name: str) -> str:
    if problem := identifiers.problem_with(name):
        raise ValueError(problem)
    return name


def _format(name: str) -> str:
    if name not in formats.NAMES:
        raise ValueError(f"is no migration format of this version: choose one of {', '.join(sorted(formats.NAMES))}")
    return name


def _relative_folder(path: str) -> str:
    if not path.strip() or "\0" in path:
        raise ValueError("is no path: name a folder, relative to the one of Pulumi.yaml")
    return str(PurePath(path))


Identifier = Annotated[str, AfterValidator(_identifier)]
Folder = Annotated[str, AfterValidator(_relative_folder)]
Format = Annotated[str, AfterValidator(_format)]

PARAMETER_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")

KEPT_PARAMETERS = {
    "port": f"set {NAMESPACE}:port instead",
    "listen_addresses": "the server listens on loopback alone",
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
    extensions: tuple[Identifier, ...] = Field((), description="Extensions to have in it.")
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


Scalar = bool | int | float | str


class ServerParameters(BaseModel):
    """Parameters of postgresql.conf. The typed ones are checked here, any other goes to the server as it is."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Scalar] = Field(init=False)

    max_connections: int = Field(100, ge=10, le=10_000, description="Sessions at a time.")
    shared_buffers: str = Field("128MB", pattern=r"^\d+(kB|MB|GB)$", description="Memory for the server's page cache.")

    @pydantic.model_validator(mode="after")
    def _check_names(self) -> ServerParameters:
        for name in self.__pydantic_extra__:
            if not PARAMETER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no parameter of PostgreSQL: they are lower case, like log_min_duration_statement")
            if name in KEPT_PARAMETERS:
                raise ValueError(f"{name} is not yours to set: {KEPT_PARAMETERS[name]}")
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
    port: int = Field(5432, ge=1, le=65535, description="TCP port of the server on the loopback interface.")
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
        problems = [*_doubles("database", _database_names(self)), *_doubles("role", _role_names(self)), *_too_long(self)]
        if problems:
            raise ValueError("\n".join(problems))
        return self


def _database_names(settings: Settings) -> list[tuple[str, str]]:
    names = [(database.name, f"databases[{index}].name") for index, database in enumerate(settings.databases)]
    twins = [(database.twin, f"databases[{index}].testTwin") for index, database in enumerate(settings.databases) if database.twin]
    return names + twins


def _role_names(settings: Settings) -> list[tuple[str, str]]:
    return [
        (getattr(database, role), f"databases[{index}].roles.{role}")
        for index, database in enumerate(settings.databases)
        for role in ("owner", "app", "readonly")
    ]


def _doubles(kind: str, names: list[tuple[str, str]]) -> list[str]:
    first: dict[str, str] = {}
    problems = []
    for name, key in names:
        if name in first:
            problems.append(f"{NAMESPACE}:{key}: the {kind} {name!r} is taken by {NAMESPACE}:{first[name]}: give one of them another name")
        else:
            first[name] = key
    return problems


def _too_long(settings: Settings) -> list[str]:
    """Names that are made from others may pass the limit that the others keep."""
    derived = [entry for entry in _database_names(settings) + _role_names(settings) if not entry[1].endswith(".name")]
    return [
        f"{NAMESPACE}:{key}: {name!r} {problem}"
        for name, key in derived
        if (problem := identifiers.problem_with(name)) and name.encode()[identifiers.MAX_BYTES :]
    ]


def parse(config: Mapping[str, str]) -> Settings:
    """The settings in a stack's configuration.

    Args:
        config: key → value as the engine hands them over, all strings; numbers, booleans, lists and objects as JSON.
            Keys of other namespaces than `pgstack:` are left alone.

    Raises:
        SettingsError: lists everything that is wrong, at once.
    """
    mine = {key.partition(":")[2]: value for key, value in config.items() if key.partition(":")[0] == NAMESPACE}
    try:
        return Settings.model_validate({key: _value(key, text) for key, text in mine.items()})
    except pydantic.ValidationError as error:
        lines = [line for detail in error.errors() for line in _explain(detail)]
        count = "1 setting" if len(lines) == 1 else f"{len(lines)} settings"
        raise SettingsError(
            "\n".join([f"{count} cannot be used:", *(f"  {line}" for line in lines)]),
            hint="Every key is described in docs/reference/settings.md. Nothing was changed.",
        ) from None


def _value(key: str, text: str) -> Any:
    """A value as its type has it. What is no JSON, or belongs to a text key, stays text."""
    field = next((field for name, field in Settings.model_fields.items() if to_camel(name) == key), None)
    if field is not None and field.annotation is str:
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text


def _explain(detail: Any) -> list[str]:
    """One line a problem: key, value, and what to do."""
    key, value, kind = _key(detail["loc"]), detail["input"], detail["type"]
    if kind == "value_error":
        message = str(detail["ctx"]["error"])
        if message.startswith(f"{NAMESPACE}:"):
            return message.splitlines()
        return [f"{key} = {_shown(value)}: {message}"]
    if kind == "extra_forbidden":
        return [f"{key} = {_shown(value)}: there is no such key{_nearest(detail['loc'])}"]
    if kind == "missing":
        return [f"{key}: is missing: add it"]
    return [f"{key} = {_shown(value)}: {_fix(detail)}"]


def _key(location: tuple[int | str, ...]) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if not str(part).startswith("function-")]
    return f"{NAMESPACE}:{''.join(parts).lstrip('.')}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return textwrap.shorten(text, LONGEST_SHOWN, placeholder="…") if " " in text else text[:LONGEST_SHOWN]


def _fix(detail: Any) -> str:
    context = detail.get("ctx", {})
    fixes = {
        "literal_error": f"must be {str(context.get('expected', '')).replace(chr(39), '')}",
        "greater_than_equal": f"must be at least {context.get('ge')}",
        "less_than_equal": f"must be at most {context.get('le')}",
        "string_pattern_mismatch": f"must look like {context.get('pattern')}",
    }
    if detail["type"] in fixes:
        return fixes[detail["type"]]
    for prefix, fix in (
        ("int", "must be a whole number, without quotes or units"),
        ("bool", "must be true or false"),
        ("string", "must be text; put quotes around it"),
        ("tuple", "must be a list"),
        ("model", "must be an object: key: value lines below it"),
    ):
        if detail["type"].startswith(prefix):
            return fix
    return str(detail["msg"])


def _nearest(location: tuple[int | str, ...]) -> str:
    """A guess at the key that was meant, and where there is none, the keys there are."""
    model: type[BaseModel] = Settings
    if "roles" in location[:-1]:
        model = RoleNames
    elif "databases" in location[:-1]:
        model = DatabaseSettings
    known = [to_camel(name) for name in model.model_fields]
    guess = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {guess[0]!r}?" if guess else f"; the keys are {', '.join(known)}"
