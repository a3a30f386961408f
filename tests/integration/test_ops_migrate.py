"""`ops migrate` on a real database, as people type it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from typer.testing import CliRunner

from migrator.session import LOCK_KEY
from ops.app import app
from postgres.login import Login
from postgres.url import url
from tests.fix_cluster import wait_for
from tests.fix_migrations import SQL, ledger_versions, tables, write

ROOT = Path(__file__).resolve().parents[2]

SOON = 20.0
"""Seconds in which a process has to end; what it is stopped at would take three times as long."""

USERS = {"1_users.up.sql": "CREATE TABLE users (id bigint PRIMARY KEY);\n", "1_users.down.sql": "DROP TABLE users;\n"}
ORDERS = {
    "2_orders.up.sql": "CREATE TYPE state AS ENUM ('new');\nCREATE TABLE orders (id bigint, state state);\n",
    "2_orders.down.sql": "DROP TABLE orders;\nDROP TYPE state;\n",
}
INDEX = {
    "3_index.up.sql": "CREATE INDEX CONCURRENTLY orders_id ON orders (id);\n",
    "3_index.down.sql": "DROP INDEX CONCURRENTLY orders_id;\n",
}
SHOP = {**USERS, **ORDERS, **INDEX}


def address(login: Login) -> str:
    return url(
        host=login.host, port=login.port, database=login.database, user=login.user, password=login.password, sslmode=login.sslmode
    )  # fmt: skip


@dataclass
class Printed:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


@dataclass
class Shop:
    """A folder of migrations and an empty database."""

    login: Login
    administrator: Login
    path: Path

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": address(self.login), "ADMINISTRATOR": address(self.administrator)}

    def put(self, files: dict[str, str], format_name: str = "soda") -> None:
        """Makes these the folder's files."""
        write(self.path, files, format_name)

    def arguments(self, *words: str, format_name: str = "soda") -> list[str]:
        return ["migrate", *words, "--folder", str(self.path), "--format", format_name]

    def ops(self, *words: str, format_name: str = "soda") -> Printed:
        done = CliRunner().invoke(app, self.arguments(*words, format_name=format_name), env=self.environment)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Printed(done.exit_code, done.stdout, done.stderr)

    @contextlib.contextmanager
    def process(self, *words: str, **streams: Any) -> Iterator[subprocess.Popen[bytes]]:
        """The same in a process of its own, which is gone in the end."""
        command = [sys.executable, "-m", "ops", *self.arguments(*words)]
        with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **self.environment, "TERM": "xterm"}, **streams) as process:
            try:
                yield process
            finally:
                process.kill()

    def states(self, *words: str) -> dict[str, str]:
        """The state of each version."""
        (database,) = self.ops("status", "--json", *words).data["databases"]
        return {line["version"]: line["state"] for line in database["migrations"]}


@pytest.fixture
def shop(database: Login, superuser: Login, tmp_path: Path) -> Shop:
    made = Shop(database, superuser, tmp_path / "sql" / "migrations")
    made.put(SHOP)
    return made


@pytest.fixture
def session(database: Login) -> Iterator[psycopg.Connection[Any]]:
    with contextlib.closing(database.connect()) as connection:
        yield connection


# status


def test_status_shows_what_is_pending_and_what_goes_outside_a_transaction(shop: Shop) -> None:
    shown = shop.ops("status")
    assert shown.out.splitlines() == [
        f"{shop.login.database}: {shop.path} (soda)",
        "version  name    state                           applied at (UTC)  by  took",
        "1        users   pending",
        "2        orders  pending",
        "3        index   pending, outside a transaction",
        "3 migrations: 3 pending.",
    ]
    assert (shown.code, shown.err) == (0, "")


def test_status_as_json_has_every_fact(shop: Shop) -> None:
    shop.ops("up", "--to", "2")
    shown = shop.ops("status", "--json").data["databases"][0]
    first, _, last = shown.pop("migrations")
    assert first.pop("applied_at").endswith("+00:00")
    assert 0 < first.pop("seconds") < 60
    assert first == {
        "version": "1",
        "name": "users",
        "state": "applied",
        "applied_by": shop.login.user,
        "transactional": None,
        "file": f"{shop.path}/1_users.up.sql",
    }
    assert last == {
        "version": "3",
        "name": "index",
        "state": "pending",
        "applied_at": None,
        "applied_by": None,
        "seconds": None,
        "transactional": False,
        "file": f"{shop.path}/3_index.up.sql",
    }
    assert shown == {
        "database": shop.login.database,
        "format": "soda",
        "folder": str(shop.path),
        "settled": False,
        "problems": [],
        "warnings": [],
    }


