"""What every program on psycopg does first, as a process: imports it and opens a session. The login comes as `ours` takes it."""

from __future__ import annotations

import atexit
import gc
import json
import sys

import psycopg


def main() -> None:
    """Does what the module says."""
    login = json.load(sys.stdin)
    psycopg.connect(
        host=login["host"],
        port=login["port"],
        dbname=login["database"],
        user=login["user"],
        password=login["password"],
        sslmode=login["sslmode"],
    ).close()


if __name__ == "__main__":
    atexit.register(gc.freeze)  # as `ours` does: what is measured against it is not to gain by its end
    main()
