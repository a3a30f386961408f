"""The history tables of other tools, on a real database: made, written and read as the tools themselves do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import pq, sql
from psycopg.rows import dict_row

from migrator.discovery import read_folder
from migrator.errors import DirtyError
from migrator.formats import FORMATS
from migrator.formats.base import Applied, Command
from migrator.model import Folder
from postgres.login import Login

Session = psycopg.Connection[Any]
Make = Callable[..., Folder]
Send = Callable[[Command | None], None]

NAMES = {
    "dbmate": ("001_a.sql", "002_b.sql", "003_c.sql"),
    "flyway": ("V001__a.sql", "V2__b.sql", "V2.1__c.sql"),
    "golang-migrate": ("001_a.up.sql", "002_b.up.sql", "003_c.up.sql"),
    "goose": ("001_a.sql", "002_b.sql", "003_c.sql"),
    "soda": ("001_a.up.sql", "002_b.up.sql", "003_c.up.sql"),
    "sqlx": ("001_a.sql", "002_b.sql", "003_c.sql"),
}

CONTENT = {"dbmate": "-- migrate:up\nSELECT 1;\n-- migrate:down\n", "goose": "-- +goose Up\nSELECT 1;\n"}

# Computed outside of the project: SHA-384 and CRC-32 of "SELECT 1;\n", with and without the line end.
SHA_384 = bytes.fromhex("24454095d8d7876ca8e842f34296ca645c83e0f7b50f048c99db4b2ff4da659267afc4ef3e994f3d74e18c741165d931")
CRC_32 = 78787420


@pytest.fixture
def session(database: Login) -> Iterator[Session]:
    """A session without a transaction, of a user who is no superuser."""
    with database.connect() as connection:
        yield connection


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a folder of migrations in a format, of the given files or of three."""

    def write(format_name: str, *names: str) -> Folder:
        for name in names or NAMES[format_name]:
            (tmp_path / name).write_text(CONTENT.get(format_name, "SELECT 1;\n"))
        return read_folder(tmp_path, format_name)

    return write


@pytest.fixture(params=["typed", "untyped"])
def send(request: pytest.FixtureRequest, session: Session) -> Send:
    """Sends a command as psycopg does, and with parameters as text of no type, as a pipeline may."""

    def typed(command: Command | None) -> None:
        assert command
        session.execute(command.sql, command.parameters)

    def untyped(command: Command | None) -> None:
        assert command
        numbers = iter(range(1, 100))
        statement = re.sub("%s", lambda _: f"${next(numbers)}", command.sql)
        values = [value if value is None else _text(value) for value in command.parameters]
        result = session.pgconn.exec_params(statement.encode(), values)
        assert (result.status, result.error_message) == (pq.ExecStatus.COMMAND_OK, b"")

    return typed if request.param == "typed" else untyped


def _text(value: Any) -> bytes:
    return b"\\x" + value.hex().encode() if isinstance(value, bytes) else str(value).encode()


def create(session: Session, format_name: str) -> None:
    for statement in FORMATS[format_name].history.create:
        session.execute(statement)


def applied(session: Session, folder: Folder) -> list[Applied]:
    return list(FORMATS[folder.format].history.applied(session, folder))


def rows(session: Session, query: Any, *parameters: Any) -> list[dict[str, Any]]:
    with session.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query, parameters).fetchall()


def checksum(format_name: str) -> bytes | None:
    return {"sqlx": SHA_384, "flyway": str(CRC_32).encode()}.get(format_name)


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_what_is_recorded_is_applied_until_it_is_forgotten(session: Session, make: Make, send: Send, format_name: str) -> None:
    create(session, format_name)
    folder, history = make(format_name), FORMATS[format_name].history
    first, second, third = folder.migrations
    known = [Applied(migration.version, checksum(format_name)) for migration in folder.migrations]
    if format_name in ("goose", "sqlx"):
        known = [Applied(str(int(version)), kept) for version, kept in known]
    assert applied(session, folder) == []
    for count, migration in enumerate(folder.migrations, start=1):
        send(history.record(migration))
        assert applied(session, folder) == known[:count]
    send(history.forget(third, second))
    assert applied(session, folder) == known[:2]
    send(history.forget(second, first))
    send(history.forget(first, None))
    assert applied(session, folder) == []


