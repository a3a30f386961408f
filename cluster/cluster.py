"""One embedded cluster: made, started, reconfigured, stopped."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from cluster import account, configuration, marker, postmaster
from cluster.errors import ClusterError
from cluster.runner import Runner
from postgres.login import Login
from postgres.scram import verifier

LONGEST_SOCKET_DIRECTORY = 85
"""Bytes of a folder's path that leave room for the socket's name in the 104 that every system has for both."""

START_TIMEOUT = 60
STOP_TIMEOUT = 60
"""Seconds for the server to start or stop."""

APPLIED = "applied.conf"
"""A copy of the configuration that the server runs on, beside the data."""

LOG_LIMIT = 10 * 1024 * 1024
"""Bytes from which on the log is put aside at a start. One older log is kept."""


@dataclass(frozen=True)
class Cluster:
    """A cluster below one folder: `pgdata`, the log, and the marker that says whose it is.

    Attributes:
        folder: absolute.
        port: on loopback.
        parameters: of postgresql.conf, name → value.
    """

    folder: Path
    identity: marker.Marker
    port: int
    parameters: Mapping[str, str]

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "pgdata"

    @property
    def log(self) -> Path:
        """What the server prints."""
        return self.folder / "postgres.log"

    @property
    def socket_directory(self) -> Path:
        """Where the server's socket is: beside the data, or below /tmp where that path would be too long for a socket."""
        beside = self.folder / "socket"
        if len(os.fsencode(beside)) <= LONGEST_SOCKET_DIRECTORY:
            return beside
        # Not $TMPDIR: the folder has to be the same in every environment.
        return Path("/tmp") / f"pgstack-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:16]}"  # noqa: S108  its owner is checked

    @property
    def _programs(self) -> Runner:
        return Runner(self.folder, self.log, self.port)

    @property
    def _files(self) -> dict[str, str]:
        """The configuration files in the data directory, name → text."""
        return {
            "pg_hba.conf": configuration.HBA,
            "pg_ident.conf": configuration.ident(sorted({account.name(), "root"})),
            configuration.FILE: configuration.server(port=self.port, socket_directory=self.socket_directory, parameters=self.parameters),
        }

    @property
    def _is_applied(self) -> bool:
        """Whether the server runs on its configuration: a run may end between writing it and the restart that it needs."""
        return _text(self.folder / APPLIED) == self._files[configuration.FILE]

    @property
    def _outdated(self) -> list[str]:
        """The configuration files that are not as they should be."""
        return [name for name, text in self._files.items() if _text(self.data / name) != text]

    def differences(self, password: str) -> tuple[str, ...]:
        """What `ensure` would change, in words; empty where the server runs as it should. Starts and writes nothing."""
        if not self.data.exists():
            return ("the data directory is to be made",)
        marker.check(self.folder, self.identity)
        running = postmaster.find(self.data)
        if running is None:
            return ("the server is not running and is to be started",)
        if self._outdated or not self._is_applied:
            return ("the server's configuration is to be changed",)
        if not self._login(running, password).works():
            return ("the superuser's password is to be set",)
        return ()

    def ensure(self, password: str) -> tuple[str, ...]:
        """Makes the server run as it should and returns what was done, in words.

        Makes the data directory, starts the server or changes its configuration (with a restart where a parameter needs
        one), and sets the superuser's password over the socket unless it logs in already. Safe to repeat.

        Raises:
            PortTakenError, DiskFullError, ForeignDataError, UnreachableFolderError: as they say.
            ClusterError: anything else that the server's programs report.
        """
        with self._lock():
            found = self._check_or_make()
            done = [] if found else ["made the data directory"]
            running = postmaster.find(self.data)
            if running is not None:
                done += self._reconfigure(running)
            else:
                self._write_configuration()
                self._start()
                self._mark_applied()
                done.append(f"started the server on port {self.port}")
            done += self._set_password(password, may_be_set=found)
            return tuple(done)

    def stop(self) -> bool:
        """Stops the server, ending its sessions; False where it did not run. The data stays."""
        if not self.data.exists():
            return False
        with self._lock():
            return self._stop()

    def delete(self) -> None:
        """Stops the server and deletes all its data, for good.

        Raises:
            ForeignDataError: the data is not this stack's; nothing is deleted.
        """
        if self.data.exists():
            marker.check(self.folder, self.identity)
        self.stop()
        for name in ("pgdata", "pgdata.partial", "socket"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        for name in (marker.FILE, APPLIED, ".lock", self.log.name, f"{self.log.name}.1"):
            (self.folder / name).unlink(missing_ok=True)
        shutil.rmtree(self.socket_directory, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()  # unless there is something of somebody else's in it

    # The steps of `ensure` and `stop`; all run under the lock.

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        """One caller at a time for each cluster, on this machine."""
        owner = account.current(create=True)
        try:
            owner.make_folder(self.folder)
            owner.require_reach(self.folder / "pgdata")
            with (self.folder / ".lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise self._programs.disk_full() from None
            raise ClusterError(
                f"{error.filename or self.folder}: {error.strerror}", hint="See who owns the folder and its parents."
            ) from None

    def _check_or_make(self) -> bool:
        """Whether the data was there already; makes it where not."""
        if self.data.exists():
            marker.check(self.folder, self.identity)
            return True
        partial = self.folder / "pgdata.partial"
        if partial.exists():
            shutil.rmtree(partial)
        self._programs.run(
            "initdb",
            f"--pgdata={partial}",
            f"--username={configuration.SUPERUSER}",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--text-search-config=english",
            "--auth-local=peer",
            "--auth-host=reject",
        )
        with (partial / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(f"\n{configuration.INCLUDE}")
        marker.write(self.folder, self.identity)
        partial.rename(self.data)
        return False

    def _write_configuration(self) -> None:
        """Writes the server's files, and has the server read them before it runs on them.

        Raises:
            ClusterError: a parameter is wrong; the files are as they were.
        """
        owner = account.current(create=False)
        before = _text(self.data / configuration.FILE)
        for name in self._outdated:
            (self.data / name).write_text(self._files[name], encoding="utf-8")
            owner.own(self.data / name)
        try:
            self._programs.run("postgres", "-D", str(self.data), "-C", "port")
        except ClusterError as error:
            (self.data / configuration.FILE).write_text(before, encoding="utf-8")
            wrong = [line.partition("LOG:")[2].strip() for line in str(error).splitlines() if "LOG:" in line]
            raise ClusterError(
                "The server refuses its parameters: " + ("; ".join(wrong) or str(error)),
                hint="Correct pgstack:parameters. Nothing was changed.",
            ) from None

    def _start(self) -> None:
        postmaster.require_free(self.port)
        owner = account.current(create=False)
        # The process that a pid file names has been looked at and is not this server.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        sockets = self.socket_directory
        with contextlib.suppress(FileExistsError):
            sockets.mkdir(mode=0o700)
        status = sockets.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {owner.uid, os.geteuid()}:
            raise ClusterError(f"{sockets} belongs to somebody else.", hint="Remove it, or set pgstack:dataDirectory to a shorter path.")
        owner.own(sockets)
        for left in sockets.glob(".s.PGSQL.*"):
            left.unlink()
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._programs.run(
            "pg_ctl", "start", f"--pgdata={self.data}", f"--log={self.log}", "--wait", f"--timeout={START_TIMEOUT}", "--silent"
        )

    def _stop(self) -> bool:
        if postmaster.find(self.data) is None:
            return False
        self._programs.run("pg_ctl", "stop", f"--pgdata={self.data}", "--mode=fast", "--wait", f"--timeout={STOP_TIMEOUT}", "--silent")
        return True

    def _reconfigure(self, running: postmaster.Postmaster) -> list[str]:
        """Writes changed configuration, reloads it, and restarts where a parameter wants it."""
        if not self._outdated and self._is_applied:
            return []
        changed = configuration.changed(_text(self.folder / APPLIED), self._files[configuration.FILE])
        if running.port != self.port:
            postmaster.require_free(self.port)
        self._write_configuration()
        with self._login(running).connect() as session:
            session.execute("SELECT pg_catalog.pg_reload_conf()")
            rows = session.execute(
                "SELECT name FROM pg_catalog.pg_settings WHERE context = 'postmaster' AND name = ANY(%s) ORDER BY name", [changed]
            ).fetchall()
        if not rows:
            self._mark_applied()
            return ["reloaded the configuration" + (f" for {', '.join(changed)}" if changed else "")]
        self._stop()
        self._start()
        self._mark_applied()
        return [f"restarted the server for {', '.join(name for (name,) in rows)}"]

    def _mark_applied(self) -> None:
        (self.folder / APPLIED).write_text(self._files[configuration.FILE], encoding="utf-8")

    def _set_password(self, password: str, *, may_be_set: bool) -> list[str]:
        running = postmaster.find(self.data)
        if running is None:
            raise ClusterError(f"The server ended right after its start.\n{self._programs.logged()}")
        if may_be_set and self._login(running, password).works():
            return []
        with self._login(running).connect() as session:
            new = verifier(session, configuration.SUPERUSER, password)
            session.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(configuration.SUPERUSER), new))
        return ["set the superuser's password"]

    def _login(self, running: postmaster.Postmaster, password: str = "") -> Login:
        """With a password over TCP, without one over the socket, where the account decides."""
        host = "127.0.0.1" if password else str(running.socket_directory)
        return Login(host, running.port, "postgres", configuration.SUPERUSER, password, sslmode="disable")


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""
