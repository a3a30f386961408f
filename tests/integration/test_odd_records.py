"""Records that hold what nobody would write on purpose: versions written otherwise, of other formats, or of no number; tables left
behind; tools that went another way. Each is told or mended, none is guessed at, and no run ends in an error of Python's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from psycopg import sql

from migrator import upkeep
from migrator.apply import inspect, migrate
from migrator.errors import DriftError, MigrationError, MigrationFailed, TargetError
from migrator.formats import FORMATS
from migrator.ledger import Row
from migrator.model import Folder, Migration
from tests.fix_migrations import write
from tests.fix_tools import FORMAT_NAMES, Session, files_of, made, run_by_tool, table_steps, told_by_ledger, undo_by_tool

every_format = pytest.mark.parametrize("format_name", FORMAT_NAMES)
every_literal_one = pytest.mark.parametrize("format_name", [name for name in FORMAT_NAMES if FORMATS[name].history.literal])


def versions(entries: Sequence[Migration] | Sequence[Row]) -> list[str]:
    return [entry.version for entry in entries]


def written(here: Path, format_name: str, count: int, **spellings: str) -> Folder:
    """Files that make a table each; `_2="02"` is how the second one's version is written."""
    files = {}
    for name, text in files_of(format_name, table_steps(count)).items():
        number = name.removeprefix("V").removeprefix("U").split("_")[0]
        files[name.replace(number, spellings.get(f"_{number}", number), 1)] = text
    return write(here, files, format_name)


def without(folder: Folder, here: Path, *versions: str) -> Folder:
    """The same folder without the files of these versions."""
    gone = {Path(script.path).name for one in folder.migrations if one.version in versions for script in (one.up, one.down) if script}
    files = {file.name: file.read_bytes() for file in here.iterdir() if file.name not in gone}
    return write(here, files, folder.format)


def in_history(session: Session, folder: Folder) -> list[str]:
    """The rows of the tool's table, as they stand there."""
    column = "version_id" if folder.format == "goose" else "version"
    table = sql.Identifier("public", FORMATS[folder.format].history.table)
    query = sql.SQL("SELECT {}::text FROM {} ORDER BY 1").format(sql.Identifier(column), table)
    return [version for (version,) in session.execute(query).fetchall() if version != "0"]


# Versions written otherwise


@every_literal_one
def test_a_tool_that_compares_letters_would_run_a_renamed_file_again(session: Session, here: Path, format_name: str) -> None:
    migrate(session, written(here, format_name, 3))
    given = written(here, format_name, 3, _2="02")
    plan = inspect(session, given)
    assert (versions(plan.edited), plan.pending, versions(plan.missing)) == (["02"], (), [])
    with pytest.raises(DriftError, match=r"edited: .*02_step.* is not the file that was applied"):
        migrate(session, given)
    assert upkeep.repair(session, given) == ("02_step: recorded as applied the way its file is now",)
    assert (in_history(session, given), told_by_ledger(session)) == (["02", "1", "3"], ["1", "02", "3"])
    assert (inspect(session, given).nothing_to_do, migrate(session, given)) == (True, ())
    assert versions(migrate(session, given, target="1", allow_rollback=True)) == ["3", "02"]
    assert (in_history(session, given), told_by_ledger(session), made(session)) == (["1"], ["1"], ["t1"])


@every_literal_one
def test_a_renamed_file_that_the_tool_alone_knows_is_not_taken_over(session: Session, here: Path, format_name: str) -> None:
    run_by_tool(session, written(here, format_name, 2), "1", "2")
    given = written(here, format_name, 2, _2="002")
    assert (versions(inspect(session, given).adopted), versions(inspect(session, given).edited)) == (["1"], ["002"])
    upkeep.repair(session, given)
    assert (in_history(session, given), told_by_ledger(session)) == (["002", "1"], ["1", "002"])


@pytest.mark.parametrize("format_name", [name for name in FORMAT_NAMES if not FORMATS[name].history.literal])
def test_to_the_others_a_version_is_a_number(session: Session, here: Path, format_name: str) -> None:
    migrate(session, written(here, format_name, 2))
    given = written(here, format_name, 3, _2="02")
    assert (versions(inspect(session, given).pending), inspect(session, given).problems) == (["3"], ())
    migrate(session, given)
    edited = {file.name: file.read_text().replace("id int", "id bigint") for file in here.iterdir() if "02_" in file.name}
    given = write(here, {**{file.name: file.read_bytes() for file in here.iterdir()}, **edited}, format_name)
    assert upkeep.repair(session, given) == ("02_step: recorded as applied the way its file is now",)
    assert inspect(session, given).nothing_to_do
    assert versions(migrate(session, given, target="1", allow_rollback=True)) == ["3", "02"]
    assert (in_history(session, given), made(session)) == (["1"], ["t1"])


