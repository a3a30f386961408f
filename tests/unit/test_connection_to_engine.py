"""Engines that misbehave, told by what a person can do about them. Each is a little server of the test's own."""

from __future__ import annotations

import gc
import http.server
import json
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from containers.engine import connect, labels
from containers.errors import EngineError, NoEngineError

Answers = dict[str, tuple[int, str]]
VERSION = {"/version": (200, json.dumps({"ApiVersion": "1.44", "Version": "28"}))}


@contextmanager
def engine(answers: Answers) -> Iterator[str]:
    """An engine that has these answers and hangs up on every other question; its URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = next((answer for path, answer in answers.items() if self.path.endswith(path)), None)
            if found is None:
                return
            self.send_response(found[0])
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(found[1].encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name of the base class's
            pass

    with tempfile.TemporaryDirectory(prefix="pgs.") as folder:
        path = Path(folder, "engine.sock")
        with socketserver.UnixStreamServer(str(path), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield f"unix://{path}"
            finally:
                server.shutdown()
                thread.join()
                gc.collect()


pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # the library's, of lines that were cut


def test_an_engine_that_goes_away_is_told() -> None:
    with engine(VERSION) as url:
        with pytest.raises(NoEngineError) as caught, connect(url) as client:
            client.containers.list()
        assert Exception.__str__(caught.value).startswith(f"The container engine at {url} went away: ")
        assert "Remote end closed connection" in str(caught.value)
        assert caught.value.hint == "Look at the engine's own log."


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (500, '{"message": "disk\\nis full"}', "disk is full"),
        (403, '{"message": "authorization denied by plugin"}', "authorization denied by plugin"),
        (404, '{"message": "page not found"}', "page not found"),
    ],
)
def test_what_an_engine_refuses_is_told_in_its_own_words(status: int, body: str, said: str) -> None:
    with engine({**VERSION, "/containers/json?limit=-1&all=0&size=0&trunc_cmd=0": (status, body)}) as url:
        with pytest.raises(EngineError) as caught, connect(url) as client:
            client.containers.list()
        assert (type(caught.value), str(caught.value)) == (EngineError, f"The container engine at {url}: {said}")


@pytest.mark.parametrize(
    "answers", [{}, {"/version": (200, "no JSON")}, {"/version": (200, "{}")}, {"/version": (403, '{"message": "no"}')}]
)
def test_what_answers_and_is_no_engine_is_told(answers: Answers) -> None:
    with engine(answers) as url:
        with pytest.raises(NoEngineError) as caught, connect(url):
            pytest.fail("it is taken for one")
        message = Exception.__str__(caught.value)
        assert message.startswith(f"The container engine at {url} does not answer: ")
        assert "\n" not in message
        assert caught.value.hint.startswith("Is it running, and may this user use it?")


def test_labels_say_whose_something_is() -> None:
    assert labels("pgstack", "dev", "data") == {"pgstack.project": "pgstack", "pgstack.stack": "dev", "pgstack.part": "data"}
