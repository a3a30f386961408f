"""`python -m tools.peers install`: gets the pinned tools; `sums`: pins the sums of their Go modules anew."""

from __future__ import annotations

import argparse
import sys
import time

from postgres.errors import PgstackError
from tools.peers import versions
from tools.peers.install import install, pin_sums

SLOW = ("sqlx",)
"""Tools whose build takes minutes; they are installed where they are asked for."""


def main() -> int:
    """Runs one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.peers", description="The migration tools of others, for tests and benchmarks.")
    commands = parser.add_subparsers(dest="command", required=True)
    installer = commands.add_parser("install", help="get the tools, once")
    installer.add_argument("--with", dest="slow", action="append", default=[], choices=SLOW, help="a tool that takes minutes to build")
    installer.add_argument("--where-possible", action="store_true", help="a tool that cannot be had here is named, and is no failure")
    pinner = commands.add_parser("sums", help="pin the sums of Go modules anew")
    pinner.add_argument("tool", choices=sorted(versions.GO))
    options = parser.parse_args()
    if options.command == "sums":
        pin_sums(options.tool)
        return 0
    missing = [name for name in sorted(versions.VERSIONS) if (name not in SLOW or name in options.slow) and not had(name)]
    return 1 if missing and not options.where_possible else 0


def had(name: str) -> bool:
    """Installs a tool and says so; whether it is there afterwards."""
    started = time.monotonic()
    try:
        if install(name):
            print(f"  {name} {versions.VERSIONS[name]}: installed in {time.monotonic() - started:.0f} s", file=sys.stderr)
    except PgstackError as error:
        print(f"  {name} {versions.VERSIONS[name]}: not installed. {error}", file=sys.stderr)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
