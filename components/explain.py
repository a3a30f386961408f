"""Turns what pydantic finds wrong into lines that say key, value, and what to do."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from typing import Any

NAMESPACE = "pgstack"
"""Of all our configuration keys: the project's name."""

LONGEST_SHOWN = 100
"""Characters of a wrong value that a message shows."""

Location = tuple[int | str, ...]
"""Where a value is: keys and places in lists."""


def explain(detail: Any, keys_at: Callable[[Location], list[str]]) -> list[str]:
    """A line for each problem in one of pydantic's errors: key, value, and what to do.

    Args:
        detail: an entry of `ValidationError.errors()`.
        keys_at: gives the keys there are beside the last one of a location.
    """
    key, value, kind = _key(detail["loc"]), detail["input"], detail["type"]
    if kind == "value_error":
        message = str(detail["ctx"]["error"])
        if message.startswith(f"{NAMESPACE}:"):
            return message.splitlines()
        return [f"{key} = {shown(value)}: {message}"]
    if kind == "extra_forbidden":
        return [f"{key} = {shown(value)}: there is no such key{_nearest(str(detail['loc'][-1]), keys_at(detail['loc']))}"]
    if kind == "missing":
        return [f"{key}: is missing: add it"]
    return [f"{key} = {shown(value)}: {_fix(detail)}"]


def _key(location: Location) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if not str(part).startswith("function-")]
    return f"{NAMESPACE}:{''.join(parts).lstrip('.')}"


def shown(value: Any) -> str:
    """A value as messages show it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


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


def _nearest(key: str, known: list[str]) -> str:
    """A guess at the key that was meant, and where there is none, the keys there are."""
    guess = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {guess[0]!r}?" if guess else f"; the keys are {', '.join(known)}"
