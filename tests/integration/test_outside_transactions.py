"""Migrations that do not run in a transaction: a statement at a time, each of them once, whatever happens in between."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from psycopg import sql

from migrator.apply import inspect, migrate
from migrator.errors import DriftError, MigrationFailed
from migrator.events import Listener
from migrator.model import Folder, Migration
from postgres.login import Login
from tests.fix_migrations import write
from tests.fix_tools import Session, made, told_by_ledger, told_by_tool

FIRST = {"1_a.sql": "CREATE TABLE a (id int, b int);\nINSERT INTO a SELECT n, n FROM generate_series(1, 9) n;\n"}


def second(here: Path, text: str) -> Folder:
    return write(here, {**FIRST, "2_b.sql": text}, "sqlx")


def versions(migrations: tuple[Migration, ...]) -> list[str]:
    return [migration.version for migration in migrations]


def steps(session: Session) -> list[tuple[str, int, str]]:
    """What is known of migrations that were begun outside a transaction: version, position, state."""
    return session.execute("SELECT version, position, state FROM pgstack.step ORDER BY 1, 2").fetchall()


def indexes(session: Session) -> list[tuple[str, bool]]:
    return session.execute(
        "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
        " WHERE c.relnamespace = 'public'::regnamespace AND c.relname ~ '^a_' ORDER BY 1"
    ).fetchall()


def failure(session: Session, folder: Folder) -> MigrationFailed:
    with pytest.raises(MigrationFailed) as caught:
        migrate(session, folder)
    return caught.value


# Each kind

PARTITIONED = "CREATE TABLE p (id int) PARTITION BY LIST (id);\nCREATE TABLE q PARTITION OF p FOR VALUES IN (1);\n"


@pytest.mark.parametrize(
    "text",
    [
        "CREATE INDEX CONCURRENTLY a_b ON a (b);",
        "CREATE INDEX a_b ON a (b);\nREINDEX INDEX CONCURRENTLY a_b;\nREINDEX (CONCURRENTLY) TABLE a;",
        "CREATE INDEX a_b ON a (b);\nDROP INDEX CONCURRENTLY a_b;",
        "CREATE INDEX a_b ON a (b);\nCLUSTER a USING a_b;\nCLUSTER;",
        "VACUUM;\nVACUUM (ANALYZE) a;",
        "REINDEX SCHEMA public;",
        f"{PARTITIONED}ALTER TABLE p DETACH PARTITION q CONCURRENTLY;",
    ],
    ids=["create index", "reindex", "drop index", "cluster", "vacuum", "reindex schema", "detach"],
)
def test_what_runs_outside_a_transaction_alone_needs_no_marker(session: Session, here: Path, text: str) -> None:
    given = second(here, text)
    assert versions(migrate(session, given)) == ["1", "2"]
    assert told_by_ledger(session) == told_by_tool(session, given) == ["1", "2"]
    assert (steps(session), migrate(session, given), inspect(session, given).nothing_to_do) == ([], (), True)


@pytest.fixture
def administrator(superuser: Login, database: Login) -> Iterator[Session]:
    """A session of the superuser in the test's own database; what its migrations made of other databases is dropped."""
    other = f"{database.database}_other"
    with superuser.to(database.database).connect() as session:
        yield session
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(other)))
        session.execute("ALTER SYSTEM RESET log_min_duration_sample")


def test_databases_and_settings_of_the_server_are_made_outside_a_transaction(administrator: Session, here: Path) -> None:
    other = f"{administrator.info.dbname}_other"
    text = f"ALTER SYSTEM SET log_min_duration_sample = '9s';\nCREATE DATABASE {other} TEMPLATE template0;\nREINDEX DATABASE;\n"
    files = {**FIRST, "2_b.sql": text}
    migrate(administrator, write(here, files, "sqlx"))
    look = "SELECT (SELECT count(*) FROM pg_database WHERE datname = %s), (SELECT setting FROM pg_file_settings WHERE name = %s)"
    assert administrator.execute(look, [other, "log_min_duration_sample"]).fetchone() == (1, "9s")
    migrate(administrator, write(here, {**files, "3_c.sql": f"DROP DATABASE {other};"}, "sqlx"))
    assert administrator.execute(look, [other, "log_min_duration_sample"]).fetchone() == (0, "9s")


