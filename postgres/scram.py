"""Passwords as the server stores them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql


def verifier(session: psycopg.Connection[Any], user: str, password: str) -> sql.Literal:
    """The SCRAM-SHA-256 verifier of a password, made by libpq: no log and no statistics view ever holds the password."""
    return sql.Literal(session.pgconn.encrypt_password(password.encode(), user.encode(), b"scram-sha-256").decode())
