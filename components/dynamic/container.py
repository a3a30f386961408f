"""Containers as resources: a PostgreSQL server that is up and logged in to, and what runs beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference, say, unknown

if TYPE_CHECKING:
    from containers.part import Part
    from containers.server import ContainerServer

START_TIMEOUT = 60
"""Seconds for what runs beside the server to come up."""


def _who(props: Properties) -> str:
    return str(props["container"])


class WaitingProvider(ResourceProvider):
    """Waits for a container at `create` and `update`, looks at it at `diff`. A preview starts nothing."""

    serialize_as_secret_always = False

    inputs: tuple[str, ...]
    """Those whose change has it waited for again."""

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        if changed(self.inputs, _olds, _news) or unknown(_news):
            return difference(True)
        found = self._found(_news).differences()
        say(_who(_news), found)
        return difference(bool(found))

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(_who(props), self._ensure(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._ensure(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        pass  # the container is deleted by its own resource

    def _found(self, props: Properties) -> ContainerServer | Part:
        raise NotImplementedError

    def _ensure(self, props: Properties) -> dict[str, Any]:
        """Waits, and returns the resource's outputs."""
        raise NotImplementedError


class ContainerProvider(WaitingProvider):
    """That of a server."""

    inputs = ("url", "container", "containerId", "host", "port", "version", "password")

    def _found(self, props: Properties) -> ContainerServer:
        from containers.server import ContainerServer  # noqa: PLC0415  see the package's docstring

        return ContainerServer(
            props["url"], props["container"], props["host"] or None, int(props["port"]), int(props["version"]), props["password"]
        )

    def _ensure(self, props: Properties) -> dict[str, Any]:
        server = self._found(props)
        say(_who(props), server.ensure(float(props["startTimeout"])))
        return {**props, "address": server.address()}


class PartProvider(WaitingProvider):
    """That of what runs beside a server."""

    inputs = ("url", "container", "containerId", "question")

    def _found(self, props: Properties) -> Part:
        from containers.part import Part  # noqa: PLC0415

        return Part(props["url"], props["container"], tuple(props["question"]))

    def _ensure(self, props: Properties) -> dict[str, Any]:
        say(_who(props), self._found(props).ensure(START_TIMEOUT))
        return dict(props)


class RunningServer(Resource, module="pgstack", name="ContainerServer"):
    """A server that answers, and lets its superuser in.

    Args:
        container_id: of the container that is there now: with another one, the server is waited for again.
        host: through which this machine reaches it; empty for the container's own address.

    Attributes:
        address: what `host` says, or the container's own address.
    """

    address: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        url: str,
        container: str,
        container_id: pulumi.Input[str],
        host: str,
        port: int,
        version: int,
        start_timeout: int,
        password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "url": url,
            "container": container,
            "containerId": container_id,
            "host": host,
            "port": port,
            "version": version,
            "startTimeout": start_timeout,
            "password": pulumi.Output.secret(password),
            "address": None,
        }
        super().__init__(ContainerProvider(), name, inputs, opts)


class RunningPart(Resource, module="pgstack", name="ContainerPart"):
    """A container beside the server that is up.

    Args:
        question: a command inside it that ends with 0 once it is.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str,
        container: str,
        container_id: pulumi.Input[str],
        question: Sequence[str] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"url": url, "container": container, "containerId": container_id, "question": list(question)}
        super().__init__(PartProvider(), name, inputs, opts)
