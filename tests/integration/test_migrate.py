"""Migrations on a real database: applied once, in both histories, and refused with the place in the file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from cluster import programs
from migrator.apply import LOCK_KEY, inspect, migrate
from migrator.discovery import read_folder
from migrator.errors import DriftError, MigrationFailed, NotEmptyError
from migrator.ledger import TOOL_VERSION
from migrator.model import Folder
from postgres.login import Login
from tests.fix_cluster import wait_for
from tests.fix_migrations import SQL, ledger_versions, sqlx_versions, tables, write

Session = psycopg.Connection[Any]

ROOT = Path(__file__).resolve().parents[2]

REAL = [("usualstore", "soda"), ("kennwilliamson", "sqlx")]


@pytest.fixture
def session(database: Login) -> Iterator[Session]:
    with contextlib.closing(database.connect()) as connection:
        yield connection


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "migrations"


def failure(session: Session, folder: Folder) -> MigrationFailed:
    with pytest.raises(MigrationFailed) as failed:
        migrate(session, folder)
    return failed.value


def drift(session: Session, folder: Folder) -> list[str]:
    """The lines of a refusal that name files, without what is said before and after."""
    with pytest.raises(DriftError) as refused:
        migrate(session, folder)
    lines = Exception.__str__(refused.value).splitlines()
    assert lines[0] == "The migrations are not the ones that were applied; nothing was run."
    return lines[1:]


def real(name: str, format_name: str) -> Folder:
    return read_folder(SQL / name / "migrations", format_name)


def one(session: Session, query: str) -> tuple[Any, ...]:
    row = session.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(row)


# The project's own folders


@pytest.mark.parametrize(("name", "format_name"), REAL)
def test_real_migrations_apply_once_and_fill_the_ledger(session: Session, database: Login, name: str, format_name: str) -> None:
    folder = real(name, format_name)
    assert migrate(session, folder) == folder.migrations
    assert (migrate(session, folder), inspect(session, folder).pending, inspect(session, folder).problems) == ((), (), ())
    rows = session.execute(
        "SELECT version, name, checksum, format, applied_by, duration > interval '0', down_sql, tool_version, applied_at <= now()"
        " FROM pgstack.migration ORDER BY version"
    ).fetchall()
    assert rows == [
        (
            *(migration.version, migration.name, hashlib.sha256(migration.up.raw).hexdigest(), format_name, database.user, True),
            *(migration.down.raw.decode() if migration.down else None, TOOL_VERSION, True),
        )
        for migration in folder.migrations
    ]


def test_sqlx_history_has_the_rows_that_sqlx_expects(session: Session) -> None:
    folder = real("kennwilliamson", "sqlx")
    migrate(session, folder)
    rows = session.execute(
        "SELECT version, description, success, checksum, execution_time > 0, installed_on <= now() FROM _sqlx_migrations ORDER BY 1"
    ).fetchall()
    assert rows == [
        (20250829024919, "create users table", True, hashlib.sha384(folder.migrations[0].up.raw).digest(), True, True),
        (20250829025210, "create roles table", True, hashlib.sha384(folder.migrations[1].up.raw).digest(), True, True),
    ]
    columns = session.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = '_sqlx_migrations'::regclass AND attnum > 0 ORDER BY attnum"
    ).fetchall()
    assert columns == [
        ("version", "bigint", True),
        ("description", "text", True),
        ("installed_on", "timestamp with time zone", True),
        ("success", "boolean", True),
        ("checksum", "bytea", True),
        ("execution_time", "bigint", True),
    ]


def test_soda_history_has_the_table_that_pop_expects(session: Session) -> None:
    folder = real("usualstore", "soda")
    migrate(session, folder)
    rows = session.execute("SELECT version FROM schema_migration ORDER BY 1").fetchall()
    assert rows == [(migration.version,) for migration in folder.migrations]
    columns = session.execute(
        "SELECT attname, format_type(atttypid, atttypmod), attnotnull FROM pg_attribute"
        " WHERE attrelid = 'schema_migration'::regclass AND attnum > 0"
    ).fetchall()
    indexes = session.execute(
        "SELECT indexrelid::regclass::text, indisunique, indisprimary FROM pg_index"
        " WHERE indrelid = 'schema_migration'::regclass ORDER BY 1"
    ).fetchall()
    assert columns == [("version", "character varying(14)", True)]
    assert indexes == [("schema_migration_pkey", True, True), ("schema_migration_version_idx", True, False)]


def test_all_downs_in_reverse_empty_the_schema(session: Session) -> None:
    folder = real("usualstore", "soda")
    migrate(session, folder)
    for migration in reversed(folder.migrations):
        assert migration.down is not None, f"{migration.title} has no down file"
        session.execute(migration.down.text.encode())
    left = session.execute(
        """
        SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'schema_migration%'
        UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%schema_migration'
        UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|public$|pgstack$)'
        UNION ALL SELECT 'extension', extname FROM pg_extension WHERE extname <> 'plpgsql'
        """
    ).fetchall()
    assert left == []


def test_downs_and_ups_again_give_the_schema_of_one_up(session: Session, database: Login) -> None:
    folder = real("usualstore", "soda")
    migrate(session, folder)
    straight = dump(database)
    for migration in reversed(folder.migrations):
        assert migration.down is not None, f"{migration.title} has no down file"
        session.execute(migration.down.text.encode())
    session.execute("DELETE FROM pgstack.migration; DELETE FROM schema_migration")
    migrate(session, folder)
    assert dump(database) == straight


@pytest.mark.parametrize(("name", "format_name"), REAL)
def test_replay_gives_the_same_schema(superuser: Login, database: Login, name: str, format_name: str) -> None:
    folder = real(name, format_name)
    second = f"{database.database}_again"
    with superuser.connect() as administrator:
        create = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0")
        administrator.execute(create.format(sql.Identifier(second), sql.Identifier(database.user)))
    try:
        dumps = []
        for login in (database, database.to(second)):
            with login.connect() as session:
                migrate(session, folder)
            dumps.append(dump(login))
    finally:
        with superuser.connect() as administrator:
            administrator.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(second)))
    assert "CREATE TABLE public.users" in dumps[0]
    assert dumps[0] == dumps[1]


def dump(login: Login) -> str:
    """What pg_dump says of a database's schema."""
    command = [programs.installed() / "pg_dump", "--schema-only", "--restrict-key=test", "--host", login.host, "--port", str(login.port)]
    done = subprocess.run(
        [*command, "--username", login.user, login.database],
        env={**os.environ, "PGPASSWORD": login.password},
        capture_output=True,
        check=True,
    )
    return done.stdout.decode()


