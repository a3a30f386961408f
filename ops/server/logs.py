"""What containers have printed."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import typer

from containers.engine import connect
from ops.server import parts
from ops.server.deployed import Deployed

AGO = re.compile(r"(\d+)([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, now: datetime) -> datetime:
    """A time that somebody typed: so long ago (`90s`, `10m`, `2h`, `1d`), or ISO 8601, in UTC unless it says otherwise.

    Raises:
        typer.BadParameter: it is neither.
    """
    if found := AGO.fullmatch(text):
        try:
            return now - timedelta(**{UNITS[found[2]]: int(found[1])})
        except OverflowError:
            return datetime(1970, 1, 1, tzinfo=UTC)
    try:
        known = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time: 10m, 2h, 1d, or 2025-01-31T12:00.", param_hint="--since") from None
    return known if known.tzinfo else known.replace(tzinfo=UTC)


def show(deployed: Deployed, part: str, *, follow: bool, tail: int | None, since: datetime | None) -> None:
    """Prints the log of a part. Ctrl-C ends it where it is followed."""
    with connect(deployed.names.url) as client:
        container = parts.one(client, deployed.names, part)
        chosen: dict[str, Any] = {"tail": "all" if tail is None else tail}
        if since is not None:
            chosen["since"] = max(since.timestamp(), 0.001)  # the engine takes 0 for all there is
        pieces = container.logs(stream=True, follow=follow, **chosen)
        with suppress(KeyboardInterrupt):
            for piece in pieces:
                sys.stdout.buffer.write(piece)
                sys.stdout.buffer.flush()
