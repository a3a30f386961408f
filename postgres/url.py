"""Connection URLs. Needs no driver."""

from __future__ import annotations

from urllib.parse import quote, urlencode


def url(*, host: str, port: int, database: str, user: str, password: str = "", sslmode: str = "") -> str:
    """A connection URL as libpq, psycopg, sqlx, pgx and Django's URL parsers read it; every part percent-encoded."""
    secret = f":{quote(password, safe='')}" if password else ""
    address = in_url(quote(host, safe=":"))
    options = f"?{urlencode({'sslmode': sslmode})}" if sslmode else ""
    return f"postgresql://{quote(user, safe='')}{secret}@{address}:{port}/{quote(database, safe='')}{options}"


def in_url(host: str) -> str:
    """A name or an address as URLs have it: one of IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host