def test_the_exit_code_tells_whether_anything_is_to_be_done(shop: Shop) -> None:
    assert shop.ops("status", "--exit-code").code == 3
    shop.ops("up")
    assert shop.ops("status", "--exit-code").code == 0
    shop.put({**SHOP, "1_users.up.sql": "CREATE TABLE users (id int);\n"})
    assert shop.ops("status", "--exit-code").code == 3


def test_status_names_everything_that_is_not_as_it_should_be(shop: Shop, session: psycopg.Connection[Any]) -> None:
    shop.ops("up", "--to", "2")
    session.execute("DELETE FROM schema_migration WHERE version = '2'")
    shop.put({"1_users.up.sql": "SELECT 1;\n", **ORDERS, **INDEX, "0_late.up.sql": "SELECT 1;\n"})
    assert shop.states() == {"0": "late", "1": "edited", "2": "undone", "3": "pending"}
    (shop.path / "1_users.up.sql").unlink()
    assert shop.states()["1"] == "missing"
    shown = shop.ops("status").out
    assert "problem: missing: 1_users was applied, its file is gone\n" in shown
    assert "Three ways out:" in shown


def test_status_tells_what_another_tool_applied(shop: Shop, session: psycopg.Connection[Any]) -> None:
    session.execute("CREATE TABLE schema_migration (version varchar(14) PRIMARY KEY)")
    session.execute("INSERT INTO schema_migration VALUES ('1'), ('2')")
    session.execute("CREATE TABLE orders (id bigint)")
    assert shop.states() == {"1": "taken over", "2": "taken over", "3": "pending"}
    run = shop.ops("up", "--json").data
    assert (run["taken_over"], [entry["version"] for entry in run["ran"]], run["version"]) == (["1", "2"], ["3"], "3")
    assert shop.states() == {"1": "taken over", "2": "taken over", "3": "applied"}


def test_status_tells_what_was_cut_off_outside_a_transaction(shop: Shop) -> None:
    shop.put({**USERS, **ORDERS, "3_index.up.sql": "CREATE INDEX CONCURRENTLY orders_id ON orders (nothing);\n"})
    failed = shop.ops("up")
    assert (failed.code, failed.out) == (1, failed.out)
    assert "3_index.up.sql:1: column" in failed.err
    assert shop.states() == {"1": "applied", "2": "applied", "3": "interrupted"}
    assert shop.ops("status", "--exit-code").code == 3


def test_status_of_a_statement_that_will_be_refused_warns(shop: Shop) -> None:
    shop.put({**USERS, "2_bad.up.sql": "SELECT 1;\nCOMMIT;\nSELECT 2;\n"})
    (database,) = shop.ops("status", "--json").data["databases"]
    assert [(line["version"], line["transactional"]) for line in database["migrations"]] == [("1", True), ("2", None)]
    assert database["warnings"][0].startswith(f"{shop.path}/2_bad.up.sql:2: COMMIT inside a migration")


# up, plan


def test_up_prints_a_line_for_each_and_where_the_database_is(shop: Shop, session: psycopg.Connection[Any]) -> None:
    run = shop.ops("up")
    *lines, last = run.out.splitlines()
    assert [line.partition(" in ")[0] for line in lines] == ["applied 1_users", "applied 2_orders", "applied 3_index"]
    assert (run.code, run.err, last.partition(" in ")[0], last.partition("; ")[2]) == (
        0,
        "",
        "3 applied",
        f"{shop.login.database} is at 3.",
    )
    assert (tables(session), ledger_versions(session)) == (["orders", "users"], ["1", "2", "3"])
    assert shop.ops("up").out == f"Nothing to do: {shop.login.database} is at 3.\n"


