"""Target `docker`: a PostgreSQL server in a container, with what it needs and what runs beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pulumi
import pulumi_docker as docker

from components.companions import Adminer, AdminerArgs, Redis, RedisArgs, redis_volumes
from components.containers import IGNORED, Place, contained, health, labels, on, published, volume
from components.dynamic.container import RunningServer
from components.dynamic.engine import Engine
from components.dynamic.files import VolumeFiles
from components.dynamic.network import ReadyNetwork
from components.dynamic.password import Password
from components.server import Administrator, Endpoint, RoleLogin
from components.settings import DockerSettings
from containers.address import host as host_of
from containers.layout import CONTROL, FLAG, PORT, SUPERUSER, data_directory, mount_point
from postgres.scram_secret import secret_of

START = (Path(__file__).parent.parent / "containers" / "start.sh").read_text(encoding="utf-8")

TMPFS = ("/tmp", "/run/postgresql")  # noqa: S108  folders of the container's
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")
"""What the image's entrypoint needs to hand the data over to the account `postgres` and become it."""

HEALTH = f"psql -XqAt -h 127.0.0.1 -p {PORT} -U {SUPERUSER} -d postgres -c 'SELECT 1' && rm -f {FLAG}"
"""Over TCP: while the image initialises a cluster, its server listens on the socket alone."""

USUAL = {
    "listen_addresses": "*",
    "log_lock_waits": "on",
    "log_min_duration_statement": "500ms",
    "shared_preload_libraries": "pg_stat_statements",
}
"""Parameters that a container's server has unless they are set."""

STATISTICS = "pg_stat_statements"


@dataclass(frozen=True)
class DockerServerArgs:
    """What a server in a container is made of.

    Attributes:
        url: of the engine.
        local: whether that is on this machine; then its published addresses are, too.
        ipv6: whether this machine has IPv6.
        version: PostgreSQL's major version.
        port: on this machine.
        parameters: of postgresql.conf.
        delete_data: whether destroying the server deletes its volumes.
        settings: everything else.
    """

    url: str
    local: bool
    ipv6: bool
    version: int
    port: int
    parameters: Mapping[str, str]
    delete_data: bool
    settings: DockerSettings

    @property
    def image(self) -> str:
        """The server's image, with its digest where that is pinned."""
        name = self.settings.image or f"postgres:{self.version}-alpine"
        return f"{name}@{self.settings.digest}" if self.settings.digest else name

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that the server is published on."""
        if not self.settings.publish:
            return ()
        return tuple(one for one in self.settings.addresses if self.ipv6 or not self.local or ":" not in one)

    @property
    def host(self) -> str:
        """Through which this machine reaches the server; empty where only the container's own address leads there."""
        return self.reached(self.addresses[0]) if self.addresses else ""

    def reached(self, address: str) -> str:
        """Through which this machine reaches what is published on an address of the engine's machine."""
        if not self.local:
            return host_of(self.url)
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  only where it is asked for


