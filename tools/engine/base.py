"""The one system that all built images begin with: Debian's programs in a tar file, made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

from tools.engine import packages, slots
from tools.engine.errors import NoTestEngineError

SUITE = "bookworm"
"""The release of Debian that has PostgreSQL 15 and Adminer 4.8.1, whatever the machine has."""

PACKAGES = ("postgresql-15", "redis-server", "adminer", "php8.2-cgi", "php8.2-cli", "php8.2-pgsql", "locales", "tzdata", "gzip")

LEFT_OUT = (
    "/usr/share/man/*",
    "/usr/share/doc/*",
    "/usr/share/locale/*",
    "/usr/share/info/*",
    # PostgreSQL does without its compiler of expressions, which is a third of it all.
    "/usr/lib/postgresql/15/lib/bitcode/*",
    "/usr/lib/postgresql/15/lib/llvmjit*",
    "/usr/lib/*/libLLVM*",
    "/usr/lib/*/libz3.so*",
)

BEFORE = """
cd "$1"
printf '%s\\n' postgres:x:70:70::/var/lib/postgresql:/bin/sh redis:x:999:1000::/data:/usr/sbin/nologin \
    adminer:x:1001:1001::/nonexistent:/usr/sbin/nologin >> etc/passwd
printf '%s\\n' postgres:x:70: redis:x:1000: adminer:x:1001: >> etc/group
"""
"""Users with the numbers that they have in the official images, before a package makes them with others."""

AFTER = """
cd "$1"
chroot . localedef -i en_US -c -f UTF-8 en_US.UTF-8
chroot . localedef -i C -c -f UTF-8 C.UTF-8 || true
rm -rf usr/share/i18n var/lib/postgresql var/lib/redis etc/postgresql/15 var/log/postgresql var/log/redis \
    etc/apt/apt.conf.d/99mmdebstrap etc/redis
sed -i "s/^#listen_addresses = 'localhost'/listen_addresses = '*'/" usr/share/postgresql/15/postgresql.conf.sample
install -d -o 70 -g 70 -m 1777 var/lib/postgresql/data var/lib/postgresql
install -d -o 70 -g 70 -m 3775 run/postgresql
install -d -o 999 -g 1000 data
install -d docker-entrypoint-initdb.d var/www/html
"""
"""What the images have beside packages: so they are built of copied files alone, and nothing runs in a container meanwhile."""


def recipe() -> str:
    """A hash of all that the tar file depends on."""
    parts = [SUITE, *PACKAGES, *LEFT_OUT, BEFORE, AFTER, _architecture()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]


def tar() -> Path:
    """The tar file; made where this recipe has none yet, which takes about a minute.

    Raises:
        NoTestEngineError: it cannot be made here.
    """
    folder = slots.work() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"base-{recipe()}.tar.gz"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another run may be making it
        if not file.exists():
            _make(file)
    return file


def _make(file: Path) -> None:
    if os.geteuid() != 0:
        raise NoTestEngineError("No registry answers, and only root can build images of Debian's packages.")
    with tempfile.TemporaryDirectory(dir=file.parent, prefix=".base.") as scratch:
        made = Path(scratch, "base.tar")
        options = Path(scratch, "apt.conf")
        options.write_text(_options(), encoding="utf-8")
        command = ["mmdebstrap", "--mode=root", "--variant=minbase", f"--aptopt={options}", '--aptopt=APT::Install-Recommends "false"']
        command += [f"--dpkgopt=path-exclude={path}" for path in LEFT_OUT]
        command += ["--dpkgopt=force-unsafe-io"]  # a crash meanwhile costs a minute, flushing every file more
        command += [f"--include={','.join(PACKAGES)}", f"--essential-hook={BEFORE}", f"--customize-hook={AFTER}"]
        packages.run([*command, SUITE, str(made), *_sources()])
        with made.open("rb") as source, file.with_name(f"{Path(scratch).name}.gz").open("wb") as target:
            subprocess.run(["gzip", "-1"], stdin=source, stdout=target, check=True)
        Path(target.name).rename(file)


def _architecture() -> str:
    return os.uname().machine


def _sources() -> list[str]:
    """Where the packages come from: the machine's own sources where they are of that release, else Debian's."""
    try:
        system = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        system = []
    if {"ID=debian", f"VERSION_CODENAME={SUITE}"} <= set(system):
        listed = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("debian*"))]
        if found := [str(path) for path in listed if path.suffix in {".list", ".sources"} and path.is_file() and path.stat().st_size]:
            return found
    signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
    return [
        f"deb {signed} http://deb.debian.org/debian {SUITE} main",
        f"deb {signed} http://deb.debian.org/debian {SUITE}-updates main",
        f"deb {signed} http://deb.debian.org/debian-security {SUITE}-security main",
    ]


def _options() -> str:
    """How the machine's apt reaches its sources, as through a proxy."""
    kept = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries", "Acquire::Force")
    lines = packages.run(["apt-config", "dump"]).splitlines()
    return "".join(f"{line}\n" for line in lines if line.startswith(kept))
