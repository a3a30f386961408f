"""Takes a script apart with PostgreSQL's own grammar."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from migrator import grammar
from migrator.errors import MigrationFailed
from migrator.model import Script

BEGINS = frozenset({"TRANS_STMT_BEGIN", "TRANS_STMT_START"})
ENDS = frozenset({"TRANS_STMT_COMMIT", "TRANS_STMT_ROLLBACK", "TRANS_STMT_PREPARE"})

COPY_WITH_DATA = re.compile(
    r"^[ \t]*COPY\b(?:[^;']|'[^']*')*?\bFROM\s+STDIN\b(?:[^;']|'[^']*')*(?P<end>;)[ \t]*\n(?P<data>(?:.*\n)*?)\\\.[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
"""What pg_dump and psql write: the rows of a table below the statement, closed by a line of `\\.`"""


class Words:
    """Words to look for in scripts, in any case. Most have none of them, not even inside of others, which shows at once."""

    def __init__(self, *words: str) -> None:
        self._words = words
        self._pattern = re.compile("|".join(rf"\b{word}\b" if word.isalpha() else re.escape(word) for word in words), re.IGNORECASE)

    def search(self, text: str) -> re.Match[str] | None:
        """The first of them in a text."""
        lower = text.lower()
        for word in self._words:
            if word in lower:
                return self._pattern.search(text)
        return None


DELICATE = Words(
    *("begin", "start", "commit", "end", "rollback", "abort", "prepare", "prepared", "discard", "stdin", "stdout", "\\"),
    *("concurrently", "vacuum", "cluster", "reindex", "database", "tablespace", "system", "subscription"),
)
"""Words without which a script holds nothing that `split` refuses, and nothing that runs outside a transaction alone: it needs
no syntax tree, which takes thirty times as long to make as the places of its statements."""

INERT = re.compile(r"(?:CREATE\s+(?:TABLE|TYPE|(?:UNIQUE\s+)?INDEX)|DROP\s+(?:TABLE|TYPE|INDEX)|COMMENT\s+ON)\b", re.IGNORECASE)
BUSY = re.compile(r"\b(?:SELECT|WITH|VALUES|EXECUTE|AS\s+TABLE|pg_temp)\b", re.IGNORECASE)
"""Statements that begin like the first and hold nothing of the second run no code but the server's own, and leave nothing in the
session."""


class Statement(NamedTuple):
    """One statement of a script.

    Attributes:
        text: without the semicolon.
        start: index of its first character in the script's text.
        transactional: False for one that PostgreSQL runs outside a transaction alone.
        data: the rows that follow a `COPY … FROM STDIN`.
    """

    text: str
    start: int
    transactional: bool = True
    data: str | None = None


class Parsed(NamedTuple):
    """A script, taken apart.

    Attributes:
        recognised: whether the grammar knows all of it; else it is one statement, whatever it holds.
    """

    script: Script
    statements: tuple[Statement, ...]
    recognised: bool

    @property
    def transactional(self) -> bool:
        """Whether it runs in a transaction: neither the file nor one of its statements objects."""
        return self.script.transactional and all(statement.transactional for statement in self.statements)

    @property
    def pipelined(self) -> bool:
        """Whether it can be sent without waiting for answers: in a transaction, a statement at a time, without rows of data."""
        return self.recognised and self.transactional and all(statement.data is None for statement in self.statements)

    @property
    def inert(self) -> bool:
        """Whether it surely leaves the settings of its session as they were."""
        return self.recognised and all(INERT.match(part.text) and not BUSY.search(part.text) for part in self.statements)


def line_of(script: Script, index: int) -> int:
    """The 1-based line of the file for the character at `index` of a script's text."""
    return script.first_line + script.text.count("\n", 0, index)


def parse(script: Script) -> tuple[tuple[Statement, Any], ...]:
    """The statements of a script, each with its node of PostgreSQL's syntax tree.

    Raises:
        MigrationFailed: it holds what cannot be run by a migrator; see `split`.
        pglast.parser.ParseError: the grammar does not know all of it.
    """
    text, rows = _without_data(script)
    parsed = []
    for raw in grammar.parse(text):
        start = raw.stmt_location or 0
        end = start + raw.stmt_len if raw.stmt_len else len(text)
        statement = Statement(text[start:end], start, grammar.transactional(raw.stmt), rows.get(end))
        _refuse(script, statement, raw.stmt)
        parsed.append((statement, raw.stmt))
    return _unwrapped(script, parsed)


