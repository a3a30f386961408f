"""Files in a volume, as a resource."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference, unknown

INPUTS = ("url", "volume", "files", "shared")


class FilesProvider(ResourceProvider):
    """Writes the files at `create` and `update`, and notices a volume that was made anew. They go with their volume."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        from containers.files import identity  # noqa: PLC0415  see the package's docstring

        if changed(INPUTS, _olds, _news) or unknown(_news):
            return difference(True)
        return difference(identity(_news["url"], _news["volume"]) != _olds["identity"])

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(str(props["volume"]), self._write(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._write(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        pass

    def _write(self, props: Properties) -> dict[str, Any]:
        from containers.files import write  # noqa: PLC0415

        return {**props, "identity": write(props["url"], props["volume"], props["files"], props["image"], shared=props["shared"])}


class VolumeFiles(Resource, module="pgstack", name="VolumeFiles"):
    """Files in the top of a volume.

    Args:
        shared: whether everybody in the container may read them, or root alone.
        files: name → content; all of it a secret.
        image: of the container that they are for, to write them through.
    """

    def __init__(
        self,
        name: str,
        *,
        url: str,
        volume: pulumi.Input[str],
        files: Mapping[str, pulumi.Input[str]],
        image: str,
        shared: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "url": url,
            "volume": volume,
            "files": pulumi.Output.secret(dict(files)),
            "image": image,
            "shared": shared,
            "identity": None,
        }
        super().__init__(FilesProvider(), name, inputs, opts)
