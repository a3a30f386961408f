"""What the formats' own tools do with a folder and a database, in SQL written out: nothing of the migrator's is used here.

A step makes a table of its own and says in a comment which edition of its file was run: so the catalog tells what was applied.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

Session = psycopg.Connection[Any]


@dataclass(frozen=True)
class Step:
    """The files of one migration.

    Attributes:
        number: what its version comes to, however it is written.
        written: the version as the file names have it.
        edition: goes up with each edit.
        has_down: whether the files say how it is undone.
        outside: whether it makes an index that cannot be made in a transaction.
        broken: whether a statement of it fails.
        crlf: whether its lines end as those of Windows do.
    """

    number: int
    written: str
    edition: int = 0
    has_down: bool = True
    outside: bool = False
    broken: bool = False
    crlf: bool = False

    @property
    def table(self) -> str:
        return f"t{self.number}"

    @property
    def ups(self) -> list[str]:
        """The statements that make the step."""
        index = [f"CREATE INDEX CONCURRENTLY i{self.number} ON {self.table} (a)"] if self.outside else []
        broken = ["SELECT 1 / 0"] if self.broken else []
        return [f"CREATE TABLE {self.table} (a int)", *index, *broken, f"COMMENT ON TABLE {self.table} IS '{self.edition}'"]

    @property
    def downs(self) -> list[str]:
        """The statements that undo it."""
        return [*([f"DROP INDEX CONCURRENTLY i{self.number}"] if self.outside else []), f"DROP TABLE {self.table}"]

    @property
    def up(self) -> str:
        return _text(self.ups)

    @property
    def down(self) -> str:
        return _text(self.downs) if self.has_down else ""

    @property
    def checksum(self) -> str:
        """What the ledger is to say of the step."""
        return hashlib.sha256(self.up.encode()).hexdigest()

    def raw(self, text: str) -> bytes:
        return text.replace("\n", "\r\n" if self.crlf else "\n").encode()


@dataclass(frozen=True)
class View:
    """A migration that is run again whenever its file changes."""

    edition: int
    name = "R__latest.sql"
    version = "R__latest"

    @property
    def up(self) -> str:
        return f"CREATE OR REPLACE VIEW latest AS SELECT {self.edition} AS edition;\n"

    @property
    def checksum(self) -> str:
        return hashlib.sha256(self.up.encode()).hexdigest()


def _text(statements: Iterable[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


Steps = Mapping[int, Step]
Told = dict[int, bytes | None]
"""The versions that a tool counts as applied, each with the checksum that it keeps, if it keeps any."""


@dataclass(frozen=True)
class Tool:
    """A format's own tool. It keeps a row for each version, as text, unless a subclass says otherwise.

    Attributes:
        two_ways: whether its files may say how a step is undone.
        one_way: whether they may leave that out.
        literal: whether a version is to it what was written, letter by letter.
        keeps_each: whether it keeps a row for each version.
        goes_back: whether it runs files that are older than the newest it ran.
    """

    format: str
    table: LiteralString
    create: tuple[LiteralString, ...]
    two_ways: bool = True
    one_way: bool = True
    literal: bool = False
    keeps_each: bool = True
    goes_back: bool = True
    spellings: tuple[str, ...] = ("{}", "0{}")

    def files(self, step: Step) -> dict[str, bytes]:
        name = f"{step.written}_step"
        pair = {f"{name}.up.sql": step.raw(step.up), f"{name}.down.sql": step.raw(step.down)}
        return {file: content for file, content in pair.items() if content}

    def checksum(self, step: Step) -> bytes | None:
        """What the tool keeps of a file."""
        return None

    def told(self, session: Session, steps: Steps) -> Told:
        """What it counts as applied; its table is there."""
        return dict.fromkeys(int(version) for version in self.rows(session))

    def rows(self, session: Session) -> list[Any]:
        """The versions as they stand in its table."""
        return [row[0] for row in session.execute(b"SELECT version FROM public." + self.table.encode()).fetchall()]

    def pending(self, session: Session, steps: Steps) -> list[int]:
        """What it would say is pending."""
        told = self.told(session, steps)
        return sorted(number for number in steps if number not in told)

    def refuses(self, session: Session, steps: Steps) -> bool:
        """Whether it would run nothing, for what it finds in the folder."""
        return False

    def next(self, session: Session, steps: Steps) -> Step | None:
        """The file that it would run now."""
        told = self.told(session, steps)
        pending = (number for number in self.pending(session, steps) if self.goes_back or number > max(told, default=-1))
        first = next(pending, None)
        return None if first is None or self.refuses(session, steps) else steps[first]

    def apply(self, session: Session, step: Step) -> None:
        """Runs a file and adds its row."""
        for statement in step.ups:
            session.execute(statement.encode())
        self.record(session, step)

    def undo(self, session: Session, step: Step, previous: int | None) -> None:
        """Undoes a step, `previous` being the version of the file before it, and takes its row out."""
        for statement in step.downs:
            session.execute(statement.encode())
        self.erase(session, step, previous)

    def record(self, session: Session, step: Step) -> None:
        session.execute(b"INSERT INTO public." + self.table.encode() + b" VALUES (%s)", [step.written])

    def erase(self, session: Session, step: Step, previous: int | None) -> None:
        session.execute(b"DELETE FROM public." + self.table.encode() + b" WHERE version = %s", [step.written])


class Literal(Tool):
    """One whose versions are text, so that `1` is not `01` to it."""

    def pending(self, session: Session, steps: Steps) -> list[int]:
        rows = self.rows(session)
        return sorted(step.number for step in steps.values() if step.written not in rows)


class Dbmate(Literal):
    def files(self, step: Step) -> dict[str, bytes]:
        return {f"{step.written}_step.sql": step.raw(f"-- migrate:up\n{step.up}-- migrate:down\n{step.down}")}


class Goose(Tool):
    def files(self, step: Step) -> dict[str, bytes]:
        down = f"-- +goose Down\n{step.down}" if step.has_down else ""
        return {f"{step.written}_step.sql": step.raw(f"-- +goose Up\n{step.up}{down}")}

    def rows(self, session: Session) -> list[Any]:
        found = session.execute("SELECT version_id, is_applied FROM public.goose_db_version ORDER BY id").fetchall()
        newest: dict[int, bool] = dict(found)
        return [version for version, applied in newest.items() if applied and version]

    def record(self, session: Session, step: Step) -> None:
        session.execute("INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (%s, true)", [step.number])

    def erase(self, session: Session, step: Step, previous: int | None) -> None:
        """As its older versions do it."""
        session.execute("INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (%s, false)", [step.number])


class GolangMigrate(Tool):
    def told(self, session: Session, steps: Steps) -> Told:
        top = max(self.rows(session), default=-1)
        return dict.fromkeys([number for number in steps if number <= top] + ([top] if top >= 0 else []))

    def refuses(self, session: Session, steps: Steps) -> bool:
        """It looks for the file of the version where it is."""
        return any(version not in steps for version in self.rows(session))

    def record(self, session: Session, step: Step) -> None:
        self._move(session, step.number)

    def erase(self, session: Session, step: Step, previous: int | None) -> None:
        self._move(session, previous)

    def _move(self, session: Session, version: int | None) -> None:
        session.execute("TRUNCATE public.schema_migrations")
        if version is not None:
            session.execute("INSERT INTO public.schema_migrations VALUES (%s, false)", [version])


class Sqlx(Tool):
    def checksum(self, step: Step) -> bytes | None:
        return hashlib.sha384(step.raw(step.up)).digest()

    def told(self, session: Session, steps: Steps) -> Told:
        return dict(session.execute("SELECT version, checksum FROM public._sqlx_migrations").fetchall())

    def refuses(self, session: Session, steps: Steps) -> bool:
        """It looks for every file that it ran, and at its bytes."""
        told = self.told(session, steps)
        return any(number not in steps or self.checksum(steps[number]) != checksum for number, checksum in told.items())

    def record(self, session: Session, step: Step) -> None:
        session.execute(
            "INSERT INTO public._sqlx_migrations (version, description, success, checksum, execution_time)"
            " VALUES (%s, 'step', true, %s, 1)",
            [step.number, self.checksum(step)],
        )

    def erase(self, session: Session, step: Step, previous: int | None) -> None:
        session.execute("DELETE FROM public._sqlx_migrations WHERE version = %s", [step.number])


class SqlxSimple(Sqlx):
    def files(self, step: Step) -> dict[str, bytes]:
        return {f"{step.written}_step.sql": step.raw(step.up)}


class Flyway(Tool):
    def files(self, step: Step) -> dict[str, bytes]:
        pair = {f"V{step.written}__step.sql": step.raw(step.up), f"U{step.written}__step.sql": step.raw(step.down)}
        return {file: content for file, content in pair.items() if content}

    def checksum(self, step: Step) -> bytes | None:
        return self.crc(step.up)

    @staticmethod
    def crc(text: str) -> bytes:
        number = zlib.crc32("".join(text.splitlines()).encode())
        return str(number - 2**32 if number >= 2**31 else number).encode()

    def told(self, session: Session, steps: Steps) -> Told:
        return {number: checksum for number, checksum in self._newest(session).items() if number is not None}

    def view(self, session: Session) -> bytes | None:
        """The checksum of the view's file when it was last run."""
        return self._newest(session).get(None)

    def _newest(self, session: Session) -> dict[int | None, bytes]:
        """What is applied, by version, which the view has none of: to Flyway `1`, `01` and `1.0` are one."""
        found: dict[int | None, bytes] = {}
        rows = session.execute("SELECT version, type, checksum FROM public.flyway_schema_history ORDER BY installed_rank").fetchall()
        for version, kind, checksum in rows:
            number = int(version.split(".")[0]) if version else None
            found.pop(number, None)
            if kind == "SQL":
                found[number] = str(checksum).encode()
        return found

    def refuses(self, session: Session, steps: Steps) -> bool:
        """It validates: every file that it ran is there and the same, and none is older than the newest that it ran."""
        told = self.told(session, steps)
        changed = any(number not in steps or self.checksum(steps[number]) != checksum for number, checksum in told.items())
        return changed or any(number < max(told, default=-1) for number in self.pending(session, steps))

    def record(self, session: Session, step: Step) -> None:
        self._add(session, step.written, "SQL", self.checksum(step))

    def erase(self, session: Session, step: Step, previous: int | None) -> None:
        self._add(session, step.written, "UNDO_SQL", self.checksum(step))

    def run_view(self, session: Session, view: View) -> None:
        session.execute(view.up.encode())
        self._add(session, None, "SQL", self.crc(view.up))

    def _add(self, session: Session, version: str | None, kind: str, checksum: bytes | None) -> None:
        session.execute(
            "INSERT INTO public.flyway_schema_history (installed_rank, version, description, type, script, checksum, installed_by,"
            " execution_time, success) SELECT coalesce(max(installed_rank), 0) + 1, %s, %s, %s, 'script', %s, current_user, 1, true"
            " FROM public.flyway_schema_history",
            [version, "step" if version else "latest", kind, int(checksum or 0)],
        )


