"""`python -m toolchain COMMAND`: what the Makefile calls. Every command gets the toolchain ready first."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import partial

from postgres.errors import PgstackError
from toolchain import plugins, pulumi_cli, summary
from toolchain.stack import Stack, open_stack

ROLES = ("owner", "app", "readonly")

Command = Callable[[Stack, argparse.Namespace], None]


def up(stack: Stack, arguments: argparse.Namespace) -> None:
    """Creates or updates the stack, then says what came up.

    A stack of this machine is applied at once; any other shows its preview and asks, as Pulumi does.
    """
    stack.ensure_exists()
    at_once = ["--yes", "--skip-preview"] if stack.is_of_this_machine else []
    stack.run(["up", "--suppress-outputs", *at_once, *arguments.rest])
    print(summary.render(stack.name, stack.outputs()))


def preview(stack: Stack, arguments: argparse.Namespace) -> None:
    """Shows what `up` would do."""
    stack.ensure_exists()
    stack.run(["preview", *arguments.rest])


def destroy(stack: Stack, arguments: argparse.Namespace) -> None:
    """Takes the stack down. Pulumi shows what goes and asks; `--yes` answers."""
    stack.run(["destroy", *arguments.rest])


def outputs(stack: Stack, arguments: argparse.Namespace) -> None:
    """Prints the outputs as JSON, secrets masked."""
    stack.run(["stack", "output", "--json", *arguments.rest])


def url(stack: Stack, arguments: argparse.Namespace) -> None:
    """Prints a role's connection URL, with its password: for `psql "$(make -s url)"` and the like."""
    print(summary.find_url(stack.outputs(show_secrets=True), arguments.database, arguments.role))


def psql(stack: Stack, arguments: argparse.Namespace) -> None:
    """Opens psql on a database. The password goes through a file that only this user reads, never through the arguments."""
    found = summary.find_login(stack.outputs(show_secrets=True), arguments.database, arguments.role)
    summary.run_psql(found, arguments.rest, stack.root_certificate)


def pulumi(stack: Stack, arguments: argparse.Namespace) -> None:
    """Runs any other Pulumi command on the stack."""
    stack.run(arguments.rest)


def env(stack: Stack, _arguments: argparse.Namespace) -> None:
    """Prints the exports that make a plain `pulumi` in this shell use the same CLI and backend."""
    settings = {**stack.backend.environment, "PULUMI_STACK": stack.name}
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")
    print(f"export PATH={shlex.quote(os.pathsep.join(stack.path))}:$PATH")


def install(_arguments: argparse.Namespace) -> None:
    """Gets the Pulumi CLI and the plug-ins of every target, and says where they are."""
    tools = pulumi_cli.ensure()
    print(f"Pulumi: {tools / 'pulumi'}")
    for target, names in plugins.OF_TARGET.items():
        where = ", ".join(map(str, plugins.ensure(target, tools))) or "found by Pulumi"
        print(f"Plug-in {', '.join(names)}: {where}")


COMMANDS = {"up": up, "preview": preview, "destroy": destroy, "outputs": outputs, "url": url, "psql": psql, "pulumi": pulumi, "env": env}


def command_line() -> argparse.ArgumentParser:
    """The parser; `function` of what it returns is what to call."""
    parser = argparse.ArgumentParser(prog="python -m toolchain", description=__doc__)
    commands = parser.add_subparsers(required=True)
    commands.add_parser("install", help="Gets the Pulumi CLI and its plug-ins.").set_defaults(function=install)
    for name, function in COMMANDS.items():
        command = commands.add_parser(name, help=(function.__doc__ or "").splitlines()[0])
        command.add_argument("--stack", default="local")
        if name in ("url", "psql"):
            command.add_argument("--database")
            command.add_argument("--role", choices=ROLES, default="app")
        command.add_argument("rest", nargs=argparse.REMAINDER, help="passed on; put -- before it")
        command.set_defaults(function=partial(_on_stack, function))
    return parser


def _on_stack(function: Command, arguments: argparse.Namespace) -> None:
    arguments.rest = arguments.rest[1:] if arguments.rest[:1] == ["--"] else arguments.rest
    function(open_stack(arguments.stack), arguments)


def main() -> None:
    """Parses the command line and runs one command; a failure is told in words, with exit code 1."""
    arguments = command_line().parse_args()
    try:
        arguments.function(arguments)
    except PgstackError as error:
        sys.exit(f"error: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os._exit(1)


if __name__ == "__main__":
    main()
