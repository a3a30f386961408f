from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pglast.parser import ParseError

from migrator import statements
from migrator.errors import MigrationFailed
from migrator.model import Script
from migrator.statements import Parsed, Statement, check, line_of, parse, split


def script(text: str, *, transactional: bool = True, first_line: int = 1) -> Script:
    return Script("m/1_a.sql", text.encode(), text, first_line, transactional)


def texts(text: str) -> list[str]:
    """The statements of a text that the grammar has to know."""
    parsed = split(script(text))
    assert parsed.recognised
    assert [text[part.start : part.start + len(part.text)] for part in parsed.statements] == [part.text for part in parsed.statements]
    return [part.text for part in parsed.statements]


def refused(text: str, *, transactional: bool = True) -> MigrationFailed:
    with pytest.raises(MigrationFailed) as caught:
        split(script(text, transactional=transactional))
    with pytest.raises(MigrationFailed) as checked:
        check(script(text, transactional=transactional))
    assert str(caught.value) == str(checked.value)
    assert (caught.value.path, caught.value.sqlstate, caught.value.applied) == ("m/1_a.sql", "", ())
    return caught.value


# Places


@given(st.text(alphabet="a\n\r\u2028é", max_size=40), st.integers(0, 40), st.integers(1, 9))
def test_the_line_of_a_character_counts_the_line_feeds_before_it(text: str, index: int, first_line: int) -> None:
    index = min(index, len(text))
    assert line_of(script(text, first_line=first_line), index) == len(text[:index].split("\n")) + first_line - 1


@given(st.lists(st.text(alphabet="aé ;", max_size=8), min_size=1, max_size=8))
def test_the_first_character_of_each_line_is_on_that_line(lines: list[str]) -> None:
    text = "\n".join(lines)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    assert [line_of(script(text), start) for start in starts] == list(range(1, len(lines) + 1))


# Taking apart

PIECES = [
    "SELECT 'é;'",
    "SELECT $$;$$",
    "SELECT $a$ $$;$$ $b$ ; $a$",
    'SELECT 1 AS "a;b"',
    "SELECT E'\\';'",
    "CREATE TABLE a (b int)",
    "INSERT INTO a VALUES ('''')",
    "SELECT 1 /* ; /* nested; */ ' */",
    "DO $$ BEGIN NULL; COMMIT; END; $$",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $f$ BEGIN EXECUTE $q$ SELECT 1; $q$; END; $f$",
    "CREATE FUNCTION g() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
    "CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1; SELECT 2'",
    "CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2)",
    "SAVEPOINT s",
    "ROLLBACK TO s",
    "RELEASE s",
]


@given(st.lists(st.sampled_from(PIECES), max_size=8), st.sampled_from([";\n", ";", " ;\n\n", "\n;", ";;", "; -- it's; over\n", ";/* ' */"]))
def test_a_script_is_taken_apart_into_its_statements(pieces: list[str], end: str) -> None:
    assert [text.split("/*")[0].strip() for text in texts("".join(piece + end for piece in pieces))] == [
        piece.split("/*")[0].strip() for piece in pieces
    ]


def test_statements_come_with_their_place_in_the_text() -> None:
    text = "-- first: ' ;\nSELECT 'é;€';\n\n-- a note\n  /* and another; */ SELECT 2;\n"
    assert split(script(text)).statements == (
        Statement("SELECT 'é;€'", text.index("SELECT 'é")),
        Statement("SELECT 2", text.index("SELECT 2")),
    )


def test_a_statement_that_needs_the_syntax_tree_begins_at_its_first_word_too() -> None:
    text = "-- é\n\n  -- a note\nVACUUM;\n\n/* ü */ SELECT 2"
    assert split(script(text)).statements == (Statement("VACUUM", 18, transactional=False), Statement("SELECT 2", text.index("SELECT")))


@pytest.mark.parametrize("text", ["", "\n", "-- nothing\n", ";;", "/* ; */", "-- begin\n", "/* it's a \\. */"])
def test_a_script_without_a_statement_has_none(text: str) -> None:
    assert texts(text) == []


