from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Literal

import pytest
import yaml
from pydantic import Field, SecretStr
from pydantic.alias_generators import to_camel

from components.settings import (
    KEPT_PARAMETERS,
    AdminerSettings,
    DatabaseSettings,
    DockerSettings,
    ExternalSettings,
    HealthSettings,
    LoginSettings,
    RedisSettings,
    RoleNames,
    ServerParameters,
    Settings,
)
from tools import generate


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (bool, "boolean"),
        (int, "integer"),
        (str, "string"),
        (Literal["a", "b"], "string"),
        (Literal[18], "integer"),
        (str | None, "string"),
        (SecretStr | None, "string"),
        (Literal["a", "b"] | None, "string"),
        (Annotated[int, Field(ge=1)] | None, "integer"),
        (tuple[str, ...], "array"),
        (RoleNames, "object"),
    ],
)
def test_the_type_that_the_engine_knows_for_an_annotation(annotation: object, kind: str) -> None:
    assert generate.engine_type(annotation) == kind


def test_the_config_block_has_every_key_with_type_description_and_default() -> None:
    block = generate.config_block()
    assert list(block) == [to_camel(name) for name in Settings.model_fields]
    assert {key: (entry["type"], entry["default"]) for key, entry in block.items() if key in ("port", "databases", "parameters")} == {
        "port": ("integer", 5432),
        "databases": ("array", []),
        "parameters": ("object", {}),
    }
    assert all(entry["description"].endswith(".") for entry in block.values())
    assert block["databases"]["items"] == {"type": "object"}


def test_the_defaults_of_the_project_file_are_those_of_the_settings() -> None:
    defaults = {key: entry["default"] for key, entry in generate.config_block().items()}
    assert Settings.model_validate(defaults) == Settings()


MODELS = (
    Settings,
    DatabaseSettings,
    RoleNames,
    DockerSettings,
    HealthSettings,
    AdminerSettings,
    RedisSettings,
    ExternalSettings,
    LoginSettings,
)
"""In the order of the reference."""


def test_the_project_file_keeps_what_is_above_the_block() -> None:
    text = generate.project_file(f"name: mine\nruntime: python\n\n\n{generate.HEADING}config:\n  old: {{}}\n")
    assert text.startswith(f"name: mine\nruntime: python\n{generate.HEADING}config:\n  target:\n")
    assert yaml.safe_load(text) == {"name": "mine", "runtime": "python", "config": generate.config_block()}
    assert generate.project_file(text) == text
    assert generate.project_file("name: mine\nruntime: python\n") == text


def test_the_reference_describes_every_key_and_every_parameter_that_is_kept() -> None:
    text = generate.reference()
    rows = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert rows == [
        *(to_camel(name) for model in MODELS for name in model.model_fields),
        *ServerParameters.model_fields,
    ]
    assert re.findall(r"^- `(\w+)`: ", text, re.MULTILINE) == sorted(KEPT_PARAMETERS)


def test_a_row_of_the_reference_has_type_default_limits_and_meaning() -> None:
    rows = {row.split("`")[1]: row for row in generate.reference().splitlines() if row.startswith("| `")}
    meaning = DatabaseSettings.model_fields["lock_timeout"].description
    assert rows["lockTimeout"] == f"| `lockTimeout` | integer | `5` | at least `1`, at most `3600` | {meaning} |"
    assert rows["user"] == f"| `user` | string | required |  | {LoginSettings.model_fields['user'].description} |"
    assert " | `disable` or `prefer` or `require` or `verify-ca` or `verify-full` | " in rows["sslmode"]
    assert "like `^\\d+(kB\\|MB\\|GB)$`" in rows["shared_buffers"]


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> tuple[Path, Path]:
    """A project file and a reference that are out of date."""
    project, reference = tmp_path / "Pulumi.yaml", tmp_path / "settings.md"
    project.write_text("name: mine\n", encoding="utf-8")
    for name, value in (("ROOT", tmp_path), ("PROJECT", project), ("REFERENCE", reference)):
        monkeypatch.setattr(generate, name, value)
    return project, reference


def test_check_names_what_is_out_of_date_and_writes_nothing(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    with pytest.raises(SystemExit) as caught:
        generate.main()
    assert caught.value.code == "out of date, run `make generate`: Pulumi.yaml, settings.md"
    assert (files[0].read_text(), files[1].exists()) == ("name: mine\n", False)


def test_after_writing_the_check_is_content(monkeypatch: pytest.MonkeyPatch, files: tuple[Path, Path]) -> None:
    monkeypatch.setattr(sys, "argv", ["generate"])
    generate.main()
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    generate.main()
    assert (files[0].read_text(), files[1].read_text()) == (generate.project_file("name: mine\n"), generate.reference())


def test_the_generated_files_of_the_repository_are_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["generate", "--check"])
    generate.main()
