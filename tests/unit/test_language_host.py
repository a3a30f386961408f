from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import grpc
import pytest
from google.protobuf import json_format
from pulumi.runtime.proto import language_pb2 as pb

from tests.unit import places
from toolchain import paths, versions
from toolchain.language_host import LanguageHost, MissingEnvironment, interpreter, output_of, run_arguments, virtualenv


def info(root: Path | str = "/checkout", program: Path | str = "/checkout", entry: str = ".", **options: str) -> Any:
    """What the engine says of a program."""
    made = pb.ProgramInfo(root_directory=str(root), program_directory=str(program), entry_point=entry)
    json_format.ParseDict(options, made.options)
    return made


class Aborted(Exception):
    """The call was ended with an error."""


class Context:
    """What gRPC gives a call."""

    def __init__(self) -> None:
        self.callbacks: list[Any] = []

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise Aborted(code, details)

    def add_callback(self, callback: Any) -> None:
        self.callbacks.append(callback)


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """The processes that a test starts. Their pipes are closed afterwards, so that no other test sees one that was left open."""
    processes: list[subprocess.Popen[bytes]] = []

    class Kept(subprocess.Popen[bytes]):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            processes.append(self)

    monkeypatch.setattr(subprocess, "Popen", Kept)
    yield processes
    for stream in pipes(processes):
        stream.close()


def pipes(processes: list[subprocess.Popen[bytes]]) -> list[IO[bytes]]:
    return [stream for process in processes for stream in (process.stdout, process.stderr) if stream]


# Which Python


@pytest.mark.parametrize(("options", "folder"), [({}, None), ({"virtualenv": ""}, None), ({"virtualenv": ".venv"}, "/checkout/.venv")])
def test_the_virtual_environment_is_below_the_projects_root(options: dict[str, str], folder: str | None) -> None:
    found = virtualenv(info(program="/checkout/program", **options))
    assert found == (Path(folder) if folder else None)


def test_a_virtual_environment_may_be_elsewhere() -> None:
    assert virtualenv(info(virtualenv="/opt/venv")) == Path("/opt/venv")


def test_without_a_virtual_environment_the_python_on_path_runs_the_program() -> None:
    assert interpreter(info()) == "python3"


def test_the_python_of_the_virtual_environment_runs_the_program(tmp_path: Path) -> None:
    python = places.program(tmp_path / ".venv" / "bin" / "python", "")
    assert interpreter(info(tmp_path, virtualenv=".venv")) == str(python)


def test_a_virtual_environment_that_was_not_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(MissingEnvironment) as caught:
        interpreter(info(tmp_path, virtualenv=".venv"))
    assert str(caught.value) == f"The virtual environment {tmp_path / '.venv'} does not exist: run `pulumi install` to make it."


# The command line of a run


def test_a_run_is_told_everything_that_the_engine_said() -> None:
    request = pb.RunRequest(
        monitor_address="127.0.0.1:1",
        project="shop",
        stack="dev",
        pwd="/checkout/program",
        organization="acme",
        parallel=16,
        dryRun=True,
        args=["one", "--two"],
        info=info(program="/checkout/program", entry="main.py"),
    )
    assert run_arguments(request, "127.0.0.1:2") == [
        *("--monitor", "127.0.0.1:1"),
        *("--engine", "127.0.0.1:2"),
        *("--project", "shop"),
        *("--stack", "dev"),
        *("--pwd", "/checkout/program"),
        *("--root_directory", "/checkout"),
        *("--organization", "acme"),
        *("--parallel", "16"),
        *("--dry_run", "true"),
        "/checkout/program/main.py",
        "one",
        "--two",
    ]


@pytest.mark.parametrize("entry", ["", "."])
def test_what_the_engine_did_not_say_is_left_out(entry: str) -> None:
    request = pb.RunRequest(project="shop", info=info(root="", entry=entry))
    assert run_arguments(request, "") == ["--project", "shop", "--parallel", "0", "/checkout"]


# What a process prints


