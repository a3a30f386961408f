"""A random password that lives in the stack's state, encrypted."""

from __future__ import annotations

import secrets
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, difference

BYTES = 24
"""Of randomness: 192 bits, 32 characters of the URL-safe alphabet."""


class PasswordProvider(ResourceProvider):
    """Makes a password once and keeps it."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return difference(False)

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(secrets.token_hex(8), {"result": secrets.token_urlsafe(BYTES)})

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult({"result": _olds["result"]})


class Password(Resource, module="pgstack", name="Password"):
    """A generated password.

    Attributes:
        result: the password; always a secret.
    """

    result: pulumi.Output[str]

    def __init__(self, name: str, opts: pulumi.ResourceOptions | None = None) -> None:
        own = pulumi.ResourceOptions(additional_secret_outputs=["result"])
        super().__init__(PasswordProvider(), name, {"result": None}, pulumi.ResourceOptions.merge(own, opts))
