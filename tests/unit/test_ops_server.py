"""The everyday commands, without an engine: what they say, how settings are written, what is refused."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.main import get_command
from typer.testing import CliRunner

from ops import screen
from ops.app import app
from ops.errors import Declined, OpsError
from ops.server import environment, logs, shell
from ops.server.deployed import Deployed, up_command
from ops.server.status import Part, size_in_words

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "ops.md"
NOW = datetime(2025, 1, 31, 12, 0, tzinfo=UTC)
HOST = {"host": "127.0.0.1", "port": 5433}


def variables(name: str, host: str = "127.0.0.1") -> dict[str, str]:
    return {
        "DATABASE_URL": f"postgresql://app:pw@{host}/{name}?sslmode=disable",
        "PGDATABASE": name,
        "PGHOST": host,
        "PGPASSWORD": "pw",
        "PGPORT": "5433",
        "PGSSLMODE": "disable",
        "PGUSER": "app",
    }


def database(name: str, **more: Any) -> dict[str, Any]:
    login = {"user": "app", "url": f"postgresql://app:pw@127.0.0.1:5433/{name}"}
    found = {"name": name, "endpoints": {"host": HOST, "network": None}, "roles": {"owner": None, "app": login, "readonly": None}}
    return {**found, "environment": variables(name), "networkEnvironment": variables(name, "database"), **more}


def deployed(*databases: dict[str, Any], target: str = "docker", **more: Any) -> Deployed:
    docker = {"engine": "unix:///nowhere", "container": "c", "network": "n", "volume": "v", "backupVolume": "b"}
    server = {"target": target, "version": 18, "host": HOST, "network": None, "docker": docker if target == "docker" else None}
    return Deployed("dev", {"server": server, "databases": {one["name"]: one for one in databases}, **more})


# The page


def test_every_command_and_every_option_is_described() -> None:
    page = PAGE.read_text(encoding="utf-8")
    commands = get_command(app).commands  # type: ignore[attr-defined]
    missing = []
    for name in ("start", "stop", "status", "logs", "shell", "reset", "env", "upgrade"):
        section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        text = f"{section[1]}{page.partition('## start')[0]}" if section else ""
        options = [option for one in commands[name].params for option in (*one.opts, *one.secondary_opts) if "-" in option]
        missing += [f"{name} {option}" for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)]
        missing += [] if section else [name]
    assert missing == []
    assert [form for form in environment.FORMS if f"| `{form}` |" not in page] == []


# Settings of applications: what a reader reads is what was written

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=40)
TRICKY = ("", " ", "'", '"', "\\", "$HOME", "${HOME}", "`id`", "a'b\"c\\d$e", "line\nbreak", "#", "!", "a b", "'\\$'", "\\n", "ü€")


def read_dotenv(text: str) -> dict[str, str]:
    """By the rules that Docker Compose, dotenvy and the page have: bare, in single quotes as it is, in double ones with backslashes."""
    entry = re.compile(r"""(\w+)=(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|([^\s'"#$`\\]*))(?:\n|\Z)""", re.DOTALL)
    found, position = {}, 0
    while position < len(text):
        match = entry.match(text, position)
        assert match, f"not to be read from here: {text[position:]!r}"
        quoted = re.sub(r"\\(.)", r"\1", match[3], flags=re.DOTALL) if match[3] is not None else None
        found[match[1]] = next(value for value in (match[2], quoted, match[4]) if value is not None)
        position = match.end()
    return found


@given(st.lists(TEXTS, min_size=1, max_size=4))
@example(list(TRICKY))
def test_a_dotenv_file_is_read_as_it_was_meant(values: list[str]) -> None:
    meant = {f"NAME_{number}": value for number, value in enumerate(values)}
    assert read_dotenv(environment.written(meant, "dotenv")) == meant


@given(TEXTS)
def test_a_value_in_a_dotenv_file_leaves_nothing_to_be_replaced(value: str) -> None:
    written = environment.dotenv_value(value)
    assert written.startswith("'") or not re.search(r"(?<!\\)(\\\\)*\$", written)


@settings(max_examples=30, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=10))
@example(list(TRICKY))
def test_a_shell_reads_the_exports_as_they_were_meant(values: list[str]) -> None:
    meant = {f"NAME_{number}": value for number, value in enumerate(values)}
    script = environment.written(meant, "shell") + "\nenv -0\n"
    done = subprocess.run(["/bin/sh"], input=script.encode(), capture_output=True, check=True, env={"PATH": "/usr/bin:/bin"})
    read = dict(line.decode().split("=", 1) for line in done.stdout.split(b"\0") if line)
    assert {name: read[name] for name in meant} == meant
    assert done.stderr == b""


@given(st.dictionaries(TEXTS, TEXTS))
def test_json_is_read_as_it_was_meant(meant: dict[str, str]) -> None:
    assert json.loads(environment.written(meant, "json")) == meant


def test_django_and_sqlx_get_the_names_that_their_projects_ask_for() -> None:
    known = {**variables("shop"), "REDIS_URL": "redis://:pw@127.0.0.1:6379/0"}
    assert environment.written(known, "django").splitlines() == [
        "DATABASE_NAME=shop",
        "DATABASE_USER=app",
        "DATABASE_PASSWORD=pw",
        "DATABASE_HOST=127.0.0.1",
        "DATABASE_PORT=5433",
        "PGSSLMODE=disable",
        "REDIS_URL=redis://:pw@127.0.0.1:6379/0",
    ]
    assert environment.written(known, "sqlx").splitlines() == [
        "DATABASE_URL='postgresql://app:pw@127.0.0.1/shop?sslmode=disable'",
        "DB_MAX_CONNECTIONS=10",
        "DB_MIN_CONNECTIONS=2",
        "DB_ACQUIRE_TIMEOUT=30",
        "REDIS_URL=redis://:pw@127.0.0.1:6379/0",
    ]


def test_settings_are_those_of_the_network_or_of_the_twin_where_that_is_asked_for() -> None:
    redis = {"environment": {"REDIS_HOST": "127.0.0.1"}, "networkEnvironment": {"REDIS_HOST": "redis"}}
    stack = deployed(database("shop", test=database("shop_test")), redis=redis)
    assert environment.of(stack, None, network=False, test=False) == {**variables("shop"), "REDIS_HOST": "127.0.0.1"}
    assert environment.of(stack, None, network=True, test=True) == {**variables("shop_test", "database"), "REDIS_HOST": "redis"}


def test_a_server_that_no_container_reaches_has_no_settings_for_one() -> None:
    with pytest.raises(OpsError, match="No container reaches the server of the stack dev: its target is embedded"):
        environment.of(deployed(database("shop", networkEnvironment=None), target="embedded"), None, network=True, test=False)


# Which database


def test_a_database_is_named_where_there_are_several() -> None:
    stack = deployed(database("shop"), database("till"))
    assert (stack.database("till")["name"], stack.database(None, first=True)["name"]) == ("till", "shop")
    for name in (None, "nobody"):
        with pytest.raises(typer.BadParameter, match="there are: shop, till"):
            stack.database(name)
    with pytest.raises(typer.BadParameter, match="till has no test twin"):
        stack.database("till", test=True)
    with pytest.raises(typer.BadParameter, match="no database; there are: none"):
        deployed().database(None, first=True)


# What is not for every target


@pytest.mark.parametrize("command", ["start", "stop", "logs", "reset"])
def test_a_server_of_somebody_else_s_is_left_alone(command: str) -> None:
    with pytest.raises(OpsError, match=f"`ops {command}` is not for the stack dev: its server is external"):
        deployed(target="external").refuse_external(command)
    deployed(target="embedded").refuse_external(command)


def test_only_a_stack_with_containers_has_their_names() -> None:
    assert deployed().names.volume == "v"
    with pytest.raises(OpsError, match="has no containers: its target is embedded"):
        _ = deployed(target="embedded").names


def test_a_loopback_address_is_refused_for_a_server_elsewhere() -> None:
    far = deployed(database("shop", endpoints={"host": {"host": "db.example", "port": 5432}, "network": None}))
    with pytest.raises(typer.BadParameter, match=r"the server is at db\.example"):
        shell.over_tcp(far, None, "app", "::1", [])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["shell", "--ipv4", "--inside"], "give one of the three"),
        (["shell", "--role", "superuser", "--ipv6"], "not over TCP"),
        (["shell", "--role", "nobody"], "nobody"),
        (["logs", "nothing"], "nothing"),
        (["logs", "--tail", "-1"], "greater than or equal to 0"),
        (["env", "--format", "xml"], "xml"),
    ],
)
def test_a_wrong_command_line_is_refused_before_anything_is_looked_at(words: list[str], says: str) -> None:
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, says in done.output) == (2, True), done.output


