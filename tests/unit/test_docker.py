"""The program on target `docker`: what it declares, and what it gives the applications."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pulumi
import pytest

from components.containers import IGNORED
from containers import address
from postgres.scram_secret import secret_of
from tests.unit.engine import Declared, Run, Secret, declare, password_of

SOCKET = "unix:///run/engine.sock"
DIGEST = f"sha256:{'7' * 64}"
BESIDE = {"adminer": {"enabled": True}, "redis": {"enabled": True}}
HOST, NETWORK = {"host": "127.0.0.1", "port": 5433}, {"host": "database", "port": 5432}


@pytest.fixture(autouse=True)
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with migrations of one database, in which the program runs, on a machine with IPv6."""
    monkeypatch.chdir(tmp_path)
    steps = tmp_path / "sql" / "shop" / "migrations"
    steps.mkdir(parents=True)
    (steps / "1_a.sql").write_text("SELECT 1;\n")
    monkeypatch.setenv("DOCKER_HOST", SOCKET)
    monkeypatch.setattr(address, "has_ipv6", lambda: True)


def up(monkeypatch: pytest.MonkeyPatch, *, docker: dict[str, Any] | None = None, **settings: Any) -> Run:
    return declare(monkeypatch, target="docker", docker={**BESIDE, **(docker or {})}, **settings)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A server with everything beside it, a database with a twin and migrations, and one with neither."""
    databases = [{"name": "shop", "testTwin": True}, {"name": "notes"}]
    return up(monkeypatch, version=15, port=5433, parameters={"max_connections": 200}, databases=databases)


def server(run: Run) -> dict[str, Any]:
    """The inputs of the server's container."""
    return run.find("Container", "server").inputs


def labels(declared: Declared) -> dict[str, str]:
    return {label["label"]: label["value"] for label in declared.inputs["labels"]}


# The tree, and what is in it


def test_the_server_is_declared_with_all_that_belongs_to_it(run: Run) -> None:
    assert [line for line in run.tree if "Database" not in line] == [
        "Adminer adminer > Container adminer",
        "Adminer adminer > ContainerPart adminer",
        "DockerServer server > Adminer adminer",
        "DockerServer server > Container server",
        "DockerServer server > ContainerServer server",
        "DockerServer server > Engine engine",
        "DockerServer server > Network server",
        "DockerServer server > Password server-superuser",
        "DockerServer server > ReadyNetwork server",
        "DockerServer server > Redis redis",
        "DockerServer server > RemoteImage adminer",
        "DockerServer server > RemoteImage redis",
        "DockerServer server > RemoteImage server",
        "DockerServer server > Volume backups",
        "DockerServer server > Volume control",
        "DockerServer server > Volume data",
        "DockerServer server > VolumeFiles server",
        "Redis redis > Container redis",
        "Redis redis > ContainerPart redis",
        "Redis redis > Password redis-password",
        "Redis redis > Volume redis-control",
        "Redis redis > Volume redis-data",
        "Redis redis > VolumeFiles redis",
        "stack > DockerServer server",
        "stack > docker engine",
    ]


def test_without_companions_there_is_the_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    run = up(monkeypatch, docker={"adminer": {}, "redis": {}})
    assert not [line for line in run.tree if "redis" in line or "adminer" in line]
    assert (run.exports["redis"], run.exports["adminer"]) == (None, None)
    engine = run.find("Engine", "engine").inputs
    assert [len(engine[key]) for key in ("containers", "images", "volumes")] == [1, 1, 2]


def test_everything_of_docker_is_on_the_one_engine(run: Run) -> None:
    assert run.find("docker", "engine").inputs == {"host": SOCKET}
    kinds = ("Container", "Network", "RemoteImage", "Volume")
    assert {one.options["provider"] for one in run.resources if one.kind in kinds} == {"docker engine"}
    assert {one.inputs["url"] for one in run.resources if "url" in one.inputs} == {SOCKET}


