"""The embedded server as a process: made, started again, reconfigured, refused, stopped, deleted."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import psycopg
import pytest

from cluster import account, postmaster, programs
from cluster.cluster import LOG_LIMIT, Cluster
from cluster.errors import ClusterError, DiskFullError, ForeignDataError, PortTakenError, UnreachableFolderError
from cluster.marker import Marker
from postgres.errors import ConnectionFailed
from tests.fix_cluster import PASSWORD, Clusters, at_work_in, crash, pid_of, superuser_of, wait_for
from tests.fix_server import free_port

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534

only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can set this up")


def answer(cluster: Cluster, query: str, password: str = PASSWORD) -> tuple[object, ...]:
    """The first row that the server answers a query with."""
    with superuser_of(cluster, password).connect() as session:
        row = session.execute(query.encode()).fetchone()
    assert row is not None
    return tuple(row)


def logs_in(cluster: Cluster, password: str) -> bool:
    return superuser_of(cluster, password).works()


def snapshot(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Every file below a folder with inode, size and time of its last change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path.relative_to(folder))] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


@contextlib.contextmanager
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process of the server's account that has nothing to do with any server."""
    owner = account.current(create=True)
    identity = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if owner.switch else {}
    with subprocess.Popen(["sleep", "120"], cwd="/", **identity) as process:
        try:
            yield process
        finally:
            process.kill()


# Made, started, stopped


def test_first_ensure_makes_and_starts_a_utf8_server(clusters: Clusters) -> None:
    cluster = clusters.new()
    assert cluster.ensure(PASSWORD) == (
        "made the data directory",
        f"started the server on port {cluster.port}",
        "set the superuser's password",
    )
    query = (
        "SELECT current_setting('server_version_num')::int / 10000, pg_encoding_to_char(encoding), datlocprovider::text, datlocale,"
        " current_setting('timezone'), current_setting('password_encryption') FROM pg_database WHERE datname = current_database()"
    )
    assert answer(cluster, query) == (18, "UTF8", "b", "C.UTF-8", "UTC", "scram-sha-256")


def test_preview_of_a_new_cluster_makes_nothing(clusters: Clusters) -> None:
    cluster = clusters.new()
    assert cluster.differences(PASSWORD) == ("the data directory is to be made",)
    assert not cluster.folder.exists()


def test_second_ensure_does_nothing(clusters: Clusters) -> None:
    cluster = clusters.up()
    pid = pid_of(cluster)
    assert (cluster.differences(PASSWORD), cluster.ensure(PASSWORD), pid_of(cluster)) == ((), (), pid)


def test_preview_of_a_killed_server_says_so_and_starts_nothing(clusters: Clusters) -> None:
    cluster = clusters.up()
    crash(cluster)
    assert cluster.differences(PASSWORD) == ("the server is not running and is to be started",)
    assert (postmaster.find(cluster.data), at_work_in(cluster.data)) == (None, [])


def test_ensure_starts_a_killed_server_with_its_data(clusters: Clusters) -> None:
    cluster = clusters.up()
    with superuser_of(cluster, PASSWORD).connect() as session:
        session.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    crash(cluster)
    assert cluster.ensure(PASSWORD) == (f"started the server on port {cluster.port}",)
    assert answer(cluster, "SELECT answer FROM kept") == (42,)


def test_no_second_server_starts_beside_a_backend_that_outlived_its_postmaster(clusters: Clusters) -> None:
    """Two servers that write to one data directory destroy it."""
    cluster = clusters.up()
    with contextlib.closing(superuser_of(cluster, PASSWORD).connect()) as session:
        orphan = session.info.backend_pid
        session.pgconn.send_query(b"DO $$ BEGIN LOOP NULL; END LOOP; END $$")
        os.kill(pid_of(cluster), signal.SIGKILL)
        wait_for(lambda: at_work_in(cluster.data) == [orphan], "all processes but the busy one to end")
        # Where nobody collects the killed postmaster, its zombie and this file would keep the next one out by chance.
        (cluster.socket_directory / f".s.PGSQL.{cluster.port}.lock").unlink()
        try:
            with contextlib.suppress(ClusterError):
                cluster.ensure(PASSWORD)
            beside_it = postmaster.find(cluster.data) if orphan in at_work_in(cluster.data) else None
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(orphan, signal.SIGKILL)
    assert beside_it is None
    cluster.ensure(PASSWORD)
    assert logs_in(cluster, PASSWORD)


