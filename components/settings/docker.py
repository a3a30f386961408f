"""A server in a container: the engine, the image, names, limits, and what runs beside it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from components.explain import NAMESPACE, shown
from components.settings.kinds import Address, Label, Model

ResourceName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$")]
"""A container, a network or a volume, as engines name them."""

IMAGE_NAME = r"^[a-z0-9][a-zA-Z0-9._/:-]{0,254}$"
PullPolicy = Literal["missing", "always", "never"]
Size = Annotated[str, Field(pattern=r"^[1-9][0-9]*(b|kb?|mb?|gb?)$")]
"""Bytes as Redis writes them: 128mb."""

Port = Annotated[int, Field(strict=True, ge=1, le=65535)]

ADMINER_ALIAS = "adminer"
"""Its name on the network."""


def _without_digest(name: Any) -> Any:
    if isinstance(name, str) and "@" in name:
        raise ValueError("has a digest in it: leave it out; the server's is set as `digest`")
    return name


Image = Annotated[str, Field(pattern=IMAGE_NAME), BeforeValidator(_without_digest)]


class HealthSettings(Model):
    """How the engine asks the server whether it is well: `SELECT 1` over TCP, from inside the container."""

    interval: int = Field(10, strict=True, ge=1, le=3600, description="Seconds between two questions.")
    timeout: int = Field(5, strict=True, ge=1, le=3600, description="Seconds to wait for an answer.")
    retries: int = Field(5, strict=True, ge=1, le=100, description="Failures in a row after which the container is unhealthy.")
    start_period: int = Field(30, strict=True, ge=0, le=3600, description="Seconds after the start in which failures do not count.")


class AdminerSettings(Model):
    """Adminer, a database administration page, beside the server."""

    enabled: bool = Field(False, description="Whether it runs.")
    image: Image = Field("adminer:4.8.1", description="Its image.")
    port: Port = Field(8080, description="TCP port of its page on this machine.")
    address: Address = Field("127.0.0.1", description="Address of this machine that its page is published on.")
    name: ResourceName | None = Field(None, description="Name of its container. `pgstack-<stack>-adminer` unless set.")


class RedisSettings(Model):
    """Redis, with a password, beside the server."""

    enabled: bool = Field(False, description="Whether it runs.")
    image: Image = Field("redis:7.4-alpine", description="Its image.")
    port: Port = Field(6379, description="TCP port on this machine; on the network it is 6379.")
    address: Address = Field("127.0.0.1", description="Address of this machine that it is published on.")
    name: ResourceName | None = Field(None, description="Name of its container. `pgstack-<stack>-redis` unless set.")
    alias: Label = Field("redis", description="Its name on the network.")
    volume: ResourceName | None = Field(None, description="Volume of its data. `pgstack-<stack>-redis-data` unless set.")
    maxmemory: Size = Field("128mb", description="Memory for its data.")
    maxmemory_policy: Literal[
        "noeviction", "allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl"
    ] = Field("noeviction", description="What it does when that memory is full.")


class DockerSettings(Model):
    """The container, and what belongs to it."""

    host: str | None = Field(
        None,
        pattern=r"^(unix|tcp|npipe|ssh)://.+$",
        description="URL of the engine. Found by itself unless set: DOCKER_HOST, the Docker context, the sockets of Docker and of Podman.",
    )
    image: Image | None = Field(None, description="The server's image. `postgres:<version>-alpine` unless set.")
    digest: str | None = Field(None, pattern=r"^sha256:[0-9a-f]{64}$", description="Digest that the image must have.")
    pull_policy: PullPolicy = Field(
        "missing", description="When images are pulled: where they are `missing`, `always` when the registry has others, or `never`."
    )
    name: ResourceName | None = Field(None, description="Name of the container. `pgstack-<stack>-postgres` unless set.")
    network: ResourceName | None = Field(None, description="Name of the private network. `pgstack-<stack>` unless set.")
    aliases: tuple[Label, ...] = Field(("database",), min_length=1, description="The server's names on that network.")
    volume: ResourceName | None = Field(None, description="Volume of the server's data. `pgstack-<stack>-data` unless set.")
    adopt_volume: bool = Field(
        False,
        description="Whether a data volume that another program made is taken over. Its data stays, `postgres` gets a new password.",
    )
    backup_volume: ResourceName | None = Field(
        None, description="Volume for dumps, mounted at /backups. `pgstack-<stack>-backups` unless set."
    )
    publish: bool = Field(True, description="Whether the server can be reached from this machine at `port`.")
    addresses: tuple[Address, ...] = Field(
        ("127.0.0.1", "::1"),
        min_length=1,
        description="Addresses of this machine to publish `port` on; an IPv6 one where there is IPv6.",
    )
    health: HealthSettings = Field(HealthSettings(), description="How the engine looks after the server.")
    start_timeout: int = Field(120, strict=True, ge=1, le=3600, description="Seconds for the server to come up in.")
    restart: Literal["no", "always", "on-failure", "unless-stopped"] = Field(
        "unless-stopped", description="When the engine starts the container again by itself."
    )
    stop_timeout: int = Field(120, strict=True, ge=1, le=3600, description="Seconds for the server to end its sessions and stop.")
    memory: int | None = Field(None, strict=True, ge=64, description="Memory that the container may use, in MB.")
    cpus: float | None = Field(None, strict=True, gt=0, le=1024, description="Processors that it may use, such as 1.5.")
    shm_size: int = Field(128, strict=True, ge=64, description="Shared memory for parallel queries, in MB.")
    log_max_size: str = Field("10m", pattern=r"^[1-9][0-9]*[kmg]$", description="Size of a log file before the next is begun.")
    log_max_files: int = Field(3, strict=True, ge=1, le=100, description="Log files that are kept.")
    read_only: bool = Field(
        True, description="Whether the container's own file system is read-only; off is for an image that writes there."
    )
    adminer: AdminerSettings = Field(AdminerSettings(), description="Adminer, a database administration page, beside the server.")
    redis: RedisSettings = Field(RedisSettings(), description="Redis beside the server.")

    def problems(self, port: int) -> Iterator[str]:
        """What is wrong between these settings and with the server's port, a line each."""
        beside = [(f"docker.{name}", one) for name, one in (("adminer", self.adminer), ("redis", self.redis)) if one.enabled]
        redis = [("docker.redis", self.redis)] if self.redis.enabled else []
        yield from _taken("port", [("port", port if self.publish else None), *((f"{key}.port", one.port) for key, one in beside)])
        yield from _taken("name", [("docker.name", self.name), *((f"{key}.name", one.name) for key, one in beside)])
        volumes = [("docker.volume", self.volume), ("docker.backupVolume", self.backup_volume)]
        yield from _taken("name", [*volumes, *((f"{key}.volume", one.volume) for key, one in redis)])
        aliases = [("docker.adminer", ADMINER_ALIAS)] if self.adminer.enabled else []
        aliases += [(f"docker.aliases[{place}]", alias) for place, alias in enumerate(self.aliases)]
        yield from _taken("name", [*aliases, *((f"{key}.alias", one.alias) for key, one in redis)])
        yield from _taken("address", [(f"docker.addresses[{place}]", address) for place, address in enumerate(self.addresses)])
        for every, kind in (("0.0.0.0", "."), ("::", ":")):  # noqa: S104  only where it is asked for
            if every in self.addresses and any(kind in address for address in self.addresses if address != every):
                yield f"{NAMESPACE}:docker.addresses: {every} has all others of its kind in it: take them out"
        if self.digest and self.pull_policy == "always":
            yield f"{NAMESPACE}:docker.digest: names one image for good, and pullPolicy `always` asks for newer ones: take one of them out"


def _taken(what: str, chosen: Iterable[tuple[str, int | str | None]]) -> Iterator[str]:
    """What is chosen twice, a line each.

    Args:
        chosen: key and value; None is for what the program names itself, or does not make.
    """
    first: dict[int | str, str] = {}
    for key, value in chosen:
        if value in first:
            yield f"{NAMESPACE}:{key} = {shown(value)}: is that of {NAMESPACE}:{first[value]}: give one of them another {what}"
        elif value is not None:
            first[value] = key
