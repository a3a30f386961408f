"""A stack on target `docker`, end to end: the real engine, the real Docker provider, real images."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from pathlib import Path

import docker.errors
import psutil
import psycopg
import pytest

from postgres.errors import ConnectionFailed
from postgres.login import Login
from tests.fix_dev import DevStack, resources, start_dev
from tests.fix_server import free_port

TABLES = "SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = 'public'"
EXPECTED = {"usualstore": 18, "kennwilliamson": 4, "physics_assistant": 9, "mathmuseums": 0}
"""Database → its tables, with the one that its own migration tool keeps."""


def answer(login: Login, query: str) -> str:
    with login.connect() as session:
        row = session.execute(query).fetchone()
    return str(row[0]) if row else ""


def comes_true(what: object, seconds: float = 30.0) -> bool:
    """Whether a question is answered with yes in time."""
    deadline = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def health(dev: DevStack, part: str = "postgres") -> str:
    return str(dev.container(part).attrs["State"]["Health"]["Status"])


def secrets_of(dev: DevStack) -> set[str]:
    """Every password of the stack."""
    outputs = dev.outputs()
    found = {outputs["redis"]["environment"]["REDIS_PASSWORD"]} if outputs["redis"] else set()
    for database in outputs["databases"].values():
        urls = [role["url"] for role in database["roles"].values()]
        found |= {str(psycopg.conninfo.conninfo_to_dict(url)["password"]) for url in urls}
    return found


# Up


def test_first_up_makes_every_database_and_the_container_gets_healthy(dev_stack: DevStack) -> None:
    outputs = dev_stack.outputs()
    assert {name: int(answer(dev_stack.login(name, "owner"), TABLES)) for name in outputs["databases"]} == EXPECTED
    assert outputs["server"] == {
        "target": "docker",
        "version": 15,
        "host": {"host": "127.0.0.1", "port": dev_stack.port},
        "network": {"host": "database", "port": 5432},
        "docker": {
            "engine": dev_stack.engine.url,
            "container": dev_stack.part("postgres"),
            "network": f"pgstack-{dev_stack.name}",
            "volume": dev_stack.part("data"),
            "backupVolume": dev_stack.part("backups"),
        },
    }
    assert comes_true(lambda: health(dev_stack) == "healthy", 90)
    assert comes_true(lambda: health(dev_stack, "redis") == "healthy", 90)


def test_ten_more_updates_and_previews_change_nothing(dev_stack: DevStack) -> None:
    before = [dev_stack.container(part).id for part in ("postgres", "adminer", "redis")]
    done = [resources(dev_stack.make("up")) for _ in range(10)] + [
        resources(dev_stack.make("preview")),
        resources(dev_stack.make("up", args="--refresh")),
    ]
    assert [list(counted) for counted in done] == [["unchanged"]] * 12
    assert [dev_stack.container(part).id for part in ("postgres", "adminer", "redis")] == before


def test_the_server_has_its_parameters_and_counts_statements(dev_stack: DevStack) -> None:
    login = dev_stack.login("usualstore", "owner")
    sessions = str(dev_stack.settings["pgstack:parameters"]["max_connections"])
    assert [answer(login, f"SHOW {name}") for name in ("max_connections", "log_min_duration_statement")] == [sessions, "500ms"]
    assert int(answer(login, "SELECT count(*) FROM pg_stat_statements")) > 0


def test_the_container_has_no_more_rights_than_it_needs(dev_stack: DevStack) -> None:
    host = dev_stack.container().attrs["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["CapDrop"] == ["ALL"]
    assert sorted(host["CapAdd"]) == [f"CAP_{name}" for name in ("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID")]
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert host["RestartPolicy"]["Name"] == "unless-stopped"
    config = dev_stack.container().attrs["Config"]
    assert (config["StopSignal"], config["StopTimeout"]) == ("SIGINT", 120)
    assert not [variable for variable in config["Env"] if variable.startswith("POSTGRES_PASSWORD=")]


# From where it answers


def test_it_answers_on_loopback_of_both_kinds_and_nowhere_else(dev_stack: DevStack) -> None:
    addresses = [one.address for many in psutil.net_if_addrs().values() for one in many if one.family == socket.AF_INET]
    others = [address for address in addresses if not address.startswith("127.")]
    assert others
    reached = []
    for address in ("127.0.0.1", "::1", *others):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as tried:
            tried.settimeout(2)
            reached.append(tried.connect_ex((address, dev_stack.port)) == 0)
    assert reached == [True, True, *[False] * len(others)]


def test_a_container_beside_it_finds_it_by_its_alias_with_the_networks_settings(dev_stack: DevStack) -> None:
    outputs = dev_stack.outputs()
    environment = outputs["databases"]["usualstore"]["networkEnvironment"]
    assert (environment["PGHOST"], environment["PGPORT"]) == ("database", "5432")
    printed = dev_stack.engine.client.containers.run(
        dev_stack.engine.images.postgres15,
        entrypoint=["psql", "-XqAt", "-c", "SELECT current_user || ' on ' || inet_server_port()"],
        environment=environment,
        network=outputs["server"]["docker"]["network"],
        remove=True,
    )
    assert printed.decode().strip() == "usualstore_app on 5432"


def test_redis_wants_its_password(dev_stack: DevStack) -> None:
    redis = dev_stack.outputs()["redis"]["environment"]

    def ask(*lines: str) -> str:
        with socket.create_connection((redis["REDIS_HOST"], int(redis["REDIS_PORT"])), timeout=5) as line:
            line.sendall("".join(f"{text}\r\n" for text in (*lines, "QUIT")).encode())
            return b"".join(iter(lambda: line.recv(4096), b"")).decode()

    assert ask("PING").startswith("-NOAUTH")
    assert ask("AUTH wrong", "PING").startswith("-WRONGPASS")
    assert ask(f"AUTH {redis['REDIS_PASSWORD']}", "CONFIG GET maxmemory-policy").startswith(
        "+OK\r\n*2\r\n$16\r\nmaxmemory-policy\r\n$10\r\nnoeviction"
    )


def test_adminer_shows_its_login_page_with_the_server_filled_in(dev_stack: DevStack) -> None:
    with urllib.request.urlopen(dev_stack.outputs()["adminer"]["url"], timeout=10) as page:
        assert 'value="database"' in page.read().decode()


# Secrets


def test_no_password_is_in_clear_anywhere(dev_stack: DevStack) -> None:
    passwords = secrets_of(dev_stack)
    assert len(passwords) == 3 * len(EXPECTED) + 1
    client = dev_stack.engine.client
    shown = [json.dumps(dev_stack.container(part).attrs) for part in ("postgres", "adminer", "redis")]
    shown += [dev_stack.container(part).logs().decode() for part in ("postgres", "adminer", "redis")]
    shown += [json.dumps(dev_stack.container(part).top()) for part in ("postgres", "adminer", "redis")]
    shown += [json.dumps(client.api.inspect_volume(dev_stack.part(part))) for part in dev_stack.volumes()]
    shown += [file.read_text(encoding="utf-8") for file in (dev_stack.project.folder / ".pgstack" / "state").rglob("*.json")]
    shown += [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
    shown += dev_stack.project.printed
    assert [password for password in passwords if any(password in text for text in shown)] == []


def test_the_files_in_the_containers_hold_no_password(dev_stack: DevStack) -> None:
    """What the server and Redis start from lets nobody in who reads it."""
    _, secret = dev_stack.container().exec_run(["cat", "/run/pgstack/secret"])
    _, redis = dev_stack.container("redis").exec_run(["cat", "/run/pgstack/redis.conf"])
    assert secret.startswith(b"SCRAM-SHA-256$4096:")
    assert b"user default on resetpass #" in redis
    assert [password for password in secrets_of(dev_stack) if password.encode() in secret + redis] == []


# Changes, crashes and removals


def test_a_changed_setting_replaces_the_container_alone_and_the_data_stays(dev_stack: DevStack) -> None:
    with dev_stack.login("kennwilliamson", "owner").connect() as session:
        session.execute("CREATE TABLE kept (n int)")
        session.execute("INSERT INTO kept VALUES (42)")
    before = {part: dev_stack.container(part).id for part in ("postgres", "adminer", "redis")}
    dev_stack.configure(parameters={"max_connections": 60}, docker={"health": {"interval": 30, "timeout": 10, "retries": 3}})
    counted = resources(dev_stack.make("up"))
    assert (counted.pop("replaced"), counted.pop("updated"), list(counted)) == (1, 1, ["unchanged"])
    after = {part: dev_stack.container(part).id for part in ("postgres", "adminer", "redis")}
    assert {part for part in before if before[part] != after[part]} == {"postgres"}
    login = dev_stack.login("kennwilliamson", "owner")
    assert (answer(login, "SELECT n FROM kept"), answer(login, "SHOW max_connections")) == ("42", "60")
    check = dev_stack.container().attrs["Config"]["Healthcheck"]
    assert (check["Interval"], check["Timeout"], check["Retries"]) == (30 * 10**9, 10 * 10**9, 3)
    with login.connect() as session:
        session.execute("DROP TABLE kept")


def test_a_server_that_is_killed_comes_back_by_itself(dev_stack: DevStack) -> None:
    pid = dev_stack.container().attrs["State"]["Pid"]
    psutil.Process(pid).kill()
    login = dev_stack.login("usualstore")
    assert comes_true(lambda: dev_stack.container().attrs["RestartCount"] >= 1)
    assert comes_true(login.works)
    assert list(resources(dev_stack.make("up"))) == ["unchanged"]


def test_everything_comes_back_when_the_engine_is_restarted(dev_stack: DevStack) -> None:
    if dev_stack.engine.daemon is None:
        pytest.skip("the engine is the machine's own, and not the tests' to restart")
    dev_stack.engine.daemon.restart()
    parts = ("postgres", "adminer", "redis")
    assert comes_true(lambda: [dev_stack.container(part).status for part in parts] == ["running"] * 3)
    assert comes_true(dev_stack.login("usualstore").works)
    assert list(resources(dev_stack.make("up"))) == ["unchanged"]


def test_a_container_that_was_killed_is_started_by_the_next_up(dev_stack: DevStack) -> None:
    dev_stack.container().kill()
    printed = dev_stack.make("preview")
    assert f"the container {dev_stack.part('postgres')} is exited, and is to be started" in printed
    assert resources(dev_stack.make("up"))["updated"] == 1
    assert dev_stack.login("usualstore").works()


def test_a_container_that_was_removed_is_made_anew_by_an_up_with_refresh(dev_stack: DevStack) -> None:
    dev_stack.container().remove(force=True)
    printed = dev_stack.make("up", ok=False)
    assert "is in the stack's state, but not on the engine" in printed
    assert "--refresh" in printed
    dev_stack.make("up", args="--refresh")
    assert dev_stack.login("usualstore").works()
    assert list(resources(dev_stack.make("preview"))) == ["unchanged"]


# Its end, and what stays


def test_destroy_keeps_the_data_and_the_next_up_takes_it_back(dev: DevStack) -> None:
    dev.configure(databases=[{"name": "kennwilliamson"}], docker={"adminer": {}})
    dev.make("up")
    old = dev.login("kennwilliamson", "owner")
    with old.connect() as session:
        session.execute("CREATE TABLE kept AS SELECT 42 AS n")
    dev.make("destroy", args="--yes")
    assert dev.volumes() == {"data", "backups", "control", "redis-data"}
    printed = dev.make("up")
    assert f"the data volume {dev.part('data')} is there already, and is taken back" in printed
    assert "set the superuser's password" in printed
    new = dev.login("kennwilliamson", "owner")
    assert answer(new, "SELECT n FROM kept") == "42"
    assert (new.password != old.password, old.works()) == (True, False)


def test_delete_data_acts_after_an_up_that_warned(dev: DevStack) -> None:
    dev.configure(databases=[{"name": "kennwilliamson"}], deleteData=True)
    warning = "deleteData is set: once this is applied, `pulumi destroy` deletes the volumes with all data for good."
    assert warning in dev.make("preview")
    dev.make("up")
    dev.make("destroy", args="--yes")
    assert dev.volumes() == set()


def test_the_volume_of_another_stack_is_refused(dev_stack: DevStack, open_folder: Path) -> None:
    other = start_dev(open_folder / "other", dev_stack.engine)
    try:
        other.configure(docker={"volume": dev_stack.part("data")})
        for command in ("preview", "up"):
            printed = other.make(command, ok=False)
            assert f"The volume {dev_stack.part('data')} is that of the stack {dev_stack.name} of the project pgstack" in printed
        assert other.volumes() == set()
    finally:
        other.end()


def test_another_major_version_is_refused_and_the_way_to_it_named(dev: DevStack) -> None:
    dev.configure(databases=[], docker={"adminer": {}, "redis": {}})
    dev.make("up")
    dev.configure(version=18, docker={"image": dev.engine.images.postgres18})
    printed = dev.make("up", ok=False)
    assert f"The volume {dev.part('data')} holds data of PostgreSQL 15; this server is to be PostgreSQL 18. It was not touched." in printed
    assert f"ops upgrade --stack {dev.name}" in printed
    assert dev.container().status == "running"


@pytest.mark.parametrize("version", [15, 18])
def test_each_version_keeps_its_data_in_the_volume(dev: DevStack, version: int) -> None:
    image = {15: dev.engine.images.postgres15, 18: dev.engine.images.postgres18}[version]
    dev.configure(version=version, databases=[{"name": "shop"}], docker={"image": image, "adminer": {}, "redis": {}})
    dev.make("up")
    with dev.login("shop", "owner").connect() as session:
        session.execute("CREATE TABLE kept AS SELECT 42 AS n")
    dev.container().remove(force=True)
    dev.make("up", args="--refresh")
    login = dev.login("shop", "owner")
    assert answer(login, "SHOW server_version").startswith(str(version))
    assert answer(login, "SELECT n FROM kept") == "42"
    anonymous = [one["Name"] for one in dev.container().attrs["Mounts"] if not one.get("Name", "").startswith("pgstack-")]
    assert anonymous == []


def test_an_initialisation_that_is_killed_is_begun_anew(dev: DevStack) -> None:
    """The server is killed while `pulumi up` waits for it, as soon as its cluster looks like one."""
    dev.configure(databases=[{"name": "shop"}], docker={"adminer": {}, "redis": {}})
    killed: list[int] = []

    def kill() -> bool:
        """Once there is a cluster, but no rule yet that lets anybody in."""
        try:
            container = dev.container()
            data = ["sh", "-c", "test -s $PGDATA/PG_VERSION && ! grep -q '^host all all all' $PGDATA/pg_hba.conf"]
            if container.exec_run(data)[0] == 0:
                killed.append(container.attrs["State"]["Pid"])
                psutil.Process(killed[0]).kill()
        except (docker.errors.DockerException, psutil.Error):
            pass
        return bool(killed)

    killer = threading.Thread(target=lambda: comes_true(kill, 120))
    killer.start()
    dev.make("up")
    killer.join()
    assert killed
    assert "was cut off; it is begun anew" in dev.container().logs().decode()
    assert dev.login("shop").works()
    assert dev.container().exec_run(["test", "-e", "/run/pgstack/flags/initialising"])[0] == 1


# What is in the way


def test_a_port_that_is_taken_is_told_before_anything_is_made(dev: DevStack) -> None:
    with socket.create_server(("127.0.0.1", dev.port)):
        for command in ("preview", "up"):
            assert f"Port {dev.port} of 127.0.0.1 is taken" in dev.make(command, ok=False)
    assert dev.volumes() == set()


def test_a_name_that_is_taken_is_told_before_anything_is_made(dev: DevStack) -> None:
    foreign = dev.engine.client.containers.create(dev.engine.images.redis, name=dev.part("postgres"))
    try:
        printed = dev.make("up", ok=False)
        assert f"There is a container {dev.part('postgres')} already, not of this program: {dev.engine.images.redis}, created." in printed
        assert dev.volumes() == set()
    finally:
        foreign.remove()


def test_an_image_that_is_not_to_be_had_is_told_before_anything_is_made(dev: DevStack) -> None:
    dev.configure(docker={"image": "localhost:1/nobody/postgres:15"})
    assert "the image localhost:1/nobody/postgres:15 is to be pulled" in dev.make("preview")
    assert "The image localhost:1/nobody/postgres:15 is not on this machine and cannot be pulled" in dev.make("up", ok=False)
    dev.configure(docker={"pullPolicy": "never"})
    assert "is not on this machine, and pullPolicy is `never`" in dev.make("preview", ok=False)
    assert dev.volumes() == set()


def test_an_engine_that_does_not_answer_is_told(dev: DevStack, tmp_path: Path) -> None:
    dev.configure(docker={"host": f"unix://{tmp_path}/nobody.sock"})
    for command in ("preview", "up"):
        assert f"The container engine at unix://{tmp_path}/nobody.sock does not answer: No such file or directory." in dev.make(
            command, ok=False
        )


def test_a_server_that_does_not_come_up_is_told_with_its_log(dev: DevStack) -> None:
    dev.configure(parameters={"no_such_parameter": 1}, docker={"adminer": {}, "redis": {}})
    printed = dev.make("up", ok=False)
    assert f"The container {dev.part('postgres')} ended with code 1\n" in printed
    assert 'unrecognized configuration parameter "no_such_parameter"' in printed
    dev.configure(parameters={"max_connections": 20})
    dev.make("up")
    assert dev.login("usualstore").works()


def test_a_server_that_is_not_published_is_reached_by_its_own_address(dev: DevStack) -> None:
    dev.configure(databases=[{"name": "shop"}], docker={"publish": False, "adminer": {}, "redis": {}})
    dev.make("up")
    login = dev.login("shop")
    assert (login.host.count("."), login.port, login.works()) == (3, 5432, True)
    with pytest.raises(ConnectionFailed):
        Login("127.0.0.1", dev.port, "shop", login.user, login.password, "disable").connect()


def test_a_volume_of_somebody_elses_is_taken_over_where_the_settings_say_so(dev: DevStack) -> None:
    client, images = dev.engine.client, dev.engine.images
    dev.configure(databases=[{"name": "shop"}], docker={"adminer": {}, "redis": {}})
    volume = dev.part("data")
    client.volumes.create(volume)
    old = client.containers.run(
        images.postgres15,
        detach=True,
        environment={"POSTGRES_PASSWORD": "development", "POSTGRES_DB": "olddata"},
        volumes={volume: {"bind": "/var/lib/postgresql/data"}},
    )
    try:
        assert comes_true(lambda: old.exec_run(["psql", "-h", "127.0.0.1", "-U", "postgres", "-c", "SELECT 1", "olddata"])[0] == 0)
        old.stop()
        assert f"The volume {volume} was not made by this program. It was not touched." in dev.make("up", ok=False)
        old.remove()
        dev.configure(docker={"adoptVolume": True})
        dev.make("up")
        assert dev.login("shop").works()
        code, printed = dev.container().exec_run(
            ["psql", "-U", "postgres", "-XqAt", "-c", "SELECT count(*) FROM pg_database WHERE datname = 'olddata'"]
        )
        assert (code, printed.decode().strip()) == (0, "1")
        assert not Login("127.0.0.1", dev.port, "postgres", "postgres", "development", "disable").works()
    finally:
        dev.make("destroy", args="--yes")
        client.volumes.get(volume).remove()


def test_a_pinned_version_that_the_image_has_not_is_told(dev: DevStack) -> None:
    dev.configure(version=16, databases=[], docker={"adminer": {}, "redis": {}, "startTimeout": 30})
    printed = dev.make("up", ok=False)
    assert f"The container {dev.part('postgres')} runs PostgreSQL 15, and the settings say 16." in printed


def test_ports_are_those_of_the_settings(dev: DevStack) -> None:
    port = free_port()
    dev.configure(port=port, databases=[], docker={"adminer": {}, "redis": {}, "addresses": ["127.0.0.1"]})
    dev.make("up")
    bindings = dev.container().attrs["HostConfig"]["PortBindings"]
    assert bindings == {"5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
