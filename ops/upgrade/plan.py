"""What an upgrade will do, as far as it can be known before it begins."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from docker import DockerClient
from docker.errors import NotFound
from docker.models.containers import Container

from containers import address, images, volumes
from containers.demand import Data, Pull
from containers.engine import PROJECT, STACK
from containers.errors import ForeignVolumeError
from ops import stacks
from ops.errors import OpsError
from ops.server.deployed import Names
from ops.server.parts import image_name
from ops.upgrade import scripts, servers

if TYPE_CHECKING:
    from components.settings import Settings

STATISTICS = {"shared_preload_libraries": "pg_stat_statements"}
"""What a container's server loads unless the settings say otherwise."""


@dataclass(frozen=True)
class Wanted:
    """What the settings say.

    Attributes:
        image: of the new version.
        parameters: of the new server.
    """

    names: Names
    control: str
    version: int
    image: str
    policy: str
    adopt: bool
    timeout: float
    parameters: Mapping[str, str]


@dataclass(frozen=True)
class Record:
    """What a run that is cut off while it replaces the old cluster leaves for the next one.

    Attributes:
        kept: the volume with the old data.
        dump: its file in the volume of dumps.
    """

    old: int
    new: int
    kept: str
    dump: str

    def as_text(self) -> str:
        """To be written into the volume."""
        return json.dumps(asdict(self))

    @staticmethod
    def read(text: str) -> Record | None:
        """What was written; None where nothing was."""
        return Record(**json.loads(text)) if text.strip() else None


@dataclass(frozen=True)
class Plan:
    """An upgrade.

    Attributes:
        old: the major version that made the data.
        shown_image: the name of `old_image`, which may be a number.
        container: of the stack's server; None where there is none.
        unfinished: of a run that was cut off at its end.
    """

    wanted: Wanted
    old: int
    old_image: str
    shown_image: str
    container: Container | None
    record: Record
    unfinished: bool = False

    def words(self) -> str:
        """For whoever is asked."""
        new, names = self.wanted.version, self.wanted.names
        head = f"The volume {names.volume} holds data of PostgreSQL {self.old}; the settings of the stack {names.stack} say {new}."
        if self.unfinished:
            return f"{head}\nAn upgrade was cut off at its end. It is to go on: the new cluster is complete, and takes the old one's place."
        stopped = [f"stop the container {names.container}"] if self.container and self.container.status == "running" else []
        steps = [
            *stopped,
            f"dump everything with {self.shown_image} into {self.record.dump} of the volume {names.backup_volume}",
            f"copy the old data as it is into the volume {self.record.kept}",
            f"make a new cluster with {self.wanted.image}, restore the dump into it, and compare the rows of every table",
            f"put the new cluster in the place of the old one in {names.volume}",
            "bring the stack up",
        ]
        return "\n".join([head, "This will", *(f"  {number}. {step}" for number, step in enumerate(steps, start=1))])


def wanted(stack: str, image: str | None) -> Wanted:
    """What the settings of a stack say of its server."""
    known: Settings = stacks.server_of(stack)
    docker = known.docker
    url = address.find(docker.host, os.environ)

    def name(part: str, chosen: str | None = None) -> str:
        return chosen or f"{stacks.PROJECT}-{stack}-{part}"

    names = Names(url, stack, name("postgres", docker.name), name("data", docker.volume), name("backups", docker.backup_volume))
    usual = (docker.image or f"postgres:{known.version}-alpine") + (f"@{docker.digest}" if docker.digest else "")
    parameters = {**STATISTICS, **known.parameters.as_text()}
    return Wanted(
        names,
        name("control"),
        known.version,
        image or usual,
        docker.pull_policy,
        docker.adopt_volume,
        float(docker.start_timeout),
        parameters,
    )


