"""A registry of images of the session's own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tools.engine import packages, process
from tools.engine.errors import NoTestEngineError

PROGRAM = "docker-registry"

CONFIGURATION = """
version: 0.1
storage:
  filesystem: {{rootdirectory: {folder}/images}}
http: {{addr: "{address}"}}
"""


def lacking() -> list[str]:
    """What is missing to start a registry here."""
    return packages.missing((PROGRAM,))


@contextmanager
def registry(port: int) -> Iterator[str]:
    """The address of a registry on loopback, where engines ask for no TLS, until the end of the block.

    Raises:
        NoTestEngineError: there is none, or it cannot be started.
    """
    if wanting := lacking():
        raise NoTestEngineError(f"A registry cannot be started without {', '.join(wanting)}: `make test` installs it.")
    address = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="pgstack-registry.") as folder:
        file = Path(folder, "config.yml")
        file.write_text(CONFIGURATION.format(folder=folder, address=address), encoding="utf-8")
        command = [str(packages.which(PROGRAM)), "serve", str(file)]
        with process.running(process.Daemon(command, Path(folder, "log"), lambda: _answers(address))):
            yield address


def _answers(address: str) -> bool:
    try:
        with urlopen(f"http://{address}/v2/", timeout=2):
            return True
    except (URLError, OSError):
        return False
