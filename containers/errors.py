"""What can go wrong with an engine and what runs on it. Each message says what happened, and what to do."""

from __future__ import annotations

from postgres.errors import PgstackError


class EngineError(PgstackError):
    """The engine refused something, or what it has is not what is wanted."""


class NoEngineError(EngineError):
    """No engine answers."""


class ImageMissingError(EngineError):
    """An image is not there, and cannot be had."""


class NameTakenError(EngineError):
    """A container of that name belongs to somebody else."""


class PortTakenError(EngineError):
    """Somebody else listens on the port."""


class ForeignVolumeError(EngineError):
    """A volume holds data that is not this stack's, or of another version. It was not touched."""


class UnhealthyError(EngineError):
    """A container runs, or ran, and does not do what it is for."""
