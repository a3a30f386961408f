"""The command `ops`: the everyday commands of a server, and a group of commands for each other thing that is operated."""

from __future__ import annotations

import typer

from ops.migrate import commands as migrate
from ops.server import commands as server

app = typer.Typer(
    name="ops",
    help="Operates the PostgreSQL that a stack has.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,  # they show local variables, and those hold passwords
)
app.add_typer(server.app)
app.add_typer(migrate.app, name="migrate")
