from __future__ import annotations

import pytest

from migrator.formats import FORMATS, NAMES
from migrator.formats.base import FileName


def up(version: str, name: str, *, paired: bool = False) -> FileName:
    return FileName(version, name, "up", paired)


def down(version: str, name: str) -> FileName:
    return FileName(version, name, "down", paired=True)


STAMP = "20250131120000"


def test_a_format_is_found_by_its_own_name() -> None:
    assert {name: format_.name for name, format_ in FORMATS.items()} == {name: name for name in NAMES}
    assert sorted(NAMES) == ["dbmate", "flyway", "golang-migrate", "goose", "soda", "sqlx"]


def test_every_format_keeps_the_history_table_of_its_tool() -> None:
    assert {name: format_.history.table for name, format_ in FORMATS.items()} == {
        "dbmate": "schema_migrations",
        "flyway": "flyway_schema_history",
        "golang-migrate": "schema_migrations",
        "goose": "goose_db_version",
        "soda": "schema_migration",
        "sqlx": "_sqlx_migrations",
    }


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_format_reads_the_names_it_gives_as_examples(name: str) -> None:
    assert all(FORMATS[name].parse(example) for example in FORMATS[name].examples)


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        (f"{STAMP}_create_users.up.sql", up(STAMP, "create_users", paired=True)),
        (f"{STAMP}_create_users.down.sql", down(STAMP, "create_users")),
        ("1_a.up.sql", up("1", "a", paired=True)),
        ("001_a.up.sql", up("001", "a", paired=True)),
        ("1_größe.up.sql", up("1", "größe", paired=True)),
        ("99999999999999_last.up.sql", up("99999999999999", "last", paired=True)),
        ("100000000000000_too_long.up.sql", None),
        ("1_a.postgres.up.sql", None),
        ("001_a.b.up.sql", None),
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
    assert FORMATS["soda"].parse(file) == parts


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("20250829024919_create_users.sql", up("20250829024919", "create_users")),
        ("1_a.up.sql", up("1", "a", paired=True)),
        ("1_a.down.sql", down("1", "a")),
        ("1_a.b.sql", up("1", "a.b")),
        ("1_a.b.down.sql", down("1", "a.b")),
        ("1_setup.sql", up("1", "setup")),
        ("1_up.sql", up("1", "up")),
        (f"{2**63 - 1}_last.sql", up(str(2**63 - 1), "last")),
        (f"{2**63}_too_large.sql", None),
        ("create_users.sql", None),
        ("1-a.sql", None),
        ("1_a.txt", None),
        ("V1__a.sql", None),
        ("1_.sql", None),
        ("1_.up.sql", None),
    ],
)
def test_file_names_of_sqlx(file: str, parts: FileName | None) -> None:
    assert FORMATS["sqlx"].parse(file) == parts


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("000001_create_users.up.sql", up("000001", "create_users", paired=True)),
        ("1481574547_create_users.down.sql", down("1481574547", "create_users")),
        ("100000000000000_a.b.up.sql", up("100000000000000", "a.b", paired=True)),
        (f"{2**63 - 1}_last.up.sql", up(str(2**63 - 1), "last", paired=True)),
        (f"{2**63}_too_large.up.sql", None),
        ("1_a.sql", None),
        ("1_a.up.pgsql", None),
        ("a.up.sql", None),
    ],
)
def test_file_names_of_golang_migrate(file: str, parts: FileName | None) -> None:
    assert FORMATS["golang-migrate"].parse(file) == parts


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        (f"{STAMP}_create_users.sql", up(STAMP, "create_users")),
        ("001-a.sql", up("001", "a")),
        (f"{'9' * 30}_a.sql", up("9" * 30, "a")),
        ("1_a.up.sql", None),
        ("1_a.down.sql", None),
        ("1.sql", None),
        ("a_1.sql", None),
    ],
)
def test_file_names_of_dbmate(file: str, parts: FileName | None) -> None:
    assert FORMATS["dbmate"].parse(file) == parts


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("00001_create_users.sql", up("00001", "create_users")),
        (f"{STAMP}_a.b.sql", up(STAMP, "a.b")),
        ("10_a.sql", up("10", "a")),
        ("0_zero_is_the_empty_database.sql", None),
        ("000_zero.sql", None),
        (f"{2**63}_too_large.sql", None),
        ("1_a.go", None),
        ("1_a.up.sql", None),
        ("1-a.sql", None),
    ],
)
def test_file_names_of_goose(file: str, parts: FileName | None) -> None:
    assert FORMATS["goose"].parse(file) == parts


@pytest.mark.parametrize(
    ("file", "parts"),
    [
        ("V1__create_users.sql", up("1", "create_users", paired=True)),
        ("V001__a.sql", up("001", "a", paired=True)),
        ("V1.2__a.sql", up("1.2", "a", paired=True)),
        ("V1_2_3__a__b.sql", up("1.2.3", "a__b", paired=True)),
        (f"V{STAMP}.1__a.sql", up(f"{STAMP}.1", "a", paired=True)),
        ("V1___a.sql", up("1", "_a", paired=True)),
        ("U1_2__a.sql", down("1.2", "a")),
        ("R__all_views.sql", up("R__all_views", "all_views", paired=True)),
        ("B1__a.sql", None),
        ("V__a.sql", None),
        ("V1_a.sql", None),
        ("V1..2__a.sql", None),
        ("V1.__a.sql", None),
        ("V1a__a.sql", None),
        ("R1__a.sql", None),
        ("v1__a.sql", None),
        ("beforeMigrate.sql", None),
        ("1_a.sql", None),
    ],
)
def test_file_names_of_flyway(file: str, parts: FileName | None) -> None:
    assert FORMATS["flyway"].parse(file) == parts


@pytest.mark.parametrize("file", ["١٢_a.up.sql", "١٢_a.sql", "１_a.sql", "V１__a.sql"])
def test_digits_of_other_scripts_are_no_version(file: str) -> None:
    """The tools themselves read the digits 0 to 9 alone."""
    assert [format_.name for format_ in FORMATS.values() if format_.parse(file)] == []


@pytest.mark.parametrize(
    ("format_name", "text", "found"),
    [
        ("flyway", "SELECT '${schema}'", ["${schema}"]),
        ("flyway", "SELECT ${a}, ${flyway:timestamp}", ["${a}", "${flyway:timestamp}"]),
        ("flyway", "SELECT '$1', '{}', $$ $$, '$ {a}'", []),
        ("soda", "CREATE ROLE {{ .Options.role }}", ["{{"]),
        ("soda", "SELECT '{1,2}', '{ {1}, {2} }'", []),
    ],
)
def test_what_a_tool_would_replace_is_seen(format_name: str, text: str, found: list[str]) -> None:
    placeholder = FORMATS[format_name].placeholder
    assert placeholder is not None
    assert [match[0] for match in placeholder.finditer(text)] == found