def test_a_byte_order_mark_and_line_ends_do_not_move_anything() -> None:
    windows = Script.of("m/1_a.sql", b"\xef\xbb\xbfSELECT 1;\r\nSELECT 2;\r\n")
    assert split(windows).statements == split(script("SELECT 1;\nSELECT 2;\n")).statements


@pytest.mark.parametrize("text", ["SELECT 1;\nSELECT FROM WHERE;\n", "CREATE TABLE a (b int) USING 1;", "SELECT 'open", "FROB; COMMIT"])
def test_what_the_grammar_does_not_know_goes_to_the_server_as_it_is(text: str) -> None:
    parsed = split(script(text))
    assert (parsed.statements, parsed.recognised, parsed.pipelined) == ((Statement(text, 0),), False, False)
    check(script(text))
    with pytest.raises(ParseError):
        parse(script(text))


# Commands of psql


@pytest.mark.parametrize("command", ["\\connect shop", "\\restrict aBc", "\\i other.sql", "\\.", "\\copy a FROM 'f'"])
@pytest.mark.parametrize(("before", "line"), [("", 1), ("SELECT 'é';\n", 2), ("-- ü\n\nSELECT 1;\n", 4)])
def test_a_command_of_psql_is_refused_with_its_line(command: str, before: str, line: int) -> None:
    error = refused(f"{before}{command}\nSELECT 1;\n")
    assert Exception.__str__(error) == f"m/1_a.sql:{line}: {command.split(maxsplit=1)[0]} is a command of psql, not SQL."
    assert (error.line, error.hint) == (
        line,
        "Take the line out of the file: migrations are sent to the server, which knows SQL alone.",
    )


@pytest.mark.parametrize("text", ["SELECT '\\connect';", "SELECT E'\\n';", "-- \\connect shop\nSELECT 1;", "SELECT $$\n\\.\n$$;"])
def test_a_backslash_in_a_literal_or_a_comment_is_none(text: str) -> None:
    assert len(texts(text)) == 1


# Transactions


@pytest.mark.parametrize(
    ("statement", "word"),
    [
        ("BEGIN", "BEGIN"),
        ("START TRANSACTION ISOLATION LEVEL SERIALIZABLE", "START"),
        ("COMMIT", "COMMIT"),
        ("end", "END"),
        ("ROLLBACK", "ROLLBACK"),
        ("ABORT", "ABORT"),
        ("COMMIT AND CHAIN", "COMMIT"),
        ("PREPARE TRANSACTION 'a'", "PREPARE"),
    ],
)
@pytest.mark.parametrize(("before", "line"), [("", 1), ("SELECT 'é';\n\n", 3), ("SELECT 1;\n-- a note\n", 3)])
@pytest.mark.parametrize(
    ("transactional", "why"), [(True, "though each one runs in a transaction of its own"), (False, "which is to run outside a transaction")]
)
def test_a_statement_that_begins_or_ends_a_transaction_is_refused_with_its_line(
    *, statement: str, word: str, before: str, line: int, transactional: bool, why: str
) -> None:
    error = refused(f"{before}{statement};\nSELECT 2;\n", transactional=transactional)
    assert (error.line, Exception.__str__(error)) == (line, f"m/1_a.sql:{line}: {word} inside a migration, {why}.")
    assert error.hint == "Take the statement out of the file, or split the file where a transaction is to begin or to end."


@pytest.mark.parametrize("first", ["BEGIN", "begin work", "START TRANSACTION", "BEGIN ISOLATION LEVEL READ COMMITTED"])
@pytest.mark.parametrize("last", ["COMMIT", "end", "COMMIT WORK", "COMMIT AND NO CHAIN"])
def test_a_transaction_around_everything_is_the_migrations_own(first: str, last: str) -> None:
    text = f"-- all or nothing\n{first};\nSELECT 1;\nSELECT 2;\n{last};\n-- done\n"
    assert [part.text for part in split(script(text)).statements] == ["SELECT 1", "SELECT 2"]
    assert [statement.text for statement, _ in parse(script(text))] == ["SELECT 1", "SELECT 2"]


