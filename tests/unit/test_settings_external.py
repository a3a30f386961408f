"""The settings of target `external`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from components import settings
from components.settings import ExternalSettings, LoginSettings, Settings, SettingsError

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "external"
ENVIRONMENT = {"SHOP_PASSWORD": "hunter2", "EMPTY": ""}
LOGIN = {"user": "shop", "passwordVariable": "SHOP_PASSWORD"}
SERVER = {"host": "db.example.com", "login": LOGIN}
SHOP = {"name": "shop"}


def parse(*, encrypted: tuple[str, ...] = (), **keys: Any) -> Settings:
    """Parses settings of target `external` as the engine hands them over."""
    config = {"target": "external", "external": SERVER, **keys}
    return settings.parse(
        {f"pgstack:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()},
        encrypted=[f"pgstack:{key}" for key in encrypted],
        environment=ENVIRONMENT,
    )


def problems(**keys: Any) -> list[str]:
    """The lines of the one error that settings give, without its frame."""
    with pytest.raises(SettingsError) as caught:
        parse(**keys)
    return [line.removeprefix("  pgstack:") for line in Exception.__str__(caught.value).splitlines()[1:]]


# What is accepted


def test_a_server_needs_a_host_and_a_login_and_is_reached_in_the_safest_way() -> None:
    external = parse(databases=[SHOP]).external
    assert external == ExternalSettings(host="db.example.com", login=LoginSettings(user="shop", passwordVariable="SHOP_PASSWORD"))
    assert (external.port, external.tls, external.manage_roles, external.database) == (5432, "verify-full", False, "postgres")


@pytest.mark.parametrize(
    ("server", "tls"),
    [
        ({"host": "db.example.com"}, "verify-full"),
        ({"host": "203.0.113.7"}, "verify-full"),
        ({"host": "localhost"}, "prefer"),
        ({"host": "127.0.0.1"}, "prefer"),
        ({"host": "::1"}, "prefer"),
        ({"host": "::1", "sslmode": "disable"}, "disable"),
        ({"host": "db.example.com", "sslmode": "require"}, "require"),
        ({"host": "db.example.com", "sslmode": "verify-ca", "rootCertificate": "ca.pem"}, "verify-ca"),
        ({"host": "db.example.com", "sslmode": "prefer", "allowPlaintext": True}, "prefer"),
        ({"host": "db.example.com", "sslmode": "disable", "allowPlaintext": True}, "disable"),
    ],
)
def test_tls_is_needed_off_loopback_unless_that_is_said(server: dict[str, Any], tls: str) -> None:
    assert parse(external={**server, "login": LOGIN}, databases=[SHOP]).external.tls == tls


@pytest.mark.parametrize("host", ["db", "db.example.com", "db.example.com.", "my_db-1.internal", "10.0.0.1", "2001:db8::7"])
def test_a_host_is_a_name_or_an_address(host: str) -> None:
    assert parse(external={**SERVER, "host": host}, databases=[SHOP]).external.host == host


def test_who_migrates_a_database_is_its_own_login_or_the_servers() -> None:
    parsed = parse(databases=[SHOP, {"name": "till", "login": {**LOGIN, "user": "till@example"}}])
    logins = [parsed.login_of(entry) for entry in parsed.databases]
    assert [login and login.user for login in logins] == ["shop", "till@example"]


def test_nobody_but_the_owner_migrates_where_roles_are_made() -> None:
    managed = parse(external={**SERVER, "manageRoles": True}, databases=[SHOP])
    embedded = settings.parse({"pgstack:databases": json.dumps([SHOP])})
    assert [one.login_of(one.databases[0]) for one in (managed, embedded)] == [None, None]


def test_a_password_comes_from_the_settings_or_from_the_environment_and_is_in_no_representation() -> None:
    entry = {**SHOP, "login": {"user": "shop", "password": "s3cret"}}
    parsed = parse(databases=[entry], encrypted=("databases",))
    own = parsed.databases[0].login
    assert own
    assert parsed.external.login
    assert [login.secret(ENVIRONMENT) for login in (own, parsed.external.login)] == ["s3cret", "hunter2"]
    assert [word for word in ("s3cret", "hunter2") if word in repr(parsed) + parsed.model_dump_json()] == []


def test_the_engines_defaults_for_keys_of_the_other_target_are_no_settings() -> None:
    defaults: dict[str, Any] = {"version": 18, "port": 5432, "dataDirectory": ".pgstack/data", "deleteData": False, "parameters": {}}
    assert parse(databases=[SHOP], **defaults) == parse(databases=[SHOP])


def test_the_stack_file_of_the_example_is_usable() -> None:
    config = yaml.safe_load((EXAMPLE / "Pulumi.hosted.yaml").read_text(encoding="utf-8"))["config"]
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}
    variables = {"SHOP_PASSWORD": "x", "BLOG_PASSWORD": "x"}
    parsed = settings.parse(texts, environment=variables)
    assert (parsed.target, parsed.external.tls) == ("external", "verify-full")
    assert all(parsed.login_of(entry) for entry in parsed.databases)


# What is refused


KEYS = "host, port, sslmode, rootCertificate, allowPlaintext, login, manageRoles, database"
NO_PATH = "is no path: give one that is relative to the folder of Pulumi.yaml"
SAFE = "set require or better, or allowPlaintext: true where the network between is safe"
PLAIN = f"could send passwords, SQL and data to {{}} in clear: {SAFE}"
ANYBODY = "needs rootCertificate, since an authority that the whole system trusts signs for anybody; or set verify-full"
ONE = "needs one of password and passwordVariable, and no more"
CLEAR = "is in clear in the stack file: take it out, and run `pulumi config set --secret --path"


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ({"login": LOGIN}, "external.host: is missing: name the server"),
        ({**SERVER, "sslmode": "disable"}, f'external.sslmode = "disable": {PLAIN.format("db.example.com")}'),
        ({**SERVER, "sslmode": "prefer"}, f'external.sslmode = "prefer": {PLAIN.format("db.example.com")}'),
        (
            {**SERVER, "sslmode": "allow"},
            'external.sslmode = "allow": must be disable, prefer, require, verify-ca or verify-full',
        ),
        (
            {**SERVER, "sslmode": "verify-ca"},
            f'external.sslmode = "verify-ca": {ANYBODY}',
        ),
        (
            {**SERVER, "host": "localhost", "rootCertificate": "ca.pem"},
            'external.rootCertificate = "ca.pem": checks nothing with sslmode prefer: set verify-full or verify-ca',
        ),
        ({**SERVER, "port": 0}, "external.port = 0: must be at least 1"),
        ({**SERVER, "rootCertificate": " "}, f'external.rootCertificate = " ": {NO_PATH}'),
        ({**SERVER, "database": ""}, 'external.database = "": is no name'),
        (
            {**SERVER, "manageRolez": True},
            "external.manageRolez = true: there is no such key; did you mean 'manageRoles'?",
        ),
        (
            {**SERVER, "zz": 1},
            f"external.zz = 1: there is no such key; the keys are {KEYS}",
        ),
        (["db"], 'external = ["db"]: must be an object: key: value lines below it'),
        (
            {"host": "db.example.com", "manageRoles": True},
            "external.login: is missing: name the administrator that manageRoles takes",
        ),
    ],
)
def test_a_server_that_cannot_be_used_as_it_is_described(server: Any, expected: str) -> None:
    managed = isinstance(server, dict) and server.get("manageRoles")
    assert problems(external=server, databases=[SHOP if managed else {**SHOP, "login": LOGIN}]) == [expected]


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "db:5432", "me@db", "a,b", "/run/postgresql", "-db", "db..com", "x" * 64, "postgresql://db"]
)
def test_what_is_no_host(host: str) -> None:
    server = {**SERVER, "host": host}
    assert problems(external=server, databases=[SHOP]) == [
        f"external.host = {json.dumps(host)}: is no host: give one name or one address, without port or user"
    ]


@pytest.mark.parametrize(
    ("login", "expected"),
    [
        ({"passwordVariable": "SHOP_PASSWORD"}, ".user: is missing: add it"),
        ({"user": "shop"}, f' = {{"user": "shop"}}: {ONE}'),
        (
            {**LOGIN, "password": "s3cret"},
            f' = {{"user": "shop", "passwordVariable": "SHOP_PASSWORD", "password": "[secret]"}}: {ONE}',
        ),
        ({"user": " ", "passwordVariable": "SHOP_PASSWORD"}, '.user = " ": is no name'),
        ({"user": "u" * 64, "passwordVariable": "SHOP_PASSWORD"}, f'.user = "{"u" * 64}": is 64 bytes long, PostgreSQL keeps 63'),
        ({"user": "shop", "passwordVariable": "a b"}, '.passwordVariable = "a b": must look like ^[A-Za-z_][A-Za-z0-9_]*$'),
        ({"user": "shop", "pasword": "s3cret"}, ".pasword = [secret]: there is no such key; did you mean 'password'?"),
        ({"user": "shop", "password": 5}, ".password = [secret]: must be text; put quotes around it"),
        (
            {"user": "shop", "password": "s3cret"},
            f".password: {CLEAR} 'pgstack:databases[0].login.password'`",
        ),
        (
            {"user": "shop", "passwordVariable": "NOT_SET"},
            '.passwordVariable = "NOT_SET": the environment has no such variable: export it with the password of shop',
        ),
        (
            {"user": "shop", "passwordVariable": "EMPTY"},
            '.passwordVariable = "EMPTY": the environment has no such variable: export it with the password of shop',
        ),
    ],
)
def test_a_login_that_is_no_login_is_told_without_its_password(login: dict[str, Any], expected: str) -> None:
    lines = problems(databases=[{**SHOP, "login": login}])
    assert lines[0] == f"databases[0].login{expected}"
    assert "s3cret" not in "\n".join(lines)


def test_an_empty_password_is_refused() -> None:
    server = {**SERVER, "login": {"user": "shop", "password": ""}}
    assert problems(external=server, databases=[SHOP], encrypted=("external",)) == [
        "external.login.password: is empty: set the password of shop"
    ]


def test_nothing_is_shown_of_a_key_that_has_an_encrypted_value() -> None:
    entry = {"name": "s3cret name", "login": {"user": "shop", "password": "s3cret"}, "s3crets": "s3cret"}
    lines = problems(databases=[entry], parameters={"port": "s3cret"}, encrypted=("databases", "parameters"))
    assert lines[:2] == [
        "parameters = [secret]: belongs to the targets embedded and docker: set them on the server itself",
        "databases[0].name = [secret]: is no identifier: start with a letter or '_' and go on with letters, digits, '_', '-' or '$'",
    ]
    assert lines[2].startswith("databases[0].s3crets = [secret]: there is no such key")
    assert len(lines) == 3


def test_an_encrypted_parameter_is_not_shown_on_the_other_target_either() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.parse({"pgstack:parameters": '{"port": "s3cret"}'}, encrypted=["pgstack:parameters"])
    assert "pgstack:parameters.port" in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_keys_of_the_other_target_are_refused_with_what_to_do_instead() -> None:
    keys = {"version": 15, "port": 5433, "dataDirectory": "data", "deleteData": True, "parameters": {"work_mem": "4MB"}}
    assert problems(databases=[SHOP], **keys) == [
        "version = 15: belongs to the targets embedded and docker: an external server has the version that it has",
        "port = 5433: belongs to the targets embedded and docker: set pgstack:external.port instead",
        'dataDirectory = "data": belongs to target embedded: an external server\'s data is its own',
        "deleteData = true: belongs to the targets embedded and docker: the data of an external server is never deleted",
        'parameters = {"work_mem": "4MB"}: belongs to the targets embedded and docker: set them on the server itself',
    ]


def test_keys_of_target_external_are_refused_on_the_other_one() -> None:
    with pytest.raises(SettingsError) as caught:
        settings.parse({"pgstack:external": json.dumps(SERVER), "pgstack:databases": json.dumps([{**SHOP, "login": LOGIN}])})
    assert Exception.__str__(caught.value).splitlines() == [
        "2 settings cannot be used:",
        "  pgstack:external: belongs to target external, and this one is embedded: take it out",
        "  pgstack:databases[0].login: belongs to target external, and this one is embedded: take it out",
    ]


def test_without_roles_every_database_needs_a_login_and_names_no_roles() -> None:
    entries = [SHOP, {"name": "till", "login": LOGIN, "roles": {"app": "till_web"}}]
    assert problems(external={"host": "db.example.com"}, databases=entries) == [
        "databases[0].login: is missing: name who migrates shop, here or for all in pgstack:external.login",
        "databases[1].roles: names roles, and without manageRoles none are made: take it out",
    ]


def test_without_roles_there_is_nothing_to_do_without_databases() -> None:
    assert problems(databases="shop") == ['databases = "shop": must be a list']
    assert problems() == ["databases: is empty: name the databases to migrate, or set pgstack:external.manageRoles"]


def test_with_roles_a_database_needs_no_login() -> None:
    assert problems(external={**SERVER, "manageRoles": True}, databases=[{**SHOP, "login": LOGIN}]) == [
        "databases[0].login: is not used with manageRoles, which gives every role a password: take it out"
    ]


def test_all_mistakes_are_told_in_one_error() -> None:
    server = {"host": "db.example.com", "sslmode": "disable", "login": {"user": "shop", "password": "s3cret"}}
    entries = [SHOP, {"name": "postgres"}, {"name": "till", "roles": {"app": "web"}, "login": {"user": "t", "passwordVariable": "NOT_SET"}}]
    assert problems(port=1, external=server, databases=entries) == [
        "port = 1: belongs to the targets embedded and docker: set pgstack:external.port instead",
        "databases[1].name = \"postgres\": is reserved: choose another name, for example 'postgres_app'",
        f'external.sslmode = "disable": {PLAIN.format("db.example.com")}',
        "databases[2].roles: names roles, and without manageRoles none are made: take it out",
        f"external.login.password: {CLEAR} 'pgstack:external.login.password'`",
        'databases[2].login.passwordVariable = "NOT_SET": the environment has no such variable: export it with the password of t',
    ]


def test_an_external_block_that_cannot_be_read_hides_no_other_mistake() -> None:
    lines = problems(external={"hosst": "db"}, databases=[SHOP, SHOP])
    assert lines[0] == "external.hosst = \"db\": there is no such key; did you mean 'host'?"
    assert lines[1] == "databases[1].name: the database 'shop' is taken by pgstack:databases[0].name: give one of them another name"
