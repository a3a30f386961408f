"""The images that the tests of stacks use: whether they keep to the documented interface of the official ones, also where built here."""

from __future__ import annotations

import gzip
import http.cookiejar
import io
import re
import secrets
import socket
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from docker.models.containers import Container

from tests.fix_cluster import wait_for
from tests.fix_docker import Scratch, TestEngine

READY = "database system is ready to accept connections"

PASSWORD = "p'a$$w \"o\\r%d"

DATA = {"postgres15": "/var/lib/postgresql/data", "postgres18": "/var/lib/postgresql"}
"""Image → where its volume is."""

LOCKED: dict[str, Any] = {
    "read_only": True,
    "tmpfs": {"/tmp": "", "/run/postgresql": ""},
    "cap_drop": ["ALL"],
    "cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"],
    "security_opt": ["no-new-privileges"],
}
"""How a stack runs PostgreSQL."""


@pytest.fixture(params=["postgres15", "postgres18"])
def postgres(request: pytest.FixtureRequest, docker_engine: TestEngine) -> str:
    """The name of an image of PostgreSQL."""
    return str(getattr(docker_engine.images, request.param))


def volume_of(engine: TestEngine, image: str) -> str:
    """Where an image of PostgreSQL has its volume."""
    return next(path for name, path in DATA.items() if getattr(engine.images, name) == image)


def printed(container: Container) -> str:
    return str(container.logs().decode())


def ended(container: Container) -> tuple[int, str]:
    """Waits for a container's end: its exit code, and what it printed."""
    return int(container.wait(timeout=60)["StatusCode"]), printed(container)


def quick(**environment: str) -> dict[str, str]:
    """Variables for a container; its cluster is not flushed to disk."""
    return {"POSTGRES_INITDB_ARGS": "--no-sync", **environment}


def answers(container: Container, user: str = "postgres", database: str = "postgres") -> None:
    """Waits until a server answers over TCP, which the one that runs the first scripts does not do."""

    def ready() -> bool:
        container.reload()
        assert container.status == "running", printed(container)
        return bool(container.exec_run(["pg_isready", "-q", "-h", "127.0.0.1", "-U", user, "-d", database]).exit_code == 0)

    wait_for(ready, "PostgreSQL to answer")


def sql(container: Container, statement: str, user: str = "postgres", database: str = "postgres", **options: Any) -> str:
    """Runs a statement over the socket; what psql printed."""
    done = container.exec_run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database, "-c", statement], **options)
    assert done.exit_code == 0, done.output.decode()
    return str(done.output.decode().strip())


def login(container: Container, password: str, user: str = "postgres", database: str = "postgres") -> psycopg.Connection:
    """A connection from this machine, through the published port."""
    container.reload()
    port = container.ports["5432/tcp"][0]["HostPort"]
    return psycopg.connect(host="127.0.0.1", port=port, user=user, password=password, dbname=database, autocommit=True)


