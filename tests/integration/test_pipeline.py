"""Statements on their way down one pipeline: each answer comes back with what was sent."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import pq

from migrator.wire import WINDOW, Line, Pipeline
from tests.fix_tools import Session


class Answers:
    """A pipeline of a session, and the tags of what was carried out."""

    def __init__(self, session: Session) -> None:
        self.done: list[int] = []
        self.pipeline = Pipeline[int](session, Line(session), self.done.append)


@pytest.fixture
def answers(session: Session) -> Answers:
    return Answers(session)


def test_every_statement_is_answered_in_order(session: Session, answers: Answers) -> None:
    with answers.pipeline as pipeline:
        for number in range(3 * WINDOW):
            pipeline.send(number, b"SELECT $1::text", [str(number).encode()])
            assert len(answers.done) >= number - WINDOW
    assert (answers.done, pipeline.failed) == (list(range(3 * WINDOW)), None)
    assert session.execute("SELECT 1").fetchone() == (1,)


def test_what_follows_a_failure_is_skipped_and_not_answered(session: Session, answers: Answers) -> None:
    with answers.pipeline as pipeline:
        for number, text in enumerate((b"BEGIN", b"SELECT 1", b"SELECT 1 / 0", b"CREATE TABLE a ()", b"COMMIT")):
            pipeline.send(number, text)
    assert pipeline.failed is not None
    tag, error = pipeline.failed
    assert (answers.done, tag, type(error), error.sqlstate) == ([0, 1], 2, psycopg.errors.DivisionByZero, "22012")
    session.execute("ROLLBACK")
    assert session.execute("SELECT to_regclass('a')").fetchone() == (None,)


def test_nobody_waits_for_more_room_once_a_statement_failed(answers: Answers) -> None:
    with answers.pipeline as pipeline:
        for number in range(3 * WINDOW):
            pipeline.send(number, b"SELECT 1 / 0")
    assert pipeline.failed is not None
    assert (answers.done, pipeline.failed[0]) == ([], 0)


def test_prepared_statements_are_answered_too(session: Session, answers: Answers) -> None:
    session.execute("CREATE TABLE a (id int, note text)")
    with answers.pipeline as pipeline:
        pipeline.prepare(0, b"mine", b"INSERT INTO a VALUES ($1, $2)")
        for number in (1, 2):
            pipeline.send_prepared(number, b"mine", [str(number).encode(), None])
            pipeline.hurry()
    assert answers.done == [0, 1, 2]
    assert session.execute("SELECT * FROM a ORDER BY 1").fetchall() == [(1, None), (2, None)]


def test_a_statement_that_returns_rows_is_answered_once(answers: Answers) -> None:
    with answers.pipeline as pipeline:
        pipeline.send(0, b"SELECT repeat('x', 100000) FROM generate_series(1, 100)")
        pipeline.send(1, b"")
    assert (answers.done, pipeline.failed) == ([0, 1], None)


def test_an_interrupted_pipeline_ends_what_is_running_and_leaves_a_session_that_works(session: Session, answers: Answers) -> None:
    def interrupted() -> None:
        with answers.pipeline as pipeline:
            pipeline.send(0, b"BEGIN")
            pipeline.send(1, b"SELECT pg_sleep(60)")
            pipeline.hurry()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert session.pgconn.pipeline_status == pq.PipelineStatus.OFF
    session.execute("ROLLBACK")
    assert session.execute("SELECT 1").fetchone() == (1,)