def test_the_engine_is_looked_at_first_and_the_databases_wait_for_the_server(run: Run) -> None:
    for kind, name in (("Network", "server"), ("Volume", "data"), ("Volume", "backups"), ("Volume", "control"), ("RemoteImage", "server")):
        assert run.find(kind, name).depends_on == ("Engine engine",)
    assert run.find("Container", "server").depends_on == (
        "ReadyNetwork server",
        "RemoteImage server",
        "Volume backups",
        "Volume control",
        "Volume data",
        "VolumeFiles server",
    )
    assert "Container server" in run.find("ContainerServer", "server").depends_on
    assert "ContainerServer server" in run.find("Bootstrap", "shop").depends_on
    for companion in ("Adminer", "Redis"):
        assert run.find(companion, companion.lower()).depends_on == ("ReadyNetwork server",)
        assert f"RemoteImage {companion.lower()}" in run.find("Container", companion.lower()).depends_on


def test_the_engine_is_told_all_names_ports_and_images(run: Run) -> None:
    assert run.find("Engine", "engine").inputs == {
        "url": SOCKET,
        "project": "pgstack",
        "stack": "local",
        "containers": [
            {
                "name": "pgstack-local-postgres",
                "part": "postgres",
                "ports": [{"address": "127.0.0.1", "port": 5433}, {"address": "::1", "port": 5433}],
            },
            {"name": "pgstack-local-adminer", "part": "adminer", "ports": [{"address": "127.0.0.1", "port": 8080}]},
            {"name": "pgstack-local-redis", "part": "redis", "ports": [{"address": "127.0.0.1", "port": 6379}]},
        ],
        "images": [{"name": name, "policy": "missing"} for name in ("postgres:15-alpine", "adminer:4.8.1", "redis:7.4-alpine")],
        "data": {"volume": "pgstack-local-data", "version": 15, "adopt": False},
        "volumes": ["pgstack-local-backups", "pgstack-local-control", "pgstack-local-redis-data", "pgstack-local-redis-control"],
        "deleteData": False,
    }


def test_the_settings_name_everything_that_they_may_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"name": "db", "network": "net", "volume": "vol", "backupVolume": "dumps", "aliases": ["one", "two"], "adoptVolume": True}
    redis = {"enabled": True, "name": "cache", "volume": "cached", "alias": "store"}
    run = up(monkeypatch, docker={**names, "adminer": {"enabled": True, "name": "page"}, "redis": redis})
    assert [run.find("Container", name).inputs["name"] for name in ("server", "adminer", "redis")] == ["db", "page", "cache"]
    assert [run.find("Volume", name).inputs["name"] for name in ("data", "backups", "redis-data")] == ["vol", "dumps", "cached"]
    assert run.find("Network", "server").inputs["name"] == "net"
    aliases = [run.find("Container", name).inputs["networksAdvanced"] for name in ("server", "adminer", "redis")]
    assert aliases == [[{"name": "net", "aliases": names}] for names in (["one", "two"], ["adminer"], ["store"])]
    engine = run.find("Engine", "engine").inputs
    assert [one["name"] for one in engine["containers"]] == ["db", "page", "cache"]
    assert engine["data"] == {"volume": "vol", "version": 18, "adopt": True}
    assert engine["volumes"] == ["dumps", "pgstack-local-control", "cached", "pgstack-local-redis-control"]
    assert run.find("Container", "adminer").inputs["envs"] == ["ADMINER_DEFAULT_SERVER=one"]
    assert [run.find("ContainerServer", "server").inputs["container"], run.exports["server"]["docker"]] == [
        "db",
        {"engine": SOCKET, "container": "db", "network": "net", "volume": "vol", "backupVolume": "dumps"},
    ]
    assert run.exports["server"]["network"] == {"host": "one", "port": 5432}
    assert run.exports["redis"]["endpoints"]["network"] == {"host": "store", "port": 6379}


def test_everything_says_whose_it_is_and_what_for(run: Run) -> None:
    labelled = {one.name: labels(one) for one in run.resources if one.kind in ("Network", "Volume")}
    parts = {"server": "network", **{name: name for name in ("data", "backups", "control", "redis-data", "redis-control")}}
    assert labelled == {
        name: {"pgstack.project": "pgstack", "pgstack.stack": "local", "pgstack.part": part} for name, part in parts.items()
    }
    containers = {one.name: labels(one) for one in run.resources if one.kind == "Container"}
    declared = [one.pop("pgstack.declared") for one in containers.values()]
    assert len(set(declared)) == 3
    parts = {"server": "postgres", "adminer": "adminer", "redis": "redis"}
    assert containers == {
        name: {"pgstack.project": "pgstack", "pgstack.stack": "local", "pgstack.part": part} for name, part in parts.items()
    }


