from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from migrator.discovery import read_folder
from migrator.errors import FormatError
from migrator.model import BOM, Folder, Migration, Script

ROOT = Path(__file__).resolve().parents[2]

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a folder of migrations from file names and contents; a name alone stands for a file with `SELECT 1;`."""

    def write(*names: str, **contents: bytes) -> Path:
        folder = tmp_path / "migrations"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_bytes(b"SELECT 1;\n")
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return folder

    return write


def refusal(folder: Path, format_name: str | None = None) -> tuple[str, str]:
    """Message and hint of the refusal to read a folder, with the folder written as `FOLDER`."""
    with pytest.raises(FormatError) as caught:
        read_folder(folder, format_name)
    return Exception.__str__(caught.value).replace(str(folder), "FOLDER"), caught.value.hint


def test_simple_files_are_those_of_sqlx_in_order_of_their_number(make: Make) -> None:
    folder = make("10_c.sql", "9_b.sql", "001_a.sql")
    script = b"SELECT 1;\n"
    assert read_folder(folder) == Folder(
        str(folder),
        "sqlx",
        (
            Migration("001", 1, "a", Script(str(folder / "001_a.sql"), script)),
            Migration("9", 9, "b", Script(str(folder / "9_b.sql"), script)),
            Migration("10", 10, "c", Script(str(folder / "10_c.sql"), script)),
        ),
    )


@pytest.mark.parametrize("format_name", ["soda", "sqlx"])
def test_files_in_pairs_are_read_with_the_format_that_is_given(make: Make, format_name: str) -> None:
    folder = make("2_b.up.sql", **{"1_a.up.sql": b"up", "1_a.down.sql": b"down"})
    assert read_folder(folder, format_name) == Folder(
        str(folder),
        format_name,
        (
            Migration("1", 1, "a", Script(str(folder / "1_a.up.sql"), b"up"), Script(str(folder / "1_a.down.sql"), b"down")),
            Migration("2", 2, "b", Script(str(folder / "2_b.up.sql"), b"SELECT 1;\n")),
        ),
    )


def test_files_in_pairs_without_a_format_are_refused_with_the_candidates(make: Make) -> None:
    message, hint = refusal(make("1_a.up.sql", "1_a.down.sql"))
    assert message == "FOLDER has .up.sql and .down.sql files, which several tools write: golang-migrate, soda, sqlx."
    assert hint == "Say which it is with `format:` of the database in the settings."


def test_a_mixed_folder_is_refused_until_its_format_is_given(make: Make) -> None:
    folder = make("1_a.sql", "2_b.up.sql", "2_b.down.sql")
    message, _ = refusal(folder)
    assert message == "FOLDER has .up.sql and .down.sql files, which several tools write: golang-migrate, soda, sqlx."
    assert [migration.title for migration in read_folder(folder, "sqlx").migrations] == ["1_a", "2_b"]


def test_a_file_of_another_kind_is_refused_in_a_folder_whose_format_is_given(make: Make) -> None:
    assert refusal(make("1_a.sql", "2_b.up.sql"), "soda") == (
        "FOLDER/1_a.sql has no name of the format soda.",
        "A name of that format: 20250131120000_create_users.up.sql",
    )


def test_a_name_of_no_format_is_refused_with_the_file(make: Make) -> None:
    message, hint = refusal(make("1_a.sql", "create_users.sql"))
    assert message.startswith("FOLDER/create_users.sql has no name of a format that this version reads (")
    assert hint == "Rename it, or move it to another folder."


@pytest.mark.parametrize(
    ("names", "clash"),
    [
        (("1_a.sql", "1_b.sql"), "FOLDER/1_a.sql and FOLDER/1_b.sql have one version."),
        (("01_a.sql", "1_a.sql"), "FOLDER/01_a.sql and FOLDER/1_a.sql have one version."),
        (("1_a.sql", "1_a.up.sql"), "FOLDER/1_a.sql and FOLDER/1_a.up.sql have one version."),
        (("1_a.up.sql", "1_a.down.sql", "1_b.down.sql"), "FOLDER/1_a.down.sql and FOLDER/1_b.down.sql have one version."),
    ],
)
def test_two_files_of_one_version_are_refused(make: Make, names: tuple[str, ...], clash: str) -> None:
    assert refusal(make(*names), "sqlx") == (clash, "Give one of them a later one.")


def test_up_and_down_of_one_version_need_one_name(make: Make) -> None:
    assert refusal(make("1_a.up.sql", "1_b.down.sql"), "soda") == (
        "FOLDER/1_a.up.sql and FOLDER/1_b.down.sql have one version, but two names.",
        "Rename one of them.",
    )


def test_a_down_file_without_its_up_file_is_refused(make: Make) -> None:
    assert refusal(make("1_a.up.sql", "2_b.down.sql"), "soda") == (
        "FOLDER/2_b.down.sql undoes a migration that is not there.",
        "Add its .up.sql file, or remove this one.",
    )


def test_the_checksum_is_the_same_on_every_system(make: Make) -> None:
    folder = make(
        **{"1_a.sql": b"SELECT 1;\nSELECT 2;\n", "2_a.sql": b"SELECT 1;\r\nSELECT 2;\r\n", "3_a.sql": BOM + b"SELECT 1;\nSELECT 2;\n"}
    )
    assert len({migration.checksum for migration in read_folder(folder).migrations}) == 1


@pytest.mark.parametrize(("content", "byte"), [(b"SELECT 1;\0", 10), (b"-- \xe9", 4)])
@pytest.mark.parametrize("name", ["1_a.up.sql", "1_a.down.sql"])
def test_a_file_that_is_no_text_is_refused_with_its_name_and_the_byte(make: Make, name: str, content: bytes, byte: int) -> None:
    folder = make("1_a.up.sql", "1_a.down.sql", **{name: content})
    assert refusal(folder, "soda") == (f"FOLDER/{name} is no UTF-8 text: see byte {byte}.", "Save it as UTF-8 and try again.")


@pytest.mark.parametrize(
    ("content", "tool"),
    [
        (b"-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n", "dbmate"),
        (b"-- a note\r\n--migrate:up transaction:false\r\nSELECT 1;\r\n", "dbmate"),
        (b"-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n", "goose"),
        (b"-- +GOOSE up\nSELECT 1;\n", "goose"),
        (BOM + b"-- migrate:up\nSELECT 1;\n", "dbmate"),
        (BOM + b"-- +goose Up\nSELECT 1;\n", "goose"),
    ],
)
@pytest.mark.parametrize("format_name", [None, "sqlx"])
def test_a_file_with_both_directions_is_no_plain_sql(make: Make, content: bytes, tool: str, format_name: str | None) -> None:
    message, _ = refusal(make(**{"1_a.sql": content}), format_name)
    assert message == f"FOLDER/1_a.sql is a file of {tool}, which this version does not read."


@pytest.mark.parametrize("content", [b"SELECT '-- migrate:up';\n", b"-- migrate:upward\n", b"-- see +goose Up\n"])
def test_words_that_only_look_like_a_mark_are_plain_sql(make: Make, content: bytes) -> None:
    assert read_folder(make(**{"1_a.sql": content})).format == "sqlx"


@pytest.mark.parametrize(("format_name", "expected"), [(None, ""), ("soda", "soda")])
def test_an_empty_folder_has_no_migrations(make: Make, format_name: str | None, expected: str) -> None:
    folder = make()
    assert read_folder(folder, format_name) == Folder(str(folder), expected, ())


def test_other_files_and_deeper_folders_are_left_alone(make: Make) -> None:
    folder = make("1_a.sql", "README.md", "seed.py", "2_b.sql~", ".gitkeep")
    (folder / "old").mkdir()
    (folder / "old" / "junk.sql").touch()
    assert [migration.title for migration in read_folder(folder).migrations] == ["1_a"]


def test_a_folder_named_like_a_file_is_left_alone(make: Make) -> None:
    folder = make("1_a.sql")
    (folder / "2_b.sql").mkdir()
    assert [migration.title for migration in read_folder(folder).migrations] == ["1_a"]


@pytest.mark.parametrize("kind", ["nothing", "file"])
def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "migrations"
    if kind == "file":
        folder.touch()
    assert refusal(folder) == ("FOLDER is no folder of migrations: there is none.", "Make it, or correct the path in the settings.")


@pytest.mark.parametrize(
    ("application", "format_name", "found", "count"), [("usualstore", "soda", "soda", 24), ("kennwilliamson", None, "sqlx", 2)]
)
def test_the_migrations_of_the_applications_are_read(application: str, format_name: str | None, found: str, count: int) -> None:
    folder = read_folder(ROOT / "sql" / application / "migrations", format_name)
    assert (folder.format, len(folder.migrations)) == (found, count)
    assert [migration.order for migration in folder.migrations] == sorted({migration.order for migration in folder.migrations})


def test_the_migrations_of_the_shop_do_not_say_whose_they_are() -> None:
    message, _ = refusal(ROOT / "sql" / "usualstore" / "migrations")
    assert message.endswith("several tools write: golang-migrate, soda, sqlx.")
