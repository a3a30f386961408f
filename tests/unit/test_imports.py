"""What a run must not pay for: modules that are loaded only by the few that need them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("imported", "spared"),
    [
        ("components.settings, components.embedded, components.database, components.outputs", ["psycopg", "pglast"]),
        ("components.dynamic.migrations, migrator.discovery", ["psycopg", "pglast"]),
        ("migrator.apply, migrator.upkeep", ["pglast", "pulumi", "migrator.execute", "migrator.steps", "migrator.hazards"]),
        ("ops.app", ["docker", "requests", "psycopg", "psutil", "rich", "components", "pulumi"]),
        ("toolchain.__main__", ["pulumi", "psycopg", "psutil", "http.client", "tarfile", "venv"]),
    ],
)
def test_modules_are_loaded_only_where_they_are_needed(imported: str, spared: list[str]) -> None:
    script = f"import sys, {imported}; print([name for name in {spared!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
