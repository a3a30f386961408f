"""Which TLS modes there are, and where one is needed. Needs no driver."""

from __future__ import annotations

from ipaddress import ip_address

ENCRYPTING = frozenset({"require", "verify-ca", "verify-full"})
"""The values of sslmode under which nothing goes out in clear."""

VERIFYING = frozenset({"verify-ca", "verify-full"})
"""Those that check who signed the server's certificate; the second one checks its name too."""


def is_loopback(host: str) -> bool:
    """Whether what is sent to a host stays on this machine."""
    if host == "localhost" or host.startswith("/"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
