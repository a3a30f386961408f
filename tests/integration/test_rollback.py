"""Targets: up to a version and no further, and back below it only where that is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from migrator.apply import inspect, migrate
from migrator.errors import DriftError, MigrationFailed, TargetError
from migrator.events import Direction, Listener
from migrator.model import Folder, Migration
from tests.fix_migrations import write
from tests.fix_tools import FORMAT_NAMES, Session, Step, files_of, made, run_by_tool, table_steps, told_by_ledger, told_by_tool

every_format = pytest.mark.parametrize("format_name", FORMAT_NAMES)


def of_steps(here: Path, steps: list[Step], format_name: str = "soda") -> Folder:
    return write(here, files_of(format_name, steps), format_name)


def versions(migrations: tuple[Migration, ...]) -> list[str]:
    return [migration.version for migration in migrations]


def state(session: Session, folder: Folder) -> tuple[list[str], list[str], list[str]]:
    """The tables, and the versions in both records."""
    return made(session), told_by_ledger(session), told_by_tool(session, folder)


def refused(session: Session, folder: Folder, target: str, *, allow_rollback: bool = True) -> TargetError:
    before = state(session, folder)
    with pytest.raises(TargetError) as caught:
        migrate(session, folder, target=target, allow_rollback=allow_rollback)
    assert state(session, folder) == before
    return caught.value


class Heard(Listener):
    """Keeps what was told."""

    def __init__(self) -> None:
        self.counts: list[int] = []
        self.done: list[tuple[str, Direction]] = []
        self.times: list[float] = []

    def planned(self, count: int) -> None:
        self.counts.append(count)

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        self.done.append((migration.version, direction))
        self.times.append(seconds)


# Up


def test_a_target_is_where_migrating_stops(session: Session, here: Path) -> None:
    given = of_steps(here, table_steps(4))
    assert versions(inspect(session, given, "2").pending) == ["1", "2"]
    assert versions(migrate(session, given, target="2")) == ["1", "2"]
    assert state(session, given) == (["t1", "t2"], ["1", "2"], ["1", "2"])
    assert inspect(session, given, "2").nothing_to_do
    assert migrate(session, given, target="2") == ()
    assert versions(migrate(session, given, target="3")) == ["3"]
    assert versions(migrate(session, given)) == ["4"]


def test_a_file_edited_or_late_above_the_target_is_no_matter_below_it(session: Session, here: Path) -> None:
    migrate(session, of_steps(here, table_steps(2)))
    given = of_steps(here, [*table_steps(2), ("SELECT FROM WHERE", ""), ("CREATE TABLE t4 (id int)", "")])
    assert migrate(session, given, target="2") == ()


def test_a_target_is_known_with_other_leading_zeros(session: Session, here: Path) -> None:
    assert versions(migrate(session, of_steps(here, table_steps(2)), target="001")) == ["1"]


@pytest.mark.parametrize("target", ["5", "newest", "", "1.5", "-1", "R__view"])
def test_an_unknown_target_is_refused(session: Session, here: Path, target: str) -> None:
    given = of_steps(here, table_steps(4))
    migrate(session, given, target="2")
    error = refused(session, given, target)
    assert str(error) == (
        f"There is no migration of the version {target}; nothing was run.\nThe files go from 1 to 4; 0 undoes all of them."
    )
    with pytest.raises(TargetError):
        inspect(session, given, target)


# Down


def test_a_target_below_what_is_applied_is_refused_unless_it_is_allowed(session: Session, here: Path) -> None:
    given = of_steps(here, table_steps(4))
    migrate(session, given)
    assert [row.title for row in inspect(session, given, "2").undo] == ["4_step", "3_step"]
    error = refused(session, given, "2", allow_rollback=False)
    assert Exception.__str__(error) == ("The target version 2 is below what is applied: 4_step, 3_step would be undone. Nothing was run.")


@every_format
def test_what_is_above_the_target_is_undone_newest_first_in_both_records(session: Session, here: Path, format_name: str) -> None:
    given = of_steps(here, table_steps(4), format_name)
    migrate(session, given)
    heard = Heard()
    assert versions(migrate(session, given, heard, target="2", allow_rollback=True)) == ["4", "3"]
    assert state(session, given) == (["t1", "t2"], ["1", "2"], ["1", "2"])
    assert (heard.counts, heard.done, min(heard.times) >= 0) == ([2], [("4", "down"), ("3", "down")], True)
    assert inspect(session, given, "2").nothing_to_do
    assert versions(migrate(session, given, heard)) == ["3", "4"]
    assert heard.done[2:] == [("3", "up"), ("4", "up")]
    assert state(session, given) == (["t1", "t2", "t3", "t4"], ["1", "2", "3", "4"], ["1", "2", "3", "4"])


@every_format
def test_the_target_zero_undoes_everything(session: Session, here: Path, format_name: str) -> None:
    given = of_steps(here, table_steps(3), format_name)
    migrate(session, given)
    assert versions(migrate(session, given, target="0", allow_rollback=True)) == ["3", "2", "1"]
    assert state(session, given) == ([], [], [])
    assert versions(migrate(session, given)) == ["1", "2", "3"]


@every_format
def test_what_the_tool_applied_is_undone_too(session: Session, here: Path, format_name: str) -> None:
    given = of_steps(here, table_steps(3), format_name)
    run_by_tool(session, given, "1", "2", "3")
    assert versions(migrate(session, given, target="1", allow_rollback=True)) == ["3", "2"]
    assert state(session, given) == (["t1"], ["1"], ["1"])


def test_what_a_down_script_leaves_behind_in_its_session_does_not_reach_the_next(session: Session, here: Path) -> None:
    steps = [("CREATE TABLE t1 (id int);", "DROP TABLE t1;"), ("CREATE TABLE t2 (id int);", "DROP TABLE public.t2; SET search_path = '';")]
    given = of_steps(here, steps)
    migrate(session, given)
    assert versions(migrate(session, given, target="0", allow_rollback=True)) == ["2", "1"]


def test_a_file_that_is_gone_is_undone_by_what_the_ledger_kept(session: Session, here: Path) -> None:
    migrate(session, of_steps(here, table_steps(4)))
    given = of_steps(here, table_steps(2))
    with pytest.raises(DriftError, match="missing: 3_step was applied"):
        migrate(session, given)
    assert versions(migrate(session, given, target="2", allow_rollback=True)) == ["4", "3"]
    assert state(session, given) == (["t1", "t2"], ["1", "2"], ["1", "2"])


def test_an_edited_file_is_undone_by_what_the_ledger_kept(session: Session, here: Path) -> None:
    """The file's down script undoes what its up script is now, not what was applied."""
    migrate(session, of_steps(here, table_steps(2)))
    given = of_steps(here, [*table_steps(1), ("CREATE TABLE other (id int);\n", "DROP TABLE other;\n")])
    assert versions(migrate(session, given, target="1", allow_rollback=True)) == ["2"]
    assert state(session, given) == (["t1"], ["1"], ["1"])


