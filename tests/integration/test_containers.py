"""An engine looked at before anything is declared on it, and what is put into it: on a real one."""

from __future__ import annotations

import gc
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from docker.models.containers import Container

from containers import checks, files, images, inside, volumes
from containers.address import has_ipv6
from containers.demand import Data, Demand, Pull, Wanted
from containers.engine import connect, labels
from containers.errors import (
    EngineError,
    ForeignVolumeError,
    ImageMissingError,
    NameTakenError,
    NoEngineError,
    PortTakenError,
    UnhealthyError,
)
from containers.part import Part
from tests.fix_docker import Scratch
from tests.fix_server import free_port

PROJECT = "pgstack"
SLEEP = ["sleep", "600"]
NOWHERE = "localhost:1/nobody/postgres:15"


def demand(
    scratch: Scratch,
    *containers: tuple[str, tuple[tuple[str, int], ...]],
    pulls: tuple[Pull, ...] = (),
    version: int = 15,
    adopt: bool = False,
    stack: str = "",
) -> Demand:
    """What a stack wants: containers by part and ports, a data volume, and one more."""
    wanted = tuple(Wanted(f"{scratch.name}-{part}", part, ports) for part, ports in containers)
    pulls = pulls or (Pull(scratch.engine.images.postgres15, "missing"),)
    data = Data(f"{scratch.name}-data", version, adopt)
    return Demand(scratch.engine.url, PROJECT, stack or scratch.name, wanted, pulls, data, (f"{scratch.name}-backups",))


def own(scratch: Scratch, part: str, *command: str, **options: object) -> Container:
    """A container of the stack's own, not started, with a shell command in it."""
    return scratch.engine.client.containers.create(
        scratch.engine.images.postgres15,
        entrypoint=list(command) or SLEEP,
        name=f"{scratch.name}-{part}",
        labels=labels(PROJECT, scratch.name, part),
        **options,
    )


def volume(scratch: Scratch, part: str, **marks: str) -> str:
    """A volume with labels of ours; without any where none are given."""
    name = f"{scratch.name}-{part}"
    scratch.engine.client.volumes.create(name, labels={f"pgstack.{key}": value for key, value in marks.items()})
    return name


def in_volume(scratch: Scratch, name: str, script: str) -> str:
    """What a shell script prints that has a volume at /v."""
    image, entrypoint = scratch.engine.images.postgres15, ["/bin/sh", "-ec", script]
    ran = scratch.engine.client.containers.create(
        image, entrypoint=entrypoint, volumes={name: {"bind": "/v"}}, network_mode="none", labels=scratch.labels
    )
    ran.start()
    code = ran.wait()["StatusCode"]
    printed = ran.logs().decode()
    ran.remove()
    assert code == 0, printed
    return str(printed)


@pytest.fixture(autouse=True)
def unlabelled(scratch: Scratch) -> Iterator[None]:
    """Removes the volumes that have no label by which they are found at the end."""
    yield
    scratch.empty()
    for one in scratch.engine.client.volumes.list():
        if str(one.name).startswith(scratch.name):
            one.remove()


# The engine


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the library closes no socket that led nowhere
def test_an_engine_that_does_not_answer_is_told_with_the_reason(tmp_path: Path) -> None:
    port = free_port()
    for url, reason in (
        (f"unix://{tmp_path}/nobody", "No such file or directory"),
        (f"tcp://127.0.0.1:{port}", "Connection refused"),
    ):
        with pytest.raises(NoEngineError) as caught, connect(url):
            pass
        assert Exception.__str__(caught.value) == f"The container engine at {url} does not answer: {reason}."
        del caught
    gc.collect()


def test_what_an_engine_refuses_is_told_in_its_own_words(scratch: Scratch) -> None:
    with pytest.raises(EngineError) as caught, connect(scratch.engine.url) as client:
        client.containers.create("pgstack-no-such-image")
    assert str(caught.value).lower().startswith(f"the container engine at {scratch.engine.url}: no such image: ")


