"""The steps of an upgrade, and what becomes of it where one of them fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from docker import DockerClient
from docker.errors import APIError, DockerException, NotFound

from containers import volumes
from containers.demand import Data
from containers.engine import PART, connect, explanation
from containers.errors import EngineError
from containers.layout import FIRST_WITH_VERSION, data_directory, mount_point
from ops import screen
from ops.errors import OpsError
from ops.server import parts
from ops.server.deployed import up_command
from ops.server.status import size_in_words
from ops.upgrade import contents, scripts, servers
from ops.upgrade import plan as plans
from ops.upgrade.plan import Plan, Wanted
from postgres.errors import PgstackError

KEPT = "kept"
"""The part of a volume that has the data of before an upgrade."""

BESIDE = "/pgstack-upgrade"
"""Where the data volume is mounted while a new cluster is made in it."""


def run(stack: str, *, from_image: str | None, to_image: str | None, yes: bool) -> None:
    """Upgrades the data of a stack to the version in its settings, after the plan was agreed to.

    Raises:
        OpsError: it cannot be done, or failed. Says what is where.
        Declined: somebody said no.
    """
    carry_out(plans.wanted(stack, to_image), from_image=from_image, yes=yes)


def carry_out(goal: Wanted, *, from_image: str | None = None, yes: bool = False) -> None:
    """The same for a goal that is known."""
    with connect(goal.names.url) as client:
        plan = plans.make(client, goal, from_image, datetime.now(UTC))
        if plan is None:
            screen.say(f"The data in {goal.names.volume} is of PostgreSQL {goal.version} already.")
            return
        screen.complain(plan.words())
        screen.confirm("Go on?", yes=yes)
        if not plan.unfinished:
            with _all_undone_on_failure(client, plan):
                _prepare(client, plan)
        _replace(client, plan)
    screen.say(f"The data in {goal.names.volume} is of PostgreSQL {goal.version} now.")
    screen.say(_how_to_go_on(plan))


def _prepare(client: DockerClient, plan: Plan) -> None:
    """Everything before the old cluster is touched."""
    goal, names, record = plan.wanted, plan.wanted.names, plan.record
    if plan.container is not None and plan.container.status == "running":
        parts.stop_one(plan.container)
        screen.say(f"stopped the container {names.container}")
    old_place = (str(mount_point(plan.old)), str(data_directory(plan.old)))
    dump = f"/backups/{record.dump}"
    with servers.server(client, names, plan.old_image, data=old_place, parameters=plans.STATISTICS, timeout=goal.timeout) as old:
        contents.require_dumpable(old)
        before = contents.rows(old)
        initdb = contents.initdb_arguments(old)
        size = int(servers.inside(old, scripts.DUMP, dump).split()[-1])
        screen.say(f"dumped {_counted(before)} into {record.dump}, {size_in_words(size)}")
    _keep(client, plan)
    servers.script(client, names, goal.image, scripts.UNFLAG, control=goal.control)
    servers.script(client, names, goal.image, scripts.PREPARE, data=names.volume)
    new_place = (BESIDE, f"{BESIDE}/{scripts.SCRATCH}/data")
    with servers.server(client, names, goal.image, data=new_place, parameters=goal.parameters, timeout=goal.timeout, initdb=initdb) as new:
        servers.inside(new, scripts.RESTORE, dump)
        screen.say(f"restored the dump into a new cluster of PostgreSQL {goal.version}")
        if found := list(contents.differences(before, contents.rows(new))):
            raise OpsError("\n".join(["The new cluster is not like the old one:", *(f"  {line}" for line in found)]))
        screen.say(f"compared: {_counted(before)}, all as before")
        servers.inside(new, scripts.ANALYZE)
    if (made := _major_beside(client, plan)) != goal.version:
        raise OpsError(f"The image {goal.image} made a cluster of PostgreSQL {made}, not {goal.version}.")
    servers.script(client, names, goal.image, scripts.MARK_COMPLETE, record.as_text(), data=names.volume)


def _major_beside(client: DockerClient, plan: Plan) -> int:
    text = f"cat /data/{scripts.SCRATCH}/data/PG_VERSION"
    return int(servers.script(client, plan.wanted.names, plan.wanted.image, text, data=plan.wanted.names.volume))


def _counted(rows: contents.Rows) -> str:
    databases = sum(name.endswith(":") for name in rows)
    tables = screen.counted(len(rows) - databases, "table")
    return f"{screen.counted(databases, 'database')}, {tables}, {screen.counted(sum(rows.values()), 'row')}"


def _keep(client: DockerClient, plan: Plan) -> None:
    """Copies the old data into a volume of its own."""
    names, kept = plan.wanted.names, plan.record.kept
    _remove_unfinished(client, plan)
    known = client.volumes.get(names.volume).attrs.get("Labels") or {}
    client.volumes.create(kept, labels={**known, PART: KEPT})
    files, size = servers.script(client, names, plan.old_image, scripts.COPY, **{"from": names.volume, "to": kept}).split()
    found = volumes.major(client, Data(kept, plan.old, adopt=True), plan.old_image)
    if found != plan.old:
        raise OpsError(f"The copy of the old data in {kept} says that it is of PostgreSQL {found}, not {plan.old}.")
    screen.say(f"copied the old data into the volume {kept}: {screen.counted(int(files), 'file')}, {size_in_words(int(size))}")


def _remove_unfinished(client: DockerClient, plan: Plan) -> None:
    """Removes what a run that was killed has left: copies and dumps that are not whole."""
    names = plan.wanted.names
    for volume in parts.volumes(client, names):
        kept = (volume.attrs.get("Labels") or {}).get(PART) == KEPT
        if kept and servers.script(client, names, plan.old_image, scripts.IS_UNFINISHED, kept=str(volume.name)):
            volume.remove()
    servers.script(client, names, plan.old_image, scripts.REMOVE_PARTIAL, names.stack, backups=names.backup_volume)


def _replace(client: DockerClient, plan: Plan) -> None:
    """Puts the new cluster in the place of the old one. What is cut off here is gone on with by the next run."""
    goal, record = plan.wanted, plan.record
    try:
        places = [_place(record.old), _place(record.new)]
        servers.script(client, goal.names, goal.image, scripts.REPLACE, *places, data=goal.names.volume)
        found = volumes.major(client, Data(goal.names.volume, record.new, adopt=True), goal.image)
        if found != record.new:
            raise OpsError(f"The volume {goal.names.volume} says that it is of PostgreSQL {found}, not {record.new}.")
    except (PgstackError, DockerException, OSError) as error:
        raise OpsError(
            f"The new cluster could not be put in the place of the old one: {Exception.__str__(error)}\n{_how_to_go_back(plan)}",
            hint=f"`python -m ops upgrade --stack {goal.names.stack}` goes on where this ended.",
        ) from None
    except KeyboardInterrupt:
        screen.complain(f"\nIt was cut off while the new cluster took the old one's place; run it again to go on.\n{_how_to_go_back(plan)}")
        raise


def _place(version: int) -> str:
    """Where a cluster is, seen from its volume's top."""
    return str(data_directory(version).relative_to(mount_point(version))) if version >= FIRST_WITH_VERSION else "."