def test_a_stack_that_does_not_exist_is_named() -> None:
    for words in (["status"], ["env"], ["upgrade"]):
        done = CliRunner().invoke(app, [*words, "--stack", "nowhere"])
        assert (done.exit_code, "There is no stack nowhere" in done.output) == (1, True), done.output


def test_an_upgrade_of_another_target_is_refused() -> None:
    done = CliRunner().invoke(app, ["upgrade", "--stack", "local"])
    assert (done.exit_code, "`ops upgrade` is for target docker, and that of the stack local is embedded" in done.output) == (1, True)


# Small things


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("90s", datetime(2025, 1, 31, 11, 58, 30, tzinfo=UTC)),
        ("2h", datetime(2025, 1, 31, 10, tzinfo=UTC)),
        ("1d", datetime(2025, 1, 30, 12, tzinfo=UTC)),
        ("2025-01-30", datetime(2025, 1, 30, tzinfo=UTC)),
        ("2025-01-30T10:00+02:00", datetime(2025, 1, 30, 8, tzinfo=UTC)),
        ("99999999999d", datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_times_are_told_as_people_tell_them(text: str, moment: datetime) -> None:
    assert logs.moment(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "soon", "10", "10x", "-1h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is no time"):
        logs.moment(text, NOW)


@pytest.mark.parametrize(
    ("part", "well"),
    [
        (Part("postgres", "c", "i", "running", "healthy", answers=True), True),
        (Part("postgres", "c", "i", "running", "starting", answers=True), True),
        (Part("postgres", "c", "i", "running", "starting", answers=False), False),
        (Part("postgres", "c", "i", "running", "unhealthy", answers=True), False),
        (Part("postgres", "c", "i", "exited"), False),
        (Part("adminer", "c", "i", "running", answers=None), True),
        (Part("postgres", None, None, None, answers=True), True),
        (Part("postgres", None, None, None, answers=False), False),
    ],
)
def test_well_is_what_runs_and_answers_and_is_not_known_to_be_ill(part: Part, well: bool) -> None:
    assert part.is_well == well


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 kB"), (5 * 1024**2, "5 MB"), (3 * 1024**3, "3.0 GB")]
)
def test_sizes_are_told_as_people_tell_them(size: int, words: str) -> None:
    assert size_in_words(size) == words


def test_the_command_that_brings_a_stack_up_is_told() -> None:
    assert (up_command("local"), up_command("dev", "--refresh")) == ("make up", "make up STACK=dev ARGS=--refresh")


def test_who_says_no_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: False)
    with pytest.raises(Declined):
        screen.confirm("Go on?", yes=False)