def test_an_empty_transaction_is_an_empty_migration() -> None:
    assert split(script("BEGIN; COMMIT;")).statements == ()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("BEGIN;\nSELECT 1;\nROLLBACK;", 1),
        ("BEGIN;\nSELECT 1;\nCOMMIT AND CHAIN;", 1),
        ("BEGIN;\nSELECT 1;\nCOMMIT;\nBEGIN;\nSELECT 2;\nCOMMIT;", 3),
        ("BEGIN;\nSELECT 1;\nCOMMIT;\nSELECT 2;", 1),
        ("BEGIN;\nBEGIN;\nCOMMIT;\nCOMMIT;", 2),
    ],
)
def test_a_transaction_around_a_part_is_refused(text: str, line: int) -> None:
    assert refused(text).line == line


@pytest.mark.parametrize("text", ["SAVEPOINT a;RELEASE a", "SAVEPOINT a;ROLLBACK TO a", "DO $$ BEGIN COMMIT; END $$", "SELECT 'BEGIN;'"])
def test_what_stays_inside_the_transaction_is_allowed(text: str) -> None:
    assert ";".join(texts(text)) == text


@pytest.mark.parametrize("text", ["DISCARD TEMP", "DISCARD PLANS", "DEALLOCATE ALL", "RESET ALL"])
def test_a_session_may_be_tidied(text: str) -> None:
    assert texts(text) == [text]


def test_dropping_the_locks_of_the_session_is_refused() -> None:
    error = refused("SELECT 1;\nDISCARD ALL;\n")
    assert str(error) == (
        "m/1_a.sql:2: DISCARD ALL inside a migration: it would drop the lock that keeps other migrators out.\n"
        "Take it out: the settings of a session are reset before every migration."
    )


# Outside a transaction


def test_a_migration_is_outside_a_transaction_if_its_file_or_one_statement_says_so() -> None:
    apart = split(script("CREATE TABLE a (b int); CREATE INDEX CONCURRENTLY i ON a (b);"))
    assert [part.transactional for part in apart.statements] == [True, False]
    marked = split(script("SELECT 1", transactional=False))
    plain = split(script("SELECT 1"))
    assert [(one.transactional, one.pipelined) for one in (apart, marked, plain)] == [(False, False), (False, False), (True, True)]


# Rows for COPY


def copied(text: str) -> list[tuple[str, str | None]]:
    parsed = split(script(text))
    assert parsed.recognised
    assert not parsed.pipelined
    assert [statement for statement, _ in parse(script(text))] == list(parsed.statements)
    return [(part.text, part.data) for part in parsed.statements]


def test_rows_below_a_copy_belong_to_it() -> None:
    rows = "1\tit's; a 'row'\n2\t\\N\n3\t$$ /* -- \\\\.\n"
    text = f"SELECT 1;\nCOPY public.a (id, é) FROM stdin;\n{rows}\\.\n\n\nSELECT 2;\n"
    assert copied(text) == [("SELECT 1", None), ("COPY public.a (id, é) FROM stdin", rows), ("SELECT 2", None)]
    assert [line_of(script(text), part.start) for part in split(script(text)).statements] == [1, 2, 9]


def test_a_copy_may_have_no_rows_and_there_may_be_several() -> None:
    text = "copy a from stdin;\n\\.\nCOPY b FROM\n  STDIN WITH (FORMAT csv, DELIMITER ';') ;  \n1;2\n\n\\.\nCOPY c FROM STDIN;\n5\n\\."
    assert copied(text) == [
        ("copy a from stdin", ""),
        ("COPY b FROM\n  STDIN WITH (FORMAT csv, DELIMITER ';') ", "1;2\n\n"),
        ("COPY c FROM STDIN", "5\n"),
    ]


BLOCK = "COPY a FROM stdin;\n1\tit\n\\.\n"

LOOKALIKES = {
    "literal": (f"INSERT INTO notes VALUES ('Type\n{BLOCK}and wait')", f"INSERT INTO notes VALUES ('Type\n{BLOCK}and wait')"),
    "function": (
        f"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$\nSELECT 'x\n{BLOCK}'\n$f$",
        f"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $f$\nSELECT 'x\n{BLOCK}'\n$f$",
    ),
    "comment": (f"/*\n{BLOCK}*/ SELECT 1", "SELECT 1"),
    "half in a comment": ("/*\nCOPY a FROM stdin;\n*/ SELECT 1", "SELECT 1"),
}


