from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit import places
from toolchain import paths, plugins, pulumi_cli, stack, versions
from toolchain.__main__ import env
from toolchain.backend import Backend
from toolchain.errors import ToolchainError
from toolchain.stack import Stack, open_stack, settings_file_of, stack_names, target_of

SALT = "encryptionsalt: v1:abc:def="


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return places.move(monkeypatch, tmp_path)


@pytest.fixture
def local(tmp_path: Path) -> Stack:
    """The stack `local` on a local backend, whose Pulumi writes its arguments, folder and backend into `asked`."""
    places.program(tmp_path / "tools" / "pulumi", f'echo "$PWD|$*|$PULUMI_BACKEND_URL" >> {tmp_path}/asked')
    url = f"file://{tmp_path}/state"
    return Stack("local", tmp_path / "tools", Backend(url, {"PULUMI_BACKEND_URL": url}))


def asked(tmp_path: Path) -> list[str]:
    file = tmp_path / "asked"
    return (
        [line.replace(str(tmp_path.resolve()), "").replace(str(tmp_path), "") for line in file.read_text().splitlines()]
        if file.exists()
        else []
    )


def settings(checkout: Path, text: str, name: str = "local") -> Path:
    file = checkout / f"Pulumi.{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def salted(text: str = f"{SALT}\n") -> Path:
    paths.STACK_FILES.mkdir(parents=True, exist_ok=True)
    file = paths.STACK_FILES / "Pulumi.local.yaml"
    file.write_text(text, encoding="utf-8")
    return file


# Command lines


def test_a_command_names_the_stack(local: Stack, tmp_path: Path) -> None:
    assert local.command(["stack", "output", "--json"]) == [f"{tmp_path}/tools/pulumi", "stack", "--stack", "local", "output", "--json"]


def test_no_command_shows_what_there_is(local: Stack, tmp_path: Path) -> None:
    """`make pulumi` without ARGS."""
    assert local.command([])[0] == f"{tmp_path}/tools/pulumi"


def test_a_salted_copy_is_made_anew_from_the_users_file(local: Stack, checkout: Path) -> None:
    file = salted(f"config:\n  old: value\n{SALT}\n")
    own = settings(checkout, "config:\n  pgstack:port: 5433\n\n")
    command = local.command(["up", "--yes"])
    assert command[1:] == ["up", "--stack", "local", "--config-file", str(file), "--yes"]
    assert file.read_text() == f"config:\n  pgstack:port: 5433\n{SALT}\n"
    assert own.read_text() == "config:\n  pgstack:port: 5433\n\n"


def test_a_stack_without_a_file_of_its_own_has_its_salt_alone(local: Stack) -> None:
    file = salted()
    local.command(["preview"])
    assert file.read_text() == f"{SALT}\n"


@pytest.mark.parametrize("command", ["stack", "config", "cancel"])
def test_commands_that_take_no_file_get_none(local: Stack, command: str) -> None:
    salted()
    assert local.command([command]) == [str(local.tools / "pulumi"), command, "--stack", "local"]


def test_a_users_file_with_a_salt_is_used_as_it_is(local: Stack, checkout: Path) -> None:
    file = salted("encryptionsalt: v1:other:=\n")
    settings(checkout, f"{SALT}\nconfig: {{}}\n")
    assert "--config-file" not in local.command(["up"])
    assert file.read_text() == "encryptionsalt: v1:other:=\n"


def test_on_a_shared_backend_the_users_file_is_used(tmp_path: Path) -> None:
    salted()
    assert "--config-file" not in Stack("local", tmp_path, Backend("s3://bucket", {})).command(["up"])


# Examples


def example(checkout: Path, text: str, name: str = "shop") -> Path:
    folder = checkout / "examples" / name
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"Pulumi.{name}.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_an_example_is_a_stack_of_its_name(checkout: Path, local: Stack) -> None:
    file = example(checkout, "config:\n  pgstack:target: docker\n")
    made = dataclasses.replace(local, name="shop")
    assert (made.settings_file, target_of("shop"), made.is_of_this_machine) == (file, "docker", True)
    assert made.salted_file == paths.STACK_FILES / "Pulumi.shop.yaml"


def test_a_file_beside_the_project_goes_before_the_examples(checkout: Path) -> None:
    example(checkout, "config:\n  pgstack:target: docker\n")
    own = settings(checkout, "config:\n  pgstack:target: external\n", "shop")
    assert (settings_file_of("shop"), target_of("shop")) == (own, "external")


def test_a_file_in_an_example_of_another_name_is_no_stack(checkout: Path) -> None:
    example(checkout, "", "external").rename(checkout / "examples" / "external" / "Pulumi.hosted.yaml")
    example(checkout, "")
    settings(checkout, "")
    settings(checkout, "", "shop.eu")
    assert settings_file_of("hosted") == checkout / "Pulumi.hosted.yaml"
    assert stack_names() == ["local", "shop", "shop.eu"]