def run_python(text: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-I", "-u", "-c", text], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_both_streams_come_in_the_order_of_their_arrival() -> None:
    """The process prints its next line only after the one before has arrived here."""
    text = "import os\nfor number in range(4):\n    os.write(1 + number % 2, b'%d' % number)\n    os.read(0, 1)"
    with subprocess.Popen(
        [sys.executable, "-I", "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        printed = []
        for entry in output_of(process):
            printed.append(entry)
            os.write(process.stdin.fileno() if process.stdin else -1, b".")
    assert printed == [("stdout", b"0"), ("stderr", b"1"), ("stdout", b"2"), ("stderr", b"3")]


def test_nothing_of_a_long_output_is_lost() -> None:
    with run_python("import sys; sys.stdout.write('a' * 300_000); sys.stderr.write('b' * 300_000)") as process:
        printed = list(output_of(process))
    assert {name: b"".join(chunk for of, chunk in printed if of == name) for name in ("stdout", "stderr")} == {
        "stdout": b"a" * 300_000,
        "stderr": b"b" * 300_000,
    }


def test_a_stream_that_closes_early_does_not_end_the_other() -> None:
    with run_python("import os, time; os.close(2); time.sleep(0.05); os.write(1, b'still here')") as process:
        assert list(output_of(process)) == [("stdout", b"still here")]


def test_a_process_that_is_not_piped_is_refused() -> None:
    with (
        subprocess.Popen([sys.executable, "-c", ""], stderr=subprocess.PIPE) as process,
        pytest.raises(ValueError, match="stdout of the process is not piped"),
    ):
        list(output_of(process))


# Calls


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout with a virtual environment, whose start script writes what it was started with into `started`."""
    root = places.move(monkeypatch, tmp_path)
    (root / ".venv" / "bin").mkdir(parents=True)
    (root / ".venv" / "bin" / "python").symlink_to(sys.executable)
    paths.BIN.mkdir(parents=True)
    write = (
        "import json, os, sys; json.dump([sys.argv[1:], os.getcwd(), os.environ['PULUMI_CONFIG'], os.environ['PULUMI_CONFIG_SECRET_KEYS']]"
    )
    (paths.BIN / "pulumi-language-python-exec").write_text(
        f"{write}, open({str(tmp_path / 'started')!r}, 'w'))\nsys.exit(int(os.environ.get('CODE', '0')))\n", encoding="utf-8"
    )
    return root


def request_to_run(root: Path, **more: Any) -> Any:
    return pb.RunRequest(project="shop", pwd=str(root), info=info(root, root, virtualenv=".venv"), **more)


def test_a_run_starts_the_sdks_script_with_the_settings_in_its_environment(program: Path, tmp_path: Path) -> None:
    request = request_to_run(program, config={"shop:port": "1"}, configSecretKeys=["shop:port"])
    assert LanguageHost("127.0.0.1:2").Run(request, Context()) == pb.RunResponse()
    arguments, folder, config, secret_keys = json.loads((tmp_path / "started").read_text())
    assert arguments == run_arguments(request, "127.0.0.1:2")
    assert (Path(folder), json.loads(config), json.loads(secret_keys)) == (program.resolve(), {"shop:port": "1"}, ["shop:port"])


@pytest.mark.parametrize(("code", "response"), [("32", {"bail": True}), ("3", {"error": "the program exited with code 3"})])
def test_a_program_that_fails_is_told_once(monkeypatch: pytest.MonkeyPatch, program: Path, code: str, response: dict[str, Any]) -> None:
    monkeypatch.setenv("CODE", code)
    assert LanguageHost("").Run(request_to_run(program), Context()) == pb.RunResponse(**response)


def test_a_run_without_its_virtual_environment_is_an_error_of_the_program(program: Path) -> None:
    (program / ".venv" / "bin" / "python").unlink()
    assert LanguageHost("").Run(request_to_run(program), Context()) == pb.RunResponse(
        error=f"The virtual environment {program / '.venv'} does not exist: run `pulumi install` to make it."
    )


def test_the_engine_may_name_its_address_at_the_handshake() -> None:
    host = LanguageHost("first")
    host.Handshake(pb.LanguageHandshakeRequest(), Context())
    assert host.engine == "first"
    host.Handshake(pb.LanguageHandshakeRequest(engine_address="second"), Context())
    assert host.engine == "second"


def test_the_host_has_the_version_of_the_cli_and_asks_for_no_download() -> None:
    host = LanguageHost("")
    assert host.GetPluginInfo(None, Context()).version == versions.PULUMI
    assert host.GetRequiredPackages(None, Context()) == pb.GetRequiredPackagesResponse()
    assert host.GetRequiredPlugins(None, Context()) == pb.GetRequiredPluginsResponse()
    assert host.About(None, Context()) == pb.AboutResponse(executable=sys.executable, version=sys.version.split()[0])


PYTHON = """
echo "$PWD|$*"
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
if [ "$2" = pip ]; then echo complaint >&2; exit ${PIP_CODE:-0}; fi
"""


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout without a virtual environment, and a Python on PATH that makes one but installs nothing."""
    root = places.move(monkeypatch, tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path / 'path'}:/usr/bin:/bin")
    places.program(tmp_path / "path" / "python3", PYTHON)
    (root / "requirements.txt").touch()
    return root.resolve()


def install(root: Path, **options: str) -> list[str]:
    """What the installation printed: standard output, standard error."""
    request = pb.InstallDependenciesRequest(directory=str(root), info=info(root, root, **options))
    answers = list(LanguageHost("").InstallDependencies(request, Context()))
    printed = [b"".join(getattr(answer, name) for answer in answers).decode() for name in ("stdout", "stderr")]
    return [text.replace(str(root), "ROOT") for text in printed]


def test_dependencies_go_into_a_new_virtual_environment_with_everything_printed(bare: Path) -> None:
    printed = install(bare, virtualenv=".venv")
    assert printed == ["ROOT|-m venv ROOT/.venv\nROOT|-m pip install -r requirements.txt\n", "complaint\n"]
    assert install(bare, virtualenv=".venv") == ["ROOT|-m pip install -r requirements.txt\n", "complaint\n"]


def test_without_requirements_there_is_nothing_to_install(bare: Path) -> None:
    (bare / "requirements.txt").unlink()
    assert install(bare) == ["", ""]


def test_an_installation_that_fails_is_an_error_of_the_call(monkeypatch: pytest.MonkeyPatch, bare: Path) -> None:
    monkeypatch.setenv("PIP_CODE", "4")
    with pytest.raises(Aborted) as caught:
        install(bare)
    assert caught.value.args == (grpc.StatusCode.INTERNAL, "`python3 -m pip install -r requirements.txt` exited with 4")


def run_plugin(program: Path, context: Context) -> list[Any]:
    """Runs a plug-in that prints its arguments and one variable, and fails."""
    plugin = program / "plugin"
    plugin.mkdir()
    (plugin / "__main__.py").write_text("import os, sys; print(sys.argv[1:], os.environ['MINE']); sys.exit(5)\n", encoding="utf-8")
    request = pb.RunPluginRequest(
        pwd=str(program), args=["127.0.0.1:1"], env=["MINE=a=b"], kind="resource", info=info(program, plugin, virtualenv=".venv")
    )
    return list(LanguageHost("").RunPlugin(request, context))


def test_a_plugin_written_in_python_runs_with_its_own_environment(program: Path) -> None:
    context = Context()
    answers = run_plugin(program, context)
    assert b"".join(answer.stdout for answer in answers) == b"['127.0.0.1:1'] a=b\n"
    assert (answers[-1].exitcode, len(context.callbacks)) == (5, 1)


def test_the_pipes_of_a_plugin_that_ended_are_closed(program: Path, started: list[subprocess.Popen[bytes]]) -> None:
    """The host lives as long as the engine's command; what it leaves open adds up."""
    run_plugin(program, Context())
    assert [stream.closed for stream in pipes(started)] == [True, True]


@pytest.mark.parametrize("code", ["0", "4"])
def test_the_pipes_of_an_installation_that_ended_are_closed(
    monkeypatch: pytest.MonkeyPatch, bare: Path, started: list[subprocess.Popen[bytes]], code: str
) -> None:
    monkeypatch.setenv("PIP_CODE", code)
    with contextlib.suppress(Aborted):
        install(bare)
    assert [stream.closed for stream in pipes(started)] == [True, True]
