from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from migrator import discovery
from migrator.discovery import read_folder, resolve
from migrator.errors import FormatError
from migrator.model import BOM, Folder, Migration, Script

ROOT = Path(__file__).resolve().parents[2]

Make = Callable[..., Path]

PAIRED = ("golang-migrate", "soda", "sqlx")

DBMATE = b"-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n"
GOOSE = b"-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n"


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


def script(file: Path, text: str = "SELECT 1;\n", first_line: int = 1) -> Script:
    return Script(str(file), file.read_bytes(), text, first_line)


def refusal(folder: Path, format_name: str | None = None) -> tuple[str, str]:
    """Message and hint of the refusal to read a folder, with the folder written as `FOLDER`."""
    with pytest.raises(FormatError) as caught:
        read_folder(folder, format_name)
    return Exception.__str__(caught.value).replace(str(folder), "FOLDER"), caught.value.hint


def test_simple_files_are_those_of_sqlx_in_order_of_their_number(make: Make) -> None:
    folder = make("10_c.sql", "9_b.sql", "001_a.sql")
    assert read_folder(folder) == Folder(
        str(folder),
        "sqlx",
        (
            Migration("001", "a", script(folder / "001_a.sql")),
            Migration("9", "b", script(folder / "9_b.sql")),
            Migration("10", "c", script(folder / "10_c.sql")),
        ),
    )


@pytest.mark.parametrize("format_name", PAIRED)
def test_files_in_pairs_are_read_with_the_format_that_is_given(make: Make, format_name: str) -> None:
    folder = make("2_b.up.sql", **{"1_a.up.sql": b"up", "1_a.down.sql": b"down"})
    assert read_folder(folder, format_name) == Folder(
        str(folder),
        format_name,
        (
            Migration("1", "a", script(folder / "1_a.up.sql", "up"), script(folder / "1_a.down.sql", "down")),
            Migration("2", "b", script(folder / "2_b.up.sql")),
        ),
    )


def test_files_in_pairs_are_read_without_a_format_that_is_decided_later(make: Make) -> None:
    folder = make("1_a.up.sql", "1_a.down.sql", "2_b.up.sql")
    assert read_folder(folder) == Folder(str(folder), "", read_folder(folder, "soda").migrations, PAIRED)


@pytest.mark.parametrize(
    ("names", "candidates"),
    [
        (("1_a.b.up.sql",), ("golang-migrate", "sqlx")),
        (("1_a.up.sql", "100000000000000_b.up.sql"), ("golang-migrate", "sqlx")),
        (("1_a.up.sql", "schema.sql"), PAIRED),
    ],
)
def test_the_candidates_are_the_formats_that_all_files_fit(make: Make, names: tuple[str, ...], candidates: tuple[str, ...]) -> None:
    assert read_folder(make(*names)).candidates == candidates


@pytest.mark.parametrize("format_name", PAIRED)
def test_a_folder_that_is_decided_later_is_as_if_its_format_had_been_given(make: Make, format_name: str) -> None:
    folder = make("1_a.up.sql", **{"2_b.up.sql": b"-- no-transaction\nVACUUM;\n", "2_b.down.sql": b"-- no-transaction\nVACUUM;\n"})
    resolved = resolve(read_folder(folder), format_name)
    assert resolved == read_folder(folder, format_name)
    assert resolved.migrations[1].up.transactional == (format_name != "sqlx")


def resolve_refusal(folder: Folder, format_name: str | None) -> tuple[str, str]:
    with pytest.raises(FormatError) as caught:
        resolve(folder, format_name)
    return Exception.__str__(caught.value).replace(folder.path, "FOLDER"), caught.value.hint


def test_a_folder_that_nothing_decides_is_refused_with_the_candidates(make: Make) -> None:
    assert resolve_refusal(read_folder(make("1_a.up.sql", "1_a.down.sql")), None) == (
        "FOLDER has files that several tools write: golang-migrate, soda, sqlx.",
        "Say which it is with `format:` of the database in the settings.",
    )


@pytest.mark.parametrize(
    ("names", "format_name", "of"), [(("1_a.up.sql",), "flyway", "golang-migrate or soda or sqlx"), (("1_a.sql",), "goose", "sqlx")]
)
def test_a_folder_is_not_made_one_of_a_format_that_it_does_not_fit(make: Make, names: tuple[str, ...], format_name: str, of: str) -> None:
    assert resolve_refusal(read_folder(make(*names)), format_name) == (
        f"FOLDER has no files of {format_name}, but of {of}.",
        "Correct `format:` of the database in the settings, or the folder.",
    )


