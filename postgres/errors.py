"""The one exception tree of the project."""

from __future__ import annotations


class PgstackError(Exception):
    """What a person reads when something failed.

    The message says what happened and where; `hint` says what to do about it, and is printed below the message.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message}\n{self.hint}" if self.hint else message


class ConnectionFailed(PgstackError):
    """The server could not be reached, or it refused the login."""
