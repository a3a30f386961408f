from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import configuration
from components import settings
from components.settings import (
    KEPT_PARAMETERS,
    DatabaseSettings,
    DockerSettings,
    ExternalSettings,
    RoleNames,
    ServerParameters,
    Settings,
    SettingsError,
)
from migrator import formats

ROOT = Path(__file__).resolve().parents[2]
KEYS = "target, version, port, dataDirectory, deleteData, parameters, docker, external, databases"
ENTRY_KEYS = "name, migrations, format, targetVersion, allowRollback, lockTimeout, extensions, testTwin, roles, login"
NO_IDENTIFIER = "is no identifier: start with a letter or '_' and go on with letters, digits, '_', '-' or '$'"


def parse(**keys: Any) -> Settings:
    """Parses settings handed over as the engine does: text as it is, everything else as JSON."""
    return settings.parse({f"pgstack:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in keys.items()})


def problems(**keys: Any) -> list[str]:
    """The lines of the one error that settings give, without its frame, which is the same for all."""
    with pytest.raises(SettingsError) as caught:
        parse(**keys)
    head, *lines = Exception.__str__(caught.value).splitlines()
    assert head == ("1 setting cannot be used:" if len(lines) == 1 else f"{len(lines)} settings cannot be used:")
    assert caught.value.hint == "Every key is described in docs/reference/settings.md. Nothing was changed."
    assert all(line.startswith("  pgstack:") for line in lines)
    return [line[2:] for line in lines]


def databases(*entries: dict[str, Any]) -> list[str]:
    return problems(databases=list(entries))


# What is accepted


def test_everything_has_a_default() -> None:
    assert settings.parse({}) == Settings(
        target="embedded",
        version=18,
        port=5432,
        dataDirectory=".pgstack/data",
        deleteData=False,
        parameters=ServerParameters(max_connections=100, shared_buffers="128MB"),
        external=ExternalSettings(),
        databases=(),
    )


def test_a_value_of_every_kind_arrives_as_text_and_gets_its_type() -> None:
    parsed = settings.parse(
        {
            "pgstack:target": "embedded",
            "pgstack:version": "18",
            "pgstack:port": "6543",
            "pgstack:dataDirectory": "12",
            "pgstack:deleteData": "true",
            "pgstack:parameters": '{"max_connections": 200, "fsync": false, "work_mem": "4MB", "pg_stat_statements.max": 1000}',
            "pgstack:databases": '[{"name": "shop", "migrations": "db/steps/", "format": "soda", "extensions": ["pgcrypto", "uuid-ossp"],'
            ' "testTwin": true, "roles": {"owner": "boss"}, "targetVersion": "0012", "allowRollback": true, "lockTimeout": 60}]',
        }
    )
    assert parsed.model_dump() == {
        "docker": DockerSettings().model_dump(),
        "target": "embedded",
        "version": 18,
        "port": 6543,
        "data_directory": "12",
        "delete_data": True,
        "parameters": {
            "listen_addresses": None,
            "max_connections": 200,
            "shared_buffers": "128MB",
            "fsync": False,
            "work_mem": "4MB",
            "pg_stat_statements.max": 1000,
        },
        "external": {
            "host": None,
            "port": 5432,
            "sslmode": None,
            "root_certificate": None,
            "allow_plaintext": False,
            "login": None,
            "manage_roles": False,
            "database": "postgres",
        },
        "databases": (
            {
                "name": "shop",
                "migrations": "db/steps",
                "format": "soda",
                "target_version": "0012",
                "allow_rollback": True,
                "lock_timeout": 60,
                "extensions": ("pgcrypto", "uuid-ossp"),
                "test_twin": True,
                "roles": {"owner": "boss", "app": None, "readonly": None},
                "login": None,
            },
        ),
    }


def test_keys_of_other_namespaces_are_left_alone() -> None:
    assert settings.parse({"aws:region": "eu-central-1", "pgstackx:port": "no", "port": "no", "other:pgstack:port": "no"}) == Settings()


@pytest.mark.parametrize("port", [1, 65535])
def test_the_ports_at_both_ends_are_accepted(port: int) -> None:
    assert parse(port=port).port == port


def test_names_of_roles_and_twin_are_made_from_the_database_unless_they_are_given() -> None:
    plain, named = DatabaseSettings(name="shop"), DatabaseSettings(name="shop", testTwin=True, roles=RoleNames(app="till"))
    assert (plain.owner, plain.app, plain.readonly, plain.twin) == ("shop_owner", "shop_app", "shop_readonly", None)
    assert (named.owner, named.app, named.readonly, named.twin) == ("shop_owner", "till", "shop_readonly", "shop_test")


def test_a_long_database_name_is_usable_with_short_names_for_its_roles() -> None:
    name = "a" * 63
    entry = {"name": name, "roles": {"owner": "o", "app": "w", "readonly": "r"}}
    assert parse(databases=[entry]).databases[0].name == name


def test_an_extension_may_have_any_name_that_an_extension_has() -> None:
    """The names of roles are PostgreSQL's from `pg_` on; those of extensions are not."""
    wanted = ["pg_trgm", "pg_stat_statements", "uuid-ossp", "vector"]
    assert list(parse(databases=[{"name": "shop", "extensions": wanted}]).databases[0].extensions) == wanted


def test_settings_cannot_be_changed_once_they_are_made() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_parameters_as_text_are_words_of_postgresql_conf_sorted_by_name() -> None:
    parsed = parse(parameters={"work_mem": "4MB", "fsync": False, "jit": True, "seq_page_cost": 1.5, "max_wal_senders": 0})
    assert list(parsed.parameters.as_text().items()) == [
        ("fsync", "off"),
        ("jit", "on"),
        ("max_connections", "100"),
        ("max_wal_senders", "0"),
        ("seq_page_cost", "1.5"),
        ("shared_buffers", "128MB"),
        ("work_mem", "4MB"),
    ]


@pytest.mark.parametrize("stack", ["local", "dev"])
def test_the_stack_files_of_this_repository_are_usable(stack: str) -> None:
    config = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text(encoding="utf-8"))["config"]
    parsed = settings.parse({key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()})
    assert {database.name for database in parsed.databases} >= {"usualstore", "kennwilliamson"}


# What is refused


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"targt": "x"}, ["pgstack:targt = \"x\": there is no such key; did you mean 'target'?"]),
        ({"data_directory": "x"}, ["pgstack:data_directory = \"x\": there is no such key; did you mean 'dataDirectory'?"]),
        ({"zzzz": "{}"}, [f"pgstack:zzzz = {{}}: there is no such key; the keys are {KEYS}"]),
        ({"port": 0}, ["pgstack:port = 0: must be at least 1"]),
        ({"port": -1}, ["pgstack:port = -1: must be at least 1"]),
        ({"port": 65536}, ["pgstack:port = 65536: must be at most 65535"]),
        ({"port": "five"}, ['pgstack:port = "five": must be a whole number, without quotes or units']),
        ({"port": "5432 "}, []),
        ({"port": 5432.5}, ["pgstack:port = 5432.5: must be a whole number, without quotes or units"]),
        ({"port": "null"}, ["pgstack:port = null: must be a whole number, without quotes or units"]),
        ({"port": [1]}, ["pgstack:port = [1]: must be a whole number, without quotes or units"]),
        ({"target": "dockr"}, ['pgstack:target = "dockr": must be embedded, docker or external']),
        ({"version": 17}, ["pgstack:version = 17: the embedded server is PostgreSQL 18: take it out, or set target docker"]),
        ({"deleteData": "maybe"}, ['pgstack:deleteData = "maybe": must be true or false']),
        ({"dataDirectory": " "}, ['pgstack:dataDirectory = " ": is no path: give one that is relative to the folder of Pulumi.yaml']),
        ({"databases": "shop"}, ['pgstack:databases = "shop": must be a list']),
        ({"databases": {"name": "shop"}}, ['pgstack:databases = {"name": "shop"}: must be a list']),
        ({"databases": ["shop"]}, ['pgstack:databases[0] = "shop": must be an object: key: value lines below it']),
        ({"databases": [{}]}, ["pgstack:databases[0].name: is missing: add it"]),
        ({"databases": [{"name": 5}]}, ["pgstack:databases[0].name = 5: must be text; put quotes around it"]),
        ({"parameters": []}, ["pgstack:parameters = []: must be an object: key: value lines below it"]),
    ],
)
def test_a_wrong_value_is_told_with_key_value_and_fix(keys: dict[str, Any], expected: list[str]) -> None:
    if expected:
        assert problems(**keys) == expected
    else:
        assert parse(**keys) == Settings()


