"""The schemas that come with the project: what each of them keeps, and what the one of physics_assistant refuses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest

from migrator.apply import migrate
from migrator.discovery import read_folder
from postgres.login import Login
from tests.fix_migrations import SQL
from tests.fix_server import empty_database
from tests.fix_tools import Session

APPLICATIONS = [("usualstore", "soda"), ("kennwilliamson", "sqlx"), ("physics_assistant", "golang-migrate")]

CHECK, UNIQUE = "23514", "23505"

BCRYPT = "$2b$12$" + "a" * 53

FILES = "file_uploads (file_name, size_bytes, purpose, media_type, sha256, storage_key)"


WITHOUT_INDEX = """
SELECT conname FROM pg_constraint WHERE contype = 'f' AND NOT EXISTS (
    SELECT FROM pg_index WHERE indrelid = conrelid AND indpred IS NULL
    AND (indkey::int2[])[0:cardinality(conkey) - 1] @> conkey
)
"""

WITHOUT_TRIGGER = """
SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attname = 'updated_at' AND relkind = 'r' AND relnamespace = 'public'::regnamespace AND NOT EXISTS (
    SELECT FROM pg_trigger WHERE tgrelid = attrelid AND tgname = relname || '_keep_timestamps'
    AND tgfoid = 'keep_row_timestamps'::regproc
)
"""

WITHOUT_COMMENT = """
SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND relname !~ '^_?(schema|sqlx)_migrations?$' AND obj_description(oid, 'pg_class') IS NULL
"""


@pytest.fixture(scope="module", params=APPLICATIONS, ids=lambda pair: pair[0])
def catalog(superuser: Login, request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session on a database with the schema of one application."""
    name, format_name = request.param
    with empty_database(superuser) as login, login.connect() as session:
        migrate(session, read_folder(SQL / name / "migrations", format_name))
        yield session


@pytest.fixture(scope="module")
def migrated(superuser: Login) -> Iterator[Login]:
    with empty_database(superuser) as login:
        with login.connect() as session:
            migrate(session, read_folder(SQL / "physics_assistant" / "migrations", "golang-migrate"))
        yield login


@pytest.fixture
def physics(migrated: Login) -> Iterator[Session]:
    """A session on the schema of physics_assistant, whose changes are taken back."""
    with migrated.connect() as session, session.transaction(force_rollback=True):
        yield session


def column(session: Session, query: str) -> list[Any]:
    return [row[0] for row in session.execute(query.encode()).fetchall()]


# Every schema


def test_every_foreign_key_is_the_beginning_of_an_index(catalog: Session) -> None:
    assert column(catalog, WITHOUT_INDEX) == []


def test_every_table_that_tells_when_a_row_was_changed_keeps_it_by_a_trigger(catalog: Session) -> None:
    assert column(catalog, WITHOUT_TRIGGER) == []


def test_every_table_says_what_it_is_for(catalog: Session) -> None:
    assert column(catalog, WITHOUT_COMMENT) == []


# physics_assistant


def new_user(session: Session, email: str = "ada@example.org", password_hash: str = BCRYPT) -> UUID:
    made = session.execute(
        "INSERT INTO users (email, display_name, password_hash) VALUES (%s, 'Ada', %s) RETURNING id", [email, password_hash]
    ).fetchone()
    assert made is not None
    return UUID(str(made[0]))


def refusal(session: Session, query: str, *values: Any) -> tuple[str | None, str | None]:
    """SQLSTATE and constraint of a statement that the server refuses."""
    with pytest.raises(psycopg.Error) as refused, session.transaction():
        session.execute(query.encode(), values)
    return refused.value.sqlstate, refused.value.diag.constraint_name


def test_tables_of_physics_assistant(physics: Session) -> None:
    assert column(
        physics, "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations' ORDER BY 1"
    ) == [*("agent_calls", "file_uploads", "interactions", "messages", "user_preferences", "user_progress", "user_sessions", "users")]


@pytest.mark.parametrize(
    ("email", "password_hash", "expected"),
    [
        ("ADA@example.org", BCRYPT, (UNIQUE, "users_lower_email_key")),
        ("ada.example.org", BCRYPT, (CHECK, "users_email_shape")),
        ("ada @example.org", BCRYPT, (CHECK, "users_email_shape")),
        ("eve@example.org", BCRYPT[:-1], (CHECK, "users_password_hash_shape")),
        (
            "eve@example.org",
            "correct horse battery staple, and that twice: correct horse battery staple",
            (CHECK, "users_password_hash_shape"),
        ),
    ],
)
def test_accounts_that_are_refused(physics: Session, email: str, password_hash: str, expected: tuple[str, str]) -> None:
    new_user(physics)
    query = "INSERT INTO users (email, display_name, password_hash) VALUES (%s, 'Eve', %s)"
    assert refusal(physics, query, email, password_hash) == expected


