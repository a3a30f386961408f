"""A container engine, as a resource: looked at before anything is declared on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference, say, warm

if TYPE_CHECKING:
    from containers.demand import Demand

INPUTS = ("url", "project", "stack", "containers", "images", "data", "volumes", "deleteData")


def _demand(props: Properties) -> Demand:
    from containers.demand import Data, Demand, Pull, Wanted  # noqa: PLC0415  see the package's docstring

    containers = (
        Wanted(one["name"], one["part"], tuple((port["address"], int(port["port"])) for port in one["ports"]))
        for one in props["containers"]
    )
    return Demand(
        props["url"],
        props["project"],
        props["stack"],
        tuple(containers),
        tuple(Pull(one["name"], one["policy"]) for one in props["images"]),
        Data(props["data"]["volume"], int(props["data"]["version"]), props["data"]["adopt"]),
        tuple(props["volumes"]),
    )


def _who(props: Properties) -> str:
    return f"engine of {props['stack']}"


class EngineProvider(ResourceProvider):
    """Looks at the engine in previews, and gets images at `create` and `update`. What is in the way is an error, in previews too."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Looks at an engine that the stack does not use yet: a preview asks nothing else of a new resource."""
        if not _olds:
            self._look(news)
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        warm("bootstrap.run", "migrator.apply")
        to_do = self._look(_news)
        return difference(bool(changed(INPUTS, _olds, _news) or to_do))

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(_who(props), self._ensure(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._ensure(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        volume = _props["data"]["volume"]
        if not _props["deleteData"]:
            say(_who(_props), [f"the data stays in the volume {volume}, and the next `pulumi up` takes it back"])

    def _look(self, props: Properties) -> list[str]:
        """What is to be done, which is said as well. A data volume that is there is what a stack that is up has: nothing to do."""
        from containers.checks import look  # noqa: PLC0415

        found = look(_demand(props))
        say(_who(props), found.told)
        return list(found.to_do)

    def _ensure(self, props: Properties) -> dict[str, Any]:
        from containers.checks import ensure  # noqa: PLC0415

        identifiers, done = ensure(_demand(props))
        say(_who(props), done)
        return {**props, "ids": identifiers}


class Engine(Resource, module="pgstack", name="Engine"):
    """An engine with the images that are wanted, and nothing in the way of what is to be declared on it.

    Args:
        containers: `name`, `part` and `ports` of each; see `containers.demand`.
        data: `volume`, `version` and `adopt` of the server's data.
        volumes: the others.

    Attributes:
        ids: name → id of each image.
    """

    ids: pulumi.Output[Mapping[str, str]]

    def __init__(
        self,
        name: str,
        *,
        url: str,
        containers: Sequence[Mapping[str, Any]],
        images: Sequence[Mapping[str, str]],
        data: Mapping[str, Any],
        volumes: Sequence[str],
        delete_data: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "url": url,
            "project": pulumi.get_project(),
            "stack": pulumi.get_stack(),
            "containers": [dict(one) for one in containers],
            "images": [dict(one) for one in images],
            "data": dict(data),
            "volumes": list(volumes),
            "deleteData": delete_data,
            "ids": None,
        }
        super().__init__(EngineProvider(), name, inputs, opts)

    def image(self, name: str) -> pulumi.Output[str]:
        """The id of an image."""
        return self.ids.apply(lambda identifiers: identifiers[name])
