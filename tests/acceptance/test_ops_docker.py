"""The everyday commands on a real stack in containers."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from containers.engine import labels
from tests.fix_dev import DevStack

PARTS = ("postgres", "redis", "adminer")


def program(stack: DevStack, *words: str) -> list[str]:
    """The command line of `ops`; arguments for psql come last, after `--`."""
    return [str(stack.project.folder / ".venv" / "bin" / "python"), "-m", "ops", words[0], "--stack", stack.name, *words[1:]]


def ops(stack: DevStack, *words: str, given: str = "", code: int = 0) -> str:
    """What a command prints on its output; fails the test on another exit code."""
    done = subprocess.run(
        program(stack, *words),
        cwd=stack.project.folder,
        env=stack.project.environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    stack.project.printed.append(done.stderr)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def status(stack: DevStack, code: int = 0) -> dict[str, Any]:
    """The parts of `ops status --json --exit-code`, by name."""
    found = json.loads(ops(stack, "status", "--json", "--exit-code", code=code))
    assert found["well"] == (code == 0)
    return {part["part"]: part for part in found["parts"]}


# How it is


def test_status_tells_how_every_part_is(dev_stack: DevStack) -> None:
    found = status(dev_stack)
    assert tuple(found) == PARTS
    assert {name: (part["state"], part["answers"], part["container"]) for name, part in found.items()} == {
        name: ("running", True, dev_stack.part(name)) for name in PARTS
    }
    server = found["postgres"]
    assert server["version"].startswith("15.")
    assert {"address": "127.0.0.1", "port": dev_stack.port} in server["ports"]
    assert next(one["bytes"] for one in server["volumes"] if one["name"] == dev_stack.part("data")) > 10_000_000
    table = ops(dev_stack, "status")
    assert re.search(rf"^postgres  {dev_stack.part('postgres')} .* running .* yes", table, re.MULTILINE)
    assert re.search(rf"^{dev_stack.part('data')} +postgres +\d+ MB$", table, re.MULTILINE)


def test_what_is_stopped_is_seen_and_is_started_again(dev_stack: DevStack) -> None:
    stopped = ops(dev_stack, "stop").splitlines()
    assert [line.partition(" in ")[0] for line in stopped] == [f"stopped {dev_stack.part(part)}" for part in reversed(PARTS)]
    assert dev_stack.container().attrs["State"]["ExitCode"] == 0
    assert {part["state"] for part in status(dev_stack, code=3).values()} == {"exited"}
    assert ops(dev_stack, "stop").splitlines() == [f"{dev_stack.part(part)} does not run." for part in reversed(PARTS)]
    ops(dev_stack, "start")
    assert dev_stack.login("usualstore").works()
    assert ops(dev_stack, "start").splitlines() == [f"{dev_stack.part(part)} runs already." for part in PARTS]
    status(dev_stack)


def test_one_part_that_is_stopped_is_seen(dev_stack: DevStack) -> None:
    dev_stack.container("redis").stop()
    found = status(dev_stack, code=3)
    assert [name for name, part in found.items() if part["state"] != "running"] == ["redis"]
    assert "started" in ops(dev_stack, "start")
    status(dev_stack)


# Logs


def test_logs_are_those_of_the_part_that_is_named(dev_stack: DevStack) -> None:
    assert "database system is ready to accept connections" in ops(dev_stack, "logs")
    assert "Ready to accept connections" in ops(dev_stack, "logs", "redis")
    assert len(ops(dev_stack, "logs", "--tail", "1").splitlines()) == 1
    assert ops(dev_stack, "logs", "--since", "2100-01-01") == ""


def test_a_log_is_followed_until_ctrl_c(dev_stack: DevStack) -> None:
    mark = f"mark {time.monotonic_ns()}"
    running = subprocess.Popen(
        program(dev_stack, "logs", "--follow", "--tail", "0"),
        cwd=dev_stack.project.folder,
        env=dev_stack.project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        time.sleep(3)
        ops(dev_stack, "shell", "--inside", "--", "-c", f"DO $$ BEGIN RAISE LOG '{mark}'; END $$")
        assert running.stdout is not None
        assert any(mark in line for line in running.stdout)
        running.send_signal(signal.SIGINT)
        assert running.communicate(timeout=20)[1] == ""
        assert running.returncode == 0
    finally:
        running.kill()


# psql


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ((), "physics_user physics_assistant"),
        (("--ipv4",), "physics_user physics_assistant"),
        (("--ipv6",), "physics_user physics_assistant"),
        (("--role", "owner"), "physics_assistant_owner physics_assistant"),
        (("--inside", "--role", "readonly"), "physics_assistant_readonly physics_assistant"),
        (("--inside",), "postgres physics_assistant"),
        (("--role", "superuser"), "postgres physics_assistant"),
    ],
)
def test_psql_is_whom_it_is_told_to_be_where_it_is_told_to_be(dev_stack: DevStack, words: tuple[str, ...], who: str) -> None:
    query = "SELECT current_user || ' ' || current_database();\n"
    assert ops(dev_stack, "shell", "--database", "physics_assistant", *words, "--", "-XqAt", given=query) == f"{who}\n"


@pytest.mark.parametrize("where", ["--ipv4", "--inside"])
def test_psql_s_exit_code_is_the_command_s(dev_stack: DevStack, where: str) -> None:
    ops(dev_stack, "shell", where, "--", "-Xc", "SELECT 1/0", code=1)
    ops(dev_stack, "shell", where, "--", "-X", "-v", "ON_ERROR_STOP=1", given="SELECT 1/0;\n", code=3)


def test_much_goes_into_the_container_and_out_of_it(dev_stack: DevStack) -> None:
    numbers = [str(number) for number in range(50_000)]
    given = "".join(f"SELECT {number};\n" for number in numbers)
    assert ops(dev_stack, "shell", "--inside", "--", "-XqAt", given=given).split() == numbers


Step = bytes | tuple[bytes] | Callable[[int, int], None]


def typed(stack: DevStack, words: list[str], steps: list[Step]) -> int:
    """Runs a command on a terminal; types bytes, waits for those in a tuple, calls functions with the terminal and the pid."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(stack.project.folder)
        os.execvpe(words[0], words, stack.project.environment)
    resize(terminal, pid, 31, 97)
    seen = b""
    for step in steps:
        if isinstance(step, bytes):
            os.write(terminal, step)
        elif callable(step):
            step(terminal, pid)
        else:
            seen = awaited(terminal, step[0], seen)
    return ended(terminal, pid)


