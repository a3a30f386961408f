from __future__ import annotations

import pytest
from psycopg import sql

from bootstrap.model import Role, Wanted
from bootstrap.roles import ATTRIBUTES, Membership, Observed, plan

WANTED = Wanted(("shop",), Role("boss", "pw1"), Role("till", "pw2"), Role('o"k', "pw3"))
USUAL = {column: should for column, (should, _) in ATTRIBUTES.items()}


def observed(
    *,
    attributes: dict[str, dict[str, bool]] | None = None,
    expiring: frozenset[str] = frozenset(),
    memberships: tuple[Membership, ...] = (),
    superuser: bool = False,
    may_become_owner: bool = True,
    version: int = 180000,
) -> Observed:
    """A server on which all is as it is wanted, but for what is given."""
    return Observed(
        attributes=dict.fromkeys(["boss", "till", 'o"k'], USUAL) if attributes is None else attributes,
        expiring=expiring,
        memberships=memberships,
        administrator_is_superuser=superuser,
        may_become_owner=may_become_owner,
        version=version,
    )


def steps(state: Observed) -> list[tuple[str, str, bool]]:
    return [
        (step.what, step.statement.as_string(None), step.as_owner)
        for step in plan(WANTED, state, lambda role: sql.Literal(f"SCRAM of {role.name}"))
    ]


def test_nothing_is_done_where_all_is_as_wanted() -> None:
    assert steps(observed()) == []


def test_roles_that_are_missing_are_made_with_a_verifier_and_the_administrator_gets_set() -> None:
    assert steps(observed(attributes={}, may_become_owner=False)) == [
        ("create the role boss", "CREATE ROLE \"boss\" LOGIN PASSWORD 'SCRAM of boss'", False),
        ("create the role till", "CREATE ROLE \"till\" LOGIN PASSWORD 'SCRAM of till'", False),
        ('create the role o"k', 'CREATE ROLE "o""k" LOGIN PASSWORD \'SCRAM of o"k\'', False),
        ("let the administrator act as boss", 'GRANT "boss" TO CURRENT_USER WITH SET TRUE, INHERIT FALSE', False),
    ]


def test_no_statement_holds_a_password() -> None:
    assert not [text for _, text, _ in steps(observed(attributes={})) if "pw" in text]


@pytest.mark.parametrize(("column", "should", "word"), [(column, should, word) for column, (should, word) in ATTRIBUTES.items()])
def test_an_attribute_that_drifted_is_put_back(column: str, should: bool, word: str) -> None:
    state = observed(attributes={"boss": USUAL, "till": {**USUAL, column: not should}, 'o"k': USUAL})
    assert steps(state) == [(f"make the role till {word}", f'ALTER ROLE "till" {word}', False)]


def test_a_password_that_would_expire_is_kept_valid() -> None:
    assert steps(observed(expiring=frozenset({'o"k'}))) == [
        ('let the password of the role o"k not expire', 'ALTER ROLE "o""k" VALID UNTIL \'infinity\'', False)
    ]


def test_a_role_that_cannot_log_in_yet_is_let_in_by_a_step_that_says_so() -> None:
    """The comparison of passwords leaves such a role out, since its login fails for another reason."""
    state = observed(
        attributes={"boss": {**USUAL, "rolsuper": True}, "till": {**USUAL, "rolcanlogin": False}, 'o"k': USUAL}, expiring=frozenset({'o"k'})
    )
    planned = plan(WANTED, state, lambda role: sql.Literal(role.name))
    assert [(step.what, step.lets_in) for step in planned] == [
        ("make the role boss NOSUPERUSER", ""),
        ("make the role till LOGIN", "till"),
        ('let the password of the role o"k not expire', 'o"k'),
    ]


@pytest.mark.parametrize(("version", "by"), [(150000, ""), (160000, ' GRANTED BY "adm"'), (180000, ' GRANTED BY "adm"')])
def test_a_membership_is_taken_back_the_way_the_version_wants_it(version: int, by: str) -> None:
    state = observed(memberships=(Membership("boss", "till", "adm"),), version=version)
    assert steps(state) == [("take the role till out of boss", f'REVOKE "boss" FROM "till"{by}', False)]


def test_a_harmless_membership_stays() -> None:
    assert steps(observed(memberships=(Membership("rds_iam", "till", "adm"),))) == []


@pytest.mark.parametrize(
    ("version", "statement"),
    [(150000, 'GRANT "boss" TO CURRENT_USER'), (160000, 'GRANT "boss" TO CURRENT_USER WITH SET TRUE, INHERIT FALSE')],
)
def test_an_administrator_who_may_not_become_the_owner_grants_it_to_itself(version: int, statement: str) -> None:
    assert steps(observed(may_become_owner=False, version=version)) == [("let the administrator act as boss", statement, False)]


def test_a_superuser_needs_no_membership() -> None:
    assert steps(observed(superuser=True, may_become_owner=False)) == []


def test_the_representation_of_a_role_leaves_the_password_out() -> None:
    assert repr(Role("till", "s3cret")) == "Role(name='till')"
    assert WANTED.roles == (WANTED.owner, WANTED.app, WANTED.readonly)
