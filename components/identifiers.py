"""PostgreSQL's identifiers: how long they may be, and which are taken."""

from __future__ import annotations

import re

MAX_BYTES = 63
"""NAMEDATALEN - 1: the server cuts longer identifiers silently, so that two names can become one."""

RESERVED = frozenset({"postgres", "template0", "template1", "public", "none", "rdsadmin", "rds_superuser", "pgstack"})
"""Databases and roles that every server, a hosted one, or this program has for itself."""

RESERVED_PREFIX = "pg_"

SHAPE = re.compile(r"[^\W\d][\w$-]*")


def problem_with(name: str) -> str | None:
    """Why `name` cannot name a database or a role, with what to do about it; None where it can."""
    length = len(name.encode())
    if length > MAX_BYTES:
        return f"is {length} bytes long, PostgreSQL keeps {MAX_BYTES}: shorten it by {length - MAX_BYTES}"
    if name.lower() in RESERVED:
        return f"is reserved: choose another name, for example {name + '_app'!r}"
    if name.lower().startswith(RESERVED_PREFIX):
        return f"starts with {RESERVED_PREFIX!r}, which PostgreSQL keeps for itself: choose another name"
    if not SHAPE.fullmatch(name):
        return "is no identifier: start with a letter or '_' and go on with letters, digits, '_', '-' or '$'"
    return None