# The container


def test_the_container_of_the_server(run: Run) -> None:
    inputs = server(run)
    known = {
        key: inputs[key] for key in ("name", "image", "envs", "restart", "readOnly", "mustRun", "shmSize", "stopTimeout", "stopSignal")
    }
    assert known == {
        "name": "pgstack-local-postgres",
        "image": "sha256:postgres:15-alpine",
        "envs": ["PGDATA=/var/lib/postgresql/data", "POSTGRES_PASSWORD_FILE=/run/pgstack/secret", "POSTGRES_USER=postgres"],
        "restart": "unless-stopped",
        "readOnly": True,
        "mustRun": True,
        "shmSize": 128,
        "stopTimeout": 120,
        "stopSignal": "SIGINT",
    }
    assert inputs["destroyGraceSeconds"] == 120
    assert inputs["capabilities"]["drops"] == ["ALL"]
    assert inputs["securityOpts"] == ["no-new-privileges:true"]
    assert (inputs["logDriver"], inputs["logOpts"]) == ("json-file", {"max-size": "10m", "max-file": "3"})
    assert sorted(inputs["tmpfs"]) == ["/run/postgresql", "/tmp"]
    assert {"memory", "cpus"} & inputs.keys() == set()


def test_limits_and_health_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    health = {"interval": 30, "timeout": 10, "retries": 3, "startPeriod": 0}
    limits = {"memory": 512, "cpus": 1.5, "shmSize": 256, "stopTimeout": 7, "restart": "no", "readOnly": False}
    inputs = server(up(monkeypatch, docker={**limits, "health": health, "logMaxSize": "1m", "logMaxFiles": 9}))
    assert {key: inputs[key] for key in (*limits, "destroyGraceSeconds")} == {**limits, "cpus": "1.5", "destroyGraceSeconds": 7}
    assert inputs["logOpts"] == {"max-size": "1m", "max-file": "9"}
    check = inputs["healthcheck"]
    assert check.pop("tests")[0] == "CMD-SHELL"
    assert check == {"interval": "30s", "timeout": "10s", "retries": 3, "startPeriod": "0s"}


@pytest.mark.parametrize(
    ("version", "mounted", "data"),
    [
        (15, "/var/lib/postgresql/data", "/var/lib/postgresql/data"),
        (16, "/var/lib/postgresql/data", "/var/lib/postgresql/data"),
        (17, "/var/lib/postgresql/data", "/var/lib/postgresql/data"),
        (18, "/var/lib/postgresql", "/var/lib/postgresql/18/docker"),
    ],
)
def test_each_version_has_its_data_where_its_image_has_it(monkeypatch: pytest.MonkeyPatch, version: int, mounted: str, data: str) -> None:
    run = up(monkeypatch, version=version)
    assert server(run)["volumes"] == [
        {"containerPath": mounted, "volumeName": "pgstack-local-data"},
        {"containerPath": "/backups", "volumeName": "pgstack-local-backups"},
        {"containerPath": "/run/pgstack", "volumeName": "pgstack-local-control"},
    ]
    assert f"PGDATA={data}" in server(run)["envs"]
    assert run.find("RemoteImage", "server").inputs["name"] == f"postgres:{version}-alpine"
    assert [run.find("ContainerServer", "server").inputs["version"], run.exports["server"]["version"]] == [version, version]


def test_parameters_are_on_the_command_line_and_replace_the_usual_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = {"log_min_duration_statement": "2s", "work_mem": "4MB", "jit": False}
    program, *words = server(up(monkeypatch, parameters=parameters))["command"]
    assert (program, set(words[::2])) == ("postgres", {"-c"})
    assert words[1::2] == [
        "jit=off",
        "listen_addresses=*",
        "log_lock_waits=on",
        "log_min_duration_statement=2s",
        "max_connections=100",
        "shared_buffers=128MB",
        "shared_preload_libraries=pg_stat_statements",
        "work_mem=4MB",
    ]


