"""Turns what pydantic finds wrong into lines that say key, value, and what to do."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection
from typing import Any

NAMESPACE = "pgstack"
"""Of all our configuration keys: the project's name."""

LONGEST_SHOWN = 100
"""Characters of a wrong value that a message shows."""

SECRET = "[secret]"  # noqa: S105  stands for a password
"""Shown in place of a value that nobody may see."""

SECRET_KEY = re.compile(r"pas+w", re.IGNORECASE)
"""Keys whose values are secrets, misspelt or not."""

Location = tuple[int | str, ...]
"""Where a value is: keys and places in lists."""


def explain(detail: Any, keys_at: Callable[[Location], list[str]], hidden: Collection[str] = ()) -> list[str]:
    """A line for each problem in one of pydantic's errors: key, value, and what to do.

    Args:
        detail: an entry of `ValidationError.errors()`.
        keys_at: gives the keys there are beside the last one of a location.
        hidden: top-level keys whose values are not shown.
    """
    location, kind = detail["loc"], detail["type"]
    key = _key(location)
    secret = any(part in hidden for part in location[:1]) or _is_secret(str(location[-1]) if location else "")
    value = SECRET if secret else shown(detail["input"])
    if kind == "value_error":
        message = str(detail["ctx"]["error"])
        if message.startswith(f"{NAMESPACE}:"):
            return [] if secret else message.splitlines()
        return [f"{key} = {value}: {message}"]
    if kind == "extra_forbidden":
        return [f"{key} = {value}: there is no such key{_nearest(str(location[-1]), keys_at(location))}"]
    if kind == "too_short" and detail["input"]:
        return []  # its entries are wrong, which is told of each
    if kind == "missing":
        return [f"{key}: is missing: add it"]
    return [f"{key} = {value}: {_fix(detail)}"]


def _is_secret(key: str) -> bool:
    return SECRET_KEY.search(key) is not None and not key.endswith("Variable")


def _without_secrets(value: Any) -> Any:
    """A value with what is below the keys of secrets replaced."""
    if isinstance(value, dict):
        return {key: SECRET if _is_secret(str(key)) else _without_secrets(part) for key, part in value.items()}
    return [_without_secrets(part) for part in value] if isinstance(value, list) else value


def _key(location: Location) -> str:
    parts = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in location if not str(part).startswith("function-")]
    return f"{NAMESPACE}:{''.join(parts).lstrip('.')}"


def shown(value: Any) -> str:
    """A value as messages show it, without the passwords in it."""
    text = json.dumps(_without_secrets(value), ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _fix(detail: Any) -> str:
    context = detail.get("ctx", {})
    fixes = {
        "literal_error": f"must be {str(context.get('expected', '')).replace(chr(39), '')}",
        "greater_than": f"must be more than {_short(context.get('gt'))}",
        "greater_than_equal": f"must be at least {_short(context.get('ge'))}",
        "less_than_equal": f"must be at most {_short(context.get('le'))}",
        "string_too_short": "is empty: give a value, or take it out",
        "too_short": "is empty: give a value, or take it out",
        "string_pattern_mismatch": f"must look like {context.get('pattern')}",
    }
    if detail["type"] in fixes:
        return fixes[detail["type"]]
    for prefix, fix in (
        ("int", "must be a whole number, without quotes or units"),
        ("float", "must be a number, without quotes or units"),
        ("bool", "must be true or false"),
        ("string", "must be text; put quotes around it"),
        ("tuple", "must be a list"),
        ("model", "must be an object: key: value lines below it"),
    ):
        if detail["type"].startswith(prefix):
            return fix
    return str(detail["msg"])


def _short(limit: Any) -> Any:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _nearest(key: str, known: list[str]) -> str:
    """A guess at the key that was meant, and where there is none, the keys there are."""
    guess = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {guess[0]!r}?" if guess else f"; the keys are {', '.join(known)}"
