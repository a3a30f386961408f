"""The dynamic providers, called as the engine calls them: plain dicts, numbers as floats, unknowns as a magic string."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cluster import postmaster
from cluster.cluster import Cluster
from cluster.errors import ForeignDataError
from cluster.marker import Marker
from components.dynamic.base import UNKNOWN
from components.dynamic.bootstrap import BootstrapProvider
from components.dynamic.cluster import ClusterProvider
from components.dynamic.migrations import MigrationsProvider, listed
from components.dynamic.password import PasswordProvider
from migrator.discovery import read_folder
from migrator.errors import DriftError, FormatError, MigrationError, MigrationFailed, NotEmptyError, TargetError
from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_bootstrap import Wishes
from tests.fix_cluster import PASSWORD, QUICK, at_work_in, copy_made
from tests.fix_migrations import ledger_versions, tables, write
from tests.fix_server import free_port
from tests.fix_tools import run_by_tool

Props = dict[str, Any]
Printed = pytest.CaptureFixture[str]


def wire(props: Props) -> Props:
    """Properties as they come from the engine: through JSON, with every number a float."""
    copied: Props = json.loads(json.dumps(props), parse_int=float)
    return copied


def lines(capsys: Printed) -> list[str]:
    printed = capsys.readouterr()
    assert printed.err == ""
    return printed.out.splitlines()


def login_props(login: Login) -> Props:
    props = {"host": login.host, "port": login.port, "user": login.user, "password": login.password, "sslmode": login.sslmode}
    return {**props, "database": login.database}


# The server


class Engine:
    """Keeps a cluster's resource as the engine does: its state is what the last operation returned."""

    def __init__(self, folder: Path, template: Path) -> None:
        self.folder = folder
        self.template = template
        self.provider = ClusterProvider()
        self.id = ""
        self.state: Props = {}
        self.stopped_at_the_end: set[Path] = set()

    def props(self, **changes: Any) -> Props:
        usual = {"project": "shop", "stack": "dev", "version": 18, "port": free_port(), "dataDirectory": "data", "deleteData": False}
        return wire({**usual, "parameters": QUICK, "password": PASSWORD, **changes})

    def cluster(self, props: Props) -> Cluster:
        made = Cluster(self.folder / props["dataDirectory"] / props["stack"], Marker("shop", "dev", 18), int(props["port"]), QUICK)
        self.stopped_at_the_end.add(made.folder)
        return made

    def create(self, props: Props) -> Cluster:
        cluster = self.cluster(props)
        result = self.provider.create(props)
        self.id, self.state = str(result.id), wire(result.outs or {})
        return cluster

    def take_back(self, props: Props) -> Cluster:
        """Creates the resource over kept data, which is faster than from nothing."""
        copy_made(self.template, self.cluster(props).folder)
        return self.create(props)

    def update(self, props: Props) -> Cluster:
        cluster = self.cluster(props)
        self.state = wire(self.provider.update(self.id, self.state, props).outs or {})
        return cluster

    def changes(self, props: Props) -> bool | None:
        return self.provider.diff(self.id, self.state, props).changes


