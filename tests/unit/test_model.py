from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.errors import FormatError
from migrator.ledger import Row
from migrator.model import BOM, Migration, Script

TEXTS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]))


@given(TEXTS)
def test_line_ends_and_a_byte_order_mark_do_not_change_text_and_checksum(text: str) -> None:
    text = text.removeprefix("\ufeff")
    plain = Script("a.sql", text.encode())
    windows = Script("a.sql", BOM + text.replace("\n", "\r\n").encode())
    assert windows.text == plain.text == text
    assert windows.checksum == plain.checksum == hashlib.sha256(text.encode()).hexdigest()


def test_a_change_of_the_text_changes_the_checksum() -> None:
    assert Script("a.sql", b"SELECT 1").checksum != Script("a.sql", b"SELECT 1 ").checksum


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "1_a.sql"
    file.write_bytes(BOM + "SELECT 'é';\r\n".encode())
    script = Script.read(file)
    assert (script.path, script.raw, script.text) == (str(file), BOM + "SELECT 'é';\r\n".encode(), "SELECT 'é';\n")


@pytest.mark.parametrize(
    ("content", "byte"),
    [
        (b"\0", 1),
        (b"SELECT\0 1", 7),
        (b"SELECT '\xe9'", 9),
        ("SELECT 'é".encode() + b"\xff", 11),
        (b"\xff\xfeS\xff", 1),
        (b"\xc3", 1),
    ],
)
def test_what_is_no_utf_8_text_is_refused_with_file_and_byte(tmp_path: Path, content: bytes, byte: int) -> None:
    file = tmp_path / "1_a.sql"
    file.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        Script.read(file)
    assert str(caught.value) == f"{file} is no UTF-8 text: see byte {byte}.\nSave it as UTF-8 and try again."


def test_a_migration_has_the_checksum_of_its_up_file_and_a_title() -> None:
    up, down = Script("1_a.up.sql", b"a"), Script("1_a.down.sql", b"b")
    migration = Migration("001", 1, "a", up, down)
    assert (migration.checksum, migration.title) == (up.checksum, "001_a")


def test_a_row_of_the_ledger_is_sorted_by_number_and_shown_as_its_file() -> None:
    row = Row("0010", "a_b", "c")
    assert (row.order, row.title) == (10, "0010_a_b")
