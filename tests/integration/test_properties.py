"""Any interleaving of what people do with files, what we do and what the format's own tool does: files, records and schema agree
afterwards, or a refusal says why not and leaves everything as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
from migrator.events import Listener
from migrator.model import Folder, Migration
from migrator.plan import Plan
from migrator.session import Settings
from postgres.login import Login
from tests.fix_foreign import TOOLS, Flyway, Step, Told, Tool, View
from tests.fix_server import empty_database

FIRST = 100
"""The first version: all have three digits, so that the tools that sort them as text sort them as we do."""

NONE = -1
"""Below every version."""

MOSTLY = st.sampled_from([True, True, True, False])
KINDS = ["plain", "plain", "outside", "outside", "broken", "broken outside"]


def number_of(version: str) -> int:
    return int(version.partition(".")[0])


@dataclass(frozen=True)
class Facts:
    """What a database holds, read without the migrator.

    Attributes:
        ledger: version → checksum, and whether it keeps what undoes it.
        written: version → how the ledger writes it.
        told: what the tool counts as applied; None where it has no table.
        rows: the versions as the tool's table has them.
        begun: version → how the marks of its statements outside a transaction write it.
        tables: version → edition of the file that made its table.
        view: edition of the view that is there.
        indexes: name → whether it is valid.
        everything: all of it and more, to be compared.
    """

    ledger: dict[int, tuple[str, bool]]
    written: dict[int, str]
    told: Told | None
    rows: tuple[Any, ...]
    begun: dict[int, str]
    tables: dict[int, int]
    view: int | None
    indexes: dict[str, bool]
    everything: tuple[Any, ...]

    @property
    def newest(self) -> int:
        """The newest version in the ledger."""
        return max(self.ledger, default=NONE)


def facts_of(eye: psycopg.Connection[Any], tool: Tool, steps: dict[int, Step]) -> Facts:
    relations = eye.execute(
        "SELECT n.nspname || '.' || c.relname, c.relname, c.relkind, obj_description(c.oid), i.indisvalid,"
        " CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END"
        " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index i ON i.indexrelid = c.oid"
        " WHERE n.nspname IN ('public', 'pgstack') ORDER BY 1"
    ).fetchall()
    tables = {name for name, _, kind, *_ in relations if kind == "r"}
    records = [name for name in ("pgstack.migration", "pgstack.step", f"public.{tool.table}") if name in tables]
    contents = {name: eye.execute(f"SELECT t::text FROM {name} t ORDER BY 1".encode()).fetchall() for name in records}
    query = "SELECT version, checksum, down_sql IS NOT NULL FROM pgstack.migration WHERE version <> 'R__latest'"
    ledger = eye.execute(query).fetchall() if "pgstack.migration" in tables else []
    begun = eye.execute("SELECT DISTINCT version FROM pgstack.step").fetchall() if "pgstack.step" in tables else []
    has_history = f"public.{tool.table}" in tables
    return Facts(
        ledger={number_of(version): (checksum, has_down) for version, checksum, has_down in ledger},
        written={number_of(version): version for version, *_ in ledger},
        told=tool.told(eye, steps) if has_history else None,
        rows=tuple(tool.rows(eye)) if has_history else (),
        begun={number_of(version): version for (version,) in begun},
        tables={int(name[1:]): int(told or NONE) for _, name, kind, told, *_ in relations if kind == "r" and name[1:].isdecimal()},
        view=next((int(text.split()[1]) for *_, text in relations if text), None),
        indexes={name: valid for _, name, kind, _, valid, _ in relations if kind == "i" and name[1:].isdecimal()},
        everything=(relations, contents),
    )


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

    @classmethod
    def told_by(cls, plan: Plan) -> Expected:
        """A plan, without what has no version."""

        def numbers(entries: Iterable[Any]) -> list[int]:
            return [number_of(entry.version) for entry in entries if not entry.order[0]]

        parts = {name: numbers(getattr(plan, name)) for name in cls.__dataclass_fields__ if name != "begun"}
        return cls(begun=sorted(map(number_of, plan.begun)), **parts)


class Died(Exception):
    """The process was killed."""


class Dying(Listener):
    """Kills its process, so far as a session can tell, where it waits for somebody's lock."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def waiting(self, what: str) -> None:
        if "waits for a lock" in what or "tried again" in what:
            self._connection.close()
            raise Died


