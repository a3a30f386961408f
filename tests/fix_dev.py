"""A real stack on target `docker`: a copy of the checkout, the real engine, the real Docker provider."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from docker.models.containers import Container

from postgres.login import Login
from tests.fix_docker import TestEngine
from tests.fix_server import free_port
from tests.fix_stack import Project, end_project, start_project
from tools.engine.dockerd import empty


@dataclass
class DevStack:
    """The stack `dev` under a name of its own, so that nothing on the engine can have the names of its parts.

    Attributes:
        name: of the stack.
        port: of its server on this machine.
    """

    project: Project
    engine: TestEngine
    name: str
    port: int

    def make(self, command: str, *arguments: str, ok: bool = True, args: str = "", **environment: str) -> str:
        """Runs `make COMMAND` on the stack.

        Args:
            args: for Pulumi, or for `ops`.
        """
        return self.project.make(command, f"STACK={self.name}", f"ARGS={args}", *arguments, ok=ok, **environment)

    def ops(self, command: str, ok: bool = True, **environment: str) -> str:
        """Runs `ops COMMAND --stack …`."""
        return self.project.run(".venv/bin/python", "-m", "ops", *command.split(), "--stack", self.name, ok=ok, **environment)

    def configure(self, **settings: Any) -> None:
        """Changes settings; those of `docker` are merged with what is there. None takes a key out."""
        if settings.get("docker"):
            settings["docker"] = {**self.settings["pgstack:docker"], **settings["docker"]}
        self.project.configure(self.name, **settings)

    @property
    def settings(self) -> dict[str, Any]:
        """The stack file's `config:`."""
        config: dict[str, Any] = yaml.safe_load((self.project.folder / f"Pulumi.{self.name}.yaml").read_text(encoding="utf-8"))["config"]
        return config

    def outputs(self) -> dict[str, Any]:
        """With their secrets."""
        return self.project.outputs(self.name)

    def login(self, database: str, role: str = "app") -> Login:
        """A role's way in."""
        return self.project.login(database, role, self.name)

    def part(self, part: str) -> str:
        """The name of a container or volume."""
        return f"pgstack-{self.name}-{part}"

    def container(self, part: str = "postgres") -> Container:
        """A container of the stack."""
        return self.engine.client.containers.get(self.part(part))

    def volumes(self) -> set[str]:
        """The parts of the stack's volumes that there are."""
        prefix = self.part("")
        return {str(one.name).removeprefix(prefix) for one in self.engine.client.volumes.list() if str(one.name).startswith(prefix)}

    def end(self) -> None:
        """Removes everything that the stack made."""
        empty(self.engine.client, f"pgstack.stack={self.name}")
        end_project(self.project)


def resources(printed: str) -> dict[str, int]:
    """What an update did: word → how many resources."""
    counted = re.split(r"Resources:\n", printed)[-1].split("\n\n")[0]
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", counted) if word != "changes"}


def start_dev(folder: Path, engine: TestEngine, name: str = "") -> DevStack:
    """A copy of the checkout with the settings of the stack `dev`, on free ports, with the images that the engine has."""
    name = name or f"dev-{secrets.token_hex(4)}"
    project = start_project(folder)
    content = yaml.safe_load((project.folder / "Pulumi.dev.yaml").read_text(encoding="utf-8"))
    (project.folder / f"Pulumi.{name}.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    stack = DevStack(project, engine, name, free_port())
    images = engine.images
    stack.project.configure(
        name,
        port=stack.port,
        docker={
            "host": engine.url,
            "image": images.postgres15,
            "startTimeout": 60,
            "adminer": {"enabled": True, "image": images.adminer, "port": free_port()},
            "redis": {"enabled": True, "image": images.redis, "port": free_port()},
        },
    )
    return stack


@pytest.fixture
def dev(open_folder: Path, docker_engine: TestEngine) -> Iterator[DevStack]:
    """A stack of its own for one test, not brought up yet."""
    made = start_dev(open_folder / secrets.token_hex(4), docker_engine)
    yield made
    made.end()


@pytest.fixture(scope="module")
def dev_stack(open_folder: Path, docker_engine: TestEngine) -> Iterator[DevStack]:
    """A stack that is up, for all tests of a module. Each test leaves it converged."""
    made = start_dev(open_folder / secrets.token_hex(4), docker_engine)
    made.make("up")
    yield made
    made.end()