def files(**contents: bytes) -> bytes:
    """A tar file of files that everybody may run; two underscores stand for a dot."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as tar:
        for name, content in contents.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return made.getvalue()


def prepared(scratch: Scratch, image: str, folder: str, content: bytes, **options: Any) -> Container:
    """A container with files in it, started."""
    made = scratch.engine.client.containers.create(image, labels=scratch.labels, detach=True, **options)
    assert made.put_archive(folder, content)
    made.start()
    return made


def test_password_user_database(scratch: Scratch, postgres: str) -> None:
    environment = quick(POSTGRES_PASSWORD=PASSWORD, POSTGRES_USER="the owner", POSTGRES_DB="d'b")
    container = scratch.run(postgres, environment=environment, ports={"5432/tcp": ("127.0.0.1", None)})
    answers(container, "the owner", "d'b")
    with login(container, PASSWORD, "the owner", "d'b") as session:
        row = session.execute("SELECT current_user, current_database(), rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        assert row == ("the owner", "d'b", True)
        assert session.execute("SELECT bool_or(rolname = 'postgres') FROM pg_roles").fetchone() == (False,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        login(container, "wrong", "the owner", "d'b")
    lines = sql(container, "SELECT type, auth_method FROM pg_hba_file_rules ORDER BY line_number DESC LIMIT 1", "the owner", "d'b")
    assert lines == "host|scram-sha-256"
    assert PASSWORD not in printed(container)


def test_defaults(scratch: Scratch, postgres: str) -> None:
    container = scratch.run(postgres, environment=quick(POSTGRES_PASSWORD="x"))
    answers(container)
    settings = "current_setting('listen_addresses'), current_setting('unix_socket_directories'), datcollate"
    assert sql(container, f"SELECT {settings} FROM pg_database WHERE datname = 'postgres'") == "*|/var/run/postgresql|en_US.utf8"
    script = "stat -c %U:%a $PGDATA; id -u postgres; for name in initdb pg_dump pg_basebackup; do command -v $name; done | wc -l"
    assert container.exec_run(["sh", "-c", script]).output.decode().split() == ["postgres:700", "70", "3"]
    image = scratch.engine.client.images.get(postgres).attrs["Config"]
    assert image["StopSignal"] == "SIGINT"
    assert list(image["ExposedPorts"]) == ["5432/tcp"]
    assert list(image["Volumes"]) == [volume_of(scratch.engine, postgres)]
    assert (image["Entrypoint"], image["Cmd"]) == (["docker-entrypoint.sh"], ["postgres"])


def test_user_names_the_database(scratch: Scratch, postgres: str) -> None:
    container = scratch.run(postgres, environment=quick(POSTGRES_PASSWORD="x", POSTGRES_USER="someone"))
    answers(container, "someone", "someone")
    assert sql(container, "SELECT current_database()", "someone", "someone") == "someone"


def test_password_file(scratch: Scratch, postgres: str) -> None:
    options = {"environment": quick(POSTGRES_PASSWORD_FILE="/srv/password"), "ports": {"5432/tcp": ("127.0.0.1", None)}}
    container = prepared(scratch, postgres, "/srv", files(password=PASSWORD.encode()), **options)
    answers(container)
    with login(container, PASSWORD) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_verifier_as_password(scratch: Scratch, postgres: str) -> None:
    password = secrets.token_urlsafe()
    with psycopg.connect(autocommit=True, **first_login(scratch, postgres)) as session:
        verifier = session.pgconn.encrypt_password(password.encode(), b"postgres", b"scram-sha-256").decode()
    container = scratch.run(postgres, environment=quick(POSTGRES_PASSWORD=verifier), ports={"5432/tcp": ("127.0.0.1", None)})
    answers(container)
    assert sql(container, "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'") == verifier
    with login(container, password) as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def first_login(scratch: Scratch, image: str) -> dict[str, Any]:
    """The way in to a server that lets everybody in."""
    container = scratch.run(image, environment=quick(POSTGRES_HOST_AUTH_METHOD="trust"), ports={"5432/tcp": ("127.0.0.1", None)})
    answers(container)
    container.reload()
    return {"host": "127.0.0.1", "port": container.ports["5432/tcp"][0]["HostPort"], "user": "postgres", "dbname": "postgres"}


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        pytest.param({"POSTGRES_PASSWORD": "x", "POSTGRES_PASSWORD_FILE": "/x"}, "are set (but are exclusive)", id="both"),
        pytest.param({}, "superuser password is not specified", id="neither"),
        pytest.param({"POSTGRES_PASSWORD": ""}, "superuser password is not specified", id="empty"),
    ],
)
def test_refused(scratch: Scratch, postgres: str, environment: dict[str, str], message: str) -> None:
    code, output = ended(scratch.run(postgres, environment=environment))
    assert code == 1
    assert message in output


def test_initdb_arguments_and_flags(scratch: Scratch, postgres: str) -> None:
    environment = {"POSTGRES_PASSWORD": "x", "POSTGRES_INITDB_ARGS": "--no-sync --data-checksums --locale='C' --encoding SQL_ASCII"}
    container = scratch.run(postgres, "-c", "work_mem=5MB", "-c", "application_name=two words", environment=environment)
    answers(container)
    wanted = "data_checksums", "server_encoding", "work_mem", "application_name"
    shown = sql(container, f"SELECT {', '.join(f'current_setting({name!r})' for name in wanted[:3])}")
    assert shown == "on|SQL_ASCII|5MB"


def test_other_commands(scratch: Scratch, postgres: str) -> None:
    code, output = ended(scratch.run(postgres, "postgres", "--version"))
    assert (code, output.startswith("postgres (PostgreSQL) 1")) == (0, True)
    assert ended(scratch.run(postgres, "id", "-u")) == (0, "0\n")


def test_init_scripts_run_once(scratch: Scratch, postgres: str) -> None:
    scripts = files(
        a__sql=b"CREATE TABLE note (said text)",
        b__sql__gz=gzip.compress(b"INSERT INTO note VALUES ('from gzip')"),
        c__sh=b'#!/bin/sh\npsql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "INSERT INTO note VALUES (\'from sh\')"\n',
        d__sql=b"INSERT INTO note VALUES (current_setting('listen_addresses') || current_database())",
        e__txt=b"not SQL",
    )
    environment = quick(POSTGRES_PASSWORD=PASSWORD, POSTGRES_DB="first")
    container = prepared(scratch, postgres, "/docker-entrypoint-initdb.d", scripts, environment=environment)
    said = "SELECT string_agg(said, ',') FROM note"
    answers(container, database="first")
    assert sql(container, said, database="first") == "from gzip,from sh,first"
    container.restart(timeout=60)
    answers(container, database="first")
    assert sql(container, said, database="first") == "from gzip,from sh,first"
    assert "Skipping initialization" in printed(container)


def test_failing_init_script(scratch: Scratch, postgres: str) -> None:
    scripts = files(a__sql=b"SELECT * FROM nowhere")
    code, output = ended(prepared(scratch, postgres, "/docker-entrypoint-initdb.d", scripts, environment=quick(POSTGRES_PASSWORD="x")))
    assert code != 0
    assert 'relation "nowhere" does not exist' in output


def test_volume_outlives_the_container(scratch: Scratch, postgres: str) -> None:
    volumes = {scratch.volume(): {"bind": volume_of(scratch.engine, postgres)}}
    first = scratch.run(postgres, environment=quick(POSTGRES_PASSWORD="first"), volumes=volumes)
    answers(first)
    sql(first, "CREATE TABLE kept AS SELECT 42 AS value")
    first.stop(timeout=60)
    first.remove()
    second = scratch.run(postgres, environment=quick(POSTGRES_PASSWORD="second"), volumes=volumes)
    answers(second)
    assert sql(second, "SELECT value FROM kept") == "42"


def test_locked_down(scratch: Scratch, postgres: str) -> None:
    volumes = {scratch.volume(): {"bind": volume_of(scratch.engine, postgres)}}
    container = scratch.run(postgres, environment=quick(POSTGRES_PASSWORD=PASSWORD), volumes=volumes, shm_size="64m", **LOCKED)
    answers(container)
    sql(container, "CREATE TABLE kept AS SELECT 42 AS value")
    container.restart(timeout=60)
    answers(container)
    assert sql(container, "SELECT value FROM kept") == "42"
    status = container.exec_run(["cat", "/proc/1/status"]).output.decode()
    assert re.search(r"Uid:\s70\s70", status)
    assert re.search(r"CapEff:\s0{16}", status)


def test_stop_is_clean(scratch: Scratch, postgres: str) -> None:
    container = scratch.run(postgres, environment=quick(POSTGRES_PASSWORD="x"))
    answers(container)
    container.stop(timeout=60)
    code, output = ended(container)
    assert code == 0
    assert "received fast shutdown request" in output
    assert output.rstrip().endswith("database system is shut down")


def test_volume_at_the_old_place(scratch: Scratch) -> None:
    image = scratch.engine.images.postgres18
    volumes = {scratch.volume(): {"bind": "/var/lib/postgresql/data"}}
    code, output = ended(scratch.run(image, environment=quick(POSTGRES_PASSWORD="x"), volumes=volumes))
    assert code == 1
    assert "/var/lib/postgresql/data" in output


def test_names_on_a_network(scratch: Scratch) -> None:
    check_names(scratch)


def test_names_on_a_network_of_podman(podman_scratch: Scratch) -> None:
    check_names(podman_scratch)


def check_names(scratch: Scratch) -> None:
    """A server is reached by its container's name, from another container and through the published port."""
    image, network = scratch.engine.images.postgres15, scratch.network()
    name = f"{scratch.name}-postgres"
    ports = {"5432/tcp": ("127.0.0.1", None)}
    container = scratch.run(image, environment=quick(POSTGRES_PASSWORD="x"), name=name, network=network, ports=ports)
    answers(container)
    address = f"host={name} user=postgres password=x dbname=postgres"
    assert ended(scratch.run(image, "psql", address, "-XAtqc", "SELECT 42", network=network)) == (0, "42\n")
    with login(container, "x") as session:
        assert session.execute("SELECT 42").fetchone() == (42,)


