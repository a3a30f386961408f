"""How a stack's server is, and what runs beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ops import screen
from ops.server.deployed import Deployed

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

HEADS = ("part", "container", "image", "state", "health", "since (UTC)", "ports", "answers", "version")
VOLUME_HEADS = ("volume", "of", "size")
COLOURS = {"running": "green", "healthy": "green", "yes": "green", "starting": "yellow"}
KILO = 1024


@dataclass(frozen=True)
class Part:
    """A server, or what runs beside it.

    Attributes:
        part: `postgres`, `redis` or `adminer`.
        container: its name; None where it is none.
        state: `running`, or what else the engine calls it; None where that is somebody else's matter.
        health: `healthy`, `unhealthy` or `starting`; None where nobody looks after it.
        since: when it was started, ISO 8601; None where it does not run.
        ports: (address, port) pairs of this machine.
        volumes: name → bytes; None where they were not counted.
        answers: whether it answers now; None where that cannot be tried from here.
        version: of the program; None where it cannot be asked.
    """

    part: str
    container: str | None
    image: str | None
    state: str | None
    health: str | None = None
    since: str | None = None
    ports: Sequence[Mapping[str, Any]] = ()
    volumes: Mapping[str, int | None] | None = None
    answers: bool | None = None
    version: str | None = None

    @property
    def is_well(self) -> bool:
        """Whether it is as it should be. A health check that has not been made yet says nothing."""
        return self.state in ("running", None) and self.health != "unhealthy" and self.answers is not False

    @property
    def facts(self) -> dict[str, Any]:
        """For programs."""
        volumes = [{"name": name, "bytes": size} for name, size in (self.volumes or {}).items()]
        return {**self.__dict__, "ports": list(self.ports), "volumes": volumes}


def look(deployed: Deployed) -> list[Part]:
    """Every part of a stack. Changes nothing."""
    if deployed.target == "docker":
        return _containers(deployed)
    if deployed.target == "embedded":
        from ops.server import embedded  # noqa: PLC0415

        return [embedded.status(deployed)]
    return [_external(deployed)]


def _external(deployed: Deployed) -> Part:
    from ops.server import parts  # noqa: PLC0415

    server = deployed.outputs["server"]
    where = server["host"]
    answers = parts.answers(parts.SERVER, (where["host"], where["port"]))
    ports = [{"address": where["host"], "port": where["port"]}]
    return Part("postgres", None, None, None, ports=ports, answers=answers, version=str(server["version"]))


def _containers(deployed: Deployed) -> list[Part]:
    from containers.engine import connect  # noqa: PLC0415
    from containers.errors import EngineError  # noqa: PLC0415
    from ops.server import parts  # noqa: PLC0415

    names = deployed.names
    with connect(names.url) as client:
        try:
            found = parts.find(client, names)
        except EngineError as error:
            if client.containers.list(all=True, filters={"name": f"^/?{re.escape(names.container)}$"}):
                raise
            screen.complain(f"{error}")
            return [Part(parts.SERVER, names.container, None, "missing")]
        return [_container(client, container, names.url) for container in found]


def _container(client: DockerClient, container: Container, url: str) -> Part:
    from ops.server import parts  # noqa: PLC0415

    state = container.attrs["State"]
    running = container.status == "running"
    kind = parts.part(container)
    return Part(
        kind,
        container.name,
        parts.image_name(client, container),
        container.status,
        (state.get("Health") or {}).get("Status") if running else None,
        _moment(state["StartedAt"]) if running else None,
        parts.ports_of(container),
        {name: _size(container, path) if running else None for name, path in parts.volumes_of(container)},
        parts.answers(kind, parts.endpoint(container, url)) if running else False,
        _version(container, kind) if running else None,
    )


def _moment(text: str) -> str:
    """The engine's time, whose fraction of a second is longer than Python reads it, to the second."""
    return re.sub(r"\.\d+", "", text)


def _size(container: Container, path: str) -> int | None:
    from ops.server import parts  # noqa: PLC0415

    code, printed = parts.execute(container, ["du", "-sk", path])
    found = re.match(rb"(\d+)\s", printed)
    return int(found[1]) * KILO if found and code in (0, 1) else None  # 1: a file went while it was counted


VERSIONS = {"postgres": ["postgres", "--version"], "redis": ["redis-server", "--version"]}


def _version(container: Container, kind: str) -> str | None:
    if kind not in VERSIONS:
        return None
    from ops.server import parts  # noqa: PLC0415

    found = re.search(rb"(?:\) |v=)(\d[\w.]*)", parts.execute(container, VERSIONS[kind])[1])
    return found[1].decode() if found else None


def show(found: Sequence[Part]) -> None:
    """Prints them as a table, and their volumes as another."""
    screen.print_table(HEADS, [_row(one) for one in found], folded=("container", "image", "ports"))
    volumes = [
        (name, one.part, "" if size is None else size_in_words(size)) for one in found for name, size in sorted((one.volumes or {}).items())
    ]
    if volumes:
        screen.say("")
        screen.print_table(VOLUME_HEADS, volumes)


def _row(one: Part) -> tuple[screen.Cell, ...]:
    answers = {True: "yes", False: "no", None: ""}[one.answers]
    ports = ", ".join(f"[{it['address']}]:{it['port']}" if ":" in it["address"] else f"{it['address']}:{it['port']}" for it in one.ports)
    return (
        one.part,
        one.container or "",
        one.image or "",
        _coloured(one.state or ""),
        _coloured(one.health or ""),
        _shown_moment(one.since),
        ports,
        _coloured(answers),
        one.version or "",
    )


def _coloured(text: str) -> screen.Cell:
    return (text, COLOURS.get(text, "red")) if text else ""


def _shown_moment(text: str | None) -> str:
    if text is None:
        return ""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def size_in_words(size: float) -> str:
    """Bytes as people say them."""
    for unit in ("bytes", "kB", "MB"):
        if size < KILO:
            return f"{size:.0f} {unit}"
        size /= KILO
    return f"{size:.1f} GB"
