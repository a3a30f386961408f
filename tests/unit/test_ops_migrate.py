"""What `ops migrate` says, without a database to say it of."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.main import get_command

from migrator.errors import MigrationError
from migrator.jobs import Job
from migrator.lint import Finding
from migrator.model import Migration, Script
from ops.app import app
from ops.errors import OpsError
from ops.migrate import files, schema
from ops.migrate.listeners import Bar, Lines, Ran, Tally, listener
from ops.migrate.planned import Planned
from ops.migrate.runs import Outcome
from ops.migrate.status import Line, Report
from ops.migrate.verify import Fault, Verdict
from ops.source import Source

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "reference" / "ops-migrate.md"
NOW = datetime(2025, 1, 31, 12, 0, 5, tzinfo=UTC)


def migration(version: str, name: str = "things", sql: str = "SELECT 1;\n") -> Migration:
    return Migration(version, name, Script.of(f"m/{version}_{name}.sql", sql.encode()))


# The page


def test_every_command_and_every_option_is_described() -> None:
    page = PAGE.read_text(encoding="utf-8")
    group = get_command(app).commands["migrate"]  # type: ignore[attr-defined]
    missing = []
    for name, command in group.commands.items():
        section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        text = f"{section[1]}{page.partition('## status')[0]}" if section else ""
        options = [option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts) if "-" in option]
        missing += [f"{name} {option}" for option in options if not re.search(rf"(?<![\w-]){option}(?![\w-])", text)]
        missing += [] if section else [name]
    assert missing == []


# While migrations run


def test_a_line_is_printed_for_each_migration(capsys: pytest.CaptureFixture[str]) -> None:
    with Lines() as lines:
        lines.planned(2)
        lines.ran(migration("1"), "up", 0.012)
        lines.waiting("waits for a lock")
        lines.noticed("an index was rebuilt")
        lines.ran(migration("2"), "down", 2.25)
    printed = capsys.readouterr()
    assert printed.out == "applied 1_things in 12 ms\nundid 2_things in 2.2 s\n"
    assert printed.err == "waits for a lock\nan index was rebuilt\n"


def test_a_program_that_reads_json_sees_no_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with listener(as_json=True) as tally:
        tally.ran(migration("1"), "up", 0.5)
    assert (tally.ran_so_far, capsys.readouterr().out) == ([Ran(migration("1"), "up", 0.5)], "")


def test_more_or_fewer_than_was_agreed_to_are_refused() -> None:
    tally = Tally(expected=1)
    tally.planned(1)
    with pytest.raises(MigrationError, match=r"2 migrations would be run, not 1\. Nothing was run"):
        tally.planned(2)


def without_bar(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines of the output that are none of the bar's."""
    return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line and "0:00:0" not in line]


def test_many_migrations_get_a_bar_and_only_slow_ones_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar() as bar:
        bar.planned(1000)
        bar.ran(migration("1"), "up", 0.5)
        bar.ran(migration("2"), "up", 1.5)
        bar.waiting("waits for a lock")
    assert without_bar(capsys) == ["applied 2_things in 1.5 s", "waits for a lock"]


def test_few_migrations_get_a_line_each_beside_the_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar(expected=2) as bar:
        bar.planned(2)
        bar.ran(migration("1"), "up", 0.5)
        bar.noticed("an index was rebuilt")
    assert without_bar(capsys) == ["applied 1_things in 500 ms", "an index was rebuilt"]


# Afterwards


@pytest.mark.parametrize(
    ("outcome", "text"),
    [
        (Outcome("shop", (), (), "7", 0.1), "Nothing to do: shop is at 7."),
        (Outcome("shop", (), (), "", 0.1), "Nothing to do: shop has no migration applied."),
        (
            Outcome("shop", (Ran(migration("2"), "down", 0.1), Ran(migration("2"), "up", 0.1)), (), "2", 1.5),
            "1 undone, 1 applied in 1.5 s; shop is at 2.",
        ),
        (Outcome("shop", (), ("1", "2"), "2", 0.02), "2 taken over in 20 ms; shop is at 2."),
        (Outcome("shop", (Ran(migration("1"), "down", 0.1),), (), "", 0.02), "1 undone in 20 ms; shop has no migration applied."),
    ],
)
def test_the_last_line_says_what_was_done_and_where_the_database_is(outcome: Outcome, text: str) -> None:
    assert outcome.summary == text


