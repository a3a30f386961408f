"""What the resources of target `docker` make of what is found; no engine is asked."""

from __future__ import annotations

from typing import Any

import pytest

from components.dynamic.base import UNKNOWN
from components.dynamic.container import ContainerProvider, PartProvider
from components.dynamic.engine import EngineProvider
from components.dynamic.files import FilesProvider
from containers import checks, files
from containers.demand import Data, Demand, Pull, Wanted
from containers.part import Part
from containers.server import ContainerServer

ENGINE: dict[str, Any] = {
    "url": "unix:///e",
    "project": "pgstack",
    "stack": "dev",
    "containers": [{"name": "db", "part": "postgres", "ports": [{"address": "::1", "port": 5432.0}]}],
    "images": [{"name": "postgres:15", "policy": "missing"}],
    "data": {"volume": "vol", "version": 15.0, "adopt": False},
    "volumes": ["dumps"],
    "deleteData": False,
    "ids": None,
}
SERVER: dict[str, Any] = {
    "url": "unix:///e",
    "container": "db",
    "containerId": "1",
    "host": "",
    "port": 5432.0,
    "version": 15.0,
    "startTimeout": 9.0,
    "password": "s3cret",
    "address": None,
}
PART: dict[str, Any] = {"url": "unix:///e", "container": "cache", "containerId": "1", "question": ["true"]}
FILES: dict[str, Any] = {"url": "unix:///e", "volume": "vol", "files": {"a": "s3cret"}, "image": "i", "shared": False, "identity": None}


def never(*_arguments: Any, **_more: Any) -> Any:
    pytest.fail("the engine was asked")


@pytest.mark.parametrize("provider", [EngineProvider, ContainerProvider, PartProvider, FilesProvider])
def test_no_provider_is_kept_as_a_secret(provider: Any) -> None:
    assert provider.serialize_as_secret_always is False
    assert provider().__dict__ == {}


# Engine


@pytest.fixture
def demands(monkeypatch: pytest.MonkeyPatch) -> list[Demand]:
    """What the engine was asked about; everything is well with it."""
    asked: list[Demand] = []

    def look(demand: Demand) -> checks.Seen:
        asked.append(demand)
        return checks.Seen((), ("the data is taken back",))

    monkeypatch.setattr(checks, "look", look)
    return asked


def test_numbers_of_the_engine_are_whole_again(demands: list[Demand]) -> None:
    EngineProvider().diff("id", ENGINE, ENGINE)
    (asked,) = demands
    assert asked == Demand(
        "unix:///e",
        "pgstack",
        "dev",
        (Wanted("db", "postgres", (("::1", 5432),)),),
        (Pull("postgres:15", "missing"),),
        Data("vol", 15, False),
        ("dumps",),
    )
    assert (type(asked.data.version), type(asked.containers[0].ports[0][1])) == (int, int)


def test_a_new_engine_is_looked_at_in_a_preview_and_one_that_is_there_only_once(
    demands: list[Demand], capsys: pytest.CaptureFixture[str]
) -> None:
    EngineProvider().check({}, ENGINE)
    EngineProvider().check(ENGINE, ENGINE)
    assert len(demands) == 1
    assert capsys.readouterr().out == "engine of dev: the data is taken back\n"


@pytest.mark.parametrize(
    ("news", "changes"),
    [
        ({}, False),
        ({"ids": {"postgres:15": "sha256:1"}}, False),
        ({"url": "unix:///f"}, True),
        ({"volumes": []}, True),
        ({"deleteData": True}, True),
        ({"images": []}, True),
    ],
)
def test_what_is_wanted_anew_is_a_change_and_what_is_told_is_none(demands: list[Demand], news: dict[str, Any], changes: bool) -> None:
    assert EngineProvider().diff("id", ENGINE, {**ENGINE, **news}).changes is changes


