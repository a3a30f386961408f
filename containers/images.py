"""Images: looked for, and pulled."""

from __future__ import annotations

from docker import DockerClient
from docker.errors import APIError, ImageNotFound
from docker.utils import parse_repository_tag

from containers.demand import Pull
from containers.engine import explanation
from containers.errors import ImageMissingError


def identifier(client: DockerClient, name: str) -> str | None:
    """The id of a local image; None where there is none of this name."""
    try:
        return str(client.images.get(name).id)
    except ImageNotFound:
        return None


def to_do(client: DockerClient, wanted: Pull) -> str | None:
    """What `ensure` would do, in words; None where the image is there and is the one that is wanted. Pulls nothing.

    Raises:
        ImageMissingError: it is not there, and the policy is `never`.
    """
    local = identifier(client, wanted.name)
    if local is None:
        if wanted.policy == "never":
            raise ImageMissingError(
                f"The image {wanted.name} is not on this machine, and pullPolicy is `never`.",
                hint=f"Get it with `docker pull {wanted.name}` or `docker load`, or set pullPolicy to `missing`.",
            )
        return f"the image {wanted.name} is to be pulled"
    if wanted.policy == "always" and _has_newer(client, wanted.name):
        return f"the image {wanted.name} is to be pulled: the registry has another one"
    return None


def ensure(client: DockerClient, wanted: Pull) -> tuple[str, str | None]:
    """Gets an image; returns its id, and what was done, in words.

    Raises:
        ImageMissingError: it is not there and cannot be pulled; says why.
    """
    done = to_do(client, wanted)
    if done is not None:
        if (reason := _pull(client, wanted.name)) is not None:
            raise ImageMissingError(
                f"The image {wanted.name} is not on this machine and cannot be pulled: {reason}",
                hint="Is its name right, is the registry reachable, and does it want a `docker login`? "
                "An image can also be brought by `docker load`, or named in pgstack:docker.",
            )
        done = f"pulled the image {wanted.name}"
    return identifier(client, wanted.name) or "", done


def _pull(client: DockerClient, name: str) -> str | None:
    """Pulls an image; returns why that fails, and None where it does not."""
    repository, tag = parse_repository_tag(name)
    try:
        told = list(client.api.pull(repository, tag=tag or "latest", stream=True, decode=True))
    except APIError as error:
        return explanation(error)
    # What goes wrong once the answer has begun is among what is told.
    return next((" ".join(str(line["error"]).split()) for line in told if line.get("error")), None)


def _has_newer(client: DockerClient, name: str) -> bool:
    """Whether the registry has another image of this name; False where it does not answer: the local one is good enough then."""
    try:
        offered = client.images.get_registry_data(name).id
    except APIError:
        return False
    known = client.images.get(name).attrs.get("RepoDigests") or []
    return not any(digest.endswith(f"@{offered}") for digest in known)
