"""A PostgreSQL server in a container: started, waited for, and given its superuser's password."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from docker import DockerClient
from docker.models.containers import Container

from containers.engine import connect
from containers.errors import EngineError, UnhealthyError
from containers.inside import run
from containers.layout import FLAG, SUPERUSER
from containers.part import PAUSE, down, ended, find, is_over, look_for, restarts, start, unhealthy
from postgres.errors import ConnectionFailed
from postgres.login import Login, ServerRefused
from postgres.scram_secret import secret_of

WRONG_PASSWORD = re.compile(r"password authentication failed")


@dataclass(frozen=True)
class ContainerServer:
    """A server, by its container.

    Attributes:
        url: of the engine.
        host: through which this machine reaches it; None for the container's own address.
        port: there.
        version: PostgreSQL's major version.
    """

    url: str
    container: str
    host: str | None
    port: int
    version: int
    password: str = field(repr=False)

    def differences(self) -> tuple[str, ...]:
        """What `ensure` would do, in words; empty where the server runs as it should. Changes nothing."""
        with connect(self.url) as client:
            found = look_for(client, self.container)
            if found is None or found.status != "running":
                return down(found, self.container)
            try:
                self._login(found).connect().close()
            except ServerRefused as error:
                if WRONG_PASSWORD.search(str(error)):
                    return ("the superuser's password is to be set",)
                raise
            except ConnectionFailed:
                return ("the server does not answer, and is to be waited for",)
            return ()

    def ensure(self, timeout: float) -> tuple[str, ...]:
        """Starts the container where it is down, waits for its server, and sets the superuser's password unless it logs in.

        Returns what was done, in words. Safe to repeat.

        Args:
            timeout: seconds for the server to come up.

        Raises:
            UnhealthyError: it did not; has the last lines of its log.
            EngineError: the container is gone.
        """
        with connect(self.url) as client:
            found = find(client, self.container)
            done = list(start(found))
            started = time.monotonic()
            done += self._wait(client, found, timeout)
            run(client, found, ["rm", "-f", FLAG])
            waited = time.monotonic() - started
            return (*done, f"the server answers on {self._host(found)}:{self.port} after {waited:.1f} s")

    def address(self) -> str:
        """The address at which this machine reaches the server."""
        with connect(self.url) as client:
            return self._host(find(client, self.container))

    def _host(self, found: Container) -> str:
        if self.host:
            return self.host
        found.reload()
        networks = found.attrs["NetworkSettings"]["Networks"].values()
        address = next((str(network["IPAddress"]) for network in networks if network.get("IPAddress")), None)
        if address is None and found.status != "running":
            raise ConnectionFailed(f"The container {self.container} is {found.status}.")
        if address is None:
            raise EngineError(
                f"The container {self.container} is published nowhere, and has no address that this machine could reach.",
                hint="Set pgstack:docker.publish to true: 127.0.0.1 alone is not open to other machines.",
            )
        return address

    def _login(self, found: Container) -> Login:
        return Login(self._host(found), self.port, "postgres", SUPERUSER, self.password, sslmode="disable")

    def _wait(self, client: DockerClient, found: Container, timeout: float) -> Iterator[str]:
        """Waits until the superuser logs in; yields what had to be done for it."""
        before, deadline = restarts(found), time.monotonic() + timeout
        reason = ""
        while time.monotonic() < deadline:
            try:
                with self._login(found).connect() as session:
                    self._require_version(session.info.server_version // 10000)
            except ServerRefused as error:
                if not WRONG_PASSWORD.search(str(error)):
                    raise self._unhealthy(found, f"refuses its superuser: {Exception.__str__(error)}") from None
                self._set_password(client, found)
                yield "set the superuser's password"
                continue
            except ConnectionFailed as error:
                reason = Exception.__str__(error)
            else:
                return
            if is_over(found, before):
                raise self._unhealthy(found, ended(found))
            time.sleep(PAUSE)
        raise self._unhealthy(found, f"did not come up within {timeout:.0f} s: {reason}")

    def _require_version(self, found: int) -> None:
        if found != self.version:
            raise UnhealthyError(
                f"The container {self.container} runs PostgreSQL {found}, and the settings say {self.version}.",
                hint=f"Set pgstack:version to {found}, or pgstack:docker.image to one of version {self.version}.",
            )

    def _set_password(self, client: DockerClient, found: Container) -> None:
        """Over the server's local socket, where the container's own user needs no password. Only its verifier goes there."""
        statement = f"ALTER ROLE {SUPERUSER} PASSWORD '{secret_of(self.password)}'"
        code, printed = run(
            client, found, ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER, "-d", "postgres"], given=statement.encode()
        )
        if code:
            raise self._unhealthy(found, f"does not let its password be set: {printed.strip()}")

    def _unhealthy(self, found: Container, what: str) -> UnhealthyError:
        hint = (
            "All of it: `python -m ops logs`. Wrong parameters are corrected in pgstack:parameters; "
            "a slow machine may need a longer pgstack:docker.startTimeout."
        )
        return unhealthy(found, what, hint)
