"""Finds the Pulumi CLI, downloads it, or builds it; in this order, and the first that works is kept.

1. `pulumi` on PATH, if it is at least `versions.PULUMI_MINIMUM`;
2. the cache of an earlier run;
3. the official release, checked against a pinned SHA-256 (or the release's own list on a platform without a pin);
4. a build from Go modules pinned by go.sum, with the language host of this package.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from toolchain import paths, versions


def ensure() -> Path:
    """The folder with `pulumi` that belongs in front of PATH. Downloads or builds it when it is not there.

    Writes below the cache and `paths.BIN`; says on stderr what it does whenever that takes time.

    Raises:
        ToolchainError: no way to get the CLI worked.
    """
    on_path = shutil.which("pulumi", path=_path_without_ours())
    if on_path and _new_enough(Path(on_path)):
        return Path(on_path).parent
    released = paths.cache() / f"pulumi-{versions.PULUMI}"
    if (released / "pulumi").exists():
        return released
    built = paths.cache() / f"pulumi-{versions.PULUMI}-built"
    if not (built / "pulumi").exists():
        from toolchain.acquire import acquire  # noqa: PLC0415  only where there is something to get

        if acquire(released, built):
            return released
    link(built)
    return paths.BIN


def _path_without_ours() -> str:
    return os.pathsep.join(entry for entry in os.environ.get("PATH", "").split(os.pathsep) if Path(entry) != paths.BIN)


def _new_enough(pulumi: Path) -> bool:
    """Whether the CLI is new enough. Asking takes a third of a second, so the answer is kept until the program changes."""
    status = pulumi.stat()
    identity = f"{pulumi} {status.st_mtime_ns} {status.st_size}"
    kept = paths.WORK / "pulumi-on-path"
    if kept.exists() and kept.read_text().startswith(f"{identity} "):
        version = kept.read_text().rsplit(" ", 1)[1]
    else:
        environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
        try:
            answer = subprocess.run([pulumi, "version"], capture_output=True, text=True, env=environment, check=False)
            version = answer.stdout.strip().lstrip("v")
        except OSError:
            version = ""
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(f"{identity} {version}")
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    if numbers >= versions.PULUMI_MINIMUM:
        return True
    oldest = ".".join(map(str, versions.PULUMI_MINIMUM))
    print(f"  {pulumi} is version {version or 'unknown'}, older than {oldest}: using another", file=sys.stderr)
    return False


def link(built: Path) -> None:
    """Makes `paths.BIN` hold the built programs and the launcher of the language host.

    Hard links, not symbolic ones: the engine looks for its language host beside the file it runs from.
    """
    paths.BIN.mkdir(parents=True, exist_ok=True)
    for name in ("pulumi", *(Path(program).name for program in versions.PULUMI_PROGRAMS_OF_THE_SDK)):
        place(built / name, paths.BIN / name)
    launch = "import sys; sys.path.insert(0, sys.argv.pop(1)); from toolchain.language_host import main; main()"
    words = [sys.executable, "-c", launch, str(paths.ROOT)]
    text = f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'
    launcher = paths.BIN / "pulumi-language-python"
    if not launcher.exists() or launcher.read_text() != text:
        launcher.write_text(text)
        launcher.chmod(0o755)


def place(source: Path, target: Path) -> None:
    """Makes `target` the same file as `source`: a hard link, or a copy where the two are on different file systems."""
    there = target.stat() if target.exists() else None
    wanted = source.stat()
    if there and (there.st_ino == wanted.st_ino or (there.st_mtime_ns, there.st_size) == (wanted.st_mtime_ns, wanted.st_size)):
        return
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)