# Failures


def test_broken_migration_says_where_and_the_mended_one_goes_on(session: Session, folder: Path) -> None:
    good = {"1_a.sql": "CREATE TABLE a (id int);\n", "3_c.sql": "CREATE TABLE c (id int);\n"}
    broken = "CREATE TABLE b (id int);\n\n-- The next one fails.\nCREATE TABLE a (\n    id int\n);\n"
    failed = failure(session, write(folder, {**good, "2_b.sql": broken}))
    path = str(folder / "2_b.sql")
    assert (failed.path, failed.line, failed.sqlstate, failed.applied) == (path, 4, "42P07", ("1",))
    assert str(failed) == (
        f'{path}:4: relation "a" already exists (SQLSTATE 42P07)\n'
        "  statement: CREATE TABLE a ( id int )\n"
        "The migration was rolled back; 1 before it were applied and stay, 1 after it were not run.\n"
        "Mend the file and run the command again: it goes on from here."
    )
    assert (tables(session), ledger_versions(session), sqlx_versions(session)) == (["a"], ["1"], ["1"])
    mended = write(folder, {**good, "2_b.sql": "CREATE TABLE b (id int);\n"})
    assert [migration.version for migration in migrate(session, mended)] == ["2", "3"]
    assert (tables(session), ledger_versions(session)) == (["a", "b", "c"], ["1", "2", "3"])


