from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.errors import MigrationFailed
from migrator.model import Script
from migrator.statements import Statement, line_of, split


def script(text: str) -> Script:
    return Script("m/1_a.sql", text.encode())


@given(st.text(alphabet="a\n\r\u2028é", max_size=40), st.integers(0, 40))
def test_the_line_of_a_character_counts_the_line_feeds_before_it(text: str, index: int) -> None:
    index = min(index, len(text))
    assert line_of(text, index) == len(text[:index].split("\n"))


@given(st.lists(st.text(alphabet="aé ;", max_size=8), min_size=1, max_size=8))
def test_the_first_character_of_each_line_is_on_that_line(lines: list[str]) -> None:
    text = "\n".join(lines)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    assert [line_of(text, start) for start in starts] == list(range(1, len(lines) + 1))


def test_statements_come_with_their_place_in_the_text() -> None:
    text = "-- first: ' ;\nSELECT 'é;€';\n\nCREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;\n/* last ; */ SELECT 2"
    parts = split(script(text))
    assert [part.text.split("\n")[-1] for part in parts] == [
        "SELECT 'é;€'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$",
        "SELECT 2" if parts[2].start == text.index("SELECT 2") else "/* last ; */ SELECT 2",
    ]
    assert [text[part.start : part.start + len(part.text)] for part in parts] == [part.text for part in parts]


@given(st.lists(st.sampled_from(["SELECT 'é;'", "SELECT $$;$$", "CREATE TABLE a (b int)", "INSERT INTO a VALUES ('''')"]), max_size=6))
def test_a_script_of_several_statements_is_taken_apart_into_them(statements: list[str]) -> None:
    text = "".join(f"{statement};\n" for statement in statements)
    assert [part.text.strip() for part in split(script(text))] == statements


@pytest.mark.parametrize("text", ["", "\n", "-- nothing\n", ";;", "/* ; */"])
def test_a_script_without_a_statement_has_none(text: str) -> None:
    assert split(script(text)) == ()


def test_a_byte_order_mark_and_line_ends_do_not_move_anything() -> None:
    windows = Script("m/1_a.sql", b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n")
    assert split(windows) == split(script("SELECT 1;\nSELECT 2;\n"))


@pytest.mark.parametrize("text", ["SELECT 1;\nSELECT FROM WHERE;\n", "CREATE TABLE a (b int) USING 1;", "\\connect shop\nSELECT 1;"])
def test_what_the_parser_does_not_understand_goes_to_the_server_as_it_is(text: str) -> None:
    assert split(script(text)) == (Statement(text, 0),)


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("BEGIN", "BEGIN"),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START"),
        ("COMMIT", "COMMIT"),
        ("end", "END"),
        ("ROLLBACK", "ROLLBACK"),
        ("PREPARE TRANSACTION 'a'", "PREPARE"),
    ],
)
@pytest.mark.parametrize(("before", "line"), [("", 1), ("SELECT 'é';\n\n", 3), ("SELECT 1;\n-- a note\n", 3)])
def test_a_statement_that_ends_the_transaction_is_refused_with_its_line(statement: str, word: str, before: str, line: int) -> None:
    with pytest.raises(MigrationFailed) as caught:
        split(script(f"{before}{statement};\nSELECT 2;\n"))
    error = caught.value
    assert (error.path, error.line, error.sqlstate, error.applied) == ("m/1_a.sql", line, "", ())
    assert Exception.__str__(error) == (f"m/1_a.sql:{line}: {word} inside a migration, though each one runs in a transaction of its own.")
    assert error.hint == "Take the statement out of the file, or split the file where the transaction is to end."


@pytest.mark.parametrize("text", ["SAVEPOINT a;RELEASE a", "SAVEPOINT a;ROLLBACK TO a", "DO $$ BEGIN NULL; END $$", "SELECT 'BEGIN;'"])
def test_what_stays_inside_the_transaction_is_allowed(text: str) -> None:
    assert "".join(f"{part.text};" for part in split(script(text))).removesuffix(";") == text


@pytest.mark.parametrize("text", ["COPY a FROM STDIN", "copy a (b, c) from stdin with (format csv)"])
def test_a_copy_that_waits_for_data_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(MigrationFailed) as caught:
        split(script(f"SELECT 'é';\n{text};\n"))
    assert (caught.value.path, caught.value.line) == ("m/1_a.sql", 2)
    assert str(caught.value) == (
        "m/1_a.sql:2: COPY … FROM STDIN inside a migration: there is nobody to send it data.\nUse INSERT with the rows as values."
    )


@pytest.mark.parametrize("text", ["COPY a FROM '/file'", "COPY a FROM PROGRAM 'true'", "COPY a TO '/file'"])
def test_a_copy_that_needs_nobody_is_a_statement(text: str) -> None:
    assert split(script(text)) == (Statement(text, 0),)
