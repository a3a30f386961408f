"""A network that is there, as a resource."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference

INPUTS = ("url", "network", "stack")

TIMEOUT = 20.0
"""Seconds for a network to be made."""


class NetworkProvider(ResourceProvider):
    """Waits for the network at `create` and `update`."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        return difference(bool(changed(INPUTS, _olds, _news)))

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(str(props["network"]), self._wait(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._wait(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        pass  # the network is deleted by its own resource

    def _wait(self, props: Properties) -> dict[str, Any]:
        from containers.networks import wait  # noqa: PLC0415  see the package's docstring

        wait(props["url"], props["network"], props["stack"], TIMEOUT)
        return dict(props)


class ReadyNetwork(Resource, module="pgstack", name="ReadyNetwork"):
    """A network that is there.

    The Docker provider looks at a network that it has made only two seconds later. What is to be on that network waits for this
    resource instead, which is declared beside it; when all of it goes, the provider tries until the network is empty.
    """

    def __init__(self, name: str, *, url: str, network: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(NetworkProvider(), name, {"url": url, "network": network, "stack": pulumi.get_stack()}, opts)
