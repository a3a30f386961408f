"""What keeps an embedded server from running."""

from __future__ import annotations

from postgres.errors import PgstackError


class ClusterError(PgstackError):
    """The server could not be made, started or stopped."""


class PortTakenError(ClusterError):
    """Something else listens on the port."""


class ForeignDataError(ClusterError):
    """The data directory is another stack's, or another version's, or of unknown origin."""


class DiskFullError(ClusterError):
    """No space is left where the data is."""


class UnreachableFolderError(ClusterError):
    """The account that runs the server may not pass through a folder above its files."""