@pytest.mark.parametrize("whose", ["this test's", "the server account's"])
def test_stale_pid_of_a_foreign_process_is_no_server(clusters: Clusters, whose: str) -> None:
    """After a reboot, the pid in the files of a server that was not stopped may be anybody's."""
    cluster = clusters.up()
    pid_files = [cluster.data / "postmaster.pid", cluster.socket_directory / f".s.PGSQL.{cluster.port}.lock"]
    lines = [file.read_text(encoding="utf-8").splitlines()[1:] for file in pid_files]
    crash(cluster)
    with sleeper() as process:
        foreign = os.getpid() if whose == "this test's" else process.pid
        for file, rest in zip(pid_files, lines, strict=True):
            file.write_text("\n".join([str(foreign), *rest, ""]), encoding="utf-8")
        assert cluster.differences(PASSWORD) == ("the server is not running and is to be started",)
        assert cluster.stop() is False
        assert cluster.ensure(PASSWORD) == (f"started the server on port {cluster.port}",)
        assert (process.poll(), pid_of(cluster) != foreign) == (None, True)


def test_stopped_server_is_taken_back_with_a_new_password(clusters: Clusters) -> None:
    cluster = clusters.up("old-password")
    with superuser_of(cluster, "old-password").connect() as session:
        session.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert (cluster.stop(), cluster.stop(), at_work_in(cluster.data)) == (True, False, [])
    assert cluster.ensure("new-password") == (f"started the server on port {cluster.port}", "set the superuser's password")
    assert (logs_in(cluster, "old-password"), logs_in(cluster, "new-password")) == (False, True)
    assert answer(cluster, "SELECT answer FROM kept", "new-password") == (42,)


def test_stop_ends_open_sessions(clusters: Clusters) -> None:
    cluster = clusters.up()
    with superuser_of(cluster, PASSWORD).connect() as session:
        cluster.stop()
        with pytest.raises(psycopg.errors.AdminShutdown):
            session.execute("SELECT 1")


def test_changed_password_is_previewed_then_set(clusters: Clusters) -> None:
    cluster = clusters.up("old-password")
    assert cluster.differences("new-password") == ("the superuser's password is to be set",)
    assert (logs_in(cluster, "old-password"), logs_in(cluster, "new-password")) == (True, False)
    assert cluster.ensure("new-password") == ("set the superuser's password",)
    assert (logs_in(cluster, "old-password"), logs_in(cluster, "new-password")) == (False, True)


def test_delete_stops_the_server_and_removes_everything(clusters: Clusters) -> None:
    cluster = clusters.up()
    cluster.delete()
    assert (at_work_in(cluster.data), cluster.folder.exists(), cluster.socket_directory.exists()) == ([], False, False)


def test_delete_of_what_was_never_made_does_nothing(clusters: Clusters) -> None:
    cluster = clusters.new()
    cluster.delete()
    assert not cluster.folder.exists()


def test_delete_leaves_files_that_are_not_the_clusters(clusters: Clusters) -> None:
    cluster = clusters.new()
    cluster.folder.mkdir(parents=True)
    mine = cluster.folder / "thesis.txt"
    mine.write_text("years of work", encoding="utf-8")
    with contextlib.suppress(ForeignDataError):
        cluster.delete()
    assert mine.exists()


def test_what_a_killed_initdb_left_is_cleaned_up(clusters: Clusters) -> None:
    cluster = clusters.new()
    partial = cluster.folder / "pgdata.partial"
    (partial / "base").mkdir(parents=True)
    (partial / "PG_VERSION").write_text("18\n", encoding="ascii")
    assert cluster.ensure(PASSWORD)[0] == "made the data directory"
    assert (partial.exists(), logs_in(cluster, PASSWORD)) == (False, True)


