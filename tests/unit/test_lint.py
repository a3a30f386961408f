from __future__ import annotations

import sys
from pathlib import Path

import pytest

from migrator import lint
from migrator.lint import Finding, LintFailed
from migrator.model import Migration, Script


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, in which squawk looks for its settings: an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path at which another program may be put in squawk's place."""
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin" / "squawk"


def migration(text: str, path: str = "m/1_m.sql") -> Migration:
    return Migration("1", "m", Script.of(path, text.encode()))


def found(*migrations: Migration) -> list[tuple[str, int, int, str]]:
    """Path, line, column and rule of all findings but those on style that most SQL has."""
    return [(f.path, f.line, f.column, f.rule) for f in lint.lint(migrations) if not f.rule.startswith("prefer-")]


def test_a_finding_says_where_what_and_what_to_do() -> None:
    (finding,) = lint.lint([migration("SELECT 1;\n /* the index */ DROP INDEX i;\n")])
    text = (finding.message, finding.help)
    assert finding == Finding("m/1_m.sql", 2, 18, "require-concurrent-index-deletion", "Warning", *text)
    assert ["DROP INDEX" in text[0], "CONCURRENTLY" in text[1]] == [True, True]


def test_findings_come_in_the_order_of_the_migrations() -> None:
    later = migration("DROP TABLE a;", "m/10_z.sql")
    sooner = migration("SELECT 1;\n\nDROP TABLE b;\nALTER TABLE c RENAME TO d;", "m/9_a.sql")
    assert found(sooner, later) == [
        ("m/9_a.sql", 3, 1, "ban-drop-table"),
        ("m/9_a.sql", 4, 15, "renaming-table"),
        ("m/10_z.sql", 1, 1, "ban-drop-table"),
    ]


def test_columns_count_characters_and_line_ends_do_not_matter() -> None:
    text = "\ufeff-- é\r\n/* é€😀 */ DROP TABLE a;\r\n"
    assert found(migration(text)) == [("m/1_m.sql", 2, 11, "ban-drop-table")]


def test_a_section_of_a_file_is_linted_alone_and_told_with_the_lines_of_the_file() -> None:
    whole = Script.of("m/1_m.sql", b"-- migrate:up\nDROP TABLE a;\n-- migrate:down\nDROP TABLE b;\n")
    assert found(Migration("1", "m", whole.section("\nDROP TABLE a;\n", 1))) == [("m/1_m.sql", 2, 1, "ban-drop-table")]
    assert found(Migration("1", "m", whole.section("DROP TABLE b;\n", 4))) == [("m/1_m.sql", 4, 1, "ban-drop-table")]


def test_a_rule_about_transactions_is_told_of_what_runs_outside_one_alone() -> None:
    add = "ALTER TABLE orders ADD total text;"
    rules = [finding.rule for finding in lint.lint([migration(add), migration(f"{add}\nVACUUM orders;", "m/2_m.sql")])]
    assert rules == ["prefer-robust-stmts"]
    script = Script.of("m/3_m.sql", add.encode())
    asked = Migration("3", "m", script.section(add, 1, transactional=False))
    assert [finding.rule for finding in lint.lint([asked])] == ["prefer-robust-stmts"]
    assert found(migration("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (total);")) == []


def test_what_the_migrator_does_for_every_file_is_not_told() -> None:
    assert found(migration("BEGIN;\nALTER TABLE orders ADD total text;\nCREATE TABLE a (b text);\nCOMMIT;\n")) == []


def test_rows_of_data_are_not_taken_for_sql() -> None:
    text = "COPY a (b) FROM STDIN;\nDROP TABLE x;\n'é\n\\.\n\nCOPY a (b) FROM STDIN;\n\\.\nDROP TABLE y;\n"
    assert found(migration(text)) == [("m/1_m.sql", 8, 1, "ban-drop-table")]


def test_sql_that_squawk_cannot_read_is_told_and_the_others_are_linted() -> None:
    broken, good = migration("SELECT 1;\nSELECT FROM WHERE;", "m/1_m.sql"), migration("DROP TABLE a;", "m/2_m.sql")
    findings = found(broken, good)
    assert {(path, line, rule) for path, line, _, rule in findings} == {
        ("m/1_m.sql", 2, lint.SYNTAX_ERROR),
        ("m/2_m.sql", 1, "ban-drop-table"),
    }


def test_a_comment_for_squawk_is_honoured() -> None:
    assert found(migration("-- squawk-ignore ban-drop-table\nDROP TABLE a;\nDROP TABLE b;")) == [("m/1_m.sql", 3, 1, "ban-drop-table")]
    assert found(migration("-- squawk-ignore-file\nDROP TABLE a;\nDROP TABLE b;")) == []


