"""Migrations on a real database: applied once, in both histories, and refused where files and records tell different stories."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from migrator.apply import inspect, migrate
from migrator.discovery import read_folder
from migrator.errors import DriftError, NotEmptyError
from migrator.events import Direction, Listener
from migrator.ledger import TOOL_VERSION
from migrator.model import Folder, Migration
from postgres.login import Login
from tests.fix_migrations import SQL, dump, write
from tests.fix_server import empty_database
from tests.fix_tools import Session, made, told_by_ledger, told_by_tool

ROOT = Path(__file__).resolve().parents[2]

REAL = [("usualstore", "soda"), ("kennwilliamson", "sqlx"), ("physics_assistant", "golang-migrate")]
REVERSIBLE = [("usualstore", "soda"), ("physics_assistant", "golang-migrate")]


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


@pytest.mark.parametrize(("name", "format_name"), REVERSIBLE)
def test_all_downs_in_reverse_empty_the_schema(session: Session, name: str, format_name: str) -> None:
    folder = real(name, format_name)
    migrate(session, folder)
    assert migrate(session, folder, target="0", allow_rollback=True) == folder.migrations[::-1]
    left = session.execute(
        """
        SELECT 'relation', relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE 'schema_migration%'
        UNION ALL SELECT 'function', proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL SELECT 'type', typname FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typname NOT LIKE '%schema_migration%'
        UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$|public$|pgstack$)'
        UNION ALL SELECT 'extension', extname FROM pg_extension WHERE extname <> 'plpgsql'
        """
    ).fetchall()
    assert left == []


@pytest.mark.parametrize(("name", "format_name"), REVERSIBLE)
def test_downs_and_ups_again_give_the_schema_of_one_up(session: Session, database: Login, name: str, format_name: str) -> None:
    folder = real(name, format_name)
    migrate(session, folder)
    straight = dump(database)
    migrate(session, folder, target="0", allow_rollback=True)
    migrate(session, folder)
    assert dump(database) == straight


@pytest.mark.parametrize(("name", "format_name"), REAL)
def test_replay_gives_the_same_schema(superuser: Login, database: Login, session: Session, name: str, format_name: str) -> None:
    folder = real(name, format_name)
    migrate(session, folder)
    with empty_database(superuser) as other:
        with other.connect() as there:
            migrate(there, folder)
        again = dump(other).replace(other.user, database.user)
    assert "CREATE TABLE public.users" in again
    assert dump(database) == again


# What else is run


def test_empty_files_are_applied_as_they_are(session: Session, here: Path) -> None:
    given = write(here, {"1_empty.sql": "", "2_comment.sql": "-- nothing yet\n"})
    migrate(session, given)
    assert (told_by_ledger(session), told_by_tool(session, given)) == (["1", "2"], ["1", "2"])


def test_percent_signs_and_braces_are_text(session: Session, here: Path) -> None:
    migrate(session, write(here, {"1_a.sql": "CREATE TABLE a AS SELECT '100 % %s {x} %(y)s :z $1 ;' AS text"}))
    assert one(session, "SELECT text FROM a") == ("100 % %s {x} %(y)s :z $1 ;",)


class Heard(Listener):
    """Keeps what was told."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    def planned(self, count: int) -> None:
        self.told.append(("planned", count))

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        self.told.append((migration.version, direction, seconds >= 0))


def test_the_listener_hears_of_each_migration_and_of_none_where_there_is_none(session: Session, here: Path) -> None:
    heard = Heard()
    given = write(here, {"1_a.sql": "SELECT 1;", "2_b.sql": "SELECT 2;"})
    migrate(session, given, heard)
    migrate(session, given, heard)
    assert heard.told == [("planned", 2), ("1", "up", True), ("2", "up", True)]


class Bored(Listener):
    """Wants to hear no more after a migration, as a terminal that was closed."""

    def __init__(self, version: str) -> None:
        self._version = version

    def ran(self, migration: Migration, direction: Direction, seconds: float) -> None:
        if migration.version == self._version:
            raise BrokenPipeError


@pytest.mark.parametrize("version", ["2", "3", "4", "9"])
def test_a_listener_that_fails_leaves_a_session_that_works(session: Session, database: Login, here: Path, version: str) -> None:
    files = {f"{number}_t.sql": f"CREATE TABLE t{number} (id int);" for number in range(1, 10)}
    given = write(here, {**files, "3_t.sql": "VACUUM;", "4_t.sql": "CREATE TABLE t4 (id int);\nCOPY t4 FROM STDIN;\n1\n\\.\n"})
    with pytest.raises(BrokenPipeError):
        migrate(session, given, Bored(version))
    with database.connect() as other:
        known = set(told_by_ledger(other))
        assert known >= {str(number) for number in range(1, int(version) + 1)}
        assert migrate(other, given) == tuple(migration for migration in given.migrations if migration.version not in known)
    assert migrate(session, given) == ()


