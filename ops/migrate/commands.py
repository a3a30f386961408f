"""The commands of `ops migrate`: their options, and whom they call. What they need is imported when they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ops import screen, source
from ops.command import DIFFERS, FAILED, Choice, JsonOption, YesOption, command

if TYPE_CHECKING:
    import psycopg

    from migrator.model import Migration
    from ops.migrate.runs import Outcome, Runner
    from ops.migrate.verify import Replay
    from ops.source import Source

app = typer.Typer(help="Looks at the migrations of a database, applies and undoes them.", no_args_is_help=True, rich_markup_mode=None)

UpTo = Annotated[
    str | None,
    typer.Option("--to", metavar="VERSION", help="The version to go to; the settings' `targetVersion`, else the newest, unless given."),
]
ServerOption = Annotated[
    str | None,
    typer.Option(
        "--server-from",
        metavar="VARIABLE",
        help="The environment variable with the URL of a server to make the throw-away databases on; one is started unless given.",
    ),
]


@command(app)
def status(
    choice: Choice,
    as_json: JsonOption = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 where anything is pending or not as it should be.")] = False,
) -> None:
    """Show every migration and its state.

    Of all databases of the stack, where none is named.
    """
    from migrator.explain import explained
    from ops import access
    from ops.migrate import status as reports

    sources = source.several(choice)
    found = []
    for one, way in zip(sources, access.to(choice, sources), strict=True):
        with way.session() as connection, explained(connection):
            found.append(reports.look(connection, one.read(), one.target))
    if as_json:
        screen.print_json({"databases": [report.facts for report in found]})
    else:
        reports.show(found)
    if exit_code and not all(report.is_settled for report in found):
        raise typer.Exit(DIFFERS)


@command(app)
def up(
    choice: Choice,
    to: UpTo = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the SQL and run nothing, as `plan` does.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Apply what is pending."""
    if dry_run:
        _print_plan(choice, to, as_json=as_json)
        return
    with _runner(choice, as_json=as_json) as (one, runner):
        outcome = runner.up(to or one.target)
    _print_outcome(outcome, as_json=as_json)


@command(app)
def down(
    choice: Choice,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION", help="Undo all above this version; 0 undoes everything. The newest alone unless given."),
    ] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Undo the newest migration, or all above a version. What they made goes with its data."""
    with _runner(choice, as_json=as_json) as (_, runner):
        outcome = runner.down(to, yes=yes)
    _print_outcome(outcome, as_json=as_json)


@command(app)
def redo(choice: Choice, yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Undo the newest migration and apply it again.

    From its file as it is now. What it made loses its data.
    """
    with _runner(choice, as_json=as_json) as (_, runner):
        outcome = runner.redo(yes=yes)
    _print_outcome(outcome, as_json=as_json)


@command(app)
def plan(choice: Choice, to: UpTo = None, as_json: JsonOption = False) -> None:
    """Print the SQL that `up` would run.

    Where the version is below what is applied, that of `down`.
    """
    _print_plan(choice, to, as_json=as_json)


