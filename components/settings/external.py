"""A server that is there already: where it is, how to get to it safely, and who may do what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from components.explain import NAMESPACE
from components.settings.databases import DatabaseSettings, RoleNames
from components.settings.kinds import Host, Model, Name, Path
from components.settings.login import LoginSettings
from postgres.tls import ENCRYPTING, is_loopback


class ExternalSettings(Model):
    """An existing server."""

    host: Host | None = Field(None, description="Name or address of the server; a name that is in its certificate.")
    port: int = Field(5432, strict=True, ge=1, le=65535, description="TCP port of the server.")
    sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] | None = Field(
        None, description="TLS, in libpq's words. Unless set, `verify-full`; on loopback, `prefer`."
    )
    root_certificate: Path | None = Field(
        None,
        description="File with the certificates of the authorities that may sign the server's, relative to Pulumi.yaml. "
        "Those that this system trusts unless set.",
    )
    allow_plaintext: bool = Field(
        False, description="Whether an `sslmode` is accepted off loopback that lets passwords, SQL and data go over the network in clear."
    )
    login: LoginSettings | None = Field(
        None, description="Who logs in: with `manageRoles` the administrator; else the user of every database without a `login` of its own."
    )
    manage_roles: bool = Field(
        False,
        description="Whether databases, roles and rights are made and kept as on the other targets. It takes an administrator with "
        "CREATEROLE and CREATEDB. Otherwise `up` migrates what is there, and nothing else.",
    )
    database: Name = Field("postgres", description="With `manageRoles`, the database that the administrator logs in to.")

    @property
    def tls(self) -> str:
        """The sslmode that is used."""
        return self.sslmode or ("prefer" if is_loopback(self.host or "") else "verify-full")

    def problems(self) -> list[str]:
        """What does not go together here, a line each."""
        lines = []
        if self.host is None:
            return ["host: is missing: name the server"]
        if self.tls not in ENCRYPTING and not (self.allow_plaintext or is_loopback(self.host)):
            lines.append(
                f'sslmode = "{self.tls}": could send passwords, SQL and data to {self.host} in clear: set require or better, '
                "or allowPlaintext: true where the network between is safe"
            )
        if self.tls == "verify-ca" and self.root_certificate is None:
            lines.append(
                'sslmode = "verify-ca": needs rootCertificate, since an authority that the whole system trusts signs for anybody; '
                "or set verify-full"
            )
        if self.tls not in ENCRYPTING and self.root_certificate is not None:
            lines.append(
                f'rootCertificate = "{self.root_certificate}": checks nothing with sslmode {self.tls}: set verify-full or verify-ca'
            )
        if self.manage_roles and self.login is None:
            lines.append("login: is missing: name the administrator that manageRoles takes")
        return lines


def external_problems(external: ExternalSettings | None, databases: Mapping[int, DatabaseSettings], entries: int) -> list[str]:
    """What does not go together on target `external`, a line each; the arguments are those of `problems_together`."""
    if external is None:
        return []
    lines = [f"{NAMESPACE}:external.{line}" for line in external.problems()]
    if external.manage_roles:
        return lines + [
            f"{NAMESPACE}:databases[{index}].login: is not used with manageRoles, which gives every role a password: take it out"
            for index, entry in databases.items()
            if entry.login
        ]
    if not entries:
        lines.append(f"{NAMESPACE}:databases: is empty: name the databases to migrate, or set {NAMESPACE}:external.manageRoles")
    for index, entry in databases.items():
        key = f"{NAMESPACE}:databases[{index}]"
        if entry.login is None and external.login is None:
            lines.append(f"{key}.login: is missing: name who migrates {entry.name}, here or for all in {NAMESPACE}:external.login")
        if entry.roles != RoleNames():
            lines.append(f"{key}.roles: names roles, and without manageRoles none are made: take it out")
    return lines
