"""A server in a container, on a real engine: waited for, given its password, and let in by a secret that no server made."""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies
from psycopg import sql

from containers import files
from containers.engine import labels
from containers.errors import EngineError, UnhealthyError
from containers.layout import data_directory, mount_point
from containers.server import ContainerServer
from postgres.login import Login
from postgres.scram_secret import secret_of
from tests.fix_docker import Scratch, TestEngine

ROOT = Path(__file__).resolve().parents[2]
START = (ROOT / "containers" / "start.sh").read_text(encoding="utf-8")
CHEAP = ["-c", "fsync=off", "-c", "shared_buffers=16MB"]


def start(scratch: Scratch, version: int, password: str) -> ContainerServer:
    """Makes a server of its own in a container, as the target `docker` does; it is not waited for."""
    images = scratch.engine.images
    image = {15: images.postgres15, 18: images.postgres18}[version]
    data, control = scratch.volume(f"data{version}"), scratch.volume(f"control{version}")
    files.write(scratch.engine.url, control, {"secret": secret_of(password)}, image)
    name = f"{scratch.name}-postgres{version}"
    scratch.engine.client.containers.run(
        image,
        ["postgres", "-c", "listen_addresses=*", *CHEAP],
        entrypoint=["/bin/sh", "-c", START, "pgstack-start"],
        detach=True,
        name=name,
        labels={**labels("pgstack", scratch.name, "postgres")},
        environment={"PGDATA": str(data_directory(version)), "POSTGRES_PASSWORD_FILE": "/run/pgstack/secret"},
        volumes={data: {"bind": str(mount_point(version))}, control: {"bind": "/run/pgstack"}},
        stop_signal="SIGINT",
    )
    return ContainerServer(scratch.engine.url, name, None, 5432, version, password)


@pytest.fixture(scope="module")
def both(docker_engine: TestEngine) -> Iterator[dict[int, ContainerServer]]:
    """A server of the oldest version and one of the newest, by version; they come up side by side."""
    scratch = Scratch(docker_engine)
    made = {version: start(scratch, version, secrets.token_urlsafe()) for version in (15, 18)}
    for server in made.values():
        server.ensure(120)
    yield made
    scratch.empty()


@pytest.fixture
def old(both: dict[int, ContainerServer]) -> ContainerServer:
    """The one of the oldest version. A test leaves it running, with its password."""
    return both[15]


def login(server: ContainerServer, password: str = "") -> Login:
    return Login(server.address(), server.port, "postgres", "postgres", password or server.password, sslmode="disable")


# A secret that no server made


def lets_in(administrator: Login, password: str) -> bool:
    """Whether a role with the secret of a password is let in with this password, and with no other."""
    with administrator.connect() as session:
        statement = sql.SQL("ALTER ROLE secret_tried PASSWORD {}").format(sql.Literal(secret_of(password)))
        session.execute(statement)
    tried = replace(administrator, user="secret_tried", password=password)
    return tried.works() and not replace(tried, password=password + "x").works()


@pytest.fixture(params=["15", "18", "embedded"])
def administrator(request: pytest.FixtureRequest) -> Iterator[Login]:
    """A superuser of each kind of server, beside whom there is a role to try secrets on."""
    if request.param == "embedded":
        found: Login = request.getfixturevalue("superuser")
    else:
        found = login(request.getfixturevalue("both")[int(request.param)])
    with found.connect() as session:
        session.execute("CREATE ROLE secret_tried LOGIN")
        yield found
        session.execute("DROP ROLE secret_tried")


PASSWORDS = strategies.text(strategies.characters(min_codepoint=1, max_codepoint=127), min_size=1, max_size=80)


@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(password=PASSWORDS)
@hypothesis.example(password="'")
@hypothesis.example(password=" ")
@hypothesis.example(password="\\x00")
@hypothesis.example(password=string.printable)
@hypothesis.example(password="a" * 900)
def test_a_secret_that_is_made_here_lets_its_password_in(administrator: Login, password: str) -> None:
    assert lets_in(administrator, password)


