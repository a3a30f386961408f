"""What a person does to the records by hand: baseline, repair, force. The schema stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator import upkeep
from migrator.apply import inspect, migrate
from migrator.discovery import read_folder
from migrator.errors import DriftError, FormatError, MigrationError, MigrationFailed, NotEmptyError, TargetError
from migrator.model import Folder, Migration
from postgres.login import Login
from tests.fix_migrations import dump, write
from tests.fix_tools import FORMAT_NAMES, Session, files_of, made, run_by_tool, table_steps, told_by_ledger, told_by_tool

every_format = pytest.mark.parametrize("format_name", FORMAT_NAMES)

EDITED = "CREATE TABLE t2 (id bigint);\n"


def of_steps(here: Path, count: int, format_name: str = "soda", **edited: str) -> Folder:
    """Migrations that make a table each; `t2="…"` is what the second one says instead."""
    steps = [(edited.get(f"t{number}", up), down) for number, (up, down) in enumerate(table_steps(count), start=1)]
    return write(here, files_of(format_name, steps), format_name)


def versions(migrations: tuple[Migration, ...]) -> list[str]:
    return [migration.version for migration in migrations]


# Baseline


@every_format
def test_a_baseline_records_what_is_there_and_runs_nothing(session: Session, database: Login, here: Path, format_name: str) -> None:
    given = of_steps(here, 3, format_name)
    session.execute("CREATE TABLE t1 (id int); CREATE TABLE t2 (id int)")
    before = dump(database, "--schema=public", "--table=t*")
    with pytest.raises(NotEmptyError, match=r"`ops migrate baseline VERSION`"):
        migrate(session, given)
    assert versions(upkeep.baseline(session, given, "2")) == ["1", "2"]
    assert dump(database, "--schema=public", "--table=t*") == before
    assert (told_by_ledger(session), told_by_tool(session, given)) == (["1", "2"], ["1", "2"])
    assert session.execute("SELECT count(*) FROM pgstack.migration WHERE duration IS NULL").fetchone() == (2,)
    assert versions(migrate(session, given)) == ["3"]
    assert told_by_tool(session, given) == told_by_ledger(session) == ["1", "2", "3"]


def test_a_baseline_leaves_repeatable_migrations_pending(session: Session, here: Path) -> None:
    files = {"V1__a.sql": "CREATE TABLE a (id int);\n", "R__view.sql": "CREATE VIEW v AS SELECT 1 AS one;\n"}
    given = write(here, files, "flyway")
    session.execute("CREATE TABLE a (id int)")
    assert versions(upkeep.baseline(session, given, "1")) == ["1"]
    assert versions(migrate(session, given)) == ["R__view"]


def test_a_baseline_goes_on_from_what_the_tool_recorded(session: Session, here: Path) -> None:
    given = of_steps(here, 3)
    run_by_tool(session, given, "1")
    session.execute("CREATE TABLE t2 (id int)")
    assert versions(upkeep.baseline(session, given, "2")) == ["1", "2"]
    assert versions(migrate(session, given)) == ["3"]
    assert told_by_tool(session, given) == ["1", "2", "3"]


@pytest.mark.parametrize("version", ["9", "", "R__view"])
def test_a_baseline_at_an_unknown_version_is_refused(session: Session, here: Path, version: str) -> None:
    with pytest.raises(TargetError) as caught:
        upkeep.baseline(session, of_steps(here, 3), version)
    assert str(caught.value) == f"There is no migration of the version {version} in {here}.\nThey go from 1 to 3."
    assert session.execute("SELECT to_regnamespace('pgstack')").fetchone() == (None,)


def test_a_baseline_of_an_empty_folder_is_refused(session: Session, here: Path) -> None:
    with pytest.raises(TargetError, match=r"^There is no migration of the version 1 in [^\n]*\.$"):
        upkeep.baseline(session, write(here, {}, "sqlx"), "1")


def test_a_baseline_of_files_that_several_tools_read_is_refused(session: Session, here: Path) -> None:
    of_steps(here, 3)
    with pytest.raises(FormatError, match=r"has files that several tools write: golang-migrate, soda, sqlx"):
        upkeep.baseline(session, read_folder(here), "1")


def test_a_baseline_over_a_ledger_is_refused(session: Session, here: Path) -> None:
    given = of_steps(here, 3)
    migrate(session, given, target="1")
    with pytest.raises(MigrationError) as caught:
        upkeep.baseline(session, given, "2")
    assert str(caught.value) == (
        f"The database {session.info.dbname} has a record of its migrations already.\n"
        "`ops migrate status` shows it, `ops migrate repair` makes it fit the files."
    )
    assert told_by_ledger(session) == ["1"]


# Repair


def test_nothing_is_repaired_where_everything_fits(session: Session, here: Path) -> None:
    given = of_steps(here, 2)
    assert upkeep.repair(session, given) == ()
    assert session.execute("SELECT to_regnamespace('pgstack')").fetchone() == (None,)
    migrate(session, given)
    assert upkeep.repair(session, given) == ()
    assert upkeep.repair(session, write(here, {}, "soda"), dry_run=True) == (
        "1_step: forgotten, since its file is gone",
        "2_step: forgotten, since its file is gone",
    )


@every_format
def test_an_edited_file_is_recorded_the_way_it_is_now(session: Session, database: Login, here: Path, format_name: str) -> None:
    migrate(session, of_steps(here, 3, format_name))
    before = dump(database)
    given = of_steps(here, 3, format_name, t2=EDITED)
    said = ("2_step: recorded as applied the way its file is now",)
    assert upkeep.repair(session, given, dry_run=True) == said
    assert [migration.version for migration in inspect(session, given).edited] == ["2"]
    assert upkeep.repair(session, given) == said
    plan = inspect(session, given)
    assert (plan.nothing_to_do, plan.warnings, migrate(session, given)) == (True, (), ())
    assert told_by_tool(session, given) == ["1", "2", "3"]
    assert dump(database) == before


@pytest.mark.parametrize("format_name", ["flyway", "sqlx"])
def test_a_file_edited_since_the_tool_ran_it_is_taken_over_the_way_it_is_now(session: Session, here: Path, format_name: str) -> None:
    run_by_tool(session, of_steps(here, 3, format_name), "1", "2")
    given = of_steps(here, 3, format_name, t2=EDITED)
    assert upkeep.repair(session, given) == ("2_step: recorded as applied the way its file is now",)
    assert (told_by_ledger(session), inspect(session, given).problems) == (["1", "2"], ())
    assert versions(migrate(session, given)) == ["3"]


@every_format
def test_a_migration_without_its_file_is_forgotten(session: Session, database: Login, here: Path, format_name: str) -> None:
    migrate(session, of_steps(here, 4, format_name))
    before = dump(database)
    given = of_steps(here, 2, format_name)
    assert upkeep.repair(session, given) == ("3_step: forgotten, since its file is gone", "4_step: forgotten, since its file is gone")
    assert (told_by_ledger(session), told_by_tool(session, given)) == (["1", "2"], ["1", "2"])
    assert (migrate(session, given), inspect(session, given).nothing_to_do) == ((), True)
    assert dump(database) == before


@every_format
def test_a_migration_without_its_file_below_others_is_forgotten(session: Session, here: Path, format_name: str) -> None:
    files = files_of(format_name, table_steps(3))
    migrate(session, write(here, files, format_name))
    given = write(here, {name: text for name, text in files.items() if "2" not in name}, format_name)
    assert upkeep.repair(session, given) == ("2_step: forgotten, since its file is gone",)
    assert (told_by_ledger(session), told_by_tool(session, given)) == (["1", "3"], ["1", "3"])
    assert inspect(session, given).nothing_to_do


def test_what_the_tool_applied_without_a_file_is_forgotten(session: Session, here: Path) -> None:
    run_by_tool(session, of_steps(here, 3), "1", "2", "3")
    given = of_steps(here, 2)
    assert upkeep.repair(session, given) == ("3_unknown: forgotten, since its file is gone",)
    assert (told_by_ledger(session), told_by_tool(session, given)) == (["1", "2"], ["1", "2"])


def test_what_has_neither_file_nor_a_row_of_the_tool_is_forgotten_once(session: Session, here: Path) -> None:
    migrate(session, of_steps(here, 3))
    session.execute("DELETE FROM public.schema_migration WHERE version = '3'")
    given = of_steps(here, 2)
    assert upkeep.repair(session, given) == ("3_step: forgotten, since its file is gone",)
    assert inspect(session, given).nothing_to_do


def test_a_late_migration_is_no_matter_of_the_records(session: Session, here: Path) -> None:
    files = files_of("soda", table_steps(3))
    migrate(session, write(here, {name: text for name, text in files.items() if "2" not in name}, "soda"))
    given = write(here, files, "soda")
    assert upkeep.repair(session, given) == ()
    with pytest.raises(DriftError, match="late: "):
        migrate(session, given)


def test_all_kinds_of_drift_are_repaired_together(session: Session, here: Path) -> None:
    migrate(session, of_steps(here, 5))
    session.execute("DELETE FROM public.schema_migration WHERE version = '5'")
    files = files_of("soda", [table_steps(1)[0], (EDITED, "DROP TABLE t2;\n"), *table_steps(5)[2:]])
    given = write(here, {name: text for name, text in files.items() if "4" not in name}, "soda")
    assert upkeep.repair(session, given) == (
        "2_step: recorded as applied the way its file is now",
        "4_step: forgotten, since its file is gone",
        "5_step: forgotten, since another tool has undone it",
    )
    plan = inspect(session, given)
    assert (versions(plan.pending), plan.problems, told_by_tool(session, given)) == (["5"], (), ["1", "2", "3"])


def test_what_a_repair_recorded_is_undone_by_the_file_as_it_is_now(session: Session, here: Path) -> None:
    migrate(session, of_steps(here, 1))
    given = write(here, files_of("soda", [("-- mended\nCREATE TABLE t1 (id int);\n", "-- mended\nDROP TABLE t1;\n")]), "soda")
    upkeep.repair(session, given)
    assert session.execute("SELECT down_sql FROM pgstack.migration").fetchall() == [("-- mended\nDROP TABLE t1;\n",)]
    assert versions(migrate(session, write(here, {}, "soda"), target="0", allow_rollback=True)) == ["1"]
    assert made(session) == []


# Force


def cut_off(session: Session, here: Path) -> Folder:
    """A migration outside a transaction that was cut off at its second statement."""
    given = write(here, {"1_a.sql": "-- no-transaction\nCREATE TABLE a (n int);\nCALL fill();\nINSERT INTO a VALUES (9);\n"}, "sqlx")
    session.execute("CREATE PROCEDURE fill() LANGUAGE plpgsql AS 'BEGIN INSERT INTO a VALUES (1); END'")
    broken = write(here, {"1_a.sql": "-- no-transaction\nCREATE TABLE a (n int);\nCALL fill();\nSELECT 1 / 0;\n"}, "sqlx")
    with pytest.raises(MigrationFailed, match="division by zero"):
        migrate(session, broken)
    session.execute("UPDATE pgstack.step SET state = 'running' WHERE position = 1; DELETE FROM pgstack.step WHERE position = 2")
    write(here, {"1_a.sql": given.migrations[0].up.raw}, "sqlx")
    return given


@pytest.mark.parametrize(("done", "rows"), [(True, [(1,), (9,)]), (False, [(1,), (1,), (9,)])])
def test_what_a_person_found_out_decides_how_it_goes_on(session: Session, here: Path, *, done: bool, rows: list[tuple[int]]) -> None:
    given = cut_off(session, here)
    with pytest.raises(MigrationFailed, match=r"`ops migrate force 1 --done`, or `--again`"):
        migrate(session, given)
    upkeep.force(session, "1", done=done)
    assert versions(migrate(session, given)) == ["1"]
    assert session.execute("SELECT n FROM a ORDER BY 1").fetchall() == rows


@pytest.mark.parametrize("prepared", [False, True])
def test_what_was_not_cut_off_cannot_be_forced(session: Session, here: Path, *, prepared: bool) -> None:
    cut = "None was."
    if prepared:
        cut_off(session, here)
        cut = "These were: 1."
    with pytest.raises(TargetError) as caught:
        upkeep.force(session, "7", done=True)
    assert str(caught.value) == f"The migration 7 was not cut off at a statement that nobody knows the end of. {cut}"
