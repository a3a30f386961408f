"""The process of an embedded server, as a resource."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, ReadResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference, say, unknown

if TYPE_CHECKING:
    from cluster.cluster import Cluster

INPUTS = ("project", "stack", "version", "port", "dataDirectory", "deleteData", "parameters", "password")


def _folder(props: Properties) -> Path:
    """Where the settings want the data."""
    return Path.cwd().joinpath(props["dataDirectory"], props["stack"])


def _cluster(props: Properties) -> Cluster:
    from cluster.cluster import Cluster  # noqa: PLC0415  see the package's docstring
    from cluster.marker import Marker  # noqa: PLC0415
    from cluster.placement import place  # noqa: PLC0415

    identity = Marker(props["project"], props["stack"], int(props["version"]))
    return Cluster(place(_folder(props)), identity, int(props["port"]), dict(props["parameters"]))


def _who(props: Properties) -> str:
    return f"embedded server of {props['stack']}"


class ClusterProvider(ResourceProvider):
    """Makes the server run at `create` and `update`, looks at it at `diff`, stops it at `delete`. A preview starts nothing."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        if changed(INPUTS, _olds, _news) or unknown(_news):
            return difference(True)
        found = _cluster(_news).differences(_news["password"])
        say(_who(_news), found)
        return difference(bool(found))

    def create(self, props: Properties) -> CreateResult:
        cluster = _cluster(props)
        say(_who(props), cluster.ensure(props["password"]))
        if cluster.folder != _folder(props):
            say(_who(props), [f"its account may not enter {_folder(props)}, so the data is in {cluster.folder}"])
        return CreateResult(f"{props['project']}-{props['stack']}", dict(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        before, after = _cluster(_olds), _cluster(_news)
        if before.folder != after.folder and before.stop():
            say(_who(_olds), [f"stopped the server in {before.folder}; its data stays there"])
        say(_who(_news), after.ensure(_news["password"]))
        return UpdateResult(dict(_news))

    def read(self, id_: str, props: Properties) -> ReadResult:
        """A data directory that is gone is a resource that is gone; one whose server is down is not."""
        return ReadResult(id_, dict(props)) if _cluster(props).data.exists() else ReadResult("", {})

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        cluster = _cluster(_props)
        if _props["deleteData"]:
            cluster.delete()
            say(_who(_props), [f"stopped and deleted with all data: {cluster.folder}"])
        else:
            cluster.stop()
            say(_who(_props), [f"stopped; the data stays in {cluster.folder}, and the next `pulumi up` takes it back"])


class ClusterProcess(Resource, module="pgstack", name="Cluster"):
    """A running embedded server.

    Side effects: see `cluster.cluster.Cluster.ensure`.
    """

    def __init__(
        self,
        name: str,
        *,
        version: int,
        port: int,
        data_directory: str,
        delete_data: bool,
        parameters: Mapping[str, str],
        password: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "project": pulumi.get_project(),
            "stack": pulumi.get_stack(),
            "version": version,
            "port": port,
            "dataDirectory": data_directory,
            "deleteData": delete_data,
            "parameters": dict(parameters),
            "password": pulumi.Output.secret(password),
        }
        super().__init__(ClusterProvider(), name, inputs, opts)
