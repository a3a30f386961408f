"""A stack as it was brought up: its target, the names of what it has, its databases. All from its outputs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import Any

import typer

from ops import stacks
from ops.errors import OpsError
from toolchain import summary

REMEDY = {
    "start": "It is started by whoever runs it.",
    "stop": "It is stopped by whoever runs it.",
    "logs": "Its log is where whoever runs it keeps it.",
    "reset": "Nothing of it is this program's to remove; `python -m ops migrate down --to 0` undoes the migrations.",
    "upgrade": "It is upgraded by whoever runs it.",
}
"""Command → what to do instead where the server is somebody else's."""


@dataclass(frozen=True)
class Names:
    """What a stack has on an engine.

    Attributes:
        url: of the engine.
        container: the server's.
    """

    url: str
    stack: str
    container: str
    volume: str
    backup_volume: str
    project: str = stacks.PROJECT


@dataclass(frozen=True)
class Deployed:
    """A stack that is up."""

    name: str
    outputs: dict[str, Any] = field(repr=False)

    @property
    def target(self) -> str:
        """Where its server runs."""
        return str(self.outputs["server"]["target"])

    @property
    def names(self) -> Names:
        """What it has on an engine.

        Raises:
            OpsError: it has nothing there.
        """
        found = self.outputs["server"].get("docker")
        if not found:
            raise OpsError(f"The stack {self.name} has no containers: its target is {self.target}.")
        return Names(found["engine"], self.name, found["container"], found["volume"], found["backupVolume"])

    def refuse_external(self, command: str) -> None:
        """Raises OpsError where the server is somebody else's, and the command would need it to be ours."""
        if self.target == "external":
            raise OpsError(
                f"`ops {command}` is not for the stack {self.name}: its server is external, and not this program's.", hint=REMEDY[command]
            )

    def database(self, name: str | None, *, test: bool = False, first: bool = False) -> dict[str, Any]:
        """The output of a database.

        Args:
            name: of the database; None for the only one.
            test: whether its test twin is meant.
            first: whether the first is meant where there are several and none is named.

        Raises:
            typer.BadParameter: there is no such database, or there are several.
        """
        known = dict(summary.databases(self.outputs))
        own = list(self.outputs.get("databases", {}))
        if name is None and (len(own) == 1 or (first and own)):
            name = own[0]
        if name is None or name not in known:
            what = f"no database {name}" if name else "several databases" if own else "no database"
            raise typer.BadParameter(f"the stack {self.name} has {what}; there are: {', '.join(known) or 'none'}.", param_hint="--database")
        if not test:
            return known[name]
        if "test" not in known[name]:
            raise typer.BadParameter(f"{name} has no test twin: `testTwin: true` in the settings makes one.", param_hint="--test")
        twin: dict[str, Any] = known[name]["test"]
        return twin


def find(stack: str, *, secrets: bool = False) -> Deployed:
    """The stack of this name.

    Args:
        secrets: whether passwords are needed, which takes Pulumi's CLI.

    Raises:
        OpsError: it is not up.
    """
    from toolchain.stack import open_stack  # noqa: PLC0415

    stacks.settings_of(stack)  # says which stacks there are where this is none
    outputs = open_stack(stack).outputs(show_secrets=secrets)
    if not outputs.get("server"):
        raise OpsError(f"The stack {stack} is not up.", hint=f"Run `{up_command(stack)}` first.")
    return Deployed(stack, outputs)


def up_command(stack: str, arguments: str = "") -> str:
    """What a person types to bring a stack up."""
    return " ".join(filter(None, ["make up", f"STACK={stack}" if stack != stacks.USUAL else "", f"ARGS={arguments}" if arguments else ""]))


def bring_up(stack: str) -> None:
    """Runs `pulumi up --refresh`: what is gone is made anew. Exits with Pulumi's code where it fails."""
    from toolchain.__main__ import up  # noqa: PLC0415
    from toolchain.stack import open_stack  # noqa: PLC0415

    up(open_stack(stack), argparse.Namespace(rest=["--refresh"]))