def test_what_is_to_be_done_is_a_change(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pull = ("the image is to be pulled",)
    monkeypatch.setattr(checks, "look", lambda _demand: checks.Seen(pull, pull))
    assert EngineProvider().diff("id", ENGINE, ENGINE).changes is True
    assert capsys.readouterr().out == "engine of dev: the image is to be pulled\n"


def test_the_ids_of_images_are_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(checks, "ensure", lambda _demand: ({"postgres:15": "sha256:1"}, ("pulled the image",)))
    expected = {**ENGINE, "ids": {"postgres:15": "sha256:1"}}
    assert EngineProvider().create(ENGINE).outs == expected
    assert EngineProvider().update("id", {}, ENGINE).outs == expected
    assert capsys.readouterr().out == "engine of dev: pulled the image\n" * 2


@pytest.mark.parametrize("delete", [False, True])
def test_destroying_says_where_data_stays(capsys: pytest.CaptureFixture[str], delete: bool) -> None:
    EngineProvider().delete("id", {**ENGINE, "deleteData": delete})
    stays = "engine of dev: the data stays in the volume vol, and the next `pulumi up` takes it back\n"
    assert capsys.readouterr().out == ("" if delete else stays)


# Server and part


@pytest.mark.parametrize(
    "news", [{"container": "other"}, {"containerId": UNKNOWN}, {"password": UNKNOWN}, {"port": 5433.0}, {"version": 16.0}, {"host": "::1"}]
)
def test_a_server_that_changes_is_a_change_without_looking(monkeypatch: pytest.MonkeyPatch, news: dict[str, Any]) -> None:
    monkeypatch.setattr(ContainerServer, "differences", never)
    assert ContainerProvider().diff("id", SERVER, {**SERVER, **news}).changes is True


def test_another_time_to_start_in_is_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ContainerServer, "differences", lambda _self: ())
    assert ContainerProvider().diff("id", SERVER, {**SERVER, "startTimeout": 1.0}).changes is False


@pytest.mark.parametrize("found", [(), ("it is down",)])
def test_what_is_found_of_a_container_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: tuple[str, ...]
) -> None:
    monkeypatch.setattr(ContainerServer, "differences", lambda _self: found)
    monkeypatch.setattr(Part, "differences", lambda _self: found)
    assert ContainerProvider().diff("id", SERVER, SERVER).changes is bool(found)
    assert PartProvider().diff("id", PART, PART).changes is bool(found)
    assert capsys.readouterr().out == ("db: it is down\ncache: it is down\n" if found else "")


def test_a_server_is_waited_for_and_its_address_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    waited: list[Any] = []

    def ensure(self: ContainerServer, timeout: float) -> tuple[str, ...]:
        waited.append((self, timeout))
        return ("it answers",)

    monkeypatch.setattr(ContainerServer, "ensure", ensure)
    monkeypatch.setattr(ContainerServer, "address", lambda _self: "172.20.0.2")
    expected = {**SERVER, "address": "172.20.0.2"}
    assert (ContainerProvider().create(SERVER).outs, ContainerProvider().update("id", {}, SERVER).outs) == (expected, expected)
    assert waited == [(ContainerServer("unix:///e", "db", None, 5432, 15, "s3cret"), 9.0)] * 2
    assert capsys.readouterr().out == "db: it answers\n" * 2


def test_a_part_is_waited_for(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(Part, "ensure", lambda self, timeout: (f"{' '.join(self.question)} within {timeout} s",))
    assert (PartProvider().create(PART).outs, PartProvider().update("id", {}, PART).outs) == (PART, PART)
    assert capsys.readouterr().out == "cache: true within 60 s\n" * 2


@pytest.mark.parametrize("news", [{"containerId": "2"}, {"containerId": UNKNOWN}, {"question": []}])
def test_a_part_that_changes_is_a_change_without_looking(monkeypatch: pytest.MonkeyPatch, news: dict[str, Any]) -> None:
    monkeypatch.setattr(Part, "differences", never)
    assert PartProvider().diff("id", PART, {**PART, **news}).changes is True


# Files


@pytest.mark.parametrize("news", [{"files": {"a": "b"}}, {"files": {"a": UNKNOWN}}, {"volume": "other"}, {"shared": True}])
def test_files_that_change_are_written_without_looking(monkeypatch: pytest.MonkeyPatch, news: dict[str, Any]) -> None:
    monkeypatch.setattr(files, "identity", never)
    assert FilesProvider().diff("id", FILES, {**FILES, **news}).changes is True


@pytest.mark.parametrize(("identity", "changes"), [("one", False), ("two", True), ("", True)])
def test_files_are_written_again_into_a_volume_that_was_made_anew(monkeypatch: pytest.MonkeyPatch, identity: str, changes: bool) -> None:
    monkeypatch.setattr(files, "identity", lambda *_arguments: identity)
    assert FilesProvider().diff("id", {**FILES, "identity": "one"}, {**FILES, "image": "newer"}).changes is changes


def test_what_tells_the_volume_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []

    def write(*arguments: Any, **more: Any) -> str:
        written.append((arguments, more))
        return "one"

    monkeypatch.setattr(files, "write", write)
    expected = {**FILES, "identity": "one"}
    made = FilesProvider().create(FILES)
    assert (made.id, made.outs, FilesProvider().update("id", {}, FILES).outs) == ("vol", expected, expected)
    assert written == [(("unix:///e", "vol", {"a": "s3cret"}, "i"), {"shared": False})] * 2


def test_what_goes_with_its_container_or_volume_is_not_ended_by_itself() -> None:
    for provider, inputs in ((ContainerProvider, SERVER), (PartProvider, PART), (FilesProvider, FILES)):
        provider().delete("id", inputs)
