"""Databases, roles and rights, as a resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference, say, unknown
from postgres.errors import ConnectionFailed

if TYPE_CHECKING:
    from bootstrap.model import Wanted
    from postgres.login import Login

INPUTS = ("administrator", "databases", "roles", "extensions")
ROLES = ("owner", "app", "readonly")


def login(props: Properties, database: str) -> Login:
    """The login that a resource's input describes."""
    from postgres.login import Login  # noqa: PLC0415  see the package's docstring

    root_certificate = props.get("rootCertificate", "")
    return Login(props["host"], int(props["port"]), database, props["user"], props["password"], props["sslmode"], root_certificate)


def _wanted(props: Properties) -> Wanted:
    from bootstrap.model import Role, Wanted  # noqa: PLC0415

    roles = {role: Role(props["roles"][role]["name"], props["roles"][role]["password"]) for role in ROLES}
    return Wanted(tuple(props["databases"]), extensions=tuple(props["extensions"]), **roles)


def _administrator(props: Properties) -> Login:
    return login(props["administrator"], props["administrator"]["database"])


def _who(props: Properties) -> str:
    return str(props["databases"][0])


class BootstrapProvider(ResourceProvider):
    """Makes databases and roles what is wanted at `create` and `update`; compares at `diff`; drops nothing at `delete`."""

    serialize_as_secret_always = False

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        from bootstrap.run import differences  # noqa: PLC0415

        if changed(INPUTS, _olds, _news) or unknown(_news):
            return difference(True)
        try:
            found = differences(_administrator(_news), _wanted(_news))
        except ConnectionFailed as error:
            say(_who(_news), [f"roles and rights could not be looked at: {Exception.__str__(error)}"])
            return difference(False)
        say(_who(_news), (f"to do: {what}" for what in found))
        return difference(bool(found))

    def create(self, props: Properties) -> CreateResult:
        from bootstrap.run import ensure  # noqa: PLC0415

        done = ensure(_administrator(props), _wanted(props))
        say(_who(props), [f"made ready: {', '.join(props['databases'])} with its roles, in {len(done)} steps"])
        return CreateResult(_who(props), dict(props))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        from bootstrap.run import ensure  # noqa: PLC0415

        say(_who(_news), (f"done: {what}" for what in ensure(_administrator(_news), _wanted(_news))))
        say(_who(_news), (f"kept, though the settings name it no more: {name}" for name in _left(_olds, _news)))
        return UpdateResult(dict(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        roles = ", ".join(_props["roles"][role]["name"] for role in ROLES)
        say(_who(_props), [f"nothing is dropped: the databases {', '.join(_props['databases'])} and the roles {roles} stay"])


def _left(olds: Properties, news: Properties) -> list[str]:
    """Databases and roles of the state that are wanted no more."""
    databases = [f"database {name}" for name in olds["databases"] if name not in news["databases"]]
    names = {news["roles"][role]["name"] for role in ROLES}
    return databases + [f"role {olds['roles'][role]['name']}" for role in ROLES if olds["roles"][role]["name"] not in names]


class Bootstrap(Resource, module="pgstack", name="Bootstrap"):
    """Databases with their roles, rights and extensions.

    Args:
        administrator: host, port, database, user, password and sslmode of a role with CREATEROLE and CREATEDB.
        roles: for each of `ROLES` its name and password.
    """

    def __init__(
        self,
        name: str,
        *,
        administrator: pulumi.Input[Mapping[str, Any]],
        databases: Sequence[str],
        roles: Mapping[str, Mapping[str, pulumi.Input[str]]],
        extensions: Sequence[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "administrator": administrator,
            "databases": list(databases),
            "roles": {role: dict(values) for role, values in roles.items()},
            "extensions": list(extensions),
        }
        super().__init__(BootstrapProvider(), name, inputs, opts)
