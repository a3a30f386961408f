from __future__ import annotations

import pytest

from migrator.formats import FORMATS, NAMES
from migrator.formats.base import FileName
from migrator.formats.soda import SODA
from migrator.formats.sqlx import SQLX


def test_a_format_is_found_by_its_own_name() -> None:
    assert {name: format_.name for name, format_ in FORMATS.items()} == {name: name for name in NAMES}
    assert {"soda", "sqlx"} <= NAMES


def test_every_format_keeps_a_history_table_of_its_own() -> None:
    tables = [FORMATS[name].history.table for name in ("soda", "sqlx")]
    assert tables == ["schema_migration", "_sqlx_migrations"]


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("20250131120000_create_users.up.sql", FileName("20250131120000", "create_users", "up", paired=True)),
        ("20250131120000_create_users.down.sql", FileName("20250131120000", "create_users", "down", paired=True)),
        ("1_a.up.sql", FileName("1", "a", "up", paired=True)),
        ("001_a.b.up.sql", FileName("001", "a.b", "up", paired=True)),
        ("1_größe.up.sql", FileName("1", "größe", "up", paired=True)),
        ("99999999999999_last.up.sql", FileName("99999999999999", "last", "up", paired=True)),
        ("100000000000000_too_long.up.sql", None),
        ("20250131120000_create_users.sql", None),
        ("20250131120000_create_users.up.fizz", None),
        ("20250131120000.up.sql", None),
        ("_a.up.sql", None),
        ("V1__a.up.sql", None),
        ("-1_a.up.sql", None),
        ("1_a.UP.sql", None),
        ("1_a.up.sql~", None),
        ("1_.up.sql", None),
    ],
)
def test_file_names_of_soda(file: str, parts: FileName | None) -> None:
    assert SODA.parse(file) == parts


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("20250829024919_create_users.sql", FileName("20250829024919", "create_users", "up", paired=False)),
        ("1_a.up.sql", FileName("1", "a", "up", paired=True)),
        ("1_a.down.sql", FileName("1", "a", "down", paired=True)),
        ("1_a.b.sql", FileName("1", "a.b", "up", paired=False)),
        ("1_setup.sql", FileName("1", "setup", "up", paired=False)),
        (f"{2**63 - 1}_last.sql", FileName(str(2**63 - 1), "last", "up", paired=False)),
        (f"{2**63}_too_large.sql", None),
        ("create_users.sql", None),
        ("1-a.sql", None),
        ("1_a.txt", None),
        ("V1__a.sql", None),
        ("1_.sql", None),
    ],
)
def test_file_names_of_sqlx(file: str, parts: FileName | None) -> None:
    assert SQLX.parse(file) == parts


def test_digits_of_other_scripts_are_no_version() -> None:
    """The tools themselves read the digits 0 to 9 alone."""
    assert (SODA.parse("١٢_a.up.sql"), SQLX.parse("١٢_a.up.sql"), SQLX.parse("１_a.sql")) == (None, None, None)
