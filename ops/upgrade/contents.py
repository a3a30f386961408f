"""What is in a cluster, to be compared with what is in another."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping

from docker.models.containers import Container

from ops.upgrade.servers import StepFailed, query

DATABASES = "SELECT datname FROM pg_catalog.pg_database WHERE datallowconn AND datname <> 'template1' ORDER BY datname"

TABLES = """
SELECT pg_catalog.format('SELECT pg_catalog.json_build_array(%L, %L, pg_catalog.count(*)) FROM ONLY %I.%I',
                         n.nspname, c.relname, n.nspname, c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%'
    AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_depend d
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1
"""
"""A query for each table's rows. What an extension brings along is the new version's own, and is left out."""

LOCALE = """
SELECT pg_catalog.json_build_array(pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype)
FROM pg_catalog.pg_database WHERE datname = 'template1'
"""

OBSTACLES = """
SELECT 'the tablespace ' || spcname || ', whose folder is outside the volume'
FROM pg_catalog.pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global')
UNION ALL SELECT 'the prepared transaction ' || gid || ' of ' || database FROM pg_catalog.pg_prepared_xacts
UNION ALL SELECT 'the replication slot ' || slot_name FROM pg_catalog.pg_replication_slots
"""
"""What no dump has in it."""

Rows = Mapping[str, int]
"""`database: schema.table` → its rows."""


def rows(server: Container) -> Rows:
    """The rows of every table of every database; a database without any is there with none."""
    found: dict[str, int] = {}
    for database in query(server, "postgres", DATABASES):
        found[f"{database}:"] = 0
        if statements := query(server, database, TABLES):
            for line in query(server, database, " UNION ALL ".join(statements)):
                schema, table, count = json.loads(line)
                found[f"{database}: {schema}.{table}"] = count
    return found


def differences(old: Rows, new: Rows) -> Iterator[str]:
    """What is not the same in both, in words."""
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{name.removesuffix(':')}: {_words(old.get(name))} before, {_words(new.get(name))} now"


def _words(count: int | None) -> str:
    return "not there" if count is None else "1 row" if count == 1 else f"{count} rows"


def initdb_arguments(server: Container) -> str:
    """Arguments for a new cluster of the same encoding and locale."""
    encoding, collation, kind = json.loads(query(server, "postgres", LOCALE)[0])
    return shlex.join([f"--encoding={encoding}", f"--lc-collate={collation}", f"--lc-ctype={kind}"])


def require_dumpable(server: Container) -> None:
    """Raises StepFailed where the cluster has something that would be lost."""
    if found := query(server, "postgres", OBSTACLES):
        raise StepFailed(
            "\n".join(["A dump would leave out:", *(f"  {line}" for line in found)]), hint="Take it away first, or see to it by hand."
        )