def test_up_goes_no_further_than_it_is_told(shop: Shop) -> None:
    assert [entry["version"] for entry in shop.ops("up", "--to", "1", "--json").data["ran"]] == ["1"]
    refused = shop.ops("up", "--to", "0")
    assert (refused.code, refused.out) == (1, "")
    assert "1_users would be undone. Nothing was run." in refused.err


def test_up_that_fails_names_the_place_and_keeps_what_was_before(shop: Shop) -> None:
    shop.put({**USERS, "2_bad.up.sql": "SELECT 1;\nSELEC 2;\n"})
    failed = shop.ops("up")
    assert (failed.code, failed.out.partition(" in ")[0]) == (1, "applied 1_users")
    assert failed.err.startswith(f'error: {shop.path}/2_bad.up.sql:2: syntax error at or near "SELEC" (SQLSTATE 42601)\n')
    assert shop.states() == {"1": "applied", "2": "pending"}


@pytest.mark.parametrize("words", [["plan"], ["up", "--dry-run"]])
def test_the_plan_is_the_sql_and_runs_nothing(shop: Shop, session: psycopg.Connection[Any], words: list[str]) -> None:
    shown = shop.ops(*words, "--to", "1")
    assert shown.out == (
        f"-- To be run on {shop.login.database}: 1 migration.\n"
        "-- Each is recorded in pgstack.migration and public.schema_migration, in the transaction in which it ends.\n"
        "\n"
        f"-- 1 of 1: apply 1_users ({shop.path}/1_users.up.sql),\n"
        "-- in a transaction of its own\n"
        "CREATE TABLE users (id bigint PRIMARY KEY);\n"
    )
    assert tables(session) == []


def test_the_plan_for_a_lower_version_is_what_undoes_the_others(shop: Shop) -> None:
    shop.ops("up")
    planned = shop.ops("plan", "--to", "1", "--json").data
    assert [(entry["version"], entry["direction"], entry["transactional"], entry["sql"]) for entry in planned["migrations"]] == [
        ("3", "down", False, INDEX["3_index.down.sql"]),
        ("2", "down", True, ORDERS["2_orders.down.sql"]),
    ]


def test_the_plan_for_a_database_in_use_warns(shop: Shop) -> None:
    shop.ops("up")
    shop.put({**SHOP, "4_drop.up.sql": "DROP TABLE users;\n"})
    assert "-- note: 4_drop: drops table users" in shop.ops("plan").out


def test_the_plan_is_refused_as_the_run_would_be(shop: Shop) -> None:
    shop.ops("up")
    shop.put({**SHOP, "1_users.up.sql": "SELECT 1;\n"})
    refused = shop.ops("plan")
    assert (refused.code, refused.out) == (1, "")
    assert "edited: " in refused.err


# down, redo


def test_down_undoes_the_newest_and_says_so_first(shop: Shop, session: psycopg.Connection[Any]) -> None:
    shop.ops("up")
    run = shop.ops("down", "--yes", "--json")
    assert run.err == f"To be undone on {shop.login.database}, newest first:\n  3_index\n"
    assert ([(entry["version"], entry["direction"]) for entry in run.data["ran"]], run.data["version"]) == ([("3", "down")], "2")
    run = shop.ops("down", "--to", "0", "--yes")
    assert run.out.splitlines()[-1].partition("; ")[2] == f"{shop.login.database} has no migration applied."
    assert (tables(session), ledger_versions(session)) == ([], [])


def test_down_without_anything_to_undo_is_an_error(shop: Shop) -> None:
    assert shop.ops("down", "--yes").err == f"error: No migration is applied to {shop.login.database}.\n"
    shop.ops("up")
    assert shop.ops("down", "--to", "3", "--yes").err == "error: Nothing is applied above 3, so there is nothing to undo.\n"


def test_down_does_nothing_where_nobody_can_be_asked(shop: Shop) -> None:
    shop.ops("up")
    asked = shop.ops("down")
    assert asked.code == 2
    assert "nobody can be asked here" in asked.err
    assert shop.states() == {"1": "applied", "2": "applied", "3": "applied"}


