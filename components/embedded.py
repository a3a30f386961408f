"""Target `embedded`: a PostgreSQL server as a process of this user, from a Python wheel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import pulumi

from components.dynamic.cluster import ClusterProcess
from components.dynamic.password import Password
from components.server import Administrator, Endpoint, RoleLogin


@dataclass(frozen=True)
class EmbeddedServerArgs:
    """What an embedded server is made of.

    Attributes:
        version: PostgreSQL's major version, that of the wheel.
        port: TCP port on loopback.
        data_directory: folder, relative to Pulumi.yaml, below which the stack's own one is made.
        delete_data: whether destroying the server deletes its data.
        parameters: of postgresql.conf.
    """

    version: int
    port: int
    data_directory: str
    delete_data: bool
    parameters: Mapping[str, str]


class EmbeddedServer(pulumi.ComponentResource):
    """A server process and the password of its superuser.

    Produces: a `Password` and a `Cluster`. Implements `components.server.Server`.
    """

    target = "embedded"
    container = redis = adminer = None
    extensions: Sequence[str] = ()
    network = None
    sslmode = "disable"
    root_certificate = ""
    logins: Mapping[str, RoleLogin] = MappingProxyType({})

    def __init__(self, name: str, args: EmbeddedServerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("pgstack:index:EmbeddedServer", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        password = Password(f"{name}-superuser", child)
        cluster = ClusterProcess(
            name,
            version=args.version,
            port=args.port,
            data_directory=args.data_directory,
            delete_data=args.delete_data,
            parameters=args.parameters,
            password=password.result,
            opts=child,
        )
        if args.delete_data:
            pulumi.log.warn("deleteData is set: once this is applied, `pulumi destroy` deletes the server's data for good.", cluster)
        self.version: pulumi.Input[int] = args.version
        self.host = Endpoint("127.0.0.1", args.port)
        self.administrator: Administrator | None = Administrator("postgres", password.result)
        self.ready: Sequence[pulumi.Resource] = (cluster,)
        self.register_outputs({"version": args.version, "port": args.port})
