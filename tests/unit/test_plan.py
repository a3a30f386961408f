from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.errors import DriftError, TargetError
from migrator.formats.base import Applied
from migrator.ledger import Row
from migrator.model import Migration, Script
from migrator.plan import Plan, Records, compare, unfit


def migration(version: int | str, content: str = "same", name: str = "step") -> Migration:
    return Migration(str(version), name, Script.of(f"m/{version}_step.sql", content.encode()))


def row(version: int | str) -> Row:
    return Row(str(version), "step", migration(version).checksum)


def files(versions: set[int], edited: Collection[int] = ()) -> list[Migration]:
    return [migration(version, "other" if version in edited else "same") for version in sorted(versions)]


def rows(versions: set[int]) -> tuple[Row, ...]:
    return tuple(row(version) for version in sorted(versions))


def applied(versions: set[int]) -> tuple[Applied, ...]:
    return tuple(Applied(str(version)) for version in sorted(versions))


def no_checksums(_migration: Migration) -> tuple[bytes, ...]:
    return ()


def numbers(entries: tuple[Migration, ...] | tuple[Row, ...]) -> list[int]:
    return [int(entry.version) for entry in entries]


VERSIONS = st.sets(st.integers(1, 20))


# Where everything belongs


@given(VERSIONS, st.none() | VERSIONS, st.none() | VERSIONS, VERSIONS, st.data())
def test_every_version_is_put_where_it_belongs(
    there: set[int], ledger: set[int] | None, history: set[int] | None, edited: set[int], data: st.DataObject
) -> None:
    known = (ledger or set()) | (history or set())
    target = data.draw(st.none() | st.sampled_from(sorted({0} | there | known)))
    goal, newest = 99 if target is None else target, max(known, default=0)
    records = Records(None if ledger is None else rows(ledger), None if history is None else applied(history))
    plan = compare(files(there, edited), records, no_checksums, None if target is None else str(target))
    assert numbers(plan.pending) == sorted(version for version in there - known if newest < version <= goal)
    assert numbers(plan.late) == sorted(version for version in there - known if version < newest and version <= goal)
    assert numbers(plan.undo) == sorted((version for version in known if version > goal), reverse=True)
    assert numbers(plan.adopted) == sorted(there & (known - (ledger or set())))
    assert numbers(plan.edited) == sorted(version for version in there & (ledger or set()) & edited if version <= goal)
    assert numbers(plan.missing) == sorted(version for version in known - there if version <= goal)
    assert numbers(plan.undone) == sorted((ledger or set()) - history if history is not None else set())
    assert numbers(plan.applied) == sorted(known)


@given(VERSIONS, VERSIONS, st.none() | st.integers(1, 20))
def test_a_tool_that_keeps_the_newest_alone_says_nothing_of_those_below(there: set[int], ledger: set[int], newest: int | None) -> None:
    told = set() if newest is None else {version for version in there if version <= newest} | {newest}
    plan = compare(files(there), Records(rows(ledger), applied(told), keeps_each=False), no_checksums)
    top = max(ledger, default=0)
    more = {version for version in told if version > top}
    last = max(ledger | more, default=0)
    assert numbers(plan.adopted) == sorted(more & there)
    assert numbers(plan.late) == sorted(version for version in there - ledger - more if version < last)
    assert numbers(plan.pending) == sorted(version for version in there - ledger - more if version > last)
    assert numbers(plan.undone) == sorted(version for version in ledger if version > (newest or 0))


@given(VERSIONS, VERSIONS, VERSIONS)
def test_what_is_done_leaves_nothing_to_do(there: set[int], ledger: set[int], history: set[int]) -> None:
    plan = compare(files(there), Records(rows(ledger), applied(ledger | history)), no_checksums)
    done = {int(entry.version) for part in (plan.applied, plan.pending) for entry in part}
    after = compare(files(there), Records(rows(done), applied(done)), no_checksums)
    assert (after.pending, after.undo, after.adopted) == ((), (), ())
    assert after.problems == tuple(line.replace("unknown", "step") for line in plan.problems)
    assert after.nothing_to_do is not bool(plan.problems)


@given(VERSIONS, VERSIONS)
def test_a_rollback_and_a_run_go_to_the_same_place(there: set[int], ledger: set[int]) -> None:
    for target in sorted(there):
        plan = compare(files(there), Records(rows(ledger), applied(ledger)), no_checksums, str(target))
        left = (ledger - set(numbers(plan.undo))) | set(numbers(plan.pending))
        assert left == {version for version in ledger if version <= target} | {
            version for version in there if max(ledger, default=0) < version <= target
        }


@given(VERSIONS)
def test_the_usual_case_is_the_same_the_quick_way(versions: set[int]) -> None:
    records = Records(rows(versions), applied(versions))
    quick = compare(files(versions), records, no_checksums)
    thorough = compare(files(versions), records, no_checksums, str(max(versions, default=0)))
    assert quick == thorough == Plan(applied=rows(versions))


def test_a_version_is_the_same_with_and_without_leading_zeros() -> None:
    plan = compare([migration("001")], Records((row("1"),), (Applied("01"),)), no_checksums)
    assert (plan.nothing_to_do, plan.applied) == (True, (row("1"),))


# Checksums of a tool


def of_content(one: Migration) -> tuple[bytes, ...]:
    return (one.up.raw, one.up.raw.upper())


