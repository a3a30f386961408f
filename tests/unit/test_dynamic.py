from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bootstrap import run as bootstrap_run
from components.dynamic import base, bootstrap, cluster, migrations
from components.dynamic.base import UNKNOWN
from components.dynamic.bootstrap import BootstrapProvider
from components.dynamic.cluster import ClusterProvider
from components.dynamic.migrations import MigrationsProvider
from components.dynamic.password import PasswordProvider
from migrator.discovery import read_folder
from migrator.errors import MigrationError
from postgres.errors import ConnectionFailed
from postgres.login import Login

LOGIN: dict[str, Any] = {"host": "127.0.0.1", "port": 5432.0, "user": "adm", "password": "s3cret", "sslmode": "disable"}
BOOTSTRAP: dict[str, Any] = {
    "administrator": {**LOGIN, "database": "postgres"},
    "databases": ["shop", "shop_test"],
    "roles": {role: {"name": f"shop_{role}", "password": "s3cret"} for role in ("owner", "app", "readonly")},
    "extensions": ["pgcrypto"],
}


def with_roles(**names: str) -> dict[str, Any]:
    """`BOOTSTRAP` with other names for some roles."""
    return {**BOOTSTRAP, "roles": {**BOOTSTRAP["roles"], **{role: {"name": name, "password": ""} for role, name in names.items()}}}


# What the providers have in common


def test_what_is_said_names_who_says_it_and_nothing_is_said_of_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    base.say("shop", ["one", "two"])
    base.say("shop", [])
    assert capsys.readouterr().out == "shop: one\nshop: two\n"


def test_changed_inputs_are_named_and_numbers_compare_as_such() -> None:
    assert base.changed(("a", "b", "c", "d"), {"a": 1.0, "b": 1, "d": None}, {"a": 1, "b": 2, "c": 3}) == ["b", "c"]


@pytest.mark.parametrize(
    ("value", "unknown"),
    [(UNKNOWN, True), ({"a": [1, {"b": UNKNOWN}]}, True), ([[UNKNOWN]], True), ("", False), ({"a": [1, None, {"b": "x"}]}, False)],
)
def test_a_value_that_is_not_known_yet_is_found_at_any_depth(value: Any, unknown: bool) -> None:
    assert base.unknown(value) is unknown


@pytest.mark.parametrize("found", [True, False])
def test_nothing_is_ever_replaced(found: bool) -> None:
    result = base.difference(found)
    assert (result.changes, result.replaces, result.delete_before_replace) == (found, [], False)


@pytest.mark.parametrize("provider", [PasswordProvider, BootstrapProvider, ClusterProvider, MigrationsProvider])
def test_no_provider_is_kept_as_a_secret(provider: Any) -> None:
    """Each is stored as a reference to its class, the same in every state: a secret would hide nothing and differ each time."""
    assert provider.serialize_as_secret_always is False
    assert provider().__dict__ == {}


# Password


def test_a_password_is_made_once_and_kept() -> None:
    provider = PasswordProvider()
    first, second = provider.create({}), provider.create({})
    outs = dict(first.outs or {})
    assert (first.id == second.id, outs == second.outs, [len(value) for value in outs.values()]) == (False, False, [32])
    assert provider.update("id", outs, {"result": None}).outs == outs
    assert provider.diff("id", outs, {}).changes is False


# Bootstrap


def test_a_login_is_made_of_a_resources_input_and_its_port_is_whole() -> None:
    assert bootstrap.login(LOGIN, "shop") == Login("127.0.0.1", 5432, "shop", "adm", "s3cret", "disable")


@pytest.mark.parametrize(
    "news",
    [{**BOOTSTRAP, "databases": ["shop"]}, {**BOOTSTRAP, "administrator": {**LOGIN, "password": UNKNOWN}}, with_roles(app="till")],
)
def test_changed_or_unknown_inputs_are_a_difference_without_looking(monkeypatch: pytest.MonkeyPatch, news: dict[str, Any]) -> None:
    monkeypatch.setattr(bootstrap_run, "differences", lambda *_arguments: pytest.fail("the server was asked"))
    assert BootstrapProvider().diff("shop", BOOTSTRAP, news).changes is True


@pytest.mark.parametrize(("found", "said"), [((), ""), (("create the role x", "y"), "shop: to do: create the role x\nshop: to do: y\n")])
def test_what_differs_on_the_server_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], found: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(bootstrap_run, "differences", lambda *_arguments: found)
    assert BootstrapProvider().diff("shop", BOOTSTRAP, BOOTSTRAP).changes is bool(found)
    assert capsys.readouterr().out == said


def test_a_server_that_is_down_is_no_difference_but_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def down(*_arguments: Any) -> tuple[str, ...]:
        raise ConnectionFailed("No session", hint="not shown")

    monkeypatch.setattr(bootstrap_run, "differences", down)
    assert BootstrapProvider().diff("shop", BOOTSTRAP, BOOTSTRAP).changes is False
    assert capsys.readouterr().out == "shop: roles and rights could not be looked at: No session\n"


def test_what_the_settings_name_no_more_is_kept_and_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bootstrap_run, "ensure", lambda *_arguments: ("one thing",))
    news = {**with_roles(app="till", owner="shop_app"), "databases": ["shop"]}
    assert BootstrapProvider().update("shop", BOOTSTRAP, news).outs == news
    assert capsys.readouterr().out.splitlines() == [
        "shop: done: one thing",
        "shop: kept, though the settings name it no more: database shop_test",
        "shop: kept, though the settings name it no more: role shop_owner",
    ]


