"""What is said of a server, and what the resource makes of it; no server is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import psycopg
import pytest

from components.dynamic.base import UNKNOWN
from components.dynamic.check import CheckProvider
from postgres import checks
from postgres.checks import Demand, ServerUnfit, Verdict, problems_with, warnings_about
from postgres.errors import ConnectionFailed
from postgres.facts import Facts
from postgres.login import Login, ServerRefused

LOGIN = Login("db.example.com", 5432, "shop", "me", "s3cret", "verify-full", "ca.pem")
GOOD = Facts(
    product="PostgreSQL 15.4 on x86_64-pc-linux-gnu",
    version=150004,
    encrypted=True,
    encoding="UTF8",
    makes_schemas=True,
    makes_tables=True,
    creates_databases=True,
    creates_roles=True,
    extensions=frozenset({"plpgsql", "citext"}),
)
WHERE = "db.example.com:5432"
Duty = Literal["connect", "migrate", "administer"]


def said(facts: Facts, duty: Duty = "migrate", *extensions: str, login: Login = LOGIN) -> list[str]:
    return list(problems_with(facts, Demand(login, duty, extensions)))


# The judgement


@pytest.mark.parametrize("duty", ["connect", "migrate", "administer"])
def test_nothing_is_wrong_with_a_server_that_has_it_all(duty: Duty) -> None:
    assert (said(GOOD, duty, "citext"), list(warnings_about(GOOD, LOGIN))) == ([], [])


@pytest.mark.parametrize("version", [130000, 180006])
def test_versions_at_both_ends_are_supported(version: int) -> None:
    facts = replace(GOOD, version=version)
    assert (said(facts), list(warnings_about(facts, LOGIN))) == ([], [])


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"version": 120017}, [f"{WHERE} is PostgreSQL 12; supported are 13 to 18. Have it upgraded."]),
        (
            {"product": "CockroachDB CCL v23.1"},
            [f"{WHERE} is no PostgreSQL server: it calls itself 'CockroachDB CCL v23.1'. Name one that is as host."],
        ),
        ({"standby": True, "read_only": "user"}, [f"{WHERE} is a standby, which nobody can write to. Name the primary as host."]),
        (
            {"read_only": "user"},
            [
                (
                    f"{WHERE} lets me only read in shop: default_transaction_read_only is on, by user. "
                    'Have an administrator run: ALTER ROLE "me" RESET default_transaction_read_only'
                )
            ],
        ),
        (
            {"read_only": "database user"},
            [
                (
                    f"{WHERE} lets me only read in shop: default_transaction_read_only is on, by database user. "
                    'Have an administrator run: ALTER ROLE "me" IN DATABASE "shop" RESET default_transaction_read_only'
                )
            ],
        ),
        (
            {"read_only": "database"},
            [
                (
                    f"{WHERE} lets me only read in shop: default_transaction_read_only is on, by database. "
                    'Have an administrator run: ALTER DATABASE "shop" RESET default_transaction_read_only'
                )
            ],
        ),
        (
            {"read_only": "configuration file"},
            [
                (
                    f"{WHERE} lets me only read in shop: default_transaction_read_only is on, by configuration file. "
                    "Take it off there: default_transaction_read_only"
                )
            ],
        ),
        (
            {"encrypted": False},
            [f"The session with {WHERE} is not encrypted, though sslmode is verify-full. Have TLS switched on there."],
        ),
        (
            {"encoding": "LATIN1"},
            [
                (
                    "The database shop has the encoding LATIN1, and only UTF8 is supported. An encoding cannot be changed: "
                    "have the database made anew with ENCODING 'UTF8', from a dump."
                )
            ],
        ),
        (
            {"makes_schemas": False},
            [
                (
                    "me may make no schema in shop, and the ledger of migrations needs one. Have the owner run: "
                    'GRANT CREATE ON DATABASE "shop" TO "me"'
                )
            ],
        ),
        (
            {"makes_tables": False},
            [
                (
                    "me may make no table in the schema public of shop, where migration tools keep their history. Have the owner run: "
                    'GRANT CREATE ON SCHEMA public TO "me"'
                )
            ],
        ),
        (
            {"makes_tables": None},
            ["shop has no schema public, where migration tools keep their history. Have the owner run: CREATE SCHEMA public"],
        ),
        (
            {"ledger_owner": "boss"},
            ["The ledger of shop, its schema pgstack, belongs to boss. Migrate as that role, not as me."],
        ),
        ({"ledger_owner": "boss", "owns_ledger": True, "makes_schemas": False, "makes_tables": False}, []),
    ],
)
def test_what_keeps_migrations_from_a_database(changes: dict[str, Any], expected: list[str]) -> None:
    assert said(replace(GOOD, **changes)) == expected


def test_every_problem_of_a_database_is_told() -> None:
    bad = replace(GOOD, standby=True, encrypted=False, encoding="SQL_ASCII", makes_schemas=False, makes_tables=False)
    assert [line.split()[0] for line in said(bad, "migrate", "citext", "vector")] == [WHERE, "The", "The", "me", "me", "The"]


def test_rights_matter_to_who_migrates_alone() -> None:
    powerless = replace(GOOD, makes_schemas=False, makes_tables=False, creates_databases=False, creates_roles=False)
    assert said(powerless, "connect", "vector") == [
        'The database shop lacks the extension vector. Have an administrator run there: CREATE EXTENSION "vector"'
    ]
    assert said(powerless, "administer") == [
        (
            "me lacks CREATEDB and CREATEROLE, which it takes to make databases and roles. Have it granted; or set manageRoles: false, "
            "and migrate databases that are there."
        )
    ]
    assert said(replace(powerless, creates_roles=True, encoding="LATIN1"), "administer")[0].startswith("me lacks CREATEDB, which")


@pytest.mark.parametrize(
    ("changes", "host", "expected"),
    [
        ({"version": 190000}, "db.example.com", ["PostgreSQL 19 is newer than 18, the newest that was tried."]),
        ({"encrypted": False}, "db.example.com", [f"The session with {WHERE} is not encrypted: the network between sees SQL and data."]),
        ({"encrypted": False}, "localhost", []),
    ],
)
def test_what_is_no_reason_to_stop_is_a_warning(changes: dict[str, Any], host: str, expected: list[str]) -> None:
    facts, login = replace(GOOD, **changes), replace(LOGIN, host=host, sslmode="prefer")
    assert (said(facts, login=login), list(warnings_about(facts, login))) == ([], expected)


# Looking


class Session:
    """Stands in for a session."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_error: object) -> None:
        return None