@pytest.mark.parametrize(
    ("libraries", "extensions"),
    [
        (None, ["citext", "pg_stat_statements"]),
        ("auto_explain, pg_stat_statements", ["citext", "pg_stat_statements"]),
        ("auto_explain", ["citext"]),
        ("", ["citext"]),
    ],
)
def test_statements_are_counted_where_the_library_is_loaded(
    monkeypatch: pytest.MonkeyPatch, libraries: str | None, extensions: list[str]
) -> None:
    parameters = {} if libraries is None else {"shared_preload_libraries": libraries}
    run = up(monkeypatch, parameters=parameters, databases=[{"name": "shop", "extensions": ["citext"]}])
    assert run.find("Bootstrap", "shop").inputs["extensions"] == extensions


# Images


def test_images_are_those_of_the_settings_and_the_containers_run_what_the_engine_found(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = {
        "image": "example.com/postgres:15",
        "digest": DIGEST,
        "pullPolicy": "never",
        "adminer": {"enabled": True, "image": "adminer:5"},
    }
    run = up(monkeypatch, docker=docker, version=15)
    names = {"server": f"example.com/postgres:15@{DIGEST}", "adminer": "adminer:5", "redis": "redis:7.4-alpine"}
    for name, image in names.items():
        found = run.find("RemoteImage", name).inputs
        assert found == {"name": image, "keepLocally": True, "pullTriggers": [f"sha256:{image}"]}
        assert run.find("Container", name).inputs["image"] == f"sha256:{image}"
    assert run.find("Engine", "engine").inputs["images"] == [{"name": image, "policy": "never"} for image in names.values()]
    assert [run.find("VolumeFiles", name).inputs["image"] for name in ("server", "redis")] == [names["server"], names["redis"]]


# What the provider is not to look at


def declared_of(run: Run) -> dict[str, str]:
    return {one.name: labels(one)["pgstack.declared"] for one in run.resources if one.kind == "Container"}


def test_only_arguments_with_a_digest_are_ignored(run: Run) -> None:
    for name in ("server", "adminer", "redis"):
        options = run.find("Container", name).options
        assert (options["ignoreChanges"], options["deleteBeforeReplace"]) == (IGNORED, True)
    assert IGNORED == ["capabilities", "logOpts", "ports", "securityOpts", "stopSignal", "tmpfs"]


@pytest.mark.parametrize(
    ("settings", "docker", "others"),
    [
        ({"port": 5434}, {}, {"server"}),
        ({}, {"addresses": ["127.0.0.1"]}, {"server"}),
        ({}, {"addresses": ["::1", "127.0.0.1"]}, {"server"}),
        ({}, {"publish": False}, {"server"}),
        ({}, {"logMaxSize": "11m"}, {"server", "adminer", "redis"}),
        ({}, {"logMaxFiles": 4}, {"server", "adminer", "redis"}),
        ({}, {"adminer": {"enabled": True, "port": 8081}}, {"adminer"}),
        ({}, {"redis": {"enabled": True, "address": "127.0.0.2"}}, {"redis"}),
        ({"version": 16, "parameters": {"work_mem": "8MB"}, "deleteData": True}, {"name": "db", "volume": "vv", "aliases": ["db"]}, set()),
        ({}, {"memory": 128, "cpus": 1, "restart": "no", "health": {"interval": 1}, "digest": DIGEST, "readOnly": False}, set()),
    ],
)
def test_the_digest_changes_with_an_ignored_argument_and_with_nothing_else(
    monkeypatch: pytest.MonkeyPatch, run: Run, settings: dict[str, Any], docker: dict[str, Any], others: set[str]
) -> None:
    before = declared_of(run)
    after = declared_of(up(monkeypatch, docker=docker, **{"version": 15, "port": 5433, **settings}))
    assert {name for name in before if before[name] != after[name]} == others


# From where it is reached


def bindings(run: Run, name: str = "server") -> list[str]:
    ports = run.find("Container", name).inputs.get("ports") or []
    return [f"{port['ip']} {port['external']:.0f}:{port['internal']:.0f}" for port in ports]


def test_ports_are_published_on_loopback_of_both_kinds(run: Run) -> None:
    assert bindings(run) == ["127.0.0.1 5433:5432", "::1 5433:5432"]
    assert [bindings(run, "adminer"), bindings(run, "redis")] == [["127.0.0.1 8080:8080"], ["127.0.0.1 6379:6379"]]


def test_a_machine_without_ipv6_is_published_on_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "has_ipv6", lambda: False)
    run = up(monkeypatch, port=5433)
    assert bindings(run) == ["127.0.0.1 5433:5432"]
    assert run.find("Engine", "engine").inputs["containers"][0]["ports"] == [{"address": "127.0.0.1", "port": 5433}]


