"""What people see: text and tables on stdout, complaints on stderr, JSON for programs. Imports rich where it is used."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import typer

from ops.errors import Declined

if TYPE_CHECKING:
    from rich.console import Console

UNLIMITED = 10_000
"""Characters of a line where the output is no terminal: whoever reads it wants it whole."""

MINUTE = 60
"""Seconds."""

Cell = str | tuple[str, str]
"""Of a table: a text, or a text and its colour."""


def is_terminal() -> bool:
    """Whether somebody watches the output as it comes."""
    return sys.stdout.isatty()


def console() -> Console:
    """The output. What is printed is taken as it is: brackets are no markup."""
    from rich.console import Console  # noqa: PLC0415

    return Console(file=sys.stdout, width=None if is_terminal() else UNLIMITED, markup=False, highlight=False, emoji=False)


def say(text: str) -> None:
    """Prints a line, at once."""
    typer.echo(text)


def complain(text: str) -> None:
    """Prints what is no part of the result."""
    typer.echo(text, err=True)


def ignore(_text: str) -> None:
    """Prints nothing."""


def print_json(value: Any) -> None:
    """Prints one JSON document."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, folded: Collection[str] = ()) -> None:
    """Prints rows below their heads.

    Args:
        folded: heads of the columns that may take several lines where the terminal is narrow.
    """
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in heads:
        table.add_column(head, no_wrap=head not in folded, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) if isinstance(cell, str) else Text(*cell) for cell in row))
    out = console()
    with out.capture() as printed:
        out.print(table)
    say("\n".join(line.rstrip() for line in printed.get().splitlines()))


def confirm(question: str, *, yes: bool) -> None:
    """Asks on stderr, unless the answer was given before.

    Raises:
        Declined: the answer is no.
        typer.BadParameter: nobody is there to answer.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody can be asked here: give it if that is meant.", param_hint="--yes")
    if not typer.confirm(question, err=True):
        raise Declined("Nothing was done.")


def counted(number: int, what: str) -> str:
    """A number of things."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def duration(seconds: float) -> str:
    """A time as people say it."""
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    return f"{minutes} min {rest} s"
