"""The example of an application's deploy, beside a real stack on the real engine."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from docker.models.containers import Container

from tests.fix_dev import DevStack, resources

BEAT = re.compile(r"^physics_user: (\d+) heartbeats of the last hour", re.MULTILINE)


@dataclass
class App:
    """The example's stack; it has the name of the database's."""

    dev: DevStack

    def pulumi(self, *words: str) -> str:
        """Runs Pulumi as the README says."""
        script = f'eval "$(make -s env STACK={self.dev.name})" && cd examples/app-deploy && exec pulumi "$@" --non-interactive'
        return self.dev.project.run("sh", "-c", script, "sh", *words)

    def container(self) -> Container:
        return self.dev.engine.client.containers.get(f"app-deploy-{self.dev.name}")

    def log(self) -> str:
        return self.container().logs().decode()

    def beats(self, at_least: int) -> bool:
        """Whether the application says in time that it wrote so many rows."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            if max((int(count) for count in BEAT.findall(self.log())), default=0) >= at_least:
                return True
            time.sleep(0.5)
        return False


@pytest.fixture(scope="module")
def app(dev_stack: DevStack) -> Iterator[App]:
    """The example, deployed beside the stack."""
    made = App(dev_stack)
    made.pulumi("stack", "init", dev_stack.name)
    made.pulumi("config", "set", "database-stack", f"organization/pgstack/{dev_stack.name}")
    made.pulumi("config", "set", "image", dev_stack.engine.images.postgres15)
    made.pulumi("up", "--yes", "--skip-preview")
    yield made
    made.pulumi("destroy", "--yes", "--skip-preview")


def test_the_application_writes_and_reads_over_the_network(app: App) -> None:
    assert app.beats(2), app.log()
    with app.dev.login("physics_assistant", "readonly").connect() as session:
        rows = session.execute('SELECT count(*) FROM interactions WHERE metadata @> \'{"source": "app-deploy"}\'').fetchone()
    assert rows is not None
    assert rows[0] >= 2


def test_no_password_is_where_the_container_is_inspected_or_in_what_is_printed(app: App) -> None:
    password = app.dev.login("physics_assistant").password
    container = app.container()
    assert password not in json.dumps(container.attrs)
    assert password not in app.log()
    assert [text for text in app.dev.project.printed if password in text] == []
    code, mode = container.exec_run(["stat", "-c", "%a", "/etc/heartbeat.pgpass"])
    assert (code, mode) == (0, b"600\n")


def test_another_update_changes_nothing(app: App) -> None:
    before = app.container().id
    assert resources(app.pulumi("up", "--yes", "--skip-preview")).keys() == {"unchanged"}
    assert app.container().id == before
