"""A Docker Engine, a Podman service and real images for the tests, also where the machine has none.

`python -m tools.engine install` gets the programs from Debian's or Ubuntu's packages; the fixtures in tests/fix_docker.py do the rest.
"""

from __future__ import annotations

from tools.engine.dockerd import docker_engine
from tools.engine.errors import NoTestEngineError
from tools.engine.images import Images, provide
from tools.engine.podman import podman_engine

__all__ = ["Images", "NoTestEngineError", "docker_engine", "podman_engine", "provide"]
