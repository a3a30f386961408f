"""Containers that are started, stopped and asked, on real engines of both kinds."""

from __future__ import annotations

from typing import Any

import pytest
from docker.models.containers import Container

from containers.engine import labels
from containers.errors import EngineError, ForeignVolumeError, UnhealthyError
from ops.server import parts, reset
from ops.server.deployed import Names
from tests.fix_docker import Scratch

SLOW = "trap 'sleep 12; exit 7' INT TERM; while :; do sleep 0.1; done"
"""Takes longer to stop than an engine allows by itself."""


@pytest.fixture(params=["scratch", "podman_scratch"])
def place(request: pytest.FixtureRequest) -> Scratch:
    """Each of the engines."""
    found: Scratch = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def names(place: Scratch) -> Names:
    name = place.name
    return Names(place.engine.url, name, f"{name}-postgres", f"{name}-data", f"{name}-backups")


def container(place: Scratch, names: Names, part: str, script: str = SLOW, **options: Any) -> Container:
    """A container of a part that runs a shell script, not started."""
    return place.engine.client.containers.create(
        place.engine.images.postgres15,
        entrypoint=["/bin/sh", "-c", script],
        name=f"{names.stack}-{part}",
        labels=labels(names.project, names.stack, part),
        network_mode="none",
        **options,
    )


def test_parts_are_found_in_the_order_in_which_they_start(place: Scratch, names: Names) -> None:
    client = place.engine.client
    for part in ("adminer", "upgrade", "postgres", "redis"):
        container(place, names, part)
    assert [parts.part(one) for one in parts.find(client, names)] == ["postgres", "redis", "adminer"]
    assert parts.one(client, names, "redis").name == f"{names.stack}-redis"
    parts.one(client, names, "redis").remove()
    with pytest.raises(EngineError, match=r"has no part redis\.\nIt has: postgres, adminer\."):
        parts.one(client, names, "redis")
    parts.one(client, names, "postgres").remove()
    with pytest.raises(EngineError, match=f"make up STACK={names.stack} ARGS=--refresh"):
        parts.find(client, names)


def test_a_container_is_waited_for_until_its_own_check_succeeds(place: Scratch, names: Names) -> None:
    script = "rm -f /tmp/up; sleep 2; touch /tmp/up; sleep 600"
    made = container(place, names, "postgres", script, healthcheck={"test": ["CMD", "test", "-e", "/tmp/up"], "interval": 3600 * 10**9})
    said: list[str] = []
    parts.start([made], 30, said.append)
    assert parts.is_well(made)
    assert said[0].startswith(f"started {made.name} in 2.")
    parts.start([made], 30, said.append)
    assert said[1] == f"{made.name} runs already."
    made.pause()
    made.reload()
    parts.start([made], 30, said.append)
    assert parts.is_well(made)


def test_one_that_ends_or_takes_too_long_is_told_with_its_last_words(place: Scratch, names: Names) -> None:
    check = {"test": ["CMD", "false"]}
    ends = container(place, names, "postgres", "echo no such luck; exit 3", healthcheck=check)
    ends_late = container(place, names, "redis", "echo still busy; sleep 600", healthcheck=check)
    with pytest.raises(UnhealthyError, match=r"ended with code 3\.\nThe last lines of its log:\nno such luck"):
        parts.start([ends], 30, lambda _: None)
    with pytest.raises(UnhealthyError, match=r"did not come up within 1 s\.\nThe last lines of its log:\nstill busy"):
        parts.start([ends_late], 1, lambda _: None)


def test_a_container_has_its_own_time_to_stop_in(place: Scratch, names: Names) -> None:
    # The client has no argument for what the engine calls StopTimeout.
    config = place.engine.client.api.create_container_config(
        place.engine.images.postgres15,
        None,
        entrypoint=["/bin/sh", "-c", SLOW],
        labels=labels(names.project, names.stack, "postgres"),
        host_config=place.engine.client.api.create_host_config(network_mode="none"),
    )
    identifier = place.engine.client.api.create_container_from_config({**config, "StopTimeout": 60}, f"{names.stack}-postgres")["Id"]
    patient = place.engine.client.containers.get(identifier)
    patient.start()
    patient.reload()
    parts.stop([patient], lambda _: None)
    patient.reload()
    assert patient.attrs["State"]["ExitCode"] == 7


def test_only_the_stack_s_own_data_is_to_be_deleted(place: Scratch, names: Names) -> None:
    client = place.engine.client
    assert reset.volumes(client, names) == []
    for part in ("control", "data", "backups", "kept"):
        client.volumes.create(f"{names.stack}-{part}", labels=labels(names.project, names.stack, part))
    client.volumes.create(f"{names.stack}-other", labels={**labels("another", names.stack, "data")})
    assert [one.volume.name for one in reset.volumes(client, names)] == [f"{names.stack}-data", f"{names.stack}-control"]
    client.volumes.get(names.volume).remove()
    client.volumes.create(names.volume, labels={**labels("another", names.stack, "data")})
    with pytest.raises(ForeignVolumeError, match=r"is that of the stack .* of the project another\. Nothing was deleted"):
        reset.volumes(client, names)
