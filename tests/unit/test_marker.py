from __future__ import annotations

import json
from pathlib import Path

import pytest

from cluster import marker
from cluster.errors import ForeignDataError
from cluster.marker import Marker

MINE = Marker("pgstack", "local", 18)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a cluster whose data is `MINE`."""
    (tmp_path / "pgdata").mkdir()
    (tmp_path / "pgdata" / "PG_VERSION").write_text("18\n")
    marker.write(tmp_path, MINE)
    return tmp_path


def refusal(folder: Path, wanted: Marker = MINE) -> str:
    with pytest.raises(ForeignDataError) as caught:
        marker.check(folder, wanted)
    return str(caught.value).replace(str(folder), "FOLDER")


def test_the_data_of_the_stack_itself_is_accepted(folder: Path) -> None:
    marker.check(folder, MINE)
    assert json.loads((folder / "cluster.json").read_text()) == {"project": "pgstack", "stack": "local", "version": 18}


def test_data_of_another_version_says_how_to_move_it(folder: Path) -> None:
    (folder / "pgdata" / "PG_VERSION").write_text("17\n")
    assert refusal(folder) == (
        "FOLDER/pgdata holds data of PostgreSQL 17; this server is PostgreSQL 18. It was not touched.\n"
        "Dump it with a server of version 17 (pg_dumpall), move FOLDER away, run `pulumi up`, and restore the dump."
    )


@pytest.mark.parametrize("wanted", [Marker("pgstack", "dev", 18), Marker("other", "local", 18)])
def test_data_of_another_stack_is_refused(folder: Path, wanted: Marker) -> None:
    assert refusal(folder, wanted) == (
        f"FOLDER/pgdata is the data of the stack local of the project pgstack, not of {wanted.stack} of {wanted.project}. "
        "It was not touched.\nSet pgstack:dataDirectory to another folder, or run that stack instead."
    )


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "{}", '{"project": "pgstack"}', "\ufffe", '{"project": "a", "stack": "b", "version": 1, "x": 2}']
)
def test_data_with_a_damaged_marker_is_refused(folder: Path, text: str) -> None:
    (folder / "cluster.json").write_text(text, encoding="utf-8")
    assert refusal(folder).startswith("FOLDER/pgdata was not made by this program, or is damaged (")


@pytest.mark.parametrize("name", ["cluster.json", "pgdata/PG_VERSION"])
def test_data_without_marker_or_version_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder).endswith("It was not touched.\nMove it away, or set pgstack:dataDirectory to another folder.")


def test_a_version_that_is_no_number_is_refused(folder: Path) -> None:
    (folder / "pgdata" / "PG_VERSION").write_text("9.6\n")
    assert "is damaged" in refusal(folder)
