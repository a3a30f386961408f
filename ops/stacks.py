"""What a stack says of its databases: their settings, from the stack file, and who may log in, from the outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import yaml

from ops.errors import OpsError
from toolchain import paths
from toolchain.stack import PROJECT as PROJECT  # noqa: PLC0414  for those who need it beside the rest
from toolchain.stack import open_stack, settings_file_of, stack_names

if TYPE_CHECKING:
    from components.settings import DatabaseSettings, Settings

USUAL = "local"
"""The stack that is meant where none is named."""


def settings_of(stack: str) -> Mapping[str, Any]:
    """The configuration in a stack's file, by key without the project's name.

    Raises:
        OpsError: there is no such file, or it is no YAML.
    """
    file = settings_file_of(stack)
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        names = ", ".join(stack_names())
        raise OpsError(f"There is no stack {stack}: {file.name} does not exist.", hint=f"There are: {names or 'none'}.") from None
    except yaml.YAMLError as error:
        raise OpsError(f"{file.name} is no YAML: {error}") from None
    config = (content or {}).get("config") or {}
    return {key.removeprefix(f"{PROJECT}:"): value for key, value in config.items()}


def databases_of(stack: str) -> tuple[DatabaseSettings, ...]:
    """The databases in a stack's settings. Logins are left out: whoever connects asks the outputs, and who only reads files needs none.

    Raises:
        SettingsError: their settings cannot be used.
    """
    from components import settings  # noqa: PLC0415

    entries = settings_of(stack).get("databases") or []
    if isinstance(entries, list):
        entries = [_without_login(entry) for entry in entries]
    return settings.parse({f"{PROJECT}:databases": json.dumps(entries, default=str)}).databases


def server_of(stack: str) -> Settings:
    """The settings of a stack's server; its databases are left out.

    Raises:
        SettingsError: they cannot be used.
    """
    from components import settings  # noqa: PLC0415

    known = {key: value for key, value in settings_of(stack).items() if key not in ("databases", "external")}
    texts = {key: value if isinstance(value, str) else json.dumps(value, default=str) for key, value in known.items()}
    return settings.parse({f"{PROJECT}:{key}": text for key, text in texts.items()})


def root_certificate_of(stack: str) -> str:
    """The file of the authorities that may sign the server's certificate; empty for those that the system trusts."""
    external = settings_of(stack).get("external")
    named = external.get("rootCertificate") if isinstance(external, dict) else None
    return str(paths.ROOT / named) if named else ""


def outputs_of(stack: str) -> dict[str, Any]:
    """The outputs of a stack, with their secrets. Runs Pulumi, and gets it where it is missing.

    Raises:
        ToolchainError: the stack is not up.
    """
    return open_stack(stack).outputs(show_secrets=True)


def _without_login(entry: Any) -> Any:
    return {key: value for key, value in entry.items() if key != "login"} if isinstance(entry, dict) else entry
