"""The light classes of components/pulumi_docker.py against pulumi-docker's own."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pulumi_docker as sdk
import pytest

from components import pulumi_docker as ours
from toolchain import versions

RESOURCES = ("Container", "Network", "RemoteImage", "Volume")


def test_they_ask_for_the_plug_in_that_the_toolchain_gets() -> None:
    assert versions.PLUGINS["docker"] == ours.VERSION


@pytest.mark.parametrize("name", RESOURCES)
def test_they_have_the_types_of_the_sdk(name: str) -> None:
    assert f"'{getattr(ours, name).kind}'" in inspect.getsource(getattr(sdk, name))


def test_what_is_declared_here_does_not_load_the_sdk() -> None:
    code = "import sys, components.docker; sys.exit('pulumi_docker' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_inputs_get_the_names_of_the_plug_in() -> None:
    assert ours.ContainerVolumeArgs(volume_name="data", container_path="/data") == {"volumeName": "data", "containerPath": "/data"}