def test_what_cannot_be_undone_is_told_before_anybody_is_asked(shop: Shop) -> None:
    shop.put({"1_users.up.sql": USERS["1_users.up.sql"]})
    shop.ops("up")
    for words in (["down"], ["redo"]):
        refused = shop.ops(*words)
        assert (refused.code, refused.err.partition(":")[0]) == (1, "error")
        assert "1_users cannot be undone" in refused.err


def test_redo_applies_the_file_as_it_is_now(shop: Shop, session: psycopg.Connection[Any]) -> None:
    shop.put({**USERS, **ORDERS})
    shop.ops("up")
    shop.put({**USERS, **ORDERS, "2_orders.up.sql": f"{ORDERS['2_orders.up.sql']}ALTER TABLE orders ADD paid bool;\n"})
    run = shop.ops("redo", "--yes", "--json").data
    assert [(entry["version"], entry["direction"]) for entry in run["ran"]] == [("2", "down"), ("2", "up")]
    columns = session.execute("SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0").fetchall()
    assert [name for (name,) in columns] == ["id", "state", "paid"]
    assert shop.states() == {"1": "applied", "2": "applied"}


def test_redo_of_what_has_no_file_is_refused(shop: Shop) -> None:
    shop.ops("up")
    shop.put({**USERS, **ORDERS})
    refused = shop.ops("redo", "--yes")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "error: 3_index cannot be applied again: its file is gone.")
    assert shop.states() == {"1": "applied", "2": "applied", "3": "missing"}


# new


def test_new_makes_files_that_up_applies(shop: Shop) -> None:
    made = shop.ops("new", "Add a till!")
    names = [f"{shop.path}/4_Add_a_till.up.sql", f"{shop.path}/4_Add_a_till.down.sql"]
    assert (made.code, made.out) == (0, "".join(f"made {name}\n" for name in names))
    assert [entry["version"] for entry in shop.ops("up", "--json").data["ran"]] == ["1", "2", "3", "4"]
    assert [entry["version"] for entry in shop.ops("redo", "--yes", "--json").data["ran"]] == ["4", "4"]


def test_new_makes_a_repeatable_migration_where_there_are_such(shop: Shop) -> None:
    made = shop.ops("new", "views", "--repeatable", "--json", format_name="flyway")
    assert made.code == 1  # the folder has soda's files
    shop.put({}, "flyway")
    made = shop.ops("new", "views", "--repeatable", "--json", format_name="flyway")
    assert made.data == {"files": [f"{shop.path}/R__views.sql"]}


# The record


def test_baseline_records_without_running(shop: Shop, session: psycopg.Connection[Any]) -> None:
    session.execute("CREATE TABLE users (id bigint)")
    assert "ops migrate baseline VERSION" in shop.ops("up").err
    recorded = shop.ops("baseline", "1")
    assert recorded.out == f"recorded, not run: 1_users\n{shop.login.database} is at 1.\n"
    assert shop.ops("up", "--json").data["version"] == "3"
    again = shop.ops("baseline", "1", "--json")
    assert (again.code, again.out) == (1, "")


def test_repair_says_what_it_changes_and_changes_it(shop: Shop) -> None:
    shop.ops("up")
    shop.put({**SHOP, "1_users.up.sql": "SELECT 1;\n"})
    what = "1_users: recorded as applied the way its file is now"
    assert shop.ops("repair", "--dry-run", "--json").data == {"database": shop.login.database, "dry_run": True, "changes": [what]}
    assert shop.states()["1"] == "edited"
    assert shop.ops("repair").code == 2
    done = shop.ops("repair", "--yes")
    assert (done.out, done.err) == (f"{what}\n", f"To be changed in the record of {shop.login.database}:\n  {what}\n")
    assert shop.states() == {"1": "applied", "2": "applied", "3": "applied"}
    assert shop.ops("repair").out == f"Nothing to repair: the record of {shop.login.database} fits the files.\n"