def test_more_migrations_than_are_on_their_way_at_a_time(session: Session, here: Path) -> None:
    """A pipeline has room for some hundred statements: what comes back has to be taken in before more is sent."""
    count = 300
    given = write(here, {f"{number}_t.sql": f"CREATE TABLE t{number} (id int); SELECT {number};" for number in range(1, count + 1)})
    assert migrate(session, given) == given.migrations
    assert told_by_ledger(session) == told_by_tool(session, given) == [str(number) for number in range(1, count + 1)]
    assert len(made(session)) == count


def test_statements_of_a_megabyte_pass(session: Session, here: Path) -> None:
    """More than a socket takes at once, in both directions."""
    text = "CREATE TABLE a AS SELECT '{}' AS text;\nSELECT text FROM a;\n".format("x" * 2**20)
    migrate(session, write(here, {"1_a.sql": text, "2_b.sql": "SELECT text FROM a, generate_series(1, 5);\n" * 20}))
    assert one(session, "SELECT length(text) FROM a") == (2**20,)


def test_notices_are_nobodys_business(session: Session, here: Path) -> None:
    text = "DO $$ BEGIN FOR n IN 1..2000 LOOP RAISE WARNING 'ü %', n; END LOOP; END $$;\nDROP TABLE IF EXISTS nosuch;\n"
    assert len(migrate(session, write(here, {"1_a.sql": text, "2_b.sql": text}))) == 2


def test_sql_that_the_grammar_does_not_know_goes_to_the_server_as_it_is(session: Session, here: Path, newer: str) -> None:
    files = {
        "1_a.sql": "CREATE TABLE a (id int);",
        "2_b.sql": f"CREATE TABLE b (id int); {newer}\nSET search_path = '';\nINSERT INTO public.b VALUES (1);",
        "3_c.sql": "CREATE TABLE c (id int);",
        "4_d.sql": f"-- no-transaction\n{newer} CREATE TABLE d (id int); CREATE TABLE e (id int);",
    }
    given = write(here, files)
    assert migrate(session, given) == given.migrations
    assert (made(session), told_by_tool(session, given)) == (["a", "b", "c", "d", "e"], ["1", "2", "3", "4"])


# What a run does not pay for

UP_TO_DATE = """
import json, sys
from pathlib import Path
from migrator.apply import inspect, migrate
from migrator.discovery import read_folder
from postgres.login import Login
given = json.load(sys.stdin)
with Login(**given["login"]).connect() as session:
    folder = read_folder(Path(given["folder"]), "sqlx")
    assert inspect(session, folder).nothing_to_do
    assert migrate(session, folder) == ()
print([name for name in given["spared"] if name in sys.modules])
"""


def test_where_nothing_is_pending_the_parser_is_not_loaded(session: Session, database: Login, here: Path) -> None:
    migrate(session, write(here, {"1_a.sql": "CREATE TABLE a (id int);", "2_b.sql": "VACUUM;", "3_c.sql": "SELECT 'it''s';"}))
    given = {"login": asdict(database), "folder": str(here), "spared": ["pglast", "migrator.execute", "migrator.steps", "migrator.watch"]}
    done = subprocess.run([sys.executable, "-c", UP_TO_DATE], cwd=ROOT, input=json.dumps(given), capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


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
def test_drift_is_refused_by_name_and_nothing_is_run(session: Session, here: Path, files: dict[str, str], says: list[str]) -> None:
    migrate(session, write(here, APPLIED))
    changed = write(here, {**files, "9_new.sql": "CREATE TABLE new (id int)"})
    lines = [line.format(here) for line in says]
    assert list(inspect(session, changed).problems) == lines
    assert drift(session, changed) == [f"  {line}" for line in lines]
    assert (made(session), told_by_ledger(session)) == (["a", "c"], ["1", "3"])


def test_a_late_migration_that_gets_a_later_version_is_run(session: Session, here: Path) -> None:
    migrate(session, write(here, APPLIED))
    assert [migration.version for migration in migrate(session, write(here, {**APPLIED, "4_b.sql": "SELECT 1"}))] == ["4"]


def test_an_edited_migration_that_is_brought_back_is_no_drift(session: Session, here: Path) -> None:
    migrate(session, write(here, APPLIED))
    drift(session, write(here, {**APPLIED, "1_a.sql": "SELECT 1"}))
    assert migrate(session, write(here, APPLIED)) == ()


def test_other_line_ends_and_a_byte_order_mark_are_the_same_file(session: Session, here: Path) -> None:
    migrate(session, write(here, APPLIED))
    windows = {name: "\ufeff" + text.replace("\n", "\r\n") for name, text in APPLIED.items()}
    assert migrate(session, write(here, windows)) == ()


def test_database_with_tables_but_no_history_is_refused(session: Session, here: Path) -> None:
    session.execute("CREATE TABLE somebodys (id int)")
    given = write(here, APPLIED)
    for attempt in (inspect, migrate):
        with pytest.raises(NotEmptyError, match=r"has tables \(public\.somebodys\), but no record of how they were made"):
            attempt(session, given)
    assert (made(session), one(session, "SELECT to_regclass('pgstack.migration')")) == (["somebodys"], (None,))
