"""Finds the resource plug-ins that a stack's target needs, downloads them, or builds them; the first that works is kept.

1. the plug-in on PATH;
2. the one that Pulumi has installed in its home;
3. the build of an earlier run;
4. the official release, which Pulumi itself installs into its home;
5. a build from Go modules pinned by go.sum: the same Terraform provider in the same bridge, with the SDK's names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from toolchain import paths, pulumi_cli, versions

OF_TARGET = {"docker": ("docker",)}
"""Target → the plug-ins that its stacks need. A plug-in has a folder of its name in `go/` and a version in `versions.py`."""

SOURCES = Path(__file__).with_name("go")


def ensure(target: str, tools: Path) -> tuple[Path, ...]:
    """The folders with built plug-ins that belong on PATH for a stack of `target`; none where Pulumi finds them by itself.

    Downloads or builds what is not there, and says on stderr what it does whenever that takes time.

    Args:
        tools: the folder with `pulumi`.

    Raises:
        ToolchainError: no way to get a plug-in worked.
    """
    found = (_ensure(name, tools) for name in OF_TARGET.get(target, ()))
    return tuple(folder for folder in found if folder)


def settle(folders: tuple[Path, ...]) -> dict[str, str]:
    """Lays built plug-ins into a home of this checkout; what Pulumi needs in its environment to look there.

    For stacks whose state is in this checkout as well: whoever is logged in has a home of his own, and gets them on PATH.
    """
    for folder in folders:
        (built,) = folder.glob("pulumi-resource-*")
        target = installed(built.name.removeprefix("pulumi-resource-"), paths.HOME)
        target.parent.mkdir(parents=True, exist_ok=True)
        pulumi_cli.place(built, target)
    return {"PULUMI_HOME": str(paths.HOME)} if folders else {}


def program(name: str) -> str:
    """The file name of a plug-in, as the engine looks for it."""
    return f"pulumi-resource-{name}"


def users_home() -> Path:
    """Pulumi's home as the user has it."""
    return Path(os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")


def installed(name: str, home: Path) -> Path:
    """Where Pulumi installs the version of a plug-in that the SDK asks for."""
    return home / "plugins" / f"resource-{name}-v{versions.PLUGINS[name]}" / program(name)


def built(name: str) -> Path:
    """Where a build of a plug-in is kept: another folder for each state of its sources."""
    sources = hashlib.sha256()
    for file in sorted((SOURCES / name).iterdir()):
        sources.update(file.read_bytes())
    return paths.cache() / f"{program(name)}-{versions.PLUGINS[name]}-{sources.hexdigest()[:12]}" / program(name)


def _ensure(name: str, tools: Path) -> Path | None:
    """The folder of a built plug-in, or None where Pulumi finds one without help."""
    home = users_home()
    if shutil.which(program(name), path=_path_without_ours()) or (home != paths.HOME and installed(name, home).exists()):
        return None
    ours = built(name)
    if not ours.exists():
        from toolchain import acquire  # noqa: PLC0415  only where there is something to get

        if acquire.install_plugin(name, tools):
            return None
        acquire.build_plugin(name, ours)
    return ours.parent


def _path_without_ours() -> str:
    """PATH without the folders that `make env` has put there, which may be of an earlier version."""
    entries = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join(entry for entry in entries if not Path(entry).is_relative_to(paths.cache()))