@pytest.mark.parametrize(("flag", "state"), [("--done", "done"), ("--again", "failed")])
def test_force_settles_a_statement_that_was_cut_off(shop: Shop, session: psycopg.Connection[Any], flag: str, state: str) -> None:
    shop.put({**USERS, "2_call.up.sql": "VACUUM nothing;\n"})
    assert shop.ops("up").code == 1
    session.execute("UPDATE pgstack.step SET state = 'running'")
    forced = shop.ops("force", "2", flag)
    what = {"done": "counts as carried out", "failed": "will be run again"}[state]
    assert forced.out == f"2 on {shop.login.database}: the statement {what}. `up` goes on from there.\n"
    assert session.execute("SELECT state FROM pgstack.step").fetchall() == [(state,)]
    assert shop.ops("force", "2", flag, "--json").code == 1
    assert shop.ops("force", "2").code == 2


# lint


def test_lint_names_the_place_and_exits_by_how_strict_it_is(shop: Shop) -> None:
    shop.put({**USERS, "2_drop.up.sql": "SELECT 1;\nDROP TABLE users;\n"})
    found = shop.ops("lint")
    assert found.code == 0
    assert f"{shop.path}/2_drop.up.sql:2:1: warning: " in found.out
    assert [shop.ops("lint", "--strict", "--after", version).code for version in ("1", "2")] == [1, 0]
    shop.put({"1_bad.up.sql": "SELEC;\n"})
    bad = shop.ops("lint", "--json")
    assert (bad.code, {finding["rule"] for finding in bad.data["findings"]}) == (1, {"syntax-error"})


def test_lint_of_what_is_pending_leaves_out_the_rest(shop: Shop) -> None:
    shop.put({**USERS, "2_drop.up.sql": "DROP TABLE users;\n"})
    shop.ops("up")
    assert shop.ops("lint", "--pending", "--strict").out == "Nothing to say.\n"


# verify, dump


def test_verify_finds_the_migration_whose_down_leaves_something_behind(shop: Shop) -> None:
    assert shop.ops("verify", "--server-from", "ADMINISTRATOR").out.startswith(
        "3 migrations up, down, and up again: the schema is the same"
    )
    shop.put({**SHOP, "2_orders.down.sql": "DROP TABLE orders;\n"})
    found = shop.ops("verify", "--server-from", "ADMINISTRATOR")
    assert (found.code, found.out.splitlines()[-1]) == (1, "2_orders: what undoes it does not bring back what was there before it.")
    assert "+CREATE TYPE public.state AS ENUM (\n" in found.out
    assert found.err.splitlines() == ["applying 3 migrations", "undoing them", "each by itself"]


def test_verify_looks_at_each_by_itself_unless_told_otherwise(shop: Shop) -> None:
    shop.put({**USERS, "2_email.up.sql": "ALTER TABLE users ADD email text;\n", "2_email.down.sql": "SELECT 1;\n"})
    found = shop.ops("verify", "--server-from", "ADMINISTRATOR", "--json")
    assert (found.code, found.data["fault"]) == (1, "2_email: what undoes it does not bring back what was there before it.")
    assert "+    email text" in found.data["difference"]
    assert shop.ops("verify", "--server-from", "ADMINISTRATOR", "--whole").code == 0


def test_verify_of_what_cannot_be_undone_compares_two_databases(shop: Shop) -> None:
    shop.put({**USERS, "2_orders.up.sql": ORDERS["2_orders.up.sql"], **INDEX})
    found = shop.ops("verify", "--server-from", "ADMINISTRATOR", "--json")
    assert found.data.pop("server").startswith("18.")
    assert {**found.data, "server": ""} == {
        "verified": True,
        "server": "",
        "migrations": 3,
        "reversible": 1,
        "fault": None,
        "difference": None,
    }
    shop.put({"1_odd.up.sql": "DO $$ BEGIN EXECUTE format('CREATE TABLE %I ()', gen_random_uuid()); END $$;\n"})
    found = shop.ops("verify", "--server-from", "ADMINISTRATOR", "--json")
    assert (found.code, found.data["fault"]) == (1, "Two databases got different schemas from the same files.")


def test_verify_tells_where_a_down_migration_fails(shop: Shop) -> None:
    shop.put({**USERS, "2_more.up.sql": "SELECT 1;\n", "2_more.down.sql": "DROP TABLE nothing;\n"})
    failed = shop.ops("verify", "--server-from", "ADMINISTRATOR")
    assert (failed.code, failed.out) == (1, "")
    assert f'error: {shop.path}/2_more.down.sql:1: table "nothing" does not exist' in failed.err


