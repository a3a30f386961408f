"""What the catalog tells of a statement that was cut off, and what has to be cleared away before it is run again."""

from __future__ import annotations

from typing import Any, LiteralString

import psycopg
import pytest

from migrator import grammar
from migrator.recovery import Verdict, judge, repairs
from postgres.login import Login
from tests.fix_tools import Session

SCHEMA: LiteralString = """
    CREATE SCHEMA "Odd";
    CREATE TABLE a (id int, b int);
    CREATE TABLE "Odd"."A b" (id int, b int);
    CREATE INDEX a_id ON a (id);
    CREATE INDEX "A i" ON "Odd"."A b" (id);
    CREATE TABLE elsewhere (id int);
    CREATE INDEX taken ON elsewhere (id);
    CREATE TABLE p (id int) PARTITION BY LIST (id);
    CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1);
    CREATE TABLE p2 (id int);
"""

INVALID: LiteralString = """
    INSERT INTO a VALUES (1, 1), (2, 1);
    INSERT INTO "Odd"."A b" TABLE a;
"""


def node(text: str) -> Any:
    (raw,) = grammar.parse(text)
    return raw.stmt


@pytest.fixture
def owned(session: Session) -> Session:
    """A session of an owner who is no superuser, in a database with some tables."""
    session.execute(SCHEMA)
    return session


def make_invalid(session: Session, *statements: LiteralString) -> None:
    """Has index builds fail half-way, which leaves their indexes behind as invalid."""
    session.execute(INVALID)
    for statement in statements:
        with pytest.raises(psycopg.errors.UniqueViolation, match="could not create unique index"):
            session.execute(statement)


CUT_OFF = [
    ("CREATE INDEX CONCURRENTLY a_id ON a (id)", Verdict.DONE),
    ('CREATE INDEX CONCURRENTLY "A i" ON "Odd"."A b" (id)', Verdict.DONE),
    ("CREATE INDEX CONCURRENTLY a_b ON a (b)", Verdict.AGAIN),
    ("CREATE INDEX CONCURRENTLY taken ON a (b)", Verdict.AGAIN),
    ("CREATE INDEX CONCURRENTLY i ON nosuch (b)", Verdict.AGAIN),
    ("CREATE INDEX CONCURRENTLY ON a (b)", Verdict.UNKNOWN),
    ("DROP INDEX CONCURRENTLY a_id", Verdict.AGAIN),
    ('DROP INDEX CONCURRENTLY "Odd"."A i"', Verdict.AGAIN),
    ("DROP INDEX CONCURRENTLY a_b", Verdict.DONE),
    ("DROP INDEX CONCURRENTLY IF EXISTS nosuch.a_id", Verdict.DONE),
    ("REINDEX TABLE CONCURRENTLY a", Verdict.AGAIN),
    ("ALTER TABLE p DETACH PARTITION p1 CONCURRENTLY", Verdict.AGAIN),
    ("ALTER TABLE p DETACH PARTITION p2 CONCURRENTLY", Verdict.DONE),
    ("VACUUM a", Verdict.AGAIN),
    ("CLUSTER", Verdict.AGAIN),
    ("ALTER SYSTEM SET work_mem = '1MB'", Verdict.AGAIN),
    ("ALTER DATABASE a SET TABLESPACE b", Verdict.AGAIN),
    ("ALTER SUBSCRIPTION a REFRESH PUBLICATION", Verdict.AGAIN),
    ("CREATE DATABASE postgres", Verdict.DONE),
    ("CREATE DATABASE nosuch", Verdict.AGAIN),
    ("DROP DATABASE postgres", Verdict.AGAIN),
    ("DROP DATABASE nosuch", Verdict.DONE),
    ("CREATE TABLESPACE pg_default LOCATION '/x'", Verdict.DONE),
    ("CREATE TABLESPACE nosuch LOCATION '/x'", Verdict.AGAIN),
    ("DROP TABLESPACE nosuch", Verdict.DONE),
    ("DROP TABLESPACE pg_default", Verdict.AGAIN),
    ("DO $$ BEGIN END $$", Verdict.UNKNOWN),
    ("CALL p()", Verdict.UNKNOWN),
    ("COMMIT PREPARED 'x'", Verdict.UNKNOWN),
]


@pytest.mark.parametrize(("text", "verdict"), CUT_OFF)
def test_the_catalog_tells_what_became_of_a_statement(owned: Session, text: str, verdict: Verdict) -> None:
    assert judge(owned, node(text), "running") is verdict
    assert [judge(owned, node(text), state) for state in ("", "failed")] == [Verdict.AGAIN, Verdict.AGAIN]


