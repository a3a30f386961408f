"""Whether a server that somebody else runs is one to work on: looked at, in reading, before anything is done there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import psycopg

from postgres.errors import ConnectionFailed, PgstackError
from postgres.facts import OLDEST, Facts, observe
from postgres.login import Login, ServerRefused
from postgres.tls import ENCRYPTING, is_loopback

NEWEST = 18
"""The newest major version that was tried. A newer one is told, and not refused."""


class ServerUnfit(PgstackError):
    """A server that cannot be worked on as it is. The message lists every reason, each with what to do."""


@dataclass(frozen=True)
class Demand:
    """What a login has to be good for.

    Attributes:
        duty: "connect" and nothing more, "migrate" its database, or "administer" the server: make databases and roles.
        extensions: that its database must have.
    """

    login: Login
    duty: Literal["connect", "migrate", "administer"]
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """What was found.

    Attributes:
        version: PostgreSQL's major version; 0 where nobody was let in.
        problems: why the server cannot be worked on, a sentence or two each, with what to do.
        warnings: what is no reason to stop.
        unreachable: why nobody could look; empty where somebody could.
    """

    version: int
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    unreachable: str = ""


def look(demands: Sequence[Demand]) -> Verdict:
    """Compares a server with everything that is demanded of it. Reads only; ends at the first login that gets no answer."""
    version = 0
    problems: list[str] = []
    warnings: list[str] = []
    unreachable = ""
    for demand in demands:
        try:
            with demand.login.connect() as session:
                facts = observe(session)
        except ServerRefused as error:
            problems.append(". ".join(filter(None, (Exception.__str__(error), error.hint))))
        except ConnectionFailed as error:
            unreachable = Exception.__str__(error)
            break
        except psycopg.OperationalError as error:
            unreachable = f"The session with {demand.login.host}:{demand.login.port} broke: {' '.join(str(error).split())}"
            break
        else:
            version = version or facts.major
            problems += problems_with(facts, demand)
            warnings += warnings_about(facts, demand.login)
    return Verdict(version, tuple(dict.fromkeys(problems)), tuple(dict.fromkeys(warnings)), unreachable)


def accept(demands: Sequence[Demand]) -> Verdict:
    """As `look`.

    Raises:
        ServerUnfit: it does not meet a demand.
        ConnectionFailed: it does not answer.
    """
    verdict = look(demands)
    if verdict.problems:
        raise ServerUnfit("\n".join(["The server cannot be used as it is:", *(f"  {problem}" for problem in verdict.problems)]))
    if verdict.unreachable:
        raise ConnectionFailed(verdict.unreachable, hint="Is the server running there, and is it the one you mean?")
    return verdict


def problems_with(facts: Facts, demand: Demand) -> Iterator[str]:
    """Why a session that finds these facts does not meet a demand."""
    login = demand.login
    where = f"{login.host}:{login.port}"
    if not facts.is_postgresql:
        yield f"{where} is no PostgreSQL server: it calls itself {facts.product!r}. Name one that is as host."
        return
    if facts.major < OLDEST:
        yield f"{where} is PostgreSQL {facts.major}; supported are {OLDEST} to {NEWEST}. Have it upgraded."
        return
    if facts.standby:
        yield f"{where} is a standby, which nobody can write to. Name the primary as host."
    elif facts.read_only:
        yield f"{where} lets {login.user} only read in {login.database}: {_read_only(facts.read_only, login)}"
    if login.sslmode in ENCRYPTING and not facts.encrypted:
        yield f"The session with {where} is not encrypted, though sslmode is {login.sslmode}. Have TLS switched on there."
    yield from _lacking(facts, login) if demand.duty == "administer" else _of_the_database(facts, demand)


def warnings_about(facts: Facts, login: Login) -> Iterator[str]:
    """What is no reason to stop, but to be known."""
    if facts.major > NEWEST:
        yield f"PostgreSQL {facts.major} is newer than {NEWEST}, the newest that was tried."
    if not (facts.encrypted or is_loopback(login.host)):
        yield f"The session with {login.host}:{login.port} is not encrypted: the network between sees SQL and data."


def _read_only(source: str, login: Login) -> str:
    """What makes sessions read-only, and how that ends."""
    clauses = {
        "database user": f'ALTER ROLE "{login.user}" IN DATABASE "{login.database}"',
        "database": f'ALTER DATABASE "{login.database}"',
        "user": f'ALTER ROLE "{login.user}"',
    }
    way = f"Have an administrator run: {clauses[source]} RESET" if source in clauses else "Take it off there:"
    return f"default_transaction_read_only is on, by {source}. {way} default_transaction_read_only"


def _lacking(facts: Facts, login: Login) -> Iterator[str]:
    """Attributes that an administrator takes."""
    needed = {"CREATEDB": facts.creates_databases, "CREATEROLE": facts.creates_roles}
    if lacking := [attribute for attribute, has in needed.items() if not has]:
        yield (
            f"{login.user} lacks {' and '.join(lacking)}, which it takes to make databases and roles. Have it granted; or set "
            "manageRoles: false, and migrate databases that are there."
        )


def _of_the_database(facts: Facts, demand: Demand) -> Iterator[str]:
    """What a database that is there must be like."""
    database = demand.login.database
    if facts.encoding != "UTF8":
        yield (
            f"The database {database} has the encoding {facts.encoding}, and only UTF8 is supported. An encoding cannot be changed: "
            "have the database made anew with ENCODING 'UTF8', from a dump."
        )
    if demand.duty == "migrate":
        yield from _rights(facts, demand.login)
    for name in demand.extensions:
        if name not in facts.extensions:
            yield f'The database {database} lacks the extension {name}. Have an administrator run there: CREATE EXTENSION "{name}"'


def _rights(facts: Facts, login: Login) -> Iterator[str]:
    """What the first steps of a migration would fail at: the ledger has a schema of its own, a tool's history is in `public`."""
    database, user = login.database, login.user
    if facts.ledger_owner:
        if not facts.owns_ledger:
            yield f"The ledger of {database}, its schema pgstack, belongs to {facts.ledger_owner}. Migrate as that role, not as {user}."
        return
    if not facts.makes_schemas:
        yield (
            f"{user} may make no schema in {database}, and the ledger of migrations needs one. Have the owner run: "
            f'GRANT CREATE ON DATABASE "{database}" TO "{user}"'
        )
    if facts.makes_tables is None:
        yield f"{database} has no schema public, where migration tools keep their history. Have the owner run: CREATE SCHEMA public"
    elif not facts.makes_tables:
        yield (
            f"{user} may make no table in the schema public of {database}, where migration tools keep their history. Have the owner run: "
            f'GRANT CREATE ON SCHEMA public TO "{user}"'
        )