SAME = "CREATE TABLE one AS SELECT pg_current_xact_id()::text AS id;\nCREATE TABLE two AS SELECT pg_current_xact_id()::text AS id;\n"


@pytest.mark.parametrize(
    ("format_name", "file", "text", "apart"),
    [
        ("sqlx", "1_a.sql", f"-- no-transaction\n{SAME}", True),
        ("sqlx", "1_a.sql", f"{SAME}-- no-transaction\n", False),
        ("dbmate", "1_a.sql", f"-- migrate:up transaction:false\n{SAME}-- migrate:down\n", True),
        ("dbmate", "1_a.sql", f"-- migrate:up\n{SAME}-- migrate:down transaction:false\n", False),
        ("goose", "1_a.sql", f"-- +goose NO TRANSACTION\n-- +goose Up\n{SAME}", True),
        ("goose", "1_a.sql", f"-- +goose Up\n{SAME}", False),
        ("soda", "1_a.up.sql", f"-- no-transaction\n{SAME}", False),
    ],
)
def test_a_file_that_asks_to_be_run_outside_a_transaction_is(
    session: Session, here: Path, *, format_name: str, file: str, text: str, apart: bool
) -> None:
    given = write(here, {file: text}, format_name)
    migrate(session, given)
    row = session.execute("SELECT one.id <> two.id FROM one, two").fetchone()
    assert (row, told_by_tool(session, given)) == ((apart,), ["1"])


class Order(Listener):
    """Keeps which migrations ran, in order."""

    def __init__(self) -> None:
        self.ran_: list[str] = []
        self.planned_: list[int] = []
        self.seen: list[str] = []

    def planned(self, count: int) -> None:
        self.planned_.append(count)

    def ran(self, migration: Migration, direction: str, seconds: float) -> None:
        self.ran_.append(migration.version)

    def noticed(self, text: str) -> None:
        self.seen.append(text)


def test_migrations_keep_their_order_whichever_way_they_run(session: Session, here: Path) -> None:
    texts = {
        1: FIRST["1_a.sql"],
        2: "CREATE INDEX CONCURRENTLY a_b ON a (b);",
        3: "ALTER TABLE a ADD c int;",
        4: "COPY a FROM STDIN;\n7\t7\t7\n\\.\n",
        5: "UPDATE a SET c = id;",
        6: "VACUUM a;",
        7: "VACUUM ANALYZE a;",
        8: "DROP INDEX CONCURRENTLY a_b;",
        9: "ALTER TABLE a DROP c;",
    }
    heard = Order()
    given = write(here, {f"{number}_m.sql": text for number, text in texts.items()}, "sqlx")
    assert versions(migrate(session, given, heard)) == [str(number) for number in texts]
    assert (heard.ran_, heard.planned_) == ([str(number) for number in texts], [9])
    rows = session.execute("SELECT version FROM pgstack.migration ORDER BY applied_at, version").fetchall()
    assert [row[0] for row in rows] == [str(number) for number in texts]


def test_the_time_of_all_statements_is_recorded(session: Session, here: Path) -> None:
    migrate(session, write(here, {"1_a.sql": "-- no-transaction\nSELECT pg_sleep(0.1);\nSELECT pg_sleep(0.1);\n"}, "sqlx"))
    row = session.execute("SELECT duration >= interval '0.2 s' FROM pgstack.migration").fetchone()
    assert row == (True,)
    assert session.execute("SELECT execution_time >= 200000000 FROM public._sqlx_migrations").fetchone() == (True,)


# Failures

BROKEN = (
    "CREATE TABLE once (id int);\nCREATE INDEX CONCURRENTLY a_b ON a (b);\n\nINSERT INTO nosuch VALUES (1);\nCREATE TABLE last (id int);\n"
)


def test_what_ran_before_a_failure_stays_and_is_not_run_again(session: Session, here: Path) -> None:
    failed = failure(session, second(here, BROKEN))
    path = f"{here}/2_b.sql"
    assert (failed.path, failed.line, failed.sqlstate, failed.applied) == (path, 4, "42P01", ("1",))
    assert str(failed) == (
        f'{path}:4: relation "nosuch" does not exist (SQLSTATE 42P01)\n'
        "  statement: INSERT INTO nosuch VALUES (1)\n"
        "The statements before it were committed one by one and stay; the next run goes on with this one; "
        "1 before it were applied and stay.\n"
        "Mend the file and run the command again: it goes on from here."
    )
    assert (made(session), indexes(session), told_by_ledger(session)) == (["a", "once"], [("a_b", True)], ["1"])
    assert steps(session) == [("2", 0, "done"), ("2", 1, "done"), ("2", 2, "failed")]
    mended = second(here, BROKEN.replace("nosuch", "once"))
    assert versions(inspect(session, mended).pending) == ["2"]
    assert versions(migrate(session, mended)) == ["2"]
    assert (made(session), told_by_ledger(session), steps(session)) == (["a", "last", "once"], ["1", "2"], [])


