"""Servers that somebody else runs: who may do little there, TLS of every kind, a standby; and an environment full of other logins."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from psycopg import pq, sql

from bootstrap.run import differences, ensure
from components.dynamic.check import CheckProvider
from components.dynamic.migrations import MigrationsProvider, listed
from migrator.discovery import read_folder
from postgres import ambient
from postgres.checks import Demand, ServerUnfit, Verdict, accept, look
from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_bootstrap import Wishes
from tests.fix_cluster import PASSWORD, Clusters, superuser_of
from tests.fix_migrations import ledger_versions, tables, write
from tests.fix_server import free_port
from tests.fix_tls import Proxies

Duty = Literal["connect", "migrate", "administer"]
Props = dict[str, Any]


def verdict(login: Login, duty: Duty = "migrate", *extensions: str) -> Verdict:
    return look([Demand(login, duty, extensions)])


def problem(login: Login, duty: Duty = "migrate", *extensions: str) -> str:
    """The one thing that is wrong."""
    (found,) = verdict(login, duty, *extensions).problems
    return found


FIT = Verdict(18, (), ())


# Who owns one database and nothing else


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder with two migrations, that the providers work in."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "sql", {"1_a.sql": "CREATE TABLE a (id int);", "2_b.sql": "CREATE TABLE b (id int);"})
    return tmp_path / "sql"


def wire(props: Props) -> Props:
    """Properties as they come from the engine: through JSON, with every number a float."""
    copied: Props = json.loads(json.dumps(props), parse_int=float)
    return copied


def login_props(login: Login) -> Props:
    props = {"host": login.host, "port": login.port, "user": login.user, "password": login.password, "sslmode": login.sslmode}
    return {**props, "rootCertificate": login.root_certificate} if login.root_certificate else props


def check_props(login: Login, duty: Duty = "migrate") -> Props:
    return wire({"demands": [{"login": login_props(login), "database": login.database, "duty": duty, "extensions": []}]})


def migrations_props(login: Login) -> Props:
    folder = read_folder(Path("sql"))
    declared = {"database": login.database, "owner": login_props(login), "directory": folder.path, "format": folder.format}
    chosen = {"targetVersion": "", "allowRollback": False, "lockTimeout": 5}
    return wire({**declared, **chosen, "migrations": listed(folder), "version": folder.migrations[-1].version})


@pytest.mark.usefixtures("shop")
def test_who_owns_one_database_and_nothing_else_migrates_it(database: Login) -> None:
    with database.connect() as session:
        row = session.execute(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
    assert row == (False, False, False, False, False)
    assert CheckProvider().create(check_props(database)).outs == {**check_props(database), "version": 18}
    MigrationsProvider().create(migrations_props(database))
    with database.connect() as session:
        assert (tables(session), ledger_versions(session)) == (["a", "b"], ["1", "2"])
    assert MigrationsProvider().diff("x", migrations_props(database), migrations_props(database)).changes is False


@pytest.mark.usefixtures("shop")
def test_who_owns_one_database_migrates_it_over_verified_tls(database: Login, proxies: Proxies) -> None:
    proxy = proxies.new()
    login = proxy.login(database, "verify-full", proxy.authority)
    assert CheckProvider().create(check_props(login)).outs == {**check_props(login), "version": 18}
    MigrationsProvider().create(migrations_props(login))
    with database.connect() as session:
        assert ledger_versions(session) == ["1", "2"]


def test_looking_changes_nothing(database: Login) -> None:
    assert verdict(database) == FIT
    with database.connect() as session:
        row = session.execute("SELECT to_regnamespace('pgstack'), (SELECT count(*) FROM pg_tables WHERE schemaname = 'public')").fetchone()
    assert row == (None, 0)


@pytest.fixture
def guest(superuser: Login, database: Login) -> Iterator[Login]:
    """A role that may enter somebody else's database."""
    name, password = f"guest_{secrets.token_hex(4)}", secrets.token_urlsafe()
    role = sql.Identifier(name)
    with superuser.connect() as session:
        session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password)))
    yield Login(database.host, database.port, database.database, name, password, "disable")
    with superuser.to(database.database).connect() as session:
        session.execute(sql.SQL("DROP OWNED BY {}").format(role))
        session.execute(sql.SQL("DROP ROLE {}").format(role))


