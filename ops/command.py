"""How a command is made: the options that say which database it is about, and what becomes of a failure."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from migrator.errors import Interrupted
from ops import screen
from ops.errors import Declined
from postgres.errors import PgstackError

FAILED = 1
DIFFERS = 3
INTERRUPTED = 130
"""Exit codes: the command failed; there is something to do, for `--exit-code`; Ctrl-C. A usage error is 2."""


@dataclass(frozen=True)
class Choice:
    """Which database a command is about: one of a stack, or any, with a folder of migrations of its own."""

    stack: Annotated[str | None, typer.Option(metavar="NAME", help="The stack of the database; `local` unless given.")] = None
    database: Annotated[str | None, typer.Option(metavar="NAME", help="The database, where the stack has several.")] = None
    folder: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="A folder of migrations, instead of a stack's; the database then comes from the environment."),
    ] = None
    format: Annotated[
        str | None, typer.Option(metavar="NAME", help="With --folder: the format of its files, where they leave it open.")
    ] = None
    url_from: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE",
            help="With --folder: the environment variable that has the connection URL; DATABASE_URL unless given, then PGHOST and so on.",
        ),
    ] = None


StackOption = Annotated[str, typer.Option("--stack", metavar="NAME", help="The stack.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]

OPTIONS = tuple(inspect.signature(Choice, eval_str=True).parameters.values())


def command(app: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a function a command of `app`: its first parameter, `choice`, stands for all options of `Choice`.

    An error of ours is printed on stderr, with its hint; the exit code tells what happened.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        own = [parameter for name, parameter in inspect.signature(function, eval_str=True).parameters.items() if name != "choice"]

        @functools.wraps(function)
        def run(**given: Any) -> None:
            choice = Choice(**{option.name: given.pop(option.name) for option in OPTIONS})
            with failures_told():
                function(choice, **given)

        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *OPTIONS)]
        # What typer reads; the annotations that `wraps` copied are the function's.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {}
        return app.command()(run)

    return register


def plain_command(app: typer.Typer, **more: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Makes a function a command of `app` with the options that it has itself. Failures are told as those of `command` are."""

    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(**given: Any) -> None:
            with failures_told():
                function(**given)

        parameters = inspect.signature(function, eval_str=True).parameters.values()
        run.__signature__ = inspect.Signature(list(parameters))  # type: ignore[attr-defined]
        run.__annotations__ = {}
        return app.command(**more)(run)

    return register


@contextlib.contextmanager
def failures_told() -> Iterator[None]:
    """Turns failures into words on stderr and an exit code."""
    try:
        yield
    except Declined as answer:
        screen.complain(str(answer))
        raise typer.Exit(FAILED) from None
    except PgstackError as error:
        screen.complain(f"error: {error}")
        raise typer.Exit(INTERRUPTED if isinstance(error, Interrupted) else FAILED) from None
    except (KeyboardInterrupt, typer.Abort):
        screen.complain("\nInterrupted.")
        raise typer.Exit(INTERRUPTED) from None
