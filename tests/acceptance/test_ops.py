"""`make ops` on a real stack: it finds folder, format and owner by itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fix_stack import Project

FOLDER = Path("sql", "kennwilliamson", "migrations")


def ops(project: Project, *words: str) -> Any:
    """What a command prints as JSON, below what it tells on the error output."""
    printed = project.run(".venv/bin/python", "-m", "ops", "migrate", *words, "--json")
    return json.loads(printed[printed.index("{\n") :])


def states(project: Project) -> dict[str, set[str]]:
    """The states of the migrations of each database."""
    found = ops(project, "status")["databases"]
    return {entry["database"]: {line["state"] for line in entry["migrations"]} for entry in found}


@pytest.fixture
def spare_migration(up: Project) -> Path:
    """Where a test puts one more migration; a test that applies it makes it undone again."""
    return up.folder / FOLDER / "20990101000000_add_things.sql"


def test_after_make_up_nothing_is_left_to_be_done(up: Project) -> None:
    assert states(up) == {"kennwilliamson": {"applied"}, "kennwilliamson_test": {"applied"}, "usualstore": {"applied"}}
    printed = up.make("ops", "ARGS=migrate up --database usualstore")
    assert printed == "Nothing to do: usualstore is at 20250610093000.\n"


def test_what_ops_applies_is_no_change_to_pulumi_and_what_it_undoes_is_pending(up: Project) -> None:
    undone = ops(up, "down", "--database", "usualstore", "--yes")
    assert [entry["direction"] for entry in undone["ran"]] == ["down"]
    assert "usualstore: pending: 20250610093000_add_assistant_handover_to_support_tickets" in up.make("preview")
    again = ops(up, "up", "--database", "usualstore")
    assert (again["version"], [entry["direction"] for entry in again["ran"]]) == ("20250610093000", ["up"])
    assert "usualstore: pending" not in up.make("preview")


def test_a_database_and_its_twin_are_migrated_each_by_itself(up: Project, spare_migration: Path) -> None:
    spare_migration.write_text("CREATE TABLE things (id bigint);\n", encoding="utf-8")
    try:
        applied = ops(up, "up", "--database", "kennwilliamson_test")
        assert (applied["database"], applied["version"]) == ("kennwilliamson_test", "20990101000000")
        assert states(up)["kennwilliamson"] == {"applied", "pending"}
    finally:
        spare_migration.unlink()
        with up.login("kennwilliamson_test", "owner").connect() as session:
            session.execute("DROP TABLE IF EXISTS things")
        ops(up, "repair", "--database", "kennwilliamson_test", "--yes")
    assert states(up)["kennwilliamson_test"] == {"applied"}


def test_the_owner_s_password_is_in_nothing_that_is_printed(up: Project) -> None:
    states(up)
    printed = "".join(up.printed)
    assert [role for role in ("owner", "app") if up.login("usualstore", role).password in printed] == []