@pytest.fixture
def engine(open_folder: Path, made_cluster: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    folder = open_folder / secrets.token_hex(4)
    folder.mkdir()
    monkeypatch.chdir(folder)
    made = Engine(folder, made_cluster)
    yield made
    for data in made.stopped_at_the_end:
        Cluster(data, Marker("shop", "dev", 18), 0, {}).stop()
    shutil.rmtree(folder)


def works(props: Props, password: str = PASSWORD) -> bool:
    return Login("127.0.0.1", int(props["port"]), "postgres", "postgres", password, sslmode="disable").works()


def test_created_server_runs_and_has_no_difference(engine: Engine, capsys: Printed) -> None:
    props = engine.props()
    engine.create(props)
    who = "embedded server of dev"
    assert lines(capsys) == [
        f"{who}: made the data directory",
        f"{who}: started the server on port {int(props['port'])}",
        f"{who}: set the superuser's password",
    ]
    assert (engine.id, engine.state) == ("shop-dev", props)
    assert (engine.changes(props), works(props), lines(capsys)) == (False, True, [])


def test_preview_of_a_killed_server_says_so_and_update_starts_it(engine: Engine, capsys: Printed) -> None:
    props = engine.props()
    cluster = engine.take_back(props)
    cluster.stop()
    lines(capsys)
    assert (engine.changes(props), lines(capsys)) == (True, ["embedded server of dev: the server is not running and is to be started"])
    assert postmaster.find(cluster.data) is None
    engine.update(props)
    assert (engine.state, engine.changes(props), works(props)) == (props, False, True)


def test_changed_or_unknown_inputs_are_a_difference_without_a_look(engine: Engine, capsys: Printed) -> None:
    props = engine.props()
    engine.take_back(props)
    lines(capsys)
    found = [engine.changes({**props, **change}) for change in ({"port": 1.0}, {"deleteData": True}, {"password": UNKNOWN})]
    assert (found, lines(capsys)) == ([True, True, True], [])


def test_changed_port_moves_the_server_and_a_new_password_is_set(engine: Engine, capsys: Printed) -> None:
    before = engine.props()
    engine.take_back(before)
    after = engine.props(password="new-password")
    lines(capsys)
    engine.update(after)
    assert lines(capsys) == [
        "embedded server of dev: restarted the server for port",
        "embedded server of dev: set the superuser's password",
    ]
    assert (works(before), works(after, PASSWORD), works(after, "new-password")) == (False, False, True)


def test_other_data_directory_stops_the_old_server_and_keeps_its_data(engine: Engine, capsys: Printed) -> None:
    before = engine.props()
    old = engine.take_back(before)
    after = {**before, "dataDirectory": "elsewhere"}
    lines(capsys)
    new = engine.update(after)
    assert lines(capsys)[0] == f"embedded server of dev: stopped the server in {old.folder}; its data stays there"
    assert (at_work_in(old.data), (old.data / "PG_VERSION").exists()) == ([], True)
    assert (postmaster.find(new.data) is not None, works(after)) == (True, True)


@pytest.mark.parametrize("deletes", [False, True])
def test_delete_does_what_the_state_says(engine: Engine, capsys: Printed, deletes: bool) -> None:
    cluster = engine.take_back(engine.props(deleteData=deletes))
    lines(capsys)
    engine.provider.delete(engine.id, engine.state)
    says = "stopped and deleted with all data: {}" if deletes else "stopped; the data stays in {}, and the next `pulumi up` takes it back"
    assert lines(capsys) == [f"embedded server of dev: {says.format(cluster.folder)}"]
    assert (at_work_in(cluster.data), cluster.data.exists()) == ([], not deletes)


def test_kept_data_is_taken_back_by_the_next_create(engine: Engine) -> None:
    props = engine.props()
    engine.take_back(props)
    engine.provider.delete(engine.id, engine.state)
    anew = {**props, "password": "new-password"}
    engine.create(anew)
    assert (works(anew, PASSWORD), works(anew, "new-password")) == (False, True)


def test_data_of_another_project_is_refused_in_the_preview_too(engine: Engine) -> None:
    props = engine.props()
    engine.take_back(props)
    foreign = {**props, "project": "blog"}
    with pytest.raises(ForeignDataError):
        engine.provider.create(foreign)
    with pytest.raises(ForeignDataError):
        engine.provider.diff("blog-dev", foreign, foreign)
    assert works(props)


def test_refresh_forgets_a_vanished_data_directory_but_no_stopped_server(engine: Engine) -> None:
    cluster = engine.take_back(engine.props())
    cluster.stop()
    stopped = engine.provider.read(engine.id, engine.state)
    shutil.rmtree(cluster.folder)
    vanished = engine.provider.read(engine.id, engine.state)
    assert (stopped.id, stopped.outs, vanished.id, vanished.outs) == ("shop-dev", engine.state, "", {})


# Roles and rights


def bootstrap_props(administrator: Login, wishes: Wishes, **changes: Any) -> Props:
    wanted = wishes.new()
    roles = {
        name: {"name": getattr(wanted, name).name, "password": getattr(wanted, name).password} for name in ("owner", "app", "readonly")
    }
    usual = {"administrator": login_props(administrator), "databases": list(wanted.databases), "roles": roles, "extensions": []}
    return wire({**usual, **changes})


def role_login(props: Props, role: str) -> Login:
    administrator = props["administrator"]
    who = props["roles"][role]
    return Login(administrator["host"], int(administrator["port"]), props["databases"][0], who["name"], who["password"], "disable")


def test_bootstrap_is_compared_and_repaired(administrator: Login, wishes: Wishes, capsys: Printed) -> None:
    provider = BootstrapProvider()
    props = bootstrap_props(administrator, wishes)
    name = props["databases"][0]
    made = provider.create(props)
    assert (made.id, made.outs) == (name, props)
    (said,) = lines(capsys)
    assert re.fullmatch(rf"{name}: made ready: {name} with its roles, in \d+ steps", said)
    assert (provider.diff(name, props, props).changes, lines(capsys)) == (False, [])
    with administrator.connect() as session:
        session.execute(f"ALTER ROLE {name}_app CREATEDB".encode())
    assert (provider.diff(name, props, props).changes, lines(capsys)) == (True, [f"{name}: to do: make the role {name}_app NOCREATEDB"])
    assert provider.update(name, props, props).outs == props
    assert lines(capsys) == [f"{name}: done: make the role {name}_app NOCREATEDB"]
    assert provider.diff(name, props, props).changes is False


def test_bootstrap_names_what_it_keeps_and_drops_nothing(administrator: Login, wishes: Wishes, capsys: Printed) -> None:
    provider = BootstrapProvider()
    before = bootstrap_props(administrator, wishes)
    other = bootstrap_props(administrator, wishes)
    name = before["databases"][0]
    provider.create(before)
    lines(capsys)
    after = {**before, "databases": other["databases"], "roles": {**before["roles"], "app": other["roles"]["app"]}}
    provider.update(name, before, after)
    new = other["databases"][0]
    assert lines(capsys)[-2:] == [
        f"{new}: kept, though the settings name it no more: database {name}",
        f"{new}: kept, though the settings name it no more: role {name}_app",
    ]
    provider.delete(name, before)
    assert lines(capsys) == [
        f"{name}: nothing is dropped: the databases {name} and the roles {name}_owner, {name}_app, {name}_readonly stay"
    ]
    assert [role_login(before, role).works() for role in ("owner", "app", "readonly")] == [True, True, True]


def test_bootstrap_preview_without_a_server_says_so_and_goes_on(administrator: Login, wishes: Wishes, capsys: Printed) -> None:
    props = bootstrap_props(administrator, wishes)
    props["administrator"]["port"] = float(free_port())
    assert BootstrapProvider().diff("x", props, props).changes is False
    (said,) = lines(capsys)
    name, port = props["databases"][0], int(props["administrator"]["port"])
    assert said.startswith(f"{name}: roles and rights could not be looked at: No session in database postgres on 127.0.0.1:{port} as ")
    assert administrator.password not in said


def test_bootstrap_with_an_unknown_password_is_a_difference(administrator: Login, wishes: Wishes, capsys: Printed) -> None:
    props = bootstrap_props(administrator, wishes)
    unknown = {**props, "roles": {**props["roles"], "app": {**props["roles"]["app"], "password": UNKNOWN}}}
    assert (BootstrapProvider().diff("x", unknown, unknown).changes, lines(capsys)) == (True, [])


# Migrations

FILES = {"1_a.up.sql": "CREATE TABLE a (id int);", "2_b.up.sql": "CREATE TABLE b (id int);"}
MORE = {**FILES, "3_c.up.sql": "CREATE TABLE c (id int);"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder, with two migrations in sql/shop/migrations, that the provider works in."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "sql" / "shop" / "migrations", FILES, "soda")
    return tmp_path


def migrations_props(login: Login, format_name: str = "soda", **changes: Any) -> Props:
    """What the program declares of the folder as it is now."""
    folder = read_folder(Path("sql", "shop", "migrations"), format_name)
    owner = {key: value for key, value in login_props(login).items() if key != "database"}
    version = folder.migrations[-1].version if folder.migrations else ""
    declared = {"database": login.database, "owner": owner, "directory": folder.path, "format": folder.format}
    asked = {"targetVersion": "", "allowRollback": False, "lockTimeout": 5}
    return wire({**declared, "migrations": listed(folder), "version": version, **asked, **changes})


def rewrite(files: dict[str, str]) -> None:
    write(Path("sql", "shop", "migrations"), files, "soda")


def applied_tables(login: Login) -> list[str]:
    with login.connect() as session:
        return tables(session)


def run_by_soda(login: Login, *versions: str) -> None:
    """Has soda migrate the database, without us."""
    with login.connect() as session:
        run_by_tool(session, read_folder(Path("sql", "shop", "migrations"), "soda"), *versions)


def applied(login: Login) -> tuple[list[str], list[str]]:
    with login.connect() as session:
        return tables(session), ledger_versions(session)


@pytest.mark.usefixtures("project")
def test_migrations_are_listed_before_they_are_applied(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    props = migrations_props(database)
    checked = provider.check({}, props)
    assert (checked.inputs, checked.failures) == (props, [])
    name = database.database
    assert lines(capsys) == [f"{name}: pending: 1_a", f"{name}: pending: 2_b"]
    provider.check(props, props)
    assert lines(capsys) == []
    assert applied_tables(database) == []


@pytest.mark.usefixtures("project")
def test_a_new_resource_lists_what_its_database_lacks(database: Login, capsys: Printed) -> None:
    run_by_soda(database, "1")
    MigrationsProvider().check({}, migrations_props(database))
    name = database.database
    assert lines(capsys) == [f"{name}: applied by another tool, taken over: 1_a", f"{name}: pending: 2_b"]


@pytest.mark.usefixtures("project")
def test_a_new_resource_whose_server_is_yet_to_come_lists_all(database: Login, capsys: Printed) -> None:
    props = migrations_props(replace(database, port=free_port()))
    MigrationsProvider().check({}, props)
    assert lines(capsys) == [f"{database.database}: 2 migrations, of which those not yet applied will be:", "    1_a", "    2_b"]
    MigrationsProvider().check({}, {**props, "owner": {**props["owner"], "password": UNKNOWN}})
    assert len(lines(capsys)) == 3
    MigrationsProvider().check({}, {**props, "migrations": []})
    assert lines(capsys) == []


@pytest.mark.usefixtures("project")
def test_tables_without_a_record_are_refused_in_the_preview_already(database: Login) -> None:
    with database.connect() as session:
        session.execute("CREATE TABLE somebodys (id int)")
    props = migrations_props(database)
    provider = MigrationsProvider()
    for attempt in (lambda: provider.check({}, props), lambda: provider.diff("x", props, props), lambda: provider.create(props)):
        with pytest.raises(NotEmptyError, match="has tables"):
            attempt()
    assert applied_tables(database) == ["somebodys"]


@pytest.mark.usefixtures("project")
def test_created_migrations_have_no_difference(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    props = migrations_props(database)
    made = provider.create(props)
    assert (made.id, made.outs) == (database.database, props)
    (said,) = lines(capsys)
    assert re.fullmatch(rf"{database.database}: applied 2 migrations in \d+\.\d\d s", said)
    assert applied(database) == (["a", "b"], ["1", "2"])
    assert (provider.diff(str(made.id), props, props).changes, lines(capsys)) == (False, [])


@pytest.mark.usefixtures("project")
def test_new_migration_is_previewed_by_name_and_applied_by_update(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    before = migrations_props(database)
    provider.create(before)
    rewrite(MORE)
    after = migrations_props(database)
    lines(capsys)
    assert (provider.diff("x", before, after).changes, lines(capsys)) == (True, [f"{database.database}: pending: 3_c"])
    assert applied(database) == (["a", "b"], ["1", "2"])
    assert provider.update("x", before, after).outs == after
    (said,) = lines(capsys)
    assert re.fullmatch(rf"{database.database}: applied 3_c in \d+ ms", said)
    assert (applied(database), provider.diff("x", after, after).changes) == ((["a", "b", "c"], ["1", "2", "3"]), False)


@pytest.mark.usefixtures("project")
def test_database_emptied_by_hand_is_previewed_and_filled_again(superuser: Login, database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    props = migrations_props(database)
    provider.create(props)
    with database.connect() as session:
        session.execute("DROP SCHEMA pgstack CASCADE; DROP TABLE schema_migration, a, b")
    lines(capsys)
    name = database.database
    assert (provider.diff("x", props, props).changes, lines(capsys)) == (True, [f"{name}: pending: 1_a", f"{name}: pending: 2_b"])
    provider.update("x", props, props)
    assert applied(database) == (["a", "b"], ["1", "2"])


@pytest.mark.usefixtures("project")
def test_edited_migration_is_previewed_and_refused(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    before = migrations_props(database)
    provider.create(before)
    rewrite({**FILES, "1_a.up.sql": "CREATE TABLE a (id bigint);"})
    after = migrations_props(database)
    lines(capsys)
    assert provider.diff("x", before, after).changes is True
    assert lines(capsys) == [f"{database.database}: edited: sql/shop/migrations/1_a.up.sql is not the file that was applied"]
    with pytest.raises(DriftError, match=r"edited: sql/shop/migrations/1_a\.up\.sql"):
        provider.update("x", before, after)
    assert applied(database) == (["a", "b"], ["1", "2"])


@pytest.mark.usefixtures("project")
def test_all_drift_is_previewed_by_name(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    rewrite(MORE)
    provider.create(migrations_props(database))
    with database.connect() as session:
        session.execute("DELETE FROM schema_migration WHERE version = '3'")
    rewrite({"1_a.up.sql": "SELECT 1;", "0_late.up.sql": "SELECT 0;", "3_c.up.sql": MORE["3_c.up.sql"]})
    after = migrations_props(database)
    lines(capsys)
    assert provider.diff("x", after, after).changes is True
    name, where = database.database, "sql/shop/migrations"
    assert lines(capsys) == [
        f"{name}: edited: {where}/1_a.up.sql is not the file that was applied",
        f"{name}: missing: 2_b was applied, its file is gone",
        f"{name}: late: {where}/0_late.up.sql is older than the newest that was applied",
        f"{name}: undone: 3_c was applied, and another tool has undone it since",
    ]


@pytest.mark.usefixtures("project")
def test_a_pending_migration_that_hurts_is_noted_in_the_preview(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    before = migrations_props(database)
    provider.create(before)
    rewrite({**FILES, "3_c.up.sql": "DROP TABLE a;\nVACUUM b;\n"})
    lines(capsys)
    provider.diff("x", before, migrations_props(database))
    name = database.database
    assert lines(capsys) == [
        f"{name}: pending: 3_c",
        f"{name}: note: 3_c: drops table a (line 1, ban-drop-table)",
        f"{name}: note: 3_c: is not transactional: what was done before a failure stays (line 2)",
    ]


@pytest.mark.usefixtures("project")
def test_a_target_below_is_previewed_and_refused_unless_it_is_allowed(database: Login, capsys: Printed) -> None:
    rewrite({**FILES, "2_b.down.sql": "DROP TABLE b;"})
    provider = MigrationsProvider()
    before = migrations_props(database)
    provider.create(before)
    lines(capsys)
    name = database.database
    forbidden = migrations_props(database, targetVersion="1", version="1")
    assert (provider.diff("x", before, forbidden).changes, lines(capsys)) == (
        True,
        [f"{name}: to be undone, which is refused without allowRollback: 2_b"],
    )
    with pytest.raises(TargetError, match="2_b would be undone"):
        provider.update("x", before, forbidden)
    assert applied(database) == (["a", "b"], ["1", "2"])
    allowed = {**forbidden, "allowRollback": True}
    assert (provider.diff("x", before, allowed).changes, lines(capsys)) == (True, [f"{name}: to be undone: 2_b"])
    assert provider.update("x", before, allowed).outs == allowed
    (said,) = lines(capsys)
    assert re.fullmatch(rf"{name}: undid 2_b in \d+ ms", said)
    assert (applied(database), provider.diff("x", allowed, allowed).changes) == ((["a"], ["1"]), False)


@pytest.mark.usefixtures("project")
def test_an_unknown_target_is_refused_in_the_preview_already(database: Login) -> None:
    props = migrations_props(database, targetVersion="7")
    for attempt in (lambda: MigrationsProvider().check({}, props), lambda: MigrationsProvider().diff("x", props, props)):
        with pytest.raises(TargetError, match="There is no migration of the version 7"):
            attempt()


@pytest.mark.usefixtures("project")
def test_another_tool_gets_its_history_at_the_next_update(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    before = migrations_props(database)
    provider.create(before)
    after = migrations_props(database, "golang-migrate")
    lines(capsys)
    assert (provider.diff("x", before, after).changes, lines(capsys)) == (True, [])
    provider.update("x", before, after)
    with database.connect() as session:
        assert session.execute("SELECT version, dirty FROM public.schema_migrations").fetchall() == [(2, False)]
    assert provider.diff("x", after, after).changes is False


@pytest.mark.usefixtures("project")
def test_folder_changed_between_preview_and_up_is_refused(database: Login) -> None:
    provider = MigrationsProvider()
    previewed = migrations_props(database)
    rewrite(MORE)
    for attempt in (lambda: provider.create(previewed), lambda: provider.update("x", previewed, previewed)):
        with pytest.raises(MigrationError, match=r"^sql/shop/migrations changed while Pulumi ran: what would be applied is not what was"):
            attempt()
    with database.connect() as session:
        assert tables(session) == []


@pytest.mark.usefixtures("project")
def test_preview_without_a_server_goes_by_the_states_record(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    before = migrations_props(database)
    provider.create(before)
    down = {**before, "owner": {**before["owner"], "port": float(free_port())}}
    lines(capsys)
    assert (provider.diff("x", down, down).changes, lines(capsys)) == (False, [])
    rewrite(MORE)
    after = {**migrations_props(database), "owner": down["owner"]}
    assert provider.diff("x", down, after).changes is True
    assert lines(capsys) == [
        f"{database.database}: not reachable now; this is by the state's record",
        f"{database.database}: pending or changed: 3_c",
    ]
    with pytest.raises(ConnectionFailed):
        provider.update("x", down, after)


@pytest.mark.usefixtures("project")
def test_failed_create_is_resumed(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    rewrite({**FILES, "2_b.up.sql": "CREATE TABLE b (id nosuchtype);"})
    with pytest.raises(MigrationFailed) as failed:
        provider.create(migrations_props(database))
    assert str(failed.value).startswith('sql/shop/migrations/2_b.up.sql:1: type "nosuchtype" does not exist (SQLSTATE 42704)\n')
    assert database.password not in str(failed.value)
    assert applied(database) == (["a"], ["1"])
    rewrite(FILES)
    provider.create(migrations_props(database))
    assert applied(database) == (["a", "b"], ["1", "2"])


@pytest.mark.usefixtures("project")
def test_unknown_owner_password_is_a_difference(database: Login, capsys: Printed) -> None:
    props = migrations_props(database)
    unknown = {**props, "owner": {**props["owner"], "password": UNKNOWN}}
    assert (MigrationsProvider().diff("x", props, unknown).changes, lines(capsys)) == (True, [])


def test_vanished_folder_is_named(project: Path, database: Login) -> None:
    props = migrations_props(database)
    shutil.rmtree(project / "sql")
    with pytest.raises(FormatError, match=r"^sql/shop/migrations is no folder of migrations"):
        MigrationsProvider().create(props)


@pytest.mark.usefixtures("project")
def test_deleted_resource_leaves_tables_and_ledger(database: Login, capsys: Printed) -> None:
    provider = MigrationsProvider()
    props = migrations_props(database)
    provider.create(props)
    lines(capsys)
    provider.delete("x", props)
    assert lines(capsys) == [f"{database.database}: no migration is undone: its tables and their data stay"]
    assert applied(database) == (["a", "b"], ["1", "2"])


# Passwords


def test_password_is_long_url_safe_and_another_each_time() -> None:
    made = [PasswordProvider().create({"result": None}) for _ in range(50)]
    values = {(result.outs or {})["result"] for result in made}
    assert [value for value in values if not re.fullmatch(r"[A-Za-z0-9_-]{32}", value)] == []
    assert (len(values), len({result.id for result in made})) == (50, 50)


def test_password_stays_what_it_is() -> None:
    provider = PasswordProvider()
    made = provider.create({"result": None})
    state = wire(made.outs or {})
    assert provider.diff(str(made.id), state, {"result": None}).changes is False
    assert provider.update(str(made.id), state, {"result": None}).outs == state
