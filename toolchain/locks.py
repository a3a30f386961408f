"""Locks of a local state backend whose holder is gone: a reboot or a killed run leaves them behind."""

from __future__ import annotations

import json
import socket
from pathlib import Path


def remove_dead(folder: Path) -> list[str]:
    """Removes the locks below `folder` that a process of this machine left behind, and says which, in words.

    A lock whose process still runs, or that another machine made, stays: Pulumi tells about it.
    """
    removed = []
    for file in folder.rglob("*.json"):
        try:
            lock = json.loads(file.read_text(encoding="utf-8"))
            pid, host = int(lock["pid"]), str(lock["hostname"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        if host == socket.gethostname() and not _is_pulumi(pid):
            file.unlink(missing_ok=True)
            removed.append(f"removed the lock of an interrupted run (pid {pid}, {lock.get('timestamp', 'at an unknown time')})")
    return removed


def _is_pulumi(pid: int) -> bool:
    import psutil  # noqa: PLC0415  only where there is a lock

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("pulumi")
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