def test_nobody_can_tell_of_a_statement_that_the_grammar_does_not_know(session: Session) -> None:
    assert [judge(session, None, state) for state in ("", "failed", "running")] == [Verdict.AGAIN, Verdict.AGAIN, Verdict.UNKNOWN]
    assert list(repairs(session, None)) == []


def test_the_catalog_tells_of_subscriptions(superuser: Login, database: Login) -> None:
    with superuser.to(database.database).connect() as session:
        session.execute("CREATE SUBSCRIPTION s CONNECTION 'host=/nowhere' PUBLICATION p WITH (connect = false, slot_name = NONE)")
        texts = [f"CREATE SUBSCRIPTION {name} CONNECTION '' PUBLICATION p" for name in ("s", "other")]
        texts += [f"DROP SUBSCRIPTION {name}" for name in ("s", "other")]
        verdicts = [judge(session, node(text), "running") for text in texts]
        session.execute("DROP SUBSCRIPTION s")
    assert verdicts == [Verdict.DONE, Verdict.AGAIN, Verdict.AGAIN, Verdict.DONE]


@pytest.mark.parametrize("path", ["public", "nowhere"])
def test_names_without_a_schema_are_those_of_the_search_path(owned: Session, path: LiteralString) -> None:
    owned.execute("SELECT set_config('search_path', %s, false)", [path])
    verdict = judge(owned, node("CREATE INDEX CONCURRENTLY a_id ON a (id)"), "running")
    assert verdict is (Verdict.DONE if path == "public" else Verdict.AGAIN)


# Clearing away


def cleared(session: Session, text: str) -> list[tuple[str, str]]:
    """What is to be cleared away, and the statement that does it."""
    return [(repair.why, repair.statement.as_string(session)) for repair in repairs(session, node(text))]


def test_an_invalid_index_is_dropped_before_it_is_made_again(owned: Session) -> None:
    make_invalid(
        owned,
        "CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b)",
        'CREATE UNIQUE INDEX CONCURRENTLY "B" ON "Odd"."A b" (b)',
    )
    texts = ["CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b)", 'CREATE UNIQUE INDEX CONCURRENTLY "B" ON "Odd"."A b" (b)']
    assert [judge(owned, node(text), "running") for text in texts] == [Verdict.AGAIN, Verdict.AGAIN]
    assert [cleared(owned, text) for text in texts] == [
        [("the index a_b was left half made and is built anew", 'DROP INDEX CONCURRENTLY "public"."a_b"')],
        [("the index B was left half made and is built anew", 'DROP INDEX CONCURRENTLY "Odd"."B"')],
    ]


def test_an_index_of_another_table_or_a_valid_one_is_left_alone(owned: Session) -> None:
    make_invalid(owned, "CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b)")
    for text in (
        "CREATE INDEX CONCURRENTLY a_id ON a (id)",
        "CREATE INDEX CONCURRENTLY a_b ON elsewhere (id)",
        "CREATE INDEX CONCURRENTLY ON a (b)",
        "CREATE INDEX a_b ON a (b)",
        "DROP INDEX CONCURRENTLY a_b",
    ):
        assert cleared(owned, text) == []


@pytest.mark.parametrize("text", ["REINDEX TABLE CONCURRENTLY a", "REINDEX INDEX CONCURRENTLY a_b"])
def test_what_an_interrupted_reindex_left_is_dropped(owned: Session, text: str) -> None:
    make_invalid(owned, "CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b)")
    owned.execute("ALTER INDEX a_b RENAME TO a_b_ccnew1; CREATE INDEX a_b ON a (b)")
    assert cleared(owned, text) == [
        ("the index a_b_ccnew1, left by an interrupted REINDEX, is dropped", 'DROP INDEX CONCURRENTLY "public"."a_b_ccnew1"')
    ]
    assert cleared(owned, "REINDEX SCHEMA public") == []


def test_a_partition_that_was_half_detached_is_detached_to_the_end(superuser: Login, owned: Session, database: Login) -> None:
    text = "ALTER TABLE public.p DETACH PARTITION p1 CONCURRENTLY"
    assert cleared(owned, text) == []
    with superuser.to(database.database).connect() as administrator:
        administrator.execute("UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'p1'::regclass")
    ((why, statement),) = cleared(owned, text)
    assert (why, statement) == (
        "a partition that was left half detached is attached no more",
        'ALTER TABLE "public"."p" DETACH PARTITION "p1" FINALIZE',
    )
    owned.execute(statement.encode())
    assert judge(owned, node(text), "running") is Verdict.DONE