def ask_redis(container: Container, *commands: str) -> list[str]:
    """Sends commands in a line each, through the published port; the answers' lines."""
    container.reload()
    port = int(container.ports["6379/tcp"][0]["HostPort"])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("".join(f"{command}\r\n" for command in (*commands, "QUIT")).encode())
        with connection.makefile("rb") as answer:
            return answer.read().decode().splitlines()[:-1]


def redis_listens(container: Container) -> Callable[[], bool]:
    return lambda: "Ready to accept connections" in printed(container)


def test_redis(scratch: Scratch) -> None:
    volumes = {scratch.volume(): {"bind": "/data"}}
    options: dict[str, Any] = {"volumes": volumes, "ports": {"6379/tcp": ("127.0.0.1", None)}}
    container = scratch.run(scratch.engine.images.redis, **options)
    wait_for(redis_listens(container), "Redis to listen")
    assert ask_redis(container, "SET a 1", "GET a") == ["+OK", "$1", "1"]
    assert re.search(r"Uid:\s999\s", container.exec_run(["cat", "/proc/1/status"]).output.decode())
    container.stop(timeout=30)
    assert ended(container)[0] == 0
    container.remove()
    second = scratch.run(scratch.engine.images.redis, "--requirepass", "se$cret", **options)
    wait_for(redis_listens(second), "Redis to listen")
    assert ask_redis(second, "GET a") == ["-NOAUTH Authentication required."]
    assert ask_redis(second, "AUTH se$cret", "GET a") == ["+OK", "$1", "1"]