def test_destroying_drops_no_database(capsys: pytest.CaptureFixture[str]) -> None:
    BootstrapProvider().delete("shop", BOOTSTRAP)
    assert capsys.readouterr().out == (
        "shop: nothing is dropped: the databases shop, shop_test and the roles shop_owner, shop_app, shop_readonly stay\n"
    )


def test_making_ready_returns_its_inputs_and_says_no_password(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(bootstrap_run, "ensure", lambda *_arguments: ("a", "b"))
    made = BootstrapProvider().create(BOOTSTRAP)
    assert (made.id, made.outs) == ("shop", BOOTSTRAP)
    assert capsys.readouterr().out == "shop: made ready: shop, shop_test with its roles, in 2 steps\n"


# Cluster

CLUSTER: dict[str, Any] = {
    "project": "pgstack",
    "stack": "local",
    "version": 18.0,
    "port": 5432.0,
    "dataDirectory": "data",
    "deleteData": False,
    "parameters": {},
    "password": "s3cret",
}


class FakeCluster:
    """Stands in for a cluster; what is called is kept in `calls`."""

    def __init__(self, calls: list[str], folder: str) -> None:
        self.calls, self.folder = calls, Path(folder)

    def stop(self) -> bool:
        self.calls.append(f"stop {self.folder}")
        return True

    def delete(self) -> None:
        self.calls.append(f"delete {self.folder}")

    def ensure(self, _password: str) -> tuple[str, ...]:
        self.calls.append(f"ensure {self.folder}")
        return ("started",)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []
    monkeypatch.setattr(cluster, "_cluster", lambda props: FakeCluster(made, props["dataDirectory"]))
    return made


@pytest.mark.parametrize(("delete", "call"), [(False, "stop data"), (True, "delete data")])
def test_destroying_stops_the_server_and_deletes_data_only_where_the_state_says_so(calls: list[str], delete: bool, call: str) -> None:
    ClusterProvider().delete("id", {**CLUSTER, "deleteData": delete})
    assert calls == [call]


def test_a_cluster_that_moves_is_stopped_where_it_was(calls: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    news = {**CLUSTER, "dataDirectory": "elsewhere"}
    assert ClusterProvider().update("id", CLUSTER, news).outs == news
    assert calls == ["stop data", "ensure elsewhere"]
    assert "stopped the server in data; its data stays there" in capsys.readouterr().out


def test_a_cluster_that_stays_is_not_stopped(calls: list[str]) -> None:
    ClusterProvider().update("id", CLUSTER, {**CLUSTER, "port": 5433.0})
    assert calls == ["ensure data"]


# Migrations


@pytest.fixture
def run(tmp_path: Path) -> dict[str, Any]:
    """The inputs of a resource with two migrations."""
    for name in ("1_a.sql", "2_b.sql"):
        (tmp_path / name).write_text(f"SELECT '{name}';\n")
    folder = read_folder(tmp_path)
    return {
        "database": "shop",
        "owner": LOGIN,
        "directory": str(tmp_path),
        "format": "sqlx",
        "migrations": migrations.listed(folder),
        "version": "2",
    }


def test_inputs_list_version_name_and_checksum_and_no_sql(run: dict[str, Any]) -> None:
    assert [sorted(entry) for entry in run["migrations"]] == [["checksum", "name", "version"]] * 2
    assert "SELECT" not in json.dumps(run)


def test_a_preview_of_a_new_resource_lists_its_migrations(run: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    result = MigrationsProvider().check({}, run)
    assert (result.inputs, result.failures) == (run, [])
    assert capsys.readouterr().out == "shop: 2 migrations, of which those not yet applied will be:\n    1_a\n    2_b\n"
    MigrationsProvider().check(run, run)
    assert capsys.readouterr().out == ""


def test_a_folder_that_changed_since_the_preview_is_refused(run: dict[str, Any]) -> None:
    Path(run["directory"], "3_c.sql").write_text("SELECT 3;\n")
    with pytest.raises(MigrationError) as caught:
        MigrationsProvider().create(run)
    assert str(caught.value) == (
        f"{run['directory']} changed while Pulumi ran: what would be applied is not what was previewed. Nothing was run.\n"
        "Run the command again."
    )


def test_a_server_that_is_down_is_compared_by_the_states_record(
    monkeypatch: pytest.MonkeyPatch, run: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    def down(_self: Login) -> None:
        raise ConnectionFailed("No session")

    monkeypatch.setattr(Login, "connect", down)
    assert MigrationsProvider().diff("shop", run, run).changes is False
    assert capsys.readouterr().out == ""
    assert MigrationsProvider().diff("shop", {**run, "migrations": run["migrations"][:1]}, run).changes is True
    assert capsys.readouterr().out == "shop: not reachable now; this is by the state's record\nshop: pending or changed: 2_b\n"


def test_an_unknown_password_is_a_difference_without_looking(monkeypatch: pytest.MonkeyPatch, run: dict[str, Any]) -> None:
    monkeypatch.setattr(Login, "connect", lambda _self: pytest.fail("the server was asked"))
    assert MigrationsProvider().diff("shop", run, {**run, "owner": {**LOGIN, "password": UNKNOWN}}).changes is True
