from __future__ import annotations

import pytest

from migrator.errors import FormatError
from migrator.formats import FORMATS
from migrator.model import BOM, Script


def script(text: str | bytes) -> Script:
    return Script.of("1_a.sql", text if isinstance(text, bytes) else text.encode())


def sections(format_name: str, text: str | bytes) -> tuple[tuple[str, int, bool], tuple[str, int, bool] | None]:
    """Text, first line and whether it is transactional, of the up section and of the down section."""
    found = FORMATS[format_name].sections(script(text))
    up, down = ((part.text, part.first_line, part.transactional) if part else None for part in found)
    assert up is not None
    return up, down


def refusal(format_name: str, text: str) -> tuple[str, str]:
    with pytest.raises(FormatError) as caught:
        FORMATS[format_name].sections(script(text))
    return Exception.__str__(caught.value), caught.value.hint


@pytest.mark.parametrize("format_name", ["soda", "golang-migrate", "flyway", "sqlx"])
def test_a_file_of_one_direction_is_taken_as_it_is(format_name: str) -> None:
    text = "-- a note\nSELECT 1;\n"
    assert sections(format_name, text) == ((text, 1, True), None)


@pytest.mark.parametrize(
    ("text", "transactional"),
    [
        ("-- no-transaction\nVACUUM;\n", False),
        ("-- no-transaction, since it takes long\r\nVACUUM;\n", False),
        (BOM + b"-- no-transaction\nVACUUM;\n", False),
        ("\n-- no-transaction\nVACUUM;\n", True),
        ("--no-transaction\nVACUUM;\n", True),
        ("SELECT 1; -- no-transaction\n", True),
    ],
)
def test_sqlx_asks_for_no_transaction_with_the_first_words_of_a_file(text: str | bytes, transactional: bool) -> None:
    assert sections("sqlx", text) == ((script(text).text, 1, transactional), None)


DBMATE = "-- a note\n\n-- migrate:up\nCREATE TABLE a ();\nCREATE TABLE b ();\n\n-- migrate:down\nDROP TABLE b, a;\n"


@pytest.mark.parametrize("content", [DBMATE.encode(), BOM + DBMATE.replace("\n", "\r\n").encode()])
def test_sections_of_dbmate(content: bytes) -> None:
    assert sections("dbmate", content) == (("CREATE TABLE a ();\nCREATE TABLE b ();\n\n", 4, True), ("DROP TABLE b, a;\n", 8, True))


NO_MARKS = "A; -- migrate:down\n -- migrate:down\n"


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("-- migrate:up\n-- migrate:down", ("", 2, True), ("", 2, True)),
        ("--migrate:up\nA;\n--\tmigrate:down \nB;", ("A;\n", 2, True), ("B;", 4, True)),
        ("-- migrate:up transaction:false\nA;\n-- migrate:down\nB;\n", ("A;\n", 2, False), ("B;\n", 4, True)),
        ("-- migrate:up a:b transaction:false\nA;\n-- migrate:down transaction:false\n", ("A;\n", 2, False), ("", 4, False)),
        ("-- migrate:up transaction:true\nA;\n-- migrate:down\n", ("A;\n", 2, True), ("", 4, True)),
        (
            "-- migrate:up\nA; -- migrate:down\n -- migrate:down\n-- migrate:down\n",
            ("A; -- migrate:down\n -- migrate:down\n", 2, True),
            ("", 5, True),
        ),
    ],
)
def test_marks_of_dbmate(text: str, up: tuple[str, int, bool], down: tuple[str, int, bool]) -> None:
    assert sections("dbmate", text) == (up, down)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1;\n",
        "-- migrate:up\nSELECT 1;\n",
        "-- migrate:down\n-- migrate:up\n",
        "-- migrate:up\n-- migrate:up\n-- migrate:down\n",
        "-- migrate:up\n-- migrate:down\n-- migrate:down\n",
        "-- migrate:upward\n-- migrate:down\n",
        " -- migrate:up\n -- migrate:down\n",
    ],
)
def test_dbmate_wants_both_directions_once(text: str) -> None:
    assert refusal("dbmate", text) == (
        "1_a.sql does not have one `-- migrate:up` and, after it, one `-- migrate:down`.",
        "dbmate wants both in each file; the part below the second may be empty.",
    )


def test_sql_before_the_first_mark_of_dbmate_is_refused_with_its_line() -> None:
    text = "-- a note\n\nCREATE TYPE a AS ENUM ();\n-- migrate:up\n-- migrate:down\n"
    assert refusal("dbmate", text) == ("1_a.sql:3: there is SQL before `-- migrate:up`.", "Move it below that line.")


GOOSE = """-- a note

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION one() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    RETURN 1;
END $$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION one();
"""


@pytest.mark.parametrize("content", [GOOSE.encode(), BOM + GOOSE.replace("\n", "\r\n").encode()])
def test_sections_of_goose(content: bytes) -> None:
    body = "".join(GOOSE.splitlines(keepends=True)[3:10])
    assert sections("goose", content) == ((body, 4, True), ("DROP FUNCTION one();\n", 12, True))


