"""Runs squawk, the linter for PostgreSQL migrations, on scripts as the migrator reads them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from migrator import grammar, statements
from migrator.errors import MigrationError, MigrationFailed
from migrator.model import Migration, Script

SETTINGS = ".squawk.toml"

LONGEST_RUN = 120
"""Seconds after which squawk is ended. It takes a tenth of one for hundreds of files."""

OUTSIDE_TRANSACTION = "-- squawk-disable-assume-in-transaction"
"""The comment by which squawk takes a file for one that has no transaction around it."""

SYNTAX_ERROR = "syntax-error"
"""What squawk calls SQL that it cannot read. It has no other findings for such a file."""

KEPT = frozenset({"ban-uncommitted-transaction", "require-lock-timeout", "require-statement-timeout", "transaction-nesting"})
"""Rules that the migrator keeps for every file: it sets a lock timeout, lifts that of statements, and refuses a stray COMMIT."""


class LintFailed(MigrationError):
    """squawk is not there, or did not give a list of findings."""


@dataclass(frozen=True)
class Finding:
    """Something that squawk has to say.

    Attributes:
        path: of the file.
        line: 1-based.
        column: 1-based, in characters.
        rule: its name, under which https://squawkhq.com/docs/rules explains it.
        level: "Warning" or "Error".
        help: what to do about it; empty where squawk does not say.
    """

    path: str
    line: int
    column: int
    rule: str
    level: str
    message: str
    help: str = ""


def lint(migrations: Sequence[Migration], version: str | None = None) -> tuple[Finding, ...]:
    """Lints the up scripts of migrations in one run of squawk, with the project's own `.squawk.toml` where there is one.

    Args:
        version: of the server, such as "17.2"; None for that of `.squawk.toml`, or squawk's own choice.

    Returns:
        Findings in the order of the migrations. SQL that squawk cannot read is among them, under the rule `syntax-error`.

    Raises:
        LintFailed: squawk is not there or fails, as it does where `.squawk.toml` has a mistake.
    """
    if not migrations:
        return ()
    with tempfile.TemporaryDirectory(prefix="pgstack-lint.") as folder:
        scripts = {_place(migration.up): migration.up for migration in migrations}
        for place, script in scripts.items():
            file = Path(folder, place)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_readable(script).encode())
        found = _run(Path(folder), version)
    order = {script.path: number for number, script in enumerate(scripts.values())}
    try:
        findings = [_finding(scripts[entry["file"]], entry) for entry in found if entry["rule_name"] not in KEPT]
    except (LookupError, TypeError) as error:
        raise LintFailed(f"squawk's findings have another form than version 2 gives them: {error!r}", hint=_hint()) from None
    return tuple(sorted(findings, key=lambda finding: (order[finding.path], finding.line, finding.column)))


def program() -> str:
    """The path of squawk: from the virtual environment that this runs in, else from PATH.

    Raises:
        LintFailed: it is in neither.
    """
    beside = Path(sys.executable).parent / "squawk"
    found = str(beside) if beside.exists() else shutil.which("squawk")
    if not found:
        raise LintFailed("squawk, which lints migrations, is not installed.", hint="`make install` brings it; or put it on PATH.")
    return found


def _hint() -> str:
    return f"It is {program()}; `make install` brings the version that is known to fit."


def _place(script: Script) -> str:
    """Where a script is put below the temporary folder: as seen from the working folder, so that `excluded_paths` fit."""
    return str(Path(*(part for part in Path(os.path.relpath(script.path)).parts if part != os.pardir)))


def _settings() -> Path | None:
    """The `.squawk.toml` that squawk would find: in the working folder, or in one above it."""
    here = Path.cwd()
    return next((file for file in (folder / SETTINGS for folder in (here, *here.parents)) if file.is_file()), None)


def _readable(script: Script) -> str:
    """The text for squawk, below a line of its own, and with the rows of every COPY blanked out."""
    try:
        parsed = tuple(statement for statement, _ in statements.parse(script))
    except (MigrationFailed, grammar.error()):
        parsed = ()  # squawk may know what to make of it
    text = script.text
    for statement in parsed:
        if statement.data is not None:
            text = _blanked(text, statement.start + len(statement.text), statement.data)
    transactional = script.transactional and all(statement.transactional for statement in parsed)
    return f"{'--' if transactional else OUTSIDE_TRANSACTION}\n{text}"


def _blanked(text: str, after: int, rows: str) -> str:
    start = text.index("\n", after)
    end = text.index("\\.", start + len(rows)) + 2
    return text[:start] + re.sub(r"[^\n]", " ", text[start:end]) + text[end:]


def _run(folder: Path, version: str | None) -> list[dict[str, Any]]:
    settings = _settings()
    command = [program(), "--reporter=json", "--assume-in-transaction", "--no-error-on-unmatched-pattern"]
    command += [f"--config={settings}"] if settings else []
    command += [f"--pg-version={version}"] if version else []
    try:
        done = subprocess.run(
            [*command, "**/*"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LONGEST_RUN,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LintFailed(f"squawk could not be run: {error}") from None
    try:
        found = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.strip().split("\n")[0] or f"it ended with status {done.returncode}"
        raise LintFailed(f"squawk failed: {said}", hint=f"Its settings are in {settings}." if settings else _hint()) from None
    return list(found)


def _finding(script: Script, entry: dict[str, Any]) -> Finding:
    """A finding in terms of the file: squawk counts lines from 0, here with one line above, and columns in bytes."""
    line = entry["line"] - 1
    before = script.text.split("\n")[line].encode()[: entry["column"]]
    return Finding(
        script.path,
        script.first_line + line,
        len(before.decode(errors="ignore")) + 1,
        entry["rule_name"],
        entry["level"],
        entry["message"],
        entry["help"] or "",
    )
