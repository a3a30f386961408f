"""What a command of `ops` fails at, beyond what the libraries below it do."""

from __future__ import annotations

from postgres.errors import PgstackError


class OpsError(PgstackError):
    """A command that could not be carried out."""


class Declined(OpsError):
    """Somebody was asked, and said no."""