@pytest.mark.parametrize(("recorded", "file"), [("1.0", "1"), ("1", "1.0"), ("01", "1.0.0"), ("1.10", "1.010"), ("10", "010.0")])
def test_flyways_zeros_mean_nothing(session: Session, here: Path, recorded: str, file: str) -> None:
    run_by_tool(session, written(here, "flyway", 1, _1=recorded), recorded)
    given = written(here, "flyway", 1, _1=file)
    assert (migrate(session, given), told_by_ledger(session), in_history(session, given)) == ((), [file], [recorded])
    mended = write(here, {f"V{file}__other.sql": "CREATE TABLE t1 (id bigint);\n", f"U{file}__other.sql": "DROP TABLE t1;\n"}, "flyway")
    upkeep.repair(session, mended)
    assert session.execute("SELECT version, description, script FROM public.flyway_schema_history").fetchall() == [
        (recorded, "other", f"V{file}__other.sql")
    ]
    migrate(session, mended, target="0", allow_rollback=True)
    assert (told_by_ledger(session), in_history(session, given), made(session)) == ([], [], [])


def test_flyways_versions_are_not_mixed_up(session: Session, here: Path) -> None:
    files = {
        f"V{version}__{name}.sql": f"CREATE TABLE {name} ();\n" for name, version in zip("abcd", ["1", "1.1", "10", "11"], strict=True)
    }
    given = write(here, files, "flyway")
    migrate(session, given)
    session.execute(*FORMATS["flyway"].history.forget(given.migrations[2], given.migrations[1]))
    assert in_history(session, given) == ["1", "1.1", "11"]


# Versions that are none


@pytest.mark.parametrize("version", ["abc", "", "1_0", "-1", "1.2"])
@every_literal_one
def test_a_row_that_is_no_version_is_missing_its_file(session: Session, here: Path, format_name: str, version: str) -> None:
    given = written(here, format_name, 2)
    run_by_tool(session, given, "1")
    session.execute(f"INSERT INTO public.{FORMATS[format_name].history.table} VALUES (%s)".encode(), [version])
    assert inspect(session, given).problems == (f"missing: {version}_unknown was applied, its file is gone",)
    with pytest.raises(DriftError):
        migrate(session, given)
    assert upkeep.repair(session, given) == (f"{version}_unknown: forgotten, since its file is gone",)
    assert versions(migrate(session, given)) == ["2"]


def test_versions_of_another_format_can_be_forgotten_or_undone(session: Session, here: Path) -> None:
    """An application left Flyway for a tool whose versions are numbers alone."""
    files = {"V1__a.sql": "CREATE TABLE a ();\n", "V1.2__b.sql": "CREATE TABLE b ();\n", "U1.2__b.sql": "DROP TABLE b;\n"}
    migrate(session, write(here, files, "flyway"))
    for format_name in ("golang-migrate", "sqlx"):
        given = write(here, {"1_a.up.sql": "CREATE TABLE a ();\n"}, format_name)
        assert inspect(session, given).problems == ("missing: 1.2_b was applied, its file is gone",)
    assert upkeep.repair(session, given, dry_run=True) == ("1.2_b: forgotten, since its file is gone",)
    assert versions(migrate(session, given, target="1", allow_rollback=True)) == ["1.2"]
    assert (made(session), told_by_ledger(session), in_history(session, given)) == (["a"], ["1"], ["1"])


def test_versions_of_another_format_can_be_forgotten_in_a_tool_with_one_row(session: Session, here: Path) -> None:
    migrate(session, write(here, {"V1__a.sql": "CREATE TABLE a ();\n", "V1.2__b.sql": "CREATE TABLE b ();\n"}, "flyway"))
    given = write(here, {"1_a.up.sql": "CREATE TABLE a ();\n"}, "golang-migrate")
    assert upkeep.repair(session, given) == ("1.2_b: forgotten, since its file is gone",)
    assert (told_by_ledger(session), in_history(session, given), inspect(session, given).nothing_to_do) == (["1"], ["1"], True)


# Tables left behind


def test_the_table_of_a_tool_that_was_left_is_not_believed(session: Session, here: Path) -> None:
    migrate(session, written(here, "soda", 3))
    migrate(session, written(here, "golang-migrate", 3), target="2", allow_rollback=True)
    given = written(here, "soda", 3)
    for attempt in (inspect, migrate, upkeep.repair):
        with pytest.raises(MigrationError) as refused:
            attempt(session, given)
        assert Exception.__str__(refused.value) == (
            f"The ledger of {session.info.dbname} goes with golang-migrate; the table public.schema_migration of soda is from another "
            "time, and does not tell what was applied or undone since."
        )
    session.execute("DROP TABLE public.schema_migration")
    assert versions(migrate(session, given)) == ["3"]
    assert (in_history(session, given), made(session)) == (["1", "2", "3"], ["t1", "t2", "t3"])


