"""Databases, roles and rights on a real server, made by a superuser and by an administrator who is none."""

from __future__ import annotations

import secrets
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from bootstrap.model import BootstrapError, Role, Wanted
from bootstrap.run import differences, ensure
from migrator.apply import migrate
from migrator.discovery import read_folder
from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_bootstrap import Wishes
from tests.fix_cluster import wait_for

Ready = tuple[Wishes, Wanted]

DENIED = "42501"

TABLES = (
    "CREATE TABLE public.things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial serial, name text)",
    "CREATE SCHEMA later",
    "CREATE TABLE later.things (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, serial serial, name text)",
    "CREATE SEQUENCE later.numbers",
)
"""What an owner's migration makes after the bootstrap."""

DATA_STATEMENTS = (
    *(
        statement.replace("things", f"{schema}.things")
        for schema in ("public", "later")
        for statement in (
            "INSERT INTO things (name) VALUES ('a')",
            "SELECT id, serial, name FROM things",
            "UPDATE things SET name = 'b'",
            "DELETE FROM things",
        )
    ),
    "SELECT nextval('later.numbers'), currval('later.numbers')",
)

DDL_STATEMENTS = (
    "CREATE TABLE public.mine (id int)",
    "CREATE TABLE later.mine (id int)",
    "CREATE SCHEMA mine",
    "ALTER TABLE public.things ADD COLUMN mine int",
    "DROP TABLE later.things",
    "TRUNCATE public.things",
    "CREATE INDEX ON public.things (name)",
    "CREATE TRIGGER mine BEFORE INSERT ON public.things FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE ROLE mine_role",
    "CREATE DATABASE mine_database",
    "CREATE EXTENSION hstore",
)


def run(login: Login, *statements: str) -> None:
    with login.connect() as session:
        for statement in statements:
            session.execute(statement.encode())


def outcomes(login: Login, statements: tuple[str, ...]) -> dict[str, str]:
    """Statement → SQLSTATE, each in a transaction of its own; "ok" where the server does it."""
    found = {}
    with login.connect() as session:
        for statement in statements:
            try:
                session.execute(statement.encode())
                found[statement] = "ok"
            except psycopg.Error as error:
                found[statement] = error.sqlstate or ""
    return found


def all_of(outcome: str, statements: tuple[str, ...]) -> dict[str, str]:
    return dict.fromkeys(statements, outcome)


def refused(login: Login) -> str:
    """Why a login does not work."""
    with pytest.raises(ConnectionFailed) as error:
        login.connect()
    return str(error.value)


@pytest.fixture(scope="module")
def ready(superuser: Login, administrator: Login) -> Iterator[Ready]:
    """A database that is bootstrapped already and has tables, for tests that leave it converged."""
    made = Wishes(superuser)
    wanted = made.new(extensions=("citext",))
    ensure(administrator, wanted)
    run(made.login(wanted, "owner"), *TABLES)
    yield made, wanted
    made.clear()


# Fresh, and again


