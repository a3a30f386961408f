"""`ops upgrade` with a real engine and real servers of both versions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from containers import volumes
from containers.demand import Data
from containers.engine import connect
from containers.errors import ForeignVolumeError
from ops.errors import OpsError
from ops.upgrade import plan as plans
from ops.upgrade import scripts, servers, steps
from tests.fix_upgrade import Upgraded, sql

CONTENTS = r"""
CREATE ROLE "odd ""role" LOGIN PASSWORD 'secret';
CREATE ROLE reader;
ALTER ROLE postgres SET work_mem = '5MB';
CREATE TABLE things (id bigserial PRIMARY KEY, name text NOT NULL, made date DEFAULT '2025-01-31');
INSERT INTO things (name) SELECT 'CREATE ROLE postgres;' FROM generate_series(1, 500);
CREATE TABLE "a ""name"", with; signs" (x text);
INSERT INTO "a ""name"", with; signs" VALUES (E'CREATE ROLE postgres;\nCREATE ROLE postgres;\n\\.'), ('ü€');
GRANT SELECT ON things TO reader;
CREATE TABLE parts (day date) PARTITION BY RANGE (day);
CREATE TABLE parts_2025 PARTITION OF parts FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO parts VALUES ('2025-01-31'), ('2025-02-01');
SELECT lo_create(4711);
"""

EVERYTHING = """
SELECT (SELECT count(*) FROM things), (SELECT max(id) FROM things), (SELECT string_agg(x, '|' ORDER BY x) FROM "a ""name"", with; signs"),
    (SELECT count(*) FROM parts), (SELECT last_value FROM things_id_seq), has_table_privilege('reader', 'things', 'SELECT'),
    (SELECT count(*) FROM pg_largeobject_metadata),
    (SELECT string_agg(rolname || rolpassword, ',' ORDER BY rolname) FROM pg_authid WHERE rolpassword IS NOT NULL),
    (SELECT string_agg(setconfig::text, ',') FROM pg_db_role_setting)
"""


def fill(upgraded: Upgraded) -> str:
    """Fills a server of version 15, and returns all that is to be the same afterwards."""
    server = upgraded.old()
    sql(server, 'CREATE DATABASE "Shop, the ""first"""')
    sql(server, CONTENTS, 'Shop, the "first"')
    return everything(upgraded)


def everything(upgraded: Upgraded) -> str:
    server = upgraded.scratch.engine.client.containers.get(upgraded.names.container)
    return sql(server, EVERYTHING, 'Shop, the "first"')


def version_in(upgraded: Upgraded, volume: str) -> int | None:
    with connect(upgraded.names.url) as client:
        return volumes.major(client, Data(volume, 18, adopt=True), upgraded.goal.image)


def temporary(upgraded: Upgraded) -> list[str]:
    wanted = [f"pgstack.stack={upgraded.names.stack}", f"pgstack.part={servers.PART}"]
    return [str(one.name) for one in upgraded.scratch.engine.client.containers.list(all=True, filters={"label": wanted})]


def test_the_data_moves_to_the_new_version_and_the_old_data_is_kept(upgraded: Upgraded, capsys: pytest.CaptureFixture[str]) -> None:
    names, client = upgraded.names, upgraded.scratch.engine.client
    before = fill(upgraded)
    upgraded.inside("mkdir -p /control/flags && touch /control/flags/initialising", control=upgraded.goal.control)
    steps.carry_out(upgraded.goal, yes=True)
    printed = capsys.readouterr().out
    kept = next(iter(upgraded.volumes() - {names.volume, names.backup_volume, upgraded.goal.control}))
    assert re.fullmatch(rf"{names.volume}-pg15-\d{{8}}", kept)
    assert f"set pgstack:version to 15 and pgstack:docker.volume to {kept}" in printed
    assert (version_in(upgraded, names.volume), version_in(upgraded, kept), temporary(upgraded)) == (18, 15, [])
    assert client.containers.get(names.container).status == "exited"
    assert upgraded.inside("ls -A /data /control/flags", data=names.volume, control=upgraded.goal.control).split() == [
        "/control/flags:",
        "/data:",
        "18",
    ]
    dump = upgraded.inside("stat -c '%a %n' /backups/*", backups=names.backup_volume)
    assert re.fullmatch(rf"600 /backups/upgrade-{names.stack}-pg15-\d{{8}}T\d{{6}}Z\.sql\n", dump)
    # Everything is there, also for those who log in over the network.
    client.containers.get(names.container).remove()
    new = upgraded.server(upgraded.scratch.engine.images.postgres18, "/var/lib/postgresql")
    assert everything(upgraded) == before
    assert "host all all all scram-sha-256" in sql(new, "SELECT pg_read_file('pg_hba.conf')")
    # The old data is a server's data, too, and the next run has nothing to do.
    old = upgraded.server(upgraded.scratch.engine.images.postgres15, "/var/lib/postgresql/data", name=f"{names.container}-2", volume=kept)
    assert sql(old, "SELECT count(*) FROM things", 'Shop, the "first"') == "500"
    old.remove(force=True)
    capsys.readouterr()
    steps.carry_out(upgraded.goal, yes=True)
    assert capsys.readouterr().out == f"The data in {names.volume} is of PostgreSQL 18 already.\n"


