from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.contents import APP, PLURALS, READONLY, REVOCABLE, TOLERATED, Observed, Thing, plan
from bootstrap.model import BootstrapError, Role, Wanted

WANTED = Wanted(("shop",), Role("boss", ""), Role("till", ""), Role("eye", ""))
DEFAULTS = frozenset(
    (kind, role, privilege) for role, rights in (("till", APP), ("eye", READONLY)) for kind in PLURALS for privilege in rights[kind]
)


def usual(kind: str) -> frozenset[tuple[str, str]]:
    return frozenset({*(("till", privilege) for privilege in APP[kind]), *(("eye", privilege) for privilege in READONLY[kind])})


def observed(*things: Thing, defaults: frozenset[tuple[str, str, str]] = DEFAULTS) -> Observed:
    return Observed(frozenset(), {}, things, defaults)


def steps(state: Observed, wanted: Wanted = WANTED) -> list[tuple[str, str, bool]]:
    return [(step.what, step.statement.as_string(None), step.as_owner) for step in plan(wanted, "shop", state)]


def test_nothing_is_done_where_all_is_as_wanted() -> None:
    things = [Thing("schema", ("public",), usual("schema")), *(Thing(kind, ("public", kind), usual(kind)) for kind in ("table", "view"))]
    assert steps(observed(*things, Thing("sequence", ("public", "s"), usual("sequence")))) == []


def test_a_new_database_gets_default_privileges_for_what_the_owner_will_make() -> None:
    assert [(what, text) for what, text, _ in steps(observed(defaults=frozenset()))] == [
        (
            "grant DELETE, INSERT, SELECT, UPDATE on future tables of shop to till",
            'ALTER DEFAULT PRIVILEGES GRANT DELETE, INSERT, SELECT, UPDATE ON TABLES TO "till"',
        ),
        ("grant SELECT, USAGE on future sequences of shop to till", 'ALTER DEFAULT PRIVILEGES GRANT SELECT, USAGE ON SEQUENCES TO "till"'),
        ("grant USAGE on future schemas of shop to till", 'ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO "till"'),
        ("grant SELECT on future tables of shop to eye", 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "eye"'),
        ("grant SELECT on future sequences of shop to eye", 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON SEQUENCES TO "eye"'),
        ("grant USAGE on future schemas of shop to eye", 'ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO "eye"'),
    ]


def test_default_privileges_that_are_too_many_are_taken_away() -> None:
    state = observed(defaults=DEFAULTS | {("table", "eye", "DELETE"), ("table", "stranger", "SELECT")})
    assert steps(state) == [
        ("revoke DELETE on future tables of shop from eye", 'ALTER DEFAULT PRIVILEGES REVOKE DELETE ON TABLES FROM "eye"', True)
    ]


def test_a_table_without_rights_gets_them_with_its_name_quoted() -> None:
    assert steps(observed(Thing("table", ("my schema", 'a"b'), frozenset()))) == [
        (
            'grant DELETE, INSERT, SELECT, UPDATE on the table my schema.a"b of shop to till',
            'GRANT DELETE, INSERT, SELECT, UPDATE ON TABLE "my schema"."a""b" TO "till"',
            True,
        ),
        ('grant SELECT on the table my schema.a"b of shop to eye', 'GRANT SELECT ON TABLE "my schema"."a""b" TO "eye"', True),
    ]


def test_what_a_migration_may_grant_the_application_stays_with_it_but_not_with_the_reader() -> None:
    extra = frozenset({(role, privilege) for role in ("till", "eye") for privilege in ("TRUNCATE", "MAINTAIN")})
    assert [text for _, text, _ in steps(observed(Thing("table", ("public", "t"), usual("table") | extra)))] == [
        'REVOKE TRUNCATE ON TABLE "public"."t" FROM "eye"'
    ]


def test_nobody_else_creates_things_in_a_schema() -> None:
    rights = usual("schema") | {("PUBLIC", "CREATE"), ("PUBLIC", "USAGE"), ("till", "CREATE")}
    assert steps(observed(Thing("schema", ("public",), rights))) == [
        ("revoke CREATE on the schema public of shop from till", 'REVOKE CREATE ON SCHEMA "public" FROM "till"', True),
        ("revoke CREATE on the schema public of shop from PUBLIC", 'REVOKE CREATE ON SCHEMA "public" FROM PUBLIC', True),
    ]


def test_data_is_not_for_everybody() -> None:
    rights = usual("table") | {("PUBLIC", "SELECT"), ("PUBLIC", "INSERT")}
    assert steps(observed(Thing("table", ("public", "t"), rights))) == [
        ("revoke INSERT, SELECT on the table public.t of shop from PUBLIC", 'REVOKE INSERT, SELECT ON TABLE "public"."t" FROM PUBLIC', True)
    ]


RIGHTS = st.frozensets(st.sampled_from(sorted(product(["till", "eye", "stranger", "PUBLIC"], sorted(REVOCABLE)))))


@given(st.sampled_from(["table", "view", "sequence", "schema"]), RIGHTS)
def test_after_the_steps_nobody_of_ours_has_too_much_or_too_little(kind: str, rights: frozenset[tuple[str, str]]) -> None:
    """The statements are read back and carried out on the set of rights, as the server would."""
    after = set(rights)
    for _, text, _ in steps(observed(Thing(kind, ("public", "t") if kind != "schema" else ("public",), rights))):
        action, rest = text.split(" ", 1)
        privileges, _, grantee = rest.partition(" ON ")
        entries = {(grantee.rsplit(" ", 1)[1].strip('"'), privilege) for privilege in privileges.split(", ")}
        after = after | entries if action == "GRANT" else after - entries
    tolerated = {("till", privilege) for privilege in TOLERATED.get(kind, frozenset())}
    strangers = {entry for entry in rights if entry[0] == "stranger"}
    everybody = rights & {("PUBLIC", "USAGE")} if kind == "schema" else set()
    assert after - tolerated == (usual(kind) | strangers | everybody) - tolerated


def test_extensions_are_made_by_whoever_may_make_them() -> None:
    wanted = Wanted(("shop",), *WANTED.roles, extensions=("pgcrypto", "vector", "plpgsql"))
    state = Observed(frozenset({"plpgsql"}), {"pgcrypto": True, "vector": False}, (), DEFAULTS)
    assert steps(state, wanted) == [
        ("create the extension pgcrypto in shop", 'CREATE EXTENSION "pgcrypto" CASCADE', True),
        ("create the extension vector in shop", 'CREATE EXTENSION "vector" CASCADE', False),
    ]


def test_an_extension_that_the_server_does_not_have_is_refused() -> None:
    with pytest.raises(BootstrapError) as caught:
        steps(observed(), Wanted(("shop",), *WANTED.roles, extensions=("vector",)))
    assert str(caught.value) == (
        "The server has no extension vector, which the database shop asks for.\n"
        "SELECT name FROM pg_available_extensions lists those it has. Correct `extensions:` in the settings."
    )