def test_pulumi_is_told_where_the_file_of_an_example_is(checkout: Path, local: Stack) -> None:
    file = example(checkout, "config:\n  pgstack:port: 5444\n")
    made = dataclasses.replace(local, name="shop")
    assert made.command(["up"])[1:] == ["up", "--stack", "shop", "--config-file", str(file)]
    made.salted_file.parent.mkdir(parents=True)
    made.salted_file.write_text(f"{SALT}\n", encoding="utf-8")
    assert made.command(["up"])[1:] == ["up", "--stack", "shop", "--config-file", str(made.salted_file)]
    assert made.salted_file.read_text() == f"config:\n  pgstack:port: 5444\n{SALT}\n"


@pytest.mark.parametrize("text", ["config: {}\n", f"{SALT}\nconfig: {{}}\n"])
def test_making_the_stack_of_an_example_writes_nothing_beside_the_project(checkout: Path, tmp_path: Path, local: Stack, text: str) -> None:
    file = example(checkout, text)
    made = dataclasses.replace(local, name="shop")
    made.ensure_exists()
    assert asked(tmp_path) == ["/checkout/.pgstack/stacks|stack init shop --no-select --non-interactive|file:///state"]
    assert (made.salted_file.exists(), file.read_text()) == (SALT in text, text)
    assert not (checkout / "Pulumi.shop.yaml").exists()


# Running


def test_pulumi_runs_in_the_checkout_with_the_tools_on_path(local: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "kept")
    assert local.environment["PATH"] == f"{tmp_path}/tools:{tmp_path}/path"
    assert {name: local.environment[name] for name in ("MINE", "PULUMI_SKIP_UPDATE_CHECK", "PULUMI_BACKEND_URL")} == {
        "MINE": "kept",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_BACKEND_URL": f"file://{tmp_path}/state",
    }
    assert local.run(["about"]) == 0
    assert asked(tmp_path) == ["/checkout|about|file:///state"]


def test_plugins_are_on_path_behind_the_tools(local: Stack, tmp_path: Path) -> None:
    made = dataclasses.replace(local, plugins=(tmp_path / "plugin",))
    assert made.path == (f"{tmp_path}/tools", f"{tmp_path}/plugin")
    assert made.environment["PATH"] == f"{tmp_path}/tools:{tmp_path}/plugin:{tmp_path}/path"


