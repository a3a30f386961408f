"""Finds a place for the data where files are made as fast as the disk can.

For minutes after files were deleted, ext4 searches past their inodes whenever it makes a file nearby. A migration of the benchmark
makes six files, so that would take longer than what is to be measured.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from cluster import account, placement
from toolchain.paths import WORK

PROBES = 500
"""Files that are made to see how fast that goes."""

CANDIDATES = 8
"""Folders that are tried as a place for the data."""

SLOW = 100.0
"""Microseconds for a file, beyond which something is wrong with the file system."""


@contextlib.contextmanager
def data_folder() -> Iterator[tuple[Path, float]]:
    """A folder on the checkout's disk, or where root's servers keep their data, and the microseconds for a file in it.

    The best of a few. All are deleted at the end.
    """
    owner = account.current(create=True)
    place = placement.place(WORK / "benchmarks" / "servers")
    owner.make_folder(place)
    spread_out(place)
    candidates = {place / secrets.token_hex(4): 0.0 for _ in range(CANDIDATES)}
    try:
        for folder in candidates:
            owner.make_folder(folder)
            candidates[folder] = time_per_file(folder)
        best = min(candidates, key=candidates.__getitem__)
        yield best, candidates[best]
    finally:
        for folder in candidates:
            shutil.rmtree(folder, ignore_errors=True)


def spread_out(folder: Path) -> None:
    """Asks ext4 to put each folder in this one into another part of the disk. Where there is no ext4, nothing happens."""
    if chattr := shutil.which("chattr"):
        subprocess.run([chattr, "+T", str(folder)], stderr=subprocess.DEVNULL, check=False)


def time_per_file(folder: Path) -> float:
    """Microseconds for an empty file in a folder. The files stay: to delete them would slow down what follows."""
    probes = folder / "probes"
    probes.mkdir()
    started = time.perf_counter()
    for number in range(PROBES):
        (probes / str(number)).touch()
    return (time.perf_counter() - started) / PROBES * 1e6
