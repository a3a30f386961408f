from __future__ import annotations

import importlib.util
import re
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.unit import places
from toolchain import acquire, golang, paths, plugins, versions

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "pulumi-resource-docker"


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout that never had a plug-in, with a release site that refuses connections."""
    root = places.move(monkeypatch, tmp_path)
    monkeypatch.setattr(plugins, "SOURCES", tmp_path / "go")
    (tmp_path / "go" / "docker").mkdir(parents=True)
    (tmp_path / "go" / "docker" / "main.go").write_text("package main\n", encoding="utf-8")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setattr(versions, "PLUGIN_RELEASES", f"http://127.0.0.1:{closed.getsockname()[1]}")
    return root


@pytest.fixture(autouse=True)
def builds(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replaces the build by one that makes an empty program at once; returns the targets it was asked for."""
    asked: list[Path] = []

    def build(module: str, package: str, target: Path) -> None:
        assert (module, package) == ("docker", ".")
        asked.append(target)
        places.program(target, "")

    monkeypatch.setattr(golang, "build", build)
    return asked


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A release site on loopback that has every archive; returns what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(versions, "PLUGIN_RELEASES", f"http://127.0.0.1:{server.server_port}")
        yield asked
        server.shutdown()
        thread.join()


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with a Pulumi that writes its arguments into `asked`, and can install nothing."""
    places.program(tmp_path / "tools" / "pulumi", f"echo $* >> {tmp_path}/asked; echo 'first\nno space left' >&2; exit 1")
    return tmp_path / "tools"


def test_a_stack_whose_target_needs_no_plugin_gets_none(tools: Path, builds: list[Path]) -> None:
    assert plugins.ensure("embedded", tools) == ()
    assert plugins.ensure("external", tools) == ()
    assert (builds, (tools.parent / "asked").exists()) == ([], False)


def test_a_plugin_on_path_is_used(tmp_path: Path, tools: Path, builds: list[Path]) -> None:
    places.program(tmp_path / "path" / PROGRAM, "")
    assert plugins.ensure("docker", tools) == ()
    assert builds == []


@pytest.mark.parametrize("home", [None, "elsewhere"])
def test_a_plugin_in_pulumis_home_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tools: Path, builds: list[Path], home: str | None
) -> None:
    if home:
        monkeypatch.setenv("PULUMI_HOME", str(tmp_path / home))
    folder = tmp_path / (home or "home/.pulumi") / "plugins" / "resource-docker-v5.2.0"
    places.program(folder / PROGRAM, "")
    assert plugins.ensure("docker", tools) == ()
    assert builds == []


def test_a_plugin_of_another_version_is_not_the_one_that_the_sdk_asks_for(tmp_path: Path, tools: Path, builds: list[Path]) -> None:
    places.program(tmp_path / "home" / ".pulumi" / "plugins" / "resource-docker-v4.0.0" / PROGRAM, "")
    assert plugins.ensure("docker", tools) == (plugins.built("docker").parent,)
    assert len(builds) == 1


def test_without_a_network_it_is_built_once(tools: Path, builds: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    ours = plugins.built("docker")
    assert plugins.ensure("docker", tools) == (ours.parent,)
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"  no download from {versions.PLUGIN_RELEASES} (")
    assert second == "  building Pulumi's plug-in docker from Go modules; about 3 minutes on two cores, once"
    assert plugins.ensure("docker", tools) == (ours.parent,)
    assert (builds, capsys.readouterr().err) == ([ours], "")
    assert not (tools.parent / "asked").exists()


def test_a_processor_without_a_release_makes_way_for_the_build(monkeypatch: pytest.MonkeyPatch, tools: Path, builds: list[Path]) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    plugins.ensure("docker", tools)
    assert len(builds) == 1


def test_where_the_site_answers_pulumi_installs_the_release(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tools: Path, builds: list[Path], site: list[str]
) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    places.program(tools / "pulumi", f"echo $* >> {tmp_path}/asked")
    assert plugins.ensure("docker", tools) == ()
    assert site == ["/pulumi-resource-docker-v5.2.0-linux-amd64.tar.gz"]
    assert (tmp_path / "asked").read_text() == "plugin install resource docker 5.2.0\n"
    assert builds == []


@pytest.mark.usefixtures("site")
def test_a_release_that_cannot_be_installed_makes_way_for_the_build(
    tools: Path, builds: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    plugins.ensure("docker", tools)
    assert len(builds) == 1
    assert "  it could not be installed: no space left\n" in capsys.readouterr().err


@pytest.mark.usefixtures("site")
def test_a_release_that_does_not_come_makes_way_for_the_build(
    monkeypatch: pytest.MonkeyPatch, tools: Path, builds: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(acquire, "INSTALL_TIMEOUT", 0.1)
    places.program(tools / "pulumi", "exec /bin/sleep 60")
    plugins.ensure("docker", tools)
    assert len(builds) == 1
    assert "  it was not there after 0.1 seconds\n" in capsys.readouterr().err


def test_a_build_of_other_sources_is_another_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tools: Path, builds: list[Path]) -> None:
    """`make env` may have put the folder of an earlier build on PATH; that is not the user's."""
    (old,) = plugins.ensure("docker", tools)
    monkeypatch.setenv("PATH", f"{old}:{tmp_path / 'path'}")
    assert plugins.ensure("docker", tools) == (old,)
    (tmp_path / "go" / "docker" / "main.go").write_text("package main // changed\n", encoding="utf-8")
    (new,) = plugins.ensure("docker", tools)
    assert (new != old, len(builds), new.parent) == (True, 2, paths.cache())


# What is pinned


def test_the_build_the_sdk_and_the_pin_have_one_version() -> None:
    pinned = re.search(r"^pulumi-docker==(\S+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    source = re.search(r'^const version = "(.+)"', (ROOT / "toolchain" / "go" / "docker" / "main.go").read_text(), re.MULTILINE)
    assert pinned
    assert source
    assert pinned.group(1) == source.group(1) == versions.PLUGINS["docker"]


def test_the_build_has_every_type_of_the_sdk_but_the_one_that_is_no_terraform_resource() -> None:
    spec = importlib.util.find_spec("pulumi_docker")
    assert spec
    assert spec.origin
    folder = Path(spec.origin).parent
    of_the_sdk = {token for file in folder.glob("*.py") for token in re.findall(r"'(docker:index/\w+:\w+)'", file.read_text())}
    text = (ROOT / "toolchain" / "go" / "docker" / "main.go").read_text()
    ours = set(re.findall(r'"(docker:index/\w+:\w+)"', text))
    assert of_the_sdk - ours == {"docker:index/image:Image"}
    assert ours <= of_the_sdk
