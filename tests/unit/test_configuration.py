from __future__ import annotations

import re
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from cluster import configuration

STRING = re.compile(r"'([^'\\\n]|\\[^\n]|'')*'")
"""A quoted value in postgresql.conf, from the server's guc-file.l."""

NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True)
VALUES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def unquote(text: str) -> str:
    """What the server makes of a quoted value: DeescapeQuotedString of guc-file.l."""
    words = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
    return re.sub(
        r"''|\\([0-7]{1,3}|.)",
        lambda found: (
            "'" if found[0] == "''" else chr(int(found[1], 8)) if found[1][0] in "01234567" else words.get(found[1], str(found[1]))
        ),
        text[1:-1],
    )


def test_the_users_parameters_come_with_defaults_and_below_what_is_fixed() -> None:
    parameters = {"timezone": "Europe/Berlin", "port": "1", "archive_command": "cp %p 'there'\\x"}
    assert configuration.server(port=5433, socket_directory=Path("/data/socket"), parameters=parameters) == (
        "# Written by pgstack at each `pulumi up`; set pgstack:parameters instead of editing it.\n"
        "archive_command = 'cp %p ''there''\\\\x'\n"
        "listen_addresses = '127.0.0.1,::1'\n"
        "log_line_prefix = '%m [%p] %q%u@%d '\n"
        "log_min_duration_statement = '1s'\n"
        "log_parameter_max_length = '0'\n"
        "log_timezone = 'UTC'\n"
        "password_encryption = 'scram-sha-256'\n"
        "port = '5433'\n"
        "timezone = 'Europe/Berlin'\n"
        "unix_socket_directories = '/data/socket'\n"
        "unix_socket_permissions = '0700'\n"
    )


@given(VALUES)
@example("two\nlines")
def test_a_quoted_value_is_one_string_to_the_server_and_means_the_same(value: str) -> None:
    quoted = configuration.quote(value)
    assert STRING.fullmatch(quoted)
    assert unquote(quoted) == value


@given(VALUES)
@example("two\r\nlines")
def test_a_quoted_value_survives_a_text_file(value: str) -> None:
    """The files are compared with what is wanted at each run, after reading with universal line ends."""
    assert "\r" not in configuration.quote(value)


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.dictionaries(NAMES, VALUES, max_size=4))
@example({"a": "page\fone"}, {"a": "page\ftwo"})
def test_changed_names_the_parameters_that_differ(before: dict[str, str], after: dict[str, str]) -> None:
    before, after = ({**configuration.DEFAULTS, **parameters} for parameters in (before, after))
    fixed = {"listen_addresses", "port", "unix_socket_directories", "unix_socket_permissions", "password_encryption"}
    texts = [configuration.server(port=1, socket_directory=Path("/s"), parameters=parameters) for parameters in (before, after)]
    differing = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert configuration.changed(*texts) == sorted(differing - fixed)


def test_a_new_port_is_a_changed_parameter() -> None:
    texts = [configuration.server(port=port, socket_directory=Path("/s"), parameters={}) for port in (1, 2)]
    assert configuration.changed(*texts) == ["port"]


def test_everything_is_changed_against_no_text() -> None:
    text = configuration.server(port=1, socket_directory=Path("/s"), parameters={"a": "b"})
    assert configuration.changed("", text) == sorted(line.partition(" = ")[0] for line in text.splitlines()[1:])


def test_the_accounts_that_may_be_the_superuser_on_the_socket() -> None:
    assert configuration.ident(["me", "root"]) == '# Written by pgstack.\npgstack  "me"  postgres\npgstack  "root"  postgres\n'


def test_over_tcp_nobody_gets_in_without_a_password() -> None:
    rules = [line.split() for line in configuration.HBA.splitlines() if not line.startswith("#")]
    assert rules == [
        ["local", "all", "postgres", "peer", "map=pgstack"],
        ["host", "all", "all", "127.0.0.1/32", "scram-sha-256"],
        ["host", "all", "all", "::1/128", "scram-sha-256"],
    ]
