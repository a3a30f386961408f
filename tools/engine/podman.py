"""A Podman service of the session's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tools.engine import packages, process, slots
from tools.engine.dockerd import Running
from tools.engine.errors import NoTestEngineError

PROGRAMS = ("podman", "conmon", "iptables", "setpriv")

CONFIGURATION = """
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]

[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = {delay}
runtime = "{runtime}"

[network]
network_backend = "{network}"
network_config_dir = "{folder}/networks"
default_subnet = "{default}"
default_subnet_pools = [{{"base" = "{networks}", "size" = 24}}]
"""

VALUES = {"files": 1024, "processes": 4096, "delay": 20}
"""Limits that are below those of most machines, since Podman asks for more than some allow; and for how many seconds the end of a command
in a container can be asked for, during which a process of Podman waits.
"""

NETAVARK = ("/usr/lib/podman/netavark", "/usr/libexec/podman/netavark")

RESOLVERS = ("/usr/lib/podman/aardvark-dns", "/usr/libexec/podman/aardvark-dns", "/usr/lib/cni/dnsname")
"""What has containers find each other by name: one of these."""


def lacking() -> list[str]:
    """What is missing to start Podman here."""
    resolver = [] if any(Path(path).exists() for path in RESOLVERS) else ["aardvark-dns"]
    return [*packages.missing(PROGRAMS), *resolver]


@contextmanager
def podman_engine() -> Iterator[Running]:
    """A Podman service that runs until the end of the block, with storage of its own.

    Raises:
        NoTestEngineError: there is no Podman, or it cannot be started.
    """
    if os.geteuid() != 0:
        raise NoTestEngineError("The tests start Podman as root alone.")
    if wanting := lacking():
        raise NoTestEngineError(f"Podman cannot be started without {', '.join(wanting)}: `make test` installs them.")
    with slots.take("podman") as slot:
        slot.folder.mkdir(parents=True, exist_ok=True)
        slot.data.mkdir(parents=True, exist_ok=True)
        environment = {"CONTAINERS_CONF": str(_configure(slot))}
        podman = [str(packages.which("podman")), f"--root={slot.data}", f"--runroot={slot.folder}/run"]
        url = f"unix://{slot.folder}/podman.sock"
        Path(url.removeprefix("unix://")).unlink(missing_ok=True)
        _empty(podman, environment)
        try:
            service = [*podman, "system", "service", "--time=0", url]
            daemon = process.Daemon(service, slot.data.with_suffix(".log"), lambda: process.ping(url), environment=environment)
            with process.running(daemon):
                yield Running(url, daemon)
        finally:
            _empty(podman, environment)
            _end_monitors(slot)
            shutil.rmtree(slot.folder, ignore_errors=True)


def _configure(slot: slots.Slot) -> Path:
    first, second = slot.network.subnets(new_prefix=17)
    file = slot.folder / "containers.conf"
    values = {
        "runtime": "crun" if packages.which("crun") else "runc",
        "network": "netavark" if any(Path(path).exists() for path in NETAVARK) else "cni",
        "folder": slot.folder,
        "default": next(first.subnets(new_prefix=24)),
        "networks": second,
    }
    file.write_text(CONFIGURATION.format(**VALUES, **values), encoding="utf-8")
    (slot.folder / "networks").mkdir(exist_ok=True)
    return file


def _empty(podman: list[str], environment: dict[str, str]) -> None:
    """Removes everything but images; also what a killed run has left."""
    packages.run([*podman, "rm", "--all", "--force", "--time=0"], environment=environment)
    packages.run([*podman, "volume", "prune", "--force"], environment=environment)
    packages.run([*podman, "network", "prune", "--force"], environment=environment)


def _end_monitors(slot: slots.Slot) -> None:
    """Ends what still waits to be asked how a command in a container ended."""
    own = f"{slot.data}/"
    for monitor in psutil.process_iter():
        with suppress(psutil.Error):
            if monitor.name() == "conmon" and any(word.startswith(own) for word in monitor.cmdline()):
                monitor.kill()
