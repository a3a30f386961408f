from __future__ import annotations

import pytest

from bootstrap.databases import Observed, plan
from bootstrap.model import BootstrapError, Role, Wanted

WANTED = Wanted(("shop",), Role("boss", ""), Role("till", ""), Role("eye", ""))
USUAL = frozenset({("till", "CONNECT"), ("till", "TEMPORARY"), ("eye", "CONNECT")})


def steps(state: Observed | None, administrator: str | None = None) -> list[tuple[str, str, bool]]:
    return [(step.what, step.statement.as_string(None), step.as_owner) for step in plan(WANTED, 'sh"op', state, administrator)]


GRANTS = [
    ('revoke CONNECT on the database sh"op from PUBLIC', 'REVOKE CONNECT ON DATABASE "sh""op" FROM PUBLIC', True),
    ('revoke TEMPORARY on the database sh"op from PUBLIC', 'REVOKE TEMPORARY ON DATABASE "sh""op" FROM PUBLIC', True),
    ('grant CONNECT on the database sh"op to till', 'GRANT CONNECT ON DATABASE "sh""op" TO "till"', True),
    ('grant TEMPORARY on the database sh"op to till', 'GRANT TEMPORARY ON DATABASE "sh""op" TO "till"', True),
    ('grant CONNECT on the database sh"op to eye', 'GRANT CONNECT ON DATABASE "sh""op" TO "eye"', True),
]


def test_nothing_is_done_where_all_is_as_wanted() -> None:
    assert steps(Observed("boss", "UTF8", USUAL)) == []


def test_a_database_that_is_missing_is_made_and_closed_to_everyone_else() -> None:
    create = """CREATE DATABASE "sh""op" OWNER "boss" TEMPLATE template0 ENCODING 'UTF8'"""
    assert steps(None) == [('create the database sh"op', create, False), *GRANTS]


def test_a_database_with_the_servers_defaults_is_closed() -> None:
    assert steps(Observed("boss", "UTF8", frozenset({("PUBLIC", "CONNECT"), ("PUBLIC", "TEMPORARY")}))) == GRANTS


def test_a_role_without_the_right_to_connect_is_let_in_by_a_step_that_says_so() -> None:
    planned = plan(WANTED, "shop", Observed("boss", "UTF8", frozenset({("till", "CONNECT")})), None)
    assert [(step.what, step.lets_in) for step in planned] == [
        ("grant TEMPORARY on the database shop to till", ""),
        ("grant CONNECT on the database shop to eye", "eye"),
    ]


def test_rights_that_are_too_many_are_taken_away_and_those_of_others_left() -> None:
    rights = USUAL | {("till", "CREATE"), ("eye", "TEMPORARY"), ("stranger", "CONNECT")}
    assert steps(Observed("boss", "UTF8", rights)) == [
        ('revoke CREATE on the database sh"op from till', 'REVOKE CREATE ON DATABASE "sh""op" FROM "till"', True),
        ('revoke TEMPORARY on the database sh"op from eye', 'REVOKE TEMPORARY ON DATABASE "sh""op" FROM "eye"', True),
    ]


def test_an_administrator_who_is_no_superuser_is_let_in() -> None:
    assert steps(Observed("boss", "UTF8", USUAL), "adm") == [
        ('grant CONNECT on the database sh"op to adm', 'GRANT CONNECT ON DATABASE "sh""op" TO "adm"', True)
    ]
    assert steps(Observed("boss", "UTF8", USUAL | {("adm", "CONNECT")}), "adm") == []
    assert steps(Observed("boss", "UTF8", USUAL), "boss") == []


def test_a_database_of_another_owner_is_given_to_the_one_that_is_wanted() -> None:
    assert steps(Observed("other", "UTF8", USUAL)) == [
        ('give the database sh"op to boss', 'ALTER DATABASE "sh""op" OWNER TO "boss"', False)
    ]


def test_another_encoding_is_refused() -> None:
    with pytest.raises(BootstrapError) as caught:
        steps(Observed("boss", "LATIN1", USUAL))
    assert str(caught.value) == (
        'The database sh"op has the encoding LATIN1; only UTF8 is supported, and an encoding cannot be changed.\n'
        "Dump it, create it anew with ENCODING 'UTF8', and restore the dump."
    )
