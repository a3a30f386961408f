"""An application's PostgreSQL: settings → server → databases → migrations → outputs."""

import pulumi

from components import settings
from components.database import Database, DatabaseArgs
from components.embedded import EmbeddedServer, EmbeddedServerArgs
from components.outputs import database_output, server_output
from postgres.errors import PgstackError


def main() -> None:
    """Declares everything that the stack's settings ask for."""
    chosen = settings.parse(pulumi.runtime.get_config_env())
    server = EmbeddedServer(
        "server",
        EmbeddedServerArgs(
            version=chosen.version,
            port=chosen.port,
            data_directory=chosen.data_directory,
            delete_data=chosen.delete_data,
            parameters=chosen.parameters.as_text(),
        ),
    )
    databases = {entry.name: (entry, Database(DatabaseArgs(entry, server))) for entry in chosen.databases}
    pulumi.export("server", server_output(server))
    pulumi.export("databases", {name: database_output(entry, made, server) for name, (entry, made) in databases.items()})


try:
    main()
except PgstackError as error:
    raise pulumi.RunError(str(error)) from None