def test_a_down_script_may_be_mended_after_the_migration_was_applied(session: Session, here: Path) -> None:
    (up, _), *_ = steps = table_steps(1)
    migrate(session, of_steps(here, [(up, "DROP TABLE nosuch;\n")]))
    assert versions(migrate(session, of_steps(here, steps), target="0", allow_rollback=True)) == ["1"]


def test_a_drifted_migration_that_stays_stops_the_way_down_too(session: Session, here: Path) -> None:
    migrate(session, of_steps(here, table_steps(3)))
    given = of_steps(here, [("SELECT 'edited';\n", ""), *table_steps(3)[1:]])
    with pytest.raises(DriftError, match=r"edited: .*1_step\.up\.sql"):
        migrate(session, given, target="2", allow_rollback=True)
    assert made(session) == ["t1", "t2", "t3"]


@pytest.mark.parametrize("format_name", sorted(set(FORMAT_NAMES) - {"dbmate"}))
def test_a_migration_that_nothing_undoes_is_refused_before_anything_is_run(session: Session, here: Path, format_name: str) -> None:
    steps = table_steps(3)
    given = of_steps(here, [steps[0], (steps[1][0], ""), steps[2]], format_name)
    migrate(session, given)
    error = refused(session, given, "1")
    assert str(error) == (
        "2_step cannot be undone: it has no down migration, neither in its file nor in the ledger. Nothing was run.\n"
        "Write one, or put what undoes it into a new migration."
    )
    assert versions(migrate(session, given, target="2", allow_rollback=True)) == ["3"]


def test_a_down_script_that_fails_says_where_and_stays_applied(session: Session, here: Path) -> None:
    steps = table_steps(3)
    given = of_steps(here, [steps[0], (steps[1][0], "-- ü\nDROP TABLE t2;\nDROP TABLE nosuch;\n"), steps[2]])
    migrate(session, given)
    with pytest.raises(MigrationFailed) as caught:
        migrate(session, given, target="0", allow_rollback=True)
    failed = caught.value
    path = f"{here}/2_step.down.sql"
    assert (failed.path, failed.line, failed.sqlstate, failed.applied) == (path, 3, "42P01", ("3",))
    assert Exception.__str__(failed) == (
        f'{path}:3: table "nosuch" does not exist (SQLSTATE 42P01)\n'
        "  statement: DROP TABLE nosuch\n"
        "The migration was rolled back; 1 before it were undone and stay, 1 after it were not run."
    )
    assert state(session, given) == (["t1", "t2"], ["1", "2"], ["1", "2"])


