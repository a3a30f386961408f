"""Any interleaving of what people do with files, what we do and what the format's own tool does: files, records and schema agree
afterwards, or a refusal says why not and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from migrator import upkeep
from migrator.apply import inspect, migrate
from migrator.discovery import read_folder
from migrator.errors import DriftError, MigrationFailed, TargetError
from migrator.events import Direction, Listener
from migrator.model import Folder, Migration
from migrator.plan import Plan
from migrator.session import LOCK_KEY
from postgres.login import Login
from tests.fix_foreign import TOOLS, Flyway, Step, Told, Tool, View
from tests.fix_server import empty_database

FIRST = 100
"""The first version: all have three digits, so that the tools that sort them as text sort them as we do."""

NONE = -1
"""Below every version."""

UP = ["plain", "plain", "outside", "broken", "broken outside"]


def number_of(version: str) -> int:
    return int(version.split(".")[0])


@dataclass(frozen=True)
class Facts:
    """What a database holds, read without the migrator.

    Attributes:
        ledger: version → checksum, and whether it keeps what undoes it.
        told: what the tool counts as applied; None where it has no table.
        rows: the versions as the tool's table has them.
        begun: versions with marks of statements outside a transaction.
        tables: version → edition of the file that made its table.
        view: edition of the view that is there.
        everything: all of it and more, to be compared.
    """

    ledger: dict[int, tuple[str, bool]]
    told: Told | None
    rows: tuple[Any, ...]
    begun: frozenset[int]
    tables: dict[int, int]
    view: int | None
    everything: tuple[Any, ...]

    @property
    def newest(self) -> int:
        return max(self.ledger, default=NONE)


@dataclass(frozen=True)
class Expected:
    """What a plan should say, by version."""

    edited: list[int]
    missing: list[int]
    late: list[int]
    undone: list[int]
    begun: list[int]
    undo: list[int]
    pending: list[int]
    adopted: list[int]
    unfit: list[int]

    @property
    def drift(self) -> list[int]:
        return sorted({*self.edited, *self.missing, *self.late, *self.undone, *self.begun})


class Died(Exception):
    """The process was killed."""


class Dying(Listener):
    """Kills its process, so far as a session can tell, after so many migrations."""

    def __init__(self, connection: psycopg.Connection[Any], after: int) -> None:
        self._connection = connection
        self._left = after

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        self._left -= 1
        if self._left < 0:
            self._connection.close()
            raise Died


class Interleaving(RuleBasedStateMachine):
    """One folder and one database."""

    def __init__(self, tool: Tool, superuser: Login, folder: Path) -> None:
        super().__init__()
        self.tool = tool
        self.path = folder
        self.steps: dict[int, Step] = {}
        self.attic: dict[int, Step] = {}
        self.view: View | None = None
        self.editions = iter(range(1, 10**6))
        self.by_checksum: dict[str, Step] = {}
        self.closing = ExitStack()
        self.login = self.closing.enter_context(empty_database(superuser))
        self.eye = self.closing.enter_context(self.login.connect())
        self.session = self.login.connect()
        self.closing.callback(lambda: self.session.close())
        self.write()

    def teardown(self) -> None:
        self.closing.close()

    # What there is

    def write(self) -> None:
        for old in self.path.iterdir():
            old.unlink()
        for step in self.steps.values():
            self.by_checksum[step.checksum] = step
            for name, content in self.tool.files(step).items():
                (self.path / name).write_bytes(content)
        if self.view:
            (self.path / self.view.name).write_text(self.view.up)

    def folder(self) -> Folder:
        return read_folder(self.path, self.tool.format)

    def facts(self) -> Facts:
        eye = self.eye
        relations = eye.execute(
            "SELECT n.nspname, c.relname, c.relkind, obj_description(c.oid), i.indisvalid,"
            " CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid"
            " WHERE n.nspname IN ('public', 'pgstack') ORDER BY 1, 2"
        ).fetchall()
        names = {f"{schema}.{name}" for schema, name, kind, *_ in relations if kind == "r"}
        contents = {
            name: eye.execute(f"SELECT t::text FROM {name} t ORDER BY 1".encode()).fetchall()
            for name in ("pgstack.migration", "pgstack.step", f"public.{self.tool.table}")
            if name in names
        }
        ledger: dict[int, tuple[str, bool]] = {}
        if "pgstack.migration" in names:
            query = "SELECT version, checksum, coalesce(down_sql, '') <> '' FROM pgstack.migration WHERE version <> 'R__latest'"
            ledger = {number_of(version): (checksum, has_down) for version, checksum, has_down in eye.execute(query).fetchall()}
        begun = eye.execute("SELECT DISTINCT version FROM pgstack.step").fetchall() if "pgstack.step" in names else []
        has_history = f"public.{self.tool.table}" in names
        return Facts(
            ledger,
            self.tool.told(eye, self.steps) if has_history else None,
            tuple(self.tool.rows(eye)) if has_history else (),
            frozenset(number_of(version) for (version,) in begun),
            {int(name[1:]): int(told or NONE) for _, name, kind, told, *_ in relations if kind == "r" and name[1:].isdecimal()},
            next((int(text.split()[1]) for *_, text in relations if text), None),
            (relations, contents),
        )

    def applied(self, facts: Facts) -> dict[int, bool]:
        """What either record counts as applied; each with whether its file, if it has one, is what was applied."""
        found = {
            number: number not in self.steps or self.steps[number].checksum == checksum for number, (checksum, _) in facts.ledger.items()
        }
        for number, checksum in (facts.told or {}).items():
            if number in facts.ledger or (number < facts.newest and not self.tool.keeps_each):
                continue
            step = self.steps.get(number)
            found[number] = step is None or checksum is None or checksum in self.checksums(step)
        if self.tool.literal and facts.told is not None:
            for number in found:
                if number in self.steps and number in facts.told and self.steps[number].written not in facts.rows:
                    found[number] = False
        return found

    def checksums(self, step: Step) -> list[bytes | None]:
        """Those that the tool could have kept of a file, whatever its line ends."""
        return [self.tool.checksum(replace(step, crlf=crlf)) for crlf in (step.crlf, not step.crlf)]

    def expected(self, facts: Facts, target: int | None = None) -> Expected:
        """What a plan should say, in sets of versions."""
        applied = self.applied(facts)
        goal = target if target is not None else 10**6
        last = max(applied, default=NONE)
        undo = {number for number in applied if number > goal}
        unapplied = {number for number in self.steps if number not in applied and number <= goal}
        pending = sorted(number for number in unapplied if number > last)
        told = facts.told
        edited = sorted(number for number, same in applied.items() if number in self.steps and not same and number not in undo)
        return Expected(
            edited=edited,
            missing=sorted(number for number in applied if number not in self.steps and number not in undo),
            late=sorted(number for number in unapplied if number < last),
            undone=sorted(n for n in facts.ledger if told is not None and (n not in told if self.tool.keeps_each else n > max(told, default=NONE))),
            begun=sorted(facts.begun - undo - set(pending)),
            undo=sorted(undo, reverse=True),
            pending=pending,
            adopted=sorted(n for n, same in applied.items() if n not in facts.ledger and n in self.steps and same),
            unfit=sorted(
                number
                for number, checksum in (told or {}).items()
                if number in self.steps and number not in edited and checksum not in (None, self.tool.checksum(self.steps[number]))
            ),
        )

    def truth(self, facts: Facts) -> set[int]:
        """What the records say that is in the schema. The tool's own is always right: both write it with the change itself."""
        if facts.told is None:
            return set(facts.ledger)
        if self.tool.keeps_each:
            return set(facts.told)
        top = max(facts.told, default=NONE)
        return {number for number in facts.ledger if number <= top} | {number for number in facts.told if number > facts.newest}

    def view_pending(self, facts: Facts, undo: Iterable[int]) -> bool:
        return self.view is not None and not list(undo) and facts.view != self.view.edition

    # What is looked at after each step

    @invariant()
    def records_and_schema_agree(self) -> None:
        facts = self.facts()
        truth = self.truth(facts)
        assert truth - facts.begun <= set(facts.tables)
        assert set(facts.tables) - facts.begun <= truth

    def look(self, target: int | None) -> tuple[Facts, Expected, Plan]:
        """What a preview tells, which changes nothing."""
        before = self.facts()
        expected = self.expected(before, target)
        plan = inspect(self.session, self.folder(), self.version(target))
        assert self.facts() == before
        assert told_by(plan) == expected
        view = [m.version for m in (*plan.pending, *plan.adopted) if m.repeatable]
        assert view == (["R__latest"] if self.view_pending(before, expected.undo) else [])
        return before, expected, plan

    def version(self, target: int | None) -> str | None:
        if target is None or target == 0:
            return None if target is None else "0"
        return self.steps[target].written if target in self.steps else str(target)

    def all_agree(self) -> None:
        """Files, both records and the schema tell one story, and all of it has happened."""
        facts = self.facts()
        files = {number: step.checksum for number, step in self.steps.items()}
        assert {number: checksum for number, (checksum, _) in facts.ledger.items()} == files
        assert set(facts.tables) == set(files)
        assert facts.begun == frozenset()
        if facts.told is None:
            assert not files
            assert not self.view
        else:
            assert set(facts.told) == set(files)
            assert self.tool.pending(self.eye, self.steps) == []
        relations, _ = facts.everything
        indexes = {name: valid for _, name, kind, _, valid, _ in relations if kind == "i" and name[1:].isdecimal()}
        assert indexes == {f"i{step.number}": True for step in self.steps.values() if step.outside}
        if self.view:
            assert facts.view == self.view.edition
            assert isinstance(self.tool, Flyway)
            assert self.tool.view(self.eye) == self.tool.crc(self.view.up)
        assert inspect(self.session, self.folder()).nothing_to_do
        assert migrate(self.session, self.folder()) == ()
        assert self.facts() == facts

    # What people do with files

    def numbers(self) -> set[int]:
        return {*self.steps, *self.attic, *self.facts().tables}

    def put(self, step: Step) -> None:
        self.steps[step.number] = step
        self.attic.pop(step.number, None)
        self.write()

    def new(self, number: int, kind: str, *, has_down: bool) -> Step:
        two_ways = self.tool.two_ways and (has_down or not self.tool.one_way)
        return Step(number, str(number), next(self.editions), two_ways, outside="outside" in kind, broken="broken" in kind)

    def unseen(self, number: int) -> bool:
        """Whether nobody can tell if a version was applied: golang-migrate keeps the newest alone, and the ledger has none so new."""
        facts = self.facts()
        return not self.tool.keeps_each and facts.newest < number < max(facts.told or {}, default=NONE)

    @initialize(count=st.integers(0, 4), has_down=st.booleans())
    def begin(self, count: int, has_down: bool) -> None:
        for number in range(FIRST, FIRST + 2 * count, 2):
            self.put(self.new(number, "plain", has_down=has_down))

    @rule(kind=st.sampled_from(UP), has_down=st.booleans(), gap=st.integers(1, 3))
    def add_the_newest(self, kind: str, has_down: bool, gap: int) -> None:
        self.put(self.new(max(self.numbers(), default=FIRST) + gap, kind, has_down=has_down))

    @rule(kind=st.sampled_from(UP), data=st.data())
    def add_a_late_one(self, kind: str, data: st.DataObject) -> None:
        used = self.numbers()
        free = [number for number in range(FIRST, max(used, default=FIRST)) if number not in used and not self.unseen(number)]
        if free:
            self.put(self.new(data.draw(st.sampled_from(free)), kind, has_down=True))

    def one(self, data: st.DataObject, wanted: Callable[[Step], bool] = bool) -> Step | None:
        fitting = [number for number, step in sorted(self.steps.items()) if wanted(step)]
        return self.steps[data.draw(st.sampled_from(fitting))] if fitting else None

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        step = self.one(data)
        if step:
            self.put(replace(step, edition=next(self.editions)))

    @precondition(lambda self: self.facts().ledger)
    @rule()
    def bring_all_back_as_they_were(self) -> None:
        for number, (checksum, _) in self.facts().ledger.items():
            if number in self.steps:
                applied = self.by_checksum[checksum]
                self.put(replace(applied, has_down=self.steps[number].has_down, crlf=False))

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        step = self.one(data, lambda step: not self.unseen(step.number))
        if step:
            self.attic[step.number] = self.steps.pop(step.number)
            self.write()

    @precondition(lambda self: self.attic)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.attic)))
        if not self.unseen(number):
            self.put(self.attic[number])

    @precondition(lambda self: self.attic)
    @rule()
    def restore_all(self) -> None:
        for number in sorted(self.attic):
            if not self.unseen(number):
                self.put(self.attic[number])

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def change_line_ends(self, data: st.DataObject) -> None:
        step = self.one(data)
        if step:
            self.put(replace(step, crlf=not step.crlf))

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def write_the_version_otherwise(self, data: st.DataObject) -> None:
        step = self.one(data)
        if step:
            self.put(replace(step, written=data.draw(st.sampled_from(self.tool.spellings)).format(step.number)))

    @precondition(lambda self: any(step.broken for step in self.steps.values()))
    @rule(data=st.data())
    def mend(self, data: st.DataObject) -> None:
        step = self.one(data, lambda step: step.broken)
        if step:
            self.put(replace(step, broken=False))

    @precondition(lambda self: isinstance(self.tool, Flyway))
    @rule(there=st.sampled_from([True, True, False]))
    def change_the_view(self, there: bool) -> None:
        self.view = View(next(self.editions)) if there else None
        self.write()

    # What the tool does

    @rule()
    def the_tool_applies_the_next(self) -> None:
        facts = self.facts()
        if facts.told is None:
            if facts.ledger or facts.everything[0]:
                return
            for statement in self.tool.create:
                self.eye.execute(statement)
        step = self.tool.next(self.eye, self.steps)
        if step and not step.broken and step.number not in facts.tables:
            self.tool.apply(self.eye, step)
        elif isinstance(self.tool, Flyway) and self.view and not self.tool.refuses(self.eye, self.steps) and self.view_pending(self.facts(), ()):
            self.tool.run_view(self.eye, self.view)

    @rule()
    def the_tool_undoes_the_newest(self) -> None:
        facts = self.facts()
        number = max(facts.told or {}, default=NONE)
        step = self.steps.get(number)
        if step and step.has_down and number in facts.tables and number not in facts.begun:
            if self.tool.literal and step.written not in facts.rows:
                return
            below = [other for other in self.steps if other < number]
            self.tool.undo(self.eye, step, max(below, default=None))

    @precondition(lambda self: self.facts().told is not None)
    @rule()
    def somebody_drops_its_table(self) -> None:
        facts = self.facts()
        if set(facts.told or ()) == set(facts.ledger) and facts.ledger:
            self.eye.execute(b"DROP TABLE public." + self.tool.table.encode())

    # What we do

    @rule()
    def up(self) -> None:
        self.go(None, allow_rollback=False)

    @rule(data=st.data(), allow_rollback=st.booleans())
    def to(self, data: st.DataObject, allow_rollback: bool) -> None:
        known = sorted({0, *self.steps, *self.applied(self.facts())})
        self.go(data.draw(st.sampled_from(known)), allow_rollback=allow_rollback)

    def go(self, target: int | None, *, allow_rollback: bool) -> None:
        before, expected, plan = self.look(target)
        run = partial(migrate, self.session, self.folder(), target=self.version(target), allow_rollback=allow_rollback)
        if expected.drift:
            with pytest.raises(DriftError) as drifted:
                run()
            self.assert_named(str(drifted.value), expected.drift)
            assert self.facts() == before
            return
        if expected.undo and not allow_rollback:
            with pytest.raises(TargetError) as refused:
                run()
            self.assert_named(str(refused.value), expected.undo)
            assert self.facts() == before
            return
        stuck = [number for number in expected.undo if not self.can_be_undone(before, number)]
        if stuck:
            with pytest.raises(TargetError) as refused:
                run()
            self.assert_named(str(refused.value), stuck[:1])
            assert self.facts() == before
            return
        self.run(run, expected, plan)
        if target is None and not any(self.steps[number].broken for number in expected.pending):
            self.all_agree()

    def run(self, run: Callable[[], tuple[Migration, ...]], expected: Expected, plan: Plan) -> None:
        """What the preview listed is what is run, up to one that fails."""
        listed = [*(row.version for row in plan.undo), *(migration.version for migration in plan.pending)]
        broken = next((number for number in expected.pending if self.steps[number].broken), None)
        if broken is None:
            assert [migration.version for migration in run()] == listed
            done = expected.pending
        else:
            with pytest.raises(MigrationFailed) as failed:
                run()
            assert str(broken) in failed.value.path
            assert failed.value.sqlstate == "22012"
            done = expected.pending[: expected.pending.index(broken)]
            assert list(failed.value.applied) == listed[: len(expected.undo) + len(done)]
        facts = self.facts()
        assert not set(facts.ledger) & set(expected.undo)
        assert {number: facts.tables[number] for number in done} == {number: self.steps[number].edition for number in done}
        assert set(done) | set(expected.adopted) - set(expected.undo) <= set(facts.ledger)
        assert facts.told is None or set(facts.ledger) <= set(facts.told)

    def can_be_undone(self, facts: Facts, number: int) -> bool:
        step = self.steps.get(number)
        if step and (step.has_down or self.tool.format == "dbmate") and self.applied(facts)[number]:
            return True
        return facts.ledger.get(number, ("", False))[1]

    def assert_named(self, message: str, numbers: Iterable[int]) -> None:
        assert [number for number in numbers if str(number) not in message] == []

    @rule(after=st.integers(0, 3))
    def die_on_the_way_up(self, after: int) -> None:
        expected = self.expected(self.facts())
        if expected.drift or any(self.steps[number].broken for number in expected.pending):
            return
        try:
            migrate(self.session, self.folder(), Dying(self.session, after))
        except Died:
            self.eye.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])  # which the server gives once the other session is gone
            self.eye.execute("SELECT pg_advisory_unlock(%s)", [LOCK_KEY])
            self.session = self.login.connect()

    @rule()
    def repair(self) -> None:
        before, expected, _ = self.look(None)
        promised = upkeep.repair(self.session, self.folder(), dry_run=True)
        assert self.facts() == before
        assert upkeep.repair(self.session, self.folder()) == promised
        self.assert_named("\n".join(promised), {*expected.drift, *expected.unfit} - set(expected.late))
        facts = self.facts()
        assert facts.tables == before.tables
        for number in set(facts.tables) - self.truth(facts):  # the person who repairs sees to the schema
            self.eye.execute(f"DROP TABLE t{number}".encode())
        after = self.expected(self.facts())
        assert [*after.edited, *after.missing, *after.undone, *after.begun, *after.unfit] == []
        assert upkeep.repair(self.session, self.folder()) == ()


def told_by(plan: Plan) -> Expected:
    """A plan in sets of versions, without what has no version."""

    def numbers(entries: Iterable[Any]) -> list[int]:
        return [number_of(entry.version) for entry in entries if not entry.order[0]]

    return Expected(
        edited=numbers(plan.edited),
        missing=numbers(plan.missing),
        late=numbers(plan.late),
        undone=numbers(plan.undone),
        begun=sorted(number_of(version) for version in plan.begun),
        undo=numbers(plan.undo),
        pending=numbers(plan.pending),
        adopted=numbers(plan.adopted),
        unfit=numbers(plan.unfit),
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder whose files change."""
    return tmp_path_factory.mktemp("interleavings")


@pytest.mark.parametrize("case", sorted(TOOLS))
def test_whatever_happens_files_records_and_schema_agree_or_a_refusal_says_why(superuser: Login, place: Path, case: str) -> None:
    run_state_machine_as_test(
        lambda: Interleaving(TOOLS[case], superuser, place),
        settings=settings(
            max_examples=6, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck), print_blob=False
        ),
    )