def test_nothing_is_left_on_a_server_that_was_lent(shop: Shop) -> None:
    for words in (["verify"], ["dump", "--output", "-"]):
        assert shop.ops(*words, "--server-from", "ADMINISTRATOR").code == 0
    with shop.administrator.connect() as session:
        assert session.execute("SELECT datname FROM pg_database WHERE datname LIKE 'pgstack_scratch%'").fetchall() == []


def test_a_user_who_may_make_no_database_is_told(shop: Shop) -> None:
    refused = shop.ops("verify", "--server-from", "DATABASE_URL")
    database, user = shop.login.database, shop.login.user
    said = f"error: The server refused what {user} asked of {database}: permission denied to create database (SQLSTATE 42501)\n"
    assert (refused.code, refused.err) == (1, said)


def test_a_server_of_its_own_is_started_and_deleted(shop: Shop) -> None:
    found = shop.ops("dump", "--output", "-")
    assert "CREATE INDEX orders_id ON public.orders USING btree (id);" in found.out
    assert found.out == shop.ops("dump", "--output", "-", "--server-from", "ADMINISTRATOR").out
    assert list(Path(tempfile.gettempdir()).glob("pgstack-scratch.*")) == []


def test_a_dump_holds_the_schema_alone_and_a_later_one_is_compared_with_it(shop: Shop) -> None:
    file = shop.path.parent / "schema.sql"
    server = ("--server-from", "ADMINISTRATOR")
    assert shop.ops("dump", "--check", "--json", *server).code == 1
    assert not file.exists()
    assert shop.ops("dump", *server).out == f"wrote {file}\n"
    text = file.read_text(encoding="utf-8")
    assert [word for word in ("pgstack.migration", "schema_migration", "OWNER TO", "GRANT", "restrict") if word in text] == []
    assert shop.ops("dump", "--check", *server).out == f"{file} is what the migrations make.\n"
    shop.put({**SHOP, "4_more.up.sql": "ALTER TABLE users ADD email text;\n"})
    differs = shop.ops("dump", "--check", *server)
    assert differs.code == 1
    assert "+    email text\n" in differs.out
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("application", "format_name"), [("usualstore", "soda"), ("kennwilliamson", "sqlx"), ("physics_assistant", "golang-migrate")]
)
def test_the_schemas_that_come_with_the_project_are_what_its_migrations_make(shop: Shop, application: str, format_name: str) -> None:
    shop.path = SQL / application / "migrations"
    checked = shop.ops("dump", "--check", "--server-from", "ADMINISTRATOR", format_name=format_name)
    assert checked.out == f"{SQL / application / 'schema.sql'} is what the migrations make.\n"


# On a terminal


