"""What must hold for the repository as a whole. `python -m tools.guards` names every breach and exits with 1."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import yaml

from migrator.discovery import read_folder
from migrator.errors import MigrationError
from tools.lock import LOCKS

ROOT = Path(__file__).resolve().parent.parent

LONGEST_MODULE = 500
LONGEST_TEST_MODULE = 700
"""Lines; a longer one has two ideas in it. A test module is a list of cases, and may be longer."""

ALLOWED_IMPORTS = {
    "postgres": {"postgres"},
    "migrator": {"migrator", "postgres"},
    "bootstrap": {"bootstrap", "migrator", "postgres"},
    "cluster": {"cluster", "postgres"},
    "containers": {"containers", "postgres"},
    "components": {"components", "bootstrap", "cluster", "containers", "migrator", "postgres"},
    "toolchain": {"toolchain", "cluster", "postgres"},
    "ops": {"ops", "toolchain", "components", "bootstrap", "cluster", "containers", "migrator", "postgres"},
}
"""Package → those of ours it may import: data flows one way, and only components/ knows Pulumi's SDK."""

SDK_USERS = {"components", "toolchain"}

PATHS_OF_A_MACHINE = re.compile(r"(?<![\w.~}])/(?:root|home/\w+|work|Users/\w+)/")


def tracked(pattern: str) -> list[Path]:
    """Files of the repository, as git has them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", pattern]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / line for line in listed.splitlines() if (ROOT / line).is_file()]


def imports_of(file: Path) -> set[str]:
    """The top-level packages that a module imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


def layers() -> Iterator[str]:
    """Packages import what is below them, and nothing else of ours."""
    for package, allowed in ALLOWED_IMPORTS.items():
        for file in tracked(f"{package}/**.py"):
            found = imports_of(file)
            name = file.relative_to(ROOT)
            yield from (f"{name} imports {other}" for other in sorted(found & ALLOWED_IMPORTS.keys() - allowed))
            if "pulumi" in found and package not in SDK_USERS:
                yield f"{name} imports pulumi"


def sizes() -> Iterator[str]:
    """No module is longer than a person keeps in mind."""
    for file in tracked("*.py"):
        most = LONGEST_TEST_MODULE if "tests" in file.parts else LONGEST_MODULE
        if (length := len(file.read_text(encoding="utf-8").splitlines())) > most:
            yield f"{file.relative_to(ROOT)} has {length} lines, more than {most}"


def locks() -> Iterator[str]:
    """Every pin has a hash; no lock says where anything is downloaded."""
    for name in LOCKS:
        text = (ROOT / f"{name}.txt").read_text(encoding="utf-8")
        if re.search(r"https?://|--(?:extra-)?index-url|--find-links", text):
            yield f"{name}.txt records an address"
        for pin in re.split(r"\n(?=\S)", text):
            if not pin.startswith("#") and pin.strip() and "--hash=sha256:" not in pin:
                yield f"{name}.txt pins {pin.split()[0]} without a hash"


def migrations() -> Iterator[str]:
    """Every migration below sql/ is read, with the format that the stack files give it."""
    stacks = [yaml.safe_load(file.read_text(encoding="utf-8"))["config"] for file in tracked("*Pulumi.*.yaml")]
    formats = {entry["name"]: entry.get("format") for config in stacks for entry in config.get("pgstack:databases", [])}
    for folder in sorted((ROOT / "sql").glob("*/migrations")):
        try:
            read_folder(folder, formats.get(folder.parent.name))
        except MigrationError as error:
            yield str(error)


def documentation() -> Iterator[str]:
    """Every command of the Makefile is described, and every relative link leads somewhere."""
    pages = tracked("*.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    for target in re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE):
        if f"make {target}" not in text and f"make -s {target}" not in text:
            yield f"no page names `make {target}`"
    for page in pages:
        for link in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / link).exists():
                yield f"{page.relative_to(ROOT)} links to {link}, which does not exist"


def machine_paths() -> Iterator[str]:
    """No file names a path of the machine it was written on."""
    for file in tracked("*"):
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, start=1):
            if PATHS_OF_A_MACHINE.search(line) and file != Path(__file__).resolve():
                yield f"{file.relative_to(ROOT)}:{number} names a path of a machine"


GUARDS = (layers, sizes, locks, migrations, documentation, machine_paths)


def main() -> None:
    """Runs all guards."""
    breaches = [breach for guard in GUARDS for breach in guard()]
    for breach in breaches:
        print(breach, file=sys.stderr)
    if breaches:
        sys.exit(1)
    print(f"{len(GUARDS)} guards hold")


if __name__ == "__main__":
    main()
