"""Where the engine is looked for; the sockets are real ones, of the tests' own."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from containers import address
from containers.address import answers, find, has_ipv6, host, is_local, of_context, usual_sockets
from containers.errors import NoEngineError


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home with a short path, as sockets need it; outside it no socket is looked for."""
    with tempfile.TemporaryDirectory(prefix="pgs.") as name:
        every = usual_sockets
        monkeypatch.setattr(address, "usual_sockets", lambda environment: (one for one in every(environment) if one.is_relative_to(name)))
        yield Path(name)


@contextmanager
def listening(path: Path) -> Iterator[str]:
    """A socket that takes connections; its URL."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        yield f"unix://{path}"


def environment(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), **more}


def write_context(folder: Path, name: str, content: object) -> Path:
    """What `docker context create` leaves; the file."""
    file = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    file.parent.mkdir(parents=True)
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


def endpoint(url: str) -> dict[str, object]:
    return {"Name": "far", "Metadata": {}, "Endpoints": {"docker": {"Host": url, "SkipTLSVerify": False}}}


# The order of places


def test_each_place_comes_before_those_that_follow(home: Path) -> None:
    folder = home / "configuration"
    write_context(folder, "one", endpoint("tcp://one"))
    write_context(folder, "two", endpoint("tcp://two"))
    (folder / "config.json").write_text('{"currentContext": "two"}')
    places = {
        "DOCKER_HOST": "tcp://docker-host",
        "DOCKER_CONTEXT": "one",
        "DOCKER_CONFIG": str(folder),
        "CONTAINER_HOST": "unix:///podman",
    }
    found = []
    with listening(home / "run" / "docker.sock") as url:
        found.append(find("ssh://set", environment(home, **places)))
        for taken_out in ("", "DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST"):
            places.pop(taken_out, "")
            found.append(find(None, environment(home, **places)))
    assert found == ["ssh://set", "tcp://docker-host", "tcp://one", "tcp://two", "unix:///podman", url]


def test_sockets_are_looked_at_in_their_order(home: Path) -> None:
    known = environment(home)
    paths = [home / "run" / "docker.sock", home / ".docker" / "run" / "docker.sock", home / ".docker" / "desktop" / "docker.sock"]
    paths += [home / "run" / "podman" / "podman.sock"]
    found = []
    for at in range(len(paths)):
        with ExitStack() as stack:
            for path in paths[at:]:
                path.unlink(missing_ok=True)
                stack.enter_context(listening(path))
            found.append(find(None, known))
        for path in paths:
            path.unlink(missing_ok=True)
    assert found == [f"unix://{path}" for path in paths]


def test_sockets_of_everybody_and_of_one_user() -> None:
    known = {"HOME": "/me", "XDG_RUNTIME_DIR": "/run/user/7"}
    assert [str(path) for path in usual_sockets(known)] == [
        "/var/run/docker.sock",
        "/run/user/7/docker.sock",
        "/me/.docker/run/docker.sock",
        "/me/.docker/desktop/docker.sock",
        "/run/user/7/podman/podman.sock",
        "/run/podman/podman.sock",
    ]
    bare = [str(path) for path in usual_sockets({})]
    assert f"/run/user/{os.getuid()}/podman/podman.sock" in bare


def test_a_socket_that_nobody_listens_on_any_more_is_passed_over(home: Path) -> None:
    dead, file = home / "run" / "docker.sock", home / ".docker" / "run" / "docker.sock"
    with listening(dead):
        assert answers(dead)
    file.parent.mkdir(parents=True)
    file.write_text("no socket")
    assert (dead.exists(), answers(dead), answers(file), answers(home / ("x" * 200))) == (True, False, False, False)
    with listening(home / "run" / "podman" / "podman.sock") as url:
        assert find(None, environment(home)) == url


def test_without_an_engine_it_is_told_where_one_was_looked_for(home: Path) -> None:
    with pytest.raises(NoEngineError) as caught:
        find(None, environment(home, DOCKER_HOST="", CONTAINER_HOST=""))
    places = [f"{home}/run/docker.sock", f"{home}/.docker/run/docker.sock", f"{home}/.docker/desktop/docker.sock"]
    assert Exception.__str__(caught.value) == (
        "No container engine answers. No DOCKER_HOST and no Docker context is set, and nobody listens on "
        f"{', '.join(places)}, {home}/run/podman/podman.sock."
    )
    assert caught.value.hint == (
        "Start Docker (`systemctl start docker`, or Docker Desktop) or Podman (`systemctl --user start podman.socket`), "
        "or set DOCKER_HOST or pgstack:docker.host."
    )


# Docker contexts


def test_the_context_in_use_is_that_of_the_home_unless_another_folder_is_named(home: Path) -> None:
    write_context(home / ".docker", "far", endpoint("ssh://me@far"))
    (home / ".docker" / "config.json").write_text('{"currentContext": "far", "auths": {}}')
    assert of_context({"HOME": str(home)}) == "ssh://me@far"
    assert of_context({"HOME": str(home), "DOCKER_CONFIG": str(home / "elsewhere")}) is None
    assert of_context({"HOME": str(home), "DOCKER_CONTEXT": "default"}) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "no JSON", "{}", '{"currentContext": ""}', '{"currentContext": null}', '{"currentContext": "default"}']
)
def test_a_configuration_that_names_no_context(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    assert of_context({"DOCKER_CONFIG": str(tmp_path)}) is None


@pytest.mark.parametrize(
    "content", ["", "no JSON", "[]", {}, {"Endpoints": {}}, {"Endpoints": {"docker": {}}}, {"Endpoints": {"docker": "x"}}]
)
def test_a_context_without_an_engine_is_told(tmp_path: Path, content: object) -> None:
    file = write_context(tmp_path, "far", content)
    with pytest.raises(NoEngineError) as caught:
        of_context({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "far"})
    assert Exception.__str__(caught.value) == f"The Docker context far names no engine: {file} is not there, or has none."
    assert caught.value.hint == "See `docker context ls`, and choose one with `docker context use`; or set DOCKER_HOST."


def test_a_context_that_there_is_not_is_told_though_a_socket_answers(home: Path) -> None:
    with listening(home / "run" / "docker.sock"), pytest.raises(NoEngineError, match="The Docker context gone names no engine"):
        find(None, environment(home, DOCKER_CONTEXT="gone"))


# What an address says


@pytest.mark.parametrize(
    ("url", "machine", "local"),
    [
        ("unix:///var/run/docker.sock", "", True),
        ("npipe:////./pipe/docker_engine", "", True),
        ("tcp://127.0.0.1:2375", "127.0.0.1", True),
        ("tcp://localhost", "localhost", True),
        ("tcp://[::1]:2375", "::1", True),
        ("ssh://core@127.0.0.1:57119/run/podman/podman.sock", "127.0.0.1", True),
        ("tcp://db.example.com:2376", "db.example.com", False),
        ("tcp://10.0.0.7", "10.0.0.7", False),
        ("tcp://[2001:db8::7]:2376", "2001:db8::7", False),
        ("ssh://me@db.example.com", "db.example.com", False),
        ("ssh://me@db.example.com:22/run/docker.sock", "db.example.com", False),
        ("tcp://localhost.example.com:2375", "localhost.example.com", False),
    ],
)
def test_an_address_tells_the_machine(url: str, machine: str, local: bool) -> None:
    assert (is_local(url), host(url)) == (local, machine)


def test_whether_there_is_ipv6_is_asked_of_the_machine() -> None:
    file = Path("/proc/net/if_inet6")
    assert has_ipv6() == (file.exists() and "00000000000000000000000000000001" in file.read_text())
