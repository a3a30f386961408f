"""The schema of a database as text, with nothing in it that differs between two equal ones."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Collection
from pathlib import Path

from cluster import programs
from cluster.errors import ClusterError
from migrator import ledger
from ops.access import Access
from ops.errors import OpsError
from postgres.ambient import system_authorities
from postgres.tls import VERIFYING

SERVICE = "pgstack"

VARIABLE = re.compile(r"\A--\n-- PostgreSQL database dump\n--\n|^\\(?:un)?restrict .*\n|^-- Dumped (?:from|by) .*\n", re.MULTILINE)
COMPLETE = re.compile(r"--\n-- PostgreSQL database dump complete\n--\n\s*\Z")
"""What pg_dump writes that says nothing of the schema: a key of its own for each run, versions, first and last lines."""


def dump(access: Access, histories: Collection[str], *, rights: bool) -> str:
    """The schema of a database, without the ledger.

    Args:
        histories: tables in `public` to leave out: those in which migration tools keep their history.
        rights: whether owners and grants are part of it. They belong to the settings of a stack more than to migrations.

    Raises:
        OpsError: pg_dump is not there or fails.
    """
    left_out = [f"--exclude-schema={ledger.SCHEMA}", *(f"--exclude-table=public.{table}" for table in histories)]
    command = [_program(), "--schema-only", "--no-password", *left_out, *([] if rights else ["--no-owner", "--no-privileges"])]
    with tempfile.TemporaryDirectory(prefix="pgstack.") as folder:
        file = Path(folder, "service.conf")
        file.touch(mode=0o600)
        file.write_text(_service(access), encoding="utf-8")
        ours = {"PGSERVICEFILE": str(file), "PGSERVICE": SERVICE, "PGPASSWORD": access.login.password}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | ours
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, encoding="utf-8", check=False
        )
    if done.returncode:
        raise OpsError(f"pg_dump failed on {access.login.database}: {done.stderr.strip()}")
    return normalised(done.stdout)


def _service(access: Access) -> str:
    """A service file for libpq's own programs. What is secret in it is in no argument then."""
    login = access.login
    known = {
        **access.options,
        "host": login.host,
        "port": str(login.port),
        "dbname": login.database,
        "user": login.user,
        "sslmode": login.sslmode,
        "sslrootcert": login.root_certificate or (system_authorities() if login.sslmode in VERIFYING else ""),
    }
    return f"[{SERVICE}]\n" + "".join(f"{name}={value}\n" for name, value in known.items() if value)


def normalised(text: str) -> str:
    """A dump without what differs between two of the same schema."""
    kept = COMPLETE.sub("", VARIABLE.sub("", text))
    return re.sub(r"\n{3,}", "\n\n", kept).strip() + "\n"


def difference(before: str, after: str, names: tuple[str, str]) -> str:
    """The lines in which two texts differ, as `diff -u` shows them; empty where they are the same."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def _program() -> str:
    """pg_dump: of the embedded server, else from PATH."""
    try:
        found: Path | None = programs.installed() / "pg_dump"
    except ClusterError:
        found = None
    program = str(found) if found and found.exists() else shutil.which("pg_dump")
    if program is None:
        raise OpsError("pg_dump is neither in the embedded server's package nor on PATH.", hint="Run: pip install -r requirements.txt")
    return program