def test_long_log_is_put_aside_at_a_start(clusters: Clusters) -> None:
    cluster = clusters.up()
    cluster.stop()
    os.truncate(cluster.log, LOG_LIMIT + 1)
    cluster.ensure(PASSWORD)
    older = cluster.folder / "postgres.log.1"
    assert (older.stat().st_size >= LOG_LIMIT, cluster.log.stat().st_size < LOG_LIMIT) == (True, True)


# Refused


def test_taken_port_is_refused_with_who_has_it(clusters: Clusters) -> None:
    cluster = clusters.ready()
    with socket.create_server(("127.0.0.1", cluster.port)), pytest.raises(PortTakenError) as refused:
        cluster.ensure(PASSWORD)
    assert str(refused.value) == (
        f"Port {cluster.port} is taken by {psutil.Process().name()} (pid {os.getpid()}).\n"
        "Stop that program, or choose another port: pulumi config set pgstack:port 5433"
    )
    cluster.ensure(PASSWORD)
    assert logs_in(cluster, PASSWORD)


def test_move_to_a_taken_port_leaves_the_server_where_it_is(clusters: Clusters) -> None:
    cluster = clusters.up()
    pid = pid_of(cluster)
    moved = clusters.variant(cluster, port=free_port())
    with socket.create_server(("127.0.0.1", moved.port)), pytest.raises(PortTakenError):
        moved.ensure(PASSWORD)
    assert (cluster.differences(PASSWORD), pid_of(cluster)) == ((), pid)


@pytest.mark.parametrize(
    ("identity", "says"),
    [
        (Marker("shop", "prod", 18), "is the data of the stack dev of the project shop, not of prod of shop. It was not touched."),
        (Marker("blog", "dev", 18), "is the data of the stack dev of the project shop, not of dev of blog. It was not touched."),
        (Marker("shop", "dev", 17), "holds data of PostgreSQL 18; this server is PostgreSQL 17. It was not touched."),
    ],
    ids=["stack", "project", "version"],
)
def test_data_of_another_identity_is_refused_untouched(clusters: Clusters, identity: Marker, says: str) -> None:
    cluster = clusters.up()
    cluster.stop()
    foreign = replace(cluster, identity=identity)
    before = snapshot(cluster.data)
    for attempt in (lambda: foreign.differences(PASSWORD), lambda: foreign.ensure(PASSWORD), foreign.delete):
        with pytest.raises(ForeignDataError) as refused:
            attempt()
        assert Exception.__str__(refused.value) == f"{cluster.data} {says}"
    assert (snapshot(cluster.data), at_work_in(cluster.data)) == (before, [])


def test_running_server_of_another_stack_goes_on(clusters: Clusters) -> None:
    cluster = clusters.up()
    pid = pid_of(cluster)
    foreign = replace(cluster, identity=Marker("shop", "prod", 18))
    for attempt in (lambda: foreign.ensure("other"), foreign.delete):
        with pytest.raises(ForeignDataError):
            attempt()
    assert (pid_of(cluster), logs_in(cluster, PASSWORD)) == (pid, True)


def test_data_without_a_marker_is_refused_untouched(clusters: Clusters) -> None:
    cluster = clusters.new()
    cluster.data.mkdir(parents=True)
    (cluster.data / "PG_VERSION").write_text("18\n", encoding="ascii")
    (cluster.data / "something").write_text("dear", encoding="utf-8")
    before = snapshot(cluster.data)
    for attempt in (lambda: cluster.differences(PASSWORD), lambda: cluster.ensure(PASSWORD), cluster.delete):
        with pytest.raises(ForeignDataError, match="was not made by this program, or is damaged"):
            attempt()
    assert snapshot(cluster.data) == before