def on_a_terminal(shop: Shop, *words: str, answer: str = "") -> Printed:
    """Runs a command on a terminal of its own, and types an answer when it asks."""
    master, slave = pty.openpty()
    seen = b""
    with shop.process(*words, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        with contextlib.suppress(OSError):  # the other end is closed
            while chunk := os.read(master, 4096):
                seen += chunk
                if answer and b"[y/N]" in seen:
                    os.write(master, f"{answer}\n".encode())
                    answer = ""
        code = process.wait(timeout=SOON)
    os.close(master)
    return Printed(code, seen.decode(), "")


def test_a_terminal_shows_a_bar_and_colours(shop: Shop) -> None:
    run = on_a_terminal(shop, "up")
    assert run.code == 0
    assert [part for part in ("0/3", "applied 2_orders in", "3 applied in") if part not in run.out] == []
    assert "\x1b[32mapplied" in on_a_terminal(shop, "status").out


@pytest.mark.parametrize(("answer", "code", "newest"), [("n", 1, "applied"), ("y", 0, "pending")])
def test_whoever_is_asked_decides(shop: Shop, answer: str, code: int, newest: str) -> None:
    shop.ops("up")
    run = on_a_terminal(shop, "down", answer=answer)
    assert (run.code, shop.states()["3"]) == (code, newest)
    assert "The data in what they made is lost. Go on? [y/N]" in run.out
    assert ("Nothing was done." in run.out) == (answer == "n")


# Ctrl-C

SLOW = "CREATE TABLE slow (id int);\nSELECT pg_sleep(60);\n"
ROWS = "COPY users (id) FROM stdin;\n1\n\\.\n"
OUTSIDE = """
CREATE FUNCTION slow(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(60); RETURN 1; END $$;
INSERT INTO users VALUES (1);
CREATE INDEX CONCURRENTLY users_slow ON users (slow(id));
"""


def interrupt(shop: Shop, ready: Callable[[], bool], what: str) -> Printed:
    """Starts `up` in a process of its own, presses Ctrl-C when it is ready, and waits for its end."""
    with shop.process("up", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(lambda: process.poll() is not None or ready(), what)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=SOON)
    return Printed(process.returncode, out.decode(), err.decode())


def is_sleeping(session: psycopg.Connection[Any]) -> Callable[[], bool]:
    """Tells whether another session of the database sleeps."""
    asked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
    return lambda: bool(session.execute(asked).fetchall())


def is_clean(session: psycopg.Connection[Any]) -> bool:
    """Whether nobody else is in the database: no lock is held, and no statement runs on."""
    row = session.execute("SELECT pg_try_advisory_lock(%s), pg_advisory_unlock(%s)", [LOCK_KEY, LOCK_KEY]).fetchone()
    others = (
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    )
    return row == (True, True) and session.execute(others).fetchall() == []


@pytest.mark.parametrize("slow", [SLOW, ROWS + SLOW], ids=["in the pipeline", "by itself"])
def test_an_interrupted_run_leaves_what_was_committed_and_nothing_else(shop: Shop, session: psycopg.Connection[Any], slow: str) -> None:
    shop.put({**USERS, "2_slow.up.sql": slow, "3_after.up.sql": "CREATE TABLE after (id int);\n"})
    stopped = interrupt(shop, is_sleeping(session), "the migration to sleep")
    assert (stopped.code, stopped.out.partition(" in ")[0]) == (130, "applied 1_users")
    assert "error: Interrupted at 2_slow, which was rolled back; 1 of 3 were committed and stay." in stopped.err
    wait_for(lambda: is_clean(session), "the session to end")
    assert (tables(session), ledger_versions(session)) == (["users"], ["1"])
    shop.put({**USERS, "2_slow.up.sql": slow.replace("60", "0"), "3_after.up.sql": "CREATE TABLE after (id int);\n"})
    assert [entry["version"] for entry in shop.ops("up", "--json").data["ran"]] == ["2", "3"]


def test_a_run_that_is_interrupted_outside_a_transaction_goes_on_the_next_time(shop: Shop, session: psycopg.Connection[Any]) -> None:
    shop.put({**USERS, "2_slow.up.sql": OUTSIDE})
    stopped = interrupt(shop, is_sleeping(session), "the index to be built")
    assert stopped.code == 130
    wait_for(lambda: is_clean(session), "the session to end")
    assert shop.states() == {"1": "applied", "2": "interrupted"}
    session.execute("CREATE OR REPLACE FUNCTION slow(bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS 'SELECT 1::bigint'")
    assert shop.ops("up").code == 0
    assert shop.states() == {"1": "applied", "2": "applied"}


def test_a_run_that_waits_for_another_migrator_can_be_interrupted(shop: Shop, session: psycopg.Connection[Any]) -> None:
    asked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%%pg_try_advisory_lock%%' AND pid <> %s"
    session.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
    stopped = interrupt(shop, lambda: bool(session.execute(asked, [session.info.backend_pid]).fetchall()), "the migrator to wait")
    assert (stopped.code, stopped.out, stopped.err) == (130, "", "\nInterrupted.\n")
    assert tables(session) == []


def test_no_argument_of_any_process_has_a_password(shop: Shop, session: psycopg.Connection[Any]) -> None:
    shop.put({"1_slow.up.sql": SLOW})
    seen: set[str] = set()

    def looked() -> bool:
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                seen.update(process.cmdline())
        return is_sleeping(session)()

    interrupt(shop, looked, "the migration to sleep")
    assert "ops" in seen
    assert [argument for argument in seen if shop.login.password in argument] == []
