"""Gets the Pulumi CLI and its plug-ins when they are nowhere: by the official download, or by a build from Go modules.

Imported only then: what it takes to download costs time that every other run would pay.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from toolchain import golang, versions
from toolchain.errors import ToolchainError

SDK = "github.com/pulumi/pulumi/sdk/v3"
DOWNLOAD_TIMEOUT = 20
"""Seconds without an answer after which the download is given up for the build."""

INSTALL_TIMEOUT = 600
"""Seconds that Pulumi has for the download of a plug-in, once the site has answered."""

UNREACHABLE = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)


def acquire(released: Path, built: Path) -> bool:
    """Downloads the release into `released`, or builds it into `built`; whether it was the download that worked."""
    try:
        download(released)
    except UNREACHABLE as error:
        _tell_unreachable(versions.PULUMI_RELEASES, error)
        build(built)
        return False
    return True


def _tell_unreachable(site: str, error: Exception) -> None:
    print(f"  no download from {site} ({getattr(error, 'reason', error)})", file=sys.stderr)


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
    for program in versions.PULUMI_PROGRAMS_OF_THE_SDK:
        copied = target / Path(program).name
        shutil.copyfile(sdk / program, copied)
        copied.chmod(0o755)
    golang.build("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", target / "pulumi")


def install_plugin(name: str, tools: Path) -> bool:
    """Has Pulumi install the official release of a plug-in into its home; whether that worked.

    The site is asked first whether it has the archive: Pulumi would try for ten seconds where there is no network.
    """
    version = versions.PLUGINS[name]
    try:
        archive = f"pulumi-resource-{name}-v{version}-{platform_name().replace('x64', 'amd64')}.tar.gz"
        question = urllib.request.Request(f"{versions.PLUGIN_RELEASES}/{archive}", method="HEAD")
        with urllib.request.urlopen(question, timeout=DOWNLOAD_TIMEOUT):
            pass
    except UNREACHABLE as error:
        _tell_unreachable(versions.PLUGIN_RELEASES, error)
        return False
    print(f"  installing Pulumi's plug-in {name} {version}", file=sys.stderr)
    command = [str(tools / "pulumi"), "plugin", "install", "resource", name, version]
    environment = {**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        print(f"  it was not there after {INSTALL_TIMEOUT} seconds", file=sys.stderr)
        return False
    if done.returncode:
        print(f"  it could not be installed: {done.stderr.strip().rpartition(chr(10))[2]}", file=sys.stderr)
    return done.returncode == 0


def build_plugin(name: str, target: Path) -> None:
    """Builds a plug-in from Go modules into the program `target`. Takes minutes."""
    print(f"  building Pulumi's plug-in {name} from Go modules; about 3 minutes on two cores, once", file=sys.stderr)
    golang.build(name, ".", target)