class DockerServer(pulumi.ComponentResource):
    """A server in a container, on a private network, its data in a volume that outlives it.

    Produces: an `Engine`, a `Password`, the server's `RemoteImage`, `Network`, `Volume`s and `Container`, and a `ContainerServer`;
    an `Adminer` and a `Redis` where they are wanted. Implements `components.server.Server`.

    Attributes:
        redis, adminer: for the stack's outputs; None where they do not run.
    """

    target = "docker"
    sslmode = "disable"
    root_certificate = ""
    logins: Mapping[str, RoleLogin] = MappingProxyType({})
    redis: dict[str, Any] | None = None
    adminer: dict[str, Any] | None = None

    def __init__(self, name: str, args: DockerServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        provider = docker.Provider("engine", host=args.url)
        super().__init__(
            "pgstack:index:DockerServer", name, {}, pulumi.ResourceOptions.merge(pulumi.ResourceOptions(providers=[provider]), opts)
        )
        settings = args.settings
        self._args = args
        project, stack = pulumi.get_project(), pulumi.get_stack()
        self._place = Place(project, stack, settings.network or f"{project}-{stack}", settings)
        self._parameters = {**USUAL, **args.parameters}
        self._container_name = self._place.name_of("postgres", settings.name)
        self._data_name = self._place.name_of("data", settings.volume)
        self._backups_name = self._place.name_of("backups", settings.backup_volume)
        self._engine = self._look_at_engine()
        password = Password(f"{name}-superuser", self._child())
        docker.Network(
            name,
            name=self._place.network,
            driver="bridge",
            labels=labels(self._place, "network", docker.NetworkLabelArgs),
            opts=self._child(self._engine, ignore_changes=["ipamOptions"]),  # Podman tells some that nobody set
        )
        network = ReadyNetwork(name, url=args.url, network=self._place.network, opts=self._child(self._engine))
        container = self._declare_container(name, network, password)
        running = RunningServer(
            name,
            url=args.url,
            container=self._container_name,
            container_id=container.id,
            host=args.host,
            port=args.port if args.host else PORT,
            version=args.version,
            start_timeout=settings.start_timeout,
            password=password.result,
            opts=self._child(container),
        )
        self._declare_companions(network)
        self.version: pulumi.Input[int] = args.version
        self.host = Endpoint(args.host or running.address, args.port if args.host else PORT)
        self.network = Endpoint(settings.aliases[0], PORT)
        self.administrator: Administrator | None = Administrator(SUPERUSER, password.result)
        self.ready: Sequence[pulumi.Resource] = (running,)
        self.register_outputs({"container": self._container_name, "volume": self._data_name})

    @property
    def container(self) -> Mapping[str, pulumi.Input[str]]:
        """Names, for those who operate the server."""
        return {
            "engine": self._args.url,
            "container": self._container_name,
            "network": self._place.network,
            "volume": self._data_name,
            "backupVolume": self._backups_name,
        }

    @property
    def extensions(self) -> Sequence[str]:
        """`pg_stat_statements`, unless its library is not loaded."""
        loaded = self._parameters["shared_preload_libraries"].replace(" ", "").split(",")
        return (STATISTICS,) if STATISTICS in loaded else ()

    def _child(self, *after: pulumi.Resource, **options: Any) -> pulumi.ResourceOptions:
        return pulumi.ResourceOptions(parent=self, depends_on=list(after), **options)

    def _look_at_engine(self) -> Engine:
        """The engine with the images, which everything else comes after."""
        args, settings, place = self._args, self._args.settings, self._place
        containers = [{"name": self._container_name, "part": "postgres", "ports": _ports(args.addresses, args.port)}]
        images = [args.image]
        volumes = [self._backups_name, place.name_of("control", None)]
        for part, companion in (("adminer", settings.adminer), ("redis", settings.redis)):
            if companion.enabled:
                ports = _ports((companion.address,), companion.port)
                containers.append({"name": place.name_of(part, companion.name), "part": part, "ports": ports})
                images.append(companion.image)
        if settings.redis.enabled:
            volumes += redis_volumes(place, settings.redis)
        engine = Engine(
            "engine",
            url=args.url,
            containers=containers,
            images=[{"name": image, "policy": settings.pull_policy} for image in images],
            data={"volume": self._data_name, "version": args.version, "adopt": settings.adopt_volume},
            volumes=volumes,
            delete_data=args.delete_data,
            opts=self._child(),
        )
        if args.delete_data:
            pulumi.log.warn("deleteData is set: once this is applied, `pulumi destroy` deletes the volumes with all data for good.", engine)
        return engine

    def _image(self, name: str, image: str) -> pulumi.Output[str]:
        """The id of an image that the engine has."""
        wanted = docker.RemoteImage(
            name, name=image, keep_locally=True, pull_triggers=[self._engine.image(image)], opts=self._child(self._engine)
        )
        return wanted.image_id

    def _volume(self, part: str, name: str) -> docker.Volume:
        """A volume that stays when the stack goes, unless its data is to be deleted."""
        return volume(self._place, part, part, name, self._child(self._engine, retain_on_delete=not self._args.delete_data))

    def _declare_container(self, name: str, network: ReadyNetwork, password: Password) -> docker.Container:
        args, settings = self._args, self._args.settings
        volumes = {
            str(mount_point(args.version)): self._volume("data", self._data_name),
            "/backups": self._volume("backups", self._backups_name),
            CONTROL: self._volume("control", self._place.name_of("control", None)),
        }
        secret = VolumeFiles(
            name,
            url=args.url,
            volume=volumes[CONTROL].name,
            files={"secret": password.result.apply(secret_of)},
            image=args.image,
            opts=self._child(volumes[CONTROL]),
        )
        return docker.Container(
            name,
            **contained(
                self._place,
                "postgres",
                published(args.addresses, args.port, PORT),
                TMPFS,
                read_only=settings.read_only,
                adds=CAPABILITIES,
                stop_signal="SIGINT",
            ),
            **_limits(settings),
            name=self._container_name,
            image=self._image(name, args.image),
            entrypoints=["/bin/sh", "-c", START, "pgstack-start"],
            command=["postgres", *(word for key, value in sorted(self._parameters.items()) for word in ("-c", f"{key}={value}"))],
            envs=[f"PGDATA={data_directory(args.version)}", f"POSTGRES_PASSWORD_FILE={CONTROL}/secret", f"POSTGRES_USER={SUPERUSER}"],
            volumes=[docker.ContainerVolumeArgs(volume_name=one.name, container_path=path) for path, one in volumes.items()],
            **on(self._place.network, settings.aliases),
            healthcheck=health(HEALTH, **settings.health.model_dump()),
            stop_timeout=settings.stop_timeout,
            destroy_grace_seconds=settings.stop_timeout,
            opts=self._child(secret, network, delete_before_replace=True, ignore_changes=IGNORED),
        )

    def _declare_companions(self, network: ReadyNetwork) -> None:
        settings = self._args.settings
        if settings.adminer.enabled:
            image = self._image("adminer", settings.adminer.image)
            adminer = AdminerArgs(
                self._args.url, settings.adminer, self._place, image, self._args.reached(settings.adminer.address), settings.aliases[0]
            )
            self.adminer = Adminer("adminer", adminer, self._child(network)).output
        if settings.redis.enabled:
            image = self._image("redis", settings.redis.image)
            redis = RedisArgs(
                self._args.url, settings.redis, self._place, image, self._args.reached(settings.redis.address), self._args.delete_data
            )
            self.redis = Redis("redis", redis, self._child(network)).output


def _ports(addresses: Sequence[str], port: int) -> list[dict[str, Any]]:
    return [{"address": address, "port": port} for address in addresses]


def _limits(settings: DockerSettings) -> dict[str, Any]:
    """What the container may use; times in seconds, sizes in MB."""
    limits: dict[str, Any] = {"shm_size": settings.shm_size}
    if settings.memory:
        limits |= {"memory": settings.memory}
    if settings.cpus:
        limits |= {"cpus": str(settings.cpus)}
    return limits
