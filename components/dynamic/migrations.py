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
from migrator.errors import MigrationError, SessionLost
from migrator.model import Folder, title_of
from postgres.errors import ConnectionFailed

if TYPE_CHECKING:
    from migrator.plan import Plan
    from postgres.login import Login

INPUTS = ("database", "owner", "directory", "format", "migrations", "version", "targetVersion", "allowRollback", "lockTimeout")


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
    folder = read_folder(Path(props["directory"]), props["format"] or None)
    if listed(folder) != props["migrations"]:
        raise MigrationError(
            f"{folder.path} changed while Pulumi ran: what would be applied is not what was previewed. Nothing was run.",
            hint="Run the command again.",
        )
    return folder


def _titles(entries: Sequence[Mapping[str, str]]) -> list[str]:
    return [title_of(entry["version"], entry["name"]) for entry in entries]


def _told(plan: Plan, props: Properties, server: str) -> list[str]:
    """What a preview says of a plan on a server of this version, a line each."""
    from migrator.notes import preview_notes  # noqa: PLC0415  see the package's docstring

    forbidden = "" if props["allowRollback"] else ", which is refused without allowRollback"
    return [
        *(f"applied by another tool, taken over: {migration.title}" for migration in plan.adopted),
        *(f"pending: {migration.title}" for migration in plan.pending),
        *(f"note: {note}" for note in (preview_notes(plan.pending, server) if plan.pending and plan.applied else ())),
        *(f"to be undone{forbidden}: {row.title}" for row in plan.undo),
        *plan.problems,
        *plan.warnings,
    ]


class MigrationsProvider(ResourceProvider):
    """Applies pending migrations at `create` and `update`, lists them at `diff`, leaves all data at `delete`."""

    serialize_as_secret_always = False

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Lists what a resource that is yet to be made would apply: a preview asks nothing else of it."""
        if not _olds and news["migrations"]:
            self._announce(news)
        return CheckResult(news, [])

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        inputs_changed = bool(changed(INPUTS, _olds, _news))
        if unknown(_news):
            return difference(True)
        compared = self._compare(_news)
        if compared is None:
            recorded = {(entry["version"], entry["checksum"]) for entry in _olds["migrations"]}
            new = [entry for entry in _news["migrations"] if (entry["version"], entry["checksum"]) not in recorded]
            pending = [f"pending or changed: {title}" for title in _titles(new)]
            say(_news["database"], ["not reachable now; this is by the state's record", *pending] if pending else [])
            return difference(inputs_changed)
        plan, server = compared
        say(_news["database"], _told(plan, _news, server))
        return difference(inputs_changed or not plan.nothing_to_do)

    def create(self, props: Properties) -> CreateResult:
        return CreateResult(str(props["database"]), self._apply(props, each=False))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(self._apply(_news, each=True))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        say(_props["database"], ["no migration is undone: its tables and their data stay"])

    def _announce(self, props: Properties) -> None:
        """Says what will be applied to a database that this resource has not migrated yet."""
        compared = None if unknown(props) else self._compare(props)
        if compared is not None:
            plan, server = compared
            say(props["database"], _told(plan, props, server))
            return
        titles = _titles(props["migrations"])
        say(
            props["database"],
            ["\n".join([f"{len(titles)} migrations, of which those not yet applied will be:", *(f"    {title}" for title in titles)])],
        )

    def _compare(self, props: Properties) -> tuple[Plan, str] | None:
        """Files and database compared, with the server's version; None where the database is not reachable."""
        from migrator.apply import inspect  # noqa: PLC0415

        try:
            connection, folder = _login(props).connect_meanwhile(lambda: _folder(props))
            with connection:
                server = connection.info.server_version
                return inspect(connection, folder, props["targetVersion"] or None), f"{server // 10000}.{server % 10000}"
        except (ConnectionFailed, SessionLost):
            return None

    def _apply(self, props: Properties, *, each: bool) -> dict[str, Any]:
        """Applies what is pending and returns the resource's outputs."""
        from components.dynamic.told import Told  # noqa: PLC0415
        from migrator.apply import migrate  # noqa: PLC0415
        from migrator.session import Settings  # noqa: PLC0415

        database = str(props["database"])
        started = time.monotonic()
        connection, folder = _login(props).connect_meanwhile(lambda: _folder(props))
        with connection:
            applied = migrate(
                connection,
                folder,
                Told(database, each=each),
                Settings(lock_timeout=float(props["lockTimeout"])),
                target=props["targetVersion"] or None,
                allow_rollback=bool(props["allowRollback"]),
            )
        if not each:
            say(database, [f"applied {len(applied)} migrations in {time.monotonic() - started:.2f} s"])
        return dict(props)


class MigrationsRun(Resource, module="pgstack", name="Migrations"):
    """Migrations that are applied to one database.

    Args:
        target_version: the version to go to; None for the newest.
        allow_rollback: whether migrations above the target may be undone.
        lock_timeout: seconds that a statement waits for a lock before it is given up and tried again.

    Attributes:
        version: the one that the database has afterwards; empty where there is none. It is an input too, so that previews know it.
    """

    version: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        *,
        database: str,
        owner: pulumi.Input[Mapping[str, Any]],
        folder: Folder,
        target_version: str | None = None,
        allow_rollback: bool = False,
        lock_timeout: float = 5.0,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        versions = [migration.version for migration in folder.migrations if not migration.repeatable]
        inputs = {
            "database": database,
            "owner": owner,
            "directory": folder.path,
            "format": folder.format,
            "migrations": listed(folder),
            "version": target_version or (versions[-1] if versions else ""),
            "targetVersion": target_version or "",
            "allowRollback": allow_rollback,
            "lockTimeout": lock_timeout,
        }
        super().__init__(MigrationsProvider(), name, inputs, opts)
