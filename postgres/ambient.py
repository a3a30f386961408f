"""What libpq would pick up by itself, from the environment and from the home, and how it is kept to what it is told."""

from __future__ import annotations

import os
from pathlib import Path

from psycopg import pq

NOWHERE = f"{os.devnull}/none"
"""A path that no file can have. An empty one means the file of that kind in the home."""

FIXED = {"passfile": NOWHERE, "sslcert": NOWHERE, "sslkey": NOWHERE, "sslcrl": NOWHERE, "sslrootcert": NOWHERE, "gssencmode": "disable"}
"""Parameters whose default depends on files in the home or on a Kerberos ticket; an encryption by the latter would go before TLS."""

NEUTRAL = {
    "require_auth": "none,password,md5,gss,sspi,scram-sha-256",
    "sslcertmode": "disable",
    "min_protocol_version": "3.0",
    "max_protocol_version": "3.0",
}
"""Values as good as none, for parameters that may not be empty and have no default of their own."""

WITHOUT_PARAMETER = ("PGSERVICE", "PGDATESTYLE", "PGTZ", "PGGEQO")
"""Variables that no parameter overrides."""

BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep the authorities that they trust: Debian and its kin, Red Hat, SUSE, macOS and Alpine."""


def parameters() -> dict[str, str]:
    """Parameters under which libpq uses nothing that the caller of `Login.connect` did not name.

    Side effects: takes the variables of `WITHOUT_PARAMETER` out of this process's environment.
    """
    for variable in WITHOUT_PARAMETER:
        os.environ.pop(variable, None)
    options = [(option.keyword.decode(), option.envvar, option.compiled) for option in pq.Conninfo.get_defaults()]
    overridden = {
        keyword: NEUTRAL.get(keyword, (compiled or b"").decode())
        for keyword, variable, compiled in options
        if variable and variable.decode() in os.environ
    }
    return {**overridden, **FIXED}


def system_authorities() -> str:
    """The file of the authorities that this system trusts, or `NOWHERE`. The variable SSL_CERT_FILE names another one.

    libpq's own `system` asks the OpenSSL that it was built with, which in a wheel knows no place of this system.
    """
    named = os.environ.get("SSL_CERT_FILE")
    return next((file for file in (named, *BUNDLES) if file and Path(file).is_file()), NOWHERE)
