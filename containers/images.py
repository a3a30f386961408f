"""Images: looked for, and pulled."""

from __future__ import annotations

from docker import DockerClient
from docker.errors import APIError, ImageNotFound, NotFound

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
        try:
            client.images.pull(wanted.name)
        except (APIError, NotFound) as error:
            raise ImageMissingError(
                f"The image {wanted.name} is not on this machine and cannot be pulled: {explanation(error)}",
                hint="Is its name right, is the registry reachable, and does it want a `docker login`? "
                "An image can also be brought by `docker load`, or named in pgstack:docker.",
            ) from None
        done = f"pulled the image {wanted.name}"
    return identifier(client, wanted.name) or "", done


def _has_newer(client: DockerClient, name: str) -> bool:
    """Whether the registry has another image of this name; False where it does not answer: the local one is good enough then."""
    try:
        offered = client.images.get_registry_data(name).id
    except APIError:
        return False
    known = client.images.get(name).attrs.get("RepoDigests") or []
    return not any(digest.endswith(f"@{offered}") for digest in known)
