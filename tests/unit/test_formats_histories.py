from __future__ import annotations

import pytest

from migrator.formats import FORMATS
from migrator.formats.flyway import checksum, java_hash
from migrator.model import BOM, Migration, Script


def migration(content: bytes) -> Migration:
    return Migration("1", "a", Script.of("1_a.sql", content))


@pytest.mark.parametrize(
    ("format_name", "database", "key"),
    [
        # sqlx: 0x3d32ad9e times the IEEE CRC-32 of the name, computed with Go's hash/crc32.
        ("sqlx", "shop", 2969972169318647292),
        ("sqlx", "größe", 1581780532360263566),
        # golang-migrate: what its own GenerateAdvisoryLockId("/shop", "public", "schema_migrations") returns.
        ("golang-migrate", "shop", 2101699660),
        ("golang-migrate", "größe", 2819393485),
        # goose: DefaultLockID of its lock package.
        ("goose", "shop", 4097083626),
        ("goose", "größe", 4097083626),
        # Flyway: LOCK_MAGIC_NUM and hashCode of "public"."flyway_schema_history", computed with Java.
        ("flyway", "shop", 77431708279161 + 2125624436),
        ("flyway", "größe", 77431708279161 + 2125624436),
        ("soda", "shop", None),
        ("dbmate", "shop", None),
    ],
)
def test_the_lock_is_the_one_that_the_tool_takes(format_name: str, database: str, key: int | None) -> None:
    assert FORMATS[format_name].history.lock_key(database) == key


@pytest.mark.parametrize(
    ("text", "code"),
    [("", 0), ("a", 97), ("hello", 99162322), ("polygenelubricants", -(2**31)), ('"public"."flyway_schema_history"', 2125624436)],
)
def test_a_hash_is_the_one_that_java_computes(text: str, code: int) -> None:
    assert java_hash(text) == code


@pytest.mark.parametrize(
    ("content", "number"),
    [
        # Computed with Java's CRC32 over the lines of a BufferedReader, as Flyway does it.
        (b"", 0),
        (b"\n", 0),
        (b"SELECT 1;\n", 78787420),
        (b"SELECT 1;", 78787420),
        (b"SELECT 1;\r\nSELECT 2;", -1665099012),
        (b"SELECT 1;\nSELECT 2;\n", -1665099012),
        (b"SELECT 1;\rSELECT 2;\n", -1665099012),
        (BOM + b"SELECT 1;\n\nSELECT 2;\n", -1665099012),
        ("SELECT 'é';\n".encode(), 1526126742),
    ],
)
def test_flyways_checksum_is_of_lines_without_their_ends(content: bytes, number: int) -> None:
    assert checksum(content) == number
    assert FORMATS["flyway"].history.checksums(migration(content)) == (str(number).encode(),)


UNIX = "24454095d8d7876ca8e842f34296ca645c83e0f7b50f048c99db4b2ff4da659267afc4ef3e994f3d74e18c741165d931"
DOS = "17397e2e60835e677161a3f8f86849089bb0b9ac29484fca0511f769d62d8c2e143ab512c903b43a60a01ad7452c86c6"

MARKED_UNIX = "e1dc993fecc8fbad857af990996744130eae1fb4e83002ad821787bfbb9077a8478c12813b1b253123c5286c14360c16"
MARKED_DOS = "e7120aba455d6ba140ccdf4b195b13b90512d6323220e31eb293181cc077ac61723ed7e9cfd247fa137c61b7acdbda32"


@pytest.mark.parametrize(
    ("content", "own"),
    [(b"SELECT 1;\n", UNIX), (b"SELECT 1;\r\n", DOS), (BOM + b"SELECT 1;\n", MARKED_UNIX), (BOM + b"SELECT 1;\r\n", MARKED_DOS)],
)
def test_sqlx_may_have_seen_other_line_ends_and_marks_and_first_of_all_the_files_own(content: bytes, own: str) -> None:
    """The sums were computed with sha384sum."""
    first, *others = (checksum.hex() for checksum in FORMATS["sqlx"].history.checksums(migration(content)))
    assert first == own
    assert sorted([first, *others]) == sorted([UNIX, DOS, MARKED_UNIX, MARKED_DOS])


@pytest.mark.parametrize("format_name", ["dbmate", "golang-migrate", "goose", "soda"])
def test_other_tools_keep_nothing_of_a_file(format_name: str) -> None:
    history = FORMATS[format_name].history
    assert (history.checksums(migration(b"SELECT 1;\n")), bool(history.mend(migration(b"SELECT 1;\n")))) == ((), history.literal)


def test_the_tools_with_versions_of_text_compare_them_letter_by_letter() -> None:
    assert [name for name, format_ in sorted(FORMATS.items()) if format_.history.literal] == ["dbmate", "soda"]


def test_golang_migrate_alone_keeps_no_row_for_each_migration() -> None:
    assert [name for name, format_ in FORMATS.items() if not format_.history.keeps_each] == ["golang-migrate"]


@pytest.mark.parametrize(
    ("columns", "owners"),
    [
        ({"version"}, ["dbmate", "soda"]),
        ({"version", "dirty"}, ["golang-migrate"]),
        ({"id", "version_id", "is_applied", "tstamp"}, ["goose"]),
        ({"version", "description", "installed_on", "success", "checksum", "execution_time"}, ["sqlx"]),
        ({"installed_rank", "version", "description", "type", "script", "checksum", "success"}, ["flyway", "sqlx"]),
        ({"version", "inserted_at"}, []),
        ({"id", "name"}, []),
    ],
)
def test_a_table_of_the_right_name_is_a_tools_own_by_its_columns(columns: set[str], owners: list[str]) -> None:
    """Where two tools have one name for their tables, their columns differ."""
    assert [name for name, format_ in sorted(FORMATS.items()) if format_.history.is_own(frozenset(columns))] == owners
