"""The everyday commands on a server that is a process of this user."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.fix_stack import Project


def ops(project: Project, *words: str, code: int = 0, given: str = "") -> str:
    """What a command prints on its output; fails the test on another exit code."""
    command = [str(project.folder / ".venv" / "bin" / "python"), "-m", "ops", *words]
    done = subprocess.run(
        command, cwd=project.folder, env=project.environment, input=given, capture_output=True, text=True, timeout=300, check=False
    )
    project.printed.append(done.stderr)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def server(project: Project, code: int = 0) -> dict[str, Any]:
    """Of `ops status --json --exit-code`."""
    found: dict[str, Any] = json.loads(ops(project, "status", "--json", "--exit-code", code=code))["parts"][0]
    return found


def test_it_is_stopped_and_started(up: Project) -> None:
    before = up.postmaster()
    assert (server(up)["state"], server(up)["answers"], server(up)["version"]) == ("running", True, "18")
    assert ops(up, "stop") == "stopped the server\n"
    assert ops(up, "stop") == "The server does not run.\n"
    assert (server(up, code=3)["state"], server(up, code=3)["answers"]) == ("stopped", False)
    assert "started the server on port" in ops(up, "start")
    assert ops(up, "start") == "The server runs already.\n"
    assert up.login("usualstore").works()
    assert up.postmaster() != before
    assert "ready to accept connections" in ops(up, "logs")
    assert len(ops(up, "logs", "--tail", "2").splitlines()) == 2
    assert "unchanged" in up.make("preview")


def test_psql_is_whom_it_is_told_to_be(up: Project) -> None:
    query = "SELECT current_user || ' ' || current_database();\n"
    words = ("shell", "--database", "kennwilliamson")
    assert ops(up, *words, "--", "-XqAt", given=query) == "kennwilliamson_app kennwilliamson\n"
    assert ops(up, *words, "--ipv4", "--role", "owner", "--", "-XqAt", given=query) == "kennwilliamson_owner kennwilliamson\n"
    assert ops(up, *words, "--role", "superuser", "--", "-XqAt", given=query) == "postgres kennwilliamson\n"
    ops(up, "shell", "--inside", code=2)


def test_the_settings_of_an_application_are_those_of_the_outputs(up: Project) -> None:
    known = json.loads(ops(up, "env", "--database", "usualstore", "--format", "json"))
    assert known == up.outputs()["databases"]["usualstore"]["environment"]
    ops(up, "env", "--database", "usualstore", "--network", code=1)
    ops(up, "upgrade", code=1)
    assert "`ops upgrade` is for target docker" in up.printed[-1]


def test_its_data_is_deleted_where_it_is_said_and_agreed_to(up: Project) -> None:
    ops(up, "shell", "--role", "superuser", "--", "-c", "CREATE TABLE mine ()")
    ops(up, "reset")
    ops(up, "shell", "--role", "superuser", "--", "-c", "SELECT FROM mine")
    ops(up, "reset", "--delete-data", code=2)
    ops(up, "shell", "--role", "superuser", "--", "-c", "SELECT FROM mine")
    ops(up, "reset", "--delete-data", "--yes")
    ops(up, "shell", "--role", "superuser", "--", "-c", "SELECT FROM mine", code=1)
    assert up.login("usualstore").works()