def test_an_outcome_as_json() -> None:
    outcome = Outcome("shop", (Ran(migration("1"), "down", 0.12345678),), ("0",), "", 0.5)
    assert outcome.facts == {
        "database": "shop",
        "version": None,
        "taken_over": ["0"],
        "ran": [{"version": "1", "name": "things", "direction": "down", "seconds": 0.123457}],
        "seconds": 0.5,
    }


def report(*lines: Line, problems: tuple[str, ...] = (), warnings: tuple[str, ...] = ()) -> Report:
    return Report("shop", "goose", "m", lines, problems, warnings)


def test_a_report_counts_and_warns() -> None:
    found = report(Line("1", "a", "applied"), Line("2", "b", "pending"), Line("3", "c", "pending"), warnings=("line ends",))
    assert (found.footer, found.is_settled) == ("3 migrations: 1 applied, 2 pending.\nwarning: line ends", False)


def test_a_report_of_what_is_not_as_it_should_be_says_the_ways_out() -> None:
    found = report(Line("1", "a", "edited"), problems=("edited: m/1_a.sql",))
    lines = found.footer.splitlines()
    assert (lines[:3], found.is_settled) == (["1 migration: 1 edited.", "problem: edited: m/1_a.sql", "Three ways out:"], False)


@pytest.mark.parametrize("state", ["applied", "taken over", "held back"])
def test_a_report_without_anything_to_do_is_settled(state: str) -> None:
    assert report(Line("1", "a", state)).is_settled  # type: ignore[arg-type]


def test_an_empty_report_is_settled() -> None:
    assert (report().footer, report().is_settled) == ("There are no migrations.", True)


def test_a_line_as_a_row_and_as_json() -> None:
    line = Line("1", "a", "applied", NOW, "shop_owner", 0.25, None, "m/1_a.sql")
    assert line.cells == ("1", "a", ("applied", "green"), "2025-01-31 12:00", "shop_owner", "250 ms")
    assert line.facts == {
        "version": "1",
        "name": "a",
        "state": "applied",
        "applied_at": "2025-01-31T12:00:05+00:00",
        "applied_by": "shop_owner",
        "seconds": 0.25,
        "transactional": None,
        "file": "m/1_a.sql",
    }


def test_a_pending_migration_says_that_it_goes_outside_a_transaction() -> None:
    assert Line("1", "a", "pending", transactional=False).cells == ("1", "a", ("pending, outside a transaction", "yellow"), "", "", "")


# The plan


def job(found: Migration) -> Job:
    return Job(found, "up", found.up, lambda _started: ())


def test_a_plan_says_of_each_migration_how_it_is_run() -> None:
    jobs = (job(migration("1", sql="CREATE TABLE a ();\n")), job(migration("2", sql="VACUUM;")))
    plan = Planned("shop", ("pgstack.migration", "public.goose_db_version"), ("0_old",), jobs, ("1_things: locks a",))
    assert plan.sql == (
        "-- To be run on shop: 2 migrations.\n"
        "-- Each is recorded in pgstack.migration and public.goose_db_version, in the transaction in which it ends.\n"
        "-- Applied by another tool, recorded and not run: 0_old\n"
        "-- note: 1_things: locks a\n"
        "\n"
        "-- 1 of 2: apply 1_things (m/1_things.sql),\n"
        "-- in a transaction of its own\n"
        "CREATE TABLE a ();\n"
        "\n"
        "-- 2 of 2: apply 2_things (m/2_things.sql),\n"
        "-- outside a transaction: what was carried out before a failure stays, and the next run goes on from there\n"
        "VACUUM;\n"
    )


def test_a_plan_without_anything_to_run_says_so() -> None:
    assert Planned("shop", ("pgstack.migration",), ("0_old",), (), ()).sql == (
        "-- Applied by another tool, recorded and not run: 0_old\n-- Nothing to run on shop.\n"
    )


# Files


def test_new_files_are_made_with_their_folder(tmp_path: Path) -> None:
    source = Source("shop", tmp_path / "sql" / "migrations", "soda")
    made = files.create(source, "add users", NOW, repeatable=False)
    names = [source.path / "20250131120005_add_users.up.sql", source.path / "20250131120005_add_users.down.sql"]
    assert (list(made), sorted(source.path.iterdir())) == (names, sorted(names))