@pytest.mark.parametrize(
    ("addresses", "host", "url"),
    [
        (["127.0.0.1"], "127.0.0.1", "127.0.0.1"),
        (["::1", "127.0.0.1"], "::1", "[::1]"),
        (["0.0.0.0"], "127.0.0.1", "127.0.0.1"),
        (["::"], "::1", "[::1]"),
        (["10.0.0.7"], "10.0.0.7", "10.0.0.7"),
    ],
)
def test_the_first_address_is_the_one_that_this_machine_is_told(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], host: str, url: str
) -> None:
    beside = {name: {"enabled": True, "address": addresses[0]} for name in ("adminer", "redis")}
    run = up(monkeypatch, port=5433, docker={"addresses": addresses, **beside}, databases=[{"name": "notes"}])
    assert run.exports["server"]["host"] == {"host": host, "port": 5433}
    assert run.exports["databases"]["notes"]["environment"]["DATABASE_URL"].value.endswith(f"@{url}:5433/notes?sslmode=disable")
    assert run.exports["adminer"]["url"] == f"http://{url}:8080"
    assert run.exports["redis"]["environment"]["REDIS_HOST"] == host
    assert run.exports["redis"]["environment"]["REDIS_URL"].value.endswith(f"@{url}:6379/0")


def test_a_server_that_is_not_published_is_reached_by_its_own_address(monkeypatch: pytest.MonkeyPatch) -> None:
    run = up(monkeypatch, port=5433, docker={"publish": False}, databases=[{"name": "notes"}])
    assert bindings(run) == []
    assert run.find("Engine", "engine").inputs["containers"][0]["ports"] == []
    waited = run.find("ContainerServer", "server").inputs
    assert (waited["host"], waited["port"]) == ("", 5432)
    own = {"host": "172.20.0.2", "port": 5432}
    assert (run.exports["server"]["host"], run.exports["databases"]["notes"]["environment"]["PGPORT"]) == (own, "5432")
    administrator = run.find("Bootstrap", "notes").inputs["administrator"]
    assert {key: administrator[key] for key in own} == own


@pytest.mark.parametrize(
    ("url", "machine"),
    [
        ("ssh://me@db.example.com", "db.example.com"),
        ("tcp://db.example.com:2376", "db.example.com"),
        ("tcp://[2001:db8::7]:2376", "2001:db8::7"),
    ],
)
def test_an_engine_elsewhere_is_reached_there(monkeypatch: pytest.MonkeyPatch, url: str, machine: str) -> None:
    """Its addresses are those of its own machine, which may have IPv6 where this one has none."""
    monkeypatch.setattr(address, "has_ipv6", lambda: False)
    open_ = {"addresses": ["0.0.0.0", "::"], "redis": {"enabled": True, "address": "0.0.0.0"}}
    run = up(monkeypatch, port=5433, docker={"host": url, **open_})
    assert bindings(run) == ["0.0.0.0 5433:5432", ":: 5433:5432"]
    assert run.find("docker", "engine").inputs == {"host": url}
    assert run.exports["server"]["host"] == {"host": machine, "port": 5433}
    assert run.exports["server"]["docker"]["engine"] == url
    assert run.exports["redis"]["endpoints"]["host"] == {"host": machine, "port": 6379}
    shown = f"[{machine}]" if ":" in machine else machine
    assert run.exports["adminer"] == {"url": f"http://{shown}:8080"}
    assert run.find("ContainerServer", "server").inputs["host"] == machine


# Data


@pytest.mark.parametrize("delete", [False, True])
def test_volumes_stay_unless_their_data_is_to_be_deleted(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, delete: bool
) -> None:
    run = up(monkeypatch, deleteData=delete)
    retained = {one.name for one in run.resources if one.options["retainOnDelete"]}
    assert retained == (set() if delete else {"data", "backups", "control", "redis-data"})
    assert {tuple(one.options["ignoreChanges"]) for one in run.resources if one.kind == "Volume"} == {("labels",)}
    assert run.find("Engine", "engine").inputs["deleteData"] is delete
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    warning = "deleteData is set: once this is applied, `pulumi destroy` deletes the volumes with all data for good."
    assert warnings == ([warning] if delete else [])


