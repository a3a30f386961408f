"""Servers that crash, and disks that fill up: what was reported as applied is there, and the next run converges."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.cluster import Cluster
from migrator import link
from migrator.errors import Interrupted, MigrationError, MigrationFailed
from migrator.model import Folder
from migrator.session import Settings
from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_cluster import PASSWORD, Clusters, crash, superuser_of, wait_for
from tests.fix_failures import Heard, at_work, run, versions
from tests.fix_migrations import CleanRuns, ledger_versions, sqlx_versions, tables, write

FORGETFUL = {"fsync": "on", "wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
"""Parameters of a server that brings asynchronous commits to the disk late, and not at all where it crashes before."""

MEBIBYTE = 2**20

BIG = {"3_big.sql": "CREATE TABLE big AS SELECT repeat('x', 1000) FROM generate_series(1, 10000)", "4_after.sql": ""}
"""A migration that takes ten mebibytes, and one after it."""


def login_of(cluster: Cluster) -> Login:
    return superuser_of(cluster, PASSWORD)


def plain(path: Path, count: int, **more: str) -> Folder:
    """Migrations whose commits are asynchronous, but for the last one; and others."""
    return write(path, {f"{number}_t.sql": f"CREATE TABLE t{number} (id int)" for number in range(1, count + 1)} | more)


# Crashes


def test_what_an_error_reports_as_applied_survives_a_crash(clusters: Clusters, tmp_path: Path) -> None:
    cluster = clusters.up(**FORGETFUL)
    for count in (5, 10, 15):
        with pytest.raises(MigrationFailed) as failed:
            run(login_of(cluster), plain(tmp_path, count, **{f"{count + 1}_bad.sql": "SELECT 1 / 0"}))
        crash(cluster)
        cluster.ensure(PASSWORD)
        with login_of(cluster).connect() as session:
            applied = [str(number) for number in range(1, count + 1)]
            assert (failed.value.applied, ledger_versions(session), sqlx_versions(session)) == (tuple(applied[-5:]), applied, applied)
            assert tables(session) == sorted(f"t{number}" for number in applied)


class PressesCtrlC(Heard):
    """Is interrupted when it hears that something takes its time."""

    def waiting(self, what: str) -> None:
        raise KeyboardInterrupt


def test_what_an_interruption_reports_as_applied_survives_a_crash(clusters: Clusters, tmp_path: Path) -> None:
    cluster = clusters.up(**FORGETFUL)
    with pytest.raises(Interrupted, match=r"^Interrupted at 6_slow, which was rolled back; 5 of 7 were committed and stay"):
        run(login_of(cluster), plain(tmp_path, 5, **{"6_slow.sql": "SELECT pg_sleep(3600)", "7_t.sql": ""}), PressesCtrlC())
    crash(cluster)
    cluster.ensure(PASSWORD)
    with login_of(cluster).connect() as session:
        assert ledger_versions(session) == ["1", "2", "3", "4", "5"]


def test_server_that_crashes_and_comes_back_is_gone_on_with(clusters: Clusters, tmp_path: Path, clean_runs: CleanRuns) -> None:
    """It has forgotten commits that the migrator had heard of: each migration is applied again, and reported once."""
    cluster = clusters.up(**FORGETFUL)
    login = login_of(cluster)
    given = plain(tmp_path, 9, **{"5_t.sql": "SELECT pg_advisory_xact_lock(1); CREATE TABLE t5 (id int)"})
    heard = Heard()
    with ThreadPoolExecutor(1) as threads, login.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        migrating = threads.submit(run, login, given, heard, Settings())
        wait_for(lambda: at_work(holder, "pg_advisory_xact_lock", "Lock"), "the fifth migration")
        assert heard.ran_ == ["1", "2", "3", "4"]
        crash(cluster)
        cluster.ensure(PASSWORD)
        assert migrating.result() == versions(given)
    with login.connect() as session:
        assert (ledger_versions(session), sqlx_versions(session)) == (versions(given), versions(given))
    clean_runs.assert_same(login, given)


# Disks that fill up


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """A disk of 64 MiB."""
    folder = open_folder / secrets.token_hex(4)
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "tmpfs", folder], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip(f"this account cannot mount a small disk: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path, left: int) -> Path:
    """Fills a disk up to some bytes; the file that does."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, shutil.disk_usage(disk).free - left)
    return filler


def wal_elsewhere(cluster: Cluster, folder: Path) -> None:
    """Moves the log of a cluster that does not run to another disk."""
    subprocess.run(["cp", "-a", cluster.data / "pg_wal", folder], check=True)
    shutil.rmtree(cluster.data / "pg_wal")
    (cluster.data / "pg_wal").symlink_to(folder / "pg_wal")


def test_full_disk_is_an_error_of_the_migration_that_needed_it(
    small_disk: Path, clusters: Clusters, tmp_path: Path, clean_runs: CleanRuns
) -> None:
    cluster = clusters.ready(small_disk / "cluster")
    clusters.folder.mkdir(parents=True, exist_ok=True)
    wal_elsewhere(cluster, clusters.folder)
    cluster.ensure(PASSWORD)
    given = plain(tmp_path, 2, **BIG)
    filler = fill(small_disk, 4 * MEBIBYTE)
    with pytest.raises(MigrationFailed) as failed:
        run(login_of(cluster), given)
    assert (failed.value.path, failed.value.sqlstate, failed.value.applied) == (str(tmp_path / "3_big.sql"), "53100", ("1", "2"))
    assert "No space left on device (SQLSTATE 53100)\n" in str(failed.value)
    filler.unlink()
    assert run(login_of(cluster), given) == ["3", "4"]
    clean_runs.assert_same(login_of(cluster), given)


def test_full_disk_is_an_error_of_the_records_where_they_cannot_be_made(
    small_disk: Path, clusters: Clusters, tmp_path: Path, clean_runs: CleanRuns
) -> None:
    cluster = clusters.ready(small_disk / "cluster")
    clusters.folder.mkdir(parents=True, exist_ok=True)
    wal_elsewhere(cluster, clusters.folder)
    cluster.ensure(PASSWORD)
    given = plain(tmp_path, 2)
    filler = fill(small_disk, 0)
    with pytest.raises(MigrationError, match=r"could not be .* No space left on device \(SQLSTATE 53100\)"):
        run(login_of(cluster), given)
    filler.unlink()
    assert run(login_of(cluster), given) == ["1", "2"]
    clean_runs.assert_same(login_of(cluster), given)


def test_server_that_stops_for_want_of_disk_is_an_error(
    small_disk: Path, clusters: Clusters, tmp_path: Path, clean_runs: CleanRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It cannot write its log any more, and gives up: the session is lost, and opens no more or breaks again."""
    monkeypatch.setattr(link, "REOPENING", 1.0)
    cluster = clusters.ready(small_disk / "cluster")
    cluster.ensure(PASSWORD)
    given = plain(tmp_path, 2, **BIG)
    filler = fill(small_disk, 4 * MEBIBYTE)
    with pytest.raises((ConnectionFailed, MigrationFailed), match=r"(T|t)he session (was lost|broke 3 times)"):
        run(login_of(cluster), given)
    filler.unlink()
    cluster.ensure(PASSWORD)
    assert run(login_of(cluster), given)[-2:] == ["3", "4"]
    clean_runs.assert_same(login_of(cluster), given)
