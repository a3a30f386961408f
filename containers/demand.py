"""What a stack wants of an engine, as plain values."""

from __future__ import annotations

from typing import NamedTuple


class Wanted(NamedTuple):
    """A container that is to be.

    Attributes:
        part: what it is for, as its label has it.
        ports: (address, port) of this machine that it is published on.
    """

    name: str
    part: str
    ports: tuple[tuple[str, int], ...]


class Pull(NamedTuple):
    """An image that is to be there.

    Attributes:
        name: with its tag, and its digest where that is pinned.
        policy: `missing`, `always` or `never`.
    """

    name: str
    policy: str


class Data(NamedTuple):
    """The volume of a server's data.

    Attributes:
        version: PostgreSQL's major version that is to run on it.
        adopt: whether data that another program made is welcome.
    """

    volume: str
    version: int
    adopt: bool


class Demand(NamedTuple):
    """Everything that a stack wants of an engine.

    Attributes:
        volumes: the other ones.
    """

    url: str
    project: str
    stack: str
    containers: tuple[Wanted, ...]
    images: tuple[Pull, ...]
    data: Data
    volumes: tuple[str, ...]
