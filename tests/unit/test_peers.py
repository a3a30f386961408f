"""Getting the migration tools of others, with stand-ins for the registries' clients."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from postgres.login import Login
from tools.peers import PEERS, Peer, PeerError, __main__, versions
from tools.peers.install import SUMS, home, install, platform_name

LOGIN = Login("127.0.0.1", 5432, "a database", "a user", "not to be seen", sslmode="disable")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a PATH that leads nowhere but to the folder returned."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PGSTACK_PEERS_CACHE", str(tmp_path / "cache"))
    return folder


def stand_in(folder: Path, name: str, body: str) -> None:
    """A program that runs this Python; its arguments are in `sys.argv`."""
    program = folder / name
    program.write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n", encoding="utf-8")
    program.chmod(0o755)


def cached(tmp_path: Path) -> list[str]:
    """What is in the cache, hidden folders as well."""
    return [entry.name for entry in (tmp_path / "cache").iterdir()]


def test_a_tool_that_is_there_is_not_asked_for_again(programs: Path) -> None:
    home("sqlx").mkdir(parents=True)

    assert install("sqlx") is False


def test_what_a_client_made_appears_under_the_tools_name_and_version(programs: Path, tmp_path: Path) -> None:
    stand_in(programs, "cargo", "(pathlib.Path(sys.argv[sys.argv.index('--root') + 1]) / 'sqlx').write_text(' '.join(sys.argv[1:4]))")

    assert install("sqlx") is True

    assert cached(tmp_path) == [f"sqlx-{versions.SQLX}"]
    assert (home("sqlx") / "sqlx").read_text() == "install --locked --quiet"
    assert PEERS["sqlx"].installed()


def test_a_client_that_is_missing_is_named(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="There is no `cargo` on PATH"):
        install("sqlx")

    assert cached(tmp_path) == []


def test_what_a_failed_client_printed_is_told_and_nothing_of_it_kept(programs: Path, tmp_path: Path) -> None:
    stand_in(programs, "cargo", "pathlib.Path(sys.argv[sys.argv.index('--root') + 1], 'half').touch()\nsys.exit('no such crate')")

    with pytest.raises(PeerError, match="no such crate"):
        install("sqlx")

    assert cached(tmp_path) == []
    assert not PEERS["sqlx"].installed()


def test_jars_other_than_the_pinned_ones_are_thrown_away(programs: Path, tmp_path: Path) -> None:
    stand_in(programs, "java", "")
    body = "folder = next(a.partition('=')[2] for a in sys.argv if a.startswith('-DoutputDirectory='))\n"
    stand_in(programs, "mvn", f"{body}pathlib.Path(folder, 'flyway-core-{versions.FLYWAY}.jar').write_text('not it')")

    with pytest.raises(PeerError) as caught:
        install("flyway")

    assert str(caught.value).startswith("Not the pinned files")
    assert all(f"{artifact.split(':')[1]}-" in str(caught.value) for artifact in versions.FLYWAY_JARS)
    assert cached(tmp_path) == []


def test_flyway_is_not_installed_without_java(programs: Path) -> None:
    with pytest.raises(PeerError, match="There is no `java` on PATH"):
        install("flyway")
    home("flyway").mkdir(parents=True)

    assert not PEERS["flyway"].installed()


@pytest.mark.skipif(platform_name() not in versions.DBMATE_INTEGRITY, reason=f"dbmate is not pinned for {platform_name()}")
def test_dbmate_comes_by_a_lock_with_its_integrity_and_without_an_address(programs: Path) -> None:
    stand_in(programs, "npm", "assert sys.argv[1:3] == ['ci', '--ignore-scripts']")

    install("dbmate")

    lock = json.loads((home("dbmate") / "package-lock.json").read_text())
    package = {"version": versions.DBMATE, "integrity": versions.DBMATE_INTEGRITY[platform_name()]}
    assert lock["packages"][f"node_modules/@dbmate/{platform_name()}"] == package


@pytest.mark.parametrize("name", versions.GO)
def test_the_sums_of_go_modules_are_pinned_without_addresses(name: str) -> None:
    sums = (SUMS / f"{name}.sum").read_text(encoding="utf-8")

    assert f"{versions.GO[name].module} {versions.GO[name].version} h1:" in sums
    assert "://" not in sums


@pytest.mark.parametrize(("options", "code"), [([], 1), (["--where-possible"], 0)])
def test_the_command_names_what_it_could_not_get(
    options: list[str], code: int, programs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in versions.VERSIONS.keys() - {"dbmate", "sqlx"}:
        home(name).mkdir(parents=True)
    monkeypatch.setattr(sys, "argv", ["peers", "install", *options])

    assert __main__.main() == code

    assert capsys.readouterr().err.startswith(f"  dbmate {versions.DBMATE}: not installed. ")


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
def test_no_password_is_in_the_arguments(peer: Peer, tmp_path: Path) -> None:
    arguments, environment = peer.command(LOGIN, tmp_path)

    assert not [argument for argument in arguments if "not to be seen" in argument or "not%20to" in argument]
    assert [value for value in environment.values() if "not to be seen" in value or "not%20to%20be%20seen" in value]
