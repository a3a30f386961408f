from __future__ import annotations

from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict

from postgres.errors import ConnectionFailed
from postgres.login import CONNECT_TIMEOUT, Login
from postgres.url import url

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
NAMED_HOSTS = st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z][a-z0-9-]{0,10}){0,2}", fullmatch=True)
HOSTS = st.one_of(NAMED_HOSTS, st.ip_addresses().map(str))
PORTS = st.integers(1, 65535)
MODES = st.sampled_from(["disable", "prefer", "require", "verify-ca", "verify-full"])


LOGINS = st.fixed_dictionaries({"host": HOSTS, "port": PORTS, "database": WORDS, "user": WORDS, "password": WORDS, "sslmode": MODES})


@given(LOGINS)
def test_a_url_means_to_libpq_what_it_was_made_of(login: dict[str, Any]) -> None:
    renamed = {"dbname" if name == "database" else name: str(value) for name, value in login.items()}
    assert conninfo_to_dict(url(**login)) == renamed


@given(LOGINS)
def test_a_url_means_to_urllib_what_it_was_made_of(login: dict[str, Any]) -> None:
    parts = urlsplit(url(**login))
    assert {
        "host": parts.hostname,
        "port": parts.port,
        "database": unquote(parts.path[1:]),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "sslmode": parse_qs(parts.query)["sslmode"][0],
    } == login
    assert parts.scheme == "postgresql"


def test_a_url_needs_neither_password_nor_options() -> None:
    assert url(host="db", port=5432, database="shop", user="me") == "postgresql://me@db:5432/shop"


def test_the_folder_of_a_socket_can_be_the_host_of_a_url() -> None:
    address = url(host="/run/pg sql", port=5432, database="shop", user="me")
    assert address == "postgresql://me@%2Frun%2Fpg%20sql:5432/shop"
    assert conninfo_to_dict(address)["host"] == "/run/pg sql"


def test_the_representation_of_a_login_leaves_the_password_out() -> None:
    login = Login("db", 5432, "shop", "me", "s3cret", "require")
    assert repr(login) == "Login(host='db', port=5432, database='shop', user='me', sslmode='require')"


def test_a_login_to_another_database_is_otherwise_the_same() -> None:
    assert Login("db", 1, "shop", "me", "pw", "require").to("till") == Login("db", 1, "till", "me", "pw", "require")


def test_connecting_hands_libpq_the_login_and_the_callers_options(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(psycopg, "connect", lambda **options: seen.append(options))
    Login("db", 1, "shop", "me", "pw", "require").connect(application_name="mine")
    Login("/run", 1, "shop", "me").connect()
    common = {"port": 1, "dbname": "shop", "user": "me", "connect_timeout": CONNECT_TIMEOUT, "client_encoding": "UTF8", "autocommit": True}
    assert seen == [
        {**common, "host": "db", "password": "pw", "sslmode": "require", "application_name": "mine"},
        {**common, "host": "/run", "password": None, "sslmode": "prefer", "application_name": "pgstack"},
    ]


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            (
                'connection failed: connection to server at "127.0.0.1", port 1 failed: Connection refused\n'
                "\tIs the server running on that host and accepting TCP/IP connections?\n"
            ),
            "Connection refused",
        ),
        (
            'connection failed: connection to server at "127.0.0.1", port 1 failed: FATAL:  password authentication failed for user "me"',
            'FATAL: password authentication failed for user "me"',
        ),
        ("connection timeout expired", "connection timeout expired"),
    ],
)
def test_a_failed_login_says_where_who_and_what_was_answered(monkeypatch: pytest.MonkeyPatch, said: str, reason: str) -> None:
    def refuse(**_options: Any) -> None:
        raise psycopg.OperationalError(said)

    monkeypatch.setattr(psycopg, "connect", refuse)
    login = Login("127.0.0.1", 1, "shop", "me", "s3cret")
    with pytest.raises(ConnectionFailed) as caught:
        login.connect()
    assert Exception.__str__(caught.value) == f"No session in database shop on 127.0.0.1:1 as me: {reason}"
    assert caught.value.hint == ("" if reason.startswith("FATAL") else "Is the server running there, and is it the one you mean?")
    assert caught.value.__cause__ is None
    assert not login.works()


def test_a_login_that_works_leaves_no_session_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    session = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr(psycopg, "connect", lambda **_options: session)
    assert Login("db", 1, "shop", "me").works()
    assert closed == [True]
