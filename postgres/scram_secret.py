"""The SCRAM secret that a server stores for a password, made without a server: before there is one (RFC 5802, RFC 7677)."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode

ITERATIONS = 4096
"""As PostgreSQL has it; the passwords here have 192 random bits, which no number of iterations has to protect."""

SALT_BYTES = 16


def secret_of(password: str) -> str:
    """The SCRAM-SHA-256 secret of a generated password, in the form in which `CREATE ROLE … PASSWORD` takes it.

    The same password gives the same secret, so that it can be declared: the salt comes from the password, and is as random as that.

    Raises:
        ValueError: the password is not ASCII, and would have to be normalised (SASLprep) first.
    """
    if not password.isascii():
        raise ValueError("a password that is not generated here")
    salt = hashlib.sha256(b"pgstack salt:" + password.encode()).digest()[:SALT_BYTES]
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ITERATIONS)
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    stored_key = hashlib.sha256(client_key).digest()
    salt_text, stored_text, server_text = (b64encode(part).decode() for part in (salt, stored_key, server_key))
    return f"SCRAM-SHA-256${ITERATIONS}:{salt_text}${stored_text}:{server_text}"