def test_a_folder_that_is_decided_stays_as_it_is(make: Make) -> None:
    folder, empty = read_folder(make("1_a.sql")), Folder("empty", "", ())
    assert (resolve(folder, None), resolve(folder, "sqlx"), resolve(empty, None)) == (folder, folder, empty)
    assert resolve(empty, "goose") == Folder("empty", "goose", ())


@pytest.mark.parametrize(("content", "format_name"), [(DBMATE, "dbmate"), (GOOSE, "goose")])
@pytest.mark.parametrize("given", [True, False])
@pytest.mark.parametrize("windows", [True, False])
def test_a_file_with_both_directions_is_taken_apart(make: Make, content: bytes, format_name: str, given: bool, windows: bool) -> None:
    raw = BOM + content.replace(b"\n", b"\r\n") if windows else content
    folder = make(**{"001_a.sql": raw})
    file = folder / "001_a.sql"
    assert read_folder(folder, format_name if given else None) == Folder(
        str(folder), format_name, (Migration("001", "a", script(file, "SELECT 1;\n", 2), script(file, "SELECT 2;\n", 4)),)
    )


def test_flyways_files_are_sorted_by_their_numbers_with_the_repeatable_ones_at_the_end(make: Make) -> None:
    folder = make("V1_10__d.sql", "V1.9__c.sql", "U1.9__c.sql", "V01__a.sql", "R__b_views.sql", "R__a_rights.sql", "V10__e.sql")
    read = read_folder(folder)
    assert (read.format, [(migration.version, migration.name, bool(migration.down)) for migration in read.migrations]) == (
        "flyway",
        [
            ("01", "a", False),
            ("1.9", "c", True),
            ("1.10", "d", False),
            ("10", "e", False),
            ("R__a_rights", "a_rights", False),
            ("R__b_views", "b_views", False),
        ],
    )


MIX = "Move one of them to another folder, or say what they are with `format:` of the database in the settings."


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (
            {"1_a.sql": b"", "2_b.up.sql": b""},
            "FOLDER/1_a.sql looks like a file of sqlx, FOLDER/2_b.up.sql like one of golang-migrate or soda or sqlx.",
        ),
        (
            {"1_a.up.sql": b"", "2_b.sql": b""},
            "FOLDER/1_a.up.sql looks like a file of golang-migrate or soda or sqlx, FOLDER/2_b.sql like one of sqlx.",
        ),
        ({"1_a.sql": b"", "V2__b.sql": b""}, "FOLDER/1_a.sql looks like a file of sqlx, FOLDER/V2__b.sql like one of flyway."),
        ({"1_a.sql": DBMATE, "V2__b.sql": b""}, "FOLDER/1_a.sql looks like a file of dbmate, FOLDER/V2__b.sql like one of flyway."),
        (
            {"1_a.b.up.sql": b"", "R__c.sql": b""},
            "FOLDER/1_a.b.up.sql looks like a file of golang-migrate or sqlx, FOLDER/R__c.sql like one of flyway.",
        ),
    ],
)
def test_a_folder_with_names_of_several_formats_is_refused(make: Make, contents: dict[str, bytes], message: str) -> None:
    assert refusal(make(**contents)) == (message, MIX)


def test_simple_files_and_pairs_may_be_mixed_where_the_format_is_given(make: Make) -> None:
    folder = make("1_a.sql", "2_b.up.sql", "2_b.down.sql")
    assert [migration.title for migration in read_folder(folder, "sqlx").migrations] == ["1_a", "2_b"]


FOREIGN = "Move it to another folder, or correct `format:` of the database in the settings."


