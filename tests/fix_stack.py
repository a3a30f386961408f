"""A real Pulumi stack of this project: a copy of the checkout, run through its own Makefile, as a user runs it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import yaml

from cluster.cluster import Cluster
from cluster.marker import Marker
from postgres.login import Login
from tests.fix_server import free_port
from toolchain import paths

ROOT = Path(__file__).resolve().parent.parent

LEFT_OUT = ("PULUMI_", "MAKE", "MFLAGS", "PG", "PYTEST", "PYTHON")
"""Beginnings of variables that the project must not get from the one who runs the tests."""


@dataclass
class Project:
    """A copy of the project with its own state, data and settings.

    Attributes:
        printed: everything that its commands have printed, to look for what must not be in it.
    """

    folder: Path
    environment: dict[str, str]
    printed: list[str] = field(default_factory=list)

    def run(self, *command: str, ok: bool = True, **environment: str) -> str:
        """Runs a command in the copy and returns what it printed, both streams; fails the test on an unexpected exit code."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        self.printed.append(done.stdout)
        assert (done.returncode == 0) == ok, f"{' '.join(command)} exited with {done.returncode}:\n{done.stdout}"
        return done.stdout

    def make(self, *arguments: str, ok: bool = True, **environment: str) -> str:
        """Runs `make ARGUMENTS`."""
        return self.run("make", "--no-print-directory", *arguments, ok=ok, **environment)

    def configure(self, stack: str = "local", **settings: Any) -> None:
        """Changes settings in a stack file; None takes a key out."""
        file = self.folder / f"Pulumi.{stack}.yaml"
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        for key, value in settings.items():
            content["config"].pop(f"pgstack:{key}", None)
            if value is not None:
                content["config"][f"pgstack:{key}"] = value
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def outputs(self, stack: str = "local") -> dict[str, Any]:
        """The stack's outputs with their secrets. What this prints is not kept in `printed`."""
        command = ["make", "--no-print-directory", "-s", "outputs", f"STACK={stack}", "ARGS=--show-secrets"]
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=True)
        outputs: dict[str, Any] = json.loads(done.stdout)
        return outputs

    def login(self, database: str, role: str = "app", stack: str = "local") -> Login:
        """A role's way in, taken apart from the URL in the outputs."""
        outputs = self.outputs(stack)["databases"]
        found = outputs[database] if database in outputs else outputs[database.removesuffix("_test")]["test"]
        parts = psycopg.conninfo.conninfo_to_dict(found["roles"][role]["url"])
        return Login(
            str(parts["host"]), int(str(parts["port"])), str(parts["dbname"]), str(parts["user"]), str(parts["password"]), "disable"
        )

    def data(self, stack: str = "local") -> Path:
        """The folder of a stack's cluster."""
        return self.folder / ".pgstack" / "data" / stack

    def postmaster(self, stack: str = "local") -> int:
        """The pid of a stack's server."""
        return int((self.data(stack) / "pgdata" / "postmaster.pid").read_text().splitlines()[0])


def copy_checkout(target: Path) -> None:
    """Copies what git tracks, and what it does not ignore, as it is in the work tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        source = ROOT / name
        if source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)


def start_project(folder: Path) -> Project:
    """A copy of the checkout in `folder`, on a free port, in a home where nobody is logged in anywhere."""
    project = folder / "project"
    project.mkdir(parents=True)
    copy_checkout(project)
    (project / ".venv").symlink_to(ROOT / ".venv")
    home = folder / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)}
    environment = {**kept, "HOME": str(home), "PULUMI_HOME": str(home / ".pulumi"), "PGSTACK_TOOLCHAIN_CACHE": str(paths.cache())}
    made = Project(project, environment)
    made.configure(port=free_port())
    return made


@pytest.fixture
def project(open_folder: Path) -> Iterator[Project]:
    """A project of its own for one test, not brought up yet."""
    made = start_project(open_folder / secrets.token_hex(4))
    yield made
    end_project(made)


@pytest.fixture(scope="module")
def up(open_folder: Path) -> Iterator[Project]:
    """A project whose stack `local` is up, for all tests of a module. Each test leaves it converged."""
    made = start_project(open_folder / secrets.token_hex(4))
    made.make("up")
    yield made
    end_project(made)


def end_project(project: Project) -> None:
    """Stops every server that a project has left running, and what a killed run has left of its processes."""

    for data in (project.folder / ".pgstack" / "data").glob("*"):
        Cluster(data, Marker("pgstack", data.name, 18), 0, {}).stop()
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(project.folder):
                process.kill()
        except (psutil.Error, OSError):
            continue