@only_root
def test_folder_closed_to_the_servers_account_is_named(clusters: Clusters) -> None:
    closed = clusters.folder / "closed"
    closed.mkdir(parents=True)
    closed.chmod(0o700)
    cluster = clusters.new(closed / "data" / "dev")
    with pytest.raises(UnreachableFolderError) as refused:
        cluster.ensure(PASSWORD)
    assert Exception.__str__(refused.value) == (
        f"The server runs as the account {account.NAME}, which may not enter {closed}, so it cannot reach {cluster.data}."
    )
    closed.chmod(0o711)
    cluster.ensure(PASSWORD)
    assert logs_in(cluster, PASSWORD)


@pytest.fixture
def small_disk(open_folder: Path) -> Iterator[Path]:
    """A file system of 24 MiB, which is too small for a cluster."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system")
    folder = open_folder / f"disk-{secrets.token_hex(4)}"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=0755", "tmpfs", str(folder)], capture_output=True, check=False)
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_full_disk_is_named_and_ensure_goes_on_when_there_is_room(small_disk: Path, clusters: Clusters) -> None:
    cluster = clusters.new(small_disk / "dev")
    with pytest.raises(DiskFullError) as refused:
        cluster.ensure(PASSWORD)
    assert str(refused.value).startswith(f"No space is left for {cluster.folder}: ")
    assert postmaster.find(cluster.data) is None
    subprocess.run(["mount", "-o", "remount,size=400m", str(small_disk)], check=True)
    try:
        cluster.ensure(PASSWORD)
        assert logs_in(cluster, PASSWORD)
    finally:
        cluster.delete()


# Reconfigured


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("work_mem", "lots", 'invalid value for parameter "work_mem": "lots"'),
        ("no_such_parameter", "1", 'unrecognized configuration parameter "no_such_parameter"'),
    ],
)
def test_bad_parameter_is_refused_and_the_server_goes_on(clusters: Clusters, name: str, value: str, says: str) -> None:
    cluster = clusters.up(work_mem="5MB")
    pid = pid_of(cluster)
    before = (cluster.data / "pgstack.conf").read_text(encoding="utf-8")
    with pytest.raises(ClusterError, match=r"^The server refuses its parameters: ") as refused:
        clusters.variant(cluster, **{name: value}).ensure(PASSWORD)
    assert says in str(refused.value)
    assert (cluster.data / "pgstack.conf").read_text(encoding="utf-8") == before
    assert (cluster.differences(PASSWORD), pid_of(cluster), answer(cluster, "SHOW work_mem")) == ((), pid, ("5MB",))


def test_bad_parameter_of_a_new_cluster_can_be_mended(clusters: Clusters) -> None:
    cluster = clusters.new(work_mem="lots")
    with pytest.raises(ClusterError, match=r"^The server refuses its parameters: "):
        cluster.ensure(PASSWORD)
    assert postmaster.find(cluster.data) is None
    mended = clusters.variant(cluster, work_mem="6MB")
    mended.ensure(PASSWORD)
    assert answer(mended, "SHOW work_mem") == ("6MB",)


@pytest.mark.parametrize("value", ["a'b\\c #=' ", "x'\nlisten_addresses = '*", "$1 %% {x}"], ids=["quotes", "line break", "signs"])
def test_value_of_a_parameter_arrives_as_it_is_and_sets_no_other(clusters: Clusters, value: str) -> None:
    cluster = clusters.up(log_line_prefix=value)
    query = "SELECT current_setting('log_line_prefix'), current_setting('listen_addresses')"
    assert answer(cluster, query) == (value, "127.0.0.1,::1")
    assert cluster.differences(PASSWORD) == ()


def test_changed_max_connections_restarts(clusters: Clusters) -> None:
    cluster = clusters.up()
    pid = pid_of(cluster)
    larger = clusters.variant(cluster, max_connections="42")
    assert larger.differences(PASSWORD) == ("the server's configuration is to be changed",)
    assert (pid_of(cluster), answer(cluster, "SHOW max_connections")) == (pid, ("100",))
    assert larger.ensure(PASSWORD) == ("restarted the server for max_connections",)
    assert (pid_of(larger) != pid, answer(larger, "SHOW max_connections"), larger.differences(PASSWORD)) == (True, ("42",), ())


def test_changed_work_mem_reloads(clusters: Clusters) -> None:
    cluster = clusters.up()
    pid = pid_of(cluster)
    larger = clusters.variant(cluster, work_mem="7MB")
    assert larger.ensure(PASSWORD) == ("reloaded the configuration for work_mem",)
    wait_for(lambda: answer(larger, "SHOW work_mem") == ("7MB",), "the reload")
    assert pid_of(larger) == pid


def test_parameter_taken_out_goes_back_to_its_default(clusters: Clusters) -> None:
    cluster = clusters.up(work_mem="7MB")
    without = replace(cluster, parameters={name: value for name, value in cluster.parameters.items() if name != "work_mem"})
    assert without.ensure(PASSWORD) == ("reloaded the configuration for work_mem",)
    wait_for(lambda: answer(without, "SHOW work_mem") == ("4MB",), "the reload")


def test_changed_port_moves_the_server(clusters: Clusters) -> None:
    cluster = clusters.up()
    moved = clusters.variant(cluster, port=free_port())
    assert moved.ensure(PASSWORD) == ("restarted the server for port",)
    assert (logs_in(moved, PASSWORD), logs_in(cluster, PASSWORD), moved.differences(PASSWORD)) == (True, False, ())


def test_order_of_parameters_makes_no_difference(clusters: Clusters) -> None:
    cluster = clusters.up(work_mem="5MB", max_connections="30")
    reordered = replace(cluster, parameters=dict(reversed(cluster.parameters.items())))
    assert (reordered.differences(PASSWORD), reordered.ensure(PASSWORD)) == ((), ())


def test_restart_that_broke_off_is_made_up_for(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are written before the restart: where the program ends between the two, the next run has to see it."""

    def break_off(_self: Cluster) -> bool:
        raise ClusterError("the program was ended here")

    cluster = clusters.up()
    moved = clusters.variant(cluster, port=free_port(), max_connections="42")
    with monkeypatch.context() as broken:
        broken.setattr(Cluster, "_stop", break_off)
        with pytest.raises(ClusterError, match="the program was ended here"):
            moved.ensure(PASSWORD)
    assert moved.differences(PASSWORD) != ()
    moved.ensure(PASSWORD)
    assert (moved.differences(PASSWORD), answer(moved, "SHOW max_connections")) == ((), ("42",))


