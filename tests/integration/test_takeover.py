"""Databases that the format's own tool migrated before, or migrates beside us: each story is told once, in both records."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from migrator import upkeep
from migrator.apply import inspect, migrate
from migrator.discovery import read_folder
from migrator.errors import DirtyError, DriftError, FormatError, MigrationError, NotEmptyError
from migrator.formats import FORMATS
from migrator.model import Folder, Migration
from migrator.session import Settings
from postgres.locks import LockTimeout
from postgres.login import Login
from tests.fix_migrations import write
from tests.fix_tools import FORMAT_NAMES, Session, files_of, made, run_by_tool, table_steps, told_by_ledger, told_by_tool, undo_by_tool

WITH_CHECKSUM = ["flyway", "sqlx"]
WITH_LOCK = ["flyway", "golang-migrate", "goose", "sqlx"]

every_format = pytest.mark.parametrize("format_name", FORMAT_NAMES)


def four(here: Path, format_name: str) -> Folder:
    """A folder of four migrations that make a table each."""
    return write(here, files_of(format_name, table_steps(4)), format_name)


def versions(migrations: tuple[Migration, ...]) -> list[str]:
    return [migration.version for migration in migrations]


def problems(session: Session, folder: Folder) -> list[str]:
    """What is in the way, the same in a preview and in a run; nothing is run or written."""
    before = made(session)
    found = list(inspect(session, folder).problems)
    with pytest.raises(DriftError) as refused:
        migrate(session, folder)
    assert [line.strip() for line in Exception.__str__(refused.value).splitlines()[1:]] == found
    assert made(session) == before
    return found


def history_rows(session: Session, folder: Folder) -> list[Any]:
    table = sql.Identifier("public", FORMATS[folder.format].history.table)
    return session.execute(sql.SQL("SELECT * FROM {} ORDER BY 1").format(table)).fetchall()


def has_ledger(session: Session) -> bool:
    return session.execute("SELECT to_regclass('pgstack.migration') IS NOT NULL").fetchone() == (True,)


# What the tool did before


@every_format
def test_what_the_tool_applied_is_taken_over_and_not_run_again(session: Session, here: Path, format_name: str) -> None:
    given = four(here, format_name)
    run_by_tool(session, given, "1", "2")
    before = history_rows(session, given)
    plan = inspect(session, given)
    assert (versions(plan.adopted), versions(plan.pending), plan.problems, plan.nothing_to_do) == (["1", "2"], ["3", "4"], (), False)
    assert not has_ledger(session)
    assert versions(migrate(session, given)) == ["3", "4"]
    rows = session.execute("SELECT version, checksum, duration IS NULL, format FROM pgstack.migration ORDER BY 1").fetchall()
    assert rows == [(m.version, m.checksum, m.version in ("1", "2"), format_name) for m in given.migrations]
    assert told_by_tool(session, given) == ["1", "2", "3", "4"]
    if FORMATS[format_name].history.keeps_each:
        assert [row for row in history_rows(session, given) if row in before] == before
    assert inspect(session, given).nothing_to_do
    assert migrate(session, given) == ()


@every_format
def test_a_database_that_the_tool_brought_up_to_date_gets_its_ledger(session: Session, here: Path, format_name: str) -> None:
    given = four(here, format_name)
    run_by_tool(session, given, "1", "2", "3", "4")
    before = history_rows(session, given)
    assert migrate(session, given) == ()
    assert (told_by_ledger(session), history_rows(session, given)) == (["1", "2", "3", "4"], before)
    assert inspect(session, given).nothing_to_do


@every_format
def test_a_table_that_the_tool_made_and_left_empty_is_filled(session: Session, here: Path, format_name: str) -> None:
    given = four(here, format_name)
    run_by_tool(session, given)
    assert versions(migrate(session, given)) == ["1", "2", "3", "4"]
    assert told_by_tool(session, given) == told_by_ledger(session) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("format_name", WITH_CHECKSUM)
def test_a_file_edited_since_the_tool_ran_it_is_drift(session: Session, here: Path, format_name: str) -> None:
    """The tool itself refuses it from the checksum in its history: taking the edited file over would hide the difference."""
    run_by_tool(session, four(here, format_name), "1", "2")
    steps = table_steps(4)
    edited = write(here, files_of(format_name, [("CREATE TABLE t1 (id bigint);\n", ""), *steps[1:]]), format_name)
    assert problems(session, edited) == [f"edited: {edited.migrations[0].up.path} is not the file that was applied"]
    assert not has_ledger(session)


@pytest.mark.parametrize("format_name", sorted(set(FORMAT_NAMES) - set(WITH_CHECKSUM)))
def test_a_tool_that_keeps_no_checksum_is_taken_at_its_word(session: Session, here: Path, format_name: str) -> None:
    run_by_tool(session, four(here, format_name), "1", "2")
    steps = table_steps(4)
    edited = write(here, files_of(format_name, [("CREATE TABLE t1 (id bigint);\n", ""), *steps[1:]]), format_name)
    assert versions(migrate(session, edited)) == ["3", "4"]
    assert session.execute("SELECT checksum FROM pgstack.migration WHERE version = '1'").fetchone() == (edited.migrations[0].checksum,)


def test_other_line_ends_than_sqlx_recorded_are_taken_over_with_a_warning_until_they_are_repaired(session: Session, here: Path) -> None:
    run_by_tool(session, four(here, "sqlx"), "1", "2")
    windows = {name: text.replace("\n", "\r\n") for name, text in files_of("sqlx", table_steps(4)).items()}
    given = write(here, windows, "sqlx")
    plan = inspect(session, given)
    assert (versions(plan.adopted), versions(plan.unfit), plan.problems) == (["1", "2"], ["1", "2"], ())
    assert plan.warnings[0] == (
        f"line ends: {here}/1_step.up.sql has others than the file that was recorded; the format's own tool will refuse it. "
        "`ops migrate repair` mends the record"
    )
    assert versions(migrate(session, given)) == ["3", "4"]
    assert upkeep.repair(session, given) == (
        "1_step: sqlx's checksum is that of the file with its line ends now",
        "2_step: sqlx's checksum is that of the file with its line ends now",
    )
    plan = inspect(session, given)
    assert (plan.unfit, plan.warnings, plan.nothing_to_do) == ((), (), True)


@every_format
def test_what_the_tool_applied_without_a_file_is_drift(session: Session, here: Path, format_name: str) -> None:
    run_by_tool(session, four(here, format_name), "1", "2", "3", "4")
    fewer = write(here, files_of(format_name, table_steps(3)), format_name)
    assert problems(session, fewer) == ["missing: 4_unknown was applied, its file is gone"]
    assert not has_ledger(session)


@pytest.mark.parametrize(
    ("format_name", "spoil", "says"),
    [
        ("sqlx", "UPDATE public._sqlx_migrations SET success = false WHERE version = 2", "sqlx left migration 2 half done."),
        ("golang-migrate", "UPDATE public.schema_migrations SET dirty = true", "golang-migrate left version 2 half done."),
        (
            "flyway",
            "UPDATE public.flyway_schema_history SET success = false WHERE version = '2'",
            "Flyway marked migration 2 as failed.",
        ),
    ],
)
def test_what_the_tool_left_half_done_is_refused(session: Session, here: Path, format_name: str, spoil: str, says: str) -> None:
    given = four(here, format_name)
    run_by_tool(session, given, "1", "2")
    session.execute(spoil.encode())
    for attempt in (inspect, migrate, upkeep.repair):
        with pytest.raises(DirtyError) as refused:
            attempt(session, given)
        assert (Exception.__str__(refused.value), bool(refused.value.hint)) == (says, True)
    assert (made(session), has_ledger(session)) == (["t1", "t2"], False)


# What the tool does beside us


@every_format
def test_what_the_tool_applied_later_is_taken_over_too(session: Session, here: Path, format_name: str) -> None:
    migrate(session, write(here, files_of(format_name, table_steps(2)), format_name))
    given = four(here, format_name)
    run_by_tool(session, given, "3")
    plan = inspect(session, given)
    assert (versions(plan.adopted), versions(plan.pending), plan.problems) == (["3"], ["4"], ())
    assert versions(migrate(session, given)) == ["4"]
    assert told_by_ledger(session) == told_by_tool(session, given) == ["1", "2", "3", "4"]


@every_format
def test_what_the_tool_undid_is_drift_until_the_ledger_forgets_it(session: Session, here: Path, format_name: str) -> None:
    given = four(here, format_name)
    migrate(session, given)
    undo_by_tool(session, given, "4")
    assert problems(session, given) == ["undone: 4_step was applied, and another tool has undone it since"]
    assert upkeep.repair(session, given) == ("4_step: forgotten, since another tool has undone it",)
    assert (told_by_ledger(session), told_by_tool(session, given)) == (["1", "2", "3"], ["1", "2", "3"])
    assert versions(migrate(session, given)) == ["4"]
    assert made(session) == ["t1", "t2", "t3", "t4"]


@every_format
def test_a_tool_that_undid_everything_is_believed(session: Session, here: Path, format_name: str) -> None:
    given = four(here, format_name)
    migrate(session, given)
    for version in ("4", "3", "2", "1"):
        undo_by_tool(session, given, version)
    assert problems(session, given) == [f"undone: {n}_step was applied, and another tool has undone it since" for n in (1, 2, 3, 4)]
    upkeep.repair(session, given)
    assert versions(migrate(session, given)) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("format_name", [name for name in FORMAT_NAMES if FORMATS[name].history.keeps_each])
def test_what_the_tool_applied_late_is_taken_over(session: Session, here: Path, format_name: str) -> None:
    all_four = files_of(format_name, table_steps(4))
    without = {name: text for name, text in all_four.items() if "2" not in name}
    migrate(session, write(here, without, format_name))
    given = write(here, all_four, format_name)
    assert problems(session, given) == [f"late: {given.migrations[1].up.path} is older than the newest that was applied"]
    run_by_tool(session, given, "2")
    assert (versions(inspect(session, given).adopted), migrate(session, given)) == (["2"], ())
    assert told_by_ledger(session) == ["1", "2", "3", "4"]


def test_golang_migrate_says_nothing_of_what_came_late(session: Session, here: Path) -> None:
    """It keeps the newest version alone, which does not tell whether one below it was applied."""
    all_four = files_of("golang-migrate", table_steps(4))
    migrate(session, write(here, {name: text for name, text in all_four.items() if "2" not in name}, "golang-migrate"))
    given = write(here, all_four, "golang-migrate")
    assert problems(session, given) == [f"late: {here}/2_step.up.sql is older than the newest that was applied"]


@every_format
def test_a_history_that_somebody_dropped_is_made_anew(session: Session, here: Path, format_name: str) -> None:
    given = four(here, format_name)
    migrate(session, write(here, files_of(format_name, table_steps(3)), format_name))
    session.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("public", FORMATS[format_name].history.table)))
    assert versions(migrate(session, given)) == ["4"]
    assert told_by_tool(session, given) == ["1", "2", "3", "4"]


@pytest.mark.parametrize("format_name", WITH_LOCK)
def test_a_tool_at_work_is_waited_for(session: Session, database: Login, here: Path, format_name: str) -> None:
    given = four(here, format_name)
    format_ = FORMATS[format_name]
    with database.connect() as tool:
        tool.execute("SELECT pg_advisory_lock(%s)", [format_.history.lock_key(database.database)])
        with pytest.raises(LockTimeout, match=f"Waited 0 s for {format_.tool}, which is migrating this database; pid"):
            migrate(session, given, settings=Settings(queue=0.05))
        assert (made(session), has_ledger(session)) == ([], False)
    assert len(migrate(session, given)) == 4


# Flyway's own


def flyway(here: Path, **changes: str) -> Folder:
    files = {"V1__a.sql": "CREATE TABLE a (id int);\n", "R__view.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS one;\n"}
    return write(here, {**files, **{f"{name}.sql": text for name, text in changes.items()}}, "flyway")


def test_a_flyway_baseline_counts_what_is_not_newer(session: Session, here: Path) -> None:
    given = four(here, "flyway")
    run_by_tool(session, given)
    session.execute("CREATE TABLE t1 (id int); CREATE TABLE t2 (id int)")
    session.execute(
        "INSERT INTO public.flyway_schema_history (installed_rank, version, description, type, script, installed_by, execution_time,"
        " success) VALUES (1, '2', '<< Flyway Baseline >>', 'BASELINE', '<< Flyway Baseline >>', 'somebody', 0, true)"
    )
    assert versions(inspect(session, given).adopted) == ["1", "2"]
    assert versions(migrate(session, given)) == ["3", "4"]
    assert told_by_ledger(session) == ["1", "2", "3", "4"]


def test_a_repeatable_migration_that_flyway_ran_is_not_run_again_until_it_changes(session: Session, here: Path) -> None:
    given = flyway(here)
    run_by_tool(session, given, "1", "R__view")
    assert migrate(session, given) == ()
    assert told_by_ledger(session) == ["1", "R__view"]
    changed = flyway(here, R__view="CREATE OR REPLACE VIEW v AS SELECT 2 AS one;\n")
    assert versions(migrate(session, changed)) == ["R__view"]
    assert session.execute("SELECT one FROM v").fetchone() == (2,)


def test_a_repeatable_migration_that_flyway_ran_anew_is_taken_over(session: Session, here: Path) -> None:
    migrate(session, flyway(here))
    changed = flyway(here, R__view="CREATE OR REPLACE VIEW v AS SELECT 2 AS one;\n")
    run_by_tool(session, changed, "R__view")
    plan = inspect(session, changed)
    assert (versions(plan.adopted), plan.pending, plan.problems) == (["R__view"], (), ())
    assert migrate(session, changed) == ()
    assert session.execute("SELECT checksum FROM pgstack.migration WHERE version = 'R__view'").fetchone() == (
        changed.migrations[-1].checksum,
    )
    assert inspect(session, changed).nothing_to_do


def test_a_repeatable_migration_that_flyway_ran_before_it_changed_is_pending(session: Session, here: Path) -> None:
    run_by_tool(session, flyway(here), "1", "R__view")
    changed = flyway(here, R__view="CREATE OR REPLACE VIEW v AS SELECT 2 AS one;\n")
    plan = inspect(session, changed)
    assert (versions(plan.adopted), versions(plan.pending), plan.problems) == (["1"], ["R__view"], ())


# Which format it is


def paired(here: Path, format_name: str | None) -> Folder:
    """Files that soda, golang-migrate and sqlx read alike."""
    write(here, files_of("soda", table_steps(3)), "soda")
    return read_folder(here, format_name)


@pytest.mark.parametrize("format_name", ["golang-migrate", "soda", "sqlx"])
def test_files_that_several_tools_read_are_those_of_the_tool_whose_history_is_there(session: Session, here: Path, format_name: str) -> None:
    run_by_tool(session, paired(here, format_name), "1")
    given = paired(here, None)
    assert (given.format, versions(inspect(session, given).pending)) == ("", ["2", "3"])
    assert versions(migrate(session, given)) == ["2", "3"]
    assert told_by_tool(session, paired(here, format_name)) == ["1", "2", "3"]
    session.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("public", FORMATS[format_name].history.table)))
    assert migrate(session, given) == ()
    assert told_by_tool(session, paired(here, format_name)) == ["1", "2", "3"]


@pytest.mark.parametrize("tools", [[], ["soda", "sqlx"]])
def test_files_that_several_tools_read_are_refused_where_nothing_tells_which(session: Session, here: Path, tools: list[str]) -> None:
    for tool in tools:
        run_by_tool(session, paired(here, tool))
    given = paired(here, None)
    for attempt in (inspect, migrate):
        with pytest.raises(FormatError, match=r"has files that several tools write: golang-migrate, soda, sqlx\.\n.*`format:`"):
            attempt(session, given)
    assert (made(session), has_ledger(session)) == ([], False)


@pytest.mark.parametrize(("before", "after"), [("soda", "golang-migrate"), ("golang-migrate", "sqlx"), ("sqlx", "soda")])
def test_another_tool_whose_files_read_alike_gets_its_history_from_the_ledger(
    session: Session, here: Path, before: str, after: str
) -> None:
    migrate(session, paired(here, before), target="2")
    given = paired(here, after)
    plan = inspect(session, given)
    assert (versions(plan.pending), plan.adopted, plan.problems) == (["3"], (), ())
    assert versions(migrate(session, given)) == ["3"]
    assert (told_by_tool(session, given), told_by_tool(session, paired(here, before))) == (["1", "2", "3"], ["1", "2"])
    assert session.execute("SELECT format FROM pgstack.migration").fetchall() == [(after,)] * 3
    assert inspect(session, given).nothing_to_do


@pytest.mark.parametrize(("theirs", "ours"), [("golang-migrate", "dbmate"), ("dbmate", "golang-migrate")])
def test_a_table_of_another_tool_with_the_name_of_ours_is_refused(session: Session, here: Path, theirs: str, ours: str) -> None:
    run_by_tool(session, four(here, theirs), "1")
    given = four(here, ours)
    for attempt in (inspect, migrate, lambda session, here: upkeep.baseline(session, here, "1")):
        with pytest.raises(MigrationError) as refused:
            attempt(session, given)
        assert Exception.__str__(refused.value) == f"public.schema_migrations is not the table that {ours} keeps, but that of {theirs}."
    assert not has_ledger(session)


@every_format
def test_tables_without_any_record_are_refused(session: Session, here: Path, format_name: str) -> None:
    session.execute("CREATE TABLE somebodys (id int)")
    given = four(here, format_name)
    for attempt in (inspect, migrate):
        with pytest.raises(NotEmptyError) as refused:
            attempt(session, given)
        assert Exception.__str__(refused.value) == (
            f"The database {session.info.dbname} has tables (public.somebodys), but no record of how they were made: "
            f"neither pgstack's ledger nor {format_name}'s table {FORMATS[format_name].history.table}."
        )
    assert (made(session), has_ledger(session)) == (["somebodys"], False)


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("CREATE SCHEMA app; CREATE TABLE app.users (id int)", "app.users"),
        ("CREATE TABLE p (id int) PARTITION BY LIST (id)", "public.p"),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1", "public.m"),
        ("CREATE TABLE schema_migrations (id int)", "public.schema_migrations"),
    ],
)
def test_tables_of_any_kind_and_schema_count(session: Session, here: Path, statement: str, table: str) -> None:
    session.execute(statement.encode())
    with pytest.raises(NotEmptyError, match=re.escape(f"has tables ({table}), but no record")):
        migrate(session, four(here, "soda"))


def test_what_belongs_to_an_extension_or_is_no_table_counts_not(superuser: Login, database: Login, session: Session, here: Path) -> None:
    with superuser.to(database.database).connect() as administrator:
        administrator.execute("CREATE TABLE spatial_ref_sys (id int); ALTER EXTENSION plpgsql ADD TABLE spatial_ref_sys")
    session.execute("CREATE VIEW v AS SELECT 1; CREATE TYPE mood AS ENUM ('ok'); CREATE SEQUENCE s; CREATE TEMP TABLE t (id int)")
    assert versions(migrate(session, four(here, "soda"))) == ["1", "2", "3", "4"]


def test_an_empty_folder_makes_no_record(session: Session, here: Path) -> None:
    assert migrate(session, write(here, {}, "sqlx")) == ()
    here.joinpath("x.txt").write_text("not read")
    assert (inspect(session, read_folder(here)).nothing_to_do, migrate(session, read_folder(here))) == (True, ())
    assert not has_ledger(session)
