from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from cluster import postmaster
from cluster.errors import PortTakenError
from cluster.postmaster import Postmaster


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data directory in which this very process works, as its server would."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(data: Path, *lines: object) -> None:
    (data / "postmaster.pid").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def pid_file(data: Path, pid: int, *, sockets: str = "/run/sockets", status: str = "ready   ") -> None:
    write(data, pid, data, 1700000000, 5433, sockets, "127.0.0.1", "  12345   1", status)


def test_a_running_server_is_found(data: Path) -> None:
    pid_file(data, os.getpid())
    assert postmaster.find(data) == Postmaster(os.getpid(), 5433, Path("/run/sockets"), ready=True)


def test_a_server_that_is_starting_on_no_socket_is_not_ready(data: Path) -> None:
    pid_file(data, os.getpid(), sockets="", status="starting")
    assert postmaster.find(data) == Postmaster(os.getpid(), 5433, None, ready=False)


def test_a_process_that_works_elsewhere_is_another_one(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pid_file(data, os.getpid())
    (data / "elsewhere").mkdir()
    monkeypatch.chdir(data / "elsewhere")
    assert postmaster.find(data) is None


def test_a_process_that_is_gone_is_no_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(pid: int) -> psutil.Process:
        raise psutil.NoSuchProcess(pid)

    pid_file(data, 4242)
    monkeypatch.setattr(psutil, "Process", gone)
    assert postmaster.find(data) is None


@pytest.mark.parametrize("lines", [(), ("",), ("abc",), (os.getpid(),), (os.getpid(), "d", 1, "port", "s", "a", "m", "ready"), (-1, "x")])
def test_a_damaged_pid_file_is_no_server(data: Path, lines: tuple[object, ...]) -> None:
    write(data, *lines)
    assert postmaster.find(data) is None


def test_no_pid_file_is_no_server(data: Path) -> None:
    assert postmaster.find(data) is None


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def test_a_port_that_is_taken_is_told_with_the_program_that_has_it(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(PortTakenError) as caught:
        postmaster.require_free(port)
    assert str(caught.value) == (
        f"Port {port} is taken by {psutil.Process().name()} (pid {os.getpid()}).\n"
        "Stop that program, or choose another port: pulumi config set pgstack:port 5433"
    )


def test_a_port_that_is_taken_by_a_program_of_somebody_else_is_told_without(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(_kind: str) -> list[Any]:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", forbidden)
    port = listener.getsockname()[1]
    with pytest.raises(PortTakenError) as caught:
        postmaster.require_free(port)
    assert Exception.__str__(caught.value) == f"Port {port} is taken."


def test_a_port_that_is_free_raises_nothing_and_stays_free(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    postmaster.require_free(port)
    postmaster.require_free(port)


def test_a_port_that_this_account_may_not_use_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_self: socket.socket, _address: tuple[str, int]) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    with pytest.raises(PortTakenError) as caught:
        postmaster.require_free(80)
    assert str(caught.value) == "Port 80 is not for this account: Permission denied.\nChoose a port from 1024 on."


def test_a_machine_without_ipv6_has_free_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_self: socket.socket, address: tuple[str, int]) -> None:
        if ":" in address[0]:
            raise OSError(99, "Cannot assign requested address")

    monkeypatch.setattr(socket.socket, "bind", missing)
    postmaster.require_free(5432)
