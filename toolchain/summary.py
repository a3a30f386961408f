"""What people are told after `make up`, and what they ask of the outputs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from postgres.tls import VERIFYING
from toolchain.errors import ToolchainError


def databases(outputs: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and output of each database, twins after their database."""
    for name, output in outputs.get("databases", {}).items():
        yield name, output
        if "test" in output:
            yield output["test"]["name"], output["test"]


def render(stack: str, outputs: dict[str, Any]) -> str:
    """The closing summary of `make up`: databases, URLs without passwords, what to run next."""
    rows = [
        (name, output["migration"] or "none", f"postgresql://{login_of(output, 'app')['user']}@{_address(output)}/{name}")
        for name, output in databases(outputs)
    ]
    server = outputs["server"]
    lines = ["", f"PostgreSQL {server['version']} ({server['target']}) is up on stack {stack}."]
    if rows:
        widths = [max(len(row[column]) for row in [*rows, _HEAD]) for column in range(2)]
        lines += ["", *(f"  {row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in [_HEAD, *rows])]
    lines += companions(outputs)
    option = "" if stack == "local" else f" STACK={stack}"
    first = f" DATABASE={rows[0][0]}" if rows else ""
    commands = [
        (f"make psql{option}{first}", "open psql as the application's role"),
        (f"make -s url{option}{first}", "print that role's URL with its password"),
        (f"make preview{option}", "show what `make up` would change, pending migrations by name"),
        (f"make destroy{option}", f"{'forget' if server['target'] == 'external' else 'stop'} it; the data stays"),
    ]
    width = max(len(command) for command, _ in commands)
    lines += ["", "Next:", *(f"  {command:<{width}}  {what}" for command, what in commands)]
    return "\n".join(lines)


def companions(outputs: dict[str, Any]) -> list[str]:
    """A line for each server that runs beside PostgreSQL."""
    lines = []
    if adminer := outputs.get("adminer"):
        lines.append(f"  Adminer  {adminer['url']}")
    if redis := outputs.get("redis"):
        lines.append(f"  Redis    redis://{_address(redis)}, with a password: the output redis has it")
    return ["", *lines] if lines else []


def _address(output: dict[str, Any]) -> str:
    """Host and port for this machine, or for containers where nothing is published."""
    endpoint = output["endpoints"]["host"] or output["endpoints"]["network"]
    return f"[{endpoint['host']}]:{endpoint['port']}" if ":" in endpoint["host"] else f"{endpoint['host']}:{endpoint['port']}"


_HEAD = ("database", "migration", "URL of the application's role, without its password")


def login_of(output: dict[str, Any], role: str) -> dict[str, Any]:
    """User and URL of a database's role. Where there is one login for all, it is the application's too.

    Raises:
        ToolchainError: the stack knows no login of the role; names those it knows.
    """
    known = {name: login for name, login in output["roles"].items() if login}
    known.setdefault("app", known["owner"])
    if role not in known:
        hint = f"It knows: {', '.join(sorted(known))}"
        raise ToolchainError(f"The stack knows no login of the role {role} in {output['name']}.", hint=hint)
    found: dict[str, Any] = known[role]
    return found


def find_login(outputs: dict[str, Any], database: str | None, role: str) -> tuple[dict[str, Any], str, str]:
    """Host endpoint, database name and URL of a role.

    Args:
        outputs: with secrets shown.
        database: None for the only one, or the first.

    Raises:
        ToolchainError: there is no such database, or no login of the role; names those there are. Or nothing is published.
    """
    all_of_them = dict(databases(outputs))
    name = database or next(iter(all_of_them), "")
    if name not in all_of_them:
        raise ToolchainError(f"The stack has no database {name!r}.", hint=f"It has: {', '.join(all_of_them) or 'none'}")
    found = all_of_them[name]
    if not (host := found["endpoints"]["host"]):
        hint = "Set `publish: true` in pgstack:docker, or run psql in a container there."
        raise ToolchainError(f"{name} is reached from its network alone.", hint=hint)
    return host, name, login_of(found, role)["url"]


def find_url(outputs: dict[str, Any], database: str | None, role: str) -> str:
    """A role's URL, with its password."""
    return find_login(outputs, database, role)[2]


def run_psql(found: tuple[dict[str, Any], str, str], arguments: list[str], root_certificate: str = "") -> None:
    """Runs psql, from PATH or from the embedded package, and exits with its code.

    The URL with the password is in a service file of mode 0600 that is removed afterwards.

    Args:
        root_certificate: file of the authorities that may sign the server's certificate; empty for those that the system trusts.
    """
    host, name, address = found
    parts = urlsplit(address)
    service = {
        "host": host["host"],
        "port": str(host["port"]),
        "dbname": name,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        **dict(parse_qsl(parts.query)),
    }
    if service.get("sslmode") in VERIFYING:
        service["sslrootcert"] = root_certificate or _system_authorities()
    program = shutil.which("psql") or _embedded_psql()
    with tempfile.TemporaryDirectory(prefix="pgstack.") as folder:
        file = Path(folder, "service.conf")
        file.touch(mode=0o600)
        file.write_text("[pgstack]\n" + "".join(f"{key}={value}\n" for key, value in service.items()), encoding="utf-8")
        environment = {**os.environ, "PGSERVICEFILE": str(file), "PGSERVICE": "pgstack"}
        # Ctrl-C is for psql, which cancels a statement; to be ignored it would be ignored there, too.
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            code = subprocess.run([program, *arguments], env=environment, check=False).returncode
        finally:
            signal.signal(signal.SIGINT, before)
    raise SystemExit(code)


def _system_authorities() -> str:
    from postgres import ambient  # noqa: PLC0415  it needs the driver

    return ambient.system_authorities()


def _embedded_psql() -> str:
    from cluster import programs  # noqa: PLC0415  `make up` needs no part of it

    return str(programs.installed() / "psql")