# Secrets


def strip(value: Any) -> Any:
    """A value without the secrets in it."""
    if isinstance(value, dict):
        return {key: strip(part) for key, part in value.items()}
    return [strip(part) for part in value] if isinstance(value, list) else None if isinstance(value, Secret) else value


def test_no_password_is_in_clear_anywhere_nor_anything_made_of_one(run: Run) -> None:
    shown = json.dumps([[strip(one.inputs), one.provider] for one in run.resources] + [run.outputs, strip(run.exports)])
    files = [run.find("VolumeFiles", name).inputs["files"] for name in ("server", "redis")]
    assert all(isinstance(one, Secret) for one in files)
    made = secret_of(password_of("server-superuser"))
    assert [word for word in ("s3cret", "SCRAM-SHA-256", made.rpartition("$")[2], "resetpass") if word in shown] == []


def test_a_container_knows_no_password_and_its_volume_what_checks_one(run: Run) -> None:
    for name in ("server", "adminer", "redis"):
        inputs = run.find("Container", name).inputs
        assert strip(inputs) == inputs
    assert run.find("VolumeFiles", "server").inputs == {
        "url": SOCKET,
        "volume": "pgstack-local-control",
        "files": Secret({"secret": secret_of(password_of("server-superuser"))}),
        "image": "postgres:15-alpine",
        "shared": False,
    }
    assert "s3cret" not in run.find("VolumeFiles", "redis").inputs["files"].value["redis.conf"]
    assert run.find("ContainerServer", "server").inputs["password"] == Secret(password_of("server-superuser"))


# The contract; see docs/reference/outputs.md


def contract(name: str, migration: str | None) -> dict[str, Any]:
    application = name.removesuffix("_test")
    users = {role: f"{application}_{role}" for role in ("owner", "app", "readonly")}

    def url(role: str, where: str) -> Secret:
        return Secret(f"postgresql://{users[role]}:s3cret%2F{application}-{role}@{where}/{name}?sslmode=disable")

    def environment(endpoint: dict[str, Any]) -> dict[str, Any]:
        return {
            "DATABASE_URL": url("app", f"{endpoint['host']}:{endpoint['port']}"),
            "PGHOST": endpoint["host"],
            "PGPORT": str(endpoint["port"]),
            "PGDATABASE": name,
            "PGUSER": users["app"],
            "PGPASSWORD": Secret(password_of(f"{application}-app")),
            "PGSSLMODE": "disable",
        }

    return {
        "name": name,
        "endpoints": {"host": HOST, "network": NETWORK},
        "roles": {role: {"user": user, "url": url(role, "127.0.0.1:5433")} for role, user in users.items()},
        "environment": environment(HOST),
        "networkEnvironment": environment(NETWORK),
        "migration": migration,
    }


def test_the_outputs_of_a_stack_in_containers(run: Run) -> None:
    def redis(host: str) -> dict[str, Any]:
        return {
            "REDIS_URL": Secret(f"redis://:s3cret%2Fredis-password@{host}:6379/0"),
            "REDIS_HOST": host,
            "REDIS_PORT": "6379",
            "REDIS_PASSWORD": Secret(password_of("redis-password")),
        }

    assert run.exports == {
        "server": {
            "target": "docker",
            "version": 15,
            "host": HOST,
            "network": NETWORK,
            "docker": {
                "engine": SOCKET,
                "container": "pgstack-local-postgres",
                "network": "pgstack-local",
                "volume": "pgstack-local-data",
                "backupVolume": "pgstack-local-backups",
            },
        },
        "redis": {
            "endpoints": {"host": {"host": "127.0.0.1", "port": 6379}, "network": {"host": "redis", "port": 6379}},
            "environment": redis("127.0.0.1"),
            "networkEnvironment": redis("redis"),
        },
        "adminer": {"url": "http://127.0.0.1:8080"},
        "databases": {"shop": {**contract("shop", "1"), "test": contract("shop_test", "1")}, "notes": contract("notes", None)},
    }


def test_mistakes_end_the_program_before_an_engine_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "find", lambda *_arguments: pytest.fail("an engine was looked for"))
    with pytest.raises(pulumi.RunError, match=r"pgstack:docker\.aliases = \[\]: is empty"):
        up(monkeypatch, docker={"aliases": []})
