from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from cluster import account, placement


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Root, whose server's account may not enter any folder; returns where its data goes."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(account, "blocked", lambda path, _uid, _gid: path.parents[1])
    monkeypatch.setattr(placement, "SHARED_DATA", tmp_path / "shared")
    return tmp_path / "shared"


def elsewhere(shared: Path, wanted: Path) -> Path:
    return shared / f"{wanted.name}-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]}"


def test_a_user_gets_the_folder_it_asked_for(monkeypatch: pytest.MonkeyPatch, shared: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    assert placement.place(tmp_path / "local") == tmp_path / "local"


def test_root_is_sent_to_a_folder_that_the_servers_account_reaches(shared: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "local", tmp_path / "b" / "local"
    assert [placement.place(first), placement.place(second)] == [elsewhere(shared, first), elsewhere(shared, second)]
    assert placement.place(first) != placement.place(second)
    assert not shared.exists()


def test_root_gets_the_folder_it_asked_for_where_that_is_open(monkeypatch: pytest.MonkeyPatch, shared: Path, tmp_path: Path) -> None:
    monkeypatch.setattr(account, "blocked", lambda *_arguments: None)
    assert placement.place(tmp_path / "local") == tmp_path / "local"


def test_data_stays_where_it_is(monkeypatch: pytest.MonkeyPatch, shared: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (here / "pgdata").mkdir(parents=True)
    (elsewhere(shared, there) / "pgdata").mkdir(parents=True)
    assert placement.place(here) == here
    monkeypatch.setattr(account, "blocked", lambda *_arguments: None)
    assert placement.place(there) == elsewhere(shared, there)
