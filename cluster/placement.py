"""Where a cluster's folder is: where it was asked for, unless the server's account can never get there."""

from __future__ import annotations

import hashlib
import os
import pwd
from pathlib import Path

from cluster import account

SHARED_DATA = Path("/var/lib/pgstack")
"""Root's checkout is often below a home that nobody else may enter; the data of such a one is here."""


def place(wanted: Path) -> Path:
    """The folder to use for a cluster that was asked for at `wanted`, an absolute path. Changes nothing.

    Only root is ever sent elsewhere, only for data that is not there yet, and always to the same folder for the same path.
    """
    if os.geteuid() != 0 or (wanted / "pgdata").exists():
        return wanted
    elsewhere = SHARED_DATA / f"{wanted.name}-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]}"
    if (elsewhere / "pgdata").exists() or account.blocked(wanted / "pgdata", *_ids()):
        return elsewhere
    return wanted


def _ids() -> tuple[int, int]:
    """User and group of the server's account; those of nobody at all while it is not made yet."""
    try:
        entry = pwd.getpwnam(account.NAME)
    except KeyError:
        return -1, -1
    return entry.pw_uid, entry.pw_gid