def test_what_a_plain_pulumi_needs_is_printed_for_a_shell(local: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    env(dataclasses.replace(local, plugins=(tmp_path / "a plugin",)), argparse.Namespace())
    assert capsys.readouterr().out.splitlines() == [
        f"export PULUMI_BACKEND_URL=file://{tmp_path}/state",
        "export PULUMI_STACK=local",
        f"export PATH='{tmp_path}/tools:{tmp_path}/a plugin':$PATH",
    ]


def test_a_command_that_fails_ends_the_program_with_its_code_or_tells_it(local: Stack) -> None:
    places.program(local.tools / "pulumi", "exit 7")
    assert local.run(["up"], check=False) == 7
    with pytest.raises(SystemExit) as caught:
        local.run(["up"])
    assert caught.value.code == 7


def test_outputs_are_read_as_pulumi_prints_them(local: Stack) -> None:
    printed: dict[str, Any] = {"server": {"port": 5432}, "url": "[secret]"}
    places.program(local.tools / "pulumi", f"""echo '{json.dumps(printed)}'""")
    assert local.outputs() == printed
    places.program(local.tools / "pulumi", """printf '{"asked": "%s"}' "$*\"""")
    assert local.outputs()["asked"] == "stack output --json --stack local"
    assert local.outputs(show_secrets=True)["asked"] == "stack output --json --show-secrets --stack local"


def test_outputs_that_are_not_there_are_told_with_the_way_out(local: Stack) -> None:
    places.program(local.tools / "pulumi", "echo 'error: no stack named local found' >&2; exit 1")
    with pytest.raises(ToolchainError) as caught:
        local.outputs()
    assert str(caught.value) == "error: no stack named local found\nRun `make up STACK=local` first."


# Making a stack


def test_a_new_stack_keeps_its_salt_out_of_the_checkout(local: Stack, tmp_path: Path, checkout: Path) -> None:
    before = salted("encryptionsalt: v1:of:a-stack-that-was-removed=\n")
    own = settings(checkout, "config: {}\n")
    local.ensure_exists()
    assert asked(tmp_path) == ["/checkout/.pgstack/stacks|stack init local --no-select --non-interactive|file:///state"]
    assert (own.read_text(), before.exists()) == ("config: {}\n", False)
    assert (paths.STACK_FILES / "Pulumi.yaml").read_text() == "name: pgstack\nruntime: python\n"


def test_a_stack_whose_file_has_a_salt_is_made_in_the_checkout(local: Stack, tmp_path: Path, checkout: Path) -> None:
    settings(checkout, f"{SALT}\n")
    local.ensure_exists()
    assert asked(tmp_path) == ["/checkout|stack init local --no-select --non-interactive|file:///state"]


def test_a_stack_that_is_there_is_left_alone(local: Stack, tmp_path: Path) -> None:
    state = tmp_path / "state" / ".pulumi" / "stacks" / stack.PROJECT / "local.json"
    state.parent.mkdir(parents=True)
    state.touch()
    local.ensure_exists()
    assert asked(tmp_path) == []


def test_on_a_shared_backend_the_stack_is_selected_or_made(local: Stack, tmp_path: Path) -> None:
    Stack("dev", local.tools, Backend("s3://bucket", {})).ensure_exists()
    assert asked(tmp_path) == ["/checkout|stack --stack dev select --create|"]


# Opening a stack


@pytest.mark.parametrize("name", ["", ".dev", "-x", "a/b", "a b", "../x", "dev\n", "a" * 101])
def test_what_is_no_stack_name_is_refused_before_anything_is_made(name: str) -> None:
    with pytest.raises(ToolchainError) as caught:
        open_stack(name)
    assert str(caught.value) == f"{name!r} is no stack name.\nLetters, digits, '.', '_' and '-', for example: make up STACK=dev"
    assert not paths.WORK.exists()


def test_production_is_refused_before_the_toolchain_is_fetched(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_cli, "ensure", lambda: pytest.fail("the toolchain was fetched"))
    settings(checkout, "config:\n  pgstack:target: aws\n", "prod")
    with pytest.raises(ToolchainError, match=r"Stack prod \(target aws\) must not keep its state in file://"):
        open_stack("prod")


def test_a_stack_of_this_machine_opens_on_a_local_backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pulumi_cli, "ensure", lambda: tmp_path / "tools")
    opened = open_stack("local")
    assert (opened.plugins, "PULUMI_HOME" in opened.environment) == ((), False)
    assert (opened.name, opened.tools, opened.backend.url) == ("local", tmp_path / "tools", f"file://{paths.STATE}")
    assert opened.is_of_this_machine


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch, checkout: Path, tmp_path: Path) -> Path:
    """A plug-in that was built, for the stack `local` with target `docker`."""
    settings(checkout, "config:\n  pgstack:target: docker\n")
    file = places.program(tmp_path / "built" / "pulumi-resource-docker", "")
    monkeypatch.setattr(pulumi_cli, "ensure", lambda: tmp_path / "tools")
    monkeypatch.setattr(plugins, "ensure", lambda target, _tools: (file.parent,) if target == "docker" else ())
    return file


def test_whoever_is_logged_in_nowhere_gets_a_built_plugin_in_a_home_of_the_checkout(built: Path) -> None:
    for _ in range(2):
        opened = open_stack("local")
    assert (opened.plugins, opened.backend.environment["PULUMI_HOME"]) == ((), str(paths.HOME))
    version = versions.PLUGINS["docker"]
    assert (paths.HOME / "plugins" / f"resource-docker-v{version}" / built.name).samefile(built)


def test_whoever_chose_a_backend_gets_a_built_plugin_on_path(built: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{tmp_path}/mine")
    opened = open_stack("local")
    assert (opened.plugins, opened.backend.environment, paths.HOME.exists()) == ((built.parent,), {}, False)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (None, "embedded"),
        ("", "embedded"),
        ("config:\n", "embedded"),
        ("config:\n  pgstack:port: 1\n", "embedded"),
        ("config:\n  pgstack:target: aws\n", "aws"),
        ("encryptionsalt: x\nconfig:\n  aws:target: no\n  pgstack:target: docker\n", "docker"),
    ],
)
def test_the_target_that_a_stack_file_names(checkout: Path, text: str | None, target: str) -> None:
    if text is not None:
        settings(checkout, text)
    assert target_of("local") == target


@pytest.mark.parametrize(
    ("text", "file"),
    [
        (None, None),
        ("config:\n  pgstack:external: {host: db}\n", None),
        ("config:\n  pgstack:external:\n", None),
        ("config:\n  pgstack:external: {rootCertificate: certificates/db.pem}\n", "certificates/db.pem"),
    ],
)
def test_the_authorities_that_a_stack_file_names_are_below_the_project(checkout: Path, text: str | None, file: str | None) -> None:
    if text is not None:
        settings(checkout, text)
    made = Stack("local", checkout / "tools", Backend("file:///state", {}))
    assert made.root_certificate == (str(checkout / file) if file else "")
