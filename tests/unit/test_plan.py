from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrator.errors import DriftError
from migrator.ledger import Row
from migrator.model import Migration, Script
from migrator.plan import Plan, compare


def migration(order: int, content: str = "same") -> Migration:
    return Migration(str(order), order, "step", Script(f"m/{order}_step.sql", content.encode()))


def row(order: int) -> Row:
    return Row(str(order), "step", migration(order).checksum)


VERSIONS = st.sets(st.integers(0, 30))


@given(VERSIONS, VERSIONS, VERSIONS)
def test_every_version_is_put_where_it_belongs(files: set[int], ledger: set[int], edited: set[int]) -> None:
    plan = compare(
        [migration(order, "other" if order in edited else "same") for order in sorted(files)], [row(order) for order in sorted(ledger)]
    )
    newest = max(ledger, default=-1)
    assert [m.order for m in plan.pending] == sorted(order for order in files - ledger if order > newest)
    assert [m.order for m in plan.late] == sorted(order for order in files - ledger if order < newest)
    assert [m.order for m in plan.edited] == sorted(files & ledger & edited)
    assert [r.order for r in plan.missing] == sorted(ledger - files)


@given(VERSIONS, VERSIONS)
def test_nothing_is_left_out_and_nothing_counted_twice(files: set[int], ledger: set[int]) -> None:
    plan = compare([migration(order) for order in sorted(files)], [row(order) for order in sorted(ledger)])
    named = [entry.order for part in (plan.pending, plan.edited, plan.missing, plan.late) for entry in part]
    assert sorted(named) == sorted(files ^ ledger)


@given(VERSIONS)
def test_after_everything_was_applied_there_is_nothing_to_do(files: set[int]) -> None:
    plan = compare([migration(order) for order in sorted(files)], [row(order) for order in sorted(files)])
    assert plan == Plan((), (), (), ())
    plan.refuse_drift()


def test_a_version_is_the_same_with_and_without_leading_zeros() -> None:
    written = Migration("001", 1, "step", Script("m/001_step.sql", b"same"))
    assert compare([written], [row(1)]) == Plan((), (), (), ())


def test_pending_migrations_alone_are_no_drift() -> None:
    plan = compare([migration(1), migration(2)], [row(1)])
    assert (plan.pending, plan.problems) == ((migration(2),), ())
    plan.refuse_drift()


def test_drift_names_every_file_and_the_three_ways_out() -> None:
    plan = compare([migration(1, "other"), migration(2), migration(5)], [row(1), row(3), row(4)])
    lines = (
        "edited: m/1_step.sql is not the file that was applied",
        "missing: 3_step was applied, its file is gone",
        "missing: 4_step was applied, its file is gone",
        "late: m/2_step.sql is older than the newest that was applied",
    )
    assert plan.problems == lines
    with pytest.raises(DriftError) as caught:
        plan.refuse_drift()
    assert str(caught.value).splitlines() == [
        "The migrations are not the ones that were applied; nothing was run.",
        *(f"  {line}" for line in lines),
        "Three ways out:",
        "  - bring the file back as it was (git shows it) and put the change into a new migration;",
        "  - give a late migration a version after the newest, so that it is run next;",
        "  - on a database that can be made anew, drop it and run `pulumi up` again.",
    ]
