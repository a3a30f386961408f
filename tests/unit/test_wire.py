from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from migrator import ledger
from migrator.formats import FORMATS
from migrator.model import Migration, Script
from migrator.wire import encoded, numbered


@pytest.mark.parametrize(
    ("sql", "as_the_server_has_it"),
    [
        ("SELECT 1", b"SELECT 1"),
        ("INSERT INTO a VALUES (%s, %s::int)", b"INSERT INTO a VALUES ($1, $2::int)"),
        ("%s%s%s", b"$1$2$3"),
    ],
)
def test_placeholders_are_numbered(sql: Any, as_the_server_has_it: bytes) -> None:
    assert numbered(sql) == as_the_server_has_it


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("é", "é".encode()),
        ("", b""),
        (7, b"7"),
        (2**63, b"9223372036854775808"),
        (True, b"True"),
        (b"\x00\xff", b"\\x00ff"),
        (datetime(2026, 1, 2, 3, 4, 5, 6, UTC), b"2026-01-02 03:04:05.000006+00:00"),
    ],
)
def test_values_are_text_of_no_type(value: Any, text: bytes | None) -> None:
    assert encoded([value, value]) == [text, text]


ONE = Migration("1", "step", Script.of("m/1_step.sql", b"SELECT 1"))


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_the_records_have_as_many_placeholders_as_values_and_no_other_percent_sign(format_name: str) -> None:
    history = FORMATS[format_name].history
    commands = [history.record(ONE), history.forget(ONE, None), history.forget(ONE, ONE), history.mend(ONE)]
    commands += [ledger.record(ONE, format_name), ledger.forget("1"), ledger.mend(ONE)]
    for command in filter(None, commands):
        sql = numbered(command.sql).decode()
        assert re.findall(r"\$[0-9]+|%", sql) == [f"${number}" for number in range(1, len(command.parameters) + 1)]