def make(client: DockerClient, goal: Wanted, from_image: str | None, now: datetime) -> Plan | None:
    """The plan; None where the data is of the version that is wanted.

    Side effects: gets the images, and removes what a run that was cut off has left of its temporary containers.

    Raises:
        OpsError: there is no data, or it is of a newer version; or a container that is not the server's uses it.
        ForeignVolumeError: the volume is not the stack's.
        ImageMissingError: an image cannot be had.
    """
    names = goal.names
    _require_own(client, goal)
    images.ensure(client, Pull(goal.image, goal.policy))
    servers.remove_leftovers(client, names)
    old = volumes.major(client, Data(names.volume, goal.version, goal.adopt), goal.image)
    if old is None:
        raise OpsError(f"The volume {names.volume} holds no data: there is nothing to upgrade.")
    container = _container(client, names)
    _require_unused(client, names, container)
    cut_off = Record.read(servers.script(client, names, goal.image, scripts.READ_STATE, data=names.volume))
    if cut_off:
        return Plan(goal, cut_off.old, goal.image, goal.image, container, cut_off, unfinished=True)
    if old == goal.version:
        return None
    if old > goal.version:
        raise OpsError(
            f"The volume {names.volume} holds data of PostgreSQL {old}, and the settings say {goal.version}: there is no way back by this "
            "command.",
            hint=f"Set pgstack:version to {old}.",
        )
    old_image = from_image or _usual_image(client, container, old)
    images.ensure(client, Pull(old_image, "missing" if goal.policy == "always" else goal.policy))
    record = Record(
        old, goal.version, _kept_name(client, names, old, now), f"upgrade-{names.stack}-pg{old}-{now.strftime('%Y%m%dT%H%M%SZ')}.sql"
    )
    shown = image_name(client, container) if container and container.attrs["Image"] == old_image else old_image
    return Plan(goal, old, old_image, shown, container, record)


def _container(client: DockerClient, names: Names) -> Container | None:
    try:
        found = client.containers.get(names.container)
    except NotFound:
        return None
    if (found.labels.get(PROJECT), found.labels.get(STACK)) != (names.project, names.stack):
        raise OpsError(f"The container {names.container} is not the one of the stack {names.stack}. Nothing was touched.")
    return found


def _require_own(client: DockerClient, goal: Wanted) -> None:
    names = goal.names
    for name in (names.volume, names.backup_volume, goal.control):
        found = volumes.labels_of(client, name)
        if found is None and name == names.volume:
            raise OpsError(
                f"There is no volume {name}: nothing to upgrade.", hint="pgstack:version says what the next `make up` makes of nothing."
            )
        owner = ((found or {}).get(PROJECT), (found or {}).get(STACK))
        mine = owner == (names.project, names.stack)
        if not (found is None or mine or (owner == (None, None) and (goal.adopt or name != names.volume))):
            raise ForeignVolumeError(
                f"The volume {name} is not that of the stack {names.stack}. It was not touched.",
                hint="Set pgstack:docker.volume to the right one, or adoptVolume to true if its data is to be taken over.",
            )


def _require_unused(client: DockerClient, names: Names, own: Container | None) -> None:
    listed = client.containers.list(filters={"volume": names.volume}, ignore_removed=True)
    using = [one for one in listed if own is None or one.id != own.id]
    if using:
        others = ", ".join(str(one.name) for one in using)
        raise OpsError(f"The volume {names.volume} is used by {others} as well. Nothing was touched.", hint="Stop it first.")


def _usual_image(client: DockerClient, container: Container | None, version: int) -> str:
    """The image of the stack's own container where it has that version; else the official one."""
    if container is not None:
        image = str(container.attrs["Image"])
        if images.identifier(client, image) and _version_of(client, image) == version:
            return image
    return f"postgres:{version}-alpine"


def _version_of(client: DockerClient, image: str) -> int | None:
    environment = client.images.get(image).attrs["Config"].get("Env") or []
    found = re.search(r"(?m)^PG_MAJOR=(\d+)$", "\n".join(environment))
    return int(found[1]) if found else None


def _kept_name(client: DockerClient, names: Names, old: int, now: datetime) -> str:
    """A name that no volume has yet."""
    usual = f"{names.volume}-pg{old}-{now.strftime('%Y%m%d')}"
    taken = {str(one.name) for one in client.volumes.list()}
    return next(name for name in (usual, *(f"{usual}-{number}" for number in range(2, len(taken) + 3))) if name not in taken)
