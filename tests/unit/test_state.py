from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolchain.state import SIGNATURE, masked_outputs, salt

SECRET = {SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}


def checkpoint(outputs: object, version: int = 3) -> dict[str, object]:
    resources = [{"type": "pulumi-python:dynamic/pgstack:Password", "outputs": {}}, {"type": "pulumi:pulumi:Stack", "outputs": outputs}]
    return {"version": version, "checkpoint": {"stack": "s", "latest": {"resources": resources}}}


def test_outputs_are_read_with_their_secrets_masked(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    file.write_text(json.dumps(checkpoint({"a": {"url": SECRET, "ports": [1, SECRET]}, "b": None})))
    assert masked_outputs(file) == {"a": {"url": "[secret]", "ports": [1, "[secret]"]}, "b": None}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(checkpoint({}, version=4)),
        json.dumps(checkpoint(SECRET)),
        json.dumps({"version": 3, "checkpoint": {"latest": None}}),
        json.dumps({"version": 3, "checkpoint": {"latest": {"resources": []}}}),
        "[]",
        "no json",
    ],
)
def test_what_is_no_such_checkpoint_is_left_to_the_cli(tmp_path: Path, content: str) -> None:
    file = tmp_path / "local.json"
    file.write_text(content)
    assert masked_outputs(file) is None


def test_a_state_that_is_not_there_is_left_to_the_cli(tmp_path: Path) -> None:
    assert masked_outputs(tmp_path / "local.json") is None


def test_the_salt_is_that_of_the_secrets_provider(tmp_path: Path) -> None:
    file = tmp_path / "local.json"
    latest = {"secrets_providers": {"type": "passphrase", "state": {"salt": "v1:abc=:v1:def"}}}
    file.write_text(json.dumps({"version": 3, "checkpoint": {"latest": latest}}))
    assert (salt(file), salt(tmp_path / "other.json")) == ("v1:abc=:v1:def", None)