def test_true_is_no_port() -> None:
    assert problems(port=True) == ["pgstack:port = true: must be a whole number, without quotes or units"]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"test_twin": True}, "[0].test_twin = true: there is no such key; did you mean 'testTwin'?"),
        ({"zz": 1}, f"[0].zz = 1: there is no such key; the keys are {ENTRY_KEYS}"),
        ({"roles": {"ownr": "x"}}, "[0].roles.ownr = \"x\": there is no such key; did you mean 'owner'?"),
        ({"roles": {"zz": "x"}}, '[0].roles.zz = "x": there is no such key; the keys are owner, app, readonly'),
        ({"roles": ["x"]}, '[0].roles = ["x"]: must be an object: key: value lines below it'),
        ({"targetVersion": 12}, "[0].targetVersion = 12: must be text; put quotes around it"),
        ({"allowRollback": "maybe"}, '[0].allowRollback = "maybe": must be true or false'),
        ({"lockTimeout": 0}, "[0].lockTimeout = 0: must be at least 1"),
        ({"lockTimeout": "5s"}, '[0].lockTimeout = "5s": must be a whole number, without quotes or units'),
        ({"testTwin": "maybe"}, '[0].testTwin = "maybe": must be true or false'),
        ({"format": "flyway9"}, None),
        ({"migrations": ""}, '[0].migrations = "": is no path: give one that is relative to the folder of Pulumi.yaml'),
        ({"migrations": "a\0b"}, '[0].migrations = "a\\u0000b": is no path: give one that is relative to the folder of Pulumi.yaml'),
        ({"extensions": "pgcrypto"}, '[0].extensions = "pgcrypto": must be a list'),
        ({"extensions": ["a b"]}, '[0].extensions[0] = "a b": is no name of an extension: they are like citext or uuid-ossp'),
        (
            {"roles": {"owner": "pg_monitor"}},
            "[0].roles.owner = \"pg_monitor\": starts with 'pg_', which PostgreSQL keeps for itself: choose another name",
        ),
        ({"roles": {"app": "postgres"}}, "[0].roles.app = \"postgres\": is reserved: choose another name, for example 'postgres_app'"),
    ],
)
def test_a_wrong_value_of_a_database_is_told_with_its_place(entry: dict[str, Any], expected: str | None) -> None:
    if expected is None:
        expected = '[0].format = "flyway9": is no migration format of this version: choose one of ' + ", ".join(sorted(formats.NAMES))
    assert databases({"name": "shop", **entry}) == [f"pgstack:databases{expected}"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("postgres", "is reserved: choose another name, for example 'postgres_app'"),
        ("template1", "is reserved: choose another name, for example 'template1_app'"),
        ("pg_shop", "starts with 'pg_', which PostgreSQL keeps for itself: choose another name"),
        ("", NO_IDENTIFIER),
        ("a" * 64, "is 64 bytes long, PostgreSQL keeps 63: shorten it by 1"),
        ("é" * 32, "is 64 bytes long, PostgreSQL keeps 63: shorten it by 1"),
    ],
)
def test_a_database_name_that_the_server_would_not_keep_is_refused(name: str, problem: str) -> None:
    assert databases({"name": name}) == [f"pgstack:databases[0].name = {json.dumps(name, ensure_ascii=False)}: {problem}"]


