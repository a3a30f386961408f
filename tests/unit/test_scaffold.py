from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.discovery import read_folder
from migrator.errors import FormatError, MigrationError
from migrator.formats import NAMES
from migrator.model import Folder, Migration, Script
from migrator.scaffold import new_files

NOW = datetime(2025, 1, 31, 13, 0, 0, tzinfo=timezone(timedelta(hours=1)))
STAMP = "20250131120000"

GOOSE = "-- +goose Up\n-- What this migration changes goes here.\n\n-- +goose Down\n-- What undoes it goes here.\n"
DBMATE = "-- migrate:up\n-- What this migration changes goes here.\n\n-- migrate:down\n-- What undoes it goes here.\n"
UP = "-- What this migration changes goes here.\n"
DOWN = "-- What undoes it goes here.\n"

Make = Callable[..., Folder]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a folder of empty migrations and reads it."""

    def write(format_name: str, *names: str) -> Folder:
        for name in names:
            (tmp_path / name).write_text({"goose": GOOSE, "dbmate": DBMATE}.get(format_name, UP))
        return read_folder(tmp_path, format_name)

    return write


@pytest.mark.parametrize(
    ("format_name", "files"),
    [
        ("sqlx", ((f"{STAMP}_add_users.sql", UP),)),
        ("soda", ((f"{STAMP}_add_users.up.sql", UP), (f"{STAMP}_add_users.down.sql", DOWN))),
        ("golang-migrate", ((f"{STAMP}_add_users.up.sql", UP), (f"{STAMP}_add_users.down.sql", DOWN))),
        ("dbmate", ((f"{STAMP}_add_users.sql", DBMATE),)),
        ("goose", ((f"{STAMP}_add_users.sql", GOOSE),)),
        ("flyway", ((f"V{STAMP}__add_users.sql", UP),)),
    ],
)
def test_the_first_migration_has_the_time_as_its_version(make: Make, format_name: str, files: tuple[tuple[str, str], ...]) -> None:
    assert new_files(make(format_name), "add users", NOW) == files


@pytest.mark.parametrize(
    ("format_name", "names", "new"),
    [
        ("sqlx", ["20240101000000_a.sql"], [f"{STAMP}_b.sql"]),
        ("sqlx", ["20240101000000_a.up.sql", "20240101000000_a.down.sql"], [f"{STAMP}_b.up.sql", f"{STAMP}_b.down.sql"]),
        ("sqlx", ["0001_a.sql", "0009_a.sql"], ["0010_b.sql"]),
        ("sqlx", ["9_a.sql"], ["10_b.sql"]),
        ("soda", ["20250131120000_a.up.sql"], ["20250131120001_b.up.sql", "20250131120001_b.down.sql"]),
        ("soda", ["20990101000000_a.up.sql"], ["20990101000001_b.up.sql", "20990101000001_b.down.sql"]),
        ("golang-migrate", ["000099_a.up.sql"], ["000100_b.up.sql", "000100_b.down.sql"]),
        ("golang-migrate", ["1481574547_a.up.sql"], ["1738324800_b.up.sql", "1738324800_b.down.sql"]),
        ("golang-migrate", ["1999999999_a.up.sql"], ["2000000000_b.up.sql", "2000000000_b.down.sql"]),
        ("dbmate", ["20240101000000_a.sql"], [f"{STAMP}_b.sql"]),
        ("goose", ["00001_a.sql", "00002_a.sql"], ["00003_b.sql"]),
        ("flyway", ["V1__a.sql", "V1.10__a.sql"], ["V2__b.sql"]),
        ("flyway", ["V001__a.sql", "R__views.sql"], ["V002__b.sql"]),
        ("flyway", ["V20240101000000.5__a.sql"], [f"V{STAMP}__b.sql"]),
        ("flyway", ["V1__a.sql", "U1__a.sql"], ["V2__b.sql", "U2__b.sql"]),
        ("flyway", ["R__views.sql"], [f"V{STAMP}__b.sql"]),
    ],
)
def test_the_next_migration_follows_the_habit_of_the_folder(make: Make, format_name: str, names: list[str], new: list[str]) -> None:
    assert [file for file, _ in new_files(make(format_name, *names), "b", NOW)] == new


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("Add users' e-mail, twice", "Add_users_e_mail_twice"),
        ("  two  words ", "two_words"),
        ("a__b--c", "a_b_c"),
        ("../../etc/passwd", "etcpasswd"),
        ("größe.up", "größeup"),
    ],
)
def test_a_name_is_made_one_of_a_file(make: Make, name: str, clean: str) -> None:
    assert new_files(make("sqlx"), name, NOW) == ((f"{STAMP}_{clean}.sql", UP),)


@pytest.mark.parametrize("name", ["", " ", "...", "__", "-/-"])
def test_a_name_of_which_nothing_remains_is_refused(make: Make, name: str) -> None:
    with pytest.raises(MigrationError, match="makes no file name"):
        new_files(make("sqlx"), name, NOW)


def test_a_repeatable_migration_of_flyway_has_no_version(make: Make) -> None:
    folder = make("flyway", "V1__a.sql")
    assert new_files(folder, "all views", NOW, repeatable=True) == (
        ("R__all_views.sql", "-- What is to run again whenever this file changes goes here.\n"),
    )


def test_a_repeatable_migration_that_is_there_is_not_made_again(make: Make) -> None:
    with pytest.raises(MigrationError, match=r"has R__all_views\.sql already\.\nChange that file: it will run again\."):
        new_files(make("flyway", "R__all_views.sql"), "all views", NOW, repeatable=True)


@pytest.mark.parametrize("format_name", sorted(NAMES - {"flyway"}))
def test_other_tools_have_no_repeatable_migrations(make: Make, format_name: str) -> None:
    with pytest.raises(FormatError, match=f"{format_name} has no repeatable migrations"):
        new_files(make(format_name), "all views", NOW, repeatable=True)


def test_without_a_format_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="Nothing tells in which format"):
        new_files(read_folder(tmp_path), "a", NOW)
    (tmp_path / "1_a.up.sql").touch()
    with pytest.raises(FormatError, match="several tools write: golang-migrate, soda, sqlx"):
        new_files(read_folder(tmp_path), "a", NOW)


@pytest.mark.parametrize("format_name", sorted(NAMES))
def test_what_is_made_can_be_read_and_is_the_newest(make: Make, tmp_path: Path, format_name: str) -> None:
    for name in ("first", "second", "third"):
        for file, content in new_files(make(format_name), name, NOW):
            (tmp_path / file).write_text(content)
    assert [migration.name for migration in make(format_name).migrations] == ["first", "second", "third"]
    assert read_folder(tmp_path).format == (format_name if format_name in ("dbmate", "goose", "flyway", "sqlx") else "")


@given(st.integers(1, 10**16), st.integers(0, 5), st.integers(0, 2**32))
def test_a_new_version_is_the_newest_and_no_narrower(newest: int, zeros: int, seconds: int) -> None:
    version = "0" * zeros + str(newest)
    folder = Folder("migrations", "sqlx", (Migration(version, "a", Script.of("migrations/a.sql", b"")),))
    ((file, _),) = new_files(folder, "b", datetime.fromtimestamp(seconds, UTC))
    new = file.removesuffix("_b.sql")
    assert int(new) > newest
    assert len(new) >= len(version)
