"""The files of migrations: makes new ones, tells what the linter finds in them, keeps the schema that they make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from migrator.errors import TargetError
from migrator.lint import Finding
from migrator.model import Folder, Migration, order_of
from migrator.scaffold import new_files
from ops.errors import OpsError
from ops.migrate.schema import difference
from ops.screen import counted
from ops.source import Source


def create(source: Source, name: str, now: datetime, *, repeatable: bool) -> tuple[Path, ...]:
    """Makes the files of a new migration, and the folder where it is missing; overwrites none.

    Raises:
        FormatError, MigrationError: as `migrator.scaffold.new_files` does.
        OpsError: a file of that name is there, or the folder cannot be written to.
    """
    folder = source.read() if source.path.exists() else Folder(str(source.path), source.format or "", ())
    files = new_files(folder, name, now, repeatable=repeatable)
    written: list[Path] = []
    try:
        source.path.mkdir(parents=True, exist_ok=True)
        for file, content in files:
            path = source.path / file
            with path.open("x", encoding="utf-8") as handle:
                handle.write(content)
            written.append(path)
    except OSError as error:
        raise OpsError(f"{error.filename} cannot be made: {error.strerror}.") from None
    return tuple(written)


def later(migrations: Sequence[Migration], version: str | None) -> tuple[Migration, ...]:
    """The migrations after a version; all where it is None.

    Raises:
        TargetError: it can be no version.
    """
    if version is None:
        return tuple(migrations)
    floor = order_of(version)
    if not floor[1]:
        raise TargetError(f"{version!r} is no version.")
    return tuple(migration for migration in migrations if not migration.repeatable and migration.order > floor)


def told(findings: Sequence[Finding]) -> str:
    """Findings as compilers print them, and their number."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.path}:{finding.line}:{finding.column}: {finding.level.lower()}: {finding.message} [{finding.rule}]")
        lines += [f"  {finding.help}"] if finding.help else []
    counts = Counter(finding.level.lower() for finding in findings)
    total = ", ".join(counted(count, level) for level, count in sorted(counts.items()))
    return "\n".join([*lines, f"{total}." if total else "Nothing to say."])


def facts(findings: Sequence[Finding]) -> dict[str, Any]:
    """As JSON has them."""
    return {"findings": [asdict(finding) for finding in findings]}


def difference_to(file: Path, text: str) -> str:
    """How a schema file differs from what it should be, as `diff -u` shows it; a file that is not there is an empty one.

    Raises:
        OpsError: it cannot be read.
    """
    try:
        found = file.read_text(encoding="utf-8") if file.exists() else ""
    except (OSError, UnicodeDecodeError) as error:
        raise OpsError(f"{file} cannot be read: {error}.") from None
    return difference(found, text, (str(file), "what the migrations make"))


def write(file: Path, text: str) -> None:
    """Writes a schema file.

    Raises:
        OpsError: it cannot be written.
    """
    try:
        file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OpsError(f"{file} cannot be written: {error.strerror}.") from None


def dump_told(file: Path, found: str, *, checked: bool) -> str:
    """What is said of a schema file that differed in this way."""
    if not found:
        return f"{file} is what the migrations make."
    return f"{found}\n{file} is not what the migrations make; `ops migrate dump` writes it anew." if checked else f"wrote {file}"