def fails(error: Exception) -> Callable[[Login], Session]:
    def connect(_self: Login) -> Session:
        raise error

    return connect


def demand(database: str) -> Demand:
    return Demand(LOGIN.to(database), "migrate")


def test_a_refused_login_is_a_problem_and_the_others_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: Login) -> Session:
        if self.database == "till":
            raise ServerRefused("No session in till", hint="Do this.")
        return Session()

    monkeypatch.setattr(Login, "connect", connect)
    monkeypatch.setattr(checks, "observe", lambda _session: replace(GOOD, version=190000, makes_tables=None))
    verdict = checks.look([demand("till"), demand("shop"), demand("shop")])
    problem = "shop has no schema public, where migration tools keep their history. Have the owner run: CREATE SCHEMA public"
    assert verdict == Verdict(
        19, ("No session in till. Do this.", problem), ("PostgreSQL 19 is newer than 18, the newest that was tried.",)
    )


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (ConnectionFailed("No session in shop", hint="not shown"), "No session in shop"),
        (psycopg.OperationalError("the connection\nis lost"), f"The session with {WHERE} broke: the connection is lost"),
    ],
)
def test_who_gets_no_answer_asks_no_more(monkeypatch: pytest.MonkeyPatch, error: Exception, why: str) -> None:
    monkeypatch.setattr(Login, "connect", fails(error))
    assert checks.look([demand("shop"), demand("till")]) == Verdict(0, (), (), why)
    with pytest.raises(ConnectionFailed) as caught:
        checks.accept([demand("shop")])
    assert str(caught.value) == f"{why}\nIs the server running there, and is it the one you mean?"


def test_an_unfit_server_is_refused_with_every_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "look", lambda _demands: Verdict(15, ("One.", "Two."), ("a warning",), "gone"))
    with pytest.raises(ServerUnfit) as caught:
        checks.accept([])
    assert str(caught.value) == "The server cannot be used as it is:\n  One.\n  Two."