@pytest.mark.parametrize(("text", "statement"), LOOKALIKES.values(), ids=LOOKALIKES.keys())
def test_what_looks_like_rows_in_a_literal_or_a_comment_is_left_alone(text: str, statement: str) -> None:
    assert texts(f"{text};\n") == [statement]
    assert copied(f"{BLOCK}{text};\n{BLOCK}") == [("COPY a FROM stdin", "1\tit\n"), (statement, None), ("COPY a FROM stdin", "1\tit\n")]


@pytest.mark.parametrize("text", ["COPY a FROM STDIN", "copy a (b, c) from stdin with (format csv)"])
def test_a_copy_without_its_rows_is_refused_with_its_line(text: str) -> None:
    assert str(refused(f"SELECT 'é';\n{text};\n")) == (
        "m/1_a.sql:2: COPY … FROM STDIN without its rows: there is nobody to send them.\n"
        "Put the rows below the statement, closed by a line of `\\.`, as pg_dump does; or use INSERT."
    )


@pytest.mark.parametrize("text", ["COPY a TO STDOUT", "copy (select 1) to stdout (format csv)"])
def test_a_copy_to_the_client_is_refused_with_its_line(text: str) -> None:
    assert str(refused(f"SELECT 'é';\n{text};\n")) == (
        "m/1_a.sql:2: COPY … TO STDOUT inside a migration: there is nobody to take the rows.\n"
        "Take the statement out of the file, or copy into a table with INSERT."
    )


@pytest.mark.parametrize("text", ["COPY a FROM '/file'", "COPY a FROM PROGRAM 'true'", "COPY a TO '/file'", "COPY a TO PROGRAM 'cat'"])
def test_a_copy_that_needs_nobody_is_a_statement(text: str) -> None:
    assert split(script(text)) == Parsed(script(text), (Statement(text, 0),), recognised=True)


# What leaves a session as it was


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("CREATE TABLE a (b int); create unique index i on a (b); COMMENT ON TABLE a IS 'x'; DROP TABLE a", True),
        ("CREATE TYPE mood AS ENUM ('a'); DROP TYPE mood; DROP INDEX i", True),
        ("", True),
        ("CREATE TABLE a AS SELECT 1", False),
        ("CREATE TABLE a AS WITH x AS (DELETE FROM b RETURNING *) TABLE x", False),
        ("CREATE TABLE a AS VALUES (1)", False),
        ("CREATE TABLE a AS TABLE b", False),
        ("CREATE TABLE a AS EXECUTE p", False),
        ("CREATE TEMP TABLE a (b int)", False),
        ("CREATE TABLE pg_temp.a (b int)", False),
        ("CREATE TABLE a (b int); SET search_path = x", False),
        ("DO $$ BEGIN END $$", False),
        ("INSERT INTO a DEFAULT VALUES", False),
        ("CREATE TABLE a (b int) USING 1", False),
    ],
)
def test_a_migration_that_could_leave_something_in_its_session_is_known(text: str, *, inert: bool) -> None:
    assert split(script(text)).inert is inert


# The cheap way


@given(st.lists(st.sampled_from([*PIECES, "VACUUM", "DROP INDEX CONCURRENTLY i", "BEGIN", "COMMIT", "DISCARD ALL"]), max_size=5))
def test_a_script_without_a_delicate_word_is_taken_apart_the_same_as_with_one(pieces: list[str]) -> None:
    text = ";\n".join(pieces)

    def told(one: Script) -> tuple[Statement, ...] | str:
        try:
            return split(one).statements
        except MigrationFailed as failed:
            return str(failed)

    cheap = told(script(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statements, "DELICATE", re.compile(""))
        thorough = told(script(text))
    stripped = tuple(Statement(part.text.rstrip(), part.start, part.transactional) for part in thorough if isinstance(part, Statement))
    assert cheap in (thorough, stripped)
