"""Real container engines and real images, from tools/engine, and names for what a test makes in them."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import docker
import pytest
from docker.models.containers import Container

from tools.engine import Images, NoTestEngineError, provide
from tools.engine import docker_engine as start_docker
from tools.engine import podman_engine as start_podman
from tools.engine.dockerd import Running, empty
from tools.engine.process import Daemon


@dataclass(frozen=True)
class TestEngine:
    """An engine for the whole session.

    Attributes:
        url: its socket.
        images: names of images that it has.
        client: a client of it, closed at the end of the session.
        daemon: its process; None where it is the machine's own.
    """

    __test__ = False

    url: str
    images: Images
    client: docker.DockerClient
    daemon: Daemon | None = None


@contextmanager
def _session(start: Callable[[], AbstractContextManager[Running]]) -> Iterator[TestEngine]:
    """An engine with its images, or a skipped test that says why there is none."""
    with ExitStack() as stack:
        try:
            running = stack.enter_context(start())
            client = docker.DockerClient(base_url=running.url, timeout=300)
            stack.callback(client.close)
            images = provide(client, running.url)
        except NoTestEngineError as error:
            pytest.skip(str(error))
        yield TestEngine(running.url, images, client, running.daemon)


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[TestEngine]:
    """A Docker Engine."""
    with _session(start_docker) as engine:
        yield engine


@pytest.fixture(scope="session")
def podman_engine() -> Iterator[TestEngine]:
    """A Podman service."""
    with _session(start_podman) as engine:
        yield engine


@dataclass
class Scratch:
    """What one test makes in an engine: all of it has the label `pgstack.stack=<name>`, and goes at the end.

    Attributes:
        name: no other test's.
    """

    engine: TestEngine
    name: str = field(default_factory=lambda: f"test-{secrets.token_hex(4)}")

    @property
    def labels(self) -> dict[str, str]:
        """The label by which it is found at the end."""
        return {"pgstack.stack": self.name}

    def run(self, image: str, *command: str, **options: Any) -> Container:
        """Starts a container in the background."""
        return self.engine.client.containers.run(image, list(command), detach=True, labels=self.labels, **options)

    def network(self) -> str:
        """Makes a network; its name."""
        self.engine.client.networks.create(self.name, driver="bridge", labels=self.labels)
        return self.name

    def volume(self, part: str = "data") -> str:
        """Makes a volume; its name."""
        name = f"{self.name}-{part}"
        self.engine.client.volumes.create(name, labels=self.labels)
        return name

    def empty(self) -> None:
        """Removes it all."""
        empty(self.engine.client, f"pgstack.stack={self.name}")


@pytest.fixture
def scratch(docker_engine: TestEngine) -> Iterator[Scratch]:
    """A name in the Docker Engine that is free, and that leaves nothing behind."""
    made = Scratch(docker_engine)
    yield made
    made.empty()


@pytest.fixture
def podman_scratch(podman_engine: TestEngine) -> Iterator[Scratch]:
    """The same in Podman."""
    made = Scratch(podman_engine)
    yield made
    made.empty()
