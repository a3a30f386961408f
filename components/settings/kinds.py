"""The kinds of values that settings are made of, each with its limits, and the base of all models."""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import PurePath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from components import identifiers
from migrator import formats

EXTENSION_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
LABEL = r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z){LABEL}(\.{LABEL})*\.?")


class Model(BaseModel):
    """Settings that are read once and never changed; a key that there is not is a mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=False)


def refuse(problems: Iterable[str]) -> None:
    """Raises ValueError with all problems, a line each, where there are any."""
    if lines := list(problems):
        raise ValueError("\n".join(lines))


def _identifier(name: str) -> str:
    if problem := identifiers.problem_with(name):
        raise ValueError(problem)
    return name


def _name(name: str) -> str:
    length = len(name.encode())
    if not name.strip() or "\0" in name:
        raise ValueError("is no name")
    if length > identifiers.MAX_BYTES:
        raise ValueError(f"is {length} bytes long, PostgreSQL keeps {identifiers.MAX_BYTES}")
    return name


def _extension(name: str) -> str:
    if not EXTENSION_NAME.fullmatch(_name(name) if name else name):
        raise ValueError("is no name of an extension: they are like citext or uuid-ossp")
    return name


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError("must be a number, text, true or false")  # noqa: TRY004  pydantic collects ValueError
    return value


def _format(name: str) -> str:
    if name not in formats.NAMES:
        raise ValueError(f"is no migration format of this version: choose one of {', '.join(sorted(formats.NAMES))}")
    return name


def _path(path: str) -> str:
    if not path.strip() or "\0" in path:
        raise ValueError("is no path: give one that is relative to the folder of Pulumi.yaml")
    return str(PurePath(path))


def _address(address: str) -> str:
    try:
        return str(ip_address(address))
    except ValueError:
        raise ValueError("is no address: give one like 127.0.0.1 or ::1, or 0.0.0.0 for all of this machine's") from None


def _label(name: str) -> str:
    if not re.fullmatch(LABEL, name):
        raise ValueError("is no host name: letters, digits and -, 63 at most")
    return name


def _host(host: str) -> str:
    try:
        ip_address(host)
    except ValueError:
        if not HOST_NAME.fullmatch(host):
            raise ValueError("is no host: give one name or one address, without port or user") from None
    return host


Identifier = Annotated[str, AfterValidator(_identifier)]
"""A database or a role that is made here."""

Name = Annotated[str, AfterValidator(_name)]
"""A database or a role that is there already: any name that a server keeps."""

Extension = Annotated[str, AfterValidator(_extension)]
Path = Annotated[str, AfterValidator(_path)]
Format = Annotated[str, AfterValidator(_format)]
Host = Annotated[str, AfterValidator(_host)]
Label = Annotated[str, AfterValidator(_label)]
"""A host name without dots."""

Address = Annotated[str, AfterValidator(_address)]
"""An IPv4 or IPv6 address."""

Scalar = Annotated[Any, AfterValidator(_scalar)]
