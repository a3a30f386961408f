"""The resources of pulumi-docker that are declared here, without importing all of them, which takes 0.3 s of every run.

For the type checker, these are pulumi-docker's own classes. At run time they send the same types and properties to the same plug-in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

VERSION = "5.2.0"
"""Of the plug-in: that of the SDK in requirements.txt."""

if TYPE_CHECKING:
    from pulumi_docker import (
        Container,
        ContainerCapabilitiesArgs,
        ContainerHealthcheckArgs,
        ContainerLabelArgs,
        ContainerNetworksAdvancedArgs,
        ContainerPortArgs,
        ContainerVolumeArgs,
        Network,
        NetworkLabelArgs,
        Provider,
        RemoteImage,
        Volume,
        VolumeLabelArgs,
    )
else:

    def _camel(inputs: dict[str, Any]) -> dict[str, Any]:
        """Properties by the names that the plug-in has for them."""
        words = ((name.split("_"), value) for name, value in inputs.items())
        return {first + "".join(map(str.capitalize, rest)): value for (first, *rest), value in words}

    def _versioned(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions.merge(pulumi.ResourceOptions(version=VERSION), opts)

    class _Args(dict):
        """A part of a resource's inputs."""

        def __init__(self, **inputs: Any) -> None:
            super().__init__(_camel(inputs))

        def __getattr__(self, name: str) -> Any:
            return self[name]

    class _Resource(pulumi.CustomResource):
        """Something on an engine.

        Attributes:
            name: on the engine.
        """

        kind: str
        outputs: tuple[str, ...] = ()
        """Properties that only the plug-in knows."""

        def __init__(self, resource_name: str, *, opts: pulumi.ResourceOptions | None = None, **inputs: Any) -> None:
            super().__init__(self.kind, resource_name, {**_camel(inputs), **dict.fromkeys(self.outputs)}, _versioned(opts))

    class Container(_Resource):
        """A container."""

        kind = "docker:index/container:Container"

    class Network(_Resource):
        """A network."""

        kind = "docker:index/network:Network"

    class RemoteImage(_Resource):
        """An image."""

        kind = "docker:index/remoteImage:RemoteImage"
        outputs = ("imageId",)

        @property
        def image_id(self) -> pulumi.Output[str]:
            """Its id."""
            return pulumi.get(self, "imageId")

    class Volume(_Resource):
        """A volume."""

        kind = "docker:index/volume:Volume"

    class Provider(pulumi.ProviderResource):
        """An engine."""

        def __init__(self, resource_name: str, *, host: str, opts: pulumi.ResourceOptions | None = None) -> None:
            super().__init__("docker", resource_name, {"host": host}, _versioned(opts))

    ContainerCapabilitiesArgs = ContainerHealthcheckArgs = ContainerLabelArgs = ContainerNetworksAdvancedArgs = _Args
    ContainerPortArgs = ContainerVolumeArgs = NetworkLabelArgs = VolumeLabelArgs = _Args

__all__ = [
    "Container",
    "ContainerCapabilitiesArgs",
    "ContainerHealthcheckArgs",
    "ContainerLabelArgs",
    "ContainerNetworksAdvancedArgs",
    "ContainerPortArgs",
    "ContainerVolumeArgs",
    "Network",
    "NetworkLabelArgs",
    "Provider",
    "RemoteImage",
    "Volume",
    "VolumeLabelArgs",
]
