"""Writes what is generated from `components/settings/`: the `config:` block of Pulumi.yaml, and the settings' reference.

`python -m tools.generate` writes; `--check` only says what is out of date, with exit code 1.
"""

from __future__ import annotations

import json
import sys
import types
import typing
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, SecretStr
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from components.explain import NAMESPACE
from components.settings import (
    KEPT_PARAMETERS,
    AdminerSettings,
    DatabaseSettings,
    DockerSettings,
    ExternalSettings,
    HealthSettings,
    LoginSettings,
    RedisSettings,
    RoleNames,
    ServerParameters,
    Settings,
)

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "Pulumi.yaml"
REFERENCE = ROOT / "docs" / "reference" / "settings.md"

HEADING = "# The config block is generated from components/settings/: edit that, then run `make generate`.\n"


def core(annotation: Any) -> Any:
    """A type without the limits around it, and without the None beside it."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return core(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return core(next(part for part in typing.get_args(annotation) if part is not type(None)))
    return annotation


def engine_type(annotation: Any) -> str:
    """The type that Pulumi's project file knows for a Python type."""
    kind = core(annotation)
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return engine_type(type(typing.get_args(kind)[0]))
    if origin is tuple:
        return "array"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return "object"
    return {bool: "boolean", int: "integer", float: "number", str: "string", SecretStr: "string"}[kind]


def default_of(field: FieldInfo) -> Any:
    """A field's default as the project file writes it."""
    if isinstance(field.default, BaseModel):
        return field.default.model_dump(exclude_defaults=True)
    return list(field.default) if isinstance(field.default, tuple) else field.default


def config_block() -> dict[str, Any]:
    """The `config:` block: every key with type, description and default."""
    block: dict[str, Any] = {}
    for name, field in Settings.model_fields.items():
        kind = engine_type(field.annotation)
        entry: dict[str, Any] = {"type": kind, "description": field.description, "default": default_of(field)}
        if kind == "array":
            entry["items"] = {"type": "object"}
        block[to_camel(name)] = entry
    return block


def project_file(text: str) -> str:
    """Pulumi.yaml with its `config:` block written anew."""
    kept = text.partition(HEADING)[0].rstrip("\n")
    return f"{kept}\n{HEADING}{yaml.safe_dump({'config': config_block()}, sort_keys=False, width=140, allow_unicode=True)}"


def limits_of(field: FieldInfo) -> str:
    """What a value may be, beyond its type."""
    kind = core(field.annotation)
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(f"`{value}`" for value in typing.get_args(kind))
    words = {"ge": "at least", "le": "at most", "pattern": "like"}
    parts = [
        f"{words[name]} `{getattr(limit, name)}`" for limit in field.metadata for name in words if getattr(limit, name, None) is not None
    ]
    return ", ".join(parts)


def table(model: type[BaseModel], names: Any) -> str:
    """A table of a model's keys."""
    rows = ["| key | type | default | limits | meaning |", "|---|---|---|---|---|"]
    for name, field in model.model_fields.items():
        default = "required" if field.is_required() else f"`{json.dumps(default_of(field))}`"
        limits = limits_of(field).replace("|", "\\|")
        rows.append(f"| `{names(name)}` | {engine_type(field.annotation)} | {default} | {limits} | {field.description} |")
    return "\n".join(rows)


def reference() -> str:
    """docs/reference/settings.md."""
    kept = "\n".join(f"- `{name}`: {why}." for name, why in sorted(KEPT_PARAMETERS.items()))
    return f"""# Settings

<!-- Generated from components/settings/: edit that, then run `make generate`. -->

Every key of a stack's configuration. Set one with `pulumi config set {NAMESPACE}:KEY VALUE` or in `Pulumi.<stack>.yaml`. A mistake
in any of them is told with all the others, before anything is declared: key, value, and what to do. Values of a key that has an
encrypted one in it are not shown.

Names of databases, roles and extensions are PostgreSQL identifiers: at most 63 bytes, starting with a letter or `_`, and none that a
server has for itself. They count with what is made from them, such as `<name>_readonly` and `<name>_test`.

## `{NAMESPACE}:`

{table(Settings, to_camel)}

## An entry of `databases`

{table(DatabaseSettings, to_camel)}

## `databases[].roles`

{table(RoleNames, to_camel)}

## `docker`

The container of target `docker`; [how to use one](../how-to/docker.md).

{table(DockerSettings, to_camel)}

## `docker.health`

{table(HealthSettings, to_camel)}

## `docker.adminer`

{table(AdminerSettings, to_camel)}

## `docker.redis`

{table(RedisSettings, to_camel)}

## `external`

The server of target `external`; [how to use one](../how-to/external-server.md).

{table(ExternalSettings, to_camel)}

## `external.login` and `databases[].login`

One of `password` and `passwordVariable` is needed. The password becomes a secret of the state either way.

{table(LoginSettings, to_camel)}

## `parameters`

Names and values are PostgreSQL's. These are checked here; any other parameter is handed to the server, which refuses what it does
not know before anything changes.

{table(ServerParameters, str)}

These are not yours to set:

{kept}
"""


def main() -> None:
    """Writes the files, or checks them."""
    wanted = {PROJECT: project_file(PROJECT.read_text(encoding="utf-8")), REFERENCE: reference()}
    outdated = [file for file, text in wanted.items() if not file.exists() or file.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        if outdated:
            sys.exit("out of date, run `make generate`: " + ", ".join(str(file.relative_to(ROOT)) for file in outdated))
        return
    for file in outdated:
        file.write_text(wanted[file], encoding="utf-8")


if __name__ == "__main__":
    main()