@pytest.mark.parametrize("place", [".", ".."])
def test_the_settings_of_the_project_are_honoured(place: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "project").mkdir()
    monkeypatch.chdir(folder / "project")
    settings = 'excluded_rules = ["ban-drop-table"]\nincluded_rules = ["require-table-schema"]\nexcluded_paths = ["m/2_m.sql"]\n'
    Path(place, ".squawk.toml").write_text(settings)
    text = "DROP TABLE public.a;\nALTER TABLE b RENAME TO c;"
    pending = [migration(text, path) for path in ("m/1_m.sql", "m/2_m.sql", str(folder / "project/m/3_m.sql"))]
    assert found(*pending) == [
        ("m/1_m.sql", 2, 13, "require-table-schema"),
        ("m/1_m.sql", 2, 15, "renaming-table"),
        (str(folder / "project/m/3_m.sql"), 2, 13, "require-table-schema"),
        (str(folder / "project/m/3_m.sql"), 2, 15, "renaming-table"),
    ]


def test_nothing_is_found_where_the_settings_leave_every_file_out(folder: Path) -> None:
    (folder / ".squawk.toml").write_text('excluded_paths = ["*"]')
    assert found(migration("DROP TABLE a;")) == []


@pytest.mark.parametrize("path", ["/elsewhere/.hidden/1_m.sql", "../../other/m/1_m.sql", "m [1]/*?/{1} ä.sql", "no_suffix"])
def test_any_path_is_told_as_it_was_given(path: str) -> None:
    assert found(migration("DROP TABLE a;", path)) == [(path, 1, 1, "ban-drop-table")]


def test_the_version_of_the_server_decides(folder: Path) -> None:
    add = [migration("ALTER TABLE orders ADD total int DEFAULT 0 NOT NULL;")]
    rules = {version: {finding.rule for finding in lint.lint(add, version)} for version in ("10.0", "18.1")}
    assert (
        "adding-field-with-default" in rules["10.0"],
        "adding-field-with-default" in rules["18.1"],
    ) == (True, False)


def test_a_mistake_in_the_settings_is_an_error_that_names_them(folder: Path) -> None:
    (folder / ".squawk.toml").write_text('excluded_rules = ["no-such-rule"]\n')
    with pytest.raises(LintFailed) as caught:
        lint.lint([migration("SELECT 1;")])
    assert Exception.__str__(caught.value).startswith("squawk failed: Configuration error: invalid rule name no-such-rule")
    assert caught.value.hint == f"Its settings are in {folder / '.squawk.toml'}."


def test_without_squawk_the_error_says_how_to_get_it(stand_in: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(stand_in.parent))
    with pytest.raises(LintFailed) as caught:
        lint.lint([migration("SELECT 1;")])
    assert str(caught.value) == "squawk, which lints migrations, is not installed.\n`make install` brings it; or put it on PATH."


def test_squawk_on_the_path_is_taken_where_the_environment_has_none(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other" / "squawk"
    other.parent.mkdir()
    other.touch(0o755)
    monkeypatch.setenv("PATH", str(other.parent))
    assert lint.program() == str(other)
    stand_in.touch(0o755)
    assert lint.program() == str(stand_in)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo 'what now?' >&2; exit 3", "squawk failed: what now?"),
        ("exit 3", "squawk failed: it ended with status 3"),
        ('echo \'[{"file": "m/1_m.sql", "rule_name": "x"}]\'', "squawk's findings have another form than version 2 gives them: "),
        ("echo '[[]]'", "squawk's findings have another form than version 2 gives them: "),
    ],
)
def test_an_answer_that_is_no_list_of_findings_is_an_error(script: str, message: str, stand_in: Path) -> None:
    stand_in.write_text(f"#!/bin/sh\n{script}\n")
    stand_in.chmod(0o755)
    with pytest.raises(LintFailed) as caught:
        lint.lint([migration("SELECT 1;")])
    assert Exception.__str__(caught.value).startswith(message)
    assert caught.value.hint == f"It is {stand_in}; `make install` brings the version that is known to fit."


def test_a_program_that_cannot_be_started_is_an_error(stand_in: Path) -> None:
    stand_in.write_text("#!/no/such/interpreter\n")
    stand_in.chmod(0o755)
    with pytest.raises(LintFailed, match="squawk could not be run: "):
        lint.lint([migration("SELECT 1;")])


def test_one_process_lints_all_and_what_it_says_besides_does_not_matter(
    stand_in: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    real = lint.program()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(stand_in.parent / "python"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    runs = tmp_path / "runs"
    stand_in.write_text(f'#!/bin/sh\necho run >> "{runs}"\necho "warning: something" >&2\nexec "{real}" "$@"\n')
    stand_in.chmod(0o755)
    pending = [migration(f"DROP TABLE a{number};", f"m/{number}_m.sql") for number in range(50)]
    pending.append(migration("VACUUM b;\nDROP TABLE c;", "m/50_m.sql"))
    assert [(path, line) for path, line, _, _ in found(*pending)] == [
        *((f"m/{number}_m.sql", 1) for number in range(50)),
        ("m/50_m.sql", 2),
    ]
    assert runs.read_text() == "run\n"


def test_nothing_to_lint_starts_nothing(stand_in: Path) -> None:
    assert lint.lint([]) == ()
