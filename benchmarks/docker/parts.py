"""The programs that are compared: the stack dev, a bare program with the same containers, and `docker run`."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import yaml

from bootstrap.model import Role, Wanted
from bootstrap.run import ensure
from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_dev import DevStack
from tests.fix_docker import TestEngine
from tests.fix_server import free_port
from tests.fix_stack import ROOT

BARE = Path(__file__).with_name("bare")
COMMAND = ("up", "--suppress-outputs", "--yes", "--skip-preview")
"""What `make up` has Pulumi do with a stack of this machine."""

START = 120.0
"""Seconds for a server to come up."""

PAUSE = 0.02

PASSWORD = secrets.token_urlsafe()

ASK = """
import json, sys
from toolchain.stack import open_stack
stack = open_stack(sys.argv[1])
print(json.dumps([stack.command(sys.argv[2:]), stack.environment]))
"""


def quietly(command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    """Runs a program; what it prints is shown only where it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"


def pulumi_up(dev: DevStack) -> Callable[[], None]:
    """The `pulumi up` that `make up` runs, without what `make` and the toolchain do around it."""
    folder, environment = dev.project.folder, dev.project.environment
    asked = subprocess.run(
        [".venv/bin/python", "-c", ASK, dev.name, *COMMAND], cwd=folder, env=environment, capture_output=True, check=True
    )
    command, own = json.loads(asked.stdout)
    return lambda: quietly(command, folder, own)


class Bare:
    """A stack of the bare program, in a folder of its own: same virtual environment, CLI, plug-in and kind of backend.

    Args:
        dev: whose environment it has.
    """

    def __init__(self, folder: Path, dev: DevStack) -> None:
        shutil.copytree(BARE, folder, ignore=shutil.ignore_patterns("__pycache__"))
        self._folder, self.name = folder, f"bare-{secrets.token_hex(4)}"
        project = yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        project["runtime"] = {"name": "python", "options": {"virtualenv": os.path.relpath(ROOT / ".venv", folder)}}
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(project), encoding="utf-8")
        (folder / "state").mkdir()
        ask = [".venv/bin/python", "-c", ASK, dev.name, "up"]
        asked = subprocess.run(ask, cwd=dev.project.folder, env=dev.project.environment, capture_output=True, check=True)
        passphrase = {"PULUMI_BACKEND_URL": f"file://{folder / 'state'}", "PULUMI_CONFIG_PASSPHRASE": secrets.token_urlsafe()}
        known = json.loads(asked.stdout)[1]
        self._environment = {**{key: value for key, value in known.items() if "PASSPHRASE" not in key}, **passphrase}
        self._pulumi("stack", "init", self.name)
        self._configure(dev)

    def _configure(self, dev: DevStack) -> None:
        images = dev.engine.images
        file = self._folder / f"Pulumi.{self.name}.yaml"
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        content["config"] = {
            "bare:engine": dev.engine.url,
            "bare:images": {"postgres": images.postgres15, "adminer": images.adminer, "redis": images.redis},
            "bare:ports": {part: free_port() for part in ("postgres", "adminer", "redis")},
        }
        file.write_text(yaml.safe_dump(content), encoding="utf-8")
        self._pulumi("config", "set", "--secret", "bare:password", PASSWORD, "--stack", self.name)

    def _pulumi(self, *arguments: str) -> None:
        quietly(["pulumi", *arguments], self._folder, self._environment)

    def up(self) -> None:
        """`pulumi up`, with the options that `make up` gives it."""
        self._pulumi(*COMMAND, "--stack", self.name)


def docker_run(engine: TestEngine, name: str, administrator: Login) -> None:
    """Starts a server with `docker run`'s options alone; returns as soon as it answers a first query over TCP."""
    engine.client.containers.run(
        engine.images.postgres15,
        name=name,
        detach=True,
        environment={"POSTGRES_PASSWORD": administrator.password},
        ports={"5432/tcp": (administrator.host, administrator.port)},
        labels={"pgstack.stack": name},
    )
    deadline = time.monotonic() + START
    while True:
        try:
            ask(administrator)
        except ConnectionFailed:
            assert time.monotonic() < deadline, f"{name} did not come up"
            time.sleep(PAUSE)
        else:
            return


def ask(login: Login) -> None:
    """The first query."""
    with login.connect() as session:
        session.execute("SELECT 1")


def make_databases(administrator: Login) -> list[tuple[Path, str, str]]:
    """Makes the databases of the stack dev with their roles; what there is to migrate: folder, format, and URL for the owner."""
    work = []
    databases = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text(encoding="utf-8"))["config"]["pgstack:databases"]
    for entry in databases:
        name = entry["name"]
        names = [name, f"{name}_test"] if entry.get("testTwin") else [name]
        owner, app, reader = (
            Role(found, PASSWORD) for found in (f"{name}_owner", entry.get("roles", {}).get("app", f"{name}_app"), f"{name}_readonly")
        )
        ensure(administrator, Wanted(tuple(names), owner=owner, app=app, readonly=reader, extensions=("pg_stat_statements",)))
        folder = ROOT / "sql" / name / "migrations"
        urls = [f"postgresql://{owner.name}:{PASSWORD}@127.0.0.1:{administrator.port}/{each}" for each in names]
        work += [(folder, entry.get("format", ""), url) for url in urls if folder.is_dir()]
    return work


def migrate(work: list[tuple[Path, str, str]]) -> None:
    """Applies the migrations: a process of `ops migrate up` for each database, one after the other."""
    for folder, kind, url in work:
        command = [str(ROOT / ".venv/bin/python"), "-m", "ops", "migrate", "up", "--folder", str(folder), "--url-from", "DATABASE_URL"]
        quietly([*command, *(["--format", kind] if kind else [])], ROOT, {**os.environ, "DATABASE_URL": url})
