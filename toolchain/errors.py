"""What can go wrong before Pulumi runs."""

from __future__ import annotations

from postgres.errors import PgstackError


class ToolchainError(PgstackError):
    """The CLI could not be had, or the stack cannot be run here."""
