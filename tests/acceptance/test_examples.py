"""An example is a stack of its name, whose settings stay in its folder; every command takes `EXAMPLE=`."""

from __future__ import annotations

import json

import pytest
import yaml

from tests.fix_server import free_port
from tests.fix_stack import Project

NAME = "corner-shop"


@pytest.fixture
def example(project: Project) -> Project:
    """A project with an example on the embedded server."""
    folder = project.folder / "examples" / NAME
    folder.mkdir()
    config = {"pgstack:port": free_port(), "pgstack:databases": [{"name": "shop", "migrations": "sql/kennwilliamson/migrations"}]}
    (folder / f"Pulumi.{NAME}.yaml").write_text(yaml.safe_dump({"config": config}), encoding="utf-8")
    return project


def test_every_command_finds_the_settings_in_the_examples_folder(example: Project) -> None:
    file = example.folder / "examples" / NAME / f"Pulumi.{NAME}.yaml"
    before = file.read_text(encoding="utf-8")
    port = yaml.safe_load(before)["config"]["pgstack:port"]
    assert "to create" in example.make("preview", f"EXAMPLE={NAME}")
    assert f"is up on stack {NAME}." in example.make("up", f"EXAMPLE={NAME}")
    assert json.loads(example.make("-s", "outputs", f"EXAMPLE={NAME}"))["server"]["host"]["port"] == port
    assert f":{port}/shop" in example.make("-s", "url", f"EXAMPLE={NAME}")
    assert "(1 row)" in example.make("psql", f"EXAMPLE={NAME}", "ARGS=-c 'SELECT 1'")
    assert "shop" in example.run(".venv/bin/python", "-m", "ops", "migrate", "status", "--stack", NAME)
    assert NAME in example.make("pulumi", f"EXAMPLE={NAME}", "ARGS=stack --show-name")
    assert file.read_text(encoding="utf-8") == before
    plain = f'eval "$(make -s env EXAMPLE={NAME})" && pulumi up --yes --skip-preview --config-file {file.relative_to(example.folder)}'
    assert "unchanged" in example.run("sh", "-c", plain)
    example.make("destroy", f"EXAMPLE={NAME}", "ARGS=--yes")
    assert not (example.folder / f"Pulumi.{NAME}.yaml").exists()


def test_an_example_that_is_not_there_is_told_at_once(project: Project) -> None:
    printed = project.make("up", "EXAMPLE=corner-shpo", ok=False)
    assert "There is no example corner-shpo: examples/corner-shpo/Pulumi.corner-shpo.yaml does not exist" in printed