def awaited(terminal: int, text: bytes, seen: bytes) -> bytes:
    """Waits for a text on a terminal; returns what has come after it."""
    deadline = time.monotonic() + 60
    while text not in seen:
        assert time.monotonic() < deadline, f"{text!r} is not in {seen!r}"
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536)
    return seen.partition(text)[2]


def ended(terminal: int, pid: int) -> int:
    """The exit code of what runs on a terminal, whose last words are read meanwhile."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found, code = os.waitpid(pid, os.WNOHANG)
        if found:
            os.close(terminal)
            return os.waitstatus_to_exitcode(code)
        if select.select([terminal], [], [], 0.1)[0]:
            with suppress(OSError):
                os.read(terminal, 65536)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("it does not end")


def resize(terminal: int, pid: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.kill(pid, signal.SIGWINCH)


def larger(terminal: int, pid: int) -> None:
    resize(terminal, pid, 44, 111)
    time.sleep(1)


def pause(_terminal: int, _pid: int) -> None:
    time.sleep(1)


def test_psql_inside_has_a_terminal_with_its_size_and_its_ctrl_c(dev_stack: DevStack) -> None:
    steps: list[Step] = [
        (b"postgres=#",),
        b"\\! stty size\n",
        (b"31 97",),
        larger,
        b"\\! stty size\n",
        (b"44 111",),
        b"SELECT pg_sleep(60);\n",
        pause,
        b"\x03",
        (b"canceling statement",),
        b"SELECT 41 + 1;\n",
        (b"42",),
        b"\\q\n",
    ]
    assert typed(dev_stack, program(dev_stack, "shell", "--inside"), steps) == 0


def test_ctrl_c_in_psql_cancels_a_statement_and_no_more(dev_stack: DevStack) -> None:
    steps: list[Step] = [
        (b"=> ",),
        b"SELECT pg_sleep(60);\n",
        pause,
        b"\x03",
        (b"anceling statement",),
        b"SELECT 41 + 1;\n",
        (b"42",),
        b"\\q\n",
    ]
    assert typed(dev_stack, program(dev_stack, "shell", "--database", "mathmuseums"), steps) == 0


# Settings of applications


def test_the_settings_of_an_application_lead_into_its_database(dev_stack: DevStack) -> None:
    known = json.loads(ops(dev_stack, "env", "--database", "usualstore", "--test", "--format", "json"))
    assert known == {
        **dev_stack.outputs()["databases"]["usualstore"]["test"]["environment"],
        **dev_stack.outputs()["redis"]["environment"],
    }
    exports = ops(dev_stack, "env", "--database", "mathmuseums", "--format", "shell")
    script = f"{exports}\nexec psql -XAtc 'SELECT current_user, current_database()'"
    done = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True, env=dev_stack.project.environment)
    assert done.stdout == "mathmuseums_user|mathmuseums\n"
    assert "PGHOST=database\n" in ops(dev_stack, "env", "--database", "mathmuseums", "--network")


def test_a_terminal_is_told_that_it_shows_passwords(dev_stack: DevStack) -> None:
    words = program(dev_stack, "env", "--database", "mathmuseums", "--format", "sqlx")
    assert typed(dev_stack, words, [(b"This shows passwords.",), (b"DATABASE_URL=",)]) == 0
    assert "shows passwords" not in "".join(dev_stack.project.printed)


# Anew


def test_a_container_is_made_anew_on_its_data(dev_stack: DevStack) -> None:
    before = dev_stack.container().id
    ops(dev_stack, "shell", "--inside", "--", "-c", "CREATE TABLE still_there ()")
    ops(dev_stack, "reset")
    assert dev_stack.container().id != before
    ops(dev_stack, "shell", "--inside", "--", "-c", "DROP TABLE still_there")
    status(dev_stack)


def test_data_is_deleted_where_it_is_said_and_agreed_to(dev_stack: DevStack) -> None:
    ops(dev_stack, "shell", "--inside", "--", "-c", "CREATE TABLE to_be_gone ()")
    ops(dev_stack, "reset", "--delete-data", code=2)
    assert dev_stack.part("data") in dev_stack.project.printed[-1]
    no: list[Step] = [(b"Go on?",), b"n\n", (b"Nothing was done.",)]
    assert typed(dev_stack, program(dev_stack, "reset", "--delete-data"), no) == 1
    ops(dev_stack, "shell", "--inside", "--", "-c", "SELECT FROM to_be_gone")
    ops(dev_stack, "reset", "--delete-data", "--yes")
    ops(dev_stack, "shell", "--inside", "--", "-c", "SELECT FROM to_be_gone", code=1)
    assert dev_stack.login("usualstore").works()
    status(dev_stack)


def test_a_volume_that_is_not_the_stack_s_is_not_deleted(dev: DevStack) -> None:
    client = dev.engine.client
    client.volumes.create(dev.part("taken"), labels={"pgstack.test": dev.name})
    try:
        dev.configure(docker={"volume": dev.part("taken"), "adoptVolume": True, "adminer": {}, "redis": {}}, databases=[{"name": "shop"}])
        dev.make("up")
        ops(dev, "reset", "--delete-data", "--yes", code=1)
        assert "not labelled as this stack's. Nothing was deleted" in dev.project.printed[-1]
        status(dev)
    finally:
        dev.container().remove(force=True)
        client.volumes.get(dev.part("taken")).remove()


# Another version


def test_a_stack_moves_to_another_version_by_one_command(dev: DevStack) -> None:
    dev.configure(docker={"adminer": {}, "redis": {}})
    dev.make("up")
    ops(
        dev,
        "shell",
        "--database",
        "usualstore",
        "--role",
        "owner",
        "--",
        "-c",
        "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS id",
    )
    passwords = dev.outputs()["databases"]["usualstore"]["environment"]
    dev.configure(version=18, docker={"image": dev.engine.images.postgres18})
    printed = dev.make("up", ok=False)
    assert "holds data of PostgreSQL 15; this server is to be PostgreSQL 18" in printed
    assert f"python -m ops upgrade --stack {dev.name}" in printed
    ops(dev, "upgrade", code=2)
    assert "This will" in dev.project.printed[-1]
    interrupt_upgrade(dev)
    ops(dev, "upgrade", "--yes")
    found = status(dev)["postgres"]
    assert found["version"].startswith("18.")
    count = ops(dev, "shell", "--database", "usualstore", "--", "-XAtc", "SELECT count(*) FROM kept")
    assert (count, dev.outputs()["databases"]["usualstore"]["environment"]) == ("1000\n", passwords)
    kept = [name for name in dev.volumes() if name.startswith("data-pg15-")]
    volume = dev.engine.client.volumes.get(dev.part(kept[0]))
    assert volume.attrs["Labels"] == labels("pgstack", dev.name, "kept")
    # Back, by what the command itself has said.
    dev.configure(version=15, docker={"image": dev.engine.images.postgres15, "volume": dev.part(kept[0])})
    dev.make("up")
    assert status(dev)["postgres"]["version"].startswith("15.")
    assert ops(dev, "shell", "--database", "usualstore", "--", "-XAtc", "SELECT count(*) FROM kept") == "1000\n"


def interrupt_upgrade(stack: DevStack) -> None:
    """Ctrl-C while it works leaves everything as it was, and the server running."""
    had = stack.volumes()
    running = subprocess.Popen(
        program(stack, "upgrade", "--yes"),
        cwd=stack.project.folder,
        env=stack.project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == f"stopped the container {stack.part('postgres')}\n"
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert (running.returncode, told.splitlines()[-3:]) == (130, ["It is all as it was.", "", "Interrupted."])
    assert stack.volumes() == had
    ops(stack, "start")
    assert ops(stack, "shell", "--database", "usualstore", "--", "-XAtc", "SELECT count(*) FROM kept") == "1000\n"
    assert [one for one in stack.engine.client.containers.list(all=True) if "upgrade" in one.labels.get("pgstack.part", "")] == []


def test_no_password_is_in_anything_that_was_printed_beside_the_output(dev_stack: DevStack) -> None:
    printed = "".join(dev_stack.project.printed)
    secrets = {dev_stack.login("usualstore", role).password for role in ("owner", "app", "readonly")}
    assert [secret for secret in secrets if secret in printed] == []