def test_a_file_that_is_not_the_one_the_tool_ran_is_edited_and_not_taken_over() -> None:
    history = (Applied("1", b"same"), Applied("2", b"SAME"), Applied("3", b"another"), Applied("4"))
    there = files({1, 2, 3, 4})
    plan = compare(there, Records(None, history), of_content)
    assert (numbers(plan.adopted), numbers(plan.edited)) == ([1, 2, 4], [3])
    assert plan.problems == ("edited: m/3_step.sql is not the file that was applied",)
    assert unfit(there, history, of_content) == (there[1],)


def test_a_file_that_the_tool_ran_anew_with_other_content_is_edited() -> None:
    """It undid the migration and applied it again since the ledger heard of it: the schema is what its history says."""
    plan = compare(files({1, 2}), Records(rows({1, 2}), (Applied("1", b"another"), Applied("2", b"SAME"))), of_content)
    assert (numbers(plan.edited), plan.adopted, plan.pending) == ([1], (), ())


# Repeatable migrations


def view(content: str = "same") -> Migration:
    return migration("R__view", content, "view")


@pytest.mark.parametrize(
    ("ledger", "history", "pending", "adopted"),
    [
        ((), None, True, False),
        ((row("R__view"),), (Applied("R__view", b"same"),), False, False),
        ((row("R__view"),), None, False, False),
        ((row("R__view"),), (Applied("R__view", b"old"),), True, False),
        ((row("R__view"),), (), True, False),
        ((Row("R__view", "view", "old"),), (Applied("R__view", b"old"),), True, False),
        ((), (Applied("R__view", b"same"),), False, True),
        ((), (Applied("R__view", b"old"),), True, False),
        ((Row("R__view", "view", "old"),), (Applied("R__view", b"same"),), False, True),
    ],
)
def test_a_repeatable_migration_is_pending_until_its_file_was_run(
    *, ledger: tuple[Row, ...], history: tuple[Applied, ...] | None, pending: bool, adopted: bool
) -> None:
    plan = compare([view()], Records(ledger, history), of_content)
    assert (plan.pending, plan.adopted, plan.problems) == ((view(),) if pending else (), (view(),) if adopted else (), ())


def test_repeatable_migrations_come_last_and_are_neither_late_nor_missing_nor_undone_by_a_target() -> None:
    records = Records((row(1), row(5), Row("R__gone", "gone", "x")), None)
    there = [migration(1), migration(5), migration(7), view()]
    plan = compare(there, records, no_checksums)
    assert (plan.pending, plan.problems) == ((there[2], there[3]), ())
    down = compare(there, records, no_checksums, "1")
    assert (down.pending, down.undo, down.problems) == ((), (row(5),), ())


# Targets


@pytest.mark.parametrize("target", ["4", "x", "", "R__view", "1.1", "²"])
def test_an_unknown_target_is_refused(target: str) -> None:
    with pytest.raises(TargetError) as caught:
        compare([*files({1, 3}), view()], Records((), None), no_checksums, target)
    assert str(caught.value) == (
        f"There is no migration of the version {target}; nothing was run.\nThe files go from 1 to 3; 0 undoes all of them."
    )


def test_without_files_there_is_no_target_but_zero() -> None:
    with pytest.raises(TargetError, match=r"There are no files\.$"):
        compare([], Records((), None), no_checksums, "1")
    assert compare([], Records(rows({1, 2}), None), no_checksums, "0").undo == (row(2), row(1))


# What is in the way


def test_pending_migrations_alone_are_no_drift() -> None:
    plan = compare(files({1, 2}), Records(rows({1}), applied({1})), no_checksums)
    assert (numbers(plan.pending), plan.problems, plan.nothing_to_do) == ([2], (), False)
    plan.refuse_drift()


def test_drift_names_every_file_and_the_three_ways_out() -> None:
    plan = compare(
        [migration(1, "other"), migration(2), migration(5), migration(6)],
        Records((row(1), row(3), row(4), row(6)), applied({1, 3, 4})),
        no_checksums,
    ).with_begun(("7",))
    lines = (
        "edited: m/1_step.sql is not the file that was applied",
        "missing: 3_step was applied, its file is gone",
        "missing: 4_step was applied, its file is gone",
        "late: m/2_step.sql is older than the newest that was applied",
        "late: m/5_step.sql is older than the newest that was applied",
        "undone: 6_step was applied, and another tool has undone it since",
        "begun: 7 was cut off outside a transaction, and is not among what is to be run",
    )
    assert (plan.problems, plan.nothing_to_do) == (lines, False)
    with pytest.raises(DriftError) as caught:
        plan.refuse_drift()
    assert str(caught.value).splitlines() == [
        "The migrations are not the ones that were applied; nothing was run.",
        *(f"  {line}" for line in lines),
        "Three ways out:",
        "  - bring the file back as it was (git shows it), and put the change into a new migration; give a late one a version after the",
        "    newest, so that it is run next;",
        "  - where the database is right and its record is not, `ops migrate repair` makes the record fit the files;",
        "  - on a database that can be made anew, drop it and run `pulumi up` again.",
    ]


def test_what_was_begun_and_is_to_be_gone_on_with_is_in_nobodys_way() -> None:
    plan = Plan(pending=(migration(3),), undo=(row(2),)).with_begun(("2", "3", "4"))
    assert plan.begun == ("4",)


def test_other_line_ends_are_a_warning() -> None:
    plan = replace(Plan(), unfit=(migration(1),))
    assert (plan.nothing_to_do, plan.problems, len(plan.warnings)) == (True, (), 1)
    assert plan.warnings[0].startswith("line ends: m/1_step.sql has others than the file that was recorded;")
