"""Says whose data a directory holds, so that kept data is given back to its own stack alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.errors import ForeignDataError

FILE = "cluster.json"


@dataclass(frozen=True)
class Marker:
    """The identity of a cluster."""

    project: str
    stack: str
    version: int


def write(folder: Path, marker: Marker) -> None:
    """Writes the marker into a cluster's folder."""
    (folder / FILE).write_text(json.dumps(asdict(marker), indent=2) + "\n", encoding="utf-8")


def check(folder: Path, wanted: Marker) -> None:
    """Raises ForeignDataError unless the data in `folder` is what `wanted` says."""
    data = folder / "pgdata"
    try:
        version = int((data / "PG_VERSION").read_text(encoding="ascii"))
        found = Marker(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ForeignDataError(
            f"{data} was not made by this program, or is damaged ({error}). It was not touched.",
            hint="Move it away, or set pgstack:dataDirectory to another folder.",
        ) from None
    if version != wanted.version:
        raise ForeignDataError(
            f"{data} holds data of PostgreSQL {version}; this server is PostgreSQL {wanted.version}. It was not touched.",
            hint=f"Dump it with a server of version {version} (pg_dumpall), move {folder} away, run `pulumi up`, and restore the dump.",
        )
    if (found.project, found.stack) != (wanted.project, wanted.stack):
        raise ForeignDataError(
            f"{data} is the data of the stack {found.stack} of the project {found.project}, "
            f"not of {wanted.stack} of {wanted.project}. It was not touched.",
            hint="Set pgstack:dataDirectory to another folder, or run that stack instead.",
        )
