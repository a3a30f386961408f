from __future__ import annotations

from typing import Any

import pytest

from migrator import grammar


def node(text: str) -> Any:
    (raw,) = grammar.parse(text)
    return raw.stmt


OUTSIDE = [
    "ALTER DATABASE a SET TABLESPACE b",
    "ALTER SUBSCRIPTION a REFRESH PUBLICATION",
    "ALTER SYSTEM SET work_mem = '1MB'",
    "ALTER TABLE a DETACH PARTITION b CONCURRENTLY",
    "CLUSTER",
    "CLUSTER VERBOSE",
    "COMMIT PREPARED 'a'",
    "CREATE DATABASE a",
    "CREATE INDEX CONCURRENTLY ON a (b)",
    "CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION p",
    "CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION p WITH (create_slot, copy_data = false)",
    "CREATE TABLESPACE a LOCATION '/a'",
    "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b)",
    "DROP DATABASE a",
    "DROP INDEX CONCURRENTLY IF EXISTS i",
    "DROP SUBSCRIPTION a",
    "DROP TABLESPACE a",
    "REINDEX (CONCURRENTLY) INDEX i",
    "REINDEX (CONCURRENTLY true, VERBOSE) TABLE a",
    "REINDEX DATABASE a",
    "REINDEX SCHEMA a",
    "REINDEX SYSTEM a",
    "REINDEX TABLE CONCURRENTLY a",
    "ROLLBACK PREPARED 'a'",
    "VACUUM",
    "VACUUM (FULL, ANALYZE) a",
    "vacuum analyze a",
]

INSIDE = [
    "ALTER DATABASE a SET work_mem = '1MB'",
    "ALTER DATABASE a RENAME TO b",
    "ALTER DATABASE a CONNECTION LIMIT 5",
    "ALTER INDEX i SET TABLESPACE b",
    "ALTER TABLE a ATTACH PARTITION b FOR VALUES IN (1)",
    "ALTER TABLE a DETACH PARTITION b",
    "ALTER TABLE a DETACH PARTITION b FINALIZE",
    "ALTER TABLE a SET TABLESPACE b",
    "ALTER TYPE mood ADD VALUE 'ok'",
    "ANALYZE a",
    "CALL p()",
    "CLUSTER a USING i",
    "CREATE INDEX ON a (b)",
    "CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION p WITH (connect = false)",
    "CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION p WITH (create_slot = off)",
    "CREATE SUBSCRIPTION a CONNECTION '' PUBLICATION p WITH (create_slot = 0)",
    "DO $$ BEGIN EXECUTE 'VACUUM'; END $$",
    "DROP INDEX i",
    "DROP TABLE a",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY a",
    "REINDEX (CONCURRENTLY false) TABLE a",
    "REINDEX (VERBOSE) TABLE a",
    "REINDEX INDEX i",
    "REINDEX TABLE a",
    "SAVEPOINT a",
    "SELECT 'VACUUM'",
]


@pytest.mark.parametrize(("text", "inside"), [*((text, False) for text in OUTSIDE), *((text, True) for text in INSIDE)])
def test_a_statement_that_runs_outside_a_transaction_alone_is_known(text: str, *, inside: bool) -> None:
    assert grammar.transactional(node(text)) is inside


@pytest.mark.parametrize(
    ("text", "verb"),
    [
        ("BEGIN", "TRANS_STMT_BEGIN"),
        ("START TRANSACTION", "TRANS_STMT_START"),
        ("END", "TRANS_STMT_COMMIT"),
        ("ABORT", "TRANS_STMT_ROLLBACK"),
        ("ROLLBACK TO a", "TRANS_STMT_ROLLBACK_TO"),
        ("SELECT 1", ""),
    ],
)
def test_transaction_control_is_known_by_what_it_does(text: str, verb: str) -> None:
    assert grammar.transaction_verb(node(text)) == verb


@pytest.mark.parametrize(
    ("text", "waits", "answers"),
    [
        ("COPY a FROM STDIN", True, False),
        ("COPY a TO STDOUT", False, True),
        ("COPY (SELECT 1) TO STDOUT", False, True),
        ("COPY a FROM '/f'", False, False),
        ("COPY a TO '/f'", False, False),
        ("COPY a FROM PROGRAM 'x'", False, False),
        ("COPY a TO PROGRAM 'x'", False, False),
        ("SELECT 1", False, False),
    ],
)
def test_a_statement_that_takes_rows_from_the_client_or_gives_them_to_it_is_known(text: str, *, waits: bool, answers: bool) -> None:
    assert (grammar.waits_for_data(node(text)), grammar.answers_with_data(node(text))) == (waits, answers)


@pytest.mark.parametrize(
    ("text", "sets"),
    [
        ("SET search_path = a, b", True),
        ("SET LOCAL work_mem = 1", True),
        ("SET ROLE a", True),
        ("RESET ALL", True),
        ("SELECT pg_catalog.set_config('search_path', '', false)", True),
        ("SELECT set_config('a.b', '1', false), set_config('a.c', '2', false)", True),
        ("SELECT set_config('a.b', '1', false), pay()", False),
        ("SELECT pay()", False),
        ("SELECT", False),
        ("VALUES (1)", False),
        ("SELECT 1 UNION SELECT 2", False),
        ("UPDATE a SET b = 1", False),
    ],
)
def test_a_statement_that_sets_nothing_but_its_session_is_known(text: str, *, sets: bool) -> None:
    assert grammar.sets(node(text)) is sets


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("", True),
        ("SELECT 'é' /* a */ -- b", True),
        ("SELECT 1; \\.", True),
        ("SELECT 'a", False),
        ('SELECT "a', False),
        ("SELECT E'a\\'", False),
        ("SELECT $a$ $$", False),
        ("/* /* */", False),
    ],
)
def test_a_literal_or_a_comment_that_is_open_at_the_end_is_known(text: str, *, complete: bool) -> None:
    assert grammar.complete(text) is complete


def test_options_are_read_with_their_values() -> None:
    assert grammar.options(node("VACUUM (FULL, ANALYZE off, PARALLEL 2) a").options) == {"full": "true", "analyze": "off", "parallel": "2"}
    assert grammar.options(None) == {}


@pytest.mark.parametrize(("text", "place"), [("SELECT 'é'; SELEC 1", 12), ("é", 0)])
def test_an_error_has_its_place_in_characters(text: str, place: int) -> None:
    with pytest.raises(grammar.error()) as caught:
        grammar.parse(text)
    assert grammar.place(caught.value) == place
