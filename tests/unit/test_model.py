from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migrator.errors import FormatError
from migrator.model import BOM, Migration, Script, order_of, title_of

TEXTS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]))

NUMBERS = st.integers(0, 10**20)
PARTS = st.lists(NUMBERS, min_size=1, max_size=5)


def dotted(parts: list[int]) -> str:
    return ".".join(map(str, parts))


@given(TEXTS)
def test_line_ends_and_a_byte_order_mark_do_not_change_text_and_checksum(text: str) -> None:
    text = text.removeprefix("\ufeff")
    plain = Script.of("a.sql", text.encode())
    windows = Script.of("a.sql", BOM + text.replace("\n", "\r\n").encode())
    assert windows.text == plain.text == text
    assert windows.checksum == plain.checksum == hashlib.sha256(text.encode()).hexdigest()


def test_a_change_of_the_text_changes_the_checksum() -> None:
    assert Script.of("a.sql", b"SELECT 1").checksum != Script.of("a.sql", b"SELECT 1 ").checksum


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "1_a.sql"
    content = BOM + "SELECT 'é';\r\n".encode()
    file.write_bytes(content)
    assert Script.read(file) == Script(str(file), content, "SELECT 'é';\n", 1, transactional=True)


def test_a_section_is_a_part_of_the_same_file() -> None:
    whole = Script.of("a.sql", b"A;\nB;\n")
    assert whole.section("B;\n", 2, transactional=False) == Script("a.sql", b"A;\nB;\n", "B;\n", 2, transactional=False)


@pytest.mark.parametrize(
    ("content", "byte"),
    [
        (b"\0", 1),
        (b"SELECT\0 1", 7),
        (b"SELECT '\xe9'", 9),
        ("SELECT 'é".encode() + b"\xff", 11),
        (b"\xff\xfeS\xff", 1),
        (b"\xc3", 1),
        (BOM + b"\xff", 4),
    ],
)
def test_what_is_no_utf_8_text_is_refused_with_file_and_byte(tmp_path: Path, content: bytes, byte: int) -> None:
    file = tmp_path / "1_a.sql"
    file.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        Script.read(file)
    assert str(caught.value) == f"{file} is no UTF-8 text: see byte {byte}.\nSave it as UTF-8 and try again."


@pytest.mark.parametrize(
    ("version", "title", "repeatable"), [("001", "001_a_b", False), ("1.2", "1.2_a_b", False), ("R__a_b", "R__a_b", True)]
)
def test_a_migration_has_the_checksum_of_its_up_script_and_a_title(version: str, title: str, repeatable: bool) -> None:
    up, down = Script.of("a.up.sql", b"a"), Script.of("a.down.sql", b"b")
    migration = Migration(version, "a_b", up, down)
    assert (migration.checksum, migration.order, migration.repeatable) == (up.checksum, order_of(version), repeatable)
    assert migration.title == title_of(version, "a_b") == title


@pytest.mark.parametrize(
    ("version", "order"),
    [
        ("0", (False, (0,), "")),
        ("20250131120000", (False, (20250131120000,), "")),
        ("0010", (False, (10,), "")),
        ("1.0.0", (False, (1,), "")),
        ("1.0.2", (False, (1, 0, 2), "")),
        ("R__a", (True, (), "R__a")),
    ],
)
def test_versions_are_sorted_by_their_numbers(version: str, order: tuple[bool, tuple[int, ...], str]) -> None:
    assert order_of(version) == order


@given(PARTS, PARTS)
@example([1, 9], [1, 10])
@example([1], [1, 0, 0])
def test_versions_are_sorted_as_flyway_sorts_them(left: list[int], right: list[int]) -> None:
    """Part by part, as numbers; where one version has fewer parts, the others are compared with zero."""
    width = max(len(left), len(right))
    padded = [[*parts, *[0] * (width - len(parts))] for parts in (left, right)]
    assert (order_of(dotted(left)) < order_of(dotted(right))) == (padded[0] < padded[1])
    assert (order_of(dotted(left)) == order_of(dotted(right))) == (padded[0] == padded[1])


@given(PARTS, st.text(st.characters(categories=["Ll", "Nd"])))
def test_repeatable_migrations_come_after_all_versions(parts: list[int], name: str) -> None:
    assert order_of(dotted(parts)) < order_of(f"R__{name}")


@given(NUMBERS, st.integers(0, 20))
def test_zeros_before_a_number_do_not_count(number: int, zeros: int) -> None:
    assert order_of("0" * zeros + str(number)) == order_of(str(number))
