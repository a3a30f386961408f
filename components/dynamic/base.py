"""What the providers have in common."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from threading import Thread
from typing import Any

from pulumi.dynamic import DiffResult

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""What the engine hands a dynamic provider for a value that is not known yet."""

Properties = Mapping[str, Any]


def say(who: str, lines: Iterable[str]) -> None:
    """Prints what the person at the terminal should know; the engine shows it among its diagnostics, in previews too."""
    text = "\n".join(f"{who}: {line}" for line in lines)
    if text:
        print(text, file=sys.stdout, flush=True)


def warm(*modules: str) -> None:
    """Imports what will be needed soon, while this resource waits for somebody else's answers."""
    Thread(target=lambda: [import_module(module) for module in modules], daemon=True).start()


def changed(keys: Iterable[str], olds: Properties, news: Properties) -> list[str]:
    """The inputs among `keys` that differ."""
    return [key for key in keys if olds.get(key) != news.get(key)]


def unknown(value: Any) -> bool:
    """Whether a value, or one inside it, is not known yet."""
    if isinstance(value, Mapping):
        return any(unknown(part) for part in value.values())
    if isinstance(value, list):
        return any(unknown(part) for part in value)
    return bool(value == UNKNOWN)


def difference(found: bool) -> DiffResult:
    """An update in place where something was found, nothing otherwise. These resources are never replaced."""
    return DiffResult(changes=found, replaces=[], delete_before_replace=False)
