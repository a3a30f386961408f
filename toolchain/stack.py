"""Runs Pulumi against one stack of this project, with its settings, backend and tools in place."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from toolchain import backend, locks, paths, plugins, pulumi_cli, state
from toolchain.errors import ToolchainError

PROJECT = "pgstack"

STACK_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")

TAKES_CONFIG_FILE = frozenset({"destroy", "import", "logs", "preview", "refresh", "up", "update", "watch"})
"""The commands that read a stack's settings and may be pointed at another file."""

TAKES_STACK = TAKES_CONFIG_FILE | {"cancel", "config", "stack"}
"""The commands that work on a stack; others, such as `whoami`, refuse to be told one."""

SALT = re.compile(r"^encryptionsalt: .+$", re.MULTILINE)


@dataclass(frozen=True)
class Stack:
    """One stack, ready to run commands on. Make it with `open_stack`.

    Attributes:
        tools: the folder with `pulumi`.
        plugins: folders with plug-ins that Pulumi would not find by itself.
    """

    name: str
    tools: Path
    backend: backend.Backend
    plugins: tuple[Path, ...] = ()

    @property
    def settings_file(self) -> Path:
        """The stack's settings as the user keeps them."""
        return settings_file_of(self.name)

    @property
    def salted_file(self) -> Path:
        """The copy of the settings with the salt of a local backend."""
        return paths.STACK_FILES / self.settings_file.name

    @property
    def is_of_this_machine(self) -> bool:
        """Whether what the stack makes ends with this machine, so that it needs no second look before it is applied."""
        return backend.is_of_this_machine(self.name, target_of(self.name))

    @property
    def root_certificate(self) -> str:
        """The file of the authorities that may sign the server's certificate; empty where the settings name none."""
        external = settings_of(self.name).get(f"{PROJECT}:external") or {}
        file = external.get("rootCertificate")
        return str(paths.ROOT / file) if file else ""

    @property
    def path(self) -> tuple[str, ...]:
        """The folders that belong in front of PATH."""
        return tuple(map(str, (self.tools, *self.plugins)))

    @property
    def environment(self) -> dict[str, str]:
        """The caller's environment with the tools on PATH and the backend's variables."""
        path = os.pathsep.join([*self.path, os.environ.get("PATH", "")])
        # The program checks its settings itself: every mistake at once, where the engine stops at the first.
        ours = {
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_OPTION_SKIP_CONFIG_VALIDATION": "true",
            "PYDANTIC_DISABLE_PLUGINS": "__all__",  # it looks for some in every package that is installed
        }
        return {**os.environ, **ours, **self.backend.environment, "PATH": path}

    def command(self, arguments: list[str]) -> list[str]:
        """The command line for `pulumi ARGUMENTS` on this stack; refreshes the salted settings where they are used."""
        if not arguments:
            return [str(self.tools / "pulumi")]
        config_file = self._config_file() if arguments[0] in TAKES_CONFIG_FILE else []
        stack = ["--stack", self.name] if arguments[0] in TAKES_STACK else []
        return [str(self.tools / "pulumi"), arguments[0], *stack, *config_file, *arguments[1:]]

    def _config_file(self) -> list[str]:
        """The option that names the settings, where they are not the file that Pulumi looks for by itself."""
        if self._keeps_salt_apart():
            self.write_salted_file()
            return ["--config-file", str(self.salted_file)]
        return ["--config-file", str(self.settings_file)] if self.settings_file.parent != paths.ROOT else []

    def run(self, arguments: list[str], *, check: bool = True) -> int:
        """Runs `pulumi ARGUMENTS` on this stack in the terminal. Exits with Pulumi's code when it fails and `check` is set."""
        self._remove_dead_locks()
        sys.stdout.flush()
        code = subprocess.run(self.command(arguments), cwd=paths.ROOT, env=self.environment, check=False).returncode
        if check and code:
            raise SystemExit(code)
        return code

    def outputs(self, *, show_secrets: bool = False) -> dict[str, Any]:
        """The stack's outputs; secrets read `[secret]` unless they are asked for."""
        if not show_secrets and self.backend.is_local and (known := state.masked_outputs(self._state_file)) is not None:
            return known
        arguments = ["stack", "output", "--json", *(["--show-secrets"] if show_secrets else [])]
        command = [str(self.tools / "pulumi"), *arguments, "--stack", self.name]
        answer = subprocess.run(command, cwd=paths.ROOT, env=self.environment, capture_output=True, text=True, check=False)
        if answer.returncode:
            raise ToolchainError(answer.stderr.strip(), hint=f"Run `make up STACK={self.name}` first.")
        outputs: dict[str, Any] = json.loads(answer.stdout)
        return outputs

    def ensure_exists(self) -> None:
        """Creates the stack in the backend unless it is there."""
        if not self.backend.is_local:
            self.run(["stack", "select", "--create"])
            return
        if self._state_file.exists():
            return
        where = paths.ROOT
        if not self._has_own_salt() or self.settings_file.parent != paths.ROOT:
            # `stack init` writes the salt beside the project file, so it gets a folder with a project file of its own.
            where = paths.STACK_FILES
            where.mkdir(parents=True, exist_ok=True)
            (where / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n", encoding="utf-8")
            self.salted_file.unlink(missing_ok=True)
            if self._has_own_salt():
                shutil.copyfile(self.settings_file, self.salted_file)
        command = [str(self.tools / "pulumi"), "stack", "init", self.name, "--no-select", "--non-interactive"]
        subprocess.run(command, cwd=where, env=self.environment, check=True, stdout=subprocess.DEVNULL)

    @property
    def _state_file(self) -> Path:
        """Where a local backend keeps the stack's state."""
        folder = Path(self.backend.url.removeprefix(backend.LOCAL_SCHEME)).expanduser()
        return folder / ".pulumi" / "stacks" / PROJECT / f"{self.name}.json"

    def _remove_dead_locks(self) -> None:
        """Only in the backend that is this program's own: another one is its user's to unlock."""
        folder = paths.STATE / ".pulumi" / "locks"
        if backend.is_own(self.backend) and folder.exists():
            for line in locks.remove_dead(folder):
                print(f"  {line}", file=sys.stderr)

    def _has_own_salt(self) -> bool:
        return self.settings_file.exists() and SALT.search(self.settings_file.read_text(encoding="utf-8")) is not None

    def _keeps_salt_apart(self) -> bool:
        return self.backend.is_local and not self._has_own_salt() and self._salt() is not None

    def _salt(self) -> str | None:
        """The line with the salt: from the copy, or from the state, where Pulumi keeps it too, if the copy is gone."""
        if self.salted_file.exists() and (found := SALT.search(self.salted_file.read_text(encoding="utf-8"))):
            return found.group()
        known = state.salt(self._state_file)
        return f"encryptionsalt: {known}" if known else None

    def write_salted_file(self) -> None:
        """Writes the salted copy anew from the user's file, so that it never goes stale."""
        salt = self._salt() or ""
        settings = self.settings_file.read_text(encoding="utf-8") if self.settings_file.exists() else ""
        self.salted_file.parent.mkdir(parents=True, exist_ok=True)
        self.salted_file.write_text(f"{settings.rstrip()}\n{salt}\n".lstrip(), encoding="utf-8")


def settings_file_of(name: str) -> Path:
    """The file with a stack's settings: beside Pulumi.yaml, or in the folder of an example that has the stack's name.

    Where there is neither, the one beside Pulumi.yaml is the one to make.
    """
    usual = paths.ROOT / f"Pulumi.{name}.yaml"
    of_example = paths.ROOT / "examples" / name / usual.name
    return of_example if of_example.exists() and not usual.exists() else usual


def stack_names() -> list[str]:
    """The stacks that have a file with settings, those of the examples too."""
    files = [*paths.ROOT.glob("Pulumi.*.yaml"), *paths.ROOT.glob("examples/*/Pulumi.*.yaml")]
    names = {file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in files}
    return sorted(name for name in names if settings_file_of(name) in files)


def settings_of(name: str) -> dict[str, Any]:
    """What a stack file has below `config:`."""
    file = settings_file_of(name)
    content = yaml.safe_load(file.read_text(encoding="utf-8")) if file.exists() else None
    return (content or {}).get("config") or {}


def target_of(name: str) -> str:
    """The target that the stack's settings name, or the default."""
    return str(settings_of(name).get(f"{PROJECT}:target", "embedded"))


def open_stack(name: str) -> Stack:
    """Gets the toolchain and the backend ready for the stack `name`.

    Raises:
        ToolchainError: the name cannot be a stack's, the CLI could not be had, or the backend does not suit the stack.
    """
    if not STACK_NAME.fullmatch(name):
        raise ToolchainError(f"{name!r} is no stack name.", hint="Letters, digits, '.', '_' and '-', for example: make up STACK=dev")
    target = target_of(name)
    state = backend.prepare()
    backend.refuse_local_state(name, target, state)
    tools = pulumi_cli.ensure()
    folders = plugins.ensure(target, tools)
    if backend.is_own(state):
        return Stack(name, tools, dataclasses.replace(state, environment=state.environment | plugins.settle(folders)))
    return Stack(name, tools, state, folders)