def test_a_down_script_of_the_ledger_that_fails_says_whose_it_is(session: Session, here: Path) -> None:
    (up, _), *_ = table_steps(1)
    migrate(session, of_steps(here, [(up, "\nDROP TABLE nosuch;\n")]))
    with pytest.raises(MigrationFailed, match=r"^the ledger's down SQL of 1_step:2: table \"nosuch\" does not exist"):
        migrate(session, of_steps(here, []), target="0", allow_rollback=True)


def test_a_down_script_outside_a_transaction_is_run_statement_by_statement(session: Session, here: Path) -> None:
    steps = table_steps(1)
    index = ("CREATE INDEX i ON t1 (id);\n", "DROP INDEX CONCURRENTLY i;\nVACUUM t1;\n")
    given = of_steps(here, [*steps, index])
    migrate(session, given)
    assert versions(migrate(session, given, target="1", allow_rollback=True)) == ["2"]
    assert session.execute("SELECT to_regclass('i'), count(*) FROM pgstack.step").fetchone() == (None, 0)
    assert state(session, given) == (["t1"], ["1"], ["1"])


# Versions and repeatables of Flyway

VIEW = "CREATE OR REPLACE VIEW v AS SELECT {} AS one;\n"


def flyway(here: Path, **repeatables: str) -> Folder:
    versioned = {"V1__a.sql": "CREATE TABLE a (id int);\n", "V1.9__b.sql": "SELECT 1;\n", "V1_10__c.sql": "CREATE TABLE c (id int);\n"}
    undo = {"U1_10__c.sql": "DROP TABLE c;\n"}
    return write(here, {**versioned, **undo, **{f"R__{name}.sql": text for name, text in repeatables.items()}}, "flyway")


def test_repeatable_migrations_run_after_all_others_when_they_are_new_or_changed(session: Session, here: Path) -> None:
    given = flyway(here, b="SELECT * FROM c;\n", a=VIEW.format(1))
    assert versions(migrate(session, given)) == ["1", "1.9", "1.10", "R__a", "R__b"]
    assert (migrate(session, given), inspect(session, given).nothing_to_do) == ((), True)
    changed = flyway(here, b="SELECT * FROM c;\n", a=VIEW.format(2))
    assert versions(inspect(session, changed).pending) == ["R__a"]
    assert versions(migrate(session, changed)) == ["R__a"]
    assert session.execute("SELECT one FROM v").fetchone() == (2,)
    assert migrate(session, changed) == ()
    rows = session.execute(
        "SELECT installed_rank, version, script, success FROM public.flyway_schema_history ORDER BY installed_rank"
    ).fetchall()
    assert rows == [
        (1, "1", "V1__a.sql", True),
        (2, "1.9", "V1.9__b.sql", True),
        (3, "1.10", "V1_10__c.sql", True),
        (4, None, "R__a.sql", True),
        (5, None, "R__b.sql", True),
        (6, None, "R__a.sql", True),
    ]
    assert told_by_ledger(session) == ["1", "1.9", "1.10", "R__a", "R__b"]


def test_a_repeatable_migration_without_its_file_is_left_alone(session: Session, here: Path) -> None:
    migrate(session, flyway(here, a=VIEW.format(1)))
    given = flyway(here)
    assert (inspect(session, given).problems, migrate(session, given)) == ((), ())


def test_the_way_down_leaves_repeatable_migrations_alone(session: Session, here: Path) -> None:
    migrate(session, flyway(here, a=VIEW.format(1)))
    changed = flyway(here, a=VIEW.format(2))
    assert versions(migrate(session, changed, target="1.9", allow_rollback=True)) == ["1.10"]
    assert session.execute("SELECT one FROM v").fetchone() == (1,)
    assert versions(migrate(session, changed, target="1.10")) == ["1.10", "R__a"]
    assert told_by_tool(session, changed) == told_by_ledger(session) == ["1", "1.9", "1.10", "R__a"]


def test_a_broken_repeatable_migration_stays_pending(session: Session, here: Path) -> None:
    with pytest.raises(MigrationFailed) as caught:
        migrate(session, flyway(here, a="SELECT nosuch;\n"))
    assert (caught.value.applied, told_by_ledger(session)) == (("1", "1.9", "1.10"), ["1", "1.9", "1.10"])
    assert versions(migrate(session, flyway(here, a=VIEW.format(1)))) == ["R__a"]
