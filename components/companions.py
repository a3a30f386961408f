"""What runs beside a server in a container: Adminer and Redis, on the same network."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pulumi
import pulumi_docker as docker

from components.containers import IGNORED, Place, contained, health, on, published, volume
from components.dynamic.container import RunningPart
from components.dynamic.files import VolumeFiles
from components.dynamic.password import Password
from components.server import Endpoint
from components.settings import AdminerSettings, RedisSettings
from components.settings.docker import ADMINER_ALIAS
from containers.layout import CONTROL
from postgres.url import in_url

ADMINER_PORT = 8080
REDIS_PORT = 6379
"""Inside their containers."""


REDIS_STOP_TIMEOUT = 30
"""Seconds for Redis to write its data."""

TMPFS = ("/tmp",)  # noqa: S108  a folder of the containers'

REDIS_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID")
"""What the image's entrypoint needs to become the account `redis`."""

REDIS_HEALTH = "redis-cli -h 127.0.0.1 ping | grep -q -e PONG -e NOAUTH"
"""Needs no password: a server that asks for one is up."""


@dataclass(frozen=True)
class AdminerArgs:
    """Adminer, and the URL of the engine that it is on.

    Attributes:
        host: through which this machine reaches it.
        server: whose name it suggests.
    """

    url: str
    settings: AdminerSettings
    place: Place
    image: pulumi.Input[str]
    host: str
    server: str


class Adminer(pulumi.ComponentResource):
    """A database administration page.

    Produces: a `Container` and its `ContainerPart`.

    Attributes:
        output: `url` of its page, for the stack's outputs.
    """

    def __init__(self, name: str, args: AdminerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("pgstack:index:Adminer", name, {}, opts)
        settings, place = args.settings, args.place
        container_name = place.name_of("adminer", settings.name)
        container = docker.Container(
            name,
            **contained(place, "adminer", published([settings.address], settings.port, ADMINER_PORT), TMPFS, stop_signal="SIGINT"),
            name=container_name,
            image=args.image,
            envs=[f"ADMINER_DEFAULT_SERVER={args.server}"],
            **on(place.network, [ADMINER_ALIAS]),
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True, ignore_changes=IGNORED),
        )
        child = pulumi.ResourceOptions(parent=self)
        RunningPart(name, url=args.url, container=container_name, container_id=container.id, opts=child)
        self.output: dict[str, Any] = {"url": f"http://{in_url(args.host)}:{settings.port}"}
        self.register_outputs({})


@dataclass(frozen=True)
class RedisArgs:
    """Redis, and the URL of the engine that it is on.

    Attributes:
        host: through which this machine reaches it.
    """

    url: str
    settings: RedisSettings
    place: Place
    image: pulumi.Input[str]
    host: str
    delete_data: bool


class Redis(pulumi.ComponentResource):
    """A Redis server with a password.

    Its container knows the password's SHA-256 alone, in a file of a volume.

    Produces: a `Password`, two `Volume`s, a `VolumeFiles`, a `Container` and its `ContainerPart`.

    Attributes:
        output: `endpoints`, `environment` and `networkEnvironment`, for the stack's outputs.
    """

    def __init__(self, name: str, args: RedisArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("pgstack:index:Redis", name, {}, opts)
        settings, place = args.settings, args.place
        data, control = redis_volumes(place, settings)
        password = Password(f"{name}-password", pulumi.ResourceOptions(parent=self))
        child = pulumi.ResourceOptions(parent=self)
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=not args.delete_data)
        stored = volume(place, f"{name}-data", "redis-data", data, kept)
        configured = volume(place, f"{name}-control", "redis-control", control, child)
        configuration = password.result.apply(_configuration)
        files = VolumeFiles(
            name,
            url=args.url,
            volume=configured.name,
            files={"redis.conf": configuration},
            image=settings.image,
            shared=True,  # Redis reads it as the account that it becomes
            opts=child,
        )
        container_name = place.name_of("redis", settings.name)
        container = docker.Container(
            name,
            **contained(place, "redis", published([settings.address], settings.port, REDIS_PORT), TMPFS, adds=REDIS_CAPABILITIES),
            name=container_name,
            image=args.image,
            command=["redis-server", f"{CONTROL}/redis.conf", *_options(settings)],
            volumes=[
                docker.ContainerVolumeArgs(volume_name=stored.name, container_path="/data"),
                docker.ContainerVolumeArgs(volume_name=configured.name, container_path=CONTROL),
            ],
            **on(place.network, [settings.alias]),
            healthcheck=health(REDIS_HEALTH, interval=10, timeout=5, retries=5, start_period=10),
            stop_timeout=REDIS_STOP_TIMEOUT,
            destroy_grace_seconds=REDIS_STOP_TIMEOUT,
            opts=pulumi.ResourceOptions(parent=self, depends_on=[files], delete_before_replace=True, ignore_changes=IGNORED),
        )
        RunningPart(
            name,
            url=args.url,
            container=container_name,
            container_id=container.id,
            question=["sh", "-c", REDIS_HEALTH],
            opts=child,
        )
        host, network = Endpoint(args.host, settings.port), Endpoint(settings.alias, REDIS_PORT)
        self.output: dict[str, Any] = {
            "endpoints": {where: {"host": one.host, "port": one.port} for where, one in (("host", host), ("network", network))},
            "environment": _environment(args.host, settings.port, password.result),
            "networkEnvironment": _environment(settings.alias, REDIS_PORT, password.result),
        }
        self.register_outputs({})


def redis_volumes(place: Place, settings: RedisSettings) -> tuple[str, str]:
    """The names of Redis's volumes: its data, and its configuration."""
    return place.name_of("redis-data", settings.volume), place.name_of("redis-control", None)


def _options(settings: RedisSettings) -> list[str]:
    """What stands on the command line: a change of it makes a new container."""
    return [
        "--bind",
        "* -::*",
        "--dir",
        "/data",
        "--appendonly",
        "yes",
        "--maxmemory",
        settings.maxmemory,
        "--maxmemory-policy",
        settings.maxmemory_policy,
    ]


def _configuration(password: str) -> str:
    """What does not: the password's hash."""
    return f"user default on resetpass #{hashlib.sha256(password.encode()).hexdigest()} ~* &* +@all\n"


def _environment(host: str, port: int, password: pulumi.Output[str]) -> dict[str, Any]:
    shown = in_url(host)
    return {
        "REDIS_URL": password.apply(lambda it: f"redis://:{quote(it, safe='')}@{shown}:{port}/0"),
        "REDIS_HOST": host,
        "REDIS_PORT": str(port),
        "REDIS_PASSWORD": password,
    }
