"""From the engine's configuration to settings, or to one error that has every mistake."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TypeVar

import pydantic
from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from components.explain import NAMESPACE, SECRET, Location, explain, shown
from components.settings.databases import DatabaseSettings, RoleNames
from components.settings.docker import AdminerSettings, DockerSettings, HealthSettings, RedisSettings
from components.settings.external import ExternalSettings
from components.settings.login import LoginSettings
from components.settings.parameters import ServerParameters, parameter_problems
from components.settings.stack import ELSEWHERE, Parts, Settings, problems_together
from postgres.errors import PgstackError

MODELS: dict[str, type[BaseModel]] = {
    "adminer": AdminerSettings,
    "databases": DatabaseSettings,
    "docker": DockerSettings,
    "external": ExternalSettings,
    "health": HealthSettings,
    "login": LoginSettings,
    "redis": RedisSettings,
    "roles": RoleNames,
}
"""Key → the model of what is below it."""

Values = Mapping[str, Any]
"""Key without namespace → value."""

Part = TypeVar("Part", bound=BaseModel)


class SettingsError(PgstackError):
    """Settings that cannot be used. The message lists every one of them: key, value, and what to do."""


def parse(config: Mapping[str, str], *, encrypted: Collection[str] = (), environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in a stack's configuration.

    Args:
        config: key → value as the engine hands them over, all strings; numbers, booleans, lists and objects as JSON.
            Keys of other namespaces than `pgstack:` are left alone.
        encrypted: the keys with an encrypted value, or with one inside theirs. No message shows a value of theirs.
        environment: in which the variables of passwords are looked up.

    Raises:
        SettingsError: lists everything that is wrong, at once.
    """
    mine = {key.partition(":")[2]: value for key, value in config.items() if key.partition(":")[0] == NAMESPACE}
    hidden = frozenset(key.partition(":")[2] for key in encrypted)
    values = {key: _value(key, text) for key, text in mine.items()}
    target = values.get("target", Settings.model_fields["target"].default)
    elsewhere = ELSEWHERE.get(target, {}) if isinstance(target, str) else {}
    lines = list(_misplaced(values, elsewhere, hidden))
    values = {key: value for key, value in values.items() if key not in elsewhere}
    settings = None
    try:
        settings = Settings.model_validate(values)
    except pydantic.ValidationError as error:
        lines += [line for detail in error.errors() for line in explain(detail, _keys_at, hidden)]
        # Pydantic looks at settings together only once each is right by itself.
        lines += _problems_together(target, values, hidden)
    if target == "external":
        lines += _password_problems(values, hidden, environment or {})
    if settings and not lines:
        return settings
    lines = list(dict.fromkeys(lines))
    count = "1 setting" if len(lines) == 1 else f"{len(lines)} settings"
    raise SettingsError(
        "\n".join([f"{count} cannot be used:", *(f"  {line}" for line in lines)]),
        hint="Every key is described in docs/reference/settings.md. Nothing was changed.",
    )


def _misplaced(values: Values, elsewhere: Mapping[str, str], hidden: Collection[str]) -> Iterator[str]:
    """Keys that this target has not. One that has its default counts as not set: the engine hands defaults over too."""
    defaults = Settings().model_dump(by_alias=True, mode="json")
    for key, instead in elsewhere.items():
        value = values.get(key, defaults[key])
        if value not in ({}, defaults[key]):
            yield f"{NAMESPACE}:{key} = {SECRET if key in hidden else shown(value)}: {instead}"


def _problems_together(target: Any, values: Values, hidden: Collection[str]) -> list[str]:
    """What is wrong between the entries that can be read, whatever is wrong elsewhere."""
    parameters = values.get("parameters")
    readable = {name: "" if "parameters" in hidden else value for name, value in parameters.items()} if isinstance(parameters, dict) else {}
    databases = {}
    entries = _databases(values)
    for index, entry in enumerate(entries):
        if (read := _read(DatabaseSettings, entry)) is not None:
            databases[index] = read
    parts = Parts(
        target=str(target),
        version=values.get("version", Settings.model_fields["version"].default),
        port=values.get("port", Settings.model_fields["port"].default),
        docker=_read(DockerSettings, values.get("docker", {})),
        external=_read(ExternalSettings, values.get("external", {})),
        parameters=_read(ServerParameters, values.get("parameters", {})),
        databases=databases,
        entries=len(entries),
    )
    return [*problems_together(parts), *parameter_problems(readable)]


def _read(model: type[Part], value: Any) -> Part | None:
    """A part of the settings; None where it cannot be read, which is told elsewhere."""
    with contextlib.suppress(pydantic.ValidationError):
        return model.model_validate(value)
    return None


def _password_problems(values: Values, hidden: Collection[str], environment: Mapping[str, str]) -> list[str]:
    """Passwords that are in clear where they should not be, or not there at all."""
    logins = [("external", "external.login", values.get("external"))]
    logins += [("databases", f"databases[{index}].login", entry) for index, entry in enumerate(_databases(values))]
    lines = []
    for key, place, holder in logins:
        if isinstance(holder, dict) and "login" in holder:
            with contextlib.suppress(pydantic.ValidationError):
                login = LoginSettings.model_validate(holder["login"])
                lines += login.problems(place, environment, encrypted=key in hidden)
    return lines


def _databases(values: Values) -> list[Any]:
    """The entries of the list; what is no list counts as one that cannot be read."""
    entries = values.get("databases", [])
    return entries if isinstance(entries, list) else [entries]


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
    above = [part for part in location[:-1] if part in MODELS]
    model = MODELS[str(above[-1])] if above else Settings
    return [to_camel(name) for name in model.model_fields]