def test_a_fit_server_is_accepted_with_its_warnings(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Verdict(19, (), ("a warning",))
    monkeypatch.setattr(checks, "look", lambda _demands: verdict)
    assert checks.accept([]) == verdict


# The resource

WIRE: dict[str, Any] = {
    "host": "db.example.com",
    "port": 5432.0,
    "user": "me",
    "password": "s3cret",
    "sslmode": "verify-full",
    "rootCertificate": "ca.pem",
}
INPUTS: dict[str, Any] = {"demands": [{"login": WIRE, "database": "shop", "duty": "migrate", "extensions": ["citext"]}]}
STATE: dict[str, Any] = {**INPUTS, "version": 15.0}
WHO = "server db.example.com"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Demand, ...]]:
    """What a server was looked at for; it is found fit."""
    made: list[tuple[Demand, ...]] = []

    def look(demands: tuple[Demand, ...]) -> Verdict:
        made.append(demands)
        return Verdict(15, (), ())

    monkeypatch.setattr(checks, "look", look)
    return made


def finds(monkeypatch: pytest.MonkeyPatch, verdict: Verdict) -> None:
    monkeypatch.setattr(checks, "look", lambda _demands: verdict)


def test_the_resource_looks_with_the_logins_of_its_inputs_and_keeps_the_version(asked: list[tuple[Demand, ...]]) -> None:
    made = CheckProvider().create(INPUTS)
    assert (made.id, made.outs) == (WHO, {**INPUTS, "version": 15})
    assert CheckProvider().update("id", {}, INPUTS).outs == {**INPUTS, "version": 15}
    assert asked == [(Demand(LOGIN, "migrate", ("citext",)),)] * 2


def test_a_new_server_is_looked_at_in_its_first_preview_and_only_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, Verdict(15, ("One.",), ("Two.",)))
    result = CheckProvider().check({}, INPUTS)
    assert (result.inputs, result.failures) == (INPUTS, [])
    assert capsys.readouterr().out == f"{WHO}: One.\n{WHO}: Two.\n"
    CheckProvider().check(INPUTS, INPUTS)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("verdict", "changes", "told"),
    [
        (Verdict(15, (), ()), False, []),
        (Verdict(15, (), ("Old.",)), False, ["Old."]),
        (Verdict(15, ("One.",), ()), True, ["One."]),
        (Verdict(16, (), ()), True, []),
        (
            Verdict(0, (), (), "No session"),
            False,
            ["not reachable now, so it was not looked at: No session", "taken as the state has it: PostgreSQL 15"],
        ),
    ],
)
def test_a_preview_says_what_is_found_and_an_update_follows_where_something_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verdict: Verdict, changes: bool, told: list[str]
) -> None:
    finds(monkeypatch, verdict)
    assert CheckProvider().diff("id", STATE, INPUTS).changes is changes
    assert capsys.readouterr().out.splitlines() == [f"{WHO}: {line}" for line in told]


def test_changed_inputs_are_a_difference_and_are_looked_at(asked: list[tuple[Demand, ...]]) -> None:
    news = {"demands": [*INPUTS["demands"], {**INPUTS["demands"][0], "database": "till"}]}
    assert CheckProvider().diff("id", STATE, news).changes is True
    assert [demand.login.database for demand in asked[0]] == ["shop", "till"]


def test_an_unknown_password_is_a_difference_without_a_look(asked: list[tuple[Demand, ...]]) -> None:
    news = {"demands": [{**INPUTS["demands"][0], "login": {**WIRE, "password": UNKNOWN}}]}
    assert CheckProvider().diff("id", STATE, news).changes is True
    CheckProvider().check({}, news)
    assert asked == []


def test_destroying_touches_no_server(asked: list[tuple[Demand, ...]], capsys: pytest.CaptureFixture[str]) -> None:
    CheckProvider().delete("id", STATE)
    assert (asked, capsys.readouterr().out) == ([], f"{WHO}: left as it is: its databases and their data stay\n")


def test_the_provider_keeps_no_state_and_is_no_secret() -> None:
    assert (CheckProvider.serialize_as_secret_always, CheckProvider().__dict__) == (False, {})