UNDUMPABLE = """
CREATE TABLE later (id int); INSERT INTO later VALUES (1);
CREATE FUNCTION known(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN EXISTS (SELECT FROM public.later WHERE id = $1); END';
CREATE TABLE earlier (id int CHECK (known(id))); INSERT INTO earlier VALUES (1);
"""
"""No dump of it can be restored: the rows of `earlier` need those of `later`, which come after them."""


@pytest.mark.parametrize(
    ("statements", "says"),
    [(UNDUMPABLE, "violates check constraint"), ("SELECT pg_create_physical_replication_slot('standby')", "the replication slot standby")],
)
def test_a_failure_leaves_everything_as_it_was(upgraded: Upgraded, statements: str, says: str) -> None:
    names = upgraded.names
    server = upgraded.old()
    sql(server, statements)
    had = upgraded.volumes()
    with pytest.raises(OpsError) as caught:
        steps.carry_out(upgraded.goal, yes=True)
    assert says in str(caught.value)
    assert f"The data in {names.volume} is as it was, and its server is started again." in str(caught.value)
    server.reload()
    assert (server.status, upgraded.volumes(), temporary(upgraded), version_in(upgraded, names.volume)) == ("running", had, [], 15)
    assert upgraded.inside(
        "ls -A /backups; ls -d /data/pgstack* 2>/dev/null; stat -c %a /data", backups=names.backup_volume, data=names.volume
    ) == ("700\n")


def test_a_run_that_is_cut_off_in_the_end_is_gone_on_with(upgraded: Upgraded, capsys: pytest.CaptureFixture[str]) -> None:
    names = upgraded.names
    fill(upgraded)
    with connect(names.url) as client:
        plan = plans.make(client, upgraded.goal, None, datetime.now(UTC))
        assert plan is not None
        steps._prepare(client, plan)
        servers.script(
            client, names, upgraded.goal.image, scripts.REPLACE.partition('if [ "$new" = . ]')[0], ".", "18/docker", data=names.volume
        )
    assert version_in(upgraded, names.volume) == 15
    capsys.readouterr()
    steps.carry_out(upgraded.goal, yes=True)
    told = capsys.readouterr()
    assert "An upgrade was cut off at its end. It is to go on" in told.err
    assert plan.record.kept in told.out
    assert version_in(upgraded, names.volume) == 18


def test_what_a_killed_run_has_left_is_taken_away(upgraded: Upgraded) -> None:
    names = upgraded.names
    upgraded.old()
    upgraded.volume(f"{names.volume}-pg15-20250131", "kept")
    upgraded.volume(f"{names.volume}-pg14-20250131", "kept")
    upgraded.inside(
        f"touch /kept/{scripts.UNFINISHED} /backups/upgrade-{names.stack}-pg15-x.sql.partial; mkdir -p /data/{scripts.SCRATCH}/data/base",
        kept=f"{names.volume}-pg15-20250131",
        backups=names.backup_volume,
        data=names.volume,
    )
    steps.carry_out(upgraded.goal, yes=True)
    assert f"{names.volume}-pg15-20250131" not in upgraded.volumes()
    assert f"{names.volume}-pg14-20250131" in upgraded.volumes()
    assert "partial" not in upgraded.inside("ls /backups", backups=names.backup_volume)


def test_what_is_not_to_be_upgraded_is_refused(upgraded: Upgraded) -> None:
    names = upgraded.names
    with pytest.raises(OpsError, match="holds no data"):
        steps.carry_out(upgraded.goal, yes=True)
    server = upgraded.server(upgraded.scratch.engine.images.postgres18, "/var/lib/postgresql")
    with pytest.raises(OpsError, match="holds data of PostgreSQL 18, and the settings say 15: there is no way back"):
        steps.carry_out(upgraded.to(15), yes=True)
    server.rename(f"{names.container}-other")
    with pytest.raises(OpsError, match=f"is used by {names.container}-other as well"):
        steps.carry_out(upgraded.goal, yes=True)
    other = replace(upgraded.goal, names=replace(names, volume=f"{names.volume}-none"))
    with pytest.raises(OpsError, match="There is no volume"):
        steps.carry_out(other, yes=True)
    upgraded.volume(f"{names.volume}-none", "data", **{"pgstack.project": "another"})
    with pytest.raises(ForeignVolumeError, match="is not that of the stack"):
        steps.carry_out(other, yes=True)
    server.reload()
    assert (server.status, temporary(upgraded)) == ("running", [])
