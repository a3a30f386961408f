"""Finds the Pulumi CLI, downloads it, or builds it; in this order, and the first that works is kept.

1. `pulumi` on PATH, if it is at least `versions.PULUMI_MINIMUM`;
2. the cache of an earlier run;
3. the official release, checked against a pinned SHA-256 (or the release's own list on a platform without a pin);
4. a build from Go modules pinned by go.sum, with the language host of this package.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from toolchain import golang, paths, versions
from toolchain.errors import ToolchainError

SDK = "github.com/pulumi/pulumi/sdk/v3"
PROGRAMS_OF_THE_SDK = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
DOWNLOAD_TIMEOUT = 20
"""Seconds without an answer after which the download is given up for the build."""


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
        try:
            download(released)
        except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
            reason = getattr(error, "reason", error)
            print(f"  no download from {versions.PULUMI_RELEASES} ({reason})", file=sys.stderr)
        else:
            return released
        build(built)
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


def platform_name() -> str:
    """The platform in the names of the release archives, such as `linux-x64`; URLError where there is none for it."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine().lower())
    if machine is None:
        raise urllib.error.URLError(f"there is no release for {platform.machine()} processors")
    return f"{platform.system().lower()}-{machine}"


def download(target: Path) -> None:
    """Downloads the release archive, checks it, and unpacks its programs into `target`.

    Raises:
        OSError: of urllib, where the site does not answer.
        ToolchainError: the archive is not the one that was pinned; nothing of it is kept.
    """
    name = f"pulumi-v{versions.PULUMI}-{platform_name()}.tar.gz"
    expected = versions.PULUMI_SHA256.get(platform_name()) or _published_checksum(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".download.") as folder:
        archive = Path(folder, name)
        digest = hashlib.sha256()
        with urllib.request.urlopen(f"{versions.PULUMI_RELEASES}/{name}", timeout=DOWNLOAD_TIMEOUT) as answer, archive.open("wb") as out:
            print(f"  downloading {name}", file=sys.stderr)
            while chunk := answer.read(1 << 20):
                digest.update(chunk)
                out.write(chunk)
        if digest.hexdigest() != expected:
            raise ToolchainError(
                f"{name} has the SHA-256 {digest.hexdigest()}, not {expected}: it was thrown away.",
                hint="Try again; if it stays so, install Pulumi yourself and put it on PATH.",
            )
        unpack(archive, Path(folder, "unpacked"))
        try:
            Path(folder, "unpacked", "pulumi").rename(target)
        except OSError:
            if not (target / "pulumi").exists():
                raise  # else another run was faster


def _published_checksum(name: str) -> str:
    """The SHA-256 of an archive from the release's own list, for platforms without a pin."""
    address = f"{versions.PULUMI_RELEASES}/pulumi-{versions.PULUMI}-checksums.txt"
    with urllib.request.urlopen(address, timeout=DOWNLOAD_TIMEOUT) as answer:
        for line in answer.read().decode().splitlines():
            checksum, _, file = line.partition("  ")
            if file.strip() == name:
                return str(checksum)
    raise ToolchainError(f"{address} does not list {name}.")


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks a release archive; its entries are checked to stay inside `folder` (PEP 706)."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def build(target: Path) -> None:
    """Builds the CLI from Go modules into `target` and lays the SDK's two start scripts beside it. Takes minutes."""
    print(f"  building Pulumi {versions.PULUMI} from Go modules; about 4 minutes on two cores, once", file=sys.stderr)
    sdk = golang.module_directory("pulumi", SDK)
    target.mkdir(parents=True, exist_ok=True)
    for program in PROGRAMS_OF_THE_SDK:
        copied = target / Path(program).name
        shutil.copyfile(sdk / program, copied)
        copied.chmod(0o755)
    golang.build("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", target / "pulumi")


def link(built: Path) -> None:
    """Makes `paths.BIN` hold the built programs and the launcher of the language host.

    Hard links, not symbolic ones: the engine looks for its language host beside the file it runs from.
    """
    paths.BIN.mkdir(parents=True, exist_ok=True)
    for name in ("pulumi", *(Path(program).name for program in PROGRAMS_OF_THE_SDK)):
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