@pytest.mark.parametrize(
    ("text", "up", "down"),
    [
        ("-- +goose Up\nA;\n", ("A;\n", 2, True), None),
        ("-- +goose Up", ("", 2, True), None),
        ("--+goose UP\nA;\n--  +goose  down", ("A;\n", 2, True), ("", 4, True)),
        ("-- +goose NO TRANSACTION\n-- +goose Up\nA;\n-- +goose Down\nB;\n", ("A;\n", 3, False), ("B;\n", 5, False)),
        (
            "-- +goose Up\nA;\n-- +goose no transaction\n-- +goose Down\nB;\n",
            ("A;\n-- +goose no transaction\n", 2, False),
            ("B;\n", 5, False),
        ),
        ("-- +goose Up\n-- +goose ENVSUB OFF\nSELECT '${A}';\n", ("-- +goose ENVSUB OFF\nSELECT '${A}';\n", 2, True), None),
        ("-- +goose Up\nSELECT '+goose Down';\n", ("SELECT '+goose Down';\n", 2, True), None),
    ],
)
def test_annotations_of_goose(text: str, up: tuple[str, int, bool], down: tuple[str, int, bool] | None) -> None:
    assert sections("goose", text) == (up, down)


UP = "-- +goose Up\n"
DOWN = "-- +goose Down\n"
BEGIN = "-- +goose StatementBegin\n"
END = "-- +goose StatementEnd\n"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("SELECT 1;\n", "1_a.sql has no `-- +goose Up`.", "Put it before the first statement."),
        ("-- +goose NO TRANSACTION\n", "1_a.sql has no `-- +goose Up`.", "Put it before the first statement."),
        ("\nSELECT 1;\n" + UP, "1_a.sql:2: there is SQL before `-- +goose Up`.", "Move it below that line."),
        (UP + UP, "1_a.sql:2: `-- +goose Up` does not belong here.", "A file has one, and it comes first."),
        (
            DOWN + UP,
            "1_a.sql:1: `-- +goose Down` does not belong here.",
            "A file has at most one, after `-- +goose Up` and outside of a statement.",
        ),
        (
            UP + DOWN + DOWN,
            "1_a.sql:3: `-- +goose Down` does not belong here.",
            "A file has at most one, after `-- +goose Up` and outside of a statement.",
        ),
        (
            UP + BEGIN + DOWN,
            "1_a.sql:3: `-- +goose Down` does not belong here.",
            "A file has at most one, after `-- +goose Up` and outside of a statement.",
        ),
        (
            UP + BEGIN + BEGIN,
            "1_a.sql:3: `-- +goose StatementBegin` does not belong here.",
            "It comes after `-- +goose Up` or `-- +goose Down`, and after the end of the statement before.",
        ),
        (
            UP + BEGIN + END + "A;\n" + END,
            "1_a.sql:5: `-- +goose StatementEnd` does not belong here.",
            "It ends what `-- +goose StatementBegin` began.",
        ),
        (UP + "\n" + BEGIN + "A;\n", "1_a.sql:3: this statement has no end.", "Add `-- +goose StatementEnd` after it."),
        (UP + DOWN + BEGIN, "1_a.sql:3: this statement has no end.", "Add `-- +goose StatementEnd` after it."),
        (
            UP + "-- +goose ENVSUB ON\nSELECT '${A}';\n",
            "1_a.sql:2: environment variables in SQL are not replaced here.",
            "Write the values into the file, and remove this line.",
        ),
    ],
)
def test_what_goose_would_refuse_is_refused_with_its_line(text: str, message: str, hint: str) -> None:
    assert refusal("goose", text) == (message, hint)


ALL = "Up, Down, StatementBegin, StatementEnd, NO TRANSACTION, ENVSUB ON, ENVSUB OFF"


@pytest.mark.parametrize("line", ["-- +goose Upp", "-- +goose", "-- see +goose Up", "  -- +goose Up", "-- +goose Up +goose Up"])
def test_an_annotation_that_goose_does_not_know_is_refused(line: str) -> None:
    assert refusal("goose", f"{UP}A;\n{line}\n") == (
        f"1_a.sql:3: goose does not understand `{line.strip()}`.",
        f"It takes, at the beginning of a line, `-- +goose` with one of: {ALL}.",
    )


@pytest.mark.parametrize(
    ("format_name", "text", "has"),
    [
        ("dbmate", "-- migrate:up\n", True),
        ("dbmate", "A;\n--migrate:down transaction:false\n", True),
        ("dbmate", "SELECT '-- migrate:up';\n", False),
        ("dbmate", "-- migrate:upward\n", False),
        ("goose", "-- +goose Up\n", True),
        ("goose", "-- a note\n--+goose  DOWN \n", True),
        ("goose", "-- see +goose Up\n", False),
        ("goose", "-- +goose StatementBegin\n", False),
        ("sqlx", "-- migrate:up\n", False),
    ],
)
def test_marks_tell_files_of_a_format(format_name: str, text: str, has: bool) -> None:
    assert FORMATS[format_name].marks(text) == has
