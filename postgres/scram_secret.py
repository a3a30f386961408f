"""The SCRAM secret that a server stores for a password, made without a server: before there is one (RFC 5802, RFC 7677)."""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from base64 import b64decode, b64encode

ITERATIONS = 4096
"""As PostgreSQL has it; the passwords here have 192 random bits, which no number of iterations has to protect."""

SALT_BYTES = 16

SECRET = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")
"""Iterations, salt, stored key and server key, as `pg_authid` has them."""


def secret_of(password: str) -> str:
    """The SCRAM-SHA-256 secret of a generated password, in the form in which `CREATE ROLE … PASSWORD` takes it.

    The same password gives the same secret, so that it can be declared: the salt comes from the password, and is as random as that.

    Raises:
        ValueError: the password is not ASCII, and would have to be normalised (SASLprep) first.
    """
    if not password.isascii():
        raise ValueError("a password that is not generated here")
    salt = hashlib.sha256(b"pgstack salt:" + password.encode()).digest()[:SALT_BYTES]
    stored_key, server_key = _keys(password, salt, ITERATIONS)
    salt_text, stored_text, server_text = (b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt_text}${stored_text}:{server_text}"


def is_of(secret: str | None, password: str) -> bool:
    """Whether a stored secret is that of a generated password; not so where it is none, or of another method."""
    found = SECRET.fullmatch(secret or "")
    if found is None:
        return False
    iterations, *encoded = found.groups()
    try:
        salt, stored_key, server_key = (b64decode(part, validate=True) for part in encoded)
    except binascii.Error:
        return False
    own = _keys(password, salt, int(iterations))
    return hmac.compare_digest(b"".join(own), stored_key + server_key)


def _keys(password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """The stored key and the server key."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return hashlib.sha256(client_key).digest(), hmac.digest(salted, b"Server Key", "sha256")