FAILURES = {
    "syntax error": ("CREATE TABLE b (id int);\n\nCREATE TABEL c (\n  id int);\n", 3, "42601", 'syntax error at or near "TABEL"'),
    "unknown column": ("CREATE TABLE b (id int);\nSELECT\n  id,\n  nmae\nFROM b;\n", 4, "42703", 'column "nmae" does not exist'),
    "umlauts before the place": (
        (
            "-- Größenänderung für Übergrößen: äöüß €€€€ 😀\n/* ß */ SELECT 'äöü', '€';\n"
            "CREATE TABLE b (größe int);\nSELECT\n  'ü€😀',\n  größ FROM b;\n"
        ),
        6,
        "42703",
        'column "größ" does not exist',
    ),
    "umlauts before a statement without a position": (
        "-- Größe: äöü € 😀\nCREATE TABLE b (größe int PRIMARY KEY);\nINSERT INTO b VALUES (1);\n\n-- ü\nINSERT INTO b VALUES (1);\n",
        6,
        "23505",
        'duplicate key value violates unique constraint "b_pkey"',
    ),
    "unique violation in the third statement": (
        "CREATE TABLE b (id int PRIMARY KEY);\nINSERT INTO b VALUES (1);\nINSERT INTO b\nVALUES (1);\n",
        3,
        "23505",
        'duplicate key value violates unique constraint "b_pkey"',
    ),
    "inside a DO block": (
        "CREATE TABLE b (id int);\n\nDO $$\nBEGIN\n  PERFORM 1 / 0;\nEND\n$$;\n",
        3,
        "22012",
        "division by zero",
    ),
    "inside a function": (
        (
            "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$\nBEGIN\n"
            "  RAISE EXCEPTION 'no; never' USING ERRCODE = 'UX001';\nEND $$;\n\nSELECT f();\n"
        ),
        6,
        "UX001",
        "no; never",
    ),
    "at the commit": (
        (
            "CREATE TABLE b (id int PRIMARY KEY);\n"
            "CREATE TABLE c (id int REFERENCES b DEFERRABLE INITIALLY DEFERRED);\nINSERT INTO c VALUES (7);\n"
        ),
        3,
        "23503",
        'insert or update on table "c" violates foreign key constraint "c_id_fkey"',
    ),
    "carriage returns": (
        "CREATE TABLE b (id int);\r\n\r\nCREATE TABLE c (\r\n  id nosuchtype\r\n);\r\n",
        4,
        "42704",
        'type "nosuchtype" does not exist',
    ),
    "a byte order mark": (
        "\ufeffCREATE TABLE b (id int);\nCREATE TABLE c (id nosuchtype);\n",
        2,
        "42704",
        'type "nosuchtype" does not exist',
    ),
    "concurrently": (
        "CREATE TABLE b (id int);\nCREATE INDEX CONCURRENTLY b_id ON b (id);\n",
        2,
        "25001",
        "CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
    ),
}


@pytest.mark.parametrize(("text", "line", "sqlstate", "says"), FAILURES.values(), ids=FAILURES.keys())
def test_failure_names_file_line_and_sqlstate(session: Session, folder: Path, *, text: str, line: int, sqlstate: str, says: str) -> None:
    failed = failure(session, write(folder, {"1_a.sql": "CREATE TABLE a (id int);", "2_b.sql": text}))
    path = str(folder / "2_b.sql")
    assert str(failed).splitlines()[0] == f"{path}:{line}: {says} (SQLSTATE {sqlstate})"
    assert (failed.path, failed.line, failed.sqlstate, failed.applied) == (path, line, sqlstate, ("1",))
    assert (tables(session), ledger_versions(session), sqlx_versions(session)) == (["a"], ["1"], ["1"])
    functions = session.execute("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace").fetchall()
    assert functions == []


@pytest.mark.parametrize("statement", ["COMMIT", "ROLLBACK", "BEGIN", "START TRANSACTION", "END"])
def test_transaction_control_is_refused_with_its_line(session: Session, folder: Path, statement: str) -> None:
    text = f"CREATE TABLE b (id int);\n\n-- ü: now for good\n{statement};\nCREATE TABLE c (id int);\n"
    failed = failure(session, write(folder, {"1_b.sql": text}))
    path = str(folder / "1_b.sql")
    first = statement.split(maxsplit=1)[0]
    assert str(failed).splitlines()[0] == f"{path}:4: {first} inside a migration, though each one runs in a transaction of its own."
    assert (tables(session), ledger_versions(session)) == ([], [])


