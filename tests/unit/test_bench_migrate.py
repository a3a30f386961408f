"""The benchmark of the migrator: its pure parts, and its delay line."""

from __future__ import annotations

import argparse
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from benchmarks.migrate import folders, overhead, report
from benchmarks.migrate.__main__ import count, names
from benchmarks.migrate.contenders import Command, RunFailed
from benchmarks.migrate.delay import DelayLine
from migrator.discovery import read_folder
from tools.peers import PEERS

RESULTS = {"pgstack": [2.0, 3.0, 1.0], "psql": [1.5, 1.5, 1.5], "goose": [4.0, 4.5, 3.5], "flyway": [9.0, 8.0, 10.0]}


def test_the_migrator_is_compared_with_the_fastest_tool_not_with_psql():
    assert report.compare(RESULTS) == report.Comparison(ours=2.0, peer="goose", fastest=4.0)


@pytest.mark.parametrize("missing", ["pgstack", "goose"])
def test_without_both_sides_there_is_no_comparison(missing):
    results = {name: RESULTS[name] for name in ("pgstack", "psql", "goose") if name != missing}
    assert report.compare(results) is None


def test_the_table_has_the_fastest_first_and_says_what_became_of_the_target():
    assert report.table(RESULTS, 0.4) == [
        "                    median     min     max         x goose",
        "  psql                1.50    1.50    1.50           0.375",
        "  pgstack             2.00    1.00    3.00           0.500",
        "  goose               4.00    3.50    4.50           1.000",
        "  flyway              9.00    8.00   10.00           2.250",
        "  pgstack: 0.500 x the fastest tool, goose; at most 0.40 wanted: missed",
    ]


def test_the_table_of_one_alone_has_no_ratios():
    assert report.table({"pgstack": [2.0]}, 0.4) == [
        "                    median     min     max",
        "  pgstack             2.00    2.00    2.00",
    ]


def test_the_summary_has_a_column_for_each_race():
    assert report.summary({"here": RESULTS, "far away": {"pgstack": [1.0], "goose": [20.0]}}) == [
        "| | here | far away |",
        "|---|---|---|",
        "| pgstack | 2.00 s (0.50) | 1.00 s (0.05) |",
        "| psql | 1.50 s (0.38) | – |",
        "| flyway | 9.00 s (2.25) | – |",
        "| goose | 4.00 s (1.00) | 20.00 s (1.00) |",
    ]


@pytest.mark.parametrize(("value", "word"), [(0.5, "reached"), (0.6, "reached"), (0.61, "missed")])
def test_a_target_is_reached_at_its_limit(value, word):
    assert report.verdict(value, 0.6) == word


def test_what_is_beyond_is_the_median_of_the_pairs():
    assert overhead.beyond([3.0, 5.0, 9.0], [1.0, 4.0, 1.0]) == 2.0


@pytest.mark.parametrize("tool", [tool for tool in PEERS.values() if tool.name != "tern"], ids=lambda tool: tool.name)
def test_every_tools_folder_is_read_as_its_format(tool, tmp_path):
    written = folders.write(tmp_path / "folder", tool.format, 3)
    read = read_folder(written, tool.format)
    assert [(migration.version, migration.name) for migration in read.migrations] == [
        (str(folders.FIRST + number), f"create_t{number}") for number in (1, 2, 3)
    ]


def test_terns_files_are_numbered_without_a_gap(tmp_path):
    written = folders.write(tmp_path / "folder", "tern", 2)
    assert {file.name: file.read_text() for file in written.iterdir()} == {
        "0001_create_t1.sql": folders.statements(1),
        "0002_create_t2.sql": folders.statements(2),
    }


def test_psql_gets_one_script_with_a_transaction_each(tmp_path):
    script = folders.write(tmp_path / "folder", folders.SCRIPT, 2)
    assert script.read_text() == f"BEGIN;\n{folders.statements(1)}COMMIT;\nBEGIN;\n{folders.statements(2)}COMMIT;\n"


def test_a_list_of_names_is_checked():
    assert names(("goose", "tern"), "tern,goose") == {"goose", "tern"}
    with pytest.raises(argparse.ArgumentTypeError, match=r"^duck: choose from goose, tern$"):
        names(("goose", "tern"), "duck,goose")


@pytest.mark.parametrize("text", ["0", "4001"])
def test_a_number_of_migrations_has_bounds(text):
    assert count("4000") == 4000
    with pytest.raises(argparse.ArgumentTypeError, match=rf"^{text}: choose from 1 to 4000$"):
        count(text)


def test_a_process_gets_what_it_is_given_and_says_what_it_prints():
    seconds, printed = Command(["sh", "-c", 'echo "$WORD"; cat'], {"WORD": "one"}, given=b"two").run()
    assert printed == b"one\ntwo"
    assert seconds > 0


def test_a_process_is_not_led_elsewhere_by_the_callers_environment(monkeypatch):
    for name in ("PGHOST", "DATABASE_URL"):
        monkeypatch.setenv(name, "elsewhere")
    assert Command(["sh", "-c", 'echo "$PGHOST$DATABASE_URL"']).run()[1] == b"\n"


def test_a_process_that_fails_is_told_with_its_last_words():
    with pytest.raises(RunFailed) as failure:
        Command(["sh", "-c", "echo said; echo complained >&2; exit 3"]).run()
    assert str(failure.value) == "sh ended with code 3:\nsaid\ncomplained"


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that sends back what it gets, once all of it has come."""

    def answer() -> None:
        with listener.accept()[0] as session, session.makefile("rwb") as stream:
            stream.write(stream.read())

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


def test_the_delay_line_delays_and_changes_nothing(echo):
    sent = bytes(range(256)) * 4000
    with DelayLine("127.0.0.1", echo, 0.05) as line, socket.create_connection(("127.0.0.1", line.port)) as client:
        started = time.monotonic()
        client.sendall(sent)
        client.shutdown(socket.SHUT_WR)
        with client.makefile("rb") as stream:
            assert stream.read() == sent
        assert time.monotonic() - started >= 0.1


def test_the_delay_line_closes_on_a_client_where_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with DelayLine("127.0.0.1", nobody, 0.0) as line, socket.create_connection(("127.0.0.1", line.port)) as client:
        assert client.recv(1) == b""
