"""What a session finds out about its server, its database and its role."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.rows import dict_row

OLDEST = 13
"""The oldest major version of PostgreSQL that is asked for more than its version."""


@dataclass(frozen=True)
class Facts:
    """Nothing but product, version and encryption is known of what is not PostgreSQL, or too old.

    Attributes:
        product: what `version()` says.
        version: server_version_num.
        encrypted: whether this session's data leaves this machine encrypted. What is behind a proxy that ends TLS is not seen.
        encoding: the database's.
        standby: whether the server replays what another one writes.
        read_only: what makes sessions read-only, as pg_settings names sources; empty where they are not.
        makes_schemas: CREATE on the database.
        makes_tables: CREATE on the schema `public`; None where there is no such schema.
        ledger_owner: of the schema `pgstack`; empty where there is none yet.
        owns_ledger: whether the role has that owner's rights.
        creates_databases: CREATEDB.
        creates_roles: CREATEROLE.
        extensions: installed.
    """

    product: str
    version: int
    encrypted: bool
    encoding: str = ""
    standby: bool = False
    read_only: str = ""
    makes_schemas: bool = False
    makes_tables: bool | None = None
    ledger_owner: str = ""
    owns_ledger: bool = False
    creates_databases: bool = False
    creates_roles: bool = False
    extensions: frozenset[str] = frozenset()

    @property
    def is_postgresql(self) -> bool:
        """Whether the server is the real thing, not another product that speaks its protocol."""
        return self.product.startswith("PostgreSQL ")

    @property
    def major(self) -> int:
        """Major version."""
        return self.version // 10_000


def observe(session: psycopg.Connection[Any]) -> Facts:
    """Asks the server; changes nothing."""
    row = session.execute("SELECT version()").fetchone()
    facts = Facts(str(row[0]) if row else "", session.info.server_version, bool(session.pgconn.ssl_in_use))
    if not facts.is_postgresql or facts.major < OLDEST:
        return facts
    with session.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(_FACTS).fetchone() or {}
    found["extensions"] = frozenset(found["extensions"])
    return Facts(facts.product, facts.version, facts.encrypted, **found)


_FACTS = """
    SELECT current_setting('server_encoding') AS encoding,
           pg_is_in_recovery() AS standby,
           coalesce((SELECT s.source FROM pg_catalog.pg_settings s WHERE s.name = 'default_transaction_read_only' AND s.setting = 'on'), '')
               AS read_only,
           has_database_privilege(current_database(), 'CREATE') AS makes_schemas,
           (SELECT has_schema_privilege(n.oid, 'CREATE') FROM pg_catalog.pg_namespace n WHERE n.nspname = 'public') AS makes_tables,
           coalesce(pg_get_userbyid(l.nspowner), '') AS ledger_owner,
           coalesce(pg_has_role(l.nspowner, 'USAGE'), false) AS owns_ledger,
           r.rolsuper OR r.rolcreatedb AS creates_databases,
           r.rolsuper OR r.rolcreaterole AS creates_roles,
           ARRAY(SELECT e.extname::text FROM pg_catalog.pg_extension e) AS extensions
    FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_namespace l ON l.nspname = 'pgstack'
    WHERE r.rolname = current_user
"""
