from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit import places
from toolchain import backend, paths
from toolchain.backend import Backend
from toolchain.errors import ToolchainError


@pytest.fixture(autouse=True)
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout on a machine where nobody is logged in anywhere."""
    return places.move(monkeypatch, tmp_path)


def log_in(folder: Path, url: str = "s3://login") -> None:
    """Leaves what `pulumi login` leaves."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "credentials.json").write_text(json.dumps({"current": url, "accessTokens": {}}), encoding="utf-8")


def name_in_project(checkout: Path, url: str = "s3://project") -> None:
    (checkout / "Pulumi.yaml").write_text(f"name: pgstack\nbackend:\n  url: {url}\n", encoding="utf-8")


def test_nobody_is_logged_in_anywhere() -> None:
    assert backend.chosen() is None


@pytest.mark.parametrize("text", ["", "{}", '{"current": ""}', "no json"])
def test_credentials_that_name_no_backend_choose_none(tmp_path: Path, text: str) -> None:
    log_in(tmp_path / "home" / ".pulumi")
    (tmp_path / "home" / ".pulumi" / "credentials.json").write_text(text, encoding="utf-8")
    assert backend.chosen() is None


@pytest.mark.parametrize("variable", ["HOME", "PULUMI_HOME", "PULUMI_CREDENTIALS_PATH"])
def test_a_login_is_found_where_pulumi_keeps_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "kept"))
    log_in(tmp_path / "kept" / ".pulumi" if variable == "HOME" else tmp_path / "kept")
    assert backend.chosen() == "s3://login"


def test_an_access_token_alone_means_pulumi_cloud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-1")
    assert backend.chosen() == "https://api.pulumi.com"


def test_the_environment_comes_before_the_project_and_that_before_the_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkout: Path
) -> None:
    log_in(tmp_path / "home" / ".pulumi")
    assert backend.chosen() == "s3://login"
    name_in_project(checkout)
    assert backend.chosen() == "s3://project"
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://environment")
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-1")
    assert backend.chosen() == "s3://environment"


@pytest.mark.parametrize("where", ["login", "project"])
def test_an_access_token_does_not_change_a_backend_that_was_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, checkout: Path, where: str
) -> None:
    """Pulumi's `GetCurrentCloudURL` does not ask for it: with one set, state of production could still go to a folder."""
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", "pul-1")
    if where == "login":
        log_in(tmp_path / "home" / ".pulumi", "file://~")
    else:
        name_in_project(checkout, "file://~")
    assert backend.chosen() == "file://~"


def test_a_backend_that_was_chosen_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://bucket")
    assert backend.prepare() == Backend("s3://bucket", {})
    assert not paths.WORK.exists()


def test_a_local_backend_gets_a_passphrase_once_that_only_its_owner_reads() -> None:
    url = f"file://{paths.STATE}"
    prepared = backend.prepare()
    assert prepared == Backend(url, {"PULUMI_BACKEND_URL": url, "PULUMI_CONFIG_PASSPHRASE_FILE": str(paths.PASSPHRASE)})
    assert prepared.is_local
    assert paths.STATE.is_dir()
    passphrase = paths.PASSPHRASE.read_text()
    assert (paths.PASSPHRASE.stat().st_mode & 0o777, len(passphrase) >= 40, passphrase.strip()) == (0o600, True, passphrase)
    assert backend.prepare() == prepared
    assert paths.PASSPHRASE.read_text() == passphrase


@pytest.mark.parametrize("variable", ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"])
@pytest.mark.parametrize("value", ["mine", ""])
def test_a_passphrase_of_the_user_is_used(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    assert backend.prepare().environment == {"PULUMI_BACKEND_URL": f"file://{paths.STATE}"}
    assert not paths.PASSPHRASE.exists()


@pytest.mark.parametrize(("stack", "target"), [("prod", "aws"), ("prod", "embedded"), ("staging", "aws"), ("dev", "external")])
def test_state_of_what_outlives_this_machine_is_refused_on_it(stack: str, target: str) -> None:
    with pytest.raises(ToolchainError) as caught:
        backend.refuse_local_state(stack, target, Backend("file:///state", {}))
    assert str(caught.value) == (
        f"Stack {stack} (target {target}) must not keep its state in file:///state: the one copy of what it made, and the key to its "
        "secrets, would be on this machine.\n"
        "Log in to a shared backend first, then run the command again:\n"
        "    S3 with KMS:   pulumi login 's3://BUCKET?region=REGION'\n"
        f"                   pulumi stack init {stack} --secrets-provider 'awskms://alias/ALIAS?region=REGION'\n"
        f"    Pulumi Cloud:  pulumi login && pulumi stack init {stack}"
    )


@pytest.mark.parametrize(
    ("stack", "target", "url"),
    [
        ("prod", "aws", "s3://bucket"),
        ("prod", "aws", "https://api.pulumi.com"),
        ("local", "embedded", "file:///state"),
        ("dev", "docker", "file:///state"),
    ],
)
def test_state_is_kept_where_it_may_be(stack: str, target: str, url: str) -> None:
    backend.refuse_local_state(stack, target, Backend(url, {}))
