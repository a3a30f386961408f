"""The same six steps as a folder of each format, in the syntax that the format's own tool reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from tools.peers import PEERS, Peer


class Step(NamedTuple):
    """A migration, before it is written in a format.

    Attributes:
        version: digits.
        transactional: whether it can run in a transaction.
        crlf: whether its file has the line ends of Windows.
    """

    version: str
    name: str
    up: str
    down: str
    transactional: bool = True
    crlf: bool = False


STEPS = (
    Step(
        "1",
        "people",
        "CREATE TABLE person (\n    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n    name text NOT NULL CHECK (name <> ';')\n);\n"
        "COMMENT ON TABLE person IS 'a ; in a string, and -- two dashes';\n",
        "DROP TABLE person;\n",
    ),
    Step(
        "2",
        "shout",
        "CREATE FUNCTION shout(word text) RETURNS text LANGUAGE plpgsql AS $body$\n"
        "DECLARE\n    loud text := $inner$;$inner$;\n"
        "BEGIN\n    -- a comment; with a semicolon\n    EXECUTE $q$SELECT upper($1)$q$ INTO loud USING word;\n"
        "    RETURN loud;\nEND;\n$body$;\n",
        "DROP FUNCTION shout(text);\n",
    ),
    Step(
        "3",
        "notes_of_people",
        "CREATE TABLE note (\n    id integer PRIMARY KEY,\n    person_id bigint NOT NULL REFERENCES person,\n    body text NOT NULL\n);\n"
        "INSERT INTO person (name) VALUES ('Noether');\n"
        "INSERT INTO note VALUES (1, 1, shout('ä; ''quoted'''));\n",
        "DROP TABLE note;\nDELETE FROM person;\n",
        crlf=True,
    ),
    Step(
        "10",
        "mood",
        "CREATE TYPE mood AS ENUM ('calm', 'keen');\nALTER TABLE note ADD COLUMN mood mood NOT NULL DEFAULT 'keen';\n"
        "/* the default stays /* for now */ */\n-- and a comment ends the file",
        "ALTER TABLE note DROP COLUMN mood;\nDROP TYPE mood;\n-- and a comment ends the file",
    ),
    Step(
        "11",
        "note_index",
        "CREATE INDEX CONCURRENTLY note_of_person ON note (person_id);\n",
        "DROP INDEX CONCURRENTLY note_of_person;\n",
        transactional=False,
    ),
    Step(
        "12",
        "loud_notes",
        "CREATE VIEW loud_note AS SELECT id, shout(body) AS body FROM note;\n"
        "DO $$ BEGIN\n    INSERT INTO note VALUES (2, 1, 'from a block;');\nEND $$;\n",
        "DROP VIEW loud_note;\nDELETE FROM note WHERE id = 2;\n",
    ),
)

HALF = 3
"""As many steps as are taken before the other migrator goes on."""

FLYWAY_VERSIONS = {"1": "1", "2": "1_1", "3": "2", "10": "2.0.1", "11": "2.10", "12": "10"}
"""Steps as Flyway's files number them, where they number them otherwise."""

NOTES = [(1, "Ä; 'QUOTED'"), (2, "from a block;")]
"""What the table `note` holds after all steps."""

Files = dict[str, bytes]


def _bytes(step: Step, text: str) -> bytes:
    return text.replace("\n", "\r\n" if step.crlf else "\n").encode()


def sqlx(step: Step) -> Files:
    """One direction only; the mark is for the whole file."""
    mark = "" if step.transactional else "-- no-transaction\n"
    return {f"{step.version.zfill(4)}_{step.name}.sql": _bytes(step, mark + step.up)}


def sqlx_reversible(step: Step) -> Files:
    """A file for each direction, each with the mark."""
    mark = "" if step.transactional else "-- no-transaction\n"
    return _pair(step, mark + step.up, mark + step.down)


def soda(step: Step) -> Files:
    """Runs everything in a transaction: so the index is made the plain way."""
    return _pair(step, step.up.replace(" CONCURRENTLY", ""), step.down.replace(" CONCURRENTLY", ""))


def golang_migrate(step: Step) -> Files:
    """Sends a file as it is: one statement alone is in no transaction."""
    return _pair(step, step.up, step.down)


def _pair(step: Step, up: str, down: str) -> Files:
    name = f"{step.version.zfill(4)}_{step.name}"
    return {f"{name}.up.sql": _bytes(step, up), f"{name}.down.sql": _bytes(step, down)}


def dbmate(step: Step) -> Files:
    """Both directions in a file; the mark is for one of them."""
    mark = "" if step.transactional else " transaction:false"
    text = f"-- migrate:up{mark}\n{step.up}\n\n-- migrate:down{mark}\n{step.down}"
    return {f"{step.version.zfill(4)}_{step.name}.sql": _bytes(step, text)}


def goose(step: Step) -> Files:
    """Splits at semicolons, but for what stands between two marks; takes `--` in a string for a comment."""
    mark = "" if step.transactional else "-- +goose NO TRANSACTION\n"
    up = f"-- +goose StatementBegin\n{step.up}\n-- +goose StatementEnd\n" if "$" in step.up or "--" in step.up else f"{step.up}\n"
    return {f"{step.version.zfill(5)}_{step.name}.sql": _bytes(step, f"{mark}-- +goose Up\n{up}\n-- +goose Down\n{step.down}")}


def flyway(step: Step) -> Files:
    """Finds out by itself what cannot run in a transaction. Its open edition leaves the other direction alone."""
    name = f"{FLYWAY_VERSIONS.get(step.version, step.version)}__{step.name}.sql"
    return {f"V{name}": _bytes(step, step.up), f"U{name}": _bytes(step, step.down)}


class Case(NamedTuple):
    """A tool, and how its folders are written.

    Attributes:
        two_ways: whether the folders say how a step is undone.
    """

    name: str
    peer: Peer
    write: Callable[[Step], Files]
    two_ways: bool = True

    def files(self, *steps: Step) -> Files:
        """A folder's files."""
        return {name: content for step in steps for name, content in self.write(step).items()}


CASES = (
    Case("sqlx", PEERS["sqlx"], sqlx, two_ways=False),
    Case("sqlx-reversible", PEERS["sqlx"], sqlx_reversible),
    Case("soda", PEERS["soda"], soda),
    Case("golang-migrate", PEERS["golang-migrate"], golang_migrate),
    Case("dbmate", PEERS["dbmate"], dbmate),
    Case("goose", PEERS["goose"], goose),
    Case("flyway", PEERS["flyway"], flyway),
)