def test_names_that_become_too_long_with_their_endings_are_refused() -> None:
    name = "a" * 60
    assert databases({"name": name, "testTwin": True}) == [
        f"pgstack:databases[0].testTwin: '{name}_test' is 65 bytes long, PostgreSQL keeps 63: shorten it by 2",
        f"pgstack:databases[0].roles.owner: '{name}_owner' is 66 bytes long, PostgreSQL keeps 63: shorten it by 3",
        f"pgstack:databases[0].roles.app: '{name}_app' is 64 bytes long, PostgreSQL keeps 63: shorten it by 1",
        f"pgstack:databases[0].roles.readonly: '{name}_readonly' is 69 bytes long, PostgreSQL keeps 63: shorten it by 6",
    ]


def test_a_name_whose_longest_role_alone_is_too_long_is_refused() -> None:
    name = "a" * 55
    assert databases({"name": name}) == [
        f"pgstack:databases[0].roles.readonly: '{name}_readonly' is 64 bytes long, PostgreSQL keeps 63: shorten it by 1"
    ]


def test_a_name_whose_roles_would_start_like_the_servers_own_is_refused() -> None:
    """`CREATE ROLE pg_owner` fails: role names that start with pg_ are reserved."""
    lines = databases({"name": "pg"})
    assert [line.partition(": ")[0] for line in lines] == [
        "pgstack:databases[0].roles.owner",
        "pgstack:databases[0].roles.app",
        "pgstack:databases[0].roles.readonly",
    ]


def test_two_databases_of_one_name_are_refused_with_their_roles() -> None:
    assert databases({"name": "shop"}, {"name": "shop"}) == [
        "pgstack:databases[1].name: the database 'shop' is taken by pgstack:databases[0].name: give one of them another name",
        *(
            f"pgstack:databases[1].roles.{role}: the role 'shop_{role}' is taken by pgstack:databases[0].roles.{role}: "
            "give one of them another name"
            for role in ("owner", "app", "readonly")
        ),
    ]


def test_a_database_named_like_the_twin_of_another_is_refused() -> None:
    assert databases({"name": "shop", "testTwin": True}, {"name": "shop_test"}) == [
        "pgstack:databases[0].testTwin: the database 'shop_test' is taken by pgstack:databases[1].name: give one of them another name"
    ]


