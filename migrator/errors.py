"""What stops a migration, in the words of the person who mends it."""

from __future__ import annotations

from postgres.errors import PgstackError


class MigrationError(PgstackError):
    """Anything the migrator refuses or fails at."""


class FormatError(MigrationError):
    """A folder of migrations that cannot be read, or read in more than one way."""


class DirtyError(MigrationError):
    """A tool's history says that one of its migrations failed, or was left half done."""


class DriftError(MigrationError):
    """Files and ledger do not tell the same story."""


class TargetError(MigrationError):
    """A version to go to that is not there, or that cannot be gone to."""


class NotEmptyError(MigrationError):
    """A database that has tables, but no record of how they came to be."""


class PoolerError(MigrationError):
    """Something between here and the server that gives each transaction another session."""


class ReadOnlyError(MigrationError):
    """A server, or a role on it, that takes no changes."""


class SessionLost(MigrationError):
    """The session broke, or nothing comes through it any more. What it committed is in the ledger."""


class MigrationFailed(MigrationError):
    """The server refused a statement of a migration. What was committed before it stays.

    Attributes:
        path: the file, as the settings name it.
        line: 1-based line of the statement, or of the place in it that the server points to.
        sqlstate: five characters, PostgreSQL's error code; empty where it was not the server that refused.
        applied: versions that this run had committed before.
        outcome: what became of the migration itself, in words.
    """

    outcome = "The migration was rolled back"

    def __init__(self, message: str, *, path: str, line: int, sqlstate: str, applied: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path
        self.line = line
        self.sqlstate = sqlstate
        self.applied = applied


class UncertainError(MigrationFailed):
    """A statement outside a transaction was cut off, and the database does not tell whether it was carried out."""

    outcome = "Nothing was run"


class Interrupted(MigrationError):
    """Somebody pressed Ctrl-C. The running migration was rolled back, those before it stay."""
