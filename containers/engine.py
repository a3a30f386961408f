"""A connection to an engine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import docker
import requests
from docker import DockerClient
from docker.errors import DockerException

from containers.errors import EngineError, NoEngineError

TIMEOUT = 60
"""Seconds that an engine has for an answer."""

PROJECT, STACK, PART = "pgstack.project", "pgstack.stack", "pgstack.part"
"""Labels of everything that is made here: whose it is, and what for."""


@contextmanager
def connect(url: str) -> Iterator[DockerClient]:
    """A client of the engine, closed at the end.

    Raises:
        NoEngineError: it does not answer.
        EngineError: it refuses something, in its own words.
    """
    try:
        client = docker.DockerClient(base_url=url, version="auto", timeout=TIMEOUT)
    except (DockerException, requests.RequestException, OSError) as error:
        raise NoEngineError(
            f"The container engine at {url} does not answer: {_said(error)}.",
            hint="Is it running, and may this user use it? Docker: `systemctl start docker`, and be in the group docker; "
            "Podman: `systemctl --user start podman.socket`. pgstack:docker.host and DOCKER_HOST say which engine is used.",
        ) from None
    try:
        yield client
    except DockerException as error:  # first: what the engine refuses is a RequestException, too
        raise EngineError(f"The container engine at {url}: {explanation(error)}") from None
    except requests.RequestException as error:
        raise NoEngineError(f"The container engine at {url} went away: {_said(error)}.", hint="Look at the engine's own log.") from None
    finally:
        client.close()


def explanation(error: Exception) -> str:
    """What the engine says is wrong, in one line."""
    return " ".join(str(getattr(error, "explanation", None) or error).split())


def _said(error: Exception) -> str:
    """The innermost reason, which the libraries wrap up several times."""
    reason: BaseException = error
    while reason.args and isinstance(reason.args[-1], BaseException):
        reason = reason.args[-1]
    strerror = getattr(reason, "strerror", None)
    if strerror:
        return str(strerror)
    text = " ".join(str(reason).split())
    for known in ("No such file or directory", "Permission denied", "Connection refused"):
        if known in text:
            return known
    return text


def labels(project: str, stack: str, part: str) -> dict[str, str]:
    """The labels of something that is made here."""
    return {PROJECT: project, STACK: stack, PART: part}
