"""The command `ops`, with a group of commands for each thing that is operated."""

from __future__ import annotations

import typer

from ops.migrate import commands as migrate

app = typer.Typer(
    name="ops",
    help="Operates the PostgreSQL that a stack has.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # they show local variables, and those hold passwords
)
app.add_typer(migrate.app, name="migrate")


@app.callback()
def group() -> None:
    """Keeps `ops` a group of commands while it has but one."""
