"""The example of an application's deploy: what it makes of the outputs of pgstack, declared against Pulumi's mocks."""

from __future__ import annotations

import json
import os
import runpy
from pathlib import Path
from typing import Any

import pulumi
import pytest

from tests.unit import engine
from tests.unit.engine import Run, Secret

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "app-deploy"

PASSWORD = r"pass:word\\of the application"

SERVER: dict[str, Any] = {
    "target": "docker",
    "version": 15,
    "host": {"host": "127.0.0.1", "port": 5433},
    "network": {"host": "database", "port": 5432},
    "docker": {
        "engine": "unix:///run/engine.sock",
        "container": "pgstack-dev-postgres",
        "network": "pgstack-dev",
        "volume": "pgstack-dev-data",
        "backupVolume": "pgstack-dev-backups",
    },
}

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://physics_user:pass@database:5432/physics_assistant?sslmode=disable",
    "PGHOST": "database",
    "PGPORT": "5432",
    "PGDATABASE": "physics_assistant",
    "PGUSER": "physics_user",
    "PGPASSWORD": PASSWORD,
    "PGSSLMODE": "disable",
}


class _Mocks(pulumi.runtime.Mocks):
    def __init__(self, server: dict[str, Any]) -> None:
        self.asked: list[str] = []
        self.server = server

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            self.asked.append(args.inputs["name"])
            outputs = {"server": self.server, "databases": {"physics_assistant": {"networkEnvironment": ENVIRONMENT}}}
            return args.name, {"name": args.name, "outputs": outputs, "secretOutputNames": ["databases"]}
        return f"{args.name}-id", {**args.inputs, **({"imageId": "sha256:1"} if args.typ.endswith("RemoteImage") else {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> Any:
        raise NotImplementedError(args.token)


class _Monitor(engine._Monitor):
    def ReadResource(self, request: Any) -> Any:  # noqa: N802  the name of the gRPC call
        with engine._own_loop():
            return super().ReadResource(request)


def deploy(monkeypatch: pytest.MonkeyPatch, server: dict[str, Any] = SERVER, **settings: str) -> tuple[Run, list[str]]:
    """Runs the example; what it declared, and the stacks that it asked for outputs."""
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps({f"app-deploy:{key}": value for key, value in settings.items()}))
    run = Run()
    monkeypatch.setattr(pulumi, "export", run.exports.__setitem__)
    monitor = _Monitor(run)
    monitor.mocks = mocks = _Mocks(server)

    @pulumi.runtime.test
    def program() -> None:
        runpy.run_path(str(EXAMPLE / "__main__.py"), run_name="program")

    with engine._own_loop() as loop:
        loop.set_exception_handler(lambda _loop, _context: None)  # everything that hangs on an output that failed says so again
        pulumi.runtime.set_mocks(mocks, project="app-deploy", stack="dev", preview=False, monitor=monitor)
        program()
        run.exports = loop.run_until_complete(engine._resolved(run.exports))
    return run, mocks.asked


def test_the_container_is_beside_the_database_with_its_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = deploy(monkeypatch)
    assert asked == ["organization/pgstack/dev"]
    assert run.exports == {"container": "app-deploy-dev"}
    assert run.find("docker", "engine").inputs["host"] == "unix:///run/engine.sock"
    container = run.find("Container", "app").inputs
    assert container["name"] == "app-deploy-dev"
    assert container["networksAdvanced"] == [{"name": "pgstack-dev"}]
    assert container["envs"] == [
        "PGAPPNAME=app-deploy",
        "PGDATABASE=physics_assistant",
        "PGHOST=database",
        "PGPASSFILE=/etc/heartbeat.pgpass",
        "PGPORT=5432",
        "PGSSLMODE=disable",
        "PGUSER=physics_user",
    ]


def test_the_password_is_a_secret_in_a_file_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = deploy(monkeypatch)
    container = run.find("Container", "app")
    assert container.secret_outputs == ("uploads",)
    uploads = container.inputs.pop("uploads")
    line = r"database:5432:physics_assistant:physics_user:pass\:word\\\\of the application" + "\n"
    assert uploads == [
        {"file": "/usr/local/bin/heartbeat", "content": (EXAMPLE / "heartbeat.sh").read_text(encoding="utf-8")},
        {"file": "/etc/heartbeat.pgpass", "content": Secret(line), "permissions": "0600"},
    ]
    assert "application\\n" not in str(container.inputs)
    assert "pass@" not in str(container.inputs)


def test_stack_and_image_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = deploy(monkeypatch, **{"database-stack": "acme/pgstack/test", "image": "shop:2"})
    assert asked == ["acme/pgstack/test"]
    assert run.find("RemoteImage", "app").inputs["name"] == "shop:2"


def test_a_server_without_a_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pulumi.RunError, match="The server of target embedded is in no container"):
        deploy(monkeypatch, {**SERVER, "target": "embedded", "docker": None})


def test_the_program_is_one_that_a_shell_reads() -> None:
    assert os.spawnlp(os.P_WAIT, "sh", "sh", "-n", str(EXAMPLE / "heartbeat.sh")) == 0