def owner_runs(database: Login, *statements: str) -> None:
    with database.connect() as session:
        for statement in statements:
            session.execute(statement.encode())


def test_a_guest_may_not_migrate_and_does_what_it_is_told_to(database: Login, guest: Login) -> None:
    schema = (
        f"{guest.user} may make no schema in {database.database}, and the ledger of migrations needs one. "
        f'Have the owner run: GRANT CREATE ON DATABASE "{database.database}" TO "{guest.user}"'
    )
    public = (
        f"{guest.user} may make no table in the schema public of {database.database}, where migration tools keep their history. "
        f'Have the owner run: GRANT CREATE ON SCHEMA public TO "{guest.user}"'
    )
    assert (verdict(guest).problems, verdict(guest, "connect").problems) == ((schema, public), ())
    owner_runs(database, *(line.partition("Have the owner run: ")[2] for line in (schema, public)))
    assert verdict(guest) == FIT


def test_a_database_without_the_schema_public_is_told_how_to_get_it(database: Login, superuser: Login) -> None:
    with superuser.to(database.database).connect() as session:
        session.execute("DROP SCHEMA public")
    told = problem(database)
    assert told == (
        f"{database.database} has no schema public, where migration tools keep their history. Have the owner run: CREATE SCHEMA public"
    )
    owner_runs(database, "CREATE SCHEMA public")
    assert verdict(database) == FIT


@pytest.mark.usefixtures("shop")
def test_somebody_elses_ledger_is_left_to_its_owner(database: Login, guest: Login) -> None:
    MigrationsProvider().create(migrations_props(database))
    assert problem(guest) == (
        f"The ledger of {database.database}, its schema pgstack, belongs to {database.user}. Migrate as that role, not as {guest.user}."
    )
    assert verdict(database) == FIT


def test_an_extension_that_is_missing_is_told_and_found_once_it_is_there(database: Login) -> None:
    told = problem(database, "migrate", "citext", "plpgsql")
    assert told == (
        f'The database {database.database} lacks the extension citext. Have an administrator run there: CREATE EXTENSION "citext"'
    )
    owner_runs(database, told.rpartition("run there: ")[2])
    assert verdict(database, "migrate", "citext", "plpgsql") == FIT


def test_another_encoding_is_refused(superuser: Login, database: Login) -> None:
    name = f"latin_{secrets.token_hex(4)}"
    made = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE template0 ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C'")
    with superuser.connect() as session:
        session.execute(made.format(sql.Identifier(name), sql.Identifier(database.user)))
        try:
            assert problem(database.to(name)) == (
                f"The database {name} has the encoding LATIN1, and only UTF8 is supported. An encoding cannot be changed: "
                "have the database made anew with ENCODING 'UTF8', from a dump."
            )
        finally:
            session.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))


@pytest.mark.parametrize("of", ["ROLE {role}", "DATABASE {database}", "ROLE {role} IN DATABASE {database}"])
def test_sessions_that_only_read_are_told_with_the_way_out(superuser: Login, database: Login, of: str) -> None:
    whose = sql.SQL(of).format(role=sql.Identifier(database.user), database=sql.Identifier(database.database))
    with superuser.connect() as session:
        session.execute(sql.SQL("ALTER {} SET default_transaction_read_only = on").format(whose))
        told = problem(database)
        assert f"{database.user} only read in {database.database}: default_transaction_read_only is on" in told
        session.execute(told.partition("administrator run: ")[2].encode())
    assert verdict(database) == FIT


