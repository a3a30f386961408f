from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migrator import lint
from migrator.model import Migration, Script
from migrator.notes import preview_notes


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, in which squawk looks for its settings: an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def notes(*texts: str) -> list[str]:
    pending = [Migration(str(n), "m", Script.of(f"m/{n}_m.sql", text.encode())) for n, text in enumerate(texts, 1)]
    return list(preview_notes(pending, "18.1"))


@pytest.mark.parametrize(
    ("text", "words", "where"),
    [
        (
            "-- é\nALTER TABLE orders ALTER total TYPE bigint;",
            "rewrites table orders: column total changes its type",
            "line 2, changing-column-type",
        ),
        (
            "ALTER TABLE orders ADD CONSTRAINT c FOREIGN KEY (user_id) REFERENCES users;",
            "locks tables orders and users against writes: checks every row for foreign key c",
            "line 1, constraint-missing-not-valid, adding-foreign-key-constraint",
        ),
        (
            "ALTER TABLE orders ADD id uuid DEFAULT gen_random_uuid() UNIQUE;",
            "rewrites table orders: computes the default of column id for every row",
            "line 1, adding-field-with-default, disallowed-unique-constraint",
        ),
        (
            "CREATE INDEX i ON orders (total);",
            "locks table orders against writes: builds index i",
            "line 1, require-concurrent-index-creation",
        ),
        ("DROP TABLE orders;", "drops table orders", "line 1, ban-drop-table"),
        ("DROP TYPE mood CASCADE;", "drops type mood and every column that uses it", "line 1, ban-drop-type"),
        ("TRUNCATE orders;", "empties table orders", "line 1"),
        ("VACUUM orders;", "is not transactional: what was done before a failure stays", "line 1"),
        (
            "SELECT 1;\nSELECT FROM WHERE;",
            "was not looked at: the parser does not know its SQL, which has a mistake or is newer",
            "line 2, syntax-error",
        ),
    ],
)
def test_a_hazard_is_one_line_with_the_rules_that_explain_it(text: str, words: str, where: str) -> None:
    assert notes(text) == [f"1_m: {words} ({where})"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("ALTER TABLE orders RENAME TO sales;", "renaming-table"),
        ("ALTER TABLE orders RENAME total TO sum;", "renaming-column"),
        ("ALTER TABLE orders ADD total text NOT NULL;", "adding-required-field"),
        ("ALTER TABLE orders ALTER total DROP NOT NULL;", "ban-drop-not-null"),
        ("DROP INDEX i;", "require-concurrent-index-deletion"),
        ("DROP TYPE mood;", "ban-drop-type"),
    ],
)
def test_what_squawk_alone_finds_is_told_in_its_first_sentence(text: str, rule: str) -> None:
    pending = [Migration("1", "m", Script.of("m/1_m.sql", text.encode()))]
    (message,) = (finding.message for finding in lint.lint(pending, "18.1") if finding.rule == rule)
    assert notes(text) == [f"1_m: {message.split('. ')[0].rstrip('.')} (line 1, {rule})"]


def test_one_statement_has_one_line_for_each_hazard_and_each_other_rule() -> None:
    text = "ALTER TABLE orders DROP a, DROP b, ADD c text NOT NULL, ADD d text NOT NULL, ALTER e TYPE bigint, ALTER f TYPE bigint;"
    found = notes(text)
    assert found[:3] == [
        "1_m: drops column a of table orders (line 1, ban-drop-column)",
        "1_m: drops column b of table orders (line 1, ban-drop-column)",
        "1_m: rewrites table orders: column e changes its type; column f changes its type (line 1, changing-column-type)",
    ]
    assert [line.rsplit(" (")[1] for line in found[3:]] == ["line 1, adding-required-field)"]


def test_lines_come_in_the_order_of_migrations_and_lines() -> None:
    found = notes("SELECT 1;\nALTER TABLE a RENAME TO b;\nDROP TABLE c;\nDROP INDEX i;", "DROP TABLE d;")
    assert [(line.split(":")[0], line.rsplit(" (")[1]) for line in found] == [
        ("1_m", "line 2, renaming-table)"),
        ("1_m", "line 3, ban-drop-table)"),
        ("1_m", "line 4, require-concurrent-index-deletion)"),
        ("2_m", "line 1, ban-drop-table)"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE a (id serial PRIMARY KEY, b char(3), c varchar(10), d timestamp, e int, f smallint);",
        "CREATE TABLE a (b bigint PRIMARY KEY REFERENCES users, FOREIGN KEY (b) REFERENCES orders);",
        "ALTER TABLE orders ADD note varchar(10), ADD at timestamp;",
        "CREATE TABLE a (b text);\nCREATE INDEX i ON a (b);\nDROP INDEX i;\nALTER TABLE a RENAME TO c;\nDROP TABLE c;",
        "ALTER TABLE orders ADD note text;\nALTER TABLE orders DROP note;",
        "-- squawk-ignore renaming-table\nALTER TABLE orders RENAME TO sales;",
        "COPY orders (total) FROM STDIN;\n'\n\\.\n",
    ],
)
def test_style_and_what_was_just_made_are_left_out(text: str) -> None:
    assert notes(text) == []


def test_a_comment_for_squawk_silences_no_loss_of_data() -> None:
    assert notes("-- squawk-ignore ban-drop-table\nDROP TABLE orders;") == ["1_m: drops table orders (line 2)"]


def test_sql_that_squawk_alone_cannot_read_is_told_once_and_the_own_hazards_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {"file": "m/1_m.sql", "column": 0, "level": "Error", "message": "expected SEMICOLON", "help": None}
    answer = [{**entry, "line": line, "rule_name": "syntax-error"} for line in (1, 2)]
    program = folder / "squawk"
    program.write_text(f"#!/bin/sh\necho '{json.dumps(answer)}'\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    assert notes("SELECT 1;\nDROP TABLE orders;") == [
        "1_m: squawk cannot read it: expected SEMICOLON (line 1, syntax-error)",
        "1_m: drops table orders (line 2)",
    ]


def test_without_squawk_the_own_hazards_are_told_and_that_it_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", str(folder))
    assert notes("DROP TABLE orders;\nDROP INDEX i;") == [
        "1_m: drops table orders (line 1)",
        "squawk was not run, so there may be more to say: squawk, which lints migrations, is not installed",
    ]


def test_nothing_pending_is_nothing_to_say() -> None:
    assert notes() == []


HARMFUL = [
    "ALTER TABLE {} ADD n serial UNIQUE",
    "ALTER TABLE {} ADD o text NOT NULL",
    "ALTER TABLE {} ALTER a TYPE bigint",
    "ALTER TABLE {} ALTER a DROP NOT NULL",
    "ALTER TABLE {} DROP b",
    "ALTER TABLE {} ADD CONSTRAINT v CHECK (a > 1)",
    "ALTER TABLE {} ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES users",
    "ALTER TABLE {} RENAME a TO b",
    "CREATE INDEX i_{} ON {} (a); DROP INDEX i_{}",
    "TRUNCATE {} CASCADE",
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(HARMFUL), min_size=1, max_size=8), st.integers(1, 4))
def test_squawk_is_not_heard_on_a_table_that_was_just_made(statements: list[str], size: int) -> None:
    steps = [text.replace("{}", "made") for text in ["CREATE TABLE {} (a int, b int)", *statements, "DROP TABLE {}"]]
    assert notes(*(";\n".join(steps[start : start + size]) for start in range(0, len(steps), size))) == []
    assert notes(*(text.replace("{}", "old") for text in statements)) != []