TOOLS: dict[str, Tool] = {
    "dbmate": Dbmate(
        "dbmate", "schema_migrations", ("CREATE TABLE public.schema_migrations (version varchar PRIMARY KEY)",), one_way=False, literal=True
    ),
    "flyway": Flyway(
        "flyway",
        "flyway_schema_history",
        (
            (
                "CREATE TABLE public.flyway_schema_history (installed_rank int PRIMARY KEY, version varchar(50),"
                " description varchar(200) NOT NULL, type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum int,"
                " installed_by varchar(100) NOT NULL, installed_on timestamp NOT NULL DEFAULT now(), execution_time int NOT NULL,"
                " success bool NOT NULL)"
            ),
        ),
        goes_back=False,
        spellings=("{}", "0{}", "{}.0"),
    ),
    "golang-migrate": GolangMigrate(
        "golang-migrate",
        "schema_migrations",
        ("CREATE TABLE public.schema_migrations (version bigint PRIMARY KEY, dirty bool NOT NULL)",),
        keeps_each=False,
        goes_back=False,
    ),
    "goose": Goose(
        "goose",
        "goose_db_version",
        (
            (
                "CREATE TABLE public.goose_db_version (id int PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, version_id bigint NOT NULL,"
                " is_applied bool NOT NULL, tstamp timestamp NOT NULL DEFAULT now())"
            ),
            "INSERT INTO public.goose_db_version (version_id, is_applied) VALUES (0, true)",
        ),
    ),
    "soda": Literal("soda", "schema_migration", ("CREATE TABLE public.schema_migration (version varchar(14) PRIMARY KEY)",), literal=True),
    "sqlx": Sqlx(
        "sqlx",
        "_sqlx_migrations",
        (
            (
                "CREATE TABLE public._sqlx_migrations (version bigint PRIMARY KEY, description text NOT NULL,"
                " installed_on timestamptz NOT NULL DEFAULT now(), success bool NOT NULL, checksum bytea NOT NULL,"
                " execution_time bigint NOT NULL)"
            ),
        ),
    ),
}
TOOLS["sqlx-simple"] = SqlxSimple("sqlx", "_sqlx_migrations", TOOLS["sqlx"].create, two_ways=False)
"""By case: sqlx has two ways of naming its files."""
