from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cluster import account
from cluster.account import Account
from cluster.errors import ClusterError, UnreachableFolderError

ENTRY = pwd.struct_passwd(("pgstack", "x", 990, 991, "", "/nonexistent", "/usr/sbin/nologin"))


@pytest.fixture
def me() -> Account:
    """The one who runs the tests, as an account that needs no switch."""
    return Account(os.geteuid(), os.getegid(), "me", switch=False)


@pytest.fixture
def as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def test_a_user_runs_the_server_as_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1234)
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: pwd.struct_passwd(("ada", "x", uid, 5, "", "/", "/bin/sh")))
    assert account.name() == "ada"
    assert account.current(create=True) == Account(1234, 5, "ada", switch=False)


@pytest.mark.usefixtures("as_root")
def test_root_runs_the_server_as_a_system_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwnam", {"pgstack": ENTRY}.__getitem__)
    assert account.name() == "pgstack"
    assert account.current(create=False) == Account(990, 991, "pgstack", switch=True)


@pytest.mark.usefixtures("as_root")
def test_the_system_account_is_made_once_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    accounts: dict[str, pwd.struct_passwd] = {}
    commands: list[list[str]] = []

    def useradd(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        accounts["pgstack"] = ENTRY
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(pwd, "getpwnam", accounts.__getitem__)
    monkeypatch.setattr(subprocess, "run", useradd)
    with pytest.raises(ClusterError, match="There is no account pgstack: no server was ever started here as root"):
        account.current(create=False)
    assert commands == []
    assert account.current(create=True) == Account(990, 991, "pgstack", switch=True)
    assert [(command[0], command[-1]) for command in commands] == [("useradd", "pgstack")]


@pytest.mark.usefixtures("as_root")
@pytest.mark.parametrize("missing", [True, False])
def test_an_account_that_cannot_be_made_is_told_with_the_way_out(monkeypatch: pytest.MonkeyPatch, missing: bool) -> None:
    def useradd(command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        if missing:
            raise FileNotFoundError
        return subprocess.CompletedProcess(command, 1, "", "useradd: cannot lock /etc/passwd\n")

    monkeypatch.setattr(pwd, "getpwnam", dict[str, Any]().__getitem__)
    monkeypatch.setattr(subprocess, "run", useradd)
    with pytest.raises(ClusterError) as caught:
        account.current(create=True)
    said = "there is no useradd on this machine" if missing else "useradd: cannot lock /etc/passwd"
    assert str(caught.value) == (
        f"PostgreSQL does not run as root, and the account pgstack could not be made for it: {said}\n"
        "Make a system account named pgstack, or run as a user who is not root."
    )


def test_a_program_gets_no_secret_of_the_caller(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, me: Account) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "s3cret")
    show = "import json, os, sys; print(json.dumps([dict(os.environ), os.getcwd(), sys.stdin.read(), os.getsid(0) == os.getpid()]))"
    log = tmp_path / "log"
    with log.open("wb") as file:
        code = me.run(
            [sys.executable, "-I", "-c", f"{show}; sys.stdout.flush(); print('bad', file=sys.stderr); sys.exit(7)"],
            folder=tmp_path,
            log=file.fileno(),
        )
    printed, complaint = log.read_text().splitlines()
    environment, folder, typed, own_session = json.loads(printed)
    assert (code, complaint, Path(folder), typed, own_session) == (7, "bad", tmp_path.resolve(), "", True)
    assert {name: value for name, value in environment.items() if name != "LC_CTYPE"} == {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C",
        "HOME": str(tmp_path),
        "USER": "me",
    }


def test_a_folder_closed_to_the_account_is_named(tmp_path: Path, me: Account) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    target = closed / "data" / "pgdata"
    assert me.blocked_by(target) is None
    closed.chmod(0o600)
    assert me.blocked_by(target) == closed
    closed.chmod(0o700)


@pytest.mark.parametrize(("mode", "bit"), [(0o710, "group"), (0o701, "other"), (0o700, "owner")])
def test_the_mode_that_counts_is_that_of_the_owner_the_group_or_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int, bit: str
) -> None:
    """The folders above are open; the last one is open to one kind of user alone."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(mode)
    own = folder.stat()
    parents = set(folder.parents)
    whole = Path.stat

    def stat(self: Path, **options: Any) -> os.stat_result:
        found = whole(self, **options)
        return os.stat_result([found.st_mode | 0o111, *found[1:]]) if self in parents else found

    monkeypatch.setattr(Path, "stat", stat)
    users = {"owner": (own.st_uid, -2), "group": (-2, own.st_gid), "other": (-2, -2)}
    assert {kind: account.blocked(folder / "pgdata", *ids) for kind, ids in users.items()} == {
        kind: None if kind in ("owner", bit) else folder for kind in users
    }


def test_an_account_that_needs_no_switch_reaches_everything(tmp_path: Path, me: Account) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o600)
    me.require_reach(closed / "pgdata")
    closed.chmod(0o700)


def test_an_account_that_cannot_reach_its_data_is_told_with_the_way_out(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    other = Account(closed.stat().st_uid, closed.stat().st_gid, "pgstack", switch=True)
    closed.chmod(0o600)
    with pytest.raises(UnreachableFolderError) as caught:
        other.require_reach(closed / "pgdata")
    closed.chmod(0o700)
    assert str(caught.value) == (
        f"The server runs as the account pgstack, which may not enter {closed}, so it cannot reach {closed / 'pgdata'}.\n"
        f"Run as a user who is not root, set pgstack:dataDirectory to a folder elsewhere, or: chmod o+x {closed}"
    )


@pytest.mark.parametrize("switch", [True, False])
def test_files_are_given_to_the_account_where_it_is_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, switch: bool) -> None:
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "chown", lambda *arguments, follow_symlinks: given.append((*arguments, follow_symlinks)))
    Account(990, 991, "pgstack", switch).own(tmp_path)
    assert given == ([(tmp_path, 990, 991, False)] if switch else [])
