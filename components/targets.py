"""From the settings to the server that they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pulumi

from components.database import folder_of
from components.embedded import EmbeddedServer, EmbeddedServerArgs
from components.external import ExternalServer, ExternalServerArgs, Use
from components.server import Administrator, RoleLogin, Server
from components.settings import LoginSettings, Settings


def declare_server(settings: Settings, environment: Mapping[str, str]) -> Server:
    """Declares the stack's server.

    Args:
        environment: has the passwords that the settings name a variable for.
    """
    if settings.target == "external":
        return ExternalServer("server", _external(settings, environment))
    if settings.target == "docker":
        return _docker(settings, environment)
    return EmbeddedServer(
        "server",
        EmbeddedServerArgs(
            version=settings.version,
            port=settings.port,
            data_directory=settings.data_directory,
            delete_data=settings.delete_data,
            parameters=settings.parameters.as_text(),
        ),
    )


def _docker(settings: Settings, environment: Mapping[str, str]) -> Server:
    """Imports what declares containers only where there are to be any: the SDK of the Docker provider takes its time."""
    from components.docker import DockerServer, DockerServerArgs  # noqa: PLC0415
    from containers import address  # noqa: PLC0415

    url = address.find(settings.docker.host, environment)
    arguments = DockerServerArgs(
        url=url,
        local=address.is_local(url),
        ipv6=address.has_ipv6(),
        version=settings.version,
        port=settings.port,
        parameters=settings.parameters.as_text(),
        delete_data=settings.delete_data,
        settings=settings.docker,
    )
    return DockerServer("server", arguments)


def _external(settings: Settings, environment: Mapping[str, str]) -> ExternalServerArgs:
    external = settings.external
    administrator = None
    if external.manage_roles and external.login:
        administrator = Administrator(external.login.user, _password(external.login, environment), external.database)
    return ExternalServerArgs(
        host=external.host or "",
        port=external.port,
        sslmode=external.tls,
        root_certificate=external.root_certificate or "",
        administrator=administrator,
        uses=tuple(_uses(settings, environment)),
    )


def _uses(settings: Settings, environment: Mapping[str, str]) -> Iterator[Use]:
    for entry in settings.databases:
        if login := settings.login_of(entry):
            role = RoleLogin(login.user, _password(login, environment))
            for name in entry.names:
                yield Use(name, role, migrates=folder_of(entry) is not None, extensions=entry.extensions)


def _password(login: LoginSettings, environment: Mapping[str, str]) -> pulumi.Output[str]:
    return pulumi.Output.secret(login.secret(environment))
