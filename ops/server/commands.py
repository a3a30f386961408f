"""The everyday commands: their options, and whom they call. What they need is imported when they run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

import typer

from ops import screen, stacks
from ops.command import DIFFERS, JsonOption, StackOption, YesOption, plain_command

app = typer.Typer()

Form = Literal["dotenv", "json", "shell", "django", "sqlx"]
FromImage = Annotated[
    str | None,
    typer.Option("--from-image", metavar="IMAGE", help="Of the data's own version; the container's own unless given."),
]
ToImage = Annotated[str | None, typer.Option("--to-image", metavar="IMAGE", help="Of the version to go to; the settings' unless given.")]
DatabaseOption = Annotated[str | None, typer.Option("--database", metavar="NAME", help="The database, where the stack has several.")]
PartArgument = Annotated[Literal["postgres", "redis", "adminer"], typer.Argument(metavar="[PART]", help="postgres, redis or adminer.")]


@plain_command(app)
def start(stack: StackOption = stacks.USUAL) -> None:
    """Start the server and what runs beside it, and wait until they answer."""
    from ops.server import deployed

    found = deployed.find(stack)
    found.refuse_external("start")
    if found.target == "embedded":
        from ops.server import embedded

        embedded.start(stack)
        return
    from containers.engine import connect
    from ops.server import parts

    with connect(found.names.url) as client:
        parts.start(parts.find(client, found.names), stacks.server_of(stack).docker.start_timeout, screen.say)


@plain_command(app)
def stop(stack: StackOption = stacks.USUAL) -> None:
    """Stop the server and what runs beside it. The data stays."""
    from ops.server import deployed

    found = deployed.find(stack)
    found.refuse_external("stop")
    if found.target == "embedded":
        from ops.server import embedded

        embedded.stop(stack)
        return
    from containers.engine import connect
    from ops.server import parts

    with connect(found.names.url) as client:
        parts.stop(parts.find(client, found.names), screen.say)


@plain_command(app)
def status(
    stack: StackOption = stacks.USUAL,
    as_json: JsonOption = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="Exit with 3 where anything does not run, or is not well.")] = False,
) -> None:
    """Show how the server is, and what runs beside it."""
    from ops.server import deployed
    from ops.server import status as reports

    found = deployed.find(stack)
    parts = reports.look(found)
    well = all(part.is_well for part in parts)
    if as_json:
        screen.print_json({"stack": stack, "target": found.target, "well": well, "parts": [part.facts for part in parts]})
    else:
        reports.show(parts)
    if exit_code and not well:
        raise typer.Exit(DIFFERS)


@plain_command(app)
def logs(
    part: PartArgument = "postgres",
    stack: StackOption = stacks.USUAL,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is printed from now on, until Ctrl-C.")] = False,
    tail: Annotated[int | None, typer.Option("--tail", metavar="N", min=0, help="The last lines only.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Only what is younger: 10m, 2h, 1d, or 2025-01-31T12:00 (UTC).")
    ] = None,
) -> None:
    """Print the server's log, or that of another part."""
    from ops.errors import OpsError
    from ops.server import deployed

    found = deployed.find(stack)
    found.refuse_external("logs")
    if found.target == "docker":
        from ops.server import logs as printed

        moment = printed.moment(since, datetime.now(UTC)) if since else None
        printed.show(found, part, follow=follow, tail=tail, since=moment)
        return
    if part != "postgres" or since:
        raise OpsError(
            f"The stack {stack} has target embedded: one log, of postgres, without --since.", hint="--tail and --follow go with it."
        )
    from contextlib import suppress

    from ops.server import embedded

    with suppress(KeyboardInterrupt):
        embedded.logs(stack, follow=follow, tail=tail)