@pytest.mark.parametrize(("content", "tool"), [(DBMATE, "dbmate"), (GOOSE, "goose"), (BOM + DBMATE, "dbmate"), (BOM + GOOSE, "goose")])
@pytest.mark.parametrize(
    ("format_name", "names"),
    [
        ("sqlx", ("1_a.sql", "2_b.sql")),
        ("sqlx", ("1_a.up.sql", "2_b.up.sql")),
        ("soda", ("1_a.up.sql", "2_b.up.sql")),
        ("golang-migrate", ("1_a.up.sql", "2_b.up.sql")),
        ("flyway", ("V1__a.sql", "V2__b.sql")),
    ],
)
def test_content_of_another_format_is_refused_whatever_is_given(
    make: Make, content: bytes, tool: str, format_name: str, names: tuple[str, str]
) -> None:
    """Run as plain SQL, such a file would undo itself."""
    folder = make(names[0], **{names[1]: content})
    expected = (f"FOLDER/{names[1]} is a file of {tool}, in a folder of {format_name}.", FOREIGN)
    assert refusal(folder, format_name) == expected


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (b"SELECT 1;\n", DBMATE, "FOLDER/2_b.sql is a file of dbmate, in a folder of sqlx."),
        (b"SELECT 1;\n", GOOSE, "FOLDER/2_b.sql is a file of goose, in a folder of sqlx."),
        (DBMATE, GOOSE, "FOLDER/2_b.sql is a file of goose, in a folder of dbmate."),
        (GOOSE, DBMATE, "FOLDER/2_b.sql is a file of dbmate, in a folder of goose."),
        (DBMATE, b"SELECT 1;\n", "FOLDER/2_b.sql does not have one `-- migrate:up` and, after it, one `-- migrate:down`."),
        (GOOSE, b"SELECT 1;\n", "FOLDER/2_b.sql has no `-- +goose Up`."),
        (DBMATE + GOOSE, b"", "FOLDER/1_a.sql is a file of goose, in a folder of dbmate."),
    ],
)
def test_content_of_several_formats_is_refused(make: Make, first: bytes, second: bytes, message: str) -> None:
    assert refusal(make(**{"1_a.sql": first, "2_b.sql": second}))[0] == message


@pytest.mark.parametrize("content", [b"SELECT '-- migrate:up';\n", b"-- migrate:upward\n", b"-- see +goose Up\n", b"-- +goose\n"])
def test_words_that_only_look_like_a_mark_are_plain_sql(make: Make, content: bytes) -> None:
    assert read_folder(make(**{"1_a.sql": content})).format == "sqlx"


@pytest.mark.parametrize(
    ("format_name", "odd", "example"),
    [
        ("soda", "1_a.sql", "20250131120000_create_users.up.sql"),
        ("golang-migrate", "1_a.sql", "20250131120000_create_users.up.sql"),
        ("sqlx", "create_users.sql", "20250131120000_create_users.sql"),
        ("dbmate", "1_a.up.sql", "20250131120000_create_users.sql"),
        ("goose", "0_a.sql", "20250131120000_create_users.sql"),
        ("flyway", "B1__a.sql", "V1__create_users.sql"),
        ("flyway", "beforeMigrate.sql", "V1__create_users.sql"),
    ],
)
def test_a_name_of_another_kind_is_refused_where_the_format_is_given(make: Make, format_name: str, odd: str, example: str) -> None:
    assert refusal(make(odd), format_name) == (
        f"FOLDER/{odd} has no name of the format {format_name}.",
        f"A name of that format: {example}",
    )


@pytest.mark.parametrize("names", [("1_a.sql", "create_users.sql"), ("1_a.up.sql", "create_users.sql"), ("create_users.sql",)])
def test_a_name_of_no_format_is_refused_with_the_file(make: Make, names: tuple[str, ...]) -> None:
    assert refusal(make(*names)) == (
        "FOLDER/create_users.sql has no name of a format that is read here (dbmate, flyway, golang-migrate, goose, soda, sqlx).",
        "Rename it, or move it to another folder.",
    )


def test_a_dump_of_the_schema_alone_is_no_migration(make: Make) -> None:
    assert refusal(make("schema.sql"))[0].startswith("FOLDER/schema.sql has no name of a format that is read here (")


@pytest.mark.parametrize(
    ("names", "format_name", "odd", "tool"),
    [
        (("00001_a.go",), "goose", "00001_a.go", "goose"),
        (("00001_a.go",), None, "00001_a.go", "goose"),
        (("1_a.up.sql", "2_b.up.fizz"), "soda", "2_b.up.fizz", "soda"),
        (("1_a.up.sql", "2_b.up.fizz"), None, "2_b.up.fizz", "soda"),
        (("V1__a.sql", "V1__a.sql.conf"), None, "V1__a.sql.conf", "Flyway"),
    ],
)
def test_a_migration_that_is_no_sql_is_refused(make: Make, names: tuple[str, ...], format_name: str | None, odd: str, tool: str) -> None:
    assert refusal(make(*names), format_name) == (
        f"FOLDER/{odd} belongs to a migration of {tool}, but is no SQL, and is not read here.",
        f"Write it as SQL, or leave this folder to {tool}.",
    )


