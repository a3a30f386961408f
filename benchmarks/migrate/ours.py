"""The migrator as a process: applies a folder to the database of the login on standard input, and says what it took.

    python -m benchmarks.migrate.ours FOLDER FORMAT < login.json

The login is a JSON object of `postgres.login.Login`'s fields. Printed is a JSON object: `applied`, how many migrations;
`parser`, whether the SQL parser was imported; `peak`, the most memory that the process had, in KiB.
"""

from __future__ import annotations

import atexit
import gc
import json
import re
import sys
from pathlib import Path

from migrator.apply import migrate
from migrator.discovery import read_folder
from postgres.login import Login


def peak_memory() -> int:
    """The most memory that this process ever had, in KiB. Linux counts it from the start of the program on."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found
    return int(found[1])


def main() -> None:
    """Does what the module says."""
    folder, format_name = sys.argv[1:]
    login = Login(**json.load(sys.stdin))
    connection, found = login.connect_meanwhile(lambda: read_folder(Path(folder), format_name))
    with connection:
        applied = migrate(connection, found)
    print(json.dumps({"applied": len(applied), "parser": "pglast" in sys.modules, "peak": peak_memory()}))


if __name__ == "__main__":
    atexit.register(gc.freeze)  # as `ops` does
    main()
