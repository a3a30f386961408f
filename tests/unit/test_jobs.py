from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from migrator.errors import MigrationFailed, TargetError
from migrator.formats import FORMATS
from migrator.formats.base import Command
from migrator.jobs import downs, ups
from migrator.ledger import Row, stand_in
from migrator.model import Folder, Migration, Script


def script(name: str, text: str) -> Script:
    return Script.of(f"m/{name}", text.encode())


def migration(number: int, up: str = "up", down: str | None = "down") -> Migration:
    undoing = None if down is None else script(f"{number}_step.down.sql", down)
    return Migration(str(number), "step", script(f"{number}_step.up.sql", up), undoing)


def folder(*migrations: Migration, format_name: str = "soda") -> Folder:
    return Folder("m", format_name, migrations)


def row(one: Migration, **changes: Any) -> Row:
    return Row(**{"version": one.version, "name": one.name, "checksum": one.checksum, **changes})


def nothing(_version: str) -> str | None:
    return None


def told(command: Command) -> tuple[str, tuple[Any, ...]]:
    """A command without its indentation."""
    return " ".join(command.sql.split()), tuple(command.parameters)


# Up


def test_each_migration_is_a_job_in_the_order_given() -> None:
    one, two = migration(1), migration(2)
    jobs = ups(folder(one, two), [two, one])
    assert [(job.migration, job.direction, job.script) for job in jobs] == [(two, "up", two.up), (one, "up", one.up)]


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_both_records_are_told_of_a_migration_that_was_applied(format_name: str) -> None:
    one = migration(1)
    (job,) = ups(folder(one, format_name=format_name), [one])
    started = datetime.now(UTC)
    ledger, history = job.records(started)
    assert ledger.sql.split()[:3] == ["INSERT", "INTO", "pgstack.migration"]
    assert ledger.parameters == ("1", "step", one.checksum, format_name, True, started, "down", "0.1.0")
    assert history == FORMATS[format_name].history.record(one, started)


@pytest.mark.parametrize(
    ("format_name", "text", "line", "held"),
    [
        ("flyway", "SELECT 1;\nSELECT '${ name }';\n", 2, "${ name }"),
        ("flyway", "-- ${user}\n", 1, "${user}"),
        ("soda", "\n\nCREATE TABLE {{ .Name }} ();", 3, "{{"),
    ],
)
def test_a_placeholder_is_refused_with_its_line(format_name: str, text: str, line: int, held: str) -> None:
    one, two = migration(1), migration(2, text)
    with pytest.raises(MigrationFailed) as caught:
        ups(folder(one, two, format_name=format_name), [one, two])
    tool = FORMATS[format_name].tool
    assert str(caught.value) == (
        f"m/2_step.up.sql:{line}: {held} is something that {tool} replaces before it runs the file; here nothing is replaced.\n"
        "Write out what it stands for."
    )
    assert ups(folder(one, two, format_name=format_name), [one])


def test_what_is_a_placeholder_to_one_tool_is_text_to_another() -> None:
    one = migration(1, "SELECT '${a} {{ b }}';")
    for format_name in ("dbmate", "golang-migrate", "goose", "sqlx"):
        assert len(ups(folder(one, format_name=format_name), [one])) == 1


# Down


def test_what_is_undone_is_taken_out_of_both_records() -> None:
    one, two, three = (migration(number) for number in (1, 2, 3))
    applied = [row(one), row(two), row(three)]
    jobs = downs(folder(one, two, three), applied[:0:-1], applied, nothing)
    assert [(job.migration, job.direction, job.script) for job in jobs] == [(three, "down", three.down), (two, "down", two.down)]
    assert [[told(command) for command in job.records(None)] for job in jobs] == [
        [
            ("DELETE FROM pgstack.migration WHERE version = %s", ("3",)),
            ("DELETE FROM public.schema_migration WHERE ltrim(version, '0') = ltrim(%s, '0')", ("3",)),
        ],
        [
            ("DELETE FROM pgstack.migration WHERE version = %s", ("2",)),
            ("DELETE FROM public.schema_migration WHERE ltrim(version, '0') = ltrim(%s, '0')", ("2",)),
        ],
    ]


def test_a_tool_that_keeps_the_newest_alone_is_told_the_one_before() -> None:
    one, two, three = (migration(number) for number in (1, 2, 3))
    applied = [row(one), row(two, name="gone"), row(three), Row("R__view", "view", "x")]
    jobs = downs(folder(one, three, format_name="golang-migrate"), [applied[2], applied[1], applied[0]], applied, lambda _version: "undo")
    assert [told(job.records(None)[1]) for job in jobs] == [
        ("UPDATE public.schema_migrations SET version = %s, dirty = false", (2,)),
        ("UPDATE public.schema_migrations SET version = %s, dirty = false", (1,)),
        ("DELETE FROM public.schema_migrations", ()),
    ]


@pytest.mark.parametrize(
    ("file", "changes", "recorded", "path", "text"),
    [
        (migration(1, down="mended"), {}, "recorded", "m/1_step.down.sql", "mended"),
        (migration(1, up="edited", down="edited"), {"checksum": "x"}, "recorded", "the ledger's down SQL of 1_step", "recorded"),
        (migration(1, down=None), {}, "recorded", "the ledger's down SQL of 1_step", "recorded"),
        (None, {}, "recorded", "the ledger's down SQL of 1_step", "recorded"),
        (None, {}, "", "the ledger's down SQL of 1_step", ""),
    ],
    ids=["file", "edited", "no down file", "no file", "empty"],
)
def test_the_file_that_was_applied_says_how_to_undo_it_and_else_the_ledger(
    *, file: Migration | None, changes: dict[str, str], recorded: str, path: str, text: str
) -> None:
    asked = row(migration(1), **changes)
    (job,) = downs(folder(*filter(None, [file])), [asked], [asked], lambda _version: recorded)
    assert (job.script.path, job.script.text, job.migration.version) == (path, text, "1")


@pytest.mark.parametrize("file", [None, migration(1, down=None), migration(1, up="edited")])
def test_what_nothing_undoes_is_refused(file: Migration | None) -> None:
    two = migration(2)
    applied = [row(migration(1)), row(two)]
    with pytest.raises(TargetError, match=r"^1_step cannot be undone: it has no down migration, neither in its file nor in the ledger\."):
        downs(folder(*filter(None, [file, two])), applied[::-1], applied, nothing)


def test_a_migration_that_only_its_row_tells_of_has_no_sql() -> None:
    assert stand_in(Row("3", "gone", "x")) == Migration("3", "gone", Script("3_gone", b"", ""))


def test_a_job_that_was_begun_outside_a_transaction_is_ended_so() -> None:
    (job,) = ups(folder(migration(1)), [migration(1)])
    assert (job.script.transactional, job.outside().script.transactional, job.outside().migration) == (True, False, job.migration)