def test_copy_from_stdin_fails_without_leaving_anything(session: Session, folder: Path) -> None:
    failed = failure(session, write(folder, {"1_b.sql": "CREATE TABLE b (id int);\nCOPY b FROM STDIN;\n"}))
    assert (failed.line, tables(session), ledger_versions(session)) == (2, [], [])
    mended = write(folder, {"1_b.sql": "CREATE TABLE b (id int);\n"})
    assert (len(migrate(session, mended)), tables(session)) == (1, ["b"])


def test_lock_is_free_after_a_failure(database: Login, session: Session, folder: Path) -> None:
    failure(session, write(folder, {"1_a.sql": "SELECT 1 / 0"}))
    with database.connect() as other:
        held = one(
            other,
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database"
            " WHERE datname = current_database())",
        )
        free = one(other, f"SELECT pg_try_advisory_lock({LOCK_KEY})")
    assert (held, free) == ((0,), (True,))


def test_empty_files_are_applied_as_they_are(session: Session, folder: Path) -> None:
    migrate(session, write(folder, {"1_empty.sql": "", "2_comment.sql": "-- nothing yet\n"}))
    assert (ledger_versions(session), sqlx_versions(session)) == (["1", "2"], ["1", "2"])


def test_percent_signs_and_braces_are_text(session: Session, folder: Path) -> None:
    migrate(session, write(folder, {"1_a.sql": "CREATE TABLE a AS SELECT '100 % %s {x} %(y)s :z $1 ;' AS text"}))
    assert one(session, "SELECT text FROM a") == ("100 % %s {x} %(y)s :z $1 ;",)


# Drift

APPLIED = {"1_a.sql": "CREATE TABLE a (id int);\n", "3_c.sql": "CREATE TABLE c (id int);\n"}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({**APPLIED, "1_a.sql": "CREATE TABLE a (id bigint);\n"}, ["edited: {}/1_a.sql is not the file that was applied"]),
        ({"1_a.sql": APPLIED["1_a.sql"]}, ["missing: 3_c was applied, its file is gone"]),
        ({**APPLIED, "2_b.sql": "SELECT 1"}, ["late: {}/2_b.sql is older than the newest that was applied"]),
        (
            {"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 1"},
            [
                "edited: {}/1_a.sql is not the file that was applied",
                "missing: 3_c was applied, its file is gone",
                "late: {}/2_b.sql is older than the newest that was applied",
            ],
        ),
    ],
    ids=["edited", "missing", "late", "all"],
)
def test_drift_is_refused_by_name_and_nothing_is_run(session: Session, folder: Path, files: dict[str, str], says: list[str]) -> None:
    migrate(session, write(folder, APPLIED))
    changed = write(folder, {**files, "9_new.sql": "CREATE TABLE new (id int)"})
    lines = [line.format(folder) for line in says]
    assert list(inspect(session, changed).problems) == lines
    assert drift(session, changed) == [f"  {line}" for line in lines]
    assert (tables(session), ledger_versions(session)) == (["a", "c"], ["1", "3"])


def test_other_line_ends_and_a_byte_order_mark_are_the_same_file(session: Session, folder: Path) -> None:
    migrate(session, write(folder, APPLIED))
    windows = {name: "\ufeff" + text.replace("\n", "\r\n") for name, text in APPLIED.items()}
    assert migrate(session, write(folder, windows)) == ()


def test_database_with_tables_but_no_history_is_refused(session: Session, folder: Path) -> None:
    session.execute("CREATE TABLE somebodys (id int)")
    given = write(folder, APPLIED)
    for attempt in (inspect, migrate):
        with pytest.raises(NotEmptyError, match=r"has tables \(public\.somebodys\), but no record of how they were made"):
            attempt(session, given)
    assert (tables(session), one(session, "SELECT to_regclass('pgstack.migration')")) == (["somebodys"], (None,))


# What one migration leaves for the next