def test_files_changed_by_hand_are_put_right(clusters: Clusters) -> None:
    cluster = clusters.up()
    hba = cluster.data / "pg_hba.conf"
    wanted = hba.read_text(encoding="utf-8")
    hba.write_text("host all all 127.0.0.1/32 trust\n", encoding="utf-8")
    assert cluster.differences(PASSWORD) == ("the server's configuration is to be changed",)
    assert cluster.ensure(PASSWORD) == ("reloaded the configuration",)
    wait_for(lambda: not logs_in(cluster, "wrong"), "the reload")
    assert hba.read_text(encoding="utf-8") == wanted


# Who gets in, and what the process holds


def test_wrong_password_and_no_password_are_refused_over_tcp(running: Cluster) -> None:
    assert [logs_in(running, attempt) for attempt in (PASSWORD, "wrong", "")] == [True, False, False]


def test_every_way_in_asks_for_a_password_or_the_account(running: Cluster) -> None:
    with superuser_of(running, PASSWORD).connect() as session:
        rules = session.execute(
            "SELECT type, database, user_name, host(address::inet) || '/' || masklen(netmask::inet), auth_method, options, error"
            " FROM pg_hba_file_rules ORDER BY rule_number"
        ).fetchall()
        maps = session.execute("SELECT map_name, sys_name, pg_username, error FROM pg_ident_file_mappings ORDER BY 2").fetchall()
    assert [rule[0:3] + rule[4:] for rule in rules] == [
        ("local", ["all"], ["postgres"], "peer", ["map=pgstack"], None),
        ("host", ["all"], ["all"], "scram-sha-256", None, None),
        ("host", ["all"], ["all"], "scram-sha-256", None, None),
    ]
    assert maps == [("pgstack", name, "postgres", None) for name in sorted({account.name(), "root"})]


