from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from postgres.scram_secret import is_of, secret_of


def test_the_secret_lets_a_client_in_that_knows_the_password() -> None:
    """The stored key must be the hash of the client key that a client computes from the password and the salt in the secret."""
    kind, iterations_and_salt, keys = secret_of("pencil").split("$")
    iterations, salt = iterations_and_salt.split(":")
    stored, server = (base64.b64decode(part) for part in keys.split(":"))
    salted = hashlib.pbkdf2_hmac("sha256", b"pencil", base64.b64decode(salt), int(iterations))
    assert (kind, iterations, len(base64.b64decode(salt))) == ("SCRAM-SHA-256", "4096", 16)
    assert stored == hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert server == hmac.digest(salted, b"Server Key", "sha256")


def test_a_password_has_one_secret_and_no_other_has_its_salt() -> None:
    assert secret_of("one") == secret_of("one")
    assert secret_of("one").split("$")[1] != secret_of("two").split("$")[1]


def test_a_password_that_would_have_to_be_normalised_is_refused() -> None:
    with pytest.raises(ValueError, match="not generated"):
        secret_of("größe")


def test_a_stored_secret_is_told_from_others() -> None:
    assert is_of(secret_of("pencil"), "pencil")
    assert not is_of(secret_of("pencil"), "pen")
    assert not is_of(None, "pencil")
    assert not is_of("", "pencil")
    assert not is_of("md5" + "0" * 32, "pencil")
    assert not is_of("SCRAM-SHA-256$4096:no base 64$a:b", "pencil")
