"""Compares files, ledger and the tool's own history. Pure: no file is read and no database is asked here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from migrator.errors import DriftError, TargetError
from migrator.formats.base import Applied
from migrator.ledger import Row
from migrator.model import Migration, Order, order_of

WAYS_OUT = (
    "Three ways out:\n"
    "  - bring the file back as it was (git shows it), and put the change into a new migration; give a late one a version after the\n"
    "    newest, so that it is run next;\n"
    "  - where the database is right and its record is not, `ops migrate repair` makes the record fit the files;\n"
    "  - on a database that can be made anew, drop it and run `pulumi up` again."
)


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what stands in the way.

    Attributes:
        pending: to be applied, in order; repeatable ones, new or changed, at the end.
        undo: to be undone, the newest first, since a target version below them was asked for.
        adopted: applied by the format's own tool, and to be taken into the ledger.
        edited: applied, but their file is not what it was.
        missing: applied, but without a file.
        late: not applied, though a later one was.
        undone: in the ledger, but no longer in the tool's history.
        applied: in order; everything that either record has.
        unfit: applied, but the tool would refuse their file, which has other line ends than the one it recorded.
        begun: versions that were cut off outside a transaction, and have no file to go on with.
    """

    pending: tuple[Migration, ...] = ()
    undo: tuple[Row, ...] = ()
    adopted: tuple[Migration, ...] = ()
    edited: tuple[Migration, ...] = ()
    missing: tuple[Row, ...] = ()
    late: tuple[Migration, ...] = ()
    undone: tuple[Row, ...] = ()
    applied: tuple[Row, ...] = ()
    unfit: tuple[Migration, ...] = ()
    begun: tuple[str, ...] = ()

    def with_begun(self, versions: Iterable[str]) -> Plan:
        """The same plan, where migrations of these versions were cut off outside a transaction."""
        going_on = {migration.version for migration in self.pending} | {row.version for row in self.undo}
        return replace(self, begun=tuple(version for version in versions if version not in going_on))

    @property
    def problems(self) -> tuple[str, ...]:
        """A line for each thing in the way."""
        return (
            *(f"edited: {migration.up.path} is not the file that was applied" for migration in self.edited),
            *(f"missing: {row.title} was applied, its file is gone" for row in self.missing),
            *(f"late: {migration.up.path} is older than the newest that was applied" for migration in self.late),
            *(f"undone: {row.title} was applied, and another tool has undone it since" for row in self.undone),
            *(f"begun: {version} was cut off outside a transaction, and is not among what is to be run" for version in self.begun),
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each thing that is not in the way here, but will be for the format's own tool."""
        return tuple(
            f"line ends: {migration.up.path} has others than the file that was recorded; the format's own tool will refuse it. "
            "`ops migrate repair` mends the record"
            for migration in self.unfit
        )

    @property
    def nothing_to_do(self) -> bool:
        """Whether files, ledger and history tell one story, and all of it has happened."""
        return not (self.pending or self.undo or self.adopted or self.problems)

    def refuse_drift(self) -> None:
        """Raises DriftError where files and records tell different stories."""
        if self.problems:
            lines = ["The migrations are not the ones that were applied; nothing was run.", *(f"  {line}" for line in self.problems)]
            raise DriftError("\n".join(lines), hint=WAYS_OUT)


@dataclass(frozen=True)
class Records:
    """What a database tells of its migrations.

    Attributes:
        ledger: the migrator's own record, in order; None where there is none.
        history: the tool's; None where there is none.
        keeps_each: whether the tool keeps a row for each migration. One that keeps the newest version alone says nothing of a
            migration below it that came later.
        literal: whether the tool compares versions letter by letter.
    """

    ledger: tuple[Row, ...] | None
    history: tuple[Applied, ...] | None
    keeps_each: bool = True
    literal: bool = False

    @cached_property
    def told(self) -> Mapping[Order, Applied]:
        """What the tool tells, by its place."""
        return {order_of(entry.version): entry for entry in self.history or ()}


def compare(
    files: Sequence[Migration], records: Records, checksums: Callable[[Migration], Iterable[bytes]], target: str | None = None
) -> Plan:
    """What the files hold beyond the records, and where these disagree.

    Args:
        files: in order.
        checksums: those that the tool may have recorded for a migration, that of the file as it is first.
        target: the version to go to; None for the newest.

    Raises:
        TargetError: there is no such version.
    """
    if target is None and _settled(files, records, checksums):
        return Plan(applied=records.ledger or ())

    def ran(migration: Migration) -> bool:
        """Whether the tool, if it tells of a migration, ran the very file that is there."""
        entry = records.told.get(migration.order)
        if entry is None or (records.literal and entry.version != migration.version):
            return entry is None
        return entry.checksum is None or entry.checksum in checksums(migration)

    def edited(row: Row) -> bool:
        migration = by_order.get(row.order)
        return migration is not None and not migration.repeatable and (_changed(migration, row) or not ran(migration))

    by_order = {migration.order: migration for migration in files}
    rows = {row.order: row for row in records.ledger or ()}
    foreign = _foreign(by_order, records, rows, ran)
    known = {**rows, **foreign}
    last = max((order for order in known if not order[0]), default=None)
    goal = _goal(target, by_order, known)
    undo = [row for order, row in sorted(known.items(), reverse=True) if goal is not None and not order[0] and order > goal]
    going = {row.order for row in undo}
    unapplied = [migration for migration in files if migration.order not in known and not migration.repeatable]
    stays = [row for order, row in sorted(known.items()) if order not in going]
    return Plan(
        pending=(
            *(m for m in unapplied if (last is None or m.order > last) and (goal is None or m.order <= goal)),
            *(m for m in files if m.repeatable and not undo and (_changed(m, known.get(m.order)) or not _has_run(m, records, ran))),
        ),
        undo=tuple(undo),
        adopted=tuple(by_order[order] for order in sorted(foreign) if order in by_order and foreign[order].checksum),
        edited=tuple(by_order[row.order] for row in stays if edited(row)),
        missing=tuple(row for row in stays if row.order not in by_order and not row.order[0]),
        late=tuple(m for m in unapplied if last is not None and m.order < last and (goal is None or m.order <= goal)),
        undone=_undone(records),
        applied=tuple(row for _, row in sorted(known.items())),
    )


def _settled(files: Sequence[Migration], records: Records, checksums: Callable[[Migration], Iterable[bytes]]) -> bool:
    """Whether all three tell the same story, word for word: the usual case, and told without comparing any order."""
    rows = {row.version: row.checksum for row in records.ledger or ()}
    history = {entry.version: entry.checksum for entry in records.history or ()}
    if not len(files) == len(rows) == len(history):
        return False
    for migration in files:
        if rows.get(migration.version) != migration.checksum or migration.version not in history:
            return False
        recorded = history[migration.version]
        if recorded is not None and recorded != next(iter(checksums(migration)), None):
            return False
    return True


def unfit(
    files: Sequence[Migration], history: Iterable[Applied], checksums: Callable[[Migration], Iterable[bytes]]
) -> tuple[Migration, ...]:
    """The migrations whose recorded checksum is that of their file with other line ends; arguments as those of `compare`."""
    recorded = {order_of(entry.version): entry.checksum for entry in history if entry.checksum is not None}
    both = ((migration, recorded[migration.order]) for migration in files if migration.order in recorded)
    return tuple(migration for migration, checksum in both if checksum in islice(checksums(migration), 1, None))


def _foreign(
    files: Mapping[Order, Migration], records: Records, rows: Mapping[Order, Row], ran: Callable[[Migration], bool]
) -> dict[Order, Row]:
    """What the tool's history has and the ledger has not, as rows of the ledger; one whose file is another has no checksum."""
    newest = max((order for order in rows if not order[0]), default=None)
    found = {}
    for order, entry in records.told.items():
        row, migration = rows.get(order), files.get(order)
        unseen = row is None and (records.keeps_each or newest is None or order > newest)
        if migration is None:
            if unseen:
                found[order] = Row(entry.version, "unknown", "")
            continue
        again = row is not None and migration.repeatable and row.checksum != migration.checksum
        if (unseen or again) and (ran(migration) or not migration.repeatable):
            found[order] = Row(migration.version, migration.name, migration.checksum if ran(migration) else "")
    return found


def _undone(records: Records) -> tuple[Row, ...]:
    """What the ledger has and the tool's history has not. A history that is not there at all is made anew from the ledger."""
    rows = [row for row in records.ledger or () if not row.order[0]]
    if records.history is None:
        return ()
    if records.keeps_each:
        return tuple(row for row in rows if row.order not in records.told)
    # The one version that such a tool keeps is the newest; what lies above it in the ledger was undone.
    top = max(records.told, default=None)
    return tuple(row for row in rows if top is None or row.order > top)


def _has_run(migration: Migration, records: Records, ran: Callable[[Migration], bool]) -> bool:
    """Whether the tool counts a repeatable migration as run the way its file is now."""
    return records.history is None or (migration.order in records.told and ran(migration))


def _changed(migration: Migration, row: Row | None) -> bool:
    return row is None or row.checksum != migration.checksum


def _goal(target: str | None, files: Mapping[Order, Migration], known: Mapping[Order, Row]) -> Order | None:
    if target is None:
        return None
    goal = order_of(target)
    if goal == NOTHING or (not goal[0] and (goal in files or goal in known)):
        return goal
    versions = [migration.version for migration in files.values() if not migration.repeatable]
    raise TargetError(
        f"There is no migration of the version {target}; nothing was run.",
        hint=f"The files go from {versions[0]} to {versions[-1]}; 0 undoes all of them." if versions else "There are no files.",
    )


NOTHING: Order = order_of("0")
"""The target that comes before every migration."""
