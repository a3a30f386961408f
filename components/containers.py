"""What the containers of a stack have in common: names, labels, limits, logs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pulumi
import pulumi_docker as docker

from components.settings import DockerSettings

LabelArgs = TypeVar("LabelArgs")

IGNORED = ["capabilities", "logOpts", "ports", "securityOpts", "stopSignal", "tmpfs"]
"""Arguments of a container whose changes the provider is not to look at; see `contained`."""

DIGITS = 16
"""Of the digest that stands for them."""


@dataclass(frozen=True)
class Place:
    """Where a stack's containers are.

    Attributes:
        project, stack: as Pulumi has them.
        network: the private network's name.
        settings: with the logs' limits and the restart policy.
    """

    project: str
    stack: str
    network: str
    settings: DockerSettings

    def name_of(self, part: str, chosen: str | None) -> str:
        """The name of a container or a volume: the one that was chosen, or one that tells its stack."""
        return chosen or f"{self.project}-{self.stack}-{part}"


def labels(place: Place, part: str, kind: Callable[..., LabelArgs], **more: str) -> list[LabelArgs]:
    """Whose something is, and what for; `more` are further labels of ours."""
    found = {"part": part, "project": place.project, "stack": place.stack, **more}
    return [kind(label=f"pgstack.{label}", value=value) for label, value in sorted(found.items())]


def contained(
    place: Place,
    part: str,
    ports: Sequence[docker.ContainerPortArgs],
    tmpfs: Sequence[str],
    *,
    read_only: bool = True,
    adds: Sequence[str] = (),
    stop_signal: str | None = None,
) -> dict[str, Any]:
    """The arguments of every container: what it publishes, its logs' limits, and no right that it can do without.

    Some of them are among the `IGNORED`, and a label has a digest of them in their place: engines tell them in an order, or in words, of
    their own, which the provider takes for a change. Another digest makes another container, with what is here.

    Args:
        tmpfs: folders in memory.
        adds: the capabilities that it has to have.
    """
    settings = place.settings
    capabilities = [f"CAP_{name}" for name in adds]
    told = {
        "tmpfs": dict.fromkeys(tmpfs, ""),
        "log_opts": {"max-size": settings.log_max_size, "max-file": str(settings.log_max_files)},
        "security_opts": ["no-new-privileges:true"],
        **({"stop_signal": stop_signal} if stop_signal else {}),
    }
    plain = {**told, "ports": [[port.ip, port.external, port.internal] for port in ports], "capabilities": capabilities}
    digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:DIGITS]
    return {
        **told,
        "ports": ports,
        "capabilities": docker.ContainerCapabilitiesArgs(adds=capabilities, drops=["ALL"]),
        "labels": labels(place, part, docker.ContainerLabelArgs, declared=digest),
        "log_driver": "json-file",
        "read_only": read_only,
        "restart": settings.restart,
        "must_run": True,
    }


def volume(place: Place, name: str, part: str, physical: str, opts: pulumi.ResourceOptions) -> docker.Volume:
    """A volume. What its labels say is said once: another label would make another volume, without the data.

    Args:
        name: of the resource.
        physical: on the engine.
    """
    options = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=["labels"]))
    return docker.Volume(name, name=physical, labels=labels(place, part, docker.VolumeLabelArgs), opts=options)


def on(network: pulumi.Input[str], aliases: Iterable[str]) -> dict[str, Any]:
    """The argument that puts a container on one network, under these names. The provider takes it off the engine's usual one."""
    return {"networks_advanced": [docker.ContainerNetworksAdvancedArgs(name=network, aliases=list(aliases))]}


def published(addresses: Iterable[str], port: int, inside: int) -> list[docker.ContainerPortArgs]:
    """A container's port, published on addresses of this machine."""
    return [docker.ContainerPortArgs(internal=inside, external=port, ip=address) for address in addresses]


def health(command: str, *, interval: int, timeout: int, retries: int, start_period: int) -> docker.ContainerHealthcheckArgs:
    """A health check by a shell command; times in seconds."""
    return docker.ContainerHealthcheckArgs(
        tests=["CMD-SHELL", command],
        interval=f"{interval}s",
        timeout=f"{timeout}s",
        retries=retries,
        start_period=f"{start_period}s",
    )
