from __future__ import annotations

import psycopg
import pytest

from migrator import failure
from migrator.errors import MigrationFailed, UncertainError
from migrator.model import Migration, Script
from migrator.statements import Statement

TEXT = "-- a\nSELECT 1;\n\nSELECT\n  2;\n\n"


def migrations(count: int) -> list[Migration]:
    return [Migration(str(number), "step", Script("m/1_a.sql", b"", "")) for number in range(1, count + 1)]


def failed(hint: str = "") -> MigrationFailed:
    return MigrationFailed("m/3_c.sql:1: no", path="m/3_c.sql", line=1, sqlstate="42601", hint=hint)


@pytest.mark.parametrize(
    ("done", "planned", "verb", "said"),
    [
        (0, 1, "applied", "none was applied before it."),
        (0, 3, "applied", "none was applied before it, 2 after it were not run."),
        (2, 3, "applied", "2 before it were applied and stay."),
        (2, 9, "undone", "2 before it were undone and stay, 6 after it were not run."),
    ],
)
def test_what_became_of_the_others_is_added(done: int, planned: int, verb: str, said: str) -> None:
    told = failure.with_aftermath(failed(), migrations(done), planned, verb)
    assert Exception.__str__(told) == f"m/3_c.sql:1: no\nThe migration was rolled back; {said}"
    assert (told.path, told.line, told.sqlstate, told.applied) == ("m/3_c.sql", 1, "42601", ("1", "2")[:done])
    assert told.hint == "Mend the file and run the command again: it goes on from here."


def test_a_hint_and_the_kind_of_error_and_its_outcome_stay() -> None:
    uncertain = UncertainError("m/3_c.sql:1: who knows", path="m/3_c.sql", line=1, sqlstate="", hint="Look.")
    told = failure.with_aftermath(uncertain, [], 1)
    assert (type(told), told.hint) == (UncertainError, "Look.")
    assert str(told) == "m/3_c.sql:1: who knows\nNothing was run; none was applied before it.\nLook."
    special = failed()
    special.outcome = "Half of it stays"
    assert "\nHalf of it stays; none was" in str(failure.with_aftermath(special, [], 1))


@pytest.mark.parametrize(
    ("statement", "line", "what"),
    [
        (Statement("SELECT 1", TEXT.index("SELECT")), 12, "statement: SELECT 1"),
        (Statement("SELECT\n  2", TEXT.index("SELECT\n")), 14, "statement: SELECT 2"),
        (None, 15, "at the end, when it was to be recorded and committed"),
    ],
)
def test_an_error_of_the_driver_itself_has_a_place_too(statement: Statement | None, line: int, what: str) -> None:
    script = Script("m/1_a.sql", b"", TEXT, first_line=11)
    described = failure.describe(psycopg.OperationalError("  lost\n"), script, statement)
    assert str(described) == f"m/1_a.sql:{line}: lost\n  {what}"
    assert (described.line, described.sqlstate) == (line, "")


def test_a_driver_without_words_is_named() -> None:
    described = failure.describe(psycopg.InterfaceError(), Script("m/1_a.sql", b"", ""), None)
    assert str(described).startswith("m/1_a.sql:1: InterfaceError\n")


@pytest.mark.parametrize(("length", "shown"), [(200, "x" * 200), (201, "x" * 200 + "…")])
def test_a_long_statement_is_cut(length: int, shown: str) -> None:
    described = failure.describe(psycopg.Error("no"), Script("m/1_a.sql", b"", ""), Statement("x" * length, 0))
    assert str(described).endswith(f"\n  statement: {shown}")