def test_server_listens_on_loopback_only(running: Cluster) -> None:
    assert answer(running, "SHOW listen_addresses", PASSWORD) == ("127.0.0.1,::1",)
    listening = {found.laddr.ip for found in psutil.Process(pid_of(running)).net_connections("tcp") if found.status == psutil.CONN_LISTEN}
    assert listening - {"::1"} == {"127.0.0.1"}


def test_other_addresses_of_this_machine_refuse(running: Cluster) -> None:
    others = [
        found.address
        for interface in psutil.net_if_addrs().values()
        for found in interface
        if found.family == socket.AF_INET and not found.address.startswith("127.")
    ]
    if not others:
        pytest.skip("this machine has no address but loopback")
    for other in others:
        with pytest.raises(ConnectionRefusedError), socket.create_connection((other, running.port), timeout=5):
            pass


def test_server_runs_apart_from_this_process(running: Cluster) -> None:
    pid = pid_of(running)
    streams = [str(Path(f"/proc/{pid}/fd/{number}").readlink()) for number in range(3)]
    assert streams == ["/dev/null", str(running.log), str(running.log)]
    assert (psutil.Process(pid).username(), 0 in psutil.Process(pid).uids()) == (account.name(), False)
    assert os.getsid(pid) != os.getsid(0)


