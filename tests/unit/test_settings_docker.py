"""The settings of target `docker`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from components import settings
from components.settings import AdminerSettings, DockerSettings, HealthSettings, RedisSettings, ServerParameters, Settings, SettingsError

DIGEST = f"sha256:{'0' * 64}"
WHOLE = "must be a whole number, without quotes or units"
NUMBER = "must be a number, without quotes or units"
EMPTY = "is empty: give a value, or take it out"
NO_NAME = "must look like ^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,127}$"
NO_IMAGE = "must look like ^[a-z0-9][a-zA-Z0-9._/:-]{0,254}$"
NO_ADDRESS = "is no address: give one like 127.0.0.1 or ::1, or 0.0.0.0 for all of this machine's"
NO_LABEL = "is no host name: letters, digits and -, 63 at most"
PINNED = "has a digest in it: leave it out; the server's is set as `digest`"


def parse(*, encrypted: tuple[str, ...] = (), target: str = "docker", **keys: Any) -> Settings:
    """Parses settings as the engine hands them over: text as it is, everything else as JSON."""
    config = {"target": target, **keys}
    return settings.parse(
        {f"pgstack:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()},
        encrypted=[f"pgstack:{key}" for key in encrypted],
    )


def docker(**keys: Any) -> DockerSettings:
    return parse(docker=keys).docker


def problems(**keys: Any) -> list[str]:
    """The lines of the one error that settings give, without its frame."""
    with pytest.raises(SettingsError) as caught:
        parse(**keys)
    return [line.removeprefix("  pgstack:") for line in Exception.__str__(caught.value).splitlines()[1:]]


def refused(**keys: Any) -> list[str]:
    """The same of keys of `docker`."""
    return [line.removeprefix("docker") for line in problems(docker=keys)]


# What is accepted


def test_everything_has_a_default() -> None:
    assert parse() == Settings(target="docker", version=18, port=5432, parameters=ServerParameters(), docker=DockerSettings())
    assert docker().model_dump() == {
        "host": None,
        "image": None,
        "digest": None,
        "pull_policy": "missing",
        "name": None,
        "network": None,
        "aliases": ("database",),
        "volume": None,
        "adopt_volume": False,
        "backup_volume": None,
        "publish": True,
        "addresses": ("127.0.0.1", "::1"),
        "health": {"interval": 10, "timeout": 5, "retries": 5, "start_period": 30},
        "start_timeout": 120,
        "restart": "unless-stopped",
        "stop_timeout": 120,
        "memory": None,
        "cpus": None,
        "shm_size": 128,
        "log_max_size": "10m",
        "log_max_files": 3,
        "read_only": True,
        "adminer": {"enabled": False, "image": "adminer:4.8.1", "port": 8080, "address": "127.0.0.1", "name": None},
        "redis": {
            "enabled": False,
            "image": "redis:7.4-alpine",
            "port": 6379,
            "address": "127.0.0.1",
            "name": None,
            "alias": "redis",
            "volume": None,
            "maxmemory": "128mb",
            "maxmemory_policy": "noeviction",
        },
    }


def test_a_value_of_every_key_gets_there() -> None:
    keys: dict[str, Any] = {
        "host": "unix:///run/podman/podman.sock",
        "image": "registry.example.com:5000/team/postgres:15.6-bookworm",
        "digest": DIGEST,
        "pullPolicy": "never",
        "name": "db",
        "network": "net_1",
        "aliases": ["db", "database"],
        "volume": "the.data",
        "adoptVolume": True,
        "backupVolume": "dumps",
        "publish": True,
        "addresses": ["0.0.0.0"],
        "health": {"interval": 1, "timeout": 2, "retries": 3, "startPeriod": 0},
        "startTimeout": 1,
        "restart": "on-failure",
        "stopTimeout": 3600,
        "memory": 64,
        "cpus": 1.5,
        "shmSize": 64,
        "logMaxSize": "1g",
        "logMaxFiles": 100,
        "readOnly": False,
        "adminer": {"enabled": True, "image": "adminer", "port": 1, "address": "::1", "name": "page"},
        "redis": {
            "enabled": True,
            "image": "redis:7",
            "port": 65535,
            "address": "::",
            "name": "cache",
            "alias": "cache",
            "volume": "cached",
            "maxmemory": "1gb",
            "maxmemoryPolicy": "allkeys-lru",
        },
    }
    read = docker(**keys).model_dump(mode="json", by_alias=True)
    assert read == keys


def test_the_keys_are_no_others_than_those() -> None:
    """A key without a test of its limits would be noticed here."""
    counts = [len(model.model_fields) for model in (DockerSettings, HealthSettings, AdminerSettings, RedisSettings)]
    assert counts == [24, 4, 5, 9]


@pytest.mark.parametrize("version", [15, 16, 17, 18])
def test_every_version_runs_in_a_container(version: int) -> None:
    assert parse(version=version).version == version


def test_a_server_in_a_container_listens_where_the_settings_say() -> None:
    assert parse(parameters={"listen_addresses": "127.0.0.1"}).parameters.listen_addresses == "127.0.0.1"
    assert parse(parameters={"max_connections": 200, "listen_addresses": "*"}).parameters.as_text()["listen_addresses"] == "*"


@pytest.mark.parametrize(
    "host", ["unix:///run/docker.sock", "tcp://10.0.0.1:2376", "ssh://me@db.example.com", "npipe:////./pipe/docker_engine"]
)
def test_an_engine_has_one_of_four_kinds_of_address(host: str) -> None:
    assert docker(host=host).host == host


def test_what_is_not_there_may_have_the_name_and_the_port_of_what_is() -> None:
    off = {"port": 5432, "name": "db"}
    assert docker(name="db", volume="db", aliases=["redis", "adminer"], adminer=off, redis={**off, "volume": "db"})
    unpublished = {"publish": False, "adminer": {"enabled": True, "port": 5432}}
    assert parse(docker=unpublished).docker.adminer.port == 5432


def test_a_digest_may_be_pulled_once() -> None:
    assert [docker(digest=DIGEST, pullPolicy=policy).digest for policy in ("missing", "never")] == [DIGEST, DIGEST]


# The limits of each key


NUMBERS = [
    ("startTimeout", 1, 3600),
    ("stopTimeout", 1, 3600),
    ("logMaxFiles", 1, 100),
    ("memory", 64, None),
    ("shmSize", 64, None),
    ("health.interval", 1, 3600),
    ("health.timeout", 1, 3600),
    ("health.retries", 1, 100),
    ("health.startPeriod", 0, 3600),
    ("adminer.port", 1, 65535),
    ("redis.port", 1, 65535),
]


def nested(key: str, value: Any) -> dict[str, Any]:
    for part in reversed(key.split(".")):
        value = {part: value}
    return dict(value)


@pytest.mark.parametrize(("key", "least", "most"), NUMBERS)
def test_a_number_has_its_limits(key: str, least: int, most: int | None) -> None:
    ends = [least, most or 10**6]
    assert [docker(**nested(key, number)) is not None for number in ends] == [True, True]
    assert refused(**nested(key, least - 1)) == [f".{key} = {least - 1}: must be at least {least}"]
    if most:
        assert refused(**nested(key, most + 1)) == [f".{key} = {most + 1}: must be at most {most}"]
    for wrong in (f"{least}", least + 0.5, True, None):
        if wrong is not None or key != "memory":
            assert refused(**nested(key, wrong)) == [f".{key} = {json.dumps(wrong)}: {WHOLE}"]


@pytest.mark.parametrize(
    ("cpus", "problem"),
    [
        (0, "must be more than 0"),
        (-1.5, "must be more than 0"),
        (1025, "must be at most 1024"),
        (True, NUMBER),
        ("2", NUMBER),
        ([], NUMBER),
    ],
)
def test_processors_are_a_number_above_zero(cpus: Any, problem: str) -> None:
    assert refused(cpus=cpus) == [f".cpus = {json.dumps(cpus)}: {problem}"]
    assert [docker(cpus=many).cpus for many in (0.01, 1024)] == [0.01, 1024.0]


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("host", "/run/docker.sock", "must look like ^(unix|tcp|npipe|ssh)://.+$"),
        ("host", "http://db", "must look like ^(unix|tcp|npipe|ssh)://.+$"),
        ("host", "unix://", "must look like ^(unix|tcp|npipe|ssh)://.+$"),
        ("image", "", NO_IMAGE),
        ("image", "post gres", NO_IMAGE),
        ("image", "-rm", NO_IMAGE),
        ("image", "a" * 256, NO_IMAGE),
        ("image", f"postgres:15@{DIGEST}", PINNED),
        ("image", 15, "must be text; put quotes around it"),
        ("adminer.image", f"adminer@{DIGEST}", PINNED),
        ("redis.image", f"redis@{DIGEST}", PINNED),
        ("redis.image", "re dis", NO_IMAGE),
        ("digest", "sha256:abc", "must look like ^sha256:[0-9a-f]{64}$"),
        ("digest", DIGEST.upper(), "must look like ^sha256:[0-9a-f]{64}$"),
        ("pullPolicy", "sometimes", "must be missing, always or never"),
        ("restart", "maybe", "must be no, always, on-failure or unless-stopped"),
        ("restart", False, "must be no, always, on-failure or unless-stopped"),
        ("name", "a", NO_NAME),
        ("name", "-db", NO_NAME),
        ("name", "d/b", NO_NAME),
        ("name", "d" * 129, NO_NAME),
        ("network", "my net", NO_NAME),
        ("volume", "/srv/data", NO_NAME),
        ("backupVolume", "../x", NO_NAME),
        ("adminer.name", " ", NO_NAME),
        ("redis.name", "ü", NO_NAME),
        ("redis.volume", "", NO_NAME),
        ("aliases", [], EMPTY),
        ("aliases", "database", "must be a list"),
        ("aliases[0]", "a.b", NO_LABEL),
        ("aliases[0]", "a" * 64, NO_LABEL),
        ("redis.alias", "re dis", NO_LABEL),
        ("redis.alias", "-redis", NO_LABEL),
        ("addresses", [], EMPTY),
        ("addresses[0]", "localhost", NO_ADDRESS),
        ("addresses[0]", "127.0.0.1:5432", NO_ADDRESS),
        ("addresses[0]", "127.0.0.256", NO_ADDRESS),
        ("adminer.address", "*", NO_ADDRESS),
        ("redis.address", "::g", NO_ADDRESS),
        ("adoptVolume", "perhaps", "must be true or false"),
        ("publish", 5432, "must be true or false"),
        ("readOnly", None, "must be true or false"),
        ("adminer.enabled", "perhaps", "must be true or false"),
        ("redis.enabled", 2, "must be true or false"),
        ("logMaxSize", "10", "must look like ^[1-9][0-9]*[kmg]$"),
        ("logMaxSize", "0m", "must look like ^[1-9][0-9]*[kmg]$"),
        ("redis.maxmemory", "128MB", "must look like ^[1-9][0-9]*(b|kb?|mb?|gb?)$"),
        ("redis.maxmemory", "half", "must look like ^[1-9][0-9]*(b|kb?|mb?|gb?)$"),
        (
            "redis.maxmemoryPolicy",
            "lru",
            "must be noeviction, allkeys-lru, allkeys-lfu, allkeys-random, volatile-lru, volatile-lfu, volatile-random or volatile-ttl",
        ),
        ("health", 10, "must be an object: key: value lines below it"),
        ("adminer", True, "must be an object: key: value lines below it"),
        ("redis", "yes", "must be an object: key: value lines below it"),
    ],
)
def test_a_wrong_value_is_told_with_key_value_and_fix(key: str, value: Any, problem: str) -> None:
    plain = key.removesuffix("[0]")
    (line,) = refused(**nested(plain, value if plain == key else [value]))
    shown = json.dumps(value, ensure_ascii=False)
    assert line == f".{key} = {shown if len(shown) <= 100 else shown[:100] + '…'}: {problem}"


def test_an_object_it_has_to_be() -> None:
    assert problems(docker="yes") == ['docker = "yes": must be an object: key: value lines below it']


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("pullpolicy", "did you mean 'pullPolicy'?"),
        ("adopt_volume", "did you mean 'adoptVolume'?"),
        ("health.start_period", "did you mean 'startPeriod'?"),
        ("health.zz", "the keys are interval, timeout, retries, startPeriod"),
        ("adminer.adress", "did you mean 'address'?"),
        ("adminer.zz", "the keys are enabled, image, port, address, name"),
        ("redis.maxMemory", "did you mean 'maxmemory'?"),
        ("redis.zz", "the keys are enabled, image, port, address, name, alias, volume, maxmemory, maxmemoryPolicy"),
    ],
)
def test_a_key_that_there_is_not_is_told_with_the_one_that_was_meant(key: str, hint: str) -> None:
    assert refused(**nested(key, 1)) == [f".{key} = 1: there is no such key; {hint}"]


def test_a_key_that_is_like_no_other_is_told_with_all_there_are() -> None:
    (line,) = refused(zz=1)
    head, _, keys = line.partition("; the keys are ")
    assert head == ".zz = 1: there is no such key"
    assert keys.split(", ") == list(docker().model_dump(by_alias=True))


# Rules between them


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"adminer": {"port": 5432}}, ["adminer.port = 5432: is that of pgstack:port: give one of them another port"]),
        ({"redis": {"port": 5432}}, ["redis.port = 5432: is that of pgstack:port: give one of them another port"]),
        ({"redis": {"port": 8080}}, ["redis.port = 8080: is that of pgstack:docker.adminer.port: give one of them another port"]),
        ({"publish": False, "adminer": {"port": 5432}}, []),
        (
            {"redis": {"alias": "database"}},
            ['redis.alias = "database": is that of pgstack:docker.aliases[0]: give one of them another name'],
        ),
        ({"aliases": ["db", "redis"]}, ['redis.alias = "redis": is that of pgstack:docker.aliases[1]: give one of them another name']),
        ({"aliases": ["adminer"]}, ['aliases[0] = "adminer": is that of pgstack:docker.adminer: give one of them another name']),
        ({"redis": {"alias": "adminer"}}, ['redis.alias = "adminer": is that of pgstack:docker.adminer: give one of them another name']),
        ({"aliases": ["db", "db"]}, ['aliases[1] = "db": is that of pgstack:docker.aliases[0]: give one of them another name']),
        ({"name": "x1", "redis": {"name": "x1"}}, ['redis.name = "x1": is that of pgstack:docker.name: give one of them another name']),
        (
            {"adminer": {"name": "x1"}, "redis": {"name": "x1"}},
            ['redis.name = "x1": is that of pgstack:docker.adminer.name: give one of them another name'],
        ),
        (
            {"volume": "x1", "backupVolume": "x1", "redis": {"volume": "x1"}},
            [
                'backupVolume = "x1": is that of pgstack:docker.volume: give one of them another name',
                'redis.volume = "x1": is that of pgstack:docker.volume: give one of them another name',
            ],
        ),
        ({"name": "x1", "volume": "x1", "network": "x1", "aliases": ["x1"]}, []),
        (
            {"addresses": ["::1", "0:0:0:0:0:0:0:1"]},
            ['addresses[1] = "::1": is that of pgstack:docker.addresses[0]: give one of them another address'],
        ),
        ({"addresses": ["10.0.0.7", "0.0.0.0"]}, ["addresses: 0.0.0.0 has all others of its kind in it: take them out"]),
        ({"addresses": ["::", "127.0.0.1", "::1"]}, ["addresses: :: has all others of its kind in it: take them out"]),
        ({"addresses": ["0.0.0.0", "::"]}, []),
        (
            {"digest": DIGEST, "pullPolicy": "always"},
            ["digest: names one image for good, and pullPolicy `always` asks for newer ones: take one of them out"],
        ),
    ],
)
def test_what_does_not_go_together(keys: dict[str, Any], expected: list[str]) -> None:
    for companion in ("adminer", "redis"):
        keys = {**keys, companion: {"enabled": True, **keys.get(companion, {})}}
    if expected:
        assert refused(**keys) == [f".{line}" for line in expected]
    else:
        assert docker(**keys)


def test_a_port_that_cannot_be_read_hides_no_other_mistake() -> None:
    both = {"enabled": True, "port": 7000}
    assert problems(port="five", docker={"adminer": both, "redis": both, "cpus": 0}) == [
        f'port = "five": {WHOLE}',
        "docker.cpus = 0: must be more than 0",
    ]
    assert problems(port=0, docker={"adminer": both, "redis": both}) == [
        "port = 0: must be at least 1",
        "docker.redis.port = 7000: is that of pgstack:docker.adminer.port: give one of them another port",
    ]


def test_all_mistakes_are_told_in_one_error() -> None:
    keys = {"pullPolicy": "no", "health": {"retries": 0}, "adminer": {"prot": 1}, "aliases": ["a b"]}
    assert problems(version=14, docker=keys, databases=[{"name": "postgres"}], external={"host": "db"}) == [
        "version = 14: must be 15, 16, 17 or 18",
        'docker.pullPolicy = "no": must be missing, always or never',
        'docker.aliases[0] = "a b": is no host name: letters, digits and -, 63 at most',
        "docker.health.retries = 0: must be at least 1",
        "docker.adminer.prot = 1: there is no such key; did you mean 'port'?",
        "databases[0].name = \"postgres\": is reserved: choose another name, for example 'postgres_app'",
        "external: belongs to target external, and this one is docker: take it out",
    ]


# Keys of one target on another


@pytest.mark.parametrize(
    ("target", "keys", "expected"),
    [
        (
            "docker",
            {"dataDirectory": "data"},
            ['dataDirectory = "data": belongs to target embedded: the data is in a volume, set pgstack:docker.volume instead'],
        ),
        ("docker", {"external": {"host": "db"}}, ["external: belongs to target external, and this one is docker: take it out"]),
        (
            "docker",
            {"databases": [{"name": "shop", "login": {"user": "me", "passwordVariable": "X"}}]},
            ["databases[0].login: belongs to target external, and this one is docker: take it out"],
        ),
        ("docker", {"version": 14}, ["version = 14: must be 15, 16, 17 or 18"]),
        ("docker", {"version": 19}, ["version = 19: must be 15, 16, 17 or 18"]),
        ("docker", {"parameters": {"port": 5433}}, ["parameters.port = 5433: is not yours to set: set pgstack:port instead"]),
        ("docker", {"parameters": {"listen_addresses": ""}}, [f'parameters.listen_addresses = "": {EMPTY}']),
        (
            "docker",
            {"parameters": {"data_directory": "/x"}},
            ['parameters.data_directory = "/x": is not yours to set: set pgstack:dataDirectory, or pgstack:docker.volume, instead'],
        ),
        (
            "embedded",
            {"docker": {"publish": False}},
            ['docker = {"publish": false}: belongs to target docker, and this one is embedded: take it out'],
        ),
        ("embedded", {"version": 15}, ["version = 15: the embedded server is PostgreSQL 18: take it out, or set target docker"]),
        ("embedded", {"version": 16}, ["version = 16: the embedded server is PostgreSQL 18: take it out, or set target docker"]),
        ("embedded", {"version": 17}, ["version = 17: the embedded server is PostgreSQL 18: take it out, or set target docker"]),
        ("embedded", {"version": 14}, ["version = 14: must be 15, 16, 17 or 18"]),
        (
            "external",
            {"docker": {"publish": False}},
            [
                'docker = {"publish": false}: belongs to target docker, and this one is external: take it out',
                "external.host: is missing: name the server",
                "databases: is empty: name the databases to migrate, or set pgstack:external.manageRoles",
            ],
        ),
    ],
)
def test_a_key_of_another_target_is_refused_with_what_to_do(target: str, keys: dict[str, Any], expected: list[str]) -> None:
    assert problems(target=target, **keys) == expected


def test_what_is_wrong_in_the_settings_of_another_target_is_not_told_beside_it() -> None:
    assert problems(target="embedded", docker={"publsh": 1}) == [
        'docker = {"publsh": 1}: belongs to target docker, and this one is embedded: take it out'
    ]


def test_the_engines_defaults_for_keys_of_another_target_are_no_settings() -> None:
    defaults: dict[str, Any] = {"version": 18, "dataDirectory": ".pgstack/data", "external": {}, "docker": {}}
    assert parse(**defaults) == parse()
    assert parse(target="embedded", **defaults) == parse(target="embedded")


# Secrets


def test_nothing_is_shown_of_a_key_that_has_an_encrypted_value() -> None:
    lines = problems(
        encrypted=("docker",), docker={"image": "s3cret image", "host": "s3cret", "zz": "s3cret", "redis": {"alias": "s3 cret"}}
    )
    assert [line.partition(" = ")[0] for line in lines] == ["docker.host", "docker.image", "docker.redis.alias", "docker.zz"]
    assert all("= [secret]: " in line for line in lines)
    assert problems(target="embedded", encrypted=("docker",), docker={"image": "s3cret"}) == [
        "docker = [secret]: belongs to target docker, and this one is embedded: take it out"
    ]


def test_a_key_that_looks_like_a_password_is_not_shown() -> None:
    (line,) = refused(redis={"password": "hunter2"})
    assert line.startswith(".redis.password = [secret]: there is no such key; ")
