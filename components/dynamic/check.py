"""A server that is there already, as a resource: looked at before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference, say, unknown
from components.dynamic.bootstrap import login

if TYPE_CHECKING:
    from postgres.checks import Demand, Verdict

INPUTS = ("demands",)


def _demands(props: Properties) -> tuple[Demand, ...]:
    from postgres.checks import Demand  # noqa: PLC0415  see the package's docstring

    return tuple(Demand(login(entry["login"], entry["database"]), entry["duty"], tuple(entry["extensions"])) for entry in props["demands"])


def _who(props: Properties) -> str:
    return f"server {props['demands'][0]['login']['host']}" if props["demands"] else "server"


class CheckProvider(ResourceProvider):
    """Looks at the server at `check`, `diff`, `create` and `update`, and refuses it at the latter two. Changes nothing on it."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Looks at a server that the stack does not have yet: a preview asks nothing else of a new resource."""
        if not _olds and not unknown(news):
            self._look(news)
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        if unknown(_news):
            return difference(True)
        verdict = self._look(_news)
        inputs_changed = bool(changed(INPUTS, _olds, _news))
        if verdict.unreachable:
            say(_who(_news), [f"taken as the state has it: PostgreSQL {_olds['version']:.0f}"])
            return difference(inputs_changed)
        return difference(inputs_changed or bool(verdict.problems) or verdict.version != _olds["version"])

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(_who(props), self._accept(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._accept(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        say(_who(_props), ["left as it is: its databases and their data stay"])

    def _look(self, props: Properties) -> Verdict:
        """Looks at the server, and says what is found."""
        from postgres.checks import look  # noqa: PLC0415

        verdict = look(_demands(props))
        unreachable = [f"not reachable now, so it was not looked at: {verdict.unreachable}"] if verdict.unreachable else []
        say(_who(props), [*verdict.problems, *verdict.warnings, *unreachable])
        return verdict

    def _accept(self, props: Properties) -> dict[str, Any]:
        """The resource's outputs, once the server is found fit."""
        from postgres.checks import accept  # noqa: PLC0415

        return {**props, "version": accept(_demands(props)).version}


class ServerCheck(Resource, module="pgstack", name="Check"):
    """A server that was found fit for what is to be done on it.

    Args:
        demands: for each login its inputs, `database`, `duty` and `extensions`; see `postgres.checks.Demand`.

    Attributes:
        version: PostgreSQL's major version.
    """

    version: pulumi.Output[int]

    def __init__(self, name: str, *, demands: Sequence[Mapping[str, Any]], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__(CheckProvider(), name, {"demands": [dict(demand) for demand in demands], "version": None}, opts)