def test_no_folder_is_made_where_nothing_tells_the_format(tmp_path: Path) -> None:
    source = Source("shop", tmp_path / "migrations", None)
    with pytest.raises(MigrationError, match="in which format"):
        files.create(source, "add users", NOW, repeatable=False)
    assert not source.path.exists()


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    source = Source("shop", tmp_path / "migrations", "soda")
    source.path.mkdir()
    there = source.path / "20250131120005_add_users.up.sql"
    there.mkdir()
    with pytest.raises(OpsError, match=re.escape(f"{there} cannot be made: File exists.")):
        files.create(source, "add users", NOW, repeatable=False)


def test_later_migrations_are_those_above_a_version() -> None:
    found = (migration("9"), migration("10"), migration("R__views", "views"))
    assert files.later(found, "9") == (found[1],)
    assert files.later(found, None) == found
    with pytest.raises(MigrationError, match="'nine' is no version"):
        files.later(found, "nine")


def test_findings_are_told_as_compilers_tell_theirs() -> None:
    found = [
        Finding("m/1.sql", 3, 5, "ban-drop-table", "Warning", "Dropping a table.", "Do not."),
        Finding("m/2.sql", 1, 1, "syntax-error", "Error", "Unexpected end."),
        Finding("m/2.sql", 2, 1, "ban-drop-column", "Warning", "Dropping a column."),
    ]
    assert files.told(found) == (
        "m/1.sql:3:5: warning: Dropping a table. [ban-drop-table]\n"
        "  Do not.\n"
        "m/2.sql:1:1: error: Unexpected end. [syntax-error]\n"
        "m/2.sql:2:1: warning: Dropping a column. [ban-drop-column]\n"
        "1 error, 2 warnings."
    )
    assert files.told([]) == "Nothing to say."
    assert files.facts(found[1:2])["findings"][0]["rule"] == "syntax-error"


# Schemas

DUMP = r"""--
-- PostgreSQL database dump
--

\restrict zMP0bBVvQvhbnJFQIPQxBgRuDn5Dg8n7Zc3ZrfFPtmGGNBkrHgcVbNM1PmkYQ3s

-- Dumped from database version 18.6
-- Dumped by pg_dump version 18.6

SET statement_timeout = 0;


CREATE TABLE public.a (
    id integer
);


--
-- PostgreSQL database dump complete
--

\unrestrict zMP0bBVvQvhbnJFQIPQxBgRuDn5Dg8n7Zc3ZrfFPtmGGNBkrHgcVbNM1PmkYQ3s

"""


def test_a_dump_keeps_nothing_that_differs_between_equal_schemas() -> None:
    assert schema.normalised(DUMP) == "SET statement_timeout = 0;\n\nCREATE TABLE public.a (\n    id integer\n);\n"


def test_a_difference_names_both_sides() -> None:
    assert schema.difference("a\nb\n", "a\nc\n", ("old", "new")) == "--- old\n+++ new\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
    assert schema.difference("a\n", "a\n", ("old", "new")) == ""


def test_a_schema_file_that_is_not_there_differs_in_every_line(tmp_path: Path) -> None:
    assert files.difference_to(tmp_path / "s.sql", "a\n").splitlines()[2:] == ["@@ -0,0 +1 @@", "+a"]


def test_a_schema_file_that_cannot_be_read_or_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="cannot be read"):
        files.difference_to(tmp_path, "a\n")
    with pytest.raises(OpsError, match=re.escape(f"{tmp_path} cannot be written: Is a directory.")):
        files.write(tmp_path, "a\n")


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (Verdict("18.6", 5, 5, None), "5 migrations up, down, and up again: the schema is the same each time (PostgreSQL 18.6)."),
        (Verdict("18.6", 5, 0, None), "5 migrations on two databases: the schema is the same each time (PostgreSQL 18.6)."),
        (
            Verdict("X", 4, 3, None),
            "3 migrations up, down, and up again; 1 without a way down, on two databases: the schema is the same each time (PostgreSQL X).",
        ),
        (Verdict("18.6", 0, 0, None), "There are no migrations."),
        (Verdict("18.6", 5, 5, Fault("3_x: wrong.", "-a\n+b\n")), "-a\n+b\n\n3_x: wrong."),
    ],
)
def test_a_verdict_says_what_was_replayed(verdict: Verdict, text: str) -> None:
    assert verdict.summary == text
