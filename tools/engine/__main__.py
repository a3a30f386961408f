"""`python -m tools.engine install`: gets a Docker Engine, Podman, a registry and Chromium from the system's packages."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from postgres.errors import PgstackError
from tools.engine import browser, dockerd, packages, podman, registry

BUILDERS = ("mmdebstrap",)
"""Programs that the building of images takes, beside the engine's."""


def main() -> int:
    """Runs one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.engine", description="Container engines and a browser for the tests.")
    commands = parser.add_subparsers(dest="command", required=True)
    installer = commands.add_parser("install", help="get a Docker Engine, unless one answers, Podman, a registry, and Chromium")
    installer.add_argument("--where-possible", action="store_true", help="what cannot be had here is named, and is no failure")
    options = parser.parse_args()
    had = [
        _docker(),
        _had("Podman", podman.lacking, packages.PODMAN),
        _had("registry", registry.lacking, packages.REGISTRY),
        _had("Chromium", browser.lacking, packages.CHROMIUM),
    ]
    return 0 if all(had) or options.where_possible else 1


def _docker() -> bool:
    return dockerd.existing() is not None or _had("Docker Engine", _docker_lacks, packages.DOCKER)


def _docker_lacks() -> list[str]:
    return [*dockerd.lacking(), *packages.missing(BUILDERS)]


def _had(name: str, lacks: Callable[[], list[str]], wanted: tuple[str, ...]) -> bool:
    """Installs what an engine lacks and says so; whether it is there afterwards."""
    if not lacks():
        return True
    started = time.monotonic()
    left_out = f"  {name}: not installed, and the tests that need it are left out."
    try:
        packages.install(wanted)
    except PgstackError as error:
        print(f"{left_out} {error}", file=sys.stderr)
        return False
    if still := lacks():
        print(f"{left_out} The packages are installed, and there is no {', '.join(still)} still.", file=sys.stderr)
        return False
    print(f"  {name}: installed in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return True


if __name__ == "__main__":
    sys.exit(main())