def test_the_statement_that_failed_may_be_taken_out(session: Session, here: Path) -> None:
    failure(session, second(here, BROKEN))
    shorter = second(here, BROKEN[: BROKEN.index("\nINSERT")])
    assert versions(migrate(session, shorter)) == ["2"]
    assert (made(session), steps(session)) == (["a", "once"], [])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BROKEN.replace("once", "twice"), 1),
        (BROKEN.replace("(b)", "(id)"), 2),
        ("SELECT 1;\n" + BROKEN, 1),
        ("CREATE TABLE once (id int);\n-- no more\nVACUUM a;\n", 3),
        ("-- no-transaction\nCREATE TABLE once (id int);\n", 2),
    ],
)
def test_the_part_that_ran_may_not_change(session: Session, here: Path, text: str, line: int) -> None:
    failure(session, second(here, BROKEN))
    failed = failure(session, second(here, text))
    assert str(failed) == (
        f"{here}/2_b.sql:{line}: this migration runs outside a transaction, was cut off half-way, and the part that was run already "
        "is not what it was.\nNothing of it was run now; none was applied before it.\n"
        "Bring that part of the file back as it was (git shows it); what comes after it may change."
    )
    assert (made(session), steps(session)) == (["a", "once"], [("2", 0, "done"), ("2", 1, "done"), ("2", 2, "failed")])


def test_comments_between_the_statements_that_ran_may_change(session: Session, here: Path) -> None:
    failure(session, second(here, BROKEN))
    mended = "-- a note\n\n" + BROKEN.replace("nosuch", "once").replace("\n\n", "\n-- another\n")
    assert versions(migrate(session, second(here, mended))) == ["2"]


def test_a_migration_that_was_begun_and_lost_its_file_stops_all_others(session: Session, here: Path) -> None:
    failure(session, second(here, BROKEN))
    other = write(here, {**FIRST, "3_c.sql": "CREATE TABLE c (id int);\n"}, "sqlx")
    says = "begun: 2 was cut off outside a transaction, and is not among what is to be run"
    assert inspect(session, other).problems == (says,)
    with pytest.raises(DriftError, match=says):
        migrate(session, other)
    assert made(session) == ["a", "once"]


def test_a_record_that_cannot_be_written_does_not_run_the_statements_again(session: Session, here: Path) -> None:
    given = second(here, "CREATE TABLE once (id int);\nVACUUM a;\n")
    migrate(session, given, target="1")
    session.execute("ALTER TABLE public._sqlx_migrations ADD CONSTRAINT closed CHECK (version < 2)")
    failed = failure(session, given)
    assert str(failed).splitlines()[0].startswith(f'{here}/2_b.sql:2: new row for relation "_sqlx_migrations" violates check constraint')
    assert "Its statements were committed one by one and stay; the next run records it" in str(failed)
    session.execute("ALTER TABLE public._sqlx_migrations DROP CONSTRAINT closed")
    assert versions(migrate(session, given)) == ["2"]
    assert told_by_ledger(session) == told_by_tool(session, given) == ["1", "2"]


# What was cut off


def cut_off(session: Session, folder: Folder, position: int, text: str) -> None:
    """Leaves what a run leaves that was killed while a statement ran: all before it done, this one marked as running."""
    failure(session, folder)
    session.execute("UPDATE pgstack.step SET state = 'running' WHERE position = %s", [position])
    session.execute(text.encode())