@plain_command(app)
def shell(  # noqa: PLR0917  typer gives each by its name
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[-- ARGUMENT...]", help="For psql; put -- before the first.")] = None,
    stack: StackOption = stacks.USUAL,
    database: Annotated[
        str | None, typer.Option("--database", metavar="NAME", help="The database; the first one of the stack unless given.")
    ] = None,
    role: Annotated[
        Literal["owner", "app", "readonly", "superuser"] | None, typer.Option("--role", help="Who logs in; app unless given.")
    ] = None,
    ipv4: Annotated[bool, typer.Option("--ipv4", help="Through 127.0.0.1.")] = False,
    ipv6: Annotated[bool, typer.Option("--ipv6", help="Through ::1.")] = False,
    inside: Annotated[bool, typer.Option("--inside", help="Inside the container, as its superuser unless --role is given.")] = False,
) -> None:
    """Open psql."""
    from ops.server import deployed
    from ops.server import shell as ways

    if ipv4 + ipv6 + inside > 1:
        raise typer.BadParameter("give one of the three.", param_hint="--ipv4, --ipv6, --inside")
    superuser = role == "superuser"
    if superuser and (ipv4 or ipv6):
        raise typer.BadParameter("the superuser logs in over the server's own socket, not over TCP.", param_hint="--role")
    found = deployed.find(stack, secrets=not (inside or superuser))
    words = arguments or []
    if superuser and found.target == "external":
        raise typer.BadParameter("the superuser of an external server is not known to this program.", param_hint="--role")
    if inside and found.target != "docker":
        raise typer.BadParameter(f"the stack {stack} has target {found.target}, and no container.", param_hint="--inside")
    if superuser and found.target == "embedded":
        ways.over_socket(found, database, words)
    elif inside or superuser:
        raise typer.Exit(ways.inside(found, database, role, words))
    else:
        ways.over_tcp(found, database, role or "app", "127.0.0.1" if ipv4 else "::1" if ipv6 else None, words)


@plain_command(app)
def reset(
    stack: StackOption = stacks.USUAL,
    delete_data: Annotated[bool, typer.Option("--delete-data", help="Delete its data, too, for good.")] = False,
    yes: YesOption = False,
) -> None:
    """Make the server's container anew, on the data that is there."""
    from ops.server import deployed

    found = deployed.find(stack)
    found.refuse_external("reset")
    if found.target == "embedded":
        from ops.server import embedded

        if delete_data:
            screen.complain(f"To be deleted for good, with all that is in it:\n  {embedded.data_in_words(stack)}")
            screen.confirm("Go on?", yes=yes)
        embedded.reset(stack, delete_data=delete_data)
    else:
        from ops.server import reset as removal

        if delete_data:
            removal.with_data(found, yes=yes)
        else:
            removal.container_only(found)
    if found.target == "docker" or delete_data:
        deployed.bring_up(stack)


@plain_command(app)
def env(
    stack: StackOption = stacks.USUAL,
    database: DatabaseOption = None,
    form: Annotated[Form, typer.Option("--format", help="How they are written.")] = "dotenv",
    network: Annotated[bool, typer.Option("--network", help="For a container beside the server, not a program of this machine.")] = False,
    test: Annotated[bool, typer.Option("--test", help="For the database's test twin.")] = False,
) -> None:
    """Print an application's settings, with its password."""
    from ops.server import deployed, environment

    written = environment.written(environment.of(deployed.find(stack, secrets=True), database, network=network, test=test), form)
    if screen.is_terminal():
        screen.complain("This shows passwords.")
    screen.say(written)


@plain_command(app)
def upgrade(
    stack: StackOption = stacks.USUAL,
    from_image: FromImage = None,
    to_image: ToImage = None,
    yes: YesOption = False,
) -> None:
    """Move the data to the major version of PostgreSQL that the settings say. The old data is kept."""
    from ops.errors import OpsError
    from ops.server import deployed
    from ops.upgrade import steps

    target = str(stacks.settings_of(stack).get("target", "embedded"))
    if target != "docker":
        hint = deployed.REMEDY["upgrade"] if target == "external" else "It has the version of its package, and that is one."
        raise OpsError(f"`ops upgrade` is for target docker, and that of the stack {stack} is {target}.", hint=hint)
    steps.run(stack, from_image=from_image, to_image=to_image, yes=yes)
    deployed.bring_up(stack)