# Names


def test_an_engine_without_anything_of_the_stack_has_nothing_in_the_way(scratch: Scratch) -> None:
    wanted = demand(scratch, ("postgres", (("127.0.0.1", free_port()),)), ("redis", ()))
    assert checks.look(wanted) == ((), ())
    identifiers, done = checks.ensure(wanted)
    image = scratch.engine.images.postgres15
    assert (identifiers, done) == ({image: scratch.engine.client.images.get(image).id}, ())


@pytest.mark.parametrize(
    ("marks", "owner"),
    [
        ({}, "not of this program"),
        ({"pgstack.project": PROJECT, "pgstack.stack": "another"}, "of the stack another"),
        ({"pgstack.project": "other", "pgstack.stack": "{name}"}, "of the stack {name}"),
    ],
)
def test_a_name_that_is_taken_is_told_and_whose_it_is(scratch: Scratch, marks: dict[str, str], owner: str) -> None:
    image = scratch.engine.images.postgres15
    marks = {key: value.format(name=scratch.name) for key, value in marks.items()}
    other = scratch.engine.client.containers.create(image, SLEEP, name=f"{scratch.name}-redis", labels=marks)
    try:
        for look in (checks.look, checks.ensure):
            with pytest.raises(NameTakenError) as caught:
                look(demand(scratch, ("postgres", ()), ("redis", ())))
            assert Exception.__str__(caught.value) == (
                f"There is a container {other.name} already, {owner.format(name=scratch.name)}: {image}, created. It was not touched."
            )
        other.reload()
    finally:
        other.remove()


# Ports


