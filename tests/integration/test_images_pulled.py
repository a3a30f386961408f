"""Images from a real registry: pulled where they are missing, where there are newer ones, and by their digest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest
from docker.errors import ImageNotFound

from containers import images
from containers.demand import Pull
from containers.errors import ImageMissingError
from tests.fix_dev import DevStack, resources
from tests.fix_docker import TestEngine
from tests.fix_server import free_port
from tools.engine.errors import NoTestEngineError
from tools.engine.registry import registry


@pytest.fixture(scope="module")
def offered(docker_engine: TestEngine) -> Iterator[str]:
    """The name of an image that a registry has, and the engine has not."""
    try:
        with registry(free_port()) as address:
            name = f"{address}/postgres"
            push(docker_engine, docker_engine.images.postgres15, name)
            yield f"{name}:tried"
    except NoTestEngineError as error:
        pytest.skip(str(error))
    remove(docker_engine, f"{name}:tried")


def push(engine: TestEngine, image: str, name: str) -> None:
    """Has the registry offer an image under the tag `tried`."""
    engine.client.images.get(image).tag(name, "tried")
    said = engine.client.images.push(name, "tried")
    assert "errorDetail" not in said, said
    remove(engine, f"{name}:tried")


def remove(engine: TestEngine, name: str) -> None:
    with contextlib.suppress(ImageNotFound):
        engine.client.images.remove(name)


def test_an_image_is_pulled_where_it_is_missing_and_no_more(docker_engine: TestEngine, offered: str) -> None:
    wanted = Pull(offered, "missing")
    assert images.to_do(docker_engine.client, wanted) == f"the image {offered} is to be pulled"
    identifier, done = images.ensure(docker_engine.client, wanted)
    assert done == f"pulled the image {offered}"
    assert identifier == docker_engine.client.images.get(docker_engine.images.postgres15).id
    assert images.ensure(docker_engine.client, wanted) == (identifier, None)


def test_a_newer_image_is_pulled_where_that_is_asked_for(docker_engine: TestEngine, offered: str) -> None:
    name = offered.removesuffix(":tried")
    push(docker_engine, docker_engine.images.postgres15, name)
    images.ensure(docker_engine.client, Pull(offered, "missing"))
    assert images.to_do(docker_engine.client, Pull(offered, "always")) is None
    push(docker_engine, docker_engine.images.redis, name)
    docker_engine.client.images.get(docker_engine.images.postgres15).tag(name, "tried")
    assert images.to_do(docker_engine.client, Pull(offered, "missing")) is None
    assert (
        images.to_do(docker_engine.client, Pull(offered, "always")) == f"the image {offered} is to be pulled: the registry has another one"
    )
    identifier, _ = images.ensure(docker_engine.client, Pull(offered, "always"))
    assert identifier == docker_engine.client.images.get(docker_engine.images.redis).id
    push(docker_engine, docker_engine.images.postgres15, name)


def test_a_digest_pins_the_image(docker_engine: TestEngine, offered: str) -> None:
    digest = docker_engine.client.images.get_registry_data(offered).id
    pinned = f"{offered}@{digest}"
    identifier, _ = images.ensure(docker_engine.client, Pull(pinned, "missing"))
    assert identifier == docker_engine.client.images.get(docker_engine.images.postgres15).id
    with pytest.raises(ImageMissingError, match="cannot be pulled"):
        images.ensure(docker_engine.client, Pull(f"{offered}@sha256:{'0' * 64}", "missing"))


def test_a_stack_runs_on_a_pinned_image_and_another_update_changes_nothing(dev: DevStack, offered: str) -> None:
    digest = dev.engine.client.images.get_registry_data(offered).id
    dev.configure(databases=[{"name": "shop"}], docker={"image": offered, "digest": digest, "adminer": {}, "redis": {}})
    dev.make("up")
    assert dev.login("shop").works()
    assert list(resources(dev.make("up"))) == ["unchanged"]