COLUMNS: dict[str, list[tuple[str, str, int | None, str]]] = {
    "dbmate": [("version", "character varying", None, "NO")],
    "flyway": [
        ("installed_rank", "integer", None, "NO"),
        ("version", "character varying", 50, "YES"),
        ("description", "character varying", 200, "NO"),
        ("type", "character varying", 20, "NO"),
        ("script", "character varying", 1000, "NO"),
        ("checksum", "integer", None, "YES"),
        ("installed_by", "character varying", 100, "NO"),
        ("installed_on", "timestamp without time zone", None, "NO"),
        ("execution_time", "integer", None, "NO"),
        ("success", "boolean", None, "NO"),
    ],
    "golang-migrate": [("version", "bigint", None, "NO"), ("dirty", "boolean", None, "NO")],
    "goose": [
        ("id", "integer", None, "NO"),
        ("version_id", "bigint", None, "NO"),
        ("is_applied", "boolean", None, "NO"),
        ("tstamp", "timestamp without time zone", None, "NO"),
    ],
    "soda": [("version", "character varying", 14, "NO")],
    "sqlx": [
        ("version", "bigint", None, "NO"),
        ("description", "text", None, "NO"),
        ("installed_on", "timestamp with time zone", None, "NO"),
        ("success", "boolean", None, "NO"),
        ("checksum", "bytea", None, "NO"),
        ("execution_time", "bigint", None, "NO"),
    ],
}

INDEXES = {
    "dbmate": ["schema_migrations_pkey (version)"],
    "flyway": ["flyway_schema_history_pk (installed_rank)", "flyway_schema_history_s_idx (success)"],
    "golang-migrate": ["schema_migrations_pkey (version)"],
    "goose": ["goose_db_version_pkey (id)"],
    "soda": ["schema_migration_pkey (version)", "schema_migration_version_idx (version)"],
    "sqlx": ["_sqlx_migrations_pkey (version)"],
}


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_the_table_is_made_as_the_tool_makes_it_and_only_once(session: Session, format_name: str) -> None:
    create(session, format_name)
    create(session, format_name)
    table = FORMATS[format_name].history.table
    columns = session.execute(
        "SELECT column_name, data_type, character_maximum_length, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s ORDER BY ordinal_position",
        [table],
    ).fetchall()
    indexes = session.execute(
        r"SELECT indexname || ' ' || substring(indexdef FROM '\(.*\)') FROM pg_catalog.pg_indexes WHERE tablename = %s ORDER BY 1", [table]
    ).fetchall()
    assert (columns, [row[0] for row in indexes]) == (COLUMNS[format_name], INDEXES[format_name])


@pytest.mark.parametrize("format_name", sorted(FORMATS))
def test_a_table_is_told_from_that_of_the_tool_with_the_same_name(format_name: str) -> None:
    columns = frozenset(column for column, *_ in COLUMNS[format_name])
    table = FORMATS[format_name].history.table
    assert [name for name, other in FORMATS.items() if other.history.table == table and other.history.is_own(columns)] == [format_name]


@pytest.mark.parametrize("format_name", ["dbmate", "soda"])
def test_a_version_is_kept_as_the_file_has_it(session: Session, make: Make, send: Send, format_name: str) -> None:
    create(session, format_name)
    folder = make(format_name)
    send(FORMATS[format_name].history.record(folder.migrations[0]))
    assert applied(session, folder) == [Applied("001")]


