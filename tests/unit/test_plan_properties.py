"""What a comparison of files and records puts where, whatever they hold: nothing is lost, nothing is told twice, and doing what it
says leaves nothing to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from migrator.errors import TargetError
from migrator.formats.base import Applied
from migrator.ledger import Row
from migrator.model import Migration, Order, Script, order_of
from migrator.plan import Plan, Records, compare, unfit

SPELLINGS = ("{}", "0{}", "{}.0", "00{}.0.0")

CONTENTS = st.sampled_from(["a\n", "b\n"])

PLACES = [field.name for field in fields(Plan) if field.name not in ("unfit", "begun")]


def migration(version: str, content: str, *, crlf: bool = False) -> Migration:
    raw = content.replace("\n", "\r\n" if crlf else "\n").encode()
    return Migration(version, "step", Script.of(f"m/{version}_step.sql", raw))


def row(one: Migration) -> Row:
    return Row(one.version, one.name, one.checksum)


def entry(one: Migration) -> Applied:
    return Applied(one.version, one.up.raw)


def checksums(one: Migration) -> tuple[bytes, ...]:
    """Those of a tool that looks at line ends."""
    unix = one.up.text.encode()
    return tuple(dict.fromkeys((one.up.raw, unix, unix.replace(b"\n", b"\r\n"))))


@dataclass(frozen=True)
class World:
    """Files and records as anything may have left them."""

    files: tuple[Migration, ...]
    records: Records

    @property
    def known(self) -> list[str]:
        """The versions that a target may have."""
        found = {one.version for entries in (self.files, self.records.ledger or (), self.newer_than_the_ledger) for one in entries}
        return sorted((version for version in found if not order_of(version)[0]), key=order_of)

    @property
    def newer_than_the_ledger(self) -> list[Applied]:
        newest = max((row.order for row in self.records.ledger or () if not row.order[0]), default=None)
        history = self.records.history or ()
        return [one for one in history if self.records.keeps_each or newest is None or order_of(one.version) > newest]

    def plan(self, target: str | None = None) -> Plan:
        return compare(self.files, self.records, checksums, target)

    def after(self, plan: Plan) -> World:
        """The same once both records were told of what the other had, and of what was carried out since."""
        files = {one.order: one for one in self.files}
        undone = set(orders(plan.undo))
        told = {row.order: row for row in self.records.ledger or ()} | {one.order: row(one) for one in (*plan.adopted, *plan.pending)}
        ledger = {order: one for order, one in told.items() if order not in undone}
        ran = [order for order, one in ledger.items() if order in files and (not order[0] or one.checksum == files[order].checksum)]
        fill = {} if self.records.history is not None else {order: entry(files[order]) for order in ran}
        history = dict(self.records.told) | fill | {one.order: entry(one) for one in plan.pending}
        left = {order: one for order, one in history.items() if order not in undone}
        return replace(
            self,
            records=replace(
                self.records,
                ledger=tuple(ledger[order] for order in sorted(ledger)),
                history=tuple(left[order] for order in sorted(left)),
            ),
        )


@st.composite
def versions(draw: st.DrawFn) -> list[str]:
    """Some versions, each written in one of the ways there are, in order; and some of what is run at each change."""
    numbers = draw(st.lists(st.integers(1, 9), unique=True, max_size=7))
    names = draw(st.lists(st.sampled_from(["R__a", "R__b"]), unique=True))
    return sorted([draw(st.sampled_from(SPELLINGS)).format(number) for number in numbers] + names, key=order_of)


@st.composite
def recorded(draw: st.DrawFn, files: tuple[Migration, ...]) -> list[Migration]:
    """What a record may tell of: the first of the files, with nothing wrong, or whatever else."""
    if draw(st.booleans()):
        return list(files[: draw(st.integers(0, len(files)))])
    return [migration(version, draw(CONTENTS)) for version in draw(versions())]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    files = tuple(migration(version, draw(CONTENTS), crlf=draw(st.booleans())) for version in draw(versions()))
    ledger = tuple(map(row, draw(recorded(files))))
    keeps_each = draw(st.booleans())
    if keeps_each:
        sums = draw(st.booleans())
        history = [entry(one) if sums else Applied(one.version) for one in draw(recorded(files))]
    else:
        top = draw(st.integers(0, 9))
        told = {one.order: Applied(one.version) for one in files if not one.repeatable and one.order <= order_of(str(top))}
        history = list(({order_of(str(top)): Applied(str(top))} | told).values()) if top else []
    return World(
        files,
        Records(draw(st.none() | st.just(ledger)), draw(st.none() | st.just(tuple(history))), keeps_each, literal=draw(st.booleans())),
    )


@st.composite
def worlds_with_target(draw: st.DrawFn) -> tuple[World, str | None]:
    world = draw(worlds())
    return world, draw(st.none() | st.sampled_from(["0", *world.known]))


def orders(entries: Iterable[Migration] | Iterable[Row]) -> list[Order]:
    return [one.order for one in entries]


def versioned(entries: Iterable[Migration] | Iterable[Row]) -> list[Order]:
    return [order for order in orders(entries) if not order[0]]


# Where everything is put


@given(worlds_with_target())
def test_every_file_with_a_version_has_one_place(given_: tuple[World, str | None]) -> None:
    """It is pending, late, applied, or beyond the target."""
    world, target = given_
    plan = world.plan(target)
    applied = set(versioned(plan.applied))
    files = set(versioned(world.files))
    beyond = [order for order in files - applied if target and order > order_of(target)]
    assert sorted([*versioned(plan.pending), *orders(plan.late), *beyond, *(applied & files)]) == sorted(files)


@given(worlds_with_target())
def test_everything_applied_has_one_place(given_: tuple[World, str | None]) -> None:
    """It is undone, or stays; and what stays is missing, edited, or the same as its file."""
    world, target = given_
    plan = world.plan(target)
    files = {one.order: one for one in world.files}
    same = [
        one.order
        for one in plan.applied
        if one.order in files and one.order not in orders(plan.edited) and not (target and one.order > order_of(target))
    ]
    places = [*orders(plan.undo), *orders(plan.missing), *orders(plan.edited), *(order for order in same if not order[0])]
    assert sorted(places) == sorted(versioned(plan.applied))
    assert {order for order in same if not order[0] and files[order].checksum != _checksums(plan)[order]} == set()


def _checksums(plan: Plan) -> dict[Order, str]:
    return {one.order: one.checksum for one in plan.applied}


@given(worlds_with_target())
def test_every_row_of_either_record_is_accounted_for(given_: tuple[World, str | None]) -> None:
    world, target = given_
    plan = world.plan(target)
    ledger = {one.order for one in world.records.ledger or ()}
    told = {order_of(one.version) for one in world.newer_than_the_ledger}
    assert set(versioned(plan.applied)) == {order for order in ledger | told if not order[0]}
    kept = {order for order in ledger if not order[0] and order in world.records.told}
    if world.records.history is None:
        assert plan.undone == ()
    elif world.records.keeps_each:
        assert set(orders(plan.undone)) == {order for order in ledger - kept if not order[0]}
    else:
        top = max(world.records.told, default=order_of("0"))
        assert set(orders(plan.undone)) == {order for order in ledger if not order[0] and order > top}


@given(worlds_with_target())
def test_what_is_taken_over_is_what_the_tool_ran_from_this_very_file(given_: tuple[World, str | None]) -> None:
    world, target = given_
    plan = world.plan(target)
    ledger = {one.order: one for one in world.records.ledger or ()}
    for one in plan.adopted:
        told = world.records.told[one.order]
        assert told.checksum is None or told.checksum in checksums(one)
        assert not world.records.literal or told.version == one.version
        assert one.order not in ledger or (one.repeatable and ledger[one.order].checksum != one.checksum)
    assert not {*orders(plan.adopted)} & {*orders(plan.edited), *orders(plan.pending), *orders(plan.late)}


@given(worlds_with_target())
def test_everything_comes_in_order(given_: tuple[World, str | None]) -> None:
    world, target = given_
    plan = world.plan(target)
    for name in PLACES:
        found = orders(getattr(plan, name))
        assert found == sorted(found, reverse=name == "undo")
    newest = max(versioned(plan.applied), default=order_of("0"))
    assert all(order < newest for order in orders(plan.late))
    assert all(order > newest for order in orders(plan.pending))


@given(worlds_with_target())
def test_every_problem_is_named(given_: tuple[World, str | None]) -> None:
    world, target = given_
    plan = world.plan(target).with_begun(("77",))
    named = [one.up.path for one in (*plan.edited, *plan.late)] + [one.title for one in (*plan.missing, *plan.undone)] + ["77"]
    assert len(plan.problems) == len(named)
    assert [name for name in named if not any(f" {name} " in problem for problem in plan.problems)] == []
    assert plan.nothing_to_do is False


# What comes of it


@given(worlds_with_target())
def test_doing_what_it_says_leaves_nothing_to_do(given_: tuple[World, str | None]) -> None:
    world, target = given_
    plan = world.plan(target)
    assume(not plan.problems)
    done = world.after(plan)
    after = done.plan(target)
    due = [one for one in world.files if one.repeatable] if plan.undo else []
    assert (after.undo, after.adopted, after.problems) == ((), (), ())
    assert set(orders(after.pending)) <= set(orders(due))
    assert done.after(after).plan(target).nothing_to_do
    if target is None:
        assert versioned(after.applied) == versioned(world.files)


@given(worlds())
def test_the_quick_way_says_the_same_as_the_thorough_one(world: World) -> None:
    """Without a target, what is settled is told without comparing any order; the newest version is a target that changes nothing."""
    for one in (world, world.after(world.plan())):
        newest = one.known[-1] if one.known else "0"
        assert one.plan() == one.plan(newest)


@given(worlds_with_target())
def test_line_ends_change_nothing_but_what_the_tool_thinks(given_: tuple[World, str | None]) -> None:
    world, target = given_
    other = replace(world, files=tuple(migration(one.version, one.up.text, crlf=b"\r" not in one.up.raw) for one in world.files))
    for name in PLACES:
        assert orders(getattr(world.plan(target), name)) == orders(getattr(other.plan(target), name))
    told = {order: one.checksum for order, one in world.records.told.items()}
    for of in (world, other):
        strange = [one.order for one in of.files if told.get(one.order) not in (None, one.up.raw)]
        assert set(orders(unfit(of.files, of.records.history or (), checksums))) == {
            order for order in strange if told[order] in checksums({one.order: one for one in of.files}[order])
        }


@given(worlds_with_target(), st.data())
def test_spelling_changes_nothing_where_versions_are_numbers(given_: tuple[World, str | None], data: st.DataObject) -> None:
    world, target = given_
    world = replace(world, records=replace(world.records, literal=False))

    def otherwise(version: str) -> str:
        number = version.split(".", maxsplit=1)[0]
        return version if order_of(version)[0] else data.draw(st.sampled_from(SPELLINGS)).format(int(number))

    other = replace(world, files=tuple(migration(otherwise(one.version), one.up.text, crlf=b"\r" in one.up.raw) for one in world.files))
    for name in PLACES:
        assert orders(getattr(world.plan(target), name)) == orders(getattr(other.plan(target), name))


@given(worlds(), st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8))
def test_a_target_that_nothing_has_is_refused_whatever_it_is(world: World, target: str) -> None:
    assume(order_of(target) not in [order_of(version) for version in ("0", *world.known)])
    with pytest.raises(TargetError) as refused:
        world.plan(target)
    assert str(refused.value).startswith(f"There is no migration of the version {target}; nothing was run.")


@given(st.lists(st.text(max_size=6), unique_by=order_of), worlds())
def test_rows_that_are_no_versions_are_missing_their_files(odd: list[str], world: World) -> None:
    texts = [text for text in odd if order_of(text)[1] == () and not order_of(text)[0]]
    history = (*(Applied(text) for text in texts), *(world.records.history or ()))
    records = replace(world.records, ledger=(), history=history, keeps_each=True)
    plan = World(world.files, records).plan()
    assert set(texts) <= {row.version for row in plan.missing}