def split(script: Script) -> Parsed:
    """The statements of a script. What the parser does not understand is one statement: the server may be newer than it.

    A `BEGIN` and a `COMMIT` around everything are left out, since the migration has a transaction anyway.

    Raises:
        MigrationFailed: a statement begins or ends a transaction, which is the migrator's to do; or waits for data that is not
            in the file; or is a command of psql.
    """
    try:
        if DELICATE.search(script.text):
            return Parsed(script, tuple(statement for statement, _ in parse(script)), recognised=True)
        places = grammar.places(script.text)
        return Parsed(script, tuple(Statement(script.text[place], place.start) for place in places), recognised=True)
    except grammar.error() as error:
        place = grammar.place(error)
        if script.text[place : place + 1] == "\\":
            raise refusal(
                script,
                place,
                f"{script.text[place:].split(maxsplit=1)[0]} is a command of psql, not SQL.",
                hint="Take the line out of the file: migrations are sent to the server, which knows SQL alone.",
            ) from None
        return Parsed(script, (Statement(script.text, 0),), recognised=False)


def check(script: Script) -> None:
    """Raises what `split` would, without parsing a script that has none of the words for it."""
    if DELICATE.search(script.text):
        split(script)


def outside(script: Script) -> bool:
    """Whether a script runs outside a transaction; without parsing one that has none of the words for it."""
    return not script.transactional or (DELICATE.search(script.text) is not None and not split(script).transactional)


def refusal(script: Script, start: int, what: str, *, hint: str) -> MigrationFailed:
    """The error for a statement, from the character `start` on, that the migrator itself refuses."""
    line = line_of(script, start)
    return MigrationFailed(f"{script.path}:{line}: {what}", path=script.path, line=line, sqlstate="", hint=hint)


def _without_data(script: Script) -> tuple[str, dict[int, str]]:
    """The text with the rows of every COPY blanked out, and the rows by the index at which their statement ends."""
    text = script.text
    if "\\." not in text:
        return text, {}
    rows = {}
    parts = []
    done = at = 0
    while found := COPY_WITH_DATA.search(text, at):
        if not grammar.complete(text[done : found.start()]):  # it stands in a literal or a comment
            at = found.start() + 1
            continue
        first = found.start("data")
        rows[found.start("end")] = found["data"]
        parts += [text[done:first], re.sub(r"[^\n]", " ", text[first : found.end()])]
        done = at = found.end()
    return "".join([*parts, text[done:]]), rows


def _refuse(script: Script, statement: Statement, node: Any) -> None:
    if grammar.waits_for_data(node) and statement.data is None:
        raise refusal(
            script,
            statement.start,
            "COPY … FROM STDIN without its rows: there is nobody to send them.",
            hint="Put the rows below the statement, closed by a line of `\\.`, as pg_dump does; or use INSERT.",
        )
    if grammar.answers_with_data(node):
        raise refusal(
            script,
            statement.start,
            "COPY … TO STDOUT inside a migration: there is nobody to take the rows.",
            hint="Take the statement out of the file, or copy into a table with INSERT.",
        )
    if grammar.discards_all(node):
        raise refusal(
            script,
            statement.start,
            "DISCARD ALL inside a migration: it would drop the lock that keeps other migrators out.",
            hint="Take it out: the settings of a session are reset before every migration.",
        )


def _unwrapped(script: Script, parsed: list[tuple[Statement, Any]]) -> tuple[tuple[Statement, Any], ...]:
    """The statements without a BEGIN and a COMMIT around all of them; any other one is refused."""
    verbs = [grammar.transaction_verb(node) for _, node in parsed]
    if (
        script.transactional
        and len(parsed) > 1
        and verbs[0] in BEGINS
        and verbs[-1] == "TRANS_STMT_COMMIT"
        and not grammar.chains(parsed[-1][1])
    ):
        parsed, verbs = parsed[1:-1], verbs[1:-1]
    for (statement, _), verb in zip(parsed, verbs, strict=True):
        if verb in BEGINS | ENDS:
            why = "though each one runs in a transaction of its own" if script.transactional else "which is to run outside a transaction"
            raise refusal(
                script,
                statement.start,
                f"{statement.text.split()[0].upper()} inside a migration, {why}.",
                hint="Take the statement out of the file, or split the file where a transaction is to begin or to end.",
            )
    return tuple(parsed)