@pytest.mark.parametrize("format_name", ["sqlx", "flyway"])
def test_the_time_that_a_migration_took_is_the_servers(session: Session, make: Make, send: Send, format_name: str) -> None:
    """Nanoseconds for sqlx, milliseconds for Flyway. An hour is added, so that the test's own time does not count."""
    create(session, format_name)
    first, second, _ = make(format_name).migrations
    history = FORMATS[format_name].history
    send(history.record(first))
    send(history.record(second, datetime.now(UTC) - timedelta(hours=1)))
    table = sql.Identifier("public", history.table)
    unit = {"sqlx": 10**9, "flyway": 10**3}[format_name]
    times = session.execute(sql.SQL("SELECT execution_time FROM {} ORDER BY version").format(table)).fetchall()
    assert [row[0] // (3600 * unit) for row in times] == [0, 1]


class TestSqlx:
    def test_a_row_is_what_sqlx_writes(self, session: Session, make: Make, send: Send) -> None:
        create(session, "sqlx")
        (migration,) = make("sqlx", "007_add_users_table.sql").migrations
        send(FORMATS["sqlx"].history.record(migration))
        assert rows(session, "SELECT version, description, success, checksum FROM public._sqlx_migrations") == [
            {"version": 7, "description": "add users table", "success": True, "checksum": SHA_384}
        ]

    def test_a_row_is_made_to_fit_its_file(self, session: Session, make: Make, send: Send) -> None:
        create(session, "sqlx")
        folder = make("sqlx", "1_a.sql", "2_b_c.sql")
        for migration in folder.migrations:
            send(FORMATS["sqlx"].history.record(migration))
        session.execute(r"UPDATE public._sqlx_migrations SET description = 'old', checksum = '\x00'")
        send(FORMATS["sqlx"].history.mend(folder.migrations[1]))
        assert rows(session, "SELECT version, description, checksum FROM public._sqlx_migrations ORDER BY version") == [
            {"version": 1, "description": "old", "checksum": b"\0"},
            {"version": 2, "description": "b c", "checksum": SHA_384},
        ]

    def test_a_migration_that_was_left_half_done_is_named(self, session: Session, make: Make) -> None:
        create(session, "sqlx")
        folder = make("sqlx")
        session.execute(
            r"INSERT INTO public._sqlx_migrations (version, description, success, checksum, execution_time)"
            r" VALUES (1, '', true, '\x', 0), (2, '', false, '\x', -1)"
        )
        with pytest.raises(DirtyError, match=r"^sqlx left migration 2 half done\.\n"):
            applied(session, folder)


class TestGolangMigrate:
    history = FORMATS["golang-migrate"].history

    def test_there_is_one_row_with_the_newest_version(self, session: Session, make: Make, send: Send) -> None:
        create(session, "golang-migrate")
        first, second, third = make("golang-migrate").migrations
        seen = []
        for migration in (first, third, second, third):
            send(self.history.record(migration))
            seen.append(session.execute("SELECT version, dirty FROM public.schema_migrations").fetchall())
        assert seen == [[(1, False)], [(3, False)], [(3, False)], [(3, False)]]

    def test_a_row_goes_back_to_the_version_before(self, session: Session, make: Make, send: Send) -> None:
        create(session, "golang-migrate")
        first, second, _ = make("golang-migrate").migrations
        send(self.history.record(second))
        send(self.history.forget(second, first))
        assert session.execute("SELECT version, dirty FROM public.schema_migrations").fetchall() == [(1, False)]
        send(self.history.forget(first, None))
        assert session.execute("SELECT version, dirty FROM public.schema_migrations").fetchall() == []

    @pytest.mark.parametrize(
        ("version", "versions"), [(0, ["0"]), (1, ["001"]), (2, ["001", "2"]), (3, ["001", "3"]), (9, ["001", "5", "9"])]
    )
    def test_every_file_up_to_the_version_is_applied_and_so_is_a_version_without_a_file(
        self, session: Session, make: Make, version: int, versions: list[str]
    ) -> None:
        create(session, "golang-migrate")
        folder = make("golang-migrate", "001_a.up.sql", "5_b.up.sql")
        session.execute("INSERT INTO public.schema_migrations VALUES (%s, false)", [version])
        assert applied(session, folder) == [Applied(one) for one in versions]

    @pytest.mark.parametrize("version", [2, -1])
    def test_a_dirty_version_is_named(self, session: Session, make: Make, version: int) -> None:
        create(session, "golang-migrate")
        session.execute("INSERT INTO public.schema_migrations VALUES (%s, true)", [version])
        with pytest.raises(DirtyError, match=rf"^golang-migrate left version {version} half done\.\n.*migrate force"):
            applied(session, make("golang-migrate"))


class TestGoose:
    def test_the_row_that_says_that_the_table_is_in_use_is_there_once(self, session: Session) -> None:
        create(session, "goose")
        create(session, "goose")
        assert session.execute("SELECT id, version_id, is_applied FROM public.goose_db_version").fetchall() == [(1, 0, True)]

    def test_the_newest_row_of_a_version_counts(self, session: Session, make: Make) -> None:
        """Older versions of goose wrote a row with `false` where newer ones delete."""
        create(session, "goose")
        session.execute(
            "INSERT INTO public.goose_db_version (version_id, is_applied)"
            " VALUES (1, true), (2, true), (3, true), (2, false), (3, false), (3, true)"
        )
        assert applied(session, make("goose")) == [Applied("1"), Applied("3")]


INSERT = """
    INSERT INTO public.flyway_schema_history
        (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
    VALUES (%s, %s, %s, %s, 'script', %s, 'somebody', 1, %s)
"""


class TestFlyway:
    history = FORMATS["flyway"].history

    def fill(self, session: Session, *entries: tuple[str | None, str, str, int | None]) -> None:
        """Writes rows of version, description, type and checksum."""
        create(session, "flyway")
        for rank, (version, description, kind, number) in enumerate(entries):
            session.execute(INSERT, [rank, version, description, kind, number, True])

    def test_rows_are_what_flyway_writes(self, session: Session, make: Make, send: Send) -> None:
        create(session, "flyway")
        for migration in make("flyway", "V1_2__add_users.sql", "R__all_views.sql").migrations:
            send(self.history.record(migration))
        common = {"type": "SQL", "checksum": CRC_32, "installed_by": session.info.user, "success": True}
        found = rows(
            session,
            "SELECT installed_rank, version, description, type, script, checksum, installed_by, success"
            " FROM public.flyway_schema_history ORDER BY 1",
        )
        assert found == [
            {"installed_rank": 1, "version": "1.2", "description": "add users", "script": "V1_2__add_users.sql", **common},
            {"installed_rank": 2, "version": None, "description": "all views", "script": "R__all_views.sql", **common},
        ]

    def test_the_newest_row_of_a_repeatable_migration_counts(self, session: Session, make: Make, send: Send) -> None:
        folder = make("flyway", "R__all_views.sql", "R__other.sql")
        self.fill(
            session, (None, "all views", "SQL", 1), (None, "other", "SQL", 2), (None, "all views", "SQL", -3), (None, "no file", "SQL", 4)
        )
        assert sorted(applied(session, folder)) == [
            Applied("R__all_views", b"-3"),
            Applied("R__no_file", b"4"),
            Applied("R__other", b"2"),
        ]
        send(self.history.record(folder.migrations[0]))
        assert sorted(applied(session, folder))[0] == Applied("R__all_views", str(CRC_32).encode())
        send(self.history.forget(folder.migrations[0], None))
        assert sorted(applied(session, folder)) == [Applied("R__no_file", b"4"), Applied("R__other", b"2")]

    @pytest.mark.parametrize("kind", ["BASELINE", "INIT", "SQL_BASELINE", "JDBC_BASELINE"])
    def test_a_baseline_counts_every_file_up_to_it_as_applied(self, session: Session, make: Make, kind: str) -> None:
        folder = make("flyway", "V1__a.sql", "V1.5__b.sql", "V2__c.sql", "V3__d.sql")
        self.fill(session, (None, "<< Flyway Schema Creation >>", "SCHEMA", None), ("1.9", "baseline", kind, None), ("2", "c", "SQL", 7))
        assert applied(session, folder) == [Applied("1"), Applied("1.5"), Applied("2", b"7")]

    def test_what_was_deleted_or_undone_is_not_applied(self, session: Session, make: Make) -> None:
        self.fill(
            session,
            ("1", "a", "SQL", 1),
            ("2", "b", "SQL", 2),
            (None, "views", "SQL", 3),
            ("3", "c", "JDBC", None),
            ("1", "a", "DELETE", 1),
            ("2", "b", "UNDO_SQL", 2),
            (None, "views", "DELETE", 3),
            ("2", "b", "SQL", 4),
        )
        assert applied(session, make("flyway")) == [Applied("3"), Applied("2", b"4")]

    @pytest.mark.parametrize(("version", "title"), [("2", "2"), (None, "R__all_views")])
    def test_a_failed_migration_is_named_with_the_way_out(self, session: Session, make: Make, version: str | None, title: str) -> None:
        create(session, "flyway")
        session.execute(INSERT, [1, version, "all views", "SQL", 1, False])
        with pytest.raises(DirtyError, match=rf"^Flyway marked migration {title} as failed\.\n.*`flyway repair`"):
            applied(session, make("flyway"))

    def test_a_row_is_made_to_fit_its_file(self, session: Session, make: Make, send: Send) -> None:
        folder = make("flyway", "V1__a.sql", "V2__b_c.sql", "R__all_views.sql")
        self.fill(
            session,
            (None, "<< Flyway Schema Creation >>", "SCHEMA", None),
            ("1", "old", "SQL", 1),
            ("2", "old", "SQL", 2),
            (None, "all views", "SQL", 3),
            (None, "all views", "SQL", 4),
        )
        for migration in folder.migrations[1:]:
            send(self.history.mend(migration))
        found = session.execute("SELECT description, script, checksum FROM public.flyway_schema_history ORDER BY installed_rank").fetchall()
        assert found == [
            ("<< Flyway Schema Creation >>", "script", None),
            ("old", "script", 1),
            ("b c", "V2__b_c.sql", CRC_32),
            ("all views", "script", 3),
            ("all views", "R__all_views.sql", CRC_32),
        ]

    def test_a_long_description_is_abbreviated_as_flyway_does_it(self, session: Session, make: Make, send: Send) -> None:
        create(session, "flyway")
        folder = make("flyway", f"R__{'x' * 201}.sql", f"R__{'y' * 200}.sql")
        for migration in folder.migrations:
            send(self.history.record(migration))
        found = session.execute("SELECT description FROM public.flyway_schema_history ORDER BY installed_rank").fetchall()
        assert [row[0] for row in found] == ["x" * 197 + "...", "y" * 200]
        assert [entry.version for entry in applied(session, folder)] == [migration.version for migration in folder.migrations]
