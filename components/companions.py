"""What runs beside a server in a container: Adminer and Redis, on the same network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_docker as docker

from components.containers import Place, hardened, health, labels, published
from components.dynamic.password import Password
from components.server import Endpoint
from components.settings import AdminerSettings, RedisSettings

ADMINER_PORT = 8080
REDIS_PORT = 6379
"""Inside their containers."""

REDIS_CONFIGURATION = "/data/pgstack.conf"
REDIS_STOP_TIMEOUT = 30
"""Seconds for Redis to write its data."""

REDIS_HEALTH = "redis-cli -h 127.0.0.1 ping | grep -q -e PONG -e NOAUTH"
"""Needs no password: a server that asks for one is up."""


@dataclass(frozen=True)
class AdminerArgs:
    """Adminer, and the server whose name it suggests."""

    settings: AdminerSettings
    place: Place
    image: pulumi.Input[str]
    server: str


class Adminer(pulumi.ComponentResource):
    """A database administration page.

    Produces: a `Container`.

    Attributes:
        output: `url` of its page, for the stack's outputs.
    """

    def __init__(self, name: str, args: AdminerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("pgstack:index:Adminer", name, {}, opts)
        settings, place = args.settings, args.place
        docker.Container(
            name,
            **hardened(place, "adminer", read_only=True),
            name=place.name_of("adminer", settings.name),
            image=args.image,
            envs=[f"ADMINER_DEFAULT_SERVER={args.server}"],
            ports=published([settings.address], settings.port, ADMINER_PORT),
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=place.network, aliases=["adminer"])],
            tmpfs={"/tmp": ""},  # noqa: S108  a folder of the container's
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        host = f"[{settings.address}]" if ":" in settings.address else settings.address
        self.output: dict[str, Any] = {"url": f"http://{host}:{settings.port}"}
        self.register_outputs({})


@dataclass(frozen=True)
class RedisArgs:
    """Redis."""

    settings: RedisSettings
    place: Place
    image: pulumi.Input[str]
    delete_data: bool


class Redis(pulumi.ComponentResource):
    """A Redis server with a password.

    Its container knows the password's SHA-256 alone, in a file of the data volume.

    Produces: a `Password`, a `Volume` and a `Container`.

    Attributes:
        output: `endpoints`, `environment` and `networkEnvironment`, for the stack's outputs.
    """

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("pgstack:index:Redis", name, {}, opts)
        settings, place = args.settings, args.place
        password = Password(f"{name}-password", pulumi.ResourceOptions(parent=self))
        volume = docker.Volume(
            f"{name}-data",
            name=redis_volume(place, settings),
            labels=labels(place, "redis-data", docker.VolumeLabelArgs),
            opts=pulumi.ResourceOptions(parent=self, retain_on_delete=not args.delete_data, ignore_changes=["labels"]),
        )
        docker.Container(
            name,
            **hardened(place, "redis", read_only=True, adds=("CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID")),
            name=place.name_of("redis", settings.name),
            image=args.image,
            command=["redis-server", REDIS_CONFIGURATION],
            uploads=[
                docker.ContainerUploadArgs(file=REDIS_CONFIGURATION, content=password.result.apply(lambda it: _configuration(settings, it)))
            ],
            volumes=[docker.ContainerVolumeArgs(volume_name=volume.name, container_path="/data")],
            ports=published([settings.address], settings.port, REDIS_PORT),
            networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=place.network, aliases=[settings.alias])],
            tmpfs={"/tmp": ""},  # noqa: S108  a folder of the container's
            healthcheck=health(REDIS_HEALTH, interval=10, timeout=5, retries=5, start_period=10),
            stop_timeout=REDIS_STOP_TIMEOUT,
            destroy_grace_seconds=REDIS_STOP_TIMEOUT,
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, additional_secret_outputs=["uploads"]),
        )
        host, network = Endpoint(settings.address, settings.port), Endpoint(settings.alias, REDIS_PORT)
        self.output: dict[str, Any] = {
            "endpoints": {where: {"host": one.host, "port": one.port} for where, one in (("host", host), ("network", network))},
            "environment": _environment(settings.address, settings.port, password.result),
            "networkEnvironment": _environment(settings.alias, REDIS_PORT, password.result),
        }
        self.register_outputs({})


def redis_volume(place: Place, settings: RedisSettings) -> str:
    """The name of Redis's data volume."""
    return place.name_of("redis-data", settings.volume)


def _configuration(settings: RedisSettings, password: str) -> str:
    digest = hashlib.sha256(password.encode()).hexdigest()
    lines = (
        f"user default on resetpass #{digest} ~* &* +@all",
        "bind * -::*",
        "dir /data",
        "appendonly yes",
        f"maxmemory {settings.maxmemory}",
        f"maxmemory-policy {settings.maxmemory_policy}",
    )
    return "".join(f"{line}\n" for line in lines)


def _environment(host: str, port: int, password: pulumi.Output[str]) -> dict[str, Any]:
    shown = f"[{host}]" if ":" in host else host
    return {
        "REDIS_URL": password.apply(lambda it: f"redis://:{quote(it, safe='')}@{shown}:{port}/0"),
        "REDIS_HOST": host,
        "REDIS_PORT": str(port),
        "REDIS_PASSWORD": password,
    }
