"""Migrations that fail: the message says where, and what became of the others; nothing half done stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.apply import migrate
from migrator.errors import MigrationFailed
from migrator.model import Folder
from migrator.session import LOCK_KEY
from postgres.login import Login
from tests.fix_migrations import write
from tests.fix_tools import Session, files_of, made, told_by_ledger, told_by_tool

FIRST = "CREATE TABLE a (id int);"


def failure(session: Session, folder: Folder) -> MigrationFailed:
    with pytest.raises(MigrationFailed) as failed:
        migrate(session, folder)
    assert session.info.password not in str(failed.value)
    return failed.value


def test_broken_migration_says_where_and_the_mended_one_goes_on(session: Session, here: Path) -> None:
    good = {"1_a.sql": "CREATE TABLE a (id int);\n", "3_c.sql": "CREATE TABLE c (id int);\n"}
    broken = "CREATE TABLE b (id int);\n\n-- The next one fails.\nCREATE TABLE a (\n    id int\n);\n"
    given = write(here, {**good, "2_b.sql": broken})
    failed = failure(session, given)
    path = str(here / "2_b.sql")
    assert (failed.path, failed.line, failed.sqlstate, failed.applied) == (path, 4, "42P07", ("1",))
    assert str(failed) == (
        f'{path}:4: relation "a" already exists (SQLSTATE 42P07)\n'
        "  statement: CREATE TABLE a ( id int )\n"
        "The migration was rolled back; 1 before it were applied and stay, 1 after it were not run.\n"
        "Mend the file and run the command again: it goes on from here."
    )
    assert (made(session), told_by_ledger(session), told_by_tool(session, given)) == (["a"], ["1"], ["1"])
    mended = write(here, {**good, "2_b.sql": "CREATE TABLE b (id int);\n"})
    assert [migration.version for migration in migrate(session, mended)] == ["2", "3"]
    assert (made(session), told_by_ledger(session)) == (["a", "b", "c"], ["1", "2", "3"])


FAILURES = {
    "syntax error": ("CREATE TABLE b (id int);\n\nCREATE TABEL c (\n  id int);\n", 3, "42601", 'syntax error at or near "TABEL"'),
    "unknown column": ("CREATE TABLE b (id int);\nSELECT\n  id,\n  nmae\nFROM b;\n", 4, "42703", 'column "nmae" does not exist'),
    "umlauts before the place": (
        (
            "-- Größenänderung für Übergrößen: äöüß €€€€ 😀\n/* ß */ SELECT 'äöü', '€';\n"
            "CREATE TABLE b (größe int);\nSELECT\n  'ü€😀',\n  größ FROM b;\n"
        ),
        6,
        "42703",
        'column "größ" does not exist',
    ),
    "umlauts before a statement without a position": (
        "-- Größe: äöü € 😀\nCREATE TABLE b (größe int PRIMARY KEY);\nINSERT INTO b VALUES (1);\n\n-- ü\nINSERT INTO b VALUES (1);\n",
        6,
        "23505",
        'duplicate key value violates unique constraint "b_pkey"',
    ),
    "unique violation in the third statement": (
        "CREATE TABLE b (id int PRIMARY KEY);\nINSERT INTO b VALUES (1);\nINSERT INTO b\nVALUES (1);\n",
        3,
        "23505",
        'duplicate key value violates unique constraint "b_pkey"',
    ),
    "inside a DO block": (
        "CREATE TABLE b (id int);\n\nDO $$\nBEGIN\n  PERFORM 1 / 0;\nEND\n$$;\n",
        3,
        "22012",
        "division by zero",
    ),
    "inside a function": (
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
            "  RAISE EXCEPTION 'no; never' USING ERRCODE = 'UX001';\nEND $$;\n\nSELECT f();\n"
        ),
        6,
        "UX001",
        "no; never",
    ),
    "at the commit": (
        (
            "CREATE TABLE b (id int PRIMARY KEY);\n"
            "CREATE TABLE c (id int REFERENCES b DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO c VALUES (7);\n"
        ),
        3,
        "23503",
        'insert or update on table "c" violates foreign key constraint "c_id_fkey"',
    ),
    "carriage returns": (
        "CREATE TABLE b (id int);\r\n\r\nCREATE TABLE c (\r\n  id nosuchtype\r\n);\r\n",
        4,
        "42704",
        'type "nosuchtype" does not exist',
    ),
    "a byte order mark": (
        "\ufeffCREATE TABLE b (id int);\nCREATE TABLE c (id nosuchtype);\n",
        2,
        "42704",
        'type "nosuchtype" does not exist',
    ),
}


@pytest.mark.parametrize(("text", "line", "sqlstate", "says"), FAILURES.values(), ids=FAILURES.keys())
def test_failure_names_file_line_and_sqlstate(session: Session, here: Path, *, text: str, line: int, sqlstate: str, says: str) -> None:
    given = write(here, {"1_a.sql": FIRST, "2_b.sql": text})
    failed = failure(session, given)
    path = str(here / "2_b.sql")
    assert str(failed).splitlines()[0] == f"{path}:{line}: {says} (SQLSTATE {sqlstate})"
    assert (failed.path, failed.line, failed.sqlstate, failed.applied) == (path, line, sqlstate, ("1",))
    assert (made(session), told_by_ledger(session), told_by_tool(session, given)) == (["a"], ["1"], ["1"])
    functions = session.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace").fetchall()
    assert functions == []


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK", "BEGIN", "START TRANSACTION", "END"])
def test_transaction_control_is_refused_with_its_line(session: Session, here: Path, statement: str) -> None:
    text = f"CREATE TABLE b (id int);\n\n-- ü: now for good\n{statement};\nCREATE TABLE c (id int);\n"
    failed = failure(session, write(here, {"1_b.sql": text}))
    path = str(here / "1_b.sql")
    first = statement.split(maxsplit=1)[0]
    assert str(failed).splitlines()[0] == f"{path}:4: {first} inside a migration, though each one runs in a transaction of its own."
    assert (made(session), told_by_ledger(session)) == ([], [])


# What the message says


def test_what_the_server_adds_is_told_and_a_long_statement_is_cut(session: Session, here: Path) -> None:
    text = "CREATE TABLE b (id int UNIQUE);\nINSERT INTO b VALUES (1), (1)" + ", (2)" * 100 + ";\n"
    lines = str(failure(session, write(here, {"1_b.sql": text}))).splitlines()
    assert lines[1:] == [
        "  detail: Key (id)=(1) already exists.",
        f"  statement: INSERT INTO b VALUES (1), (1){', (2)' * 34}{', (2)'[:1]}…",
        "The migration was rolled back; none was applied before it.",
        "Mend the file and run the command again: it goes on from here.",
    ]


def test_where_in_a_function_it_failed_is_told(session: Session, here: Path) -> None:
    text = "DO $$\nBEGIN\n  PERFORM 1 / 0;\nEND $$;\n"
    said = str(failure(session, write(here, {"1_b.sql": text})))
    assert '\n  context: SQL statement "SELECT 1 / 0"\nPL/pgSQL function inline_code_block line 3 at PERFORM\n' in said


def test_what_fails_at_the_commit_is_said_to_fail_there(session: Session, here: Path) -> None:
    text = "CREATE TABLE b (id int PRIMARY KEY, up int REFERENCES b DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO b VALUES (1, 7);\n"
    failed = failure(session, write(here, {"1_a.sql": FIRST, "2_b.sql": text, "3_c.sql": "SELECT 3;"}))
    assert str(failed) == (
        f'{here}/2_b.sql:2: insert or update on table "b" violates foreign key constraint "b_up_fkey" (SQLSTATE 23503)\n'
        '  detail: Key (up)=(7) is not present in table "b".\n'
        "  at the end, when it was to be recorded and committed\n"
        "The migration was rolled back; 1 before it were applied and stay, 1 after it were not run.\n"
        "Mend the file and run the command again: it goes on from here."
    )


def test_a_record_that_cannot_be_written_rolls_the_migration_back(session: Session, here: Path) -> None:
    given = write(here, {"1_a.sql": FIRST, "2_b.sql": "CREATE TABLE b (id int);\n"})
    migrate(session, given, target="1")
    session.execute("ALTER TABLE public._sqlx_migrations ADD CONSTRAINT closed CHECK (version < 2)")
    failed = failure(session, given)
    assert (failed.sqlstate, failed.line, made(session), told_by_ledger(session)) == ("23514", 1, ["a"], ["1"])
    assert "\n  at the end, when it was to be recorded and committed\n" in str(failed)


@pytest.mark.parametrize(
    ("text", "sqlstate", "hint"),
    [
        (
            "ALTER TYPE mood ADD VALUE 'ok';\nINSERT INTO m VALUES ('ok');\n",
            "55P04",
            "A value added to an enum is usable from the next transaction on: use it in a migration after this one.",
        ),
        (
            "SELECT 1;\nDO $$ BEGIN EXECUTE 'VACUUM'; END $$;\n",
            "25001",
            "Put the statement into a migration of its own, marked in the tool's own way to run outside a transaction.",
        ),
    ],
)
def test_the_hint_says_what_to_do(session: Session, here: Path, text: str, sqlstate: str, hint: str) -> None:
    first = "CREATE TYPE mood AS ENUM ('sad');\nCREATE TABLE m (mood mood);\n"
    failed = failure(session, write(here, {"1_a.sql": first, "2_b.sql": text}))
    assert (failed.sqlstate, failed.line, failed.hint) == (sqlstate, 2, hint)


def test_many_after_the_one_that_failed_are_not_run(session: Session, here: Path) -> None:
    files = {f"{number}_t.sql": f"CREATE TABLE t{number} (id int);" for number in range(10, 60)}
    given = write(here, {**files, "30_t.sql": "CREATE TABLE t10 (id int);"})
    failed = failure(session, given)
    assert failed.applied == tuple(str(number) for number in range(10, 30))
    assert "20 before it were applied and stay, 29 after it were not run." in str(failed)
    assert (told_by_ledger(session), len(made(session))) == (list(failed.applied), 20)


# What is refused before anything is run


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT 1;\nCOMMIT;\n", "2: COMMIT inside a migration, though each one runs in a transaction of its own."),
        ("\\connect shop\n", "1: \\connect is a command of psql, not SQL."),
        ("DISCARD ALL;\n", "1: DISCARD ALL inside a migration: it would drop the lock that keeps other migrators out."),
        ("COPY a FROM STDIN;\n", "1: COPY … FROM STDIN without its rows: there is nobody to send them."),
    ],
)
def test_what_a_migrator_cannot_run_is_refused_before_anything_is_run(session: Session, here: Path, text: str, says: str) -> None:
    failed = failure(session, write(here, {"1_a.sql": FIRST, "2_b.sql": text}))
    assert Exception.__str__(failed) == f"{here}/2_b.sql:{says}"
    assert (failed.applied, made(session)) == ((), [])


@pytest.mark.parametrize(("format_name", "held"), [("flyway", "${schema}"), ("soda", "{{ .Schema }}")])
def test_what_the_tool_would_replace_is_refused_before_anything_is_run(session: Session, here: Path, format_name: str, held: str) -> None:
    given = write(here, files_of(format_name, [(FIRST, ""), (f"\nCREATE TABLE {held}.b (id int);\n", "")]), format_name)
    failed = failure(session, given)
    assert (failed.line, failed.path, failed.hint) == (2, given.migrations[1].up.path, "Write out what it stands for.")
    assert held.split(maxsplit=1)[0] in str(failed)
    assert made(session) == []


# SQL that the parser does not know


def test_a_failure_in_sql_that_the_grammar_does_not_know_has_its_line(session: Session, here: Path, newer: str) -> None:
    given = write(here, {"1_a.sql": FIRST, "2_b.sql": f"CREATE TABLE b (id int); {newer}\nSELECT nmae\nFROM b;\n"})
    failed = failure(session, given)
    assert (failed.line, failed.sqlstate, made(session), told_by_tool(session, given)) == (2, "42703", ["a"], ["1"])


def test_a_transaction_that_sql_unknown_to_the_grammar_ended_is_told(session: Session, here: Path, newer: str) -> None:
    given = write(here, {"1_a.sql": FIRST, "2_b.sql": f"CREATE TABLE b (id int); {newer} COMMIT;\n"})
    assert str(failure(session, given)) == (
        f"{here}/2_b.sql:1: the statement ended the migration's transaction.\n"
        "What it committed stays, and is not in the ledger; 1 before it were applied and stay.\n"
        "Take COMMIT and ROLLBACK out of the file, undo by hand what it did, and run the command again."
    )
    assert told_by_tool(session, given) == told_by_ledger(session) == ["1"]


# Afterwards


def test_lock_is_free_after_a_failure(database: Login, session: Session, here: Path) -> None:
    failure(session, write(here, {"1_a.sql": "SELECT 1 / 0"}))
    with database.connect() as other:
        row = other.execute(
            "SELECT count(*), pg_try_advisory_lock(%s) FROM pg_locks"
            " WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            [LOCK_KEY],
        ).fetchone()
    assert row == (0, True)
