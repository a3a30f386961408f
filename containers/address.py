"""Where the engine is. Asks what people have set, then looks at the sockets where engines listen."""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from containers.errors import NoEngineError

UNIX = "unix://"

DEFAULT_CONTEXT = "default"
"""The context that stands for no context."""

ANSWER_TIMEOUT = 2.0
"""Seconds that a socket has to take a connection."""


def find(configured: str | None, environment: Mapping[str, str]) -> str:
    """The URL of the engine: the one in the settings, DOCKER_HOST's, that of the Docker context, or the first socket that answers.

    Args:
        configured: in the settings.
        environment: with DOCKER_HOST, DOCKER_CONTEXT, DOCKER_CONFIG, CONTAINER_HOST (Podman's), XDG_RUNTIME_DIR and HOME.

    Raises:
        NoEngineError: nothing is set, and no socket answers; names those that were tried.
    """
    if configured:
        return configured
    if chosen := environment.get("DOCKER_HOST") or of_context(environment) or environment.get("CONTAINER_HOST"):
        return chosen
    tried = list(usual_sockets(environment))
    for path in tried:
        if answers(path):
            return f"{UNIX}{path}"
    raise NoEngineError(
        f"No container engine answers. No DOCKER_HOST and no Docker context is set, and nobody listens on {', '.join(map(str, tried))}.",
        hint="Start Docker (`systemctl start docker`, or Docker Desktop) or Podman (`systemctl --user start podman.socket`), "
        "or set DOCKER_HOST or pgstack:docker.host.",
    )


def usual_sockets(environment: Mapping[str, str]) -> Iterator[Path]:
    """Where engines listen: Docker's, for all and for one user, then Podman's."""
    home = Path(environment.get("HOME") or "/nonexistent")
    runtime = Path(environment.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    yield Path("/var/run/docker.sock")
    yield runtime / "docker.sock"
    yield home / ".docker" / "run" / "docker.sock"
    yield home / ".docker" / "desktop" / "docker.sock"
    yield runtime / "podman" / "podman.sock"
    yield Path("/run/podman/podman.sock")


def answers(path: Path) -> bool:
    """Whether somebody takes connections on a socket."""
    with socket.socket(socket.AF_UNIX) as tried:
        tried.settimeout(ANSWER_TIMEOUT)
        try:
            tried.connect(str(path))
        except OSError:
            return False
    return True


def of_context(environment: Mapping[str, str]) -> str | None:
    """The engine of the Docker context in use; None where that is the default one.

    Raises:
        NoEngineError: the context is not there, or has no engine.
    """
    folder = Path(environment.get("DOCKER_CONFIG") or Path(environment.get("HOME") or "/nonexistent", ".docker"))
    name = environment.get("DOCKER_CONTEXT") or str(_json(folder / "config.json").get("currentContext") or "")
    if name in ("", DEFAULT_CONTEXT):
        return None
    # Docker names a context's folder by the hash of its name.
    file = folder / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest() / "meta.json"
    try:
        return str(_json(file)["Endpoints"]["docker"]["Host"])
    except (KeyError, TypeError):
        raise NoEngineError(
            f"The Docker context {name} names no engine: {file} is not there, or has none.",
            hint="See `docker context ls`, and choose one with `docker context use`; or set DOCKER_HOST.",
        ) from None


def is_local(url: str) -> bool:
    """Whether the engine runs on this machine, so that its published ports are this machine's."""
    return url.startswith((UNIX, "npipe://")) or host(url) in ("localhost", "127.0.0.1", "::1")


def host(url: str) -> str:
    """The machine that a URL names; an IPv6 address without its brackets."""
    return urlsplit(url).hostname or ""


def has_ipv6() -> bool:
    """Whether this machine has ::1."""
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True


def _json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
