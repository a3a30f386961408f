"""Gets the pinned tools from the package registries, by the registries' own clients."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from toolchain import golang, paths
from tools.peers import versions
from tools.peers.base import PeerError

SUMS = Path(__file__).with_name("sums")

LONGEST_TAIL = 20
"""Lines of a failed client's output that a message shows."""


def cache() -> Path:
    """Where the tools are. `PGSTACK_PEERS_CACHE` shares them between checkouts."""
    return Path(os.environ.get("PGSTACK_PEERS_CACHE") or paths.WORK / "peers").absolute()


def home(name: str) -> Path:
    """The folder of a tool's pinned version; it exists if the tool is installed, and then it is whole."""
    return cache() / f"{name}-{versions.VERSIONS[name]}"


def platform_name() -> str:
    """The platform as npm names it, such as `linux-x64`."""
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{ {'x86_64': 'x64', 'amd64': 'x64', 'aarch64': 'arm64'}.get(machine, machine) }"


def install(name: str) -> bool:
    """Installs a tool, unless it is there; whether there was something to do.

    Raises:
        PeerError: says what is missing on this machine, or what the client printed.
        ToolchainError: the same, of Go.
    """
    target = home(name)
    if target.exists():
        return False
    cache().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache(), prefix=f".{name}.") as scratch:
        work, made = Path(scratch, "work"), Path(scratch, "made")
        work.mkdir()
        made.mkdir()
        _RECIPES[name](name, work, made)
        try:
            made.rename(target)
        except OSError:
            if not target.exists():
                raise  # else another run was faster
    return True


def pin_sums(name: str) -> None:
    """Writes `sums/<name>.sum` anew, after the version of a Go module was moved. What it asks for, the registry vouches for."""
    module = versions.GO[name]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _write_go_mod(folder, name)
        go = golang.find_go()
        command = [str(go), "build", "-mod=mod", "-buildvcs=false", "-tags", ",".join(module.tags), "-o", os.devnull, module.package]
        _run(command, folder, golang.environment_for(go))
        shutil.copyfile(folder / "go.sum", SUMS / f"{name}.sum")


def _build_go(name: str, work: Path, made: Path) -> None:
    module = versions.GO[name]
    _write_go_mod(work, name)
    shutil.copyfile(SUMS / f"{name}.sum", work / "go.sum")
    golang.build(work, module.package, made / name, module.tags)


def _write_go_mod(folder: Path, name: str) -> None:
    module = versions.GO[name]
    text = f"module peers/{name}\n\ngo {versions.GO_LANGUAGE}\n\nrequire {module.module} {module.version}\n"
    (folder / "go.mod").write_text(text, encoding="utf-8")


def _install_dbmate(name: str, work: Path, made: Path) -> None:  # noqa: ARG001  as every recipe
    """The program is in a package of the platform; the package `dbmate` would only look for that one."""
    integrity = versions.DBMATE_INTEGRITY.get(platform_name())
    if integrity is None:
        raise PeerError(f"dbmate is pinned for {', '.join(versions.DBMATE_INTEGRITY)}, not for {platform_name()}.")
    package = f"@dbmate/{platform_name()}"
    root = {"name": "peers", "dependencies": {package: versions.DBMATE}}
    pinned = {"version": versions.DBMATE, "integrity": integrity}
    lock = {"name": "peers", "lockfileVersion": 3, "packages": {"": root, f"node_modules/{package}": pinned}}
    (made / "package.json").write_text(json.dumps(root), encoding="utf-8")
    (made / "package-lock.json").write_text(json.dumps(lock), encoding="utf-8")
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], made)


def _install_flyway(name: str, work: Path, made: Path) -> None:  # noqa: ARG001  as every recipe
    """Flyway's own archives bring every database's driver; these jars are what its command line needs for PostgreSQL."""
    if shutil.which("java") is None:
        raise PeerError("There is no `java` on PATH, which Flyway runs on.", hint="Install a Java runtime, 17 or newer.")
    (work / "pom.xml").write_text(_pom(versions.FLYWAY_JARS), encoding="utf-8")
    plugin = f"org.apache.maven.plugins:maven-dependency-plugin:{versions.MAVEN_DEPENDENCY_PLUGIN}"
    _run(["mvn", "--batch-mode", "--quiet", f"{plugin}:copy-dependencies", f"-DoutputDirectory={made}"], work)
    expected = {f"{artifact.split(':')[1]}-{artifact.split(':')[2]}.jar": sha256 for artifact, sha256 in versions.FLYWAY_JARS.items()}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in made.iterdir()}
    if wrong := sorted(jar for jar in expected.keys() | found.keys() if expected.get(jar) != found.get(jar)):
        raise PeerError(f"Not the pinned files, so they were thrown away: {', '.join(wrong)}.")


def _pom(artifacts: dict[str, str]) -> str:
    """A project that depends on these artifacts, and on nothing that they depend on."""
    nothing_else = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
    dependencies = []
    for artifact in artifacts:
        group, identifier, version = (escape(part) for part in artifact.split(":"))
        names = f"<groupId>{group}</groupId><artifactId>{identifier}</artifactId><version>{version}</version>"
        dependencies.append(f"<dependency>{names}{nothing_else}</dependency>")
    own = "<modelVersion>4.0.0</modelVersion><groupId>peers</groupId><artifactId>flyway</artifactId><version>1</version>"
    return f"<project>{own}<dependencies>{''.join(dependencies)}</dependencies></project>\n"


def _install_sqlx(name: str, work: Path, made: Path) -> None:  # noqa: ARG001  as every recipe
    features = ["--no-default-features", "--features", "postgres"]
    _run(["cargo", "install", "--locked", "--quiet", "--version", versions.SQLX, *features, "--root", str(made), "sqlx-cli"], work)


def _run(command: Sequence[str], folder: Path, environment: dict[str, str] | None = None) -> None:
    """Runs a registry's client.

    Raises:
        PeerError: there is no such program here, or it failed.
    """
    try:
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise PeerError(f"There is no `{command[0]}` on PATH.", hint="Install it, or do without this tool.") from None
    if done.returncode != 0:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-LONGEST_TAIL:])
        raise PeerError(f"`{' '.join(command)}` failed:\n{tail}", hint="Is the package registry reachable?")


_RECIPES: dict[str, Callable[[str, Path, Path], None]] = {
    **dict.fromkeys(versions.GO, _build_go),
    "dbmate": _install_dbmate,
    "flyway": _install_flyway,
    "sqlx": _install_sqlx,
}
"""Tool → what makes it: given its name, an empty folder to work in, and the folder to fill."""