@contextmanager
def _all_undone_on_failure(client: DockerClient, plan: Plan) -> Iterator[None]:
    """Takes away what was made where something fails, and starts the server again where it ran."""
    was_running = plan.container is not None and plan.container.status == "running"
    try:
        yield
    except (PgstackError, DockerException, OSError, KeyboardInterrupt) as error:
        screen.complain("Nothing was changed yet; what was made is taken away again.")
        left = list(_undo(client, plan, was_running=was_running))
        if isinstance(error, KeyboardInterrupt):
            screen.complain("\n".join(f"Could not be taken back: {what}." for what in left) or "It is all as it was.")
            raise
        said = Exception.__str__(error)
        hint = getattr(error, "hint", None) or ""
        more = [f"Could not be taken back: {what}." for what in left]
        state = "and its server is started again" if was_running else "and its server is stopped, as before"
        raise OpsError(
            "\n".join([f"The upgrade failed: {said}", f"The data in {plan.wanted.names.volume} is as it was, {state}.", *more]), hint=hint
        ) from None


def _undo(client: DockerClient, plan: Plan, *, was_running: bool) -> Iterator[str]:
    """Yields what could not be taken back."""
    names = plan.wanted.names
    try:
        servers.remove_leftovers(client, names)
        servers.script(client, names, plan.wanted.image, scripts.ABANDON, data=names.volume)
        removal = f"rm -f '/backups/{plan.record.dump}' '/backups/{plan.record.dump}.partial'"
        servers.script(client, names, plan.wanted.image, removal, backups=names.backup_volume)
    except (EngineError, DockerException, OSError) as error:
        yield f"the folder {scripts.SCRATCH} in {names.volume}, or the dump: {Exception.__str__(error)}"
    try:
        client.volumes.get(plan.record.kept).remove()
    except NotFound:
        pass
    except (APIError, OSError) as error:
        yield f"the volume {plan.record.kept}: {error}"
    if was_running and plan.container is not None:
        try:
            # It may still be about to stop, and would not be started then.
            parts.stop_one(plan.container)
            plan.container.start()
        except (DockerException, OSError) as error:
            yield f"that the container {names.container} is stopped: {explanation(error)}"


def _how_to_go_back(plan: Plan) -> str:
    return (
        f"The old data, of PostgreSQL {plan.record.old}, is in the volume {plan.record.kept}, whole and as it was. To go back to it: set "
        f"pgstack:version to {plan.record.old} and pgstack:docker.volume to {plan.record.kept}, and run "
        f"`{up_command(plan.wanted.names.stack)}`."
    )


def _how_to_go_on(plan: Plan) -> str:
    return (
        f"{_how_to_go_back(plan)}\nOnce it is not needed any more: `docker volume rm {plan.record.kept}`. "
        f"The dump is {plan.record.dump} in the volume {plan.wanted.names.backup_volume}."
    )
