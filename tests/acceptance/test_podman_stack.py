"""The same stack on Podman, by its Docker-compatible socket."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fix_dev import DevStack, resources, start_dev
from tests.fix_docker import TestEngine


@pytest.fixture(scope="module")
def stack(open_folder: Path, podman_engine: TestEngine) -> Iterator[DevStack]:
    """A stack that is up on Podman, which it has to find by itself."""
    made = start_dev(open_folder / secrets.token_hex(4), podman_engine)
    made.configure(databases=[{"name": "kennwilliamson", "testTwin": True}], docker={"host": None})
    made.project.environment["DOCKER_HOST"] = podman_engine.url
    made.make("up")
    yield made
    made.end()


def value(stack: DevStack, query: str) -> str:
    with stack.login("kennwilliamson", "owner").connect() as session:
        row = session.execute(query).fetchone()
    return str(row[0]) if row else ""


def test_everything_is_up_and_another_update_changes_nothing(stack: DevStack) -> None:
    assert stack.outputs()["server"]["docker"]["engine"] == stack.engine.url
    assert value(stack, "SELECT count(*) FROM pg_tables WHERE tablename IN ('users', 'roles', 'user_roles')") == "3"
    done = [resources(stack.make(*command)) for command in (("up",), ("preview",), ("up",), ("preview",))]
    assert [list(counted) for counted in done] == [["unchanged"]] * 4
    assert list(resources(stack.make("up", args="--refresh"))) == ["unchanged"]


def test_a_container_beside_it_finds_it_by_its_alias(stack: DevStack) -> None:
    outputs = stack.outputs()
    environment = outputs["databases"]["kennwilliamson"]["networkEnvironment"]
    printed = stack.engine.client.containers.run(
        stack.engine.images.postgres15,
        entrypoint=["psql", "-XqAt", "-c", "SELECT current_user"],
        environment=environment,
        network=outputs["server"]["docker"]["network"],
        remove=True,
    )
    assert printed.decode().strip() == "kennwilliamson_app"


def test_a_changed_setting_replaces_the_container_alone_and_the_data_stays(stack: DevStack) -> None:
    with stack.login("kennwilliamson", "owner").connect() as session:
        session.execute("CREATE TABLE kept AS SELECT 42 AS n")
    stack.configure(parameters={"max_connections": 60})
    assert resources(stack.make("up"))["replaced"] == 1
    assert (value(stack, "SELECT n FROM kept"), value(stack, "SHOW max_connections")) == ("42", "60")


def test_a_container_that_was_removed_is_made_anew_by_an_up_with_refresh(stack: DevStack) -> None:
    stack.container().remove(force=True)
    stack.make("up", args="--refresh")
    assert value(stack, "SELECT 1") == "1"


def test_destroy_keeps_the_data_and_the_next_up_takes_it_back(stack: DevStack) -> None:
    with stack.login("kennwilliamson", "owner").connect() as session:
        session.execute("CREATE TABLE taken_back AS SELECT 7 AS n")
    old = stack.login("kennwilliamson", "owner")
    stack.make("destroy", args="--yes")
    assert {"data", "backups"} <= stack.volumes()
    stack.make("up")
    assert value(stack, "SELECT n FROM taken_back") == "7"
    assert not old.works()