def test_server_inherits_neither_secrets_nor_open_files(clusters: Clusters, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "a-passphrase")
    cluster = clusters.new()
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    try:
        pipe = Path(f"/proc/self/fd/{writing}").readlink()
        cluster.ensure(PASSWORD)
        pid = pid_of(cluster)
        held = {file.readlink() for file in Path(f"/proc/{pid}/fd").iterdir()}
    finally:
        os.close(reading)
        os.close(writing)
    names = {entry.partition(b"=")[0] for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
    assert b"PULUMI_CONFIG_PASSPHRASE" not in names
    assert b"PATH" in names
    assert pipe not in held


def test_password_shows_nowhere(clusters: Clusters) -> None:
    """Neither in any process's arguments while it is set, nor in a file of the cluster afterwards."""
    cluster = clusters.ready(log_statement="all", log_min_duration_statement="0")
    password = secrets.token_urlsafe()
    done = threading.Event()
    seen: set[bytes] = set()

    def watch() -> None:
        while not done.is_set():
            for pid in psutil.pids():
                with contextlib.suppress(OSError):
                    seen.add(Path(f"/proc/{pid}/cmdline").read_bytes())
            time.sleep(0.005)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        cluster.ensure(password)
        cluster.ensure(password)
    finally:
        done.set()
        watcher.join()
    # Not every round of the watcher meets every process, but it meets the server.
    assert any(str(cluster.data).encode() in arguments for arguments in seen)
    assert [arguments for arguments in seen if password.encode() in arguments] == []
    assert "ALTER ROLE" in cluster.log.read_text(encoding="utf-8")
    files = [path for path in cluster.folder.rglob("*") if path.is_file()]
    assert [str(path) for path in files if password.encode() in path.read_bytes()] == []


# Where it is, and who else is at it


def test_long_path_gets_its_socket_below_tmp(clusters: Clusters) -> None:
    cluster = clusters.ready(clusters.folder / ("x" * 100) / "dev")
    cluster.ensure(PASSWORD)
    sockets = cluster.socket_directory
    assert sockets.parent == Path("/tmp")
    status = sockets.stat()
    assert (status.st_mode & 0o777, status.st_uid) == (0o700, account.current(create=False).uid)
    assert {path.name for path in sockets.iterdir()} == {f".s.PGSQL.{cluster.port}", f".s.PGSQL.{cluster.port}.lock"}
    cluster.delete()
    assert not sockets.exists()


def test_short_path_keeps_its_socket_beside_the_data(clusters: Clusters) -> None:
    cluster = clusters.up()
    assert answer(cluster, "SHOW unix_socket_directories") == (str(cluster.folder / "socket"),)


def test_symlink_in_place_of_the_socket_directory_is_refused_and_not_followed(clusters: Clusters) -> None:
    """Below /tmp anybody may put one: a change of owner through it would give away what it points to."""
    cluster = clusters.ready(clusters.folder / ("x" * 100) / "dev")
    target = clusters.folder / "target"
    target.mkdir(parents=True)
    before = target.stat()
    cluster.socket_directory.symlink_to(target)
    try:
        with pytest.raises(ClusterError, match="belongs to somebody else"):
            cluster.ensure(PASSWORD)
    finally:
        cluster.socket_directory.unlink()
    after = target.stat()
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


_ENSURE = """
import json, sys
from pathlib import Path
from cluster.cluster import Cluster
from cluster.marker import Marker
given = json.load(sys.stdin)
cluster = Cluster(Path(given["folder"]), Marker("shop", "dev", 18), given["port"], given["parameters"])
print(json.dumps(cluster.ensure(given["password"])))
if given["then_stop"]:
    print(json.dumps([cluster.differences(given["password"]), cluster.stop(), cluster.ensure(given["password"]), cluster.stop()]))
"""


def _given(cluster: Cluster, *, then_stop: bool) -> bytes:
    values = {"folder": str(cluster.folder), "port": cluster.port, "parameters": dict(cluster.parameters), "password": PASSWORD}
    return json.dumps({**values, "then_stop": then_stop}).encode()


def test_two_processes_at_once_make_one_server(clusters: Clusters) -> None:
    cluster = clusters.new()
    processes = [
        subprocess.Popen([sys.executable, "-c", _ENSURE], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(_given(cluster, then_stop=False))
        process.stdin.close()
        process.stdin = None
    printed = [process.communicate(timeout=60) for process in processes]
    assert [(process.returncode, err) for process, (_, err) in zip(processes, printed, strict=True)] == [(0, b""), (0, b"")]
    steps = ["made the data directory", f"started the server on port {cluster.port}", "set the superuser's password"]
    assert sorted(json.loads(out) for out, _ in printed) == [[], steps]
    assert logs_in(cluster, PASSWORD)


@only_root
def test_plain_user_makes_starts_and_stops_a_cluster(clusters: Clusters) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv here to become another user with")
    become = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--reset-env"]
    reaches = [sys.executable, "-c", "import psycopg"]
    if subprocess.run([*become, *reaches], cwd="/", capture_output=True, check=False).returncode:
        # The interpreter is in a closed home: the user may look through it, and is as plain as before in all else.
        become += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
    tried = subprocess.run([*become, *reaches], cwd="/", capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"another user cannot run this Python: {tried.stderr.decode().strip()}")
    if closed := account.blocked(programs.installed() / "postgres", NOBODY, NOBODY):
        pytest.skip(f"another user cannot run the server's programs: {closed} is closed")
    cluster = clusters.new()
    cluster.folder.mkdir(parents=True)
    os.chown(cluster.folder, NOBODY, NOBODY)
    done = subprocess.run(
        [*become, sys.executable, "-c", _ENSURE], cwd=ROOT, input=_given(cluster, then_stop=True), capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    started = f"started the server on port {cluster.port}"
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        ["made the data directory", started, "set the superuser's password"],
        [[], True, [started], True],
    ]
    assert {path.stat().st_uid for path in cluster.folder.rglob("*")} == {NOBODY}


def test_login_error_names_no_password(running: Cluster) -> None:
    with pytest.raises(ConnectionFailed) as refused:
        superuser_of(running, "a-wrong-secret").connect()
    assert str(refused.value) == (
        f"No session in database postgres on 127.0.0.1:{running.port} as postgres: "
        'FATAL: password authentication failed for user "postgres"\nCheck the user and the password.'
    )
