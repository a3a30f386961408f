"""Migrations that bring rows along, as pg_dump writes them."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from cluster import programs
from migrator.apply import migrate
from migrator.errors import MigrationFailed
from postgres.login import Login
from tests.fix_migrations import write
from tests.fix_server import empty_database
from tests.fix_tools import Session, made, told_by_ledger

TABLE = "CREATE TABLE a (id int PRIMARY KEY, note text);\n"


def rows(session: Session, table: str = "a") -> list[Any]:
    return session.execute(f"SELECT * FROM {table} ORDER BY 1".encode()).fetchall()


def test_rows_reach_their_table_whatever_is_in_them(session: Session, here: Path) -> None:
    text = (
        f"{TABLE}COPY a (id, note) FROM stdin;\n1\tit's; DROP TABLE a;\n2\t\\N\n3\tü €\\ttab \\\\ -- $$\n\\.\n\n"
        "COPY a FROM STDIN (FORMAT csv, DELIMITER ';', NULL 'none');\n4;\"a; 'b'\n\nc\"\n5;none\n\\.\n"
        "COPY a FROM STDIN;\n\\.\nUPDATE a SET note = 'after' WHERE id = 5;\n"
    )
    migrate(session, write(here, {"1_a.sql": text, "2_b.sql": "INSERT INTO a VALUES (6, '\\.');\n"}))
    assert rows(session) == [(1, "it's; DROP TABLE a;"), (2, None), (3, "ü €\ttab \\ -- $$"), (4, "a; 'b'\n\nc"), (5, "after"), (6, "\\.")]
    assert told_by_ledger(session) == ["1", "2"]


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_line_ends_of_the_file_are_no_part_of_the_rows(session: Session, here: Path, ends: str) -> None:
    text = f"{TABLE}COPY a FROM stdin;\n1\tx\n\\.\n".replace("\n", ends)
    migrate(session, write(here, {"1_a.sql": text.encode()}))
    assert rows(session) == [(1, "x")]


def test_text_that_looks_like_rows_is_stored_as_it_is(session: Session, here: Path) -> None:
    recipe = "Type:\nCOPY a FROM stdin;\n1\tx\n\\.\n"
    text = f"{TABLE}COPY a FROM stdin;\n1\tx\n\\.\nINSERT INTO a VALUES (2, '{recipe}');\nCOPY a FROM stdin;\n3\ty\n\\.\n"
    migrate(session, write(here, {"1_a.sql": text}))
    assert rows(session) == [(1, "x"), (2, recipe), (3, "y")]


def test_a_megabyte_of_rows_is_copied(session: Session, here: Path) -> None:
    lines = "".join(f"{number}\t{'x' * 90}\n" for number in range(12_000))
    migrate(session, write(here, {"1_a.sql": f"{TABLE}COPY a FROM stdin;\n{lines}\\.\n"}))
    assert session.execute("SELECT count(*), sum(length(note)) FROM a").fetchone() == (12_000, 12_000 * 90)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ("1\tx\nzwei\ty\n", 'invalid input syntax for type integer: "zwei" (SQLSTATE 22P02)\n  context: COPY a, line 2, column id: "zwei"'),
        ("1\tx\n1\ty\n", 'duplicate key value violates unique constraint "a_pkey" (SQLSTATE 23505)\n'),
        ("1\n", 'missing data for column "note" (SQLSTATE 22P04)\n  context: COPY a, line 1: "1"'),
    ],
)
def test_a_bad_row_is_named_and_nothing_stays(session: Session, here: Path, bad: str, says: str) -> None:
    given = write(here, {"1_a.sql": TABLE, "2_b.sql": f"CREATE TABLE b (id int);\n-- rows\nCOPY a FROM stdin;\n{bad}\\.\n"})
    with pytest.raises(MigrationFailed) as caught:
        migrate(session, given)
    assert str(caught.value).startswith(f"{here}/2_b.sql:3: {says}")
    assert "\n  statement: COPY a FROM stdin\nThe migration was rolled back; 1 before it were applied and stay." in str(caught.value)
    assert (made(session), rows(session), told_by_ledger(session)) == (["a"], [], ["1"])
    mended = write(here, {"1_a.sql": TABLE, "2_b.sql": "COPY a FROM stdin;\n1\tx\n\\.\n"})
    assert [migration.version for migration in migrate(session, mended)] == ["2"]


def test_a_copy_without_its_rows_is_refused_before_anything_is_run(session: Session, here: Path) -> None:
    with pytest.raises(MigrationFailed, match=r"^[^\n]*/2_b\.sql:1: COPY … FROM STDIN without its rows"):
        migrate(session, write(here, {"1_a.sql": TABLE, "2_b.sql": "COPY a FROM STDIN;\n"}))
    assert made(session) == []


def test_a_copy_that_the_grammar_does_not_know_is_told_that_there_are_no_rows(session: Session, here: Path, newer: str) -> None:
    given = write(here, {"1_a.sql": f"{TABLE}{newer} COPY a FROM STDIN;\n"})
    with pytest.raises(MigrationFailed, match=r"COPY from stdin failed: a migration has no rows for COPY here"):
        migrate(session, given)
    assert (made(session), told_by_ledger(session)) == ([], [])


def test_rows_that_a_copy_unknown_to_the_grammar_sends_are_nobodys_business(session: Session, here: Path, newer: str) -> None:
    text = f"{newer} COPY (SELECT repeat('x', 10000) FROM generate_series(1, 1000)) TO STDOUT;\nCREATE TABLE b (id int);\n"
    migrate(session, write(here, {"1_a.sql": text, "2_b.sql": "CREATE TABLE c (id int);"}))
    assert (made(session), told_by_ledger(session)) == (["b", "c"], ["1", "2"])


def test_a_whole_dump_is_a_migration(superuser: Login, database: Login, session: Session, here: Path) -> None:
    with empty_database(superuser) as other:
        with other.connect() as there:
            there.execute(TABLE.encode())
            there.execute(
                "INSERT INTO a SELECT n, chr(n) FROM generate_series(32, 126) n; CREATE TABLE b (id int); COMMENT ON TABLE b IS 'é'"
            )
            expected = rows(there)
        command = [str(programs.installed() / "pg_dump"), "--no-owner", "--host", other.host, "--port", str(other.port), "-U", other.user]
        done = subprocess.run([*command, other.database], env={**os.environ, "PGPASSWORD": other.password}, capture_output=True, check=True)
    lines = [line for line in done.stdout.decode().splitlines(keepends=True) if not line.startswith(("\\restrict", "\\unrestrict"))]
    migrate(session, write(here, {"1_dump.sql": "".join(lines), "2_more.sql": "INSERT INTO a VALUES (1, 'more');\n"}))
    assert rows(session) == [(1, "more"), *expected]
    assert (made(session), told_by_ledger(session)) == (["a", "b"], ["1", "2"])
