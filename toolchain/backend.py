"""Which state backend Pulumi uses here, and a local one for whoever is logged in nowhere."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import yaml

from toolchain import paths
from toolchain.errors import ToolchainError

LOCAL_SCHEME = "file://"

TARGETS_OF_THIS_MACHINE = frozenset({"embedded", "docker"})
"""What a stack with one of these targets makes ends with this machine, so its state may live here too."""


@dataclass(frozen=True)
class Backend:
    """A state backend.

    Attributes:
        url: as `pulumi login` takes it.
        environment: what Pulumi needs in its environment to use it; empty where the user is logged in.
    """

    url: str
    environment: dict[str, str]

    @property
    def is_local(self) -> bool:
        """Whether the state is in a folder of this machine."""
        return self.url.startswith(LOCAL_SCHEME)


def chosen() -> str | None:
    """The backend the user chose, looked up where Pulumi looks: environment, project file, then `pulumi login`."""
    if url := os.environ.get("PULUMI_BACKEND_URL"):
        return url
    text = (paths.ROOT / "Pulumi.yaml").read_text(encoding="utf-8")
    project = yaml.safe_load(text) if "backend:" in text else {}
    if url := (project.get("backend") or {}).get("url"):
        return str(url)
    home = Path(os.environ.get("PULUMI_CREDENTIALS_PATH") or os.environ.get("PULUMI_HOME") or Path.home() / ".pulumi")
    try:
        credentials = json.loads((home / "credentials.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        credentials = {}
    # A token alone is a login to Pulumi Cloud; it says nothing where another backend was chosen.
    return credentials.get("current") or ("https://api.pulumi.com" if os.environ.get("PULUMI_ACCESS_TOKEN") else None)


def prepare() -> Backend:
    """The user's backend, or a local one below `paths.WORK` with a passphrase that is generated once.

    Side effects: makes the folder of the state and the passphrase file (mode 0600) where they are missing.
    """
    if url := chosen():
        return Backend(url, {})
    paths.STATE.mkdir(parents=True, exist_ok=True)
    environment = {"PULUMI_BACKEND_URL": f"{LOCAL_SCHEME}{paths.STATE}"}
    if not os.environ.keys() & {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"}:
        write_passphrase()
        environment["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(paths.PASSPHRASE)
    return Backend(environment["PULUMI_BACKEND_URL"], environment)


def is_own(backend: Backend) -> bool:
    """Whether it is the one that `prepare` makes for whoever is logged in nowhere."""
    return backend.url == f"{LOCAL_SCHEME}{paths.STATE}"


def write_passphrase() -> None:
    """Makes the passphrase file unless it is there; only its owner may read it."""
    try:
        descriptor = os.open(paths.PASSPHRASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    import secrets  # noqa: PLC0415  once for each checkout

    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))


def is_of_this_machine(stack: str, target: str) -> bool:
    """Whether what a stack makes ends with this machine."""
    return stack != "prod" and target in TARGETS_OF_THIS_MACHINE


def refuse_local_state(stack: str, target: str, backend: Backend) -> None:
    """Raises ToolchainError where the state of a stack beyond this machine would be kept in a folder of it."""
    if not backend.is_local or is_of_this_machine(stack, target):
        return
    raise ToolchainError(
        f"Stack {stack} (target {target}) must not keep its state in {backend.url}: the one copy of what it made, and the key "
        "to its secrets, would be on this machine.",
        hint="Log in to a shared backend first, then run the command again:\n"
        "    S3 with KMS:   pulumi login 's3://BUCKET?region=REGION'\n"
        f"                   pulumi stack init {stack} --secrets-provider 'awskms://alias/ALIAS?region=REGION'\n"
        f"    Pulumi Cloud:  pulumi login && pulumi stack init {stack}",
    )
