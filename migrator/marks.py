"""`pgstack.step`: the marks that a migration outside a transaction leaves behind, statement by statement, until it is recorded."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg

from migrator.formats.base import Command

CREATE: LiteralString = """
    CREATE TABLE IF NOT EXISTS pgstack.step (
        version text NOT NULL,
        direction text NOT NULL CHECK (direction IN ('up', 'down')),
        position integer NOT NULL,
        checksum text NOT NULL,
        state text NOT NULL CHECK (state IN ('running', 'failed', 'done')),
        started_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (version, direction, position)
    )
"""

MARK: LiteralString = """
    INSERT INTO pgstack.step (version, direction, position, checksum, state) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (version, direction, position) DO UPDATE SET state = excluded.state, checksum = excluded.checksum
"""


def begun(connection: psycopg.Connection[Any]) -> tuple[str, ...]:
    """The versions that were begun outside a transaction and not ended. The table must exist."""
    return tuple(str(row[0]) for row in connection.execute("SELECT DISTINCT version FROM pgstack.step ORDER BY 1").fetchall())


def forget(version: str) -> Command:
    """Takes out what is known of a migration that was begun."""
    return Command("DELETE FROM pgstack.step WHERE version = %s", (version,))


def settle(connection: psycopg.Connection[Any], version: str, *, done: bool) -> int:
    """Says what became of the statement at which a migration was cut off; the number of statements that this was said of."""
    found = connection.execute(
        "UPDATE pgstack.step SET state = %s WHERE version = %s AND state = 'running'", ["done" if done else "failed", version]
    )
    return found.rowcount
