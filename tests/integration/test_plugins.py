"""The Docker plug-in that the toolchain finds or builds: the real engine of Pulumi, the real SDK, a real Docker Engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.fix_docker import Scratch
from toolchain import plugins, pulumi_cli

PROGRAM = """
import json, pathlib
import pulumi
import pulumi_docker as docker

wanted = json.loads(pathlib.Path("wanted.json").read_text())
here = pulumi.ResourceOptions(provider=docker.Provider("engine", host=wanted["engine"]))
name = wanted["name"]
stack = {"label": "pgstack.stack", "value": name}
network = docker.Network("network", name=name, driver=wanted["driver"], labels=[docker.NetworkLabelArgs(**stack)], opts=here)
volume = docker.Volume("volume", name=name, labels=[docker.VolumeLabelArgs(**stack)], opts=here)
image = docker.RemoteImage("image", name=wanted["image"], keep_locally=True, opts=here)
container = docker.Container(
    "container",
    name=name,
    image=image.image_id,
    labels=[docker.ContainerLabelArgs(**stack)],
    entrypoints=["sleep"],
    command=wanted["command"],
    init=True,
    networks_advanced=[docker.ContainerNetworksAdvancedArgs(name=network.name, aliases=["database"])],
    mounts=[docker.ContainerMountArgs(type="volume", source=volume.name, target="/data")],
    opts=here,
)
pulumi.export("command", container.command)
"""


@dataclass
class Project:
    """A Pulumi project with a stack `t` in a folder of its own."""

    folder: Path
    environment: dict[str, str]
    wanted: dict[str, Any]

    def pulumi(self, *arguments: str, ok: bool = True) -> str:
        """Runs Pulumi and returns what it printed."""
        (self.folder / "wanted.json").write_text(json.dumps(self.wanted), encoding="utf-8")
        done = subprocess.run(
            ["pulumi", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done.stdout

    def up(self, *, ok: bool = True) -> str:
        """Updates the stack."""
        return self.pulumi("up", "--yes", "--skip-preview", "--stack", "t", ok=ok)


@pytest.fixture
def project(tmp_path: Path, scratch: Scratch) -> Project:
    """The program above, on a name that goes at the end of the test."""
    tools = pulumi_cli.ensure()
    folders = (tools, *plugins.ensure("docker", tools))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "DOCKER_"))}
    environment = {
        **kept,
        "PATH": os.pathsep.join([*map(str, folders), os.environ["PATH"]]),
        "PULUMI_HOME": str(tmp_path / "home"),
        "PULUMI_BACKEND_URL": f"file://{tmp_path}",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    folder = tmp_path / "project"
    folder.mkdir()
    venv = Path(sys.prefix)
    runtime = {"name": "python", "options": {"toolchain": "pip", "virtualenv": str(venv)}}
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "tiny", "runtime": runtime}), encoding="utf-8")
    (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    image = scratch.engine.images.redis
    made = Project(
        folder, environment, {"engine": scratch.engine.url, "name": scratch.name, "driver": "bridge", "image": image, "command": ["600"]}
    )
    made.pulumi("stack", "init", "t")
    return made


def test_what_the_sdk_asks_for_is_made_kept_replaced_and_removed(project: Project, scratch: Scratch) -> None:
    client = scratch.engine.client
    assert "+ 6 created" in project.up()
    first = client.containers.get(scratch.name)
    assert (first.attrs["Config"]["Cmd"], first.attrs["HostConfig"]["Init"]) == (["600"], True)
    assert "database" in first.attrs["NetworkSettings"]["Networks"][scratch.name]["Aliases"]
    assert [mount["Name"] for mount in first.attrs["Mounts"] if mount["Destination"] == "/data"] == [scratch.name]
    assert "6 unchanged" in project.up()
    assert "6 unchanged" in project.pulumi("preview", "--refresh", "--stack", "t")
    project.wanted["command"] = ["601"]
    assert "1 replaced" in project.up()
    assert client.containers.get(scratch.name).id != first.id
    assert json.loads(project.pulumi("stack", "output", "--json", "--stack", "t")) == {"command": ["601"]}
    project.pulumi("destroy", "--yes", "--skip-preview", "--stack", "t")
    label = {"label": f"pgstack.stack={scratch.name}"}
    assert (
        client.containers.list(all=True, filters=label) == client.networks.list(filters=label) == client.volumes.list(filters=label) == []
    )
    assert client.images.get(scratch.engine.images.redis)


def test_what_the_engine_says_reaches_the_user(project: Project) -> None:
    project.wanted["driver"] = "no-such-driver"
    assert "no-such-driver" in project.up(ok=False)
    project.wanted["engine"] = "unix:///nowhere/docker.sock"
    assert "/nowhere/docker.sock" in project.up(ok=False)


def gone(process: psutil.Process, seconds: float) -> bool:
    """Whether a process has ended within that time."""
    end = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


def test_the_plugin_ends_when_the_engine_that_started_it_is_killed() -> None:
    (folder,) = plugins.ensure("docker", pulumi_cli.ensure()) or (None,)
    if folder is None:
        pytest.skip("the plug-in is the official one, which looks every five minutes")
    start = "import subprocess, sys, time; p = subprocess.Popen(sys.argv[1:]); print(p.pid, flush=True); time.sleep(600)"
    command = [sys.executable, "-c", start, str(folder / plugins.program("docker")), "127.0.0.1:1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        assert engine.stdout
        numbers = [int(engine.stdout.readline()) for _ in range(2)]
        plugin = next(psutil.Process(number) for number in numbers if psutil.pid_exists(number) and number in _children(engine.pid))
        engine.kill()
        assert gone(plugin, 10)


def _children(pid: int) -> set[int]:
    return {child.pid for child in psutil.Process(pid).children()}
