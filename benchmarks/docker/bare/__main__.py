"""The Docker resources of the stack dev, as one writes them down without this project."""

import pulumi
import pulumi_docker as docker

config = pulumi.Config()
images = config.require_object("images")
ports = config.require_object("ports")
name = f"pgstack-{pulumi.get_stack()}"

engine = docker.Provider("engine", host=config.require("engine"))
alone = pulumi.ResourceOptions(provider=engine)
container = pulumi.ResourceOptions(provider=engine, delete_before_replace=True, ignore_changes=["ports"])


def label(kind: type, part: str) -> list:  # type: ignore[type-arg]
    """Whose something is."""
    return [
        kind(label="pgstack.part", value=part),
        kind(label="pgstack.project", value="pgstack"),
        kind(label="pgstack.stack", value=pulumi.get_stack()),
    ]


def volume(part: str) -> docker.Volume:
    """A volume."""
    return docker.Volume(part, name=f"{name}-{part}", labels=label(docker.VolumeLabelArgs, part), opts=alone)


def mount(source: docker.Volume, path: str) -> docker.ContainerVolumeArgs:
    """Where a container has a volume."""
    return docker.ContainerVolumeArgs(volume_name=source.name, container_path=path)


def port(part: str, inside: int, address: str = "127.0.0.1") -> docker.ContainerPortArgs:
    """What a container publishes."""
    return docker.ContainerPortArgs(internal=inside, external=ports[part], ip=address)


def checked(command: str, start_period: str) -> docker.ContainerHealthcheckArgs:
    """A health check."""
    return docker.ContainerHealthcheckArgs(tests=["CMD-SHELL", command], interval="10s", timeout="5s", retries=5, start_period=start_period)


found = {part: docker.RemoteImage(part, name=image, keep_locally=True, opts=alone) for part, image in images.items()}
network = docker.Network("network", name=name, driver="bridge", labels=label(docker.NetworkLabelArgs, "network"), opts=alone)


def common(part: str, alias: str, *adds: str) -> dict:  # type: ignore[type-arg]
    """What the containers have in common."""
    return {
        "name": f"{name}-{part}",
        "image": found[part].image_id,
        "labels": label(docker.ContainerLabelArgs, part),
        "read_only": True,
        "security_opts": ["no-new-privileges:true"],
        "capabilities": docker.ContainerCapabilitiesArgs(adds=[f"CAP_{each}" for each in adds], drops=["ALL"]),
        "restart": "unless-stopped",
        "must_run": True,
        "log_driver": "json-file",
        "log_opts": {"max-size": "10m", "max-file": "3"},
        "network_mode": network.name,
        "networks_advanced": [docker.ContainerNetworksAdvancedArgs(name=network.name, aliases=[alias])],
        "opts": container,
    }


docker.Container(
    "postgres",
    **common("postgres", "database", "CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"),
    command=["postgres", "-c", "max_connections=200", "-c", "shared_preload_libraries=pg_stat_statements"],
    envs=[pulumi.Output.concat("POSTGRES_PASSWORD=", config.require_secret("password"))],
    volumes=[
        mount(volume("data"), "/var/lib/postgresql/data"),
        mount(volume("backups"), "/backups"),
        mount(volume("control"), "/run/pgstack"),
    ],
    ports=[port("postgres", 5432), port("postgres", 5432, "::1")],
    tmpfs={"/tmp": "", "/run/postgresql": ""},
    healthcheck=checked("pg_isready -h 127.0.0.1 -U postgres", "30s"),
    shm_size=128,
    stop_signal="SIGINT",
    stop_timeout=120,
)
docker.Container(
    "adminer",
    **common("adminer", "adminer"),
    envs=["ADMINER_DEFAULT_SERVER=database"],
    ports=[port("adminer", 8080)],
    tmpfs={"/tmp": ""},
)
docker.Container(
    "redis",
    **common("redis", "redis", "CHOWN", "DAC_OVERRIDE", "SETGID", "SETUID"),
    command=["redis-server", "--dir", "/data", "--appendonly", "yes", "--maxmemory", "128mb", "--maxmemory-policy", "noeviction"],
    volumes=[mount(volume("redis-data"), "/data"), mount(volume("redis-control"), "/run/pgstack")],
    ports=[port("redis", 6379)],
    tmpfs={"/tmp": ""},
    healthcheck=checked("redis-cli -h 127.0.0.1 ping | grep -q PONG", "10s"),
    stop_timeout=30,
)
pulumi.export("network", network.name)