LEAKS = [
    "SET search_path = ''",
    "SET search_path = elsewhere",
    "SET ROLE pg_monitor",
    "SET statement_timeout = 1",
    "SET lock_timeout = 1",
    "SET default_transaction_read_only = on",
    "SET client_encoding = 'LATIN1'",
    "SET standard_conforming_strings = off",
    "SET LOCAL search_path = ''",
    "SET timezone = 'Asia/Tokyo'",
    "SET client_min_messages = error",
    "SELECT set_config('search_path', '', false)",
]


@pytest.mark.parametrize("setting", LEAKS)
def test_setting_of_one_migration_reaches_neither_the_next_nor_the_ledger(
    superuser: Login, database: Login, session: Session, folder: Path, setting: str
) -> None:
    if "ROLE" in setting:
        with superuser.connect() as administrator:
            administrator.execute(sql.SQL("GRANT pg_monitor TO {}").format(sql.Identifier(database.user)))
    shown = ["search_path", "role", "statement_timeout", "lock_timeout", "default_transaction_read_only", "client_encoding"]
    shown += ["standard_conforming_strings", "timezone", "client_min_messages"]
    look = ", ".join(f"current_setting('{name}') AS {name}" for name in shown)
    write(folder, {"1_before.sql": f"CREATE TABLE before AS SELECT {look}"})
    files = {
        "2_set.sql": f"CREATE SCHEMA elsewhere; {setting};",
        "3_after.sql": f"CREATE TABLE after AS SELECT {look}, pg_sleep(0.01)::text",
    }
    first = {"1_before.sql": (folder / "1_before.sql").read_bytes()}
    migrate(session, write(folder, {**first, **files}))
    columns = sql.SQL(", ").join(map(sql.Identifier, shown))
    found = [
        session.execute(sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier("public", name))).fetchone()
        for name in ("before", "after")
    ]
    assert found[0] == found[1]
    assert session.execute("SELECT DISTINCT applied_by FROM pgstack.migration").fetchall() == [(database.user,)]
    assert (ledger_versions(session), sqlx_versions(session)) == (["1", "2", "3"], ["1", "2", "3"])


def test_statement_timeout_of_the_role_is_lifted(superuser: Login, database: Login, folder: Path) -> None:
    with superuser.connect() as administrator:
        administrator.execute(sql.SQL("ALTER ROLE {} SET statement_timeout = '50ms'").format(sql.Identifier(database.user)))
    with database.connect() as session:
        assert one(session, "SHOW statement_timeout") == ("50ms",)
        migrate(session, write(folder, {"1_slow.sql": "SELECT pg_sleep(0.2)", "2_slow.sql": "SELECT pg_sleep(0.2)"}))
        assert ledger_versions(session) == ["1", "2"]


# What the application's own tool did


def run_by_soda(session: Session, folder: Folder, count: int) -> None:
    """The table as pop 6 makes it, and the first migrations."""
    session.execute('CREATE TABLE "schema_migration" ("version" VARCHAR (14) NOT NULL, PRIMARY KEY("version"))')
    session.execute('CREATE UNIQUE INDEX "schema_migration_version_idx" ON "schema_migration" (version)')
    for migration in folder.migrations[:count]:
        session.execute(migration.up.raw)
        session.execute("INSERT INTO schema_migration (version) VALUES (%s)", [migration.version])


def run_by_sqlx(session: Session, folder: Folder, count: int) -> None:
    """The table as sqlx 0.8 makes it, and the first migrations."""
    session.execute(
        "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMPTZ"
        " NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, execution_time BIGINT NOT NULL)"
    )
    for migration in folder.migrations[:count]:
        session.execute(migration.up.raw)
        session.execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (%s, %s, true, %s, -1)",
            [int(migration.version), migration.name.replace("_", " "), hashlib.sha384(migration.up.raw).digest()],
        )