def test_fresh_bootstrap_makes_database_and_roles_that_log_in(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new()
    name, owner, app, readonly = wanted.databases[0], wanted.owner.name, wanted.app.name, wanted.readonly.name
    done = ensure(administrator, wanted)
    expected = [f"create the role {role}" for role in (owner, app, readonly)]
    expected += [f"let the administrator act as {owner}"] if administrator.user != "postgres" else []
    expected += [f"create the database {name}", f"revoke CONNECT on the database {name} from PUBLIC"]
    assert list(done[: len(expected)]) == expected
    with wishes.superuser.connect() as session:
        database = session.execute(
            "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding) FROM pg_database WHERE datname = %s", [name]
        ).fetchone()
        roles = session.execute(
            "SELECT rolname, rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls, rolcanlogin, rolpassword"
            " LIKE 'SCRAM-SHA-256$%%' FROM pg_authid WHERE rolname = ANY(%s) ORDER BY rolname",
            [[owner, app, readonly]],
        ).fetchall()
    assert database == (owner, "UTF8")
    assert roles == [(role, False, True, True) for role in sorted((owner, app, readonly))]
    assert [wishes.login(wanted, role).works() for role in ("owner", "app", "readonly")] == [True, True, True]


def test_preview_of_a_fresh_bootstrap_makes_nothing(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new(twin=True)
    said = differences(administrator, wanted)
    assert f"create the database {wanted.databases[1]}" in said
    with wishes.superuser.connect() as session:
        count = session.execute(
            "SELECT (SELECT count(*) FROM pg_roles WHERE rolname = ANY(%s)) + (SELECT count(*) FROM pg_database WHERE datname = ANY(%s))",
            [[role.name for role in wanted.roles], list(wanted.databases)],
        ).fetchone()
    assert count == (0,)


def test_second_bootstrap_has_nothing_to_do(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new(twin=True, extensions=("citext",))
    ensure(administrator, wanted)
    run(wishes.login(wanted, "owner"), *TABLES)
    assert (differences(administrator, wanted), ensure(administrator, wanted)) == ((), ())


def test_bootstrap_goes_on_after_a_failure_half_way(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new(extensions=("no_such_extension",))
    with pytest.raises(BootstrapError, match="The server has no extension no_such_extension, which the database"):
        ensure(administrator, wanted)
    mended = replace(wanted, extensions=())
    ensure(administrator, mended)
    assert (differences(administrator, mended), wishes.login(mended, "app").works()) == ((), True)


def test_eight_bootstraps_at_once_all_succeed(administrator: Login, wishes: Wishes) -> None:
    several = [wishes.new() for _ in range(8)]
    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(lambda wanted: ensure(administrator, wanted), several))
    assert [f"create the database {wanted.databases[0]}" in steps for wanted, steps in zip(several, done, strict=True)] == [True] * 8
    assert [differences(administrator, wanted) for wanted in several] == [()] * 8


# Rights


def test_app_changes_data_of_later_tables_but_no_schema(ready: Ready) -> None:
    wishes, wanted = ready
    app = wishes.login(wanted, "app")
    assert outcomes(app, DATA_STATEMENTS) == all_of("ok", DATA_STATEMENTS)
    assert outcomes(app, DDL_STATEMENTS) == all_of(DENIED, DDL_STATEMENTS)
    assert outcomes(app, ("CREATE TEMPORARY TABLE mine (id int)",)) == {"CREATE TEMPORARY TABLE mine (id int)": "ok"}


def test_readonly_only_selects(ready: Ready) -> None:
    wishes, wanted = ready
    expected = {statement: "ok" if statement.startswith("SELECT id") else DENIED for statement in DATA_STATEMENTS}
    readonly = wishes.login(wanted, "readonly")
    assert outcomes(readonly, DATA_STATEMENTS) == expected
    ddl = (*DDL_STATEMENTS, "CREATE TEMPORARY TABLE mine (id int)")
    assert outcomes(readonly, ddl) == all_of(DENIED, ddl)


def test_roles_of_another_database_cannot_connect(administrator: Login, wishes: Wishes) -> None:
    shop, blog = wishes.new(), wishes.new()
    for wanted in (shop, blog):
        ensure(administrator, wanted)
    for role in ("owner", "app", "readonly"):
        message = refused(wishes.login(shop, role, blog.databases[0]))
        assert f'permission denied for database "{blog.databases[0]}"' in message


def test_twin_has_the_same_roles_and_rights(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new(twin=True, extensions=("pg_trgm",))
    ensure(administrator, wanted)
    rights = []
    for name in wanted.databases:
        run(wishes.login(wanted, "owner", name), *TABLES)
        with wishes.login(wanted, "owner", name).connect() as session:
            rights.append(
                (
                    session.execute("SELECT pg_get_userbyid(datdba), datacl FROM pg_database WHERE datname = %s", [name]).fetchall(),
                    session.execute("SELECT nspname, nspacl FROM pg_namespace WHERE nspname IN ('public', 'later') ORDER BY 1").fetchall(),
                    session.execute(
                        "SELECT relname, relacl FROM pg_class"
                        " WHERE relnamespace IN ('public'::regnamespace, 'later'::regnamespace) ORDER BY 1"
                    ).fetchall(),
                    session.execute("SELECT defaclobjtype::text, defaclacl FROM pg_default_acl ORDER BY 1").fetchall(),
                    session.execute("SELECT extname FROM pg_extension ORDER BY 1").fetchall(),
                )
            )
        assert outcomes(wishes.login(wanted, "app", name), DATA_STATEMENTS) == all_of("ok", DATA_STATEMENTS)
    assert rights[0] == rights[1]
    assert rights[0][4] == [("pg_trgm",), ("plpgsql",)]


# Changes by hand


@dataclass(frozen=True)
class Change:
    """Something that a person did by hand.

    Attributes:
        by: "administrator" or a role of the database.
        statement: with {database}, {owner}, {app}, {readonly} and {administrator} for the names.
        repair: what the bootstrap has to say and do about it, with the same names.
    """

    by: str
    statement: str
    repair: tuple[str, ...]


CHANGES = {
    "createdb": Change("administrator", "ALTER ROLE {app} CREATEDB", ("make the role {app} NOCREATEDB",)),
    "createrole": Change("administrator", "ALTER ROLE {readonly} CREATEROLE", ("make the role {readonly} NOCREATEROLE",)),
    "nologin": Change("administrator", "ALTER ROLE {app} NOLOGIN", ("make the role {app} LOGIN",)),
    "member of the owner": Change("administrator", "GRANT {owner} TO {app}", ("take the role {app} out of {owner}",)),
    "member of the app": Change("administrator", "GRANT {app} TO {readonly}", ("take the role {readonly} out of {app}",)),
    "password": Change("administrator", "ALTER ROLE {app} PASSWORD 'another'", ("set the password of the role {app}",)),
    "connect for everybody": Change(
        "owner", "GRANT CONNECT ON DATABASE {database} TO PUBLIC", ("revoke CONNECT on the database {database} from PUBLIC",)
    ),
    "no connect for the app": Change(
        "owner", "REVOKE CONNECT ON DATABASE {database} FROM {app}", ("grant CONNECT on the database {database} to {app}",)
    ),
    "create in the database": Change(
        "owner", "GRANT CREATE ON DATABASE {database} TO {app}", ("revoke CREATE on the database {database} from {app}",)
    ),
    "create on public for everybody": Change(
        "owner", "GRANT CREATE ON SCHEMA public TO PUBLIC", ("revoke CREATE on the schema public of {database} from PUBLIC",)
    ),
    "create on public for the app": Change(
        "owner", "GRANT CREATE ON SCHEMA public TO {app}", ("revoke CREATE on the schema public of {database} from {app}",)
    ),
    "no usage of a schema": Change(
        "owner", "REVOKE USAGE ON SCHEMA later FROM {readonly}", ("grant USAGE on the schema later of {database} to {readonly}",)
    ),
    "default privileges": Change(
        "owner",
        "ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM {app}",
        ("grant DELETE, INSERT, SELECT, UPDATE on future tables of {database} to {app}",),
    ),
    "more default privileges": Change(
        "owner",
        "ALTER DEFAULT PRIVILEGES GRANT UPDATE ON TABLES TO {readonly}",
        ("revoke UPDATE on future tables of {database} from {readonly}",),
    ),
    "select revoked": Change(
        "owner", "REVOKE SELECT ON public.things FROM {app}", ("grant SELECT on the table public.things of {database} to {app}",)
    ),
    "sequence revoked": Change(
        "owner",
        "REVOKE USAGE ON SEQUENCE later.numbers FROM {app}",
        ("grant USAGE on the sequence later.numbers of {database} to {app}",),
    ),
    "insert for readonly": Change(
        "owner",
        "GRANT INSERT ON later.things TO {readonly}",
        ("revoke INSERT on the table later.things of {database} from {readonly}",),
    ),
    "trigger for the app": Change(
        "owner", "GRANT TRIGGER ON public.things TO {app}", ("revoke TRIGGER on the table public.things of {database} from {app}",)
    ),
    "extension dropped": Change("owner", "DROP EXTENSION citext", ("create the extension citext in {database}",)),
}


def names_of(administrator: Login, wanted: Wanted) -> dict[str, str]:
    return {
        "database": wanted.databases[0],
        "owner": wanted.owner.name,
        "app": wanted.app.name,
        "readonly": wanted.readonly.name,
        "administrator": administrator.user,
    }


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_change_by_hand_is_reported_and_repaired(administrator: Login, ready: Ready, change: Change) -> None:
    wishes, wanted = ready
    names = names_of(administrator, wanted)
    repair = tuple(line.format(**names) for line in change.repair)
    run(administrator if change.by == "administrator" else wishes.login(wanted, change.by), change.statement.format(**names))
    try:
        assert differences(administrator, wanted) == repair
        assert ensure(administrator, wanted) == repair
        assert differences(administrator, wanted) == ()
    except BaseException:
        ensure(administrator, wanted)
        raise
    app = wishes.login(wanted, "app")
    assert outcomes(app, DATA_STATEMENTS) == all_of("ok", DATA_STATEMENTS)
    assert outcomes(app, DDL_STATEMENTS) == all_of(DENIED, DDL_STATEMENTS)


def test_changed_owner_of_the_database_is_changed_back(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new()
    ensure(administrator, wanted)
    names = names_of(administrator, wanted)
    run(wishes.superuser, "ALTER DATABASE {database} OWNER TO {administrator}".format(**names))
    assert differences(administrator, wanted)[0] == "give the database {database} to {owner}".format(**names)
    assert ensure(administrator, wanted)[0] == "give the database {database} to {owner}".format(**names)
    assert differences(administrator, wanted) == ()
    with wishes.superuser.connect() as session:
        owner = session.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [wanted.databases[0]]).fetchone()
    assert owner == (wanted.owner.name,)


def test_superuser_right_is_taken_back_by_a_superuser_alone(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new()
    ensure(administrator, wanted)
    run(wishes.superuser, f"ALTER ROLE {wanted.app.name} SUPERUSER")
    what = f"make the role {wanted.app.name} NOSUPERUSER"
    assert differences(administrator, wanted) == (what,)
    if administrator == wishes.superuser:
        assert ensure(administrator, wanted) == (what,)
        assert differences(administrator, wanted) == ()
    else:
        with pytest.raises(BootstrapError, match=f"^Could not {what}: permission denied to alter role .SQLSTATE 42501."):
            ensure(administrator, wanted)
        run(wishes.superuser, f"ALTER ROLE {wanted.app.name} NOSUPERUSER")


def test_rights_for_everybody_on_a_table_are_taken_back(administrator: Login, wishes: Wishes) -> None:
    """What PUBLIC may do, the read-only role may do."""
    wanted = wishes.new()
    ensure(administrator, wanted)
    run(wishes.login(wanted, "owner"), *TABLES, "GRANT INSERT ON public.things TO PUBLIC")
    assert differences(administrator, wanted) != ()
    ensure(administrator, wanted)
    insert = "INSERT INTO public.things (name) OVERRIDING SYSTEM VALUE SELECT 'x' WHERE false"
    assert outcomes(wishes.login(wanted, "readonly"), (insert,)) == {insert: DENIED}


def test_expired_password_is_repaired(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new()
    ensure(administrator, wanted)
    run(administrator, f"ALTER ROLE {wanted.app.name} VALID UNTIL '2001-01-01'")
    assert differences(administrator, wanted) != ()
    ensure(administrator, wanted)
    assert (wishes.login(wanted, "app").works(), differences(administrator, wanted)) == (True, ())


def test_password_that_is_wanted_anew_replaces_the_old_one(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new()
    ensure(administrator, wanted)
    anew = replace(wanted, readonly=Role(wanted.readonly.name, "entirely-new"))
    assert ensure(administrator, anew) == (f"set the password of the role {wanted.readonly.name}",)
    assert (wishes.login(anew, "readonly").works(), wishes.login(wanted, "readonly").works()) == (True, False)


def test_truncate_that_a_migration_gave_the_app_stays(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new()
    ensure(administrator, wanted)
    run(wishes.login(wanted, "owner"), *TABLES, f"GRANT TRUNCATE ON public.things TO {wanted.app.name}")
    assert differences(administrator, wanted) == ()
    assert outcomes(wishes.login(wanted, "app"), ("TRUNCATE public.things",)) == {"TRUNCATE public.things": "ok"}


# Nothing is dropped


def test_what_is_wanted_no_more_is_kept(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new(twin=True, extensions=("citext",))
    ensure(administrator, wanted)
    fewer = replace(wanted, databases=wanted.databases[:1], extensions=())
    assert (differences(administrator, fewer), ensure(administrator, fewer)) == ((), ())
    with wishes.login(wanted, "owner", wanted.databases[1]).connect() as session:
        assert session.execute("SELECT extname FROM pg_extension ORDER BY 1").fetchall() == [("citext",), ("plpgsql",)]


# What the server cannot give


def test_extension_that_is_not_trusted_is_the_superusers_to_make(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new(extensions=("pageinspect",))
    if administrator == wishes.superuser:
        assert f"create the extension pageinspect in {wanted.databases[0]}" in ensure(administrator, wanted)
        assert differences(administrator, wanted) == ()
    else:
        with pytest.raises(BootstrapError) as failed:
            ensure(administrator, wanted)
        assert str(failed.value).startswith(
            f"Could not create the extension pageinspect in {wanted.databases[0]}: "
            'permission denied to create extension "pageinspect" (SQLSTATE 42501)\n'
        )


def test_extension_brings_the_one_it_needs(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new(extensions=("earthdistance",)) if administrator == wishes.superuser else wishes.new(extensions=("cube",))
    ensure(administrator, wanted)
    with wishes.login(wanted, "owner").connect() as session:
        names = {row[0] for row in session.execute("SELECT extname FROM pg_extension").fetchall()}
    assert names == {"plpgsql", "cube", *wanted.extensions}


def test_database_in_another_encoding_is_refused(administrator: Login, wishes: Wishes) -> None:
    wanted = wishes.new()
    name = wanted.databases[0]
    run(
        wishes.superuser,
        f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'",
    )
    for attempt in (differences, ensure):
        with pytest.raises(BootstrapError, match=f"^The database {name} has the encoding SQL_ASCII; only UTF8 is supported"):
            attempt(administrator, wanted)


def test_administrator_with_a_wrong_password_is_refused_without_it(administrator: Login, wishes: Wishes) -> None:
    wrong = replace(administrator, password="a-wrong-secret")
    for attempt in (differences, ensure):
        with pytest.raises(ConnectionFailed) as failed:
            attempt(wrong, wishes.new())
        assert f'password authentication failed for user "{administrator.user}"' in str(failed.value)
        assert "a-wrong-secret" not in "".join(traceback.format_exception(failed.value)) + repr(failed.value) + repr(wrong)


# Names


@pytest.mark.parametrize("stem", ["Shop-$1", "Käufe", 'we"ird %s {x}'], ids=["upper case", "umlauts", "quote, percent and braces"])
def test_names_that_need_quoting_work(administrator: Login, wishes: Wishes, tmp_path: Path, stem: str) -> None:
    wanted = wishes.new(f"{stem}{secrets.token_hex(3)}", extensions=("citext",))
    assert_all_works(administrator, wishes, wanted, tmp_path)


def test_names_of_63_bytes_work(administrator: Login, wishes: Wishes, tmp_path: Path) -> None:
    def name(part: str) -> str:
        return f"{part}_{secrets.token_hex(4)}".ljust(63, "x")

    roles = {role: Role(name(role), secrets.token_urlsafe()) for role in ("owner", "app", "readonly")}
    assert_all_works(administrator, wishes, wishes.keep(Wanted((name("shop"),), **roles)), tmp_path)


def assert_all_works(administrator: Login, wishes: Wishes, wanted: Wanted, tmp_path: Path) -> None:
    ensure(administrator, wanted)
    (tmp_path / "1_create_things.sql").write_text("CREATE TABLE things (id int)", encoding="utf-8")
    with wishes.login(wanted, "owner").connect() as session:
        migrate(session, read_folder(tmp_path))
    assert differences(administrator, wanted) == ()
    found = []
    for role in ("owner", "app", "readonly"):
        with wishes.login(wanted, role).connect() as session:
            found.append(session.execute("SELECT current_database(), current_user, count(*) FROM things").fetchone())
    assert found == [(wanted.databases[0], role.name, 0) for role in wanted.roles]


# Secrets


@pytest.fixture
def logged(administrator: Login, superuser: Login) -> Iterator[None]:
    """Has the server log every statement of the administrator."""
    role = sql.Identifier(administrator.user)
    with superuser.connect() as session:
        session.execute(sql.SQL("ALTER ROLE {} SET log_statement = 'all'").format(role))
        session.execute(sql.SQL("ALTER ROLE {} SET log_min_duration_statement = 0").format(role))
        yield
        session.execute(sql.SQL("ALTER ROLE {} RESET log_statement").format(role))
        session.execute(sql.SQL("ALTER ROLE {} RESET log_min_duration_statement").format(role))


@pytest.mark.usefixtures("logged")
def test_no_password_reaches_the_log_or_the_activity_view(administrator: Login, wishes: Wishes, open_folder: Path) -> None:
    log = open_folder / "session" / "postgres.log"
    start = log.stat().st_size
    wanted = wishes.new()
    ended = threading.Event()
    queries: set[str] = set()

    def watch() -> None:
        with wishes.superuser.connect() as session:
            while not ended.is_set():
                rows = session.execute("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid()").fetchall()
                queries.update(row[0] for row in rows)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        ensure(administrator, wanted)
        anew = replace(wanted, app=Role(wanted.app.name, secrets.token_urlsafe()))
        ensure(administrator, anew)
    finally:
        ended.set()
        watcher.join()

    def written() -> str:
        return log.read_bytes()[start:].decode()

    wait_for(lambda: f'ALTER ROLE "{wanted.app.name}" PASSWORD' in written(), "the statement in the log")
    passwords = [role.password for role in (*wanted.roles, anew.app)]
    assert f'CREATE ROLE "{wanted.owner.name}" LOGIN PASSWORD \'SCRAM-SHA-256$' in written()
    assert [password for password in passwords if password in written() or password in "\n".join(queries)] == []


# The migrator's tables


@pytest.mark.parametrize(
    ("format_name", "file", "history"), [("soda", "1_a.up.sql", "schema_migration"), ("sqlx", "1_a.sql", "_sqlx_migrations")]
)
def test_app_cannot_rewrite_the_history_of_migrations(
    administrator: Login, wishes: Wishes, tmp_path: Path, *, format_name: str, file: str, history: str
) -> None:
    wanted = wishes.new()
    ensure(administrator, wanted)
    (tmp_path / file).write_text("CREATE TABLE things (id int)", encoding="utf-8")
    with wishes.login(wanted, "owner").connect() as session:
        migrate(session, read_folder(tmp_path, format_name))
    assert (differences(administrator, wanted), ensure(administrator, wanted)) == ((), ())
    assert writable(wishes, wanted, history) == {
        "owner": [(history, True), ("migration", True), ("things", True)],
        "app": [(history, False), ("migration", False), ("things", True)],
        "readonly": [(history, False), ("migration", False), ("things", False)],
    }
    statements = ("DELETE FROM pgstack.migration", f"DELETE FROM public.{history}")
    assert outcomes(wishes.login(wanted, "app"), statements) == all_of(DENIED, statements)


def test_app_cannot_rewrite_a_history_that_was_taken_over(administrator: Login, wishes: Wishes, tmp_path: Path) -> None:
    """The application's own tool made it under the same default privileges."""
    wanted = wishes.new()
    ensure(administrator, wanted)
    (tmp_path / "1_a.up.sql").write_text("CREATE TABLE things (id int)", encoding="utf-8")
    run(
        wishes.login(wanted, "owner"),
        "CREATE TABLE schema_migration (version varchar(14) PRIMARY KEY)",
        "INSERT INTO schema_migration VALUES ('1')",
        "CREATE TABLE things (id int)",
    )
    with wishes.login(wanted, "owner").connect() as session:
        migrate(session, read_folder(tmp_path, "soda"))
    assert writable(wishes, wanted, "schema_migration")["app"] == [("schema_migration", False), ("migration", False), ("things", True)]


def writable(wishes: Wishes, wanted: Wanted, history: str) -> dict[str, list[tuple[str, bool]]]:
    """Role → each table with whether the role may change its rows or take part in its making."""
    found = {}
    with wishes.superuser.to(wanted.databases[0]).connect() as session:
        for role in ("owner", "app", "readonly"):
            found[role] = session.execute(
                "SELECT relname, has_table_privilege(%s, oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') FROM pg_class"
                " WHERE relkind = 'r' AND (relname IN (%s, 'things') OR oid = 'pgstack.migration'::regclass)"
                " ORDER BY relname <> %s, relname",
                [getattr(wanted, role).name, history, history],
            ).fetchall()
    return found