def test_an_index_that_was_finished_when_the_run_was_cut_off_is_not_made_twice(session: Session, here: Path) -> None:
    text = "VACUUM a;\nCREATE INDEX CONCURRENTLY a_b ON a (b, {});\n"
    broken = second(here, text.format("nosuch"))
    cut_off(session, broken, 1, "DELETE FROM pgstack.step WHERE position = 1; CREATE INDEX a_b ON a (b, id)")
    oid = session.execute("SELECT 'a_b'::regclass::oid").fetchone()
    session.execute("INSERT INTO pgstack.step SELECT version, direction, 1, %s, 'running' FROM pgstack.step", [checksum(text.format("id"))])
    assert versions(migrate(session, second(here, text.format("id")))) == ["2"]
    assert (session.execute("SELECT 'a_b'::regclass::oid").fetchone(), indexes(session)) == (oid, [("a_b", True)])


def checksum(text: str) -> str:
    """What is kept of the last statement of a text."""
    return sha256(text.rstrip(";\n").split(";\n")[-1].encode()).hexdigest()


def test_an_index_that_was_left_invalid_is_built_anew(session: Session, here: Path) -> None:
    """The same that an interrupted build leaves: a unique index on rows that are not."""
    text = "CREATE UNIQUE INDEX CONCURRENTLY a_b ON a (b);\n"
    migrate(session, write(here, {"1_a.sql": FIRST["1_a.sql"] + "INSERT INTO a VALUES (10, 9);\n"}, "sqlx"))
    given = write(here, {"1_a.sql": (here / "1_a.sql").read_bytes(), "2_b.sql": text}, "sqlx")
    failed = failure(session, given)
    assert (failed.sqlstate, indexes(session)) == ("23505", [("a_b", False)])
    session.execute("DELETE FROM a WHERE id = 10")
    heard = Order()
    assert versions(migrate(session, given, heard)) == ["2"]
    assert (indexes(session), heard.seen) == ([("a_b", True)], ["2_b: the index a_b was left half made and is built anew"])


# Settings


def test_settings_are_set_again_when_a_migration_goes_on(session: Session, here: Path) -> None:
    text = "CREATE SCHEMA app;\n{};\nCREATE TABLE inside (id int);\nVACUUM inside;\nSELECT {}();\nCREATE TABLE also (id int);\n"
    for number, setting in enumerate(("SET search_path = app", "SELECT pg_catalog.set_config('search_path', 'app', false)")):
        files = {"1_a.sql": text.format(setting, "nosuch").replace("app", f"app{number}")}
        failure(session, write(here, files, "sqlx"))
        files = {"1_a.sql": text.format(setting, "now").replace("app", f"app{number}")}
        migrate(session, write(here, files, "sqlx"))
        session.execute("DELETE FROM pgstack.migration; DELETE FROM public._sqlx_migrations")
    rows = session.execute("SELECT schemaname, tablename FROM pg_tables WHERE schemaname ~ '^app' ORDER BY 1, 2").fetchall()
    assert rows == [("app0", "also"), ("app0", "inside"), ("app1", "also"), ("app1", "inside")]
    assert session.execute("SELECT to_regclass('public.also')").fetchone() == (None,)


def test_another_role_keeps_no_statement_from_being_marked(superuser: Login, database: Login, session: Session, here: Path) -> None:
    with superuser.connect() as administrator:
        administrator.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(database.user)))
    text = "SET ROLE pg_monitor;\nSELECT 1;\nVACUUM;\nDO $$ BEGIN COMMIT; END $$;\nSELECT {};\n"
    assert failure(session, second(here, text.format("1/0"))).line == 5
    assert [state for _, _, state in steps(session)] == ["done", "done", "done", "done", "failed"]
    migrate(session, second(here, text.format("1")))
    assert session.execute("SELECT DISTINCT applied_by, current_user::text FROM pgstack.migration").fetchall() == [
        (database.user, database.user)
    ]


def test_settings_reach_neither_the_records_nor_the_next_migration(session: Session, here: Path) -> None:
    files = {**FIRST, "2_b.sql": "SET search_path = '';\nVACUUM public.a;\n", "3_c.sql": "ALTER TABLE a ADD c int;\n"}
    assert versions(migrate(session, write(here, files, "sqlx"))) == ["1", "2", "3"]


# Rows


def test_rows_below_a_copy_reach_their_table(session: Session, here: Path) -> None:
    text = "-- no-transaction\nCOPY a FROM STDIN;\n100\t100\n\\.\nVACUUM a;\nCOPY a (id) FROM STDIN CSV;\n101\n\\.\n"
    migrate(session, second(here, text))
    assert session.execute("SELECT id, b FROM a WHERE id > 99 ORDER BY 1").fetchall() == [(100, 100), (101, None)]
