"""Declares the whole program against Pulumi's mocks, and keeps what it asked the engine for."""

from __future__ import annotations

import asyncio
import json
import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc

PROGRAM = Path(__file__).resolve().parents[2] / "__main__.py"


@dataclass(frozen=True)
class Secret:
    """A value that the engine encrypts."""

    value: Any


@dataclass(frozen=True)
class Declared:
    """A resource as the engine was asked for it.

    Attributes:
        kind: the last part of its type.
        parent: kind and name of the resource it belongs to, empty for one of the stack itself.
        depends_on: kind and name of each resource that has to be there first.
        provider: the provider's code, as it is kept in the state.
        options: those that say how the engine changes and ends it.
    """

    kind: str
    name: str
    parent: str
    inputs: dict[str, Any]
    depends_on: tuple[str, ...]
    secret_outputs: tuple[str, ...]
    provider: Any
    options: dict[str, Any]


@dataclass
class Run:
    """What one run of the program declared."""

    resources: list[Declared] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, Any] = field(default_factory=dict)

    def find(self, kind: str, name: str) -> Declared:
        """The one resource of a kind and a name."""
        (found,) = [resource for resource in self.resources if (resource.kind, resource.name) == (kind, name)]
        return found

    @property
    def tree(self) -> list[str]:
        """All resources, each with its parent."""
        return sorted(f"{one.parent or 'stack'} > {one.kind} {one.name}" for one in self.resources)


def password_of(name: str) -> str:
    """The password that the mocks make, with characters that a URL has to encode."""
    return f"s3cret/{name}"


def _short(urn: str) -> str:
    kind, name = urn.split("::")[2:]
    return "" if kind.endswith("pulumi:pulumi:Stack") else f"{kind.rpartition(':')[2]} {name}"


def _plain(value: Any) -> Any:
    """A property as the program wrote it, with secrets told apart."""
    if isinstance(value, Mapping):
        if value.get(rpc._special_sig_key) == rpc._special_secret_sig:
            return Secret(_plain(value["value"]))
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


@contextmanager
def _own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop for this thread. Pulumi would make one in each thread that it calls the mocks from, and never close it."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield loop
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        asyncio.set_event_loop(None)
        loop.close()


class _Monitor(mocks.MockMonitor):
    """Pulumi's mock engine; in addition it makes outputs secret where the program asks for it, as the real one does."""

    def __init__(self, run: Run) -> None:
        super().__init__(_Mocks())
        self.run = run

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the name of the gRPC call
        with _own_loop():
            answer = super().RegisterResource(request)
        if request.type == "pulumi:pulumi:Stack":
            return answer
        inputs = json_format.MessageToDict(request.object)
        provider = inputs.pop("__provider", None)
        self.run.resources.append(
            Declared(
                kind=request.type.rpartition(":")[2],
                name=request.name,
                parent=_short(request.parent),
                inputs=_plain(inputs),
                depends_on=tuple(sorted(filter(None, map(_short, request.dependencies)))),
                secret_outputs=tuple(request.additionalSecretOutputs),
                provider=provider,
                options={
                    "provider": _short(request.provider.rpartition("::")[0]) if "::" in request.provider else request.provider,
                    "retainOnDelete": request.retainOnDelete,
                    "deleteBeforeReplace": request.deleteBeforeReplace,
                    "ignoreChanges": list(request.ignoreChanges),
                },
            )
        )
        values = json_format.MessageToDict(answer.object)
        for name in request.additionalSecretOutputs:
            answer.object[name] = {rpc._special_sig_key: rpc._special_secret_sig, "value": values.get(name)}
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802  the name of the gRPC call
        self.run.outputs[_short(request.urn)] = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)


class _Mocks(pulumi.runtime.Mocks):
    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        made = {
            "Password": {"result": password_of(args.name)},
            "Check": {"version": 15},
            "ContainerServer": {"address": args.inputs.get("host") or "172.20.0.2"},
            "RemoteImage": {"imageId": f"sha256:{args.inputs.get('name')}"},
            "Engine": {"ids": {image["name"]: f"sha256:{image['name']}" for image in args.inputs.get("images", [])}},
        }
        return f"{args.name}-id", {**args.inputs, **made.get(args.typ.rpartition(":")[2], {})}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise NotImplementedError(args.token)


async def _resolved(value: Any) -> Any:
    """A tree of outputs with its values, secrets told apart."""
    if isinstance(value, pulumi.Output):
        found = await _resolved(await value.future())
        return Secret(found) if await value.is_secret() else found
    if isinstance(value, Mapping):
        return {key: await _resolved(part) for key, part in value.items()}
    return value


def declare(monkeypatch: pytest.MonkeyPatch, **settings: Any) -> Run:
    """Runs the program in the present folder with the given settings.

    Raises:
        pulumi.RunError: what the program raised.
    """
    config = {f"pgstack:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in settings.items()}
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    run = Run()
    monkeypatch.setattr(pulumi, "export", run.exports.__setitem__)
    monitor = _Monitor(run)

    @pulumi.runtime.test
    def program() -> None:
        runpy.run_path(str(PROGRAM), run_name="program")

    with _own_loop() as loop:
        pulumi.runtime.set_mocks(monitor.mocks, project="pgstack", stack="local", preview=False, monitor=monitor)
        program()
        run.exports = loop.run_until_complete(_resolved(run.exports))
    return run