def test_one_name_for_two_roles_of_a_database_is_refused() -> None:
    assert databases({"name": "shop", "roles": {"owner": "x", "app": "x"}}) == [
        "pgstack:databases[0].roles.app: the role 'x' is taken by pgstack:databases[0].roles.owner: give one of them another name"
    ]


def test_one_name_for_roles_of_two_databases_is_refused() -> None:
    assert databases({"name": "shop"}, {"name": "till", "roles": {"readonly": "shop_app"}}) == [
        "pgstack:databases[1].roles.readonly: the role 'shop_app' is taken by pgstack:databases[0].roles.app: give one of them another name"
    ]


# Parameters of the server


@pytest.mark.parametrize(("name", "instead"), sorted(KEPT_PARAMETERS.items()))
def test_a_parameter_that_is_kept_says_what_to_set_instead(name: str, instead: str) -> None:
    assert problems(parameters={name: "x"}) == [f'pgstack:parameters.{name} = "x": is not yours to set: {instead}']


def test_every_parameter_that_the_server_has_for_itself_is_kept() -> None:
    """One that is not would be overwritten without a word."""
    tried = dict.fromkeys(["port", "unix_socket_directories", "unix_socket_permissions", "listen_addresses", "password_encryption"], "user")
    text = configuration.server(port=1, socket_directory=Path("/s"), parameters=tried)
    overwritten = {name for name in tried if f"{name} = 'user'" not in text}
    assert overwritten <= KEPT_PARAMETERS.keys() | {"listen_addresses"}


def test_an_embedded_server_listens_on_loopback_alone() -> None:
    assert problems(parameters={"listen_addresses": "*"}) == [
        "pgstack:parameters.listen_addresses: is not yours to set: the embedded server listens on loopback alone"
    ]


@pytest.mark.parametrize("name", ["Bad-Name", "work mem", "", "a.b.c", "1a", "a\nport", "WORK_MEM"])
def test_a_name_that_no_parameter_has_is_refused(name: str) -> None:
    assert problems(parameters={name: 1}) == [
        f"pgstack:parameters[{json.dumps(name)}] = 1: is no parameter of PostgreSQL: they are lower case, like log_min_duration_statement"
    ]


def test_limits_of_the_parameters_that_are_checked_here() -> None:
    assert problems(parameters={"max_connections": 9, "shared_buffers": "lots"}) == [
        "pgstack:parameters.max_connections = 9: must be at least 10",
        'pgstack:parameters.shared_buffers = "lots": must look like ^\\d+(kB|MB|GB)$',
    ]


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_a_parameter_that_is_no_scalar_is_one_problem(value: Any) -> None:
    (line,) = problems(parameters={"work_mem": value})
    assert line.startswith(f"pgstack:parameters.work_mem = {json.dumps(value)}: must be ")


def test_every_wrong_parameter_is_told() -> None:
    lines = problems(parameters={"port": 1, "data_directory": "x", "Bad-Name": 1, "max_connections": 5})
    assert sorted(line.partition(" = ")[0] for line in lines) == [
        "pgstack:parameters.data_directory",
        "pgstack:parameters.max_connections",
        "pgstack:parameters.port",
        'pgstack:parameters["Bad-Name"]',
    ]


# All mistakes at once


def test_all_mistakes_are_told_in_one_error() -> None:
    assert problems(
        target="dokcer",
        version=14,
        port="five",
        bogus=1,
        databases=[{"name": "postgres"}, {"name": "shop", "format": 7, "extra": []}],
        parameters={"max_connections": 1},
    ) == [
        'pgstack:target = "dokcer": must be embedded, docker or external',
        "pgstack:version = 14: must be 15, 16, 17 or 18",
        'pgstack:port = "five": must be a whole number, without quotes or units',
        "pgstack:parameters.max_connections = 1: must be at least 10",
        "pgstack:databases[0].name = \"postgres\": is reserved: choose another name, for example 'postgres_app'",
        "pgstack:databases[1].format = 7: must be text; put quotes around it",
        f"pgstack:databases[1].extra = []: there is no such key; the keys are {ENTRY_KEYS}",
        f"pgstack:bogus = 1: there is no such key; the keys are {KEYS}",
    ]


def test_clashing_names_are_told_beside_other_mistakes() -> None:
    told = "\n".join(problems(port=0, databases=[{"name": "shop"}, {"name": "shop"}]))
    assert "pgstack:port = 0: must be at least 1" in told
    assert "pgstack:databases[1].name: the database 'shop' is taken" in told


@pytest.mark.parametrize("value", ["w" * 200, "w" * 120 + " x", "x " * 100])
def test_a_long_value_is_cut_but_recognisable(value: str) -> None:
    (line,) = problems(targt=value)
    shown = line.removeprefix("pgstack:targt = ").removesuffix(": there is no such key; did you mean 'target'?")
    assert shown == json.dumps(value)[:100] + "…"
