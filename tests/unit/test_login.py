from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from postgres import ambient
from postgres.errors import ConnectionFailed
from postgres.login import CONNECT_TIMEOUT, Login, ServerRefused
from postgres.tls import is_loopback
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
    assert repr(login) == "Login(host='db', port=5432, database='shop', user='me', sslmode='require', root_certificate='')"


def test_a_login_to_another_database_is_otherwise_the_same() -> None:
    assert Login("db", 1, "shop", "me", "pw", "require", "ca.pem").to("till") == Login("db", 1, "till", "me", "pw", "require", "ca.pem")


NOT_AT_HOME = {**dict.fromkeys(["passfile", "sslcert", "sslkey", "sslcrl", "sslrootcert"], "/dev/null/none"), "gssencmode": "disable"}
"""What keeps libpq from files in the home, and from a Kerberos ticket."""


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What psycopg is handed to connect with, in an environment without variables of libpq."""
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(psycopg, "connect", lambda **options: seen.append(options))
    for name in [name for name in os.environ if name.startswith(("PG", "SSL_CERT"))]:
        monkeypatch.delenv(name)
    return seen


def test_connecting_hands_libpq_the_login_and_the_callers_options(handed: list[dict[str, Any]]) -> None:
    Login("db", 1, "shop", "me", "pw", "require").connect(application_name="mine", passfile="given")
    Login("/run", 1, "shop", "me").connect()
    common = {"port": 1, "dbname": "shop", "user": "me", "connect_timeout": CONNECT_TIMEOUT, "client_encoding": "UTF8", "autocommit": True}
    given = {"application_name": "mine", "passfile": "given"}
    assert handed == [
        {**NOT_AT_HOME, **common, "host": "db", "password": "pw", "sslmode": "require", **given},
        {**NOT_AT_HOME, **common, "host": "/run", "password": "", "sslmode": "prefer", "application_name": "pgstack"},
    ]


def test_every_variable_of_libpq_is_overridden_or_gone(monkeypatch: pytest.MonkeyPatch, handed: list[dict[str, Any]]) -> None:
    variables = {option.envvar.decode(): option.keyword.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    for name in [*variables, "PGDATESTYLE", "PGTZ", "PGGEQO"]:
        monkeypatch.setenv(name, "from outside")
    Login("db", 1, "shop", "me", "pw").connect()
    assert {keyword for keyword in variables.values() if keyword != "service"} - handed[0].keys() == set()
    assert "from outside" not in handed[0].values()
    assert [name for name in ("PGSERVICE", "PGDATESTYLE", "PGTZ", "PGGEQO") if name in os.environ] == []


@pytest.mark.parametrize(
    ("sslmode", "root_certificate", "trusted"),
    [
        ("verify-full", "", "system.pem"),
        ("verify-full", "own.pem", "own.pem"),
        ("verify-ca", "own.pem", "own.pem"),
        ("require", "own.pem", "own.pem"),
        ("require", "", "/dev/null/none"),
        ("disable", "", "/dev/null/none"),
    ],
)
def test_authorities_are_those_of_the_login_or_of_the_system(
    monkeypatch: pytest.MonkeyPatch, handed: list[dict[str, Any]], sslmode: str, root_certificate: str, trusted: str
) -> None:
    monkeypatch.setattr(ambient, "system_authorities", lambda: "system.pem")
    Login("db", 1, "shop", "me", "pw", sslmode, root_certificate).connect()
    assert handed[0]["sslrootcert"] == trusted


def test_authorities_of_the_system_are_the_first_file_that_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    usual, named = tmp_path / "usual.pem", tmp_path / "named.pem"
    monkeypatch.setattr(ambient, "BUNDLES", (str(tmp_path / "missing.pem"), str(usual)))
    assert ambient.system_authorities() == ambient.NOWHERE
    usual.touch()
    assert ambient.system_authorities() == str(usual)
    monkeypatch.setenv("SSL_CERT_FILE", str(named))
    assert ambient.system_authorities() == str(usual)
    named.touch()
    assert ambient.system_authorities() == str(named)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        *[(host, True) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1", "/run/postgresql")],
        *[(host, False) for host in ("db.example.com", "10.0.0.1", "localhost.example.com", "fe80::1", "0.0.0.0")],
    ],
)
def test_what_stays_on_this_machine(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


ELSEWHERE = "Is the server running there, and is it the one you mean?"


def all_failed(last: str, *attempts: str) -> str:
    """What psycopg says where a name has more than one address."""
    addresses = ("'::1'", "None")
    told = [f"- host: 'localhost', port: 1, hostaddr: {address}: {said}" for address, said in zip(addresses, attempts, strict=True)]
    return "\n".join([last, "Multiple connection attempts failed. All failures were:", *told])


OF_LIBPQ = 'connection failed: connection to server at "127.0.0.1", port 1 failed: '


@pytest.mark.parametrize(
    ("said", "reason", "kind", "hint"),
    [
        (
            f"{OF_LIBPQ}Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n",
            "Connection refused",
            ConnectionFailed,
            ELSEWHERE,
        ),
        (
            f'{OF_LIBPQ}FATAL:  password authentication failed for user "me"',
            'FATAL: password authentication failed for user "me"',
            ServerRefused,
            "Check the user and the password.",
        ),
        (f'{OF_LIBPQ}FATAL:  database "shop" does not exist', 'FATAL: database "shop" does not exist', ServerRefused, ""),
        (f"{OF_LIBPQ}FATAL:  the database system is starting up", "FATAL: the database system is starting up", ConnectionFailed, ""),
        (f"{OF_LIBPQ}FATAL:  sorry, too many clients already", "FATAL: sorry, too many clients already", ConnectionFailed, ""),
        (
            f"{OF_LIBPQ}SSL error: wrong version number",
            "SSL error: wrong version number",
            ServerRefused,
            "Is that a PostgreSQL server, and does it speak TLS 1.2 or newer?",
        ),
        (
            f'{OF_LIBPQ}FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "me", database "shop", no encryption',
            'FATAL: no pg_hba.conf entry for host "10.0.0.1", user "me", database "shop", no encryption',
            ServerRefused,
            "The server may take encrypted sessions alone: set sslmode to `require` or better.",
        ),
        (
            all_failed(
                f"{OF_LIBPQ}FATAL:  a", 'connection failed: connection to server at "::1", port 1 failed: b', f"{OF_LIBPQ}FATAL:  a"
            ),
            "FATAL: a; b",
            ServerRefused,
            "",
        ),
        (all_failed(*["connection timeout expired"] * 3), "connection timeout expired", ConnectionFailed, ELSEWHERE),
        ("failed to resolve host 'db': unknown", "failed to resolve host 'db': unknown", ConnectionFailed, ELSEWHERE),
        ("", "OperationalError", ConnectionFailed, ELSEWHERE),
    ],
)
def test_a_failed_login_says_where_who_what_was_answered_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, said: str, reason: str, kind: type[ConnectionFailed], hint: str
) -> None:
    def refuse(**_options: Any) -> None:
        raise psycopg.OperationalError(said)

    monkeypatch.setattr(psycopg, "connect", refuse)
    login = Login("127.0.0.1", 1, "shop", "me", "s3cret")
    with pytest.raises(ConnectionFailed) as caught:
        login.connect()
    assert Exception.__str__(caught.value) == f"No session in database shop on 127.0.0.1:1 as me: {reason}"
    assert (type(caught.value), caught.value.hint, caught.value.__cause__) == (kind, hint, None)
    assert not login.works()


def test_a_login_that_works_leaves_no_session_open(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    session = SimpleNamespace(close=lambda: closed.append(True))
    monkeypatch.setattr(psycopg, "connect", lambda **_options: session)
    assert Login("db", 1, "shop", "me").works()
    assert closed == [True]