@pytest.mark.parametrize(
    ("name", "format_name", "run", "count", "history"),
    [("usualstore", "soda", run_by_soda, 5, "schema_migration"), ("kennwilliamson", "sqlx", run_by_sqlx, 1, "_sqlx_migrations")],
)
def test_what_the_tool_applied_is_taken_over(session: Session, *, name: str, format_name: str, run: Any, count: int, history: str) -> None:
    folder = real(name, format_name)
    run(session, folder, count)
    assert inspect(session, folder).pending == folder.migrations[count:]
    assert migrate(session, folder) == folder.migrations[count:]
    rows = session.execute("SELECT version, checksum, duration IS NULL FROM pgstack.migration ORDER BY 1").fetchall()
    assert rows == [(migration.version, migration.checksum, index < count) for index, migration in enumerate(folder.migrations)]
    kept = session.execute(sql.SQL("SELECT version::text FROM {} ORDER BY 1").format(sql.Identifier(history))).fetchall()
    assert kept == [(migration.version,) for migration in folder.migrations]
    assert migrate(session, folder) == ()


def test_tool_history_without_its_file_is_drift(session: Session, folder: Path) -> None:
    given = write(folder, APPLIED)
    run_by_sqlx(session, given, 2)
    assert drift(session, write(folder, {"1_a.sql": APPLIED["1_a.sql"]})) == ["  missing: 3_unknown was applied, its file is gone"]
    assert one(session, "SELECT to_regclass('pgstack.migration')") == (None,)


def test_file_edited_since_the_tool_applied_it_is_drift(session: Session, folder: Path) -> None:
    """sqlx itself refuses it from the checksum in its history: taking the edited file over would hide the difference."""
    run_by_sqlx(session, write(folder, APPLIED), 2)
    edited = write(folder, {**APPLIED, "1_a.sql": "CREATE TABLE a (id bigint);\n"})
    assert drift(session, edited) == [f"  edited: {folder}/1_a.sql is not the file that was applied"]


# At the same time, and cut off


def test_two_migrators_at_once_apply_each_migration_once(database: Login, folder: Path) -> None:
    count = 12
    given = write(folder, {f"{n:02}_t.sql": f"CREATE TABLE t{n} (id int); SELECT pg_sleep(0.01)" for n in range(1, count + 1)})

    def run(_number: int) -> list[str]:
        with database.connect() as session:
            return [migration.version for migration in migrate(session, given)]

    with ThreadPoolExecutor(4) as threads:
        done = list(threads.map(run, range(4)))
    assert sorted(done) == [[], [], [], [migration.version for migration in given.migrations]]
    with database.connect() as session:
        assert ledger_versions(session) == [migration.version for migration in given.migrations]


_MIGRATE = """
import json, sys
from pathlib import Path
from migrator.apply import migrate
from migrator.discovery import read_folder
from postgres.login import Login
given = json.load(sys.stdin)
with Login(**given["login"]).connect() as session:
    migrate(session, read_folder(Path(given["folder"]), "sqlx"))
"""


def test_killed_migrator_leaves_nothing_of_its_migration(database: Login, session: Session, folder: Path) -> None:
    """Its back end notices only when the statement it was at has ended; until then the next migrator waits."""
    before = {"1_a.sql": "CREATE TABLE a (id int)"}
    write(folder, {**before, "2_b.sql": "CREATE TABLE b (id int); SELECT pg_sleep(2.5); CREATE TABLE late (id int)"})
    process = subprocess.Popen([sys.executable, "-c", _MIGRATE], cwd=ROOT, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write(json.dumps({"login": asdict(database), "folder": str(folder)}).encode())
    process.stdin.close()
    at_it = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2.5)%' AND pid <> pg_backend_pid() AND state = 'active'"
    wait_for(lambda: one(session, at_it) == (1,), "the migration to start")
    process.kill()
    process.wait()
    mended = write(folder, {**before, "2_b.sql": "CREATE TABLE b (id bigint)"})
    assert [migration.version for migration in migrate(session, mended)] == ["2"]
    assert (tables(session), ledger_versions(session), sqlx_versions(session)) == (["a", "b"], ["1", "2"], ["1", "2"])
    assert one(session, "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'b'::regclass AND attnum = 1") == ("bigint",)


def test_broken_session_is_not_called_a_rollback(session: Session, folder: Path) -> None:
    ends_itself = "CREATE TABLE a (id int);\nSELECT pg_terminate_backend(pg_backend_pid());\n"
    failed = failure(session, write(folder, {"1_a.sql": ends_itself}))
    assert "The session broke; whether the migration was committed, the next run sees in the ledger" in str(failed)
    assert "rolled back" not in str(failed)
