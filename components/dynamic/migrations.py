"""The migrations of one database, as a resource.

Its inputs list version, name and checksum of every migration, so that the engine itself shows in a preview what changed;
never SQL, and the password only as a secret. What is applied is decided by the database's ledger, not by the state.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import CheckResult, CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

from components.dynamic.base import Properties, changed, difference, say, unknown
from components.dynamic.bootstrap import login
from migrator.discovery import read_folder
from migrator.errors import MigrationError
from migrator.model import Folder, Migration
from postgres.errors import ConnectionFailed

if TYPE_CHECKING:
    from postgres.login import Login

INPUTS = ("database", "owner", "directory", "format", "migrations", "version")


def listed(folder: Folder) -> list[dict[str, str]]:
    """A folder's migrations as the resource's input has them."""
    return [{"version": m.version, "name": m.name, "checksum": m.checksum} for m in folder.migrations]


def _login(props: Properties) -> Login:
    return login(props["owner"], props["database"])


def _folder(props: Properties) -> Folder:
    """The folder as it is now.

    Raises:
        MigrationError: it is not what was previewed.
    """
    folder = read_folder(Path(props["directory"]), props["format"])
    if listed(folder) != props["migrations"]:
        raise MigrationError(
            f"{folder.path} changed while Pulumi ran: what would be applied is not what was previewed. Nothing was run.",
            hint="Run the command again.",
        )
    return folder


def _titles(entries: Sequence[Mapping[str, str]]) -> list[str]:
    return [f"{entry['version']}_{entry['name']}" for entry in entries]


class MigrationsProvider(ResourceProvider):
    """Applies pending migrations at `create` and `update`, lists them at `diff`, leaves all data at `delete`."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Lists what a resource that is yet to be made would apply: a preview asks nothing else of it."""
        if not _olds and news["migrations"]:
            titles = _titles(news["migrations"])
            say(
                news["database"],
                ["\n".join([f"{len(titles)} migrations, of which those not yet applied will be:", *(f"    {title}" for title in titles)])],
            )
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        from migrator.apply import inspect  # noqa: PLC0415  see the package's docstring

        inputs_changed = bool(changed(INPUTS, _olds, _news))
        if unknown(_news):
            return difference(True)
        try:
            with _login(_news).connect() as connection:
                plan = inspect(connection, _folder(_news))
        except ConnectionFailed:
            recorded = {entry["version"] for entry in _olds["migrations"]}
            pending = [
                f"pending: {title}" for title in _titles([entry for entry in _news["migrations"] if entry["version"] not in recorded])
            ]
            say(_news["database"], ["not reachable now; this is by the state's record", *pending] if pending else [])
            return difference(inputs_changed)
        say(_news["database"], [*(f"pending: {migration.title}" for migration in plan.pending), *plan.problems])
        return difference(inputs_changed or bool(plan.pending or plan.problems))

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(str(props["database"]), self._apply(props, each=False))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._apply(_news, each=True))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        say(_props["database"], ["no migration is undone: its tables and their data stay"])

    def _apply(self, props: Properties, *, each: bool) -> dict[str, Any]:
        """Applies what is pending and returns the resource's outputs."""
        from migrator.apply import migrate  # noqa: PLC0415

        database = str(props["database"])
        folder = _folder(props)

        def progress(migration: Migration, seconds: float) -> None:
            if each:
                say(database, [f"applied {migration.title} in {seconds * 1000:.0f} ms"])

        started = time.monotonic()
        with _login(props).connect() as connection:
            applied = migrate(connection, folder, progress)
        if not each:
            say(database, [f"applied {len(applied)} migrations in {time.monotonic() - started:.2f} s"])
        return dict(props)


class MigrationsRun(Resource, module="pgstack", name="Migrations"):
    """Migrations that are applied to one database.

    Attributes:
        version: of the newest migration; empty where there is none. It is an input too, so that previews know it.
    """

    version: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        database: str,
        owner: pulumi.Input[Mapping[str, Any]],
        folder: Folder,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {
            "database": database,
            "owner": owner,
            "directory": folder.path,
            "format": folder.format,
            "migrations": listed(folder),
            "version": folder.migrations[-1].version if folder.migrations else "",
        }
        super().__init__(MigrationsProvider(), name, inputs, opts)