def refused(wanted: Demand) -> str:
    with pytest.raises(PortTakenError) as caught:
        checks.look(wanted)
    return Exception.__str__(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", *(["::1"] if has_ipv6() else [])])
def test_a_port_that_a_process_has_is_told(scratch: Scratch, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as server:
        port = server.getsockname()[1]
        wanted = demand(scratch, ("redis", ((address, port),)))
        assert refused(wanted) == f"Port {port} of {address} is taken, and the redis container was to be published on it."
    assert checks.look(wanted) == ((), ())


def test_an_address_of_another_machine_is_told(scratch: Scratch) -> None:
    for address in ("203.0.113.7", "2001:db8::7"):
        assert refused(demand(scratch, ("postgres", ((address, 5432),)))) == (
            f"{address} is no address of this machine, and the postgres container was to be published on it."
        )


def test_a_port_is_the_stacks_own_while_its_container_runs_and_told_with_the_container_that_has_it(scratch: Scratch) -> None:
    port = free_port()
    made = own(scratch, "postgres", ports={"5432/tcp": ("127.0.0.1", port)}, stop_signal="SIGKILL")
    made.start()
    mine, theirs = demand(scratch, ("postgres", (("127.0.0.1", port),))), demand(scratch, ("redis", (("127.0.0.1", port),)))
    assert checks.look(mine) == ((), ())
    assert refused(theirs) == (
        f"Port {port} of 127.0.0.1 is taken by the container {made.name}, and the redis container was to be published on it."
    )
    made.pause()
    assert checks.look(mine) == ((), ())
    made.unpause()
    made.stop()
    assert checks.look(mine) == ((), ())
    with socket.create_server(("127.0.0.1", port)):
        assert refused(mine) == f"Port {port} of 127.0.0.1 is taken, and the postgres container was to be published on it."


def test_a_container_that_never_started_is_removed(scratch: Scratch) -> None:
    """An update leaves one behind that could not start it: Pulumi's state has no container then, and its name is taken."""
    left = own(scratch, "postgres", ports={"5432/tcp": ("127.0.0.1", free_port())})
    wanted = demand(scratch, ("postgres", ()), ("redis", ()))
    said = f"the container {left.name} was made and never started, and is to be removed"
    assert checks.look(wanted) == ((said,), (said,))
    left.reload()
    assert checks.ensure(wanted)[1] == (f"removed the container {left.name}, which was made and never started",)
    assert checks.look(wanted) == ((), ())


# Volumes


@pytest.mark.parametrize("part", ["data", "backups"])
@pytest.mark.parametrize(("project", "stack"), [(PROJECT, "another"), ("other", "{name}")])
def test_the_volume_of_another_stack_or_program_is_refused(scratch: Scratch, part: str, project: str, stack: str) -> None:
    stack = stack.format(name=scratch.name)
    name = volume(scratch, part, project=project, stack=stack)
    for look in (checks.look, checks.ensure):
        with pytest.raises(ForeignVolumeError) as caught:
            look(demand(scratch, adopt=True))
        assert Exception.__str__(caught.value) == (
            f"The volume {name} is that of the stack {stack} of the project {project}, not of {scratch.name} of {PROJECT}. "
            "It was not touched."
        )


def test_data_that_another_program_made_is_taken_over_where_the_settings_say_so(scratch: Scratch) -> None:
    name = volume(scratch, "data")
    volume(scratch, "backups")  # has no data of a server's: whoever made it, it is used
    with pytest.raises(ForeignVolumeError) as caught:
        checks.look(demand(scratch))
    assert Exception.__str__(caught.value) == f"The volume {name} was not made by this program. It was not touched."
    assert "pgstack:docker.adoptVolume" in caught.value.hint
    kept = (f"the data volume {name} is there already, and is taken back",)
    assert checks.look(demand(scratch, adopt=True)) == ((), kept)
    assert checks.ensure(demand(scratch, adopt=True))[1] == kept


def test_data_is_said_to_be_taken_back_only_where_no_container_runs_on_it(scratch: Scratch) -> None:
    name = volume(scratch, "data", project=PROJECT, stack=scratch.name)
    wanted = demand(scratch, ("postgres", ()))
    assert checks.look(wanted) == ((), (f"the data volume {name} is there already, and is taken back",))
    own(scratch, "postgres", network_mode="none").start()
    assert checks.look(wanted) == ((), ())


def test_only_the_version_that_made_the_data_runs_on_it(scratch: Scratch) -> None:
    name = volume(scratch, "data", project=PROJECT, stack=scratch.name)
    client, image = scratch.engine.client, scratch.engine.images.postgres15
    found, verdicts = [], []
    for script in ("true", "echo 15 > /v/PG_VERSION", "mkdir -p /v/18/docker; echo 18 > /v/18/docker/PG_VERSION", "rm /v/PG_VERSION"):
        in_volume(scratch, name, script)
        found.append(volumes.major(client, Data(name, 15, False), image))
        for version in (15, 18):
            try:
                checks.ensure(demand(scratch, version=version))
                verdicts.append("")
            except ForeignVolumeError as error:
                verdicts.append(Exception.__str__(error))
    assert found == [None, 15, 18, 18]
    other = f"The volume {name} holds data of PostgreSQL {{}}; this server is to be PostgreSQL {{}}. It was not touched."
    assert verdicts == ["", "", "", other.format(15, 18), other.format(18, 15), "", other.format(18, 15), ""]
    assert client.containers.list(all=True, filters={"volume": name}) == []


# Images


def test_an_image_that_is_missing_is_told_by_what_is_to_be_done_about_it(scratch: Scratch) -> None:
    client = scratch.engine.client
    for policy in ("missing", "always"):
        assert images.to_do(client, Pull(NOWHERE, policy)) == f"the image {NOWHERE} is to be pulled"
        assert checks.look(demand(scratch, pulls=(Pull(NOWHERE, policy),))).to_do == (f"the image {NOWHERE} is to be pulled",)
        with pytest.raises(ImageMissingError) as caught:
            checks.ensure(demand(scratch, pulls=(Pull(NOWHERE, policy),)))
        assert Exception.__str__(caught.value).startswith(f"The image {NOWHERE} is not on this machine and cannot be pulled: ")
        assert "connection refused" in str(caught.value)
        assert "`docker login`" in caught.value.hint
    for look in (checks.look, checks.ensure):
        with pytest.raises(ImageMissingError) as caught:
            look(demand(scratch, pulls=(Pull(NOWHERE, "never"),)))
        assert Exception.__str__(caught.value) == f"The image {NOWHERE} is not on this machine, and pullPolicy is `never`."


def test_a_local_image_is_good_enough_where_its_registry_does_not_answer(scratch: Scratch) -> None:
    client = scratch.engine.client
    client.images.get(scratch.engine.images.postgres15).tag(NOWHERE.rpartition(":")[0], "15")
    try:
        for policy in ("missing", "always", "never"):
            assert images.ensure(client, Pull(NOWHERE, policy)) == (client.images.get(NOWHERE).id, None)
    finally:
        client.images.remove(NOWHERE)


# Files in a volume

LIST = "cd /v; find . -mindepth 1 -exec stat -c '%n %a %u:%g %F' {} + | sort"


def test_files_are_roots_alone_unless_they_are_shared(scratch: Scratch) -> None:
    name = volume(scratch, "control", stack=scratch.name)
    url, image = scratch.engine.url, scratch.engine.images.postgres15
    written = {"secret": "größe\n", "b.conf": ""}
    files.write(url, name, written, image)
    assert in_volume(scratch, name, LIST).splitlines() == [
        "./b.conf 600 0:0 regular empty file",
        "./flags 700 0:0 directory",
        "./secret 600 0:0 regular file",
    ]
    in_volume(scratch, name, "touch /v/flags/up")
    files.write(url, name, {"secret": "other"}, image, shared=True)
    assert in_volume(scratch, name, f"{LIST}; cat /v/secret; echo").splitlines() == [
        "./b.conf 600 0:0 regular empty file",
        "./flags 700 0:0 directory",
        "./flags/up 644 0:0 regular empty file",
        "./secret 444 0:0 regular file",
        "other",
    ]
    assert scratch.engine.client.containers.list(all=True, filters={"volume": name}) == []


def test_a_volume_that_was_removed_is_told_and_one_that_was_made_anew_is_another(scratch: Scratch) -> None:
    url, image, client = scratch.engine.url, scratch.engine.images.postgres15, scratch.engine.client
    name = f"{scratch.name}-control"
    assert files.identity(url, name) == ""
    with pytest.raises(EngineError, match=f"The volume {name} is in the stack's state, but not on the engine"):
        files.write(url, name, {"a": "b"}, image)
    assert name not in {one.name for one in client.volumes.list()}
    volume(scratch, "control", stack=scratch.name)
    first = files.write(url, name, {"a": "b"}, image)
    time.sleep(1.1)  # it is told by the second
    works = "touch /v/flags/up; ls /v; cat /v/a; echo; rm /v/flags/up; echo more >> /v/flags/log"
    assert in_volume(scratch, name, works).split() == ["a", "flags", "b"]
    assert files.identity(url, name) == first
    client.volumes.get(name).remove()
    volume(scratch, "control", stack=scratch.name)
    assert files.identity(url, name) not in ("", first)


# Commands in a container


@pytest.fixture(scope="module")
def shell(docker_engine: object) -> Iterator[Container]:
    """A container to run commands in."""
    made = Scratch(docker_engine)  # type: ignore[arg-type]
    yield made.run(made.engine.images.postgres15, entrypoint=SLEEP, network_mode="none")
    made.empty()


@pytest.mark.parametrize(
    ("script", "given", "expected"),
    [
        ("exit 0", b"", (0, "")),
        ("echo one; sleep 0.3; echo two >&2; exit 3", b"", (3, "one\ntwo\n")),
        ("kill -9 $$", b"", (137, "")),
        ("cat; exit 4", "größe\n".encode(), (4, "größe\n")),
        ("wc -c", b"x" * 300_000, (0, "300000\n")),
        (r"printf '\377.'", b"", (0, "\ufffd.")),
        ("id -un", b"", (0, "root\n")),
    ],
)
def test_a_command_has_a_code_an_output_and_an_input(shell: Container, script: str, given: bytes, expected: tuple[int, str]) -> None:
    assert inside.run(shell.client, shell, ["sh", "-c", script], given=given) == expected


def test_a_large_output_arrives_whole(shell: Container) -> None:
    code, printed = inside.run(shell.client, shell, ["sh", "-c", "seq 1 400000; exit 5"])
    assert (code, printed == "".join(f"{number}\n" for number in range(1, 400_001))) == (5, True)


def test_a_command_is_waited_for_though_its_output_has_ended(shell: Container) -> None:
    assert inside.run(shell.client, shell, ["sh", "-c", "exec >&- 2>&-; sleep 1; exit 3"]) == (3, "")


def test_a_command_runs_as_the_user_that_is_asked_for_and_one_that_there_is_not_fails(shell: Container) -> None:
    assert inside.run(shell.client, shell, ["id", "-un"], user="postgres") == (0, "postgres\n")
    code, _ = inside.run(shell.client, shell, ["no-such-command"])
    assert code in (126, 127)


# What runs beside the server


def test_a_container_is_started_however_it_is_down(scratch: Scratch) -> None:
    made = own(scratch, "redis", network_mode="none", stop_signal="SIGKILL")
    part = Part(scratch.engine.url, str(made.name), ())
    said = []
    for state in ("created", "running", "exited", "paused"):
        if state == "exited":
            made.stop()
        if state == "paused":
            made.pause()
        said.append((part.differences(), part.ensure(10)))
        made.reload()
        assert made.status == "running"
    started, name = (f"started the container {made.name}",), made.name
    assert said == [
        ((f"the container {name} is created, and is to be started",), started),
        ((), ()),
        ((f"the container {name} is exited, and is to be started",), started),
        ((f"the container {name} is paused, and is to be started",), (f"let the container {name} go on",)),
    ]
    made.remove(force=True)
    assert part.differences() == (f"the container {name} is gone, and a new one is to be waited for",)
    with pytest.raises(EngineError, match=f"The container {name} is in the stack's state, but not on the engine"):
        part.ensure(10)


def test_a_container_is_up_once_the_question_is_answered(scratch: Scratch) -> None:
    script = "rm -f /tmp/up; sleep 1; touch /tmp/up; sleep 600"
    made = own(scratch, "redis", "sh", "-c", script, network_mode="none", stop_signal="SIGKILL")
    before = time.monotonic()
    Part(scratch.engine.url, str(made.name), ("test", "-e", "/tmp/up")).ensure(30)
    assert time.monotonic() - before > 1
    with pytest.raises(UnhealthyError) as caught:
        Part(scratch.engine.url, str(made.name), ("false",)).ensure(0.3)
    assert Exception.__str__(caught.value) == (
        f"The container {made.name} did not come up within 0 s.\nThe last lines of its log:\n(it is empty)"
    )


@pytest.mark.parametrize("policy", ["no", "always"])
def test_a_container_that_ends_is_told_with_its_last_words(scratch: Scratch, policy: str) -> None:
    """Also where the engine starts it again and again."""
    script = "echo first; seq 2 20; echo 'no such luck'; exit 3"
    made = own(scratch, "redis", "sh", "-c", script, network_mode="none", restart_policy={"Name": policy})
    with pytest.raises(UnhealthyError) as caught:
        Part(scratch.engine.url, str(made.name), ("false",)).ensure(30)
    message = Exception.__str__(caught.value)
    assert message.startswith(f"The container {made.name} ended with code 3\nThe last lines of its log:\n")
    assert message.endswith("\n20\nno such luck")
    assert caught.value.hint == f"All of it: `docker logs {made.name}`."
    made.remove(force=True)
