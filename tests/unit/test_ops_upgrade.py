"""The scripts of an upgrade, run by this machine's shell on folders that stand for volumes; and what is said of the contents."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ops.upgrade import contents, scripts
from ops.upgrade.plan import Record
from ops.upgrade.steps import _place


def run(script: str, volumes: Path, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a script whose volumes are folders of `volumes`."""
    script = re.sub(r"(?<![\w-])/(data|from|to|control|kept|backups)\b", rf"{volumes}/\1", script)
    return subprocess.run(
        ["/bin/sh", "-euc", (before or "sync() { :; }\n") + script, "sh", *words], capture_output=True, text=True, check=False, timeout=60
    )


def cluster(folder: Path, version: int) -> None:
    """Something that is laid out as a cluster is."""
    (folder / "base" / "1").mkdir(parents=True)
    (folder / "base" / "1" / "PG_VERSION").write_text(f"{version}\n")
    (folder / "base" / "1" / "112").write_text(f"rows of {version}")
    (folder / f"only-{version}").write_text("")
    (folder / ".hidden").write_text(str(version))
    (folder / "PG_VERSION").write_text(f"{version}\n")


def tree(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


PATHS = [(15, 16), (15, 18), (17, 18), (18, 19)]


@pytest.fixture
def volumes(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path


def prepared(volumes: Path, old: int, new: int) -> Path:
    """A volume in the state in which the new cluster is complete, beside the old one."""
    data = volumes / "data"
    cluster(data / _place(old), old)
    assert run(scripts.PREPARE, volumes).returncode == 0
    cluster(data / scripts.SCRATCH / "data", new)
    assert run(scripts.MARK_COMPLETE, volumes, '{"old": 1}').returncode == 0
    return data


def seen(data: Path) -> int | None:
    """The version that `make up` would find."""
    names = [*(f"{version}/docker/PG_VERSION" for version in range(30, 17, -1)), "PG_VERSION"]
    return next((int((data / name).read_text()) for name in names if (data / name).exists()), None)


@pytest.mark.parametrize(("old", "new"), PATHS)
def test_the_new_cluster_takes_the_place_of_the_old_one(volumes: Path, tmp_path: Path, old: int, new: int) -> None:
    data = prepared(volumes, old, new)
    done = run(scripts.REPLACE, volumes, _place(old), _place(new))
    assert (done.returncode, done.stderr) == (0, "")
    cluster(tmp_path / "wanted" / _place(new), new)
    assert tree(data) == tree(tmp_path / "wanted")


CUT = """
steps={steps}
step() {{ steps=$((steps - 1)); if [ "$steps" -lt 0 ]; then kill -9 $$; fi; }}
mv() {{ step; command mv "$@"; }}
rm() {{ step; command rm "$@"; }}
find() {{ step; command find "$@"; }}
sync() {{ step; }}
mkdir() {{ step; command mkdir "$@"; }}
chmod() {{ step; command chmod "$@"; }}
"""
"""Makes a script kill itself before its so many-th change."""


@pytest.mark.parametrize(("old", "new"), PATHS)
def test_a_replacement_that_is_cut_off_anywhere_is_gone_on_with(tmp_path: Path, old: int, new: int) -> None:
    cluster(tmp_path / "wanted" / _place(new), new)
    for steps in range(100):
        volumes = tmp_path / str(steps)
        (volumes / "data").mkdir(parents=True)
        data = prepared(volumes, old, new)
        cut = run(scripts.REPLACE, volumes, _place(old), _place(new), before=CUT.format(steps=steps))
        assert seen(data) in (old, new)
        if cut.returncode == 0:
            break
        # The next run finds the record, unless everything was done but the last word.
        if run(scripts.READ_STATE, volumes).stdout:
            assert run(scripts.REPLACE, volumes, _place(old), _place(new)).returncode == 0
        assert {name: text for name, text in tree(data).items() if not name.startswith(scripts.SCRATCH)} == tree(tmp_path / "wanted")
    assert steps > 5


def test_what_was_prepared_is_taken_away_without_a_trace(volumes: Path) -> None:
    data = volumes / "data"
    cluster(data, 15)
    data.chmod(0o700)
    before = tree(data)
    run(scripts.PREPARE, volumes)
    assert data.stat().st_mode & 0o777 == 0o701
    cluster(data / scripts.SCRATCH / "data", 18)
    assert run(scripts.ABANDON, volumes).returncode == 0
    assert (tree(data), data.stat().st_mode & 0o777) == (before, 0o700)
    assert run(scripts.ABANDON, volumes).returncode == 0


def test_a_copy_is_the_same_and_is_counted(volumes: Path) -> None:
    cluster(volumes / "from", 15)
    (volumes / "from" / "a name\twith 'all'").write_text("12345")
    (volumes / "from" / "link").symlink_to("PG_VERSION")
    (volumes / "to").mkdir()
    (volumes / "to" / "left over").write_text("by a run that was killed")
    done = run(scripts.COPY.replace("/tmp/", f"{volumes}/"), volumes)
    assert (done.returncode, done.stderr) == (0, "")
    files = [path for path in (volumes / "from").rglob("*") if path.is_file() and not path.is_symlink()]
    assert done.stdout.split() == [str(len(files)), str(sum(path.stat().st_size for path in files))]
    assert tree(volumes / "to") == tree(volumes / "from")
    assert (volumes / "to" / "link").is_symlink()


def test_a_copy_that_is_cut_off_is_known_by_its_mark(volumes: Path) -> None:
    cluster(volumes / "from", 15)
    (volumes / "to").mkdir()
    cut = scripts.COPY.partition("# What is there")[0]
    run(cut, volumes)
    (volumes / "to").rename(volumes / "kept")
    assert run(scripts.IS_UNFINISHED, volumes).stdout == "yes\n"


def test_the_record_of_a_run_is_read_by_the_next_one() -> None:
    record = Record(15, 18, "kept", "dump.sql")
    assert Record.read(record.as_text()) == record
    assert Record.read("\n") is None


def test_differences_are_told_by_table() -> None:
    old = {"shop:": 0, "shop: public.orders": 3, "shop: public.users": 1}
    new = {"shop:": 0, "shop: public.orders": 2, "till:": 0}
    assert list(contents.differences(old, new)) == [
        "shop: public.orders: 3 rows before, 2 rows now",
        "shop: public.users: 1 row before, not there now",
        "till: not there before, 0 rows now",
    ]
    assert list(contents.differences(old, old)) == []


def test_only_the_first_creation_of_the_superuser_is_left_out_of_a_dump(tmp_path: Path) -> None:
    line = "CREATE ROLE postgres;\n"
    dump = f"-- roles\nCREATE ROLE app;\n{line}ALTER ROLE postgres;\nCOPY t FROM stdin;\n{line}{line}x\x1fü\xff\n\\.\n"
    file = tmp_path / "dump.sql"
    file.write_text(dump, encoding="latin-1")
    command = next(line for line in scripts.RESTORE.splitlines() if "sed" in line).partition(" > ")[0]
    done = subprocess.run(["/bin/sh", "-euc", command, "sh", str(file)], capture_output=True, check=True)
    assert done.stdout.decode("latin-1") == dump.replace(line, "", 1)