@every_format
def test_an_empty_folder_does_not_hide_what_the_tool_applied(session: Session, here: Path, format_name: str) -> None:
    run_by_tool(session, written(here, format_name, 1), "1")
    given = write(here, {}, format_name)
    assert inspect(session, given).problems == ("missing: 1_unknown was applied, its file is gone",)
    with pytest.raises(DriftError, match="missing: 1_unknown was applied"):
        migrate(session, given)
    assert session.execute("SELECT to_regnamespace('pgstack')").fetchone() == (None,)


def test_an_empty_folder_has_no_target(session: Session, here: Path) -> None:
    with pytest.raises(TargetError, match=r"^There is no migration of the version 3; nothing was run\.\nThere are no files\.$"):
        migrate(session, write(here, {}, "sqlx"), target="3")


@every_format
def test_a_history_made_anew_has_what_is_undone_in_several_rounds(session: Session, here: Path, format_name: str) -> None:
    """What has no file any more is undone by the ledger's word; what goes outside a transaction makes a round of its own."""
    index = ("CREATE INDEX CONCURRENTLY t1_id ON t1 (id);\n", "DROP INDEX CONCURRENTLY t1_id;\n")
    given = write(here, files_of(format_name, [*table_steps(2), index]), format_name)
    migrate(session, given)
    session.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier("public", FORMATS[format_name].history.table)))
    assert versions(migrate(session, without(given, here, "2"), target="1", allow_rollback=True)) == ["3", "2"]
    assert (in_history(session, given), told_by_ledger(session), made(session)) == (["1"], ["1"], ["t1"])


# Tools that went another way


def test_golang_migrate_that_went_back_twice_is_not_sent_forward_by_a_repair(session: Session, here: Path) -> None:
    given = written(here, "golang-migrate", 3)
    migrate(session, given)
    undo_by_tool(session, given, "3")
    undo_by_tool(session, given, "2")
    fewer = without(given, here, "3")
    assert inspect(session, fewer).problems == (
        "missing: 3_step was applied, its file is gone",
        "undone: 2_step was applied, and another tool has undone it since",
        "undone: 3_step was applied, and another tool has undone it since",
    )
    assert upkeep.repair(session, fewer) == (
        "3_step: forgotten, since its file is gone",
        "2_step: forgotten, since another tool has undone it",
    )
    assert (told_by_ledger(session), in_history(session, fewer)) == (["1"], ["1"])
    assert (versions(migrate(session, fewer)), made(session)) == (["2"], ["t1", "t2"])


def test_golang_migrate_that_went_back_to_a_file_it_never_ran_is_put_right(session: Session, here: Path) -> None:
    """It goes back by the files that are there, and one of them came late."""
    three = written(here, "golang-migrate", 3)
    migrate(session, without(three, here, "2"))
    given = written(here, "golang-migrate", 3)
    undo_by_tool(session, given, "3")
    assert in_history(session, given) == ["2"]
    assert [problem.split(":")[0] for problem in inspect(session, given).problems] == ["late", "undone"]
    assert upkeep.repair(session, given) == ("3_step: forgotten, since another tool has undone it",)
    assert (in_history(session, given), told_by_ledger(session)) == (["1"], ["1"])
    assert (versions(migrate(session, given)), made(session)) == (["2", "3"], ["t1", "t2", "t3"])


BASELINE = (
    "INSERT INTO public.flyway_schema_history (installed_rank, version, description, type, script, installed_by, execution_time, success)"
    " VALUES (1, %s, '<< Flyway Baseline >>', %s, '<< Flyway Baseline >>', 'somebody', 0, true)"
)


@pytest.mark.parametrize("kind", ["BASELINE", "INIT"])
@pytest.mark.parametrize("target", [2, 1, 0])
def test_what_a_baseline_counts_as_applied_is_not_so_once_it_is_undone(session: Session, here: Path, kind: str, target: int) -> None:
    given = written(here, "flyway", 3)
    run_by_tool(session, given)
    session.execute("CREATE TABLE t1 (); CREATE TABLE t2 ()")
    session.execute(BASELINE, ["2", kind])
    assert versions(migrate(session, given)) == ["3"]
    migrate(session, given, target=str(target), allow_rollback=True)
    assert in_history(session, given) == ([str(target)] if target else [])
    assert made(session) == [f"t{number}" for number in range(1, target + 1)]
    assert versions(migrate(session, given)) == [str(number) for number in range(target + 1, 4)]
    assert (made(session), inspect(session, given).nothing_to_do) == (["t1", "t2", "t3"], True)


