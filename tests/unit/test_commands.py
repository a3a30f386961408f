from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolchain import __main__ as program
from toolchain import plugins, pulumi_cli, summary
from toolchain.backend import Backend
from toolchain.errors import ToolchainError


class FakeStack:
    """Stands in for a stack; what is asked of it is kept in `calls`."""

    def __init__(self, name: str, *, of_this_machine: bool = True) -> None:
        self.name, self.is_of_this_machine = name, of_this_machine
        self.calls: list[Any] = []
        self.path = ("/tools with space", "/plugin")
        self.root_certificate = "authority.pem"
        self.backend = Backend("file:///state", {"PULUMI_BACKEND_URL": "file:///state"})

    def ensure_exists(self) -> None:
        self.calls.append("ensure")

    def run(self, arguments: list[str]) -> None:
        self.calls.append(arguments)

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        self.calls.append(f"outputs {show_secrets}")
        return {"secrets": show_secrets}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    made = FakeStack("local")

    def open_stack(name: str) -> FakeStack:
        made.name = name
        return made

    monkeypatch.setattr(program, "open_stack", open_stack)
    monkeypatch.setattr(summary, "render", lambda name, outputs: f"summary of {name} {outputs}")
    return made


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    monkeypatch.setattr(sys, "argv", ["toolchain", *arguments])
    program.main()


@pytest.mark.parametrize(("of_this_machine", "at_once"), [(True, ["--yes", "--skip-preview"]), (False, [])])
def test_up_applies_at_once_only_what_ends_with_this_machine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: FakeStack, of_this_machine: bool, at_once: list[str]
) -> None:
    stack.is_of_this_machine = of_this_machine
    run(monkeypatch, "up", "--stack", "dev", "--", "--refresh", "--", "x")
    assert stack.calls == ["ensure", ["up", "--suppress-outputs", *at_once, "--refresh", "--", "x"], "outputs False"]
    assert capsys.readouterr().out == "summary of dev {'secrets': False}\n"


@pytest.mark.parametrize(
    ("arguments", "calls"),
    [
        (["preview", "--", "--diff"], ["ensure", ["preview", "--diff"]]),
        (["destroy", "--", "--yes"], [["destroy", "--yes"]]),
        (["outputs", "--"], [["stack", "output", "--json"]]),
        (["pulumi", "--", "stack", "history"], [["stack", "history"]]),
    ],
)
def test_commands_are_handed_to_pulumi(monkeypatch: pytest.MonkeyPatch, stack: FakeStack, arguments: list[str], calls: list[Any]) -> None:
    run(monkeypatch, *arguments)
    assert (stack.name, stack.calls) == ("local", calls)


def test_a_url_is_printed_alone_with_its_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: FakeStack
) -> None:
    monkeypatch.setattr(summary, "find_url", lambda outputs, database, role: f"{outputs} {database} {role}")
    run(monkeypatch, "url", "--stack", "local", "--role", "owner")
    run(monkeypatch, "url", "--database", "shop")
    assert capsys.readouterr().out == "{'secrets': True} None owner\n{'secrets': True} shop app\n"


def test_psql_gets_the_rest_of_the_arguments(monkeypatch: pytest.MonkeyPatch, stack: FakeStack) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(summary, "find_login", lambda _outputs, database, role: (database, role))
    monkeypatch.setattr(summary, "run_psql", lambda *arguments: seen.append(arguments))
    run(monkeypatch, "psql", "--database", "shop", "--", "-c", "SELECT 1")
    assert seen == [(("shop", "app"), ["-c", "SELECT 1"], "authority.pem")]


def test_a_role_that_there_is_not_is_refused(monkeypatch: pytest.MonkeyPatch, stack: FakeStack) -> None:
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, "url", "--role", "superuser")
    assert (caught.value.code, stack.calls) == (2, [])


def test_env_prints_exports_that_a_shell_can_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: FakeStack
) -> None:
    run(monkeypatch, "env", "--stack", "dev")
    assert capsys.readouterr().out.splitlines() == [
        "export PULUMI_BACKEND_URL=file:///state",
        "export PULUMI_STACK=dev",
        "export PATH='/tools with space:/plugin':$PATH",
    ]


def test_install_gets_the_plugins_of_every_target(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(pulumi_cli, "ensure", lambda: tmp_path)
    monkeypatch.setattr(plugins, "OF_TARGET", {"docker": ("docker",), "aws": ("aws", "tls")})
    monkeypatch.setattr(plugins, "ensure", lambda target, tools: (tools / "built",) if target == "docker" else ())
    run(monkeypatch, "install")
    assert capsys.readouterr().out.splitlines() == [
        f"Pulumi: {tmp_path}/pulumi",
        f"Plug-in docker: {tmp_path}/built",
        "Plug-in aws, tls: found by Pulumi",
    ]


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (ToolchainError("It failed.", hint="Do this."), "error: It failed.\nDo this."),
        (subprocess.CalledProcessError(7, ["pulumi"]), 7),
        (KeyboardInterrupt(), 130),
    ],
)
def test_a_failure_is_told_in_words_or_by_its_code(
    monkeypatch: pytest.MonkeyPatch, stack: FakeStack, raised: BaseException, code: int | str
) -> None:
    def fail() -> None:
        raise raised

    monkeypatch.setattr(stack, "ensure_exists", fail)
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, "up")
    assert caught.value.code == code
