"""Reads a stack's outputs and salt from the state file of the local backend, which is there already when an update ends.

Asking the CLI takes a process that starts for a fifth of a second. This reads nothing but what it knows; the CLI is asked
where the file is not as expected.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""The key that marks a special value in Pulumi's serialized properties; a secret is the only kind there is in outputs."""

MASK = "[secret]"

VERSION = 3
"""Of the checkpoints that are read here."""


def masked_outputs(file: Path) -> dict[str, Any] | None:
    """The outputs in a checkpoint of version 3, secrets masked; None where the file is something else."""
    try:
        stack = next(resource for resource in _latest(file)["resources"] if resource["type"] == "pulumi:pulumi:Stack")
        outputs = _masked(stack["outputs"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return None
    return outputs if isinstance(outputs, dict) else None


def salt(file: Path) -> str | None:
    """The encryption salt of a passphrase, as the checkpoint keeps it; None where it has none."""
    try:
        return str(_latest(file)["secrets_providers"]["state"]["salt"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _latest(file: Path) -> dict[str, Any]:
    """The deployment in a checkpoint. Raises OSError, ValueError, KeyError or TypeError where the file is something else."""
    checkpoint = json.loads(file.read_text(encoding="utf-8"))
    if checkpoint["version"] != VERSION:
        raise ValueError(f"version {checkpoint['version']}")
    latest: dict[str, Any] = checkpoint["checkpoint"]["latest"]
    return latest


def _masked(value: Any) -> Any:
    if isinstance(value, dict):
        return MASK if SIGNATURE in value else {key: _masked(part) for key, part in value.items()}
    return [_masked(part) for part in value] if isinstance(value, list) else value