def test_a_baseline_below_what_is_undone_stays(session: Session, here: Path) -> None:
    given = without(written(here, "flyway", 3), here, "1")
    run_by_tool(session, given)
    session.execute(BASELINE, ["1.0", "BASELINE"])
    migrate(session, given)
    migrate(session, given, target="0", allow_rollback=True)
    assert (in_history(session, given), made(session)) == (["1.0"], [])


@pytest.mark.parametrize("format_name", ["flyway", "sqlx"])
def test_a_migration_that_the_tool_undid_and_ran_anew_in_another_edition_is_edited(session: Session, here: Path, format_name: str) -> None:
    given = written(here, format_name, 2)
    migrate(session, given)
    undo_by_tool(session, given, "2")
    other = write(here, files_of(format_name, [table_steps(1)[0], ("CREATE TABLE other ();\n", "DROP TABLE other;\n")]), format_name)
    run_by_tool(session, other, "2")
    for folder in (other, written(here, format_name, 2)):
        assert versions(inspect(session, folder).edited) == ["2"]
        with pytest.raises(DriftError):
            migrate(session, folder)


VIEW = "CREATE OR REPLACE VIEW v AS SELECT {} AS one;\n"


def test_a_repeatable_migration_goes_by_what_flyway_ran_last(session: Session, here: Path) -> None:
    """Somebody's checkout was newer: its view is there, and what we made is not."""
    first = write(here, {"R__view.sql": VIEW.format(1)}, "flyway")
    migrate(session, first)
    run_by_tool(session, write(here, {"R__view.sql": VIEW.format(2)}, "flyway"), "R__view")
    given = write(here, {"R__view.sql": VIEW.format(1)}, "flyway")
    assert versions(inspect(session, given).pending) == versions(migrate(session, given)) == ["R__view"]
    assert session.execute("SELECT one FROM v").fetchone() == (1,)
    assert inspect(session, given).nothing_to_do


def test_a_repeatable_migration_that_flyway_forgot_is_run_again_or_left_alone(session: Session, here: Path) -> None:
    given = write(here, {"R__view.sql": VIEW.format(1), "V1__a.sql": "CREATE TABLE a ();\n"}, "flyway")
    migrate(session, given)
    session.execute("DELETE FROM public.flyway_schema_history WHERE version IS NULL")
    assert versions(inspect(session, given).pending) == ["R__view"]
    assert inspect(session, without(given, here, "R__view")).nothing_to_do


def test_a_history_made_anew_does_not_say_that_a_changed_view_was_made(session: Session, here: Path) -> None:
    migrate(session, write(here, {"R__view.sql": VIEW.format(1)}, "flyway"))
    session.execute("DROP TABLE public.flyway_schema_history")
    given = write(here, {"R__view.sql": VIEW.format(2), "V1__a.sql": "SELECT 1 / 0;\n"}, "flyway")
    with pytest.raises(MigrationFailed):
        migrate(session, given)
    assert in_history(session, given) == []
    assert versions(inspect(session, given).pending) == ["1", "R__view"]


# What is refused leaves no trace


def test_what_cannot_be_undone_is_told_before_anything_is_taken_over(session: Session, here: Path) -> None:
    given = write(here, files_of("goose", [table_steps(1)[0], ("CREATE TABLE t2 ();\n", ""), table_steps(3)[2]]), "goose")
    run_by_tool(session, given, "1", "2", "3")
    with pytest.raises(TargetError, match=r"^2_step cannot be undone"):
        migrate(session, given, target="1", allow_rollback=True)
    assert (made(session), session.execute("SELECT to_regnamespace('pgstack')").fetchone()) == (["t1", "t2", "t3"], (None,))


def test_what_was_begun_and_lost_its_file_is_forgotten_by_a_repair(session: Session, here: Path) -> None:
    broken = "CREATE TABLE a (b int);\nCREATE INDEX CONCURRENTLY a_b ON a (nosuch);\n"
    with pytest.raises(MigrationFailed):
        migrate(session, write(here, {"5_a.sql": broken}, "sqlx"))
    given = write(here, {"6_b.sql": "CREATE TABLE b ();\n"}, "sqlx")
    with pytest.raises(DriftError, match="begun: 5 was cut off outside a transaction"):
        migrate(session, given)
    assert upkeep.repair(session, given) == ("5: no longer taken for begun; what it did outside a transaction stays",)
    assert (versions(migrate(session, given)), made(session)) == (["6"], ["a", "b"])