# With roles


def test_an_administrator_who_is_no_superuser_makes_everything_over_tls(administrator: Login, wishes: Wishes, proxies: Proxies) -> None:
    proxy = proxies.new()
    login = proxy.login(administrator, "verify-full", proxy.authority)
    assert verdict(login, "administer") == FIT
    wanted = wishes.new()
    assert ensure(login, wanted) != ()
    assert differences(login, wanted) == ()


def test_who_may_make_no_roles_is_no_administrator(database: Login) -> None:
    assert problem(database, "administer") == (
        f"{database.user} lacks CREATEDB and CREATEROLE, which it takes to make databases and roles. Have it granted; or set "
        "manageRoles: false, and migrate databases that are there."
    )


# TLS

UNTRUSTED = (
    "SSL error: certificate verify failed. "
    "Its authority is not trusted here: name a file with that authority's certificate as rootCertificate."
)


def told(login: Login, reason: str) -> str:
    return f"No session in database {login.database} on {login.host}:{login.port} as {login.user}: {reason}"


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_tls_that_is_asked_for_is_used(database: Login, proxies: Proxies, sslmode: str) -> None:
    proxy = proxies.new()
    login = proxy.login(database, sslmode, proxy.authority)
    assert verdict(login) == FIT
    with login.connect() as session:
        assert session.pgconn.ssl_in_use


def test_an_unknown_authority_is_refused_unless_nobody_asked_for_it(database: Login, proxies: Proxies) -> None:
    proxy, other = proxies.new(), proxies.new()
    logins = [proxy.login(database, mode, other.authority) for mode in ("verify-full", "verify-ca", "require")]
    logins.append(proxy.login(database, "verify-full"))
    assert [problem(login) for login in logins] == [told(login, UNTRUSTED) for login in logins]
    assert verdict(proxy.login(database, "require")) == FIT


def test_a_certificate_for_another_name_is_refused_unless_names_do_not_matter(database: Login, proxies: Proxies) -> None:
    proxy = proxies.new("db.example.org")
    login = proxy.login(database, "verify-full", proxy.authority)
    assert problem(login) == told(
        login,
        'server certificate for "db.example.org" does not match host name "localhost". Set host to a name that is in the certificate; '
        "sslmode `verify-ca` would not look at the name.",
    )
    assert verdict(proxy.login(database, "verify-ca", proxy.authority)) == FIT


