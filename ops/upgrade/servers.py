"""Temporary containers: servers that nobody reaches over a network, and helpers that work on volumes."""

from __future__ import annotations

import io
import secrets
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from containers.engine import labels
from containers.errors import EngineError
from ops.server import parts
from ops.server.deployed import Names
from ops.upgrade import scripts

PART = "upgrade"
"""The label of everything temporary."""

CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")

HBA = b"local all all trust\n"
HBA_FILE, SECRET_FILE = "/pgstack-hba.conf", "/pgstack-secret"

ALONE = {"listen_addresses": "", "hba_file": HBA_FILE, "archive_mode": "off", "ssl": "off"}
"""Parameters of a server that is on its own."""

STOP_TIMEOUT = 600
"""Seconds for a temporary server to write everything down."""

PAUSE = 0.2
LOG_LINES = 20

PRINTED = 20
"""Lines of what a script has printed that a message shows."""


class StepFailed(EngineError):
    """A step of an upgrade could not be carried out."""


def remove_leftovers(client: DockerClient, names: Names) -> None:
    """Removes the temporary containers of a run that was cut off."""
    for container in parts.containers(client, names):
        if parts.part(container) == PART:
            container.remove(v=True, force=True)


def script(client: DockerClient, names: Names, image: str, text: str, *words: str, **volumes: str) -> str:
    """Runs a shell script on volumes as root, and returns what it printed.

    Args:
        volumes: folder at the container's top → volume.

    Raises:
        StepFailed: it failed; has what it said.
    """
    made = client.containers.create(
        image,
        entrypoint=["/bin/sh", "-euc", text, "sh", *words],
        volumes={volume: {"bind": f"/{folder}", "mode": "rw"} for folder, volume in volumes.items()},
        user="0:0",
        **_common(names),
    )
    try:
        made.start()
        code = int(made.wait(timeout=None)["StatusCode"])
        printed: str = made.logs(stdout=True, stderr=False).decode(errors="replace")
        if code:
            raise StepFailed(_last(made.logs().decode(errors="replace")) or f"A script ended with code {code}.")
    finally:
        made.remove(v=True, force=True)
    return printed


@contextmanager
def server(
    client: DockerClient,
    names: Names,
    image: str,
    *,
    data: tuple[str, str],
    parameters: Mapping[str, str],
    timeout: float,
    initdb: str = "",
) -> Iterator[Container]:
    """A temporary server, stopped cleanly and removed at the end. Makes its cluster where there is none.

    Args:
        data: where the data volume is mounted, and PGDATA.
        parameters: of postgresql.conf.
        timeout: seconds for it to come up.
        initdb: arguments for the program that makes the cluster.

    Raises:
        StepFailed: it does not come up; has the last lines of its log.
    """
    mount, pgdata = data
    settings = {**parameters, **ALONE}
    made = client.containers.create(
        image,
        command=["postgres", *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))],
        environment={
            "PGDATA": pgdata,
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD_FILE": SECRET_FILE,
            "POSTGRES_INITDB_ARGS": initdb,
        },
        volumes={names.volume: {"bind": mount, "mode": "rw"}, names.backup_volume: {"bind": "/backups", "mode": "rw"}},
        stop_signal="SIGINT",
        shm_size="128m",
        **_common(names),
    )
    try:
        # Nobody ever logs in with it: the dump has the superuser's own, and no network leads here.
        _put(made, {HBA_FILE: HBA, SECRET_FILE: secrets.token_urlsafe(32).encode()})
        made.start()
        _wait(made, timeout)
        try:
            yield made
        finally:
            made.reload()
            parts.stop_one(made, STOP_TIMEOUT)
        made.reload()
        if (code := made.attrs["State"]["ExitCode"]) != 0:
            raise StepFailed(f"The temporary server of {image} ended with code {code}:\n{_last(made.logs().decode(errors='replace'))}")
    finally:
        made.remove(v=True, force=True)


def inside(container: Container, text: str, *words: str) -> str:
    """Runs a shell script in a temporary server's container, and returns what it printed.

    Raises:
        StepFailed: it failed; has what it said.
    """
    code, printed = parts.execute(container, ["/bin/sh", "-euc", text, "sh", *words])
    output = printed.decode(errors="replace")
    if code:
        raise StepFailed(_last(output) or f"A script in {container.name} ended with code {code}.")
    return output


def query(container: Container, database: str, sql: str) -> list[str]:
    """The rows of a query, run as superuser; each of one column.

    Raises:
        StepFailed: the server refuses it.
    """
    command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", f"dbname={_quoted(database)}", "-c", sql]
    code, printed = parts.execute(container, command)
    if code:
        raise StepFailed(_last(printed.decode(errors="replace")))
    return printed.decode().splitlines()


def _quoted(value: str) -> str:
    """A value in a connection string."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _common(names: Names) -> dict[str, Any]:
    """Of every temporary container: no network, and nothing that it can do without."""
    return {
        "labels": labels(names.project, names.stack, PART),
        "network_mode": "none",
        "cap_drop": ["ALL"],
        "cap_add": list(CAPABILITIES),
        "security_opt": ["no-new-privileges:true"],
    }


def _put(container: Container, files: Mapping[str, bytes]) -> None:
    """Writes files into a container's own file system."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path.lstrip("/"))
            member.size, member.mode = len(content), 0o644
            tar.addfile(member, io.BytesIO(content))
    container.put_archive("/", packed.getvalue())


def _wait(container: Container, timeout: float) -> None:
    deadline = time.monotonic() + timeout
    while not (_runs(container) and parts.execute(container, ["/bin/sh", "-c", scripts.READY])[0] == 0):
        if container.status != "running" or time.monotonic() > deadline:
            lines = container.logs(tail=LOG_LINES).decode(errors="replace").rstrip()
            raise StepFailed(f"A temporary server does not come up. The last lines of its log:\n{lines or '(it is empty)'}")
        time.sleep(PAUSE)


def _runs(container: Container) -> bool:
    container.reload()
    return bool(container.status == "running")


def _last(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-PRINTED:])
