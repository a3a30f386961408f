from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.identifiers import MAX_BYTES, RESERVED, problem_with

NO_IDENTIFIER = "is no identifier: start with a letter or '_' and go on with letters, digits, '_', '-' or '$'"


@pytest.mark.parametrize("name", ["a", "_", "usualstore", "math-museums", "Shop", "a1$b", "größe", "a" * MAX_BYTES, "é" * 31, "pg"])
def test_a_usable_name_has_no_problem(name: str) -> None:
    assert problem_with(name) is None


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", NO_IDENTIFIER),
        ("1a", NO_IDENTIFIER),
        ("-a", NO_IDENTIFIER),
        ("$a", NO_IDENTIFIER),
        ("a b", NO_IDENTIFIER),
        ("a\n", NO_IDENTIFIER),
        ("a\0", NO_IDENTIFIER),
        ('a"b', NO_IDENTIFIER),
        ("a;b", NO_IDENTIFIER),
        ("a.b", NO_IDENTIFIER),
        ("pg_shop", "starts with 'pg_', which PostgreSQL keeps for itself: choose another name"),
        ("a" * 64, "is 64 bytes long, PostgreSQL keeps 63: shorten it by 1"),
        ("é" * 32, "is 64 bytes long, PostgreSQL keeps 63: shorten it by 1"),
        ("€" * 22, "is 66 bytes long, PostgreSQL keeps 63: shorten it by 3"),
    ],
)
def test_a_name_that_cannot_be_used_says_why_and_what_to_do(name: str, problem: str) -> None:
    assert problem_with(name) == problem


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_a_reserved_name_gets_a_suggestion_that_can_be_used(name: str) -> None:
    problem = problem_with(name)
    assert problem == f"is reserved: choose another name, for example '{name}_app'"
    assert problem_with(f"{name}_app") is None


def test_no_role_can_be_named_like_the_grantee_that_means_everyone() -> None:
    """Grants to a role named PUBLIC are written as grants to everyone, by bootstrap.databases and bootstrap.contents."""
    assert problem_with("PUBLIC") is not None


@given(st.text())
def test_what_is_accepted_is_a_plain_word_that_the_server_keeps_whole(name: str) -> None:
    if problem_with(name) is None:
        assert 1 <= len(name.encode()) <= MAX_BYTES
        assert re.fullmatch(r"[\w$-]+", name)
        assert name not in RESERVED
        assert not name.startswith("pg_")


@given(st.text(alphabet="abé€_-1", min_size=1, max_size=80))
def test_a_name_that_is_too_long_says_by_how_much(name: str) -> None:
    excess = len(name.encode()) - MAX_BYTES
    if excess > 0:
        assert problem_with(name) == f"is {excess + 63} bytes long, PostgreSQL keeps 63: shorten it by {excess}"
