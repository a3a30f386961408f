"""The stack `local`, end to end: the real engine, the real dynamic provider, a real server."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
import pytest

from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_stack import Project

ROWS = "INSERT INTO users (email, display_name, password_hash) VALUES (%s, 'Ada', '$2b$12$' || repeat('x', 53))"


def resources(printed: str) -> str:
    """The lines that count what an update did."""
    return " ".join(re.split(r"Resources:\n", printed)[-1].split("\n\n")[0].split())


def ends_soon(pid: int) -> bool:
    """Whether a process is gone, or a zombie that nobody collects, within five seconds."""
    for _ in range(50):
        try:
            state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.fixture
def spare_migration(up: Project) -> Path:
    """Where a test puts one more migration; a test that applies it makes it undone again."""
    return up.folder / "sql" / "kennwilliamson" / "migrations" / "20990101000000_add_things.sql"


def test_first_up_makes_every_table_of_both_applications(up: Project) -> None:
    found = {}
    for name in ("usualstore", "kennwilliamson", "kennwilliamson_test"):
        with up.login(name).connect() as session:
            rows = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
        found[name] = [row[0] for row in rows]
    blog = ["_sqlx_migrations", "roles", "user_roles", "users"]
    shop = [
        *["ai_conversations", "ai_feedback", "ai_messages", "ai_product_cache", "ai_user_preferences", "customers", "orders"],
        *["schema_migration", "sessions", "statuses", "support_messages", "support_sessions", "support_tickets", "tokens"],
        *["transaction_status", "transactions", "users", "widgets"],
    ]
    assert found == {"usualstore": shop, "kennwilliamson": blog, "kennwilliamson_test": blog}


def test_second_up_and_preview_change_nothing(up: Project) -> None:
    assert [resources(up.make("up")), resources(up.make("preview"))] == ["17 unchanged", "17 unchanged"]


def test_up_leaves_the_work_tree_as_it_was(project: Project) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    for command in (["git", "init", "-q"], ["git", "add", "-A"], [*git, "commit", "-qm", "start"]):
        project.run(*command)
    project.make("up")
    assert project.run("git", "status", "--porcelain").replace("?? .venv\n", "") == ""


def test_a_lost_salt_is_taken_from_the_state(up: Project) -> None:
    before = (up.folder / "Pulumi.local.yaml").read_text(encoding="utf-8")
    shutil.rmtree(up.folder / ".pgstack" / "stacks")
    assert resources(up.make("up")) == "17 unchanged"
    assert (up.folder / "Pulumi.local.yaml").read_text(encoding="utf-8") == before


def test_summary_names_databases_and_has_no_password(up: Project) -> None:
    printed = up.make("up")
    role = up.login("usualstore")
    assert f"postgresql://usualstore_app@127.0.0.1:{role.port}/usualstore" in printed
    assert role.password not in printed


def test_app_role_changes_data_but_not_the_schema(up: Project) -> None:
    url = up.make("-s", "url", "DATABASE=kennwilliamson").strip()
    up.printed.pop()
    with psycopg.connect(url) as session:
        session.execute(ROWS, ["app-role@example.org"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute("CREATE TABLE mine (id int)")


def test_psql_opens_as_the_role_that_is_asked_for(up: Project) -> None:
    printed = up.make("psql", "DATABASE=usualstore", "ROLE=readonly", "ARGS=-Atc 'SELECT current_user, current_database()'")
    assert printed == "usualstore_readonly|usualstore\n"


def test_unknown_database_is_told_with_those_there_are(up: Project) -> None:
    printed = up.make("psql", "DATABASE=shop", ok=False)
    assert "error: The stack has no database 'shop'.\nIt has: kennwilliamson, kennwilliamson_test, usualstore" in printed


def test_readonly_role_reads(up: Project) -> None:
    with up.login("kennwilliamson", "readonly").connect() as session:
        session.execute("SELECT count(*) FROM users")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(ROWS, ["readonly@example.org"])


def test_roles_of_one_application_cannot_enter_the_other(up: Project) -> None:
    login = up.login("kennwilliamson")
    with pytest.raises(ConnectionFailed, match="permission denied for database"):
        login.to("usualstore").connect()


def test_new_migration_is_previewed_by_name_then_applied_once(up: Project, spare_migration: Path) -> None:
    spare_migration.write_text("CREATE TABLE things (id int PRIMARY KEY);\n", encoding="utf-8")
    preview = up.make("preview")
    assert "kennwilliamson: pending: 20990101000000_add_things" in preview
    assert "kennwilliamson_test: pending: 20990101000000_add_things" in preview
    with up.login("kennwilliamson").connect() as session:
        assert session.execute("SELECT to_regclass('things')").fetchone() == (None,)
    assert "kennwilliamson: applied 20990101000000_add_things" in up.make("up")
    with up.login("kennwilliamson").connect() as session:
        session.execute("INSERT INTO things VALUES (1)")
    assert resources(up.make("up")) == "17 unchanged"
    _forget(up, spare_migration)


def test_broken_migration_is_told_by_file_line_and_state_and_goes_on_when_mended(up: Project, spare_migration: Path) -> None:
    broken = spare_migration.with_name("20990101000001_add_broken.sql")
    spare_migration.write_text("CREATE TABLE things (id int PRIMARY KEY);\n", encoding="utf-8")
    broken.write_text("CREATE TABLE more (id int);\n\nALTER TABLE nowhere\n    ADD COLUMN a int;\n", encoding="utf-8")
    printed = up.make("up", ok=False)
    place = f"sql/kennwilliamson/migrations/{broken.name}:3: "
    assert f'{place}relation "nowhere" does not exist (SQLSTATE 42P01)' in printed
    assert "1 before it were applied and stay" in printed
    with up.login("kennwilliamson").connect() as session:
        assert session.execute("SELECT to_regclass('things')::text, to_regclass('more')").fetchone() == ("things", None)
    broken.write_text("CREATE TABLE more (id int);\n", encoding="utf-8")
    printed = up.make("up")
    # The twin's run is stopped by the engine where it had not begun yet, so that it has both still to do.
    assert "kennwilliamson: applied 20990101000001_add_broken" in printed
    assert "kennwilliamson: applied 20990101000000_add_things" not in printed
    _forget(up, spare_migration, broken)


def test_edited_migration_is_shown_in_a_preview_and_refused_by_up(up: Project) -> None:
    file = up.folder / "sql" / "kennwilliamson" / "migrations" / "20250829024919_create_users_table.sql"
    text = file.read_text(encoding="utf-8")
    file.write_text(text + "-- one more word\n", encoding="utf-8")
    try:
        assert f"edited: sql/kennwilliamson/migrations/{file.name} is not the file that was applied" in up.make("preview")
        assert "Three ways out" in up.make("up", ok=False)
    finally:
        file.write_text(text, encoding="utf-8")
    assert resources(up.make("up")) == "17 unchanged"


def test_killed_server_is_started_again_by_up_and_not_by_a_preview(up: Project) -> None:
    pid = up.postmaster()
    os.kill(pid, signal.SIGKILL)
    assert ends_soon(pid)
    assert "the server is not running and is to be started" in up.make("preview")
    assert up.postmaster() == pid, "a preview must not start the server"
    printed = up.make("up")
    assert "started the server on port" in printed
    assert resources(printed) == "~ 1 updated 16 unchanged"
    assert up.login("usualstore").works()


def test_what_was_changed_by_hand_is_repaired_and_told(up: Project) -> None:
    with up.login("usualstore", "owner").connect() as session:
        session.execute("REVOKE SELECT ON widgets FROM usualstore_app")
        session.execute("GRANT CONNECT ON DATABASE usualstore TO PUBLIC")
    preview = up.make("preview")
    wanted = ["grant SELECT on the table public.widgets of usualstore to usualstore_app"]
    wanted.append("revoke CONNECT on the database usualstore from PUBLIC")
    assert all(f"usualstore: to do: {line}" in preview for line in wanted)
    printed = up.make("up")
    assert all(f"usualstore: done: {line}" in printed for line in wanted)
    assert resources(up.make("up")) == "17 unchanged"


def test_destroy_keeps_the_data_and_the_next_up_takes_it_back_with_new_passwords(up: Project) -> None:
    before = up.login("kennwilliamson")
    with before.connect() as session:
        session.execute(ROWS, ["kept@example.org"])
    pid = up.postmaster()
    assert "the data stays in" in up.make("destroy", "ARGS=--yes")
    assert ends_soon(pid)
    up.make("up")
    after = up.login("kennwilliamson")
    assert after.password != before.password
    assert (after.works(), before.works()) == (True, False)
    with after.connect() as session:
        assert session.execute("SELECT count(*) FROM users WHERE email = 'kept@example.org'").fetchone() == (1,)


def test_removed_entry_drops_nothing_and_comes_back(up: Project) -> None:
    entries = [{"name": "usualstore", "format": "soda"}, {"name": "kennwilliamson", "testTwin": True}]
    owner = up.login("kennwilliamson", "owner")
    up.configure(databases=entries[:1])
    printed = up.make("up")
    assert "kennwilliamson: nothing is dropped" in printed
    assert owner.works()
    up.configure(databases=entries)
    up.make("up")
    assert up.login("kennwilliamson_test", "owner").works()


def test_changed_parameter_restarts_the_server_only(up: Project) -> None:
    up.configure(parameters={"max_connections": 42, "shared_buffers": "16MB"})
    printed = up.make("up")
    assert "restarted the server for max_connections" in printed
    assert resources(printed) == "~ 1 updated 16 unchanged"
    with up.login("usualstore").connect() as session:
        assert session.execute("SHOW max_connections").fetchone() == ("42",)


def test_settings_are_refused_all_at_once_before_anything_is_declared(project: Project) -> None:
    project.configure(port=70000, version=14, databases=[{"name": "postgres", "migrationz": "x"}], prot=1)
    printed = project.make("up", ok=False)
    for line in (
        "pgstack:port = 70000: must be at most 65535",
        "pgstack:version = 14: must be 15, 16, 17 or 18",
        "pgstack:databases[0].name = \"postgres\": is reserved: choose another name, for example 'postgres_app'",
        "pgstack:databases[0].migrationz = \"x\": there is no such key; did you mean 'migrations'?",
        "pgstack:prot = 1: there is no such key; did you mean 'port'?",
    ):
        assert line in printed
    assert "pgstack:index" not in printed


def test_taken_port_is_told_with_what_to_do(project: Project, superuser: Login) -> None:
    project.configure(port=superuser.port)
    printed = project.make("up", ok=False)
    assert f"Port {superuser.port} is taken by postgres" in printed
    assert "pulumi config set pgstack:port" in printed


def test_delete_data_acts_only_after_an_up_whose_preview_warned(project: Project) -> None:
    project.make("up")
    project.configure(deleteData=True)
    assert "deletes the server's data for good" in project.make("preview")
    project.make("destroy", "ARGS=--yes")
    assert (project.data() / "pgdata").exists(), "the setting was never applied"
    project.make("up")
    project.make("destroy", "ARGS=--yes")
    assert not project.data().exists()


def test_prod_refuses_state_on_this_machine_and_names_the_ways(project: Project) -> None:
    printed = project.make("up", "STACK=prod", ok=False)
    assert "must not keep its state in file://" in printed
    assert "awskms://" in printed
    assert "Pulumi Cloud" in printed


def test_first_preview_lists_what_is_to_come_and_starts_nothing(project: Project) -> None:
    printed = project.make("preview")
    assert "usualstore: 24 migrations, of which those not yet applied will be:" in printed
    assert "    20240312090000_create_users_table" in printed
    assert not project.data().exists()


@pytest.mark.parametrize("moment", ["pgdata.partial", "pgdata/postmaster.pid"])
def test_run_that_was_killed_is_taken_up_by_the_next(project: Project, moment: str) -> None:
    command = ["make", "--no-print-directory", "up"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=project.folder, env=project.environment, start_new_session=True, **quiet) as run:
        deadline = time.monotonic() + 60
        while not (project.data() / moment).exists():
            assert time.monotonic() < deadline, f"{moment} did not appear"
            time.sleep(0.01)
        os.killpg(run.pid, signal.SIGKILL)
    project.make("up")
    assert resources(project.make("up")) == "17 unchanged"


def test_a_pulumi_user_needs_no_make(project: Project) -> None:
    project.make("env")
    state = project.folder / "elsewhere"
    state.mkdir()
    shutil.copy(project.folder / "Pulumi.local.yaml", project.folder / "Pulumi.plain.yaml")
    environment = {
        "PATH": f"{project.folder / '.pgstack' / 'bin'}{os.pathsep}{project.environment['PATH']}",
        "PULUMI_BACKEND_URL": f"file://{state}",
        "PULUMI_CONFIG_PASSPHRASE": "for this test",
    }
    project.run("pulumi", "install", **environment)
    project.run("pulumi", "stack", "init", "plain", **environment)
    project.run("pulumi", "up", "--yes", **environment)
    assert resources(project.run("pulumi", "preview", **environment)) == "17 unchanged"


def test_no_clear_password_in_state_log_process_list_or_what_was_printed(up: Project) -> None:
    outputs = up.outputs()
    secrets_ = {role["url"].split(":")[2].split("@")[0] for entry in outputs["databases"].values() for role in entry["roles"].values()}
    superuser = subprocess.run(
        ["make", "-s", "pulumi", "ARGS=stack export --show-secrets"],
        cwd=up.folder,
        env=up.environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    secrets_ |= set(re.findall(r'"plaintext": "\\"([A-Za-z0-9_-]{32})\\""', superuser))
    assert len(secrets_) == 7, "three roles each of two databases, and the superuser"
    places = {"printed": "\n".join(up.printed), "processes": _command_lines()}
    for folder in (".pgstack/state", ".pgstack/stacks", ".pgstack/data"):
        for file in (up.folder / folder).rglob("*"):
            if file.is_file() and not file.is_symlink():
                places[str(file)] = file.read_bytes().decode("latin-1")
    found = [(place, number) for place, text in places.items() for number, secret in enumerate(secrets_) if secret in text]
    assert found == []


def _command_lines() -> str:
    lines = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((process / "cmdline").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return "\n".join(lines)


def _forget(project: Project, *files: Path) -> None:
    """Undoes spare migrations, so that the next test finds the schema as it was."""
    for name in ("kennwilliamson", "kennwilliamson_test"):
        with project.login(name, "owner").connect() as session:
            session.execute("DROP TABLE IF EXISTS things, more")
            for table in ("pgstack.migration", "public._sqlx_migrations"):
                session.execute(f"DELETE FROM {table} WHERE version::text LIKE '2099%'".encode())
    for file in files:
        file.unlink()
    project.make("up")