class Interleaving(RuleBasedStateMachine):
    """One folder and one database."""

    def __init__(self, tool: Tool, superuser: Login, path: Path) -> None:
        super().__init__()
        self.tool = tool
        self.path = path
        self.steps: dict[int, Step] = {}
        self.attic: dict[int, Step] = {}
        self.view: View | None = None
        self.editions = iter(range(1, 10**6))
        self.written: dict[str, Step] = {}
        self.closing = ExitStack()
        self.login = self.closing.enter_context(empty_database(superuser))
        self.eye = self.closing.enter_context(self.login.connect())
        self.session = self.login.connect()
        self.closing.callback(lambda: self.session.close())  # noqa: PLW0108  the session is another one by then
        self.write()
        self.now = self.look()
        self.plain = self.expected(self.now)

    def teardown(self) -> None:
        self.closing.close()

    # What there is

    def write(self) -> None:
        for old in self.path.iterdir():
            old.unlink()
        for step in self.steps.values():
            self.written[step.checksum] = step
            for name, content in self.tool.files(step).items():
                (self.path / name).write_bytes(content)
        if self.view:
            (self.path / self.view.name).write_text(self.view.up)

    def put(self, step: Step) -> None:
        self.steps[step.number] = step
        self.attic.pop(step.number, None)
        self.write()

    def folder(self) -> Folder:
        return read_folder(self.path, self.tool.format)

    def look(self) -> Facts:
        return facts_of(self.eye, self.tool, self.steps)

    def is_file(self, number: int, checksum: bytes | None) -> bool:
        """Whether what the tool ran is, so far as it tells, the file that is there, if there is one."""
        step = self.steps.get(number)
        return step is None or checksum in (None, *(self.tool.checksum(replace(step, crlf=crlf)) for crlf in (True, False)))

    def applied(self, now: Facts) -> dict[int, bool]:
        """What either record counts as applied; each with whether its file, if it has one, is what was applied."""
        found = {n: n not in self.steps or self.steps[n].checksum == checksum for n, (checksum, _) in now.ledger.items()}
        for number, checksum in (now.told or {}).items():
            if number in found or self.tool.keeps_each or number > now.newest:
                found[number] = found.get(number, True) and self.is_file(number, checksum)
                if self.tool.literal and number in self.steps and self.steps[number].written not in now.rows:
                    found[number] = False
        return found

    def expected(self, now: Facts, target: int | None = None) -> Expected:
        """What a plan should say, told in sets of versions."""
        applied = self.applied(now)
        goal = 10**6 if target is None else target
        last = max(applied, default=NONE)
        told = now.told if now.told is not None else now.ledger
        undo = {number for number in applied if number > goal}
        unapplied = {number for number in self.steps if number not in applied and number <= goal}
        going_on = {n: self.steps[n].written for n in unapplied if n > last} | {n: now.written[n] for n in undo if n in now.written}
        edited = sorted(number for number, same in applied.items() if number in self.steps and not same and number not in undo)
        fit = {number: (None, self.tool.checksum(self.steps[number])) for number in self.steps}
        return Expected(
            edited=edited,
            missing=sorted(number for number in applied if number not in self.steps and number not in undo),
            late=sorted(number for number in unapplied if number < last),
            undone=sorted(n for n in now.ledger if (n not in told if self.tool.keeps_each else n > max(told, default=NONE))),
            begun=sorted(number for number, written in now.begun.items() if going_on.get(number) != written),
            undo=sorted(undo, reverse=True),
            pending=sorted(number for number in unapplied if number > last),
            adopted=sorted(n for n, same in applied.items() if n not in now.ledger and n in self.steps and same),
            unfit=sorted(
                n for n, checksum in (now.told or {}).items() if n in fit and self.is_file(n, checksum) and checksum not in fit[n]
            ),
        )

    def truth(self, now: Facts) -> set[int]:
        """What the records say that is in the schema. The tool's own is always right: both write it with the change itself."""
        if now.told is None:
            return set(now.ledger)
        if self.tool.keeps_each:
            return set(now.told)
        top = max(now.told, default=NONE)
        return {number for number in now.ledger if number <= top} | {number for number in now.told if number > now.newest}

    @property
    def broken(self) -> bool:
        return any(step.broken for step in self.steps.values())

    def unseen(self, number: int) -> bool:
        """Whether nobody can tell if a version was applied: golang-migrate keeps the newest alone, and the ledger has none so new."""
        return not self.tool.keeps_each and self.now.newest < number < max(self.now.told or {}, default=NONE)

    def version(self, target: int | None) -> str | None:
        """How a target is written."""
        if target is None or target in self.steps:
            return None if target is None else self.steps[target].written
        return self.now.written.get(target, str(target))

    # What is looked at after each step

    @invariant()
    def records_and_schema_agree(self) -> None:
        self.now = self.look()
        self.plain = self.expected(self.now)
        truth = self.truth(self.now)
        assert truth - set(self.now.begun) <= set(self.now.tables)
        assert set(self.now.tables) - set(self.now.begun) <= truth

    def preview(self, target: int | None) -> tuple[Facts, Expected, Plan]:
        """What a preview tells, which changes nothing."""
        before = self.look()
        expected = self.expected(before, target)
        plan = inspect(self.session, self.folder(), self.version(target))
        assert self.look() == before
        assert Expected.told_by(plan) == expected
        told = [one.version for one in (*plan.pending, *plan.adopted) if one.repeatable]
        assert told == ([View.version] if self.view_is_due(before, expected) else [])
        return before, expected, plan

    def view_is_due(self, now: Facts, expected: Expected) -> bool:
        """Whether the view is to be made or taken over: not on the way down."""
        if self.view is None or not isinstance(self.tool, Flyway):
            return False
        recorded = any(row[0].startswith(f"({View.version},") for row in now.everything[1].get("pgstack.migration", []))
        stale = now.told is not None and self.tool.view(self.eye) != self.tool.crc(self.view.up)
        adopted = now.told is not None and not stale and not self.is_recorded(self.view)
        return adopted or (not expected.undo and (stale or not recorded or not self.is_recorded(self.view)))

    def is_recorded(self, view: View) -> bool:
        query = "SELECT FROM pgstack.migration WHERE version = %s AND checksum = %s"
        return bool(self.now.ledger is not None and "pgstack.migration" in self.look().everything[1]) and (
            self.eye.execute(query, [view.version, view.checksum]).rowcount == 1
        )

    def assert_all_agree(self) -> None:
        """Files, both records and the schema tell one story, and all of it has happened."""
        now = self.look()
        files = {number: step.checksum for number, step in self.steps.items()}
        assert {number: checksum for number, (checksum, _) in now.ledger.items()} == files
        assert (set(now.tables), now.begun) == (set(files), {})
        assert now.indexes == {f"i{step.number}": True for step in self.steps.values() if step.outside}
        if files or self.view:
            assert set(now.told or ()) == set(files)
            assert self.tool.pending(self.eye, self.steps) == []
        if self.view and isinstance(self.tool, Flyway):
            assert (now.view, self.tool.view(self.eye)) == (self.view.edition, self.tool.crc(self.view.up))
        assert inspect(self.session, self.folder()).nothing_to_do
        assert migrate(self.session, self.folder()) == ()
        assert self.look() == now

    # What people do with files

    def new(self, number: int, kind: str, *, has_down: bool) -> Step:
        two_ways = self.tool.two_ways and (has_down or not self.tool.one_way)
        return Step(number, str(number), next(self.editions), two_ways, outside="outside" in kind, broken="broken" in kind)

    def one(self, data: st.DataObject) -> Step:
        return self.steps[data.draw(st.sampled_from(sorted(self.steps)))]

    @initialize(count=st.integers(0, 5), has_down=MOSTLY, by=st.sampled_from(["us", "tool", "nobody"]))
    def begin(self, count: int, has_down: bool, by: str) -> None:
        for number in range(FIRST, FIRST + 2 * count, 2):
            self.put(self.new(number, "plain", has_down=has_down))
            if by == "tool":
                self.tool_applies_the_next()
        if by == "us":
            self.up()

    @rule(kind=st.sampled_from(KINDS), has_down=MOSTLY, late=st.sampled_from([False, False, True]), data=st.data())
    def add(self, kind: str, has_down: bool, late: bool, data: st.DataObject) -> None:
        used = {*self.steps, *self.attic, *self.now.tables}
        newest = max(used, default=FIRST)
        free = [n for n in range(FIRST, newest) if n not in used and not self.unseen(n)] if late else [newest + 1, newest + 2, newest + 3]
        if free:
            self.put(self.new(data.draw(st.sampled_from(free)), kind, has_down=has_down))

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        self.put(replace(self.one(data), edition=next(self.editions)))

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def change_line_ends(self, data: st.DataObject) -> None:
        step = self.one(data)
        self.put(replace(step, crlf=not step.crlf))

    @precondition(lambda self: self.steps)
    @rule(data=st.data())
    def write_the_version_otherwise(self, data: st.DataObject) -> None:
        step = self.one(data)
        spellings = [written for written in (spelling.format(step.number) for spelling in self.tool.spellings) if written != step.written]
        self.put(replace(step, written=data.draw(st.sampled_from(spellings))))

    @precondition(lambda self: self.steps)
    @rule(data=st.data(), everything=st.sampled_from([False, False, False, True]))
    def delete(self, data: st.DataObject, everything: bool) -> None:
        for number in sorted(self.steps) if everything else [self.one(data).number]:
            if not self.unseen(number):
                self.attic[number] = self.steps.pop(number)
        self.write()

    @precondition(lambda self: self.attic)
    @rule(data=st.data())
    def put_back(self, data: st.DataObject) -> None:
        for number in data.draw(st.sampled_from([sorted(self.attic), sorted(self.attic)[:1]])):
            if not self.unseen(number):
                self.put(self.attic[number])

    @precondition(lambda self: self.plain.edited)
    @rule()
    def bring_back_what_was_applied(self) -> None:
        for number, (checksum, _) in self.now.ledger.items():
            if number in self.steps:
                self.put(replace(self.written[checksum], has_down=self.steps[number].has_down))

    @precondition(lambda self: self.broken)
    @rule()
    def mend(self) -> None:
        for step in list(self.steps.values()):
            self.put(replace(step, broken=False))

    @precondition(lambda self: isinstance(self.tool, Flyway))
    @rule(there=st.sampled_from([True, True, False]))
    def change_the_view(self, there: bool) -> None:
        self.view = View(next(self.editions)) if there else None
        self.write()

    # What the tool does

    @precondition(lambda self: self.steps or self.view)
    @rule()
    def tool_applies_the_next(self) -> None:
        now = self.look()
        if now.told is None:
            if now.everything[0]:
                return
            for statement in self.tool.create:
                self.eye.execute(statement)
        step = self.tool.next(self.eye, self.steps)
        if step and not step.broken and step.number not in now.tables:
            self.tool.apply(self.eye, step)
        elif (
            isinstance(self.tool, Flyway)
            and self.view
            and not self.tool.refuses(self.eye, self.steps)
            and not step
            and self.tool.view(self.eye) != self.tool.crc(self.view.up)
        ):
            self.tool.run_view(self.eye, self.view)

    @precondition(lambda self: self.now.told and not self.plain.undone)
    @rule(times=st.sampled_from([1, 1, 2]))
    def tool_undoes_the_newest(self, times: int) -> None:
        for _ in range(times):
            now = self.look()
            number = max(now.told or {}, default=NONE)
            step = self.steps.get(number)
            lost = self.tool.literal and step and step.written not in now.rows
            if step and step.has_down and not lost and number in now.tables and number not in now.begun:
                self.tool.undo(self.eye, step, max((other for other in self.steps if other < number), default=None))

    @precondition(lambda self: self.now.ledger and set(self.now.told or ()) == set(self.now.ledger))
    @rule()
    def somebody_drops_its_table(self) -> None:
        self.eye.execute(b"DROP TABLE public." + self.tool.table.encode())

    # What we do

    @rule()
    def up(self) -> None:
        self.go(None, allow_rollback=False)

    @rule(data=st.data(), allow_rollback=MOSTLY)
    def to(self, data: st.DataObject, allow_rollback: bool) -> None:
        known = sorted({0, *self.steps, *self.applied(self.now)})
        self.go(data.draw(st.sampled_from(known)), allow_rollback=allow_rollback)

    def go(self, target: int | None, *, allow_rollback: bool) -> None:
        before, expected, plan = self.preview(target)
        run = partial(migrate, self.session, self.folder(), target=self.version(target), allow_rollback=allow_rollback)
        stuck = [number for number in expected.undo if not self.can_be_undone(before, number)]
        if expected.drift:
            self.assert_refused(run, DriftError, expected.drift)
        elif expected.undo and not allow_rollback:
            self.assert_refused(run, TargetError, expected.undo)
        elif stuck:
            self.assert_refused(run, TargetError, stuck[:1])
        else:
            self.run(run, expected, plan)
            if target is None and not any(self.steps[number].broken for number in expected.pending):
                self.assert_all_agree()

    def assert_refused(self, run: Callable[[], object], error: type[Exception], numbers: Iterable[int]) -> None:
        before = self.look()
        with pytest.raises(error) as refused:
            run()
        assert self.unnamed(str(refused.value), numbers) == []
        assert self.look() == before

    def unnamed(self, message: str, numbers: Iterable[int]) -> list[int]:
        return [number for number in numbers if str(number) not in message]

    def can_be_undone(self, now: Facts, number: int) -> bool:
        step = self.steps.get(number)
        same = self.steps[number].checksum == now.ledger[number][0] if step and number in now.ledger else self.applied(now)[number]
        return bool(step and step.has_down and same) or now.ledger.get(number, ("", False))[1]

    def run(self, run: Callable[[], tuple[Migration, ...]], expected: Expected, plan: Plan) -> None:
        """What the preview listed is what is run, up to one that fails."""
        listed = [*(row.version for row in plan.undo), *(migration.version for migration in plan.pending)]
        broken = next((number for number in expected.pending if self.steps[number].broken), None)
        done = expected.pending if broken is None else expected.pending[: expected.pending.index(broken)]
        if broken is None:
            assert [migration.version for migration in run()] == listed
        else:
            with pytest.raises(MigrationFailed) as failed:
                run()
            assert (self.unnamed(failed.value.path, [broken]), failed.value.sqlstate) == ([], "22012")
            assert list(failed.value.applied) == listed[: len(expected.undo) + len(done)]
        now = self.look()
        assert {n: now.tables.get(n) for n in done} == {n: self.steps[n].edition for n in done}
        assert set(now.ledger) == self.truth(now)
        assert {*done, *expected.adopted} - set(expected.undo) <= set(now.ledger)
        assert not set(now.ledger) & set(expected.undo)

    @precondition(lambda self: self.plain.pending and not self.plain.drift and not self.now.begun and not self.broken)
    @rule(data=st.data())
    def die_on_the_way_up(self, data: st.DataObject) -> None:
        """The process is killed within a migration: at its table, or at its index, which is left half made."""
        pending = self.plain.pending
        outside = [number for number in pending if self.steps[number].outside and data.draw(MOSTLY)]
        number = next(n for n in pending if self.steps[n].outside) if outside else data.draw(st.sampled_from(pending))
        with self.login.connect() as other, other.transaction():
            if outside:
                other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                other.execute("SELECT FROM pg_class")
            else:
                other.execute(f"CREATE TABLE t{number} ()".encode())
            with pytest.raises(Died):
                migrate(self.session, self.folder(), Dying(self.session), Settings(lock_timeout=0.3))
            pids = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid NOT IN (%s, %s)"
            self.eye.execute(
                f"SELECT pg_terminate_backend(pid, 10000) FROM ({pids}) AS left_behind",
                [self.eye.info.backend_pid, other.info.backend_pid],
            )
            raise psycopg.Rollback
        self.session = self.login.connect()
        now = self.look()
        assert set(now.ledger) == self.truth(now)
        assert [n for n in pending if n in now.ledger] == [n for n in pending if n < number]
        assert set(now.begun) == ({number} if outside else set())

    @precondition(lambda self: self.plain.drift or self.plain.unfit)
    @rule()
    def repair(self) -> None:
        before, expected, _ = self.preview(None)
        promised = upkeep.repair(self.session, self.folder(), dry_run=True)
        assert self.look() == before
        assert upkeep.repair(self.session, self.folder()) == promised
        assert self.unnamed("\n".join(promised), {*expected.drift, *expected.unfit} - set(expected.late)) == []
        assert self.look().tables == before.tables
        now = self.look()
        for number in set(now.tables) - self.truth(now) - set(now.begun):  # the person who repairs sees to the schema
            self.eye.execute(f"DROP TABLE t{number}".encode())
        after = self.expected(self.look())
        assert [*after.edited, *after.missing, *after.undone, *after.begun, *after.unfit] == []
        assert upkeep.repair(self.session, self.folder()) == ()

    @precondition(lambda self: self.plain.drift or self.broken)
    @rule()
    def put_everything_right(self) -> None:
        """There is always a way out."""
        self.mend()
        self.repair()
        for number in self.expected(self.look()).late:
            self.attic[number] = self.steps.pop(number)
        self.write()
        self.up()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder whose files change."""
    return tmp_path_factory.mktemp("interleavings")


def interleavings(tool: Tool, superuser: Login, path: Path) -> type[Interleaving]:
    class OfOneTool(Interleaving):
        def __init__(self) -> None:
            super().__init__(tool, superuser, path)

    return OfOneTool


@pytest.mark.parametrize("case", sorted(TOOLS))
def test_whatever_happens_files_records_and_schema_agree_or_a_refusal_says_why(superuser: Login, place: Path, case: str) -> None:
    run_state_machine_as_test(
        interleavings(TOOLS[case], superuser, place),
        settings=settings(max_examples=3, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)),
    )