@command(app)
def new(
    choice: Choice,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it changes, in a few words.")],
    repeatable: Annotated[
        bool, typer.Option("--repeatable", help="One without a version, which runs again whenever its file changes (flyway).")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Make the files of a new migration.

    In the format of the folder, and with a version after its newest one.
    """
    from ops.migrate import files

    made = files.create(source.one(choice), name, datetime.now(UTC), repeatable=repeatable)
    if as_json:
        screen.print_json({"files": [str(path) for path in made]})
    else:
        screen.say("\n".join(f"made {path}" for path in made))


@command(app)
def baseline(
    choice: Choice,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The newest migration that the database has already.")],
    as_json: JsonOption = False,
) -> None:
    """Record migrations as applied without running them.

    On a database that has their tables, but no record of them.
    """
    from migrator import upkeep

    with _session(choice) as (one, connection):
        recorded = upkeep.baseline(connection, one.read(), version)
        database = connection.info.dbname
    if as_json:
        screen.print_json({"database": database, "recorded": [migration.version for migration in recorded]})
    else:
        titles = [f"recorded, not run: {migration.title}" for migration in recorded]
        screen.say("\n".join([*titles, f"{database} is at {version}."]))


@command(app)
def repair(
    choice: Choice,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be changed, and change nothing.")] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make the record of what was applied fit the files.

    Where the database is right and its record is not. The schema itself is not touched.
    """
    from migrator import upkeep

    with _session(choice) as (one, connection):
        changes = upkeep.repair(connection, one.read(), dry_run=True)
        if changes and not dry_run:
            screen.complain("\n".join([f"To be changed in the record of {connection.info.dbname}:", *(f"  {what}" for what in changes)]))
            screen.confirm("Go on?", yes=yes)
            changes = upkeep.repair(connection, one.read())
        database = connection.info.dbname
    if as_json:
        screen.print_json({"database": database, "dry_run": dry_run, "changes": list(changes)})
    elif changes:
        screen.say("\n".join(changes))
    else:
        screen.say(f"Nothing to repair: the record of {database} fits the files.")


@command(app)
def force(
    choice: Choice,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The migration that was cut off.")],
    done: Annotated[bool, typer.Option("--done/--again", help="Whether the statement was carried out, or is to be run once more.")],
    as_json: JsonOption = False,
) -> None:
    """Say what became of a statement that was cut off.

    Of a migration outside a transaction, where the database itself does not tell. `up` goes on from there.
    """
    from migrator import upkeep

    with _session(choice) as (_, connection):
        upkeep.force(connection, version, done=done)
        database = connection.info.dbname
    if as_json:
        screen.print_json({"database": database, "version": version, "done": done})
    else:
        what = "counts as carried out" if done else "will be run again"
        screen.say(f"{version} on {database}: the statement {what}. `up` goes on from there.")


@command(app)
def lint(
    choice: Choice,
    after: Annotated[str | None, typer.Option("--after", metavar="VERSION", help="Only what comes after this version.")] = None,
    pending: Annotated[bool, typer.Option("--pending", help="Only what is not applied yet; asks the database.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 1 on warnings too, not on errors alone.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for what hurts a database in use, with squawk."""
    from migrator import lint as linter
    from ops.migrate import files

    migrations, version = _pending(choice) if pending else (source.one(choice).read().migrations, None)
    findings = linter.lint(files.later(migrations, after), version)
    if as_json:
        screen.print_json(files.facts(findings))
    else:
        screen.say(files.told(findings))
    if any(strict or finding.level == "Error" for finding in findings):
        raise typer.Exit(FAILED)


@command(app)
def verify(
    choice: Choice,
    whole: Annotated[
        bool, typer.Option("--whole", help="Only all of them together, not each by itself too; quicker where they are many.")
    ] = False,
    server_from: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay all migrations on a throw-away database.

    Up, down and up again, and the schema has to be the same. Those that cannot be undone are applied to two databases.
    """
    with _replay(choice, server_from, as_json=as_json) as (_, replay):
        verdict = replay.verify(each=not whole)
    if as_json:
        screen.print_json(verdict.facts)
    else:
        screen.say(verdict.summary)
    if verdict.fault:
        raise typer.Exit(FAILED)


@command(app)
def dump(
    choice: Choice,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file; `schema.sql` beside the folder unless given, `-` for the output.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 1 where the file is not what they make.")] = False,
    server_from: ServerOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the schema that all migrations make.

    It is made on a throw-away database. The file is to be kept beside the migrations; `--check` compares.
    """
    from ops.migrate import files

    with _replay(choice, server_from, as_json=as_json) as (one, replay):
        text = replay.schema()
    if str(output) == "-":
        screen.say(text.rstrip("\n"))
        return
    file = output or one.path.parent / "schema.sql"
    difference = files.difference_to(file, text)
    if not check and difference:
        files.write(file, text)
    if as_json:
        screen.print_json({"file": str(file), "differed": bool(difference), "difference": difference})
    else:
        screen.say(files.dump_told(file, difference, checked=check))
    if check and difference:
        raise typer.Exit(FAILED)


@contextmanager
def _session(choice: Choice) -> Iterator[tuple[Source, psycopg.Connection[Any]]]:
    """A session of the owner in the database that is meant."""
    from migrator.explain import explained
    from ops import access

    one = source.one(choice)
    (way,) = access.to(choice, (one,))
    with way.session() as connection, explained(connection):
        yield one, connection


@contextmanager
def _runner(choice: Choice, *, as_json: bool) -> Iterator[tuple[Source, Runner]]:
    """Runs migrations in the database that is meant."""
    from migrator.session import Settings
    from ops.migrate.runs import Runner

    with _session(choice) as (one, connection):
        yield one, Runner(connection, one.read(), Settings(lock_timeout=one.lock_timeout), as_json=as_json)


@contextmanager
def _replay(choice: Choice, variable: str | None, *, as_json: bool) -> Iterator[tuple[Source, Replay]]:
    """Replays migrations on databases that are thrown away."""
    from ops.migrate import scratch
    from ops.migrate.verify import Replay

    one = source.one(choice)
    folder = one.read()
    tell = screen.ignore if as_json else screen.complain
    with scratch.server(one, variable) as server:
        if one.is_external and variable is None:
            tell(f"on PostgreSQL {server.version}; --server-from takes a server of the version that {one.database} has, where that differs")
        yield one, Replay(folder, server, tell)


def _print_plan(choice: Choice, to: str | None, *, as_json: bool) -> None:
    from ops.migrate import planned

    with _session(choice) as (one, connection):
        found = planned.look(connection, one.read(), to or one.target)
    if as_json:
        screen.print_json(found.facts)
    else:
        screen.say(found.sql.rstrip("\n"))


def _print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        screen.print_json(outcome.facts)
    else:
        screen.say(outcome.summary)


def _pending(choice: Choice) -> tuple[tuple[Migration, ...], str]:
    """What is not applied yet, and the version of the server."""
    from migrator.state import inspect

    with _session(choice) as (one, connection):
        found = inspect(connection, one.read(), one.target)
        major, minor = divmod(connection.info.server_version, 10_000)
    return found.pending, f"{major}.{minor}"
