"""A Pulumi language host for Python, for machines where the official one cannot be downloaded.

The engine starts it as `pulumi-language-python <engine address>` and speaks gRPC to it (the service
`pulumirpc.LanguageRuntime` of the SDK). It runs the program with `pulumi-language-python-exec` of the same SDK release,
installs its dependencies, and starts plug-ins and policy packs that are written in Python. Missing beside the
official host: the toolchains `poetry` and `uv`, the debugger, and code generation.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import IO, Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime.proto import language_pb2 as pb
from pulumi.runtime.proto import language_pb2_grpc, plugin_pb2

from toolchain import paths, versions

SHOWN_TO_THE_USER = 32
"""Exit code of a program whose error message has been printed already; the engine must not print a second one."""

MAX_MESSAGE = 400 * 1024 * 1024
"""Bytes in one gRPC message, as the engine and the SDK have it."""


class MissingEnvironment(Exception):
    """The `virtualenv` option names a folder that is no virtual environment."""


def virtualenv(info: Any) -> Path | None:
    """The folder that `runtime.options.virtualenv` names, below the project's root; None where the option is unset."""
    name = info.options.fields["virtualenv"].string_value if "virtualenv" in info.options.fields else ""
    return Path(info.root_directory, name) if name else None


def interpreter(info: Any) -> str:
    """The Python that runs the program.

    Raises:
        MissingEnvironment: the virtual environment was not made yet.
    """
    folder = virtualenv(info)
    if folder is None:
        return "python3"
    python = folder / "bin" / "python"
    if not python.exists():
        raise MissingEnvironment(f"The virtual environment {folder} does not exist: run `pulumi install` to make it.")
    return str(python)


def run_arguments(request: Any, engine: str) -> list[str]:
    """The command line of `pulumi-language-python-exec` for one run of the program."""
    named = {
        "monitor": request.monitor_address,
        "engine": engine,
        "project": request.project,
        "stack": request.stack,
        "pwd": request.pwd,
        "root_directory": request.info.root_directory,
        "organization": request.organization,
        "parallel": str(request.parallel),
        "dry_run": "true" if request.dryRun else "",
    }
    arguments = [text for name, value in named.items() if value for text in (f"--{name}", value)]
    entry = request.info.entry_point
    program = request.info.program_directory + (f"/{entry}" if entry not in ("", ".") else "")
    return [*arguments, program, *request.args]


def output_of(process: subprocess.Popen[bytes]) -> Iterator[tuple[str, bytes]]:
    """What a process prints, as ("stdout" | "stderr", chunk) in the order of arrival, until both streams end."""
    chunks: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()

    def pump(name: str, stream: IO[bytes]) -> None:
        with stream:
            while chunk := os.read(stream.fileno(), 65536):
                chunks.put((name, chunk))
        chunks.put((name, b""))

    for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
        if stream is None:
            raise ValueError(f"{name} of the process is not piped")
        threading.Thread(target=pump, args=(name, stream), daemon=True).start()
    still_open = 2
    while still_open:
        name, chunk = chunks.get()
        if chunk:
            yield name, chunk
        else:
            still_open -= 1


class LanguageHost(language_pb2_grpc.LanguageRuntimeServicer):
    """The calls that the engine makes for a Python project."""

    def __init__(self, engine: str) -> None:
        self.engine = engine

    def Handshake(self, request: Any, context: Any) -> Any:
        self.engine = request.engine_address or self.engine
        return pb.LanguageHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=versions.PULUMI)

    def GetRequiredPackages(self, request: Any, context: Any) -> Any:
        """No plug-in to download: this host runs where there is no download, and the toolchain provides them."""
        return pb.GetRequiredPackagesResponse()

    def GetRequiredPlugins(self, request: Any, context: Any) -> Any:
        return pb.GetRequiredPluginsResponse()

    def RuntimeOptionsPrompts(self, request: Any, context: Any) -> Any:
        return pb.RuntimeOptionsResponse()

    def GetProgramDependencies(self, request: Any, context: Any) -> Any:
        return pb.GetProgramDependenciesResponse()

    def About(self, request: Any, context: Any) -> Any:
        return pb.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def Cancel(self, request: Any, context: Any) -> Any:
        return empty_pb2.Empty()

    def InstallDependencies(self, request: Any, context: Any) -> Iterator[Any]:
        """Makes the virtual environment where it is missing and installs requirements.txt into it, printing as pip does."""
        info = request.info
        folder = virtualenv(info)
        directory = info.program_directory or request.directory
        commands = [] if folder is None or (folder / "bin" / "python").exists() else [["python3", "-m", "venv", str(folder)]]
        python = "python3" if folder is None else str(folder / "bin" / "python")
        if Path(directory, "requirements.txt").exists():
            commands.append([python, "-m", "pip", "install", "-r", "requirements.txt"])
        for command in commands:
            process = subprocess.Popen(command, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for name, chunk in output_of(process):
                yield pb.InstallDependenciesResponse(stdout=chunk) if name == "stdout" else pb.InstallDependenciesResponse(stderr=chunk)
            if process.wait() != 0:
                context.abort(grpc.StatusCode.INTERNAL, f"`{' '.join(command)}` exited with {process.returncode}")

    def Run(self, request: Any, context: Any) -> Any:
        program = paths.BIN / "pulumi-language-python-exec"
        environment = {
            **os.environ,
            "PULUMI_CONFIG": json.dumps(dict(request.config)),
            "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
        }
        try:
            command = [interpreter(request.info), "-u", str(program), *run_arguments(request, self.engine)]
        except MissingEnvironment as error:
            return pb.RunResponse(error=str(error))
        code = subprocess.run(command, env=environment, cwd=request.pwd or None, check=False).returncode
        if code == SHOWN_TO_THE_USER:
            return pb.RunResponse(bail=True)
        return pb.RunResponse(error=f"the program exited with code {code}" if code else "")

    def RunPlugin(self, request: Any, context: Any) -> Iterator[Any]:
        directory = request.info.program_directory
        policy_pack = request.kind == "analyzer"
        arguments = ["-u", "-m", "pulumi.policy", *request.args, directory] if policy_pack else [directory, *request.args]
        process = subprocess.Popen(
            [interpreter(request.info), *arguments],
            cwd=directory if policy_pack else request.pwd,
            env=dict(line.split("=", 1) for line in request.env) or None,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        context.add_callback(process.terminate)
        for name, chunk in output_of(process):
            yield pb.RunPluginResponse(stdout=chunk) if name == "stdout" else pb.RunPluginResponse(stderr=chunk)
        yield pb.RunPluginResponse(exitcode=process.wait())


def main() -> None:
    """Serves on a free loopback port, which is printed for the engine, until the engine ends the process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    options = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
    server = grpc.server(futures.ThreadPoolExecutor(8), options=options)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(LanguageHost(sys.argv[-1] if len(sys.argv) > 1 else ""), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    engine = os.getppid()
    while os.getppid() == engine:  # an engine that was killed tells nobody
        time.sleep(1)


if __name__ == "__main__":
    main()