def test_a_server_begins_with_the_password_whose_secret_it_was_given(both: dict[int, ContainerServer]) -> None:
    for version, server in both.items():
        assert server.differences() == ()
        with login(server).connect() as session:
            row = session.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'").fetchone()
            assert (session.info.server_version // 10000, row) == (version, (secret_of(server.password),))
        assert not login(server, "wrong").works()


# Waited for


def test_a_server_that_is_up_is_not_touched(old: ContainerServer) -> None:
    (said,) = old.ensure(30)
    assert said.startswith(f"the server answers on {old.address()}:5432 after 0.")


def test_a_password_that_is_not_the_servers_is_set_over_its_socket(old: ContainerServer) -> None:
    other = replace(old, password="an'other \\ one")
    assert other.differences() == ("the superuser's password is to be set",)
    assert other.ensure(30)[0] == "set the superuser's password"
    assert (other.differences(), login(other).works(), login(old).works()) == ((), True, False)
    assert old.ensure(30)[0] == "set the superuser's password"
    assert old.differences() == ()


def test_another_version_is_told(old: ContainerServer) -> None:
    with pytest.raises(UnhealthyError) as caught:
        replace(old, version=16).ensure(30)
    assert Exception.__str__(caught.value) == f"The container {old.container} runs PostgreSQL 15, and the settings say 16."
    assert caught.value.hint == "Set pgstack:version to 15, or pgstack:docker.image to one of version 16."


def test_a_container_that_is_down_is_started(docker_engine: TestEngine, old: ContainerServer) -> None:
    container = docker_engine.client.containers.get(old.container)
    container.stop()
    assert old.differences() == (f"the container {old.container} is exited, and is to be started",)
    assert old.ensure(60)[0] == f"started the container {old.container}"
    assert old.differences() == ()
    container.pause()
    assert old.differences() == (f"the container {old.container} is paused, and is to be started",)
    assert old.ensure(60)[0] == f"let the container {old.container} go on"
    assert old.differences() == ()


def test_a_server_that_refuses_its_superuser_is_told(old: ContainerServer) -> None:
    with login(old).connect() as session:
        session.execute("CREATE ROLE other SUPERUSER LOGIN PASSWORD 'other'")
        session.execute("ALTER ROLE postgres NOLOGIN")
        try:
            for ask in (old.differences, lambda: old.ensure(30)):
                with pytest.raises(Exception, match='role "postgres" is not permitted to log in') as caught:
                    ask()
            assert isinstance(caught.value, UnhealthyError)
        finally:
            session.execute("ALTER ROLE postgres LOGIN")
            session.execute("DROP ROLE other")
    assert old.differences() == ()


# Servers that do not come up


def doomed(scratch: Scratch, script: str, **options: object) -> ContainerServer:
    made = scratch.run(scratch.engine.images.postgres15, entrypoint=["/bin/sh", "-c", script], name=scratch.name, **options)
    return ContainerServer(scratch.engine.url, str(made.name), None, 5432, 15, "s3cret")


def test_a_server_that_ends_is_told_with_the_end_of_its_log(scratch: Scratch) -> None:
    server = doomed(scratch, "sleep 1; exec gosu postgres postgres -D /nowhere || exit 2")
    with pytest.raises(UnhealthyError) as caught:
        server.ensure(60)
    head, *log = Exception.__str__(caught.value).splitlines()
    assert head.startswith(f"The container {scratch.name} ended with code ")
    assert log[0] == "The last lines of its log:"
    assert len(log) > 1
    assert "pgstack:parameters" in caught.value.hint
    assert "s3cret" not in repr(server) + str(caught.value)


def test_a_server_that_takes_too_long_is_told_with_the_reason(scratch: Scratch) -> None:
    server = doomed(scratch, "echo still thinking; sleep 600", stop_signal="SIGKILL")
    assert server.differences() == ("the server does not answer, and is to be waited for",)
    with pytest.raises(UnhealthyError) as caught:
        server.ensure(1)
    head, _, *log = Exception.__str__(caught.value).splitlines()
    assert head.startswith(f"The container {scratch.name} did not come up within 1 s: No session in database postgres on ")
    assert "Connection refused" in head
    assert log == ["still thinking"]
    assert "pgstack:docker.startTimeout" in caught.value.hint


def test_a_container_without_an_address_or_that_is_gone_is_told(scratch: Scratch) -> None:
    server = doomed(scratch, "sleep 600", stop_signal="SIGKILL", network_mode="none")
    with pytest.raises(EngineError, match="is published nowhere, and has no address that this machine could reach"):
        server.address()
    assert replace(server, host="127.0.0.1").address() == "127.0.0.1"
    scratch.engine.client.containers.get(server.container).remove(force=True)
    assert server.differences() == (f"the container {scratch.name} is gone, and a new one is to be waited for",)
    with pytest.raises(EngineError, match=f"The container {scratch.name} is in the stack's state, but not on the engine"):
        server.ensure(5)
