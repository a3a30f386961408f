"""tern, which is only measured against: that what the benchmark runs does what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from postgres.login import Login
from tools.peers import PEERS
from tools.peers.versions import VERSIONS


def test_tern_goes_up_in_steps_and_down(database: Login, tmp_path: Path) -> None:
    tern = PEERS["tern"]
    if not tern.installed():
        pytest.skip(f"tern {VERSIONS['tern']} is not installed; `make interop` gets every tool")
    for number in (1, 2, 3):
        text = f"CREATE TABLE t{number} ();\n---- create above / drop below ----\nDROP TABLE t{number};\n"
        (tmp_path / f"00{number}_t.sql").write_text(text, encoding="utf-8")

    assert tern.pending(database, tmp_path) == ("1", "2", "3")
    tern.up(database, tmp_path, 2)
    assert tern.pending(database, tmp_path) == ("3",)
    tern.up(database, tmp_path)
    tern.down(database, tmp_path)
    assert tern.pending(database, tmp_path) == ("3",)

    with database.connect() as session:
        tables = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").fetchall()
    assert tables == [("schema_version",), ("t1",), ("t2",)]
