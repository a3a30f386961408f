"""What the test engine's modules raise."""

from __future__ import annotations

from postgres.errors import PgstackError


class NoTestEngineError(PgstackError):
    """This machine has no container engine for the tests, or no images for it, and none can be had; the message says why."""