def test_redis_locked_down(scratch: Scratch) -> None:
    options = {name: value for name, value in LOCKED.items() if name != "tmpfs"}
    ports = {"6379/tcp": ("127.0.0.1", None)}
    container = scratch.run(scratch.engine.images.redis, "redis-server", "--appendonly", "yes", ports=ports, **options)
    wait_for(redis_listens(container), "Redis to listen")
    assert ask_redis(container, "CONFIG GET appendonly") == ["*2", "$10", "appendonly", "$3", "yes"]


def test_adminer_logs_in(scratch: Scratch) -> None:
    images, network = scratch.engine.images, scratch.network()
    server = f"{scratch.name}-postgres"
    answers(scratch.run(images.postgres15, environment=quick(POSTGRES_PASSWORD=PASSWORD), name=server, network=network))
    options: dict[str, Any] = {"network": network, "ports": {"8080/tcp": ("127.0.0.1", None)}, "cap_drop": ["ALL"]}
    container = scratch.run(images.adminer, environment={"ADMINER_DEFAULT_SERVER": server}, **options)
    container.reload()
    site = f"http://127.0.0.1:{container.ports['8080/tcp'][0]['HostPort']}/"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def get(address: str, form: dict[str, str] | None = None) -> str:
        data = urllib.parse.urlencode(form).encode() if form else None
        with browser.open(address, data, timeout=10) as answer:
            return str(answer.read().decode())

    wait_for(lambda: "started" in printed(container), "Adminer to listen")
    page = get(site)
    assert f'name="auth[server]" value="{server}"' in page
    form = {"driver": "pgsql", "server": server, "username": "postgres", "password": PASSWORD, "db": "postgres"}
    page = get(site, {f"auth[{name}]": value for name, value in form.items()})
    assert "PostgreSQL 15." in page or "Schema: public" in page
    assert "Logout" in page
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        get(site, {f"auth[{name}]": value for name, value in {**form, "password": "wrong"}.items()})
    assert "password authentication failed" in refused.value.read().decode()
    refused.value.close()