def test_authorities_of_the_system_are_used_where_none_is_named(database: Login, proxies: Proxies, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = proxies.new()
    login = proxy.login(database, "verify-full")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr(ambient, "BUNDLES", (str(proxy.authority),))
    assert verdict(login) == FIT


def test_a_file_of_authorities_that_is_not_there_is_named(database: Login, proxies: Proxies, tmp_path: Path) -> None:
    login = proxies.new().login(database, "verify-full", tmp_path / "none.pem")
    assert problem(login) == told(
        login,
        f'root certificate file "{tmp_path / "none.pem"}" does not exist. '
        "Name a file with the certificates of the authorities to trust, in PEM format, as rootCertificate.",
    )


@pytest.mark.parametrize("sslmode", ["require", "verify-ca", "verify-full"])
def test_a_server_without_tls_is_refused_where_it_is_asked_for(database: Login, sslmode: str) -> None:
    login = Login(database.host, database.port, database.database, database.user, database.password, sslmode, "ca.pem")
    assert problem(login) == told(
        login,
        "server does not support SSL, but SSL was required. The server speaks no TLS. Switch it on there; sslmode `disable` goes without, "
        "in clear.",
    )
    with pytest.raises(ServerUnfit, match="does not support SSL"):
        accept([Demand(login, "migrate")])


def test_a_server_without_tls_on_this_machine_is_used_where_tls_is_only_preferred(database: Login) -> None:
    assert verdict(Login(database.host, database.port, database.database, database.user, database.password, "prefer")) == FIT


# A standby


def test_a_standby_is_refused_by_name(clusters: Clusters) -> None:
    cluster = clusters.up()
    cluster.stop()
    (cluster.data / "standby.signal").touch()
    cluster.ensure(PASSWORD)
    login = superuser_of(cluster, PASSWORD)
    with login.connect() as session, pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        session.execute("CREATE TABLE t ()")
    assert problem(login) == f"127.0.0.1:{cluster.port} is a standby, which nobody can write to. Name the primary as host."
    assert CheckProvider().diff("x", {**check_props(login), "version": 18.0}, check_props(login)).changes is True


# Nobody there, and nobody let in


@pytest.mark.usefixtures("shop")
def test_a_preview_without_the_server_says_so_and_goes_on(database: Login, capsys: pytest.CaptureFixture[str]) -> None:
    gone = Login(database.host, free_port(), database.database, database.user, database.password, "disable")
    props = check_props(gone)
    assert CheckProvider().diff("x", {**props, "version": 15.0}, props).changes is False
    who = "server 127.0.0.1"
    assert capsys.readouterr().out.splitlines() == [
        f"{who}: not reachable now, so it was not looked at: {told(gone, 'Connection refused')}",
        f"{who}: taken as the state has it: PostgreSQL 15",
    ]
    with pytest.raises(ConnectionFailed, match="Connection refused"):
        CheckProvider().create(props)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"password": "wrong"}, 'FATAL: password authentication failed for user "{user}". Check the user and the password.'),
        ({"database": "no_such"}, 'FATAL: database "no_such" does not exist'),
    ],
)
def test_who_is_not_let_in_is_told_why_without_the_password(database: Login, change: dict[str, str], reason: str) -> None:
    fields = {"database": database.database, "password": database.password, **change}
    login = Login(database.host, database.port, fields["database"], database.user, fields["password"], "disable")
    found = problem(login)
    assert found == told(login, reason.format(user=login.user))
    assert login.password not in found


# An environment that is somebody else's


def test_nothing_of_the_environment_or_the_home_reaches_a_session(
    database: Login, proxies: Proxies, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / ".postgresql").mkdir(parents=True)
    for name in ("postgresql.crt", "postgresql.key", "root.crt", "root.crl"):
        (home / ".postgresql" / name).write_text("not this one")
    (home / ".pg_service.conf").write_text("[elsewhere]\nhostaddr=192.0.2.1\noptions=-c work_mem=65kB\n")
    (home / ".pgpass").write_text(f"*:*:*:*:{database.password}\n")
    (home / ".pgpass").chmod(0o600)
    variables = {option.envvar.decode() for option in pq.Conninfo.get_defaults() if option.envvar}
    for name in variables:
        monkeypatch.setenv(name, "nonsense")
    sensible = {"PGHOSTADDR": "192.0.2.1", "PGOPTIONS": "-c work_mem=65kB", "PGTZ": "Asia/Tokyo", "PGDATESTYLE": "German"}
    for name, value in {**sensible, "PGSERVICE": "elsewhere", "HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    proxy = proxies.new()
    logins = [database, proxy.login(database, "require"), proxy.login(database, "verify-full", proxy.authority)]
    for login in logins:
        with login.connect() as session:
            row = session.execute(
                "SELECT current_user, current_database(), current_setting('work_mem'), current_setting('TimeZone') <> 'Asia/Tokyo',"
                " current_setting('DateStyle'), current_setting('application_name'), current_setting('client_encoding')"
            ).fetchone()
        assert row == (database.user, database.database, "4MB", True, "ISO, MDY", "pgstack", "UTF8")
    without = Login(database.host, database.port, database.database, database.user, "", "disable")
    with pytest.raises(ConnectionFailed, match="no password supplied"):
        without.connect()
    assert "PGSERVICE" not in os.environ
