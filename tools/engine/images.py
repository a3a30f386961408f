"""The images of the tests: the official ones where they can be had, else ones with their interface, built of Debian's packages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import io
import tarfile
import tempfile
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import IO

import docker
from docker.errors import DockerException, ImageNotFound
from requests.exceptions import RequestException

from cluster import programs
from tools.engine import base
from tools.engine.errors import NoTestEngineError

RECIPES = Path(__file__).with_name("recipes")

REPOSITORY = "localhost/pgstack-test"

LABEL = "pgstack.recipe"
"""A built image's label: the hash of all it was built of."""

PATIENCE = 10
"""Seconds that a registry has to say something."""


@dataclass(frozen=True)
class Images:
    """Names of the images of an engine.

    Attributes:
        official: whether they are the official ones.
    """

    postgres15: str
    postgres18: str
    redis: str
    adminer: str

    @property
    def official(self) -> bool:
        """Whether none was built here."""
        return not any(getattr(self, each.name).startswith(REPOSITORY) for each in fields(self))


OFFICIAL = Images("postgres:15-alpine", "postgres:18-alpine", "redis:7.4-alpine", "adminer:4.8.1")

BUILT = Images(f"{REPOSITORY}/postgres:15", f"{REPOSITORY}/postgres:18", f"{REPOSITORY}/redis:7", f"{REPOSITORY}/adminer:4")

FILES = {
    BUILT.postgres15: ("postgres-15.Dockerfile", "postgres-entrypoint.sh"),
    BUILT.postgres18: ("postgres-18.Dockerfile", "postgres-entrypoint.sh"),
    BUILT.redis: ("redis-7.Dockerfile", "redis-entrypoint.sh"),
    BUILT.adminer: ("adminer-4.Dockerfile", "adminer.php"),
}
"""Image → its Dockerfile, and the file that this copies."""


def provide(client: docker.DockerClient, url: str) -> Images:
    """Has an engine have the images. An image that is local or can be pulled is the official one.

    Raises:
        NoTestEngineError: an image can neither be pulled nor built.
    """
    chosen: dict[str, str] = {}
    registry = True
    for each in fields(Images):
        official = getattr(OFFICIAL, each.name)
        registry = registry and (_local(client, official) or _pull(url, official))
        chosen[each.name] = official if registry or _local(client, official) else _build(client, getattr(BUILT, each.name))
    return Images(**chosen)


def _local(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return False
    return True


def _pull(url: str, name: str) -> bool:
    """Pulls an image; whether that worked. A registry that is silent is given up soon."""
    client = docker.DockerClient(base_url=url, timeout=PATIENCE)
    try:
        client.images.pull(name)
    except (DockerException, RequestException):
        return False
    finally:
        client.close()
    return True


def _build(client: docker.DockerClient, name: str) -> str:
    """Builds an image, unless the engine has it from the same recipe."""
    hashed = _recipe(name)
    old = client.images.get(name) if _local(client, name) else None
    if old and old.labels.get(LABEL) == hashed:
        return name
    dockerfile, _ = FILES[name]
    try:
        arguments = {"BASE": _base(client)}
        with tempfile.TemporaryFile() as context:
            _write_context(name, context)
            context.seek(0)
            client.images.build(
                fileobj=context,
                custom_context=True,
                dockerfile=dockerfile,
                buildargs=arguments,
                tag=name,
                labels={LABEL: hashed},
                rm=True,
            )
    except (DockerException, RequestException) as error:
        raise NoTestEngineError(f"The image {name} could not be built: {error}") from error
    if old:
        with suppress(DockerException):  # a container may have it
            client.images.remove(str(old.id))
    return name


def _base(client: docker.DockerClient) -> str:
    """The image that all others begin with."""
    # Podman leaves a tag out that is not in the repository's name.
    name = f"{REPOSITORY}/base:{base.recipe()}"
    if not _local(client, name):
        printed = client.api.import_image(str(base.tar()), repository=name)
        if not _local(client, name):
            raise NoTestEngineError(f"The image {name} could not be imported: {printed}")
    return name


def _recipe(name: str) -> str:
    """The hash of all that an image is built of."""
    hashed = hashlib.sha256(base.recipe().encode())
    for file in FILES[name]:
        hashed.update((RECIPES / file).read_bytes())
    if name == BUILT.postgres18:
        hashed.update(Path(__file__).read_bytes())  # which changes the server's defaults
        hashed.update(importlib.metadata.version(programs.PACKAGE.replace("_", "-")).encode())
    return hashed.hexdigest()[:12]


def _write_context(name: str, file: IO[bytes]) -> None:
    """Writes the files that an image is built of as a tar file."""
    with tarfile.open(fileobj=file, mode="w") as tar:
        for recipe in FILES[name]:
            tar.add(RECIPES / recipe, recipe)
        if name == BUILT.postgres18:
            _add_programs(tar)


def _add_programs(tar: tarfile.TarFile) -> None:
    """The embedded server, with defaults as in the official image, and its libraries beside it, where its programs look for them."""
    package = programs.installed().parent.parent
    sample = package / "pginstall" / "share" / "postgresql.conf.sample"

    def wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        if "__pycache__" in member.name or "/include" in member.name or member.name.endswith(f"/{sample.name}"):
            return None
        member.uid = member.gid = 0
        member.mode |= 0o444 | (0o111 if member.isdir() else 0)
        return member

    tar.add(package / "pginstall", f"programs/{package.name}/pginstall", filter=wanted)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        tar.add(libraries, f"programs/{libraries.name}", filter=wanted)
    text = sample.read_text(encoding="utf-8")
    text = text.replace("#listen_addresses = 'localhost'", "listen_addresses = '*'")
    # A line of its own: initdb writes the program's own folder into the one that is there.
    text += "\nunix_socket_directories = '/var/run/postgresql'\n"
    content = text.encode()
    member = tarfile.TarInfo(f"programs/{package.name}/pginstall/share/{sample.name}")
    member.size = len(content)
    member.mode = 0o644
    tar.addfile(member, io.BytesIO(content))
