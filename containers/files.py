"""Files in a volume, put there through the engine: a container whose own file system is read-only takes them from nowhere else."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping

from docker import DockerClient
from docker.errors import NotFound

from containers.engine import connect
from containers.errors import EngineError

PLACE = "/pgstack-files"
MODE = 0o600
SHARED_MODE = 0o444
FOLDER_MODE = 0o700

FLAGS = "flags"
"""A folder beside the files, for whoever runs on them: nothing else in the top of the volume ever changes."""


def identity(url: str, volume: str) -> str:
    """What tells a volume from another one of the same name, made later; empty where there is no such volume.

    It is the time of the volume's creation; with Docker that is the time of the last change in the volume's top.
    """
    with connect(url) as client:
        return _identity(client, volume)


def write(url: str, volume: str, files: Mapping[str, str], image: str, *, shared: bool = False) -> str:
    """Writes files into the top of a volume; returns the volume's `identity`.

    Side effects: makes a container that is never started, and removes it.

    Args:
        files: name → content.
        image: any that the engine has.
        shared: whether everybody in a container may read them, or root alone.

    Raises:
        EngineError: there is no such volume.
    """
    with connect(url) as client:
        if not _identity(client, volume):
            raise EngineError(
                f"The volume {volume} is in the stack's state, but not on the engine: somebody removed it.",
                hint="Run `pulumi up --refresh` (make up ARGS=--refresh): it makes a new one.",
            )
        writing = client.containers.create(image, command=["true"], volumes={volume: {"bind": PLACE, "mode": "rw"}})
        try:
            writing.put_archive(PLACE, _archive(files, SHARED_MODE if shared else MODE))
        finally:
            writing.remove(v=True, force=True)
        return _identity(client, volume)


def _identity(client: DockerClient, volume: str) -> str:
    try:
        return str(client.volumes.get(volume).attrs.get("CreatedAt") or volume)
    except NotFound:
        return ""


def _archive(files: Mapping[str, str], mode: int) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as tar:
        folder = tarfile.TarInfo(FLAGS)
        folder.type, folder.mode = tarfile.DIRTYPE, FOLDER_MODE
        tar.addfile(folder)
        for name, content in files.items():
            raw = content.encode()
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(raw), mode
            tar.addfile(entry, io.BytesIO(raw))
    return written.getvalue()
