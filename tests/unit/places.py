"""Keeps what the toolchain writes, and what it finds on this machine, inside a test's own folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolchain import paths

CHOICES = (
    "PULUMI_ACCESS_TOKEN",
    "PULUMI_BACKEND_URL",
    "PULUMI_CONFIG_PASSPHRASE",
    "PULUMI_CONFIG_PASSPHRASE_FILE",
    "PULUMI_CREDENTIALS_PATH",
    "PULUMI_HOME",
    "PGSTACK_TOOLCHAIN_CACHE",
)
"""What the toolchain asks the environment for."""


def move(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Gives the toolchain a checkout of its own in `folder`, an empty home and an empty PATH; returns the checkout."""
    root = folder / "checkout"
    work = root / ".pgstack"
    for made in (root, folder / "home", folder / "path"):
        made.mkdir()
    moved = {
        "ROOT": root,
        "WORK": work,
        "BIN": work / "bin",
        "STATE": work / "state",
        "PASSPHRASE": work / "passphrase",
        "HOME": work / "home",
        "STACK_FILES": work / "stacks",
    }
    for name, value in moved.items():
        monkeypatch.setattr(paths, name, value)
    for name in CHOICES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(folder / "home"))
    monkeypatch.setenv("PATH", str(folder / "path"))
    (root / "Pulumi.yaml").write_text("name: pgstack\nruntime: python\n", encoding="utf-8")
    return root


def program(file: Path, text: str) -> Path:
    """A shell script to be found as a program."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    file.chmod(0o755)
    return file
