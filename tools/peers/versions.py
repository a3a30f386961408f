"""Every version and checksum of the tools, in one place. The sums of the Go modules are in `sums/`, as go.sum has them.

A version is moved here. The sums that a Go module then lacks, `python -m tools.peers sums` writes anew.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GoModule:
    """A program of a Go module.

    Attributes:
        module: what is required, at `version`.
        package: what is built.
        tags: build tags, which leave out databases and with them modules that nobody needs here.
    """

    module: str
    version: str
    package: str
    tags: tuple[str, ...] = ()


GO = {
    "goose": GoModule(
        "github.com/pressly/goose/v3",
        "v3.29.0",
        "github.com/pressly/goose/v3/cmd/goose",
        ("no_azuresql", "no_clickhouse", "no_libsql", "no_mssql", "no_mysql", "no_sqlite3", "no_vertica", "no_ydb"),
    ),
    "golang-migrate": GoModule(
        "github.com/golang-migrate/migrate/v4", "v4.20.1", "github.com/golang-migrate/migrate/v4/cmd/migrate", ("postgres",)
    ),
    "soda": GoModule("github.com/gobuffalo/pop/v6", "v6.4.1", "github.com/gobuffalo/pop/v6/soda"),
    "tern": GoModule("github.com/jackc/tern/v2", "v2.3.4", "github.com/jackc/tern/v2"),
}

GO_LANGUAGE = "1.26.0"
"""The go line of the modules that are built."""

DBMATE = "2.36.0"
DBMATE_INTEGRITY = {
    "linux-x64": "sha512-LdLpgyuluwJ93rWcvJjdlsjJ8rBeeAH52h3dSk0zAMaLrQn49dup1/o2tFpG1jM9f767HkuXdBrrjy6ZwG9BSg==",
}
"""Platform, as npm names it → what npm calls the integrity of the package `@dbmate/<platform>`, which is the program."""

SQLX = "0.9.0"
"""sqlx-cli. Its crate brings a Cargo.lock, with the checksum of every dependency."""

MAVEN_DEPENDENCY_PLUGIN = "3.8.1"

FLYWAY = "11.14.1"
FLYWAY_JARS = {
    f"org.flywaydb:flyway-commandline:{FLYWAY}": "3a55ca2d710c180724ea5d99238fd5c9c4815b44f573590b9b973de13e3d1616",
    f"org.flywaydb:flyway-core:{FLYWAY}": "45148edbcb55016418ff1ef7ecca3331b55f5216b3af4bd2db40063904db3715",
    f"org.flywaydb:flyway-database-postgresql:{FLYWAY}": "d7142273706f225e6890ff971f0c8ccc4e7fe253ab6ab9f20556b155c68bca8a",
    "com.fasterxml.jackson.core:jackson-annotations:2.19.1": "5a3cd7211ab26b36213f43a2a94bc052a3385af780c5c135329741b2d79a9730",
    "com.fasterxml.jackson.core:jackson-core:2.19.1": "c46369e1a21810100adbc92503b62f15a9ef1640427932f4fe1588ef7ce7e480",
    "com.fasterxml.jackson.core:jackson-databind:2.19.1": "0bc539401d52c6b14e668947c851dcc49f78a4ada3d1fc8e8f71440613fc26ce",
    "com.fasterxml.jackson.dataformat:jackson-dataformat-toml:2.19.1": "bc4bdf52c92beae62168fdb43aad7bc9f47b759cb1fbffb09e5c6c452665fa62",
    "com.fasterxml.jackson.datatype:jackson-datatype-jsr310:2.19.1": "366eb89065d568a7c0ede73c26a343f293f076d2f8efd0dc69cbe574ca01220e",
    "org.postgresql:postgresql:42.7.2": "0c244ac7d02cf89d8e29852eace6595d75bc4d78581b85b2768460081646a57b",
    "org.slf4j:slf4j-api:1.7.30": "cdba07964d1bb40a0761485c6b1e8c2f8fd9eb1d19c53928ac0d7f9510105c57",
    "org.slf4j:slf4j-nop:1.7.30": "2d550dcefaea23d223b72027dbc7cbdb7327676ccefdd9cfe49cf9ea8e9ac8e0",
}
"""Artifact → SHA-256 of its jar: Flyway's command line with PostgreSQL alone, out of its two hundred dependencies."""

VERSIONS = {**{name: module.version.removeprefix("v") for name, module in GO.items()}, "dbmate": DBMATE, "flyway": FLYWAY, "sqlx": SQLX}
"""Tool → version."""
