"""An application's PostgreSQL: settings → server → databases → migrations → outputs."""

import os

import pulumi

from components import settings
from components.database import Database, DatabaseArgs
from components.outputs import database_output, server_output
from components.targets import declare_server
from postgres.errors import PgstackError


def main() -> None:
    """Declares everything that the stack's settings ask for."""
    config = pulumi.runtime.config
    chosen = settings.parse(config.get_config_env(), encrypted=config.get_config_secret_keys_env(), environment=os.environ)
    server = declare_server(chosen, os.environ)
    databases = {entry.name: (entry, Database(DatabaseArgs(entry, server))) for entry in chosen.databases}
    pulumi.export("server", server_output(server))
    pulumi.export("redis", server.redis)
    pulumi.export("adminer", server.adminer)
    pulumi.export("databases", {name: database_output(entry, made, server) for name, (entry, made) in databases.items()})


try:
    main()
except PgstackError as error:
    raise pulumi.RunError(str(error)) from None