@pytest.mark.parametrize(
    ("statement", "constraint"),
    [
        ("UPDATE users SET role = 'root'", "users_role_known"),
        ("UPDATE users SET metadata = '[]'", "users_metadata_is_object"),
        (
            "INSERT INTO user_sessions (user_id, token_hash, expires_at) SELECT id, sha256('t'), created_at FROM users",
            "user_sessions_expires_after_creation",
        ),
        (
            "INSERT INTO user_sessions (user_id, token_hash, expires_at) SELECT id, 'token', now() + interval '1h' FROM users",
            "user_sessions_token_hash_is_sha256",
        ),
        (
            "INSERT INTO user_progress (user_id, topic, progress) SELECT id, 'optics', 100.01 FROM users",
            "user_progress_progress_is_percent",
        ),
        (
            "INSERT INTO user_progress (user_id, topic, progress) SELECT id, 'optics', 'NaN' FROM users",
            "user_progress_progress_is_percent",
        ),
        (
            "INSERT INTO user_progress (user_id, topic, problems_solved) SELECT id, 'optics', 1 FROM users",
            "user_progress_problems_add_up",
        ),
        ("INSERT INTO interactions (kind) VALUES ('other')", "interactions_kind_known"),
        ("INSERT INTO interactions (kind, duration_ms) VALUES ('chat', -1)", "interactions_duration_ms_not_negative"),
        (
            "INSERT INTO messages (interaction_id, role, body) SELECT id, 'nobody', 'hello' FROM interactions",
            "messages_role_known",
        ),
        (
            "INSERT INTO messages (interaction_id, role, kind, body) SELECT id, 'user', 'smell', 'hello' FROM interactions",
            "messages_kind_known",
        ),
        (
            "INSERT INTO agent_calls (interaction_id, agent, status) SELECT id, 'forces', 'succeeded' FROM interactions",
            "agent_calls_finished_at_matches_status",
        ),
        (
            f"INSERT INTO {FILES} VALUES ('a.png', -1, 'diagram', 'image/png', sha256('a'), 'a')",
            "file_uploads_size_bytes_not_negative",
        ),
        (
            f"INSERT INTO {FILES} VALUES ('../a.png', 1, 'diagram', 'image/png', sha256('a'), 'a')",
            "file_uploads_file_name_shape",
        ),
    ],
)
def test_rows_that_are_refused(physics: Session, statement: str, constraint: str) -> None:
    new_user(physics)
    physics.execute("INSERT INTO interactions (kind) VALUES ('chat')")
    assert refusal(physics, statement) == (CHECK, constraint)


def test_an_account_takes_what_is_personal_along_and_leaves_the_rest(physics: Session) -> None:
    user = new_user(physics)
    for statement in (
        "INSERT INTO user_sessions (user_id, token_hash, expires_at) SELECT id, sha256('t'), now() + interval '1h' FROM users",
        "INSERT INTO user_preferences (user_id) SELECT id FROM users",
        "INSERT INTO user_progress (user_id, topic) SELECT id, 'mechanics.kinematics' FROM users",
        "INSERT INTO interactions (user_id, session_id, kind) SELECT user_id, id, 'chat' FROM user_sessions",
        "INSERT INTO messages (interaction_id, user_id, role, body) SELECT id, user_id, 'user', 'How far?' FROM interactions",
        "INSERT INTO agent_calls (interaction_id, message_id, agent) SELECT interaction_id, id, 'kinematics' FROM messages",
        f"INSERT INTO {FILES} VALUES ('a.png', 0, 'diagram', 'image/png', sha256('a'), 'a')",
        "UPDATE file_uploads SET user_id = (SELECT id FROM users)",
    ):
        assert physics.execute(statement.encode()).rowcount == 1
    physics.execute("DELETE FROM users WHERE id = %s", [user])
    for table in ("user_sessions", "user_preferences", "user_progress", "messages"):
        assert column(physics, f"SELECT count(*) FROM {table}") == [0]
    assert physics.execute("SELECT user_id, session_id FROM interactions").fetchall() == [(None, None)]
    assert physics.execute("SELECT message_id FROM agent_calls").fetchall() == [(None,)]
    assert physics.execute("SELECT user_id FROM file_uploads").fetchall() == [(None,)]


def test_a_change_is_dated_and_the_creation_is_not_changed(physics: Session) -> None:
    new_user(physics)
    physics.execute("UPDATE users SET display_name = 'Ada L.', created_at = 'epoch', updated_at = 'epoch'")
    assert physics.execute("SELECT created_at = now(), updated_at > now() FROM users").fetchall() == [(True, True)]


def test_messages_of_one_transaction_keep_their_order(physics: Session) -> None:
    physics.execute("INSERT INTO interactions (kind) VALUES ('chat')")
    said = [f"message {number}" for number in range(20)]
    for body in said:
        physics.execute("INSERT INTO messages (interaction_id, role, body) SELECT id, 'user', %s FROM interactions", [body])
    assert column(physics, "SELECT body FROM messages ORDER BY created_at, id") == said


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("SELECT * FROM users WHERE lower(email) = 'ada@example.org'", "users_lower_email_key"),
        ('SELECT * FROM users WHERE metadata @> \'{"school": "north"}\'', "users_metadata_idx"),
        ("SELECT * FROM user_preferences WHERE preferences ? 'theme'", "user_preferences_preferences_idx"),
        ("SELECT * FROM agent_calls WHERE parameters @> '{\"mass\": 2}'", "agent_calls_parameters_idx"),
        (
            "SELECT * FROM interactions WHERE (created_at, id) > (now(), gen_random_uuid()) ORDER BY created_at, id LIMIT 20",
            "interactions_created_at_id_idx",
        ),
        (
            f"SELECT * FROM messages WHERE interaction_id = '{UUID(int=1)}' ORDER BY created_at, id LIMIT 20",
            "messages_interaction_id_created_at_id_idx",
        ),
    ],
)
def test_what_is_asked_often_has_an_index_that_the_planner_can_use(physics: Session, query: str, index: str) -> None:
    physics.execute("SET LOCAL enable_seqscan = off")
    physics.execute("SET LOCAL enable_sort = off")
    plan = "\n".join(column(physics, f"EXPLAIN {query}"))
    assert index in plan