def test_tests_and_helpers_in_go_are_no_migrations(make: Make) -> None:
    assert len(read_folder(make("embed.go", "00001_a_test.go", **{"00001_a.sql": GOOSE})).migrations) == 1


@pytest.mark.parametrize(
    ("format_name", "names", "clash"),
    [
        ("sqlx", ("1_a.sql", "1_b.sql"), "FOLDER/1_a.sql and FOLDER/1_b.sql have one version."),
        ("sqlx", ("01_a.sql", "1_a.sql"), "FOLDER/01_a.sql and FOLDER/1_a.sql have one version."),
        ("sqlx", ("1_a.sql", "1_a.up.sql"), "FOLDER/1_a.sql and FOLDER/1_a.up.sql have one version."),
        ("soda", ("1_a.up.sql", "1_a.down.sql", "1_b.down.sql"), "FOLDER/1_a.down.sql and FOLDER/1_b.down.sql have one version."),
        ("flyway", ("V1__a.sql", "V1_0__b.sql"), "FOLDER/V1_0__b.sql and FOLDER/V1__a.sql have one version."),
    ],
)
def test_two_files_of_one_version_are_refused(make: Make, format_name: str, names: tuple[str, ...], clash: str) -> None:
    assert refusal(make(*names), format_name) == (clash, "Give one of them a later one.")


def test_up_and_down_of_one_version_need_one_name(make: Make) -> None:
    assert refusal(make("1_a.up.sql", "1_b.down.sql"), "soda") == (
        "FOLDER/1_a.up.sql and FOLDER/1_b.down.sql have one version, but two names.",
        "Rename one of them.",
    )


@pytest.mark.parametrize(("names", "lone"), [(("1_a.up.sql", "2_b.down.sql"), "2_b.down.sql"), (("V1__a.sql", "U2__b.sql"), "U2__b.sql")])
def test_a_down_file_without_its_up_file_is_refused(make: Make, names: tuple[str, ...], lone: str) -> None:
    assert refusal(make(*names)) == (
        f"FOLDER/{lone} undoes a migration that is not there.",
        "Add the file that it undoes, or remove this one.",
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


@pytest.mark.parametrize("size", [discovery.CHUNK - 1, discovery.CHUNK, discovery.CHUNK + 1, 3 * discovery.CHUNK])
def test_a_file_is_read_to_its_end(make: Make, size: int) -> None:
    content = b"-- " + b"x" * (size - 4) + b"\n"
    folder = make(**{"1_a.sql": content})
    assert read_folder(folder).migrations == (Migration("1", "a", script(folder / "1_a.sql", content.decode())),)


def test_a_file_that_cannot_be_read_is_named(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, who may read everything."""

    def refuse(*args: object) -> int:
        raise PermissionError(13, "Permission denied")

    folder = make("1_a.sql")
    monkeypatch.setattr(os, "open", refuse)
    assert refusal(folder) == ("FOLDER/1_a.sql cannot be read: Permission denied.", "")


@pytest.mark.parametrize(("format_name", "expected"), [(None, ""), ("soda", "soda"), ("flyway", "flyway")])
def test_an_empty_folder_has_no_migrations(make: Make, format_name: str | None, expected: str) -> None:
    folder = make()
    assert read_folder(folder, format_name) == Folder(str(folder), expected, ())


def test_other_files_and_deeper_folders_are_left_alone(make: Make) -> None:
    folder = make("1_a.sql", "README.md", "seed.py", "2_b.sql~", ".gitkeep", "schema.sql")
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
    ("application", "format_name", "found", "count"),
    [
        ("usualstore", "soda", "soda", 24),
        ("kennwilliamson", None, "sqlx", 2),
        ("physics_assistant", "golang-migrate", "golang-migrate", 8),
    ],
)
def test_the_migrations_of_the_applications_are_read(application: str, format_name: str | None, found: str, count: int) -> None:
    folder = read_folder(ROOT / "sql" / application / "migrations", format_name)
    assert (folder.format, len(folder.migrations)) == (found, count)
    assert [migration.order for migration in folder.migrations] == sorted({migration.order for migration in folder.migrations})


@pytest.mark.parametrize("application", ["usualstore", "physics_assistant"])
def test_the_migrations_in_pairs_do_not_say_whose_they_are(application: str) -> None:
    assert read_folder(ROOT / "sql" / application / "migrations").candidates == PAIRED
