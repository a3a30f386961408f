"""Where the toolchain keeps things. Everything it writes is below `WORK`, which git ignores."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout: the folder of `Pulumi.yaml`."""

WORK = ROOT / ".pgstack"

BIN = WORK / "bin"
"""What is put in front of PATH when Pulumi runs: links and launchers of this checkout alone."""

STATE = WORK / "state"
"""The local state backend that is used when nobody is logged in anywhere."""

PASSPHRASE = WORK / "passphrase"

HOME = WORK / "home"
"""Pulumi's home where nobody is logged in and a plug-in was built: Pulumi finds it there without a word."""

STACK_FILES = WORK / "stacks"
"""Copies of the stack files with the encryption salt of a local backend, so that git never sees the salt."""


def cache() -> Path:
    """Built and downloaded programs. `PGSTACK_TOOLCHAIN_CACHE` shares them between checkouts."""
    return Path(os.environ.get("PGSTACK_TOOLCHAIN_CACHE") or WORK / "toolchain").absolute()
