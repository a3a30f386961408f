"""The applications' own tools, the real ones, before and after a run of ours."""

from __future__ import annotations

import pytest

from migrator.upkeep import repair
from tests.fix_peers import Alone, Ground
from tests.interop.folders import CASES, HALF, NOTES

every_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
two_ways = pytest.mark.parametrize("case", [case for case in CASES if case.two_ways], ids=lambda case: case.name)
reverting = pytest.mark.parametrize("case", [case for case in CASES if case.two_ways and case.peer.reverts], ids=lambda case: case.name)


@every_case
def test_what_we_migrated_is_nothing_new_to_the_tool(ground: Ground, alone: Alone) -> None:
    assert ground.ours() == ground.every

    assert ground.their_pending() == []
    ground.theirs()  # sqlx and Flyway compare checksums here
    assert ground.outcome() == alone(ground.case, ground.path)
    assert (ground.notes(), ground.ledger()) == (NOTES, ground.every)


@every_case
def test_we_finish_what_the_tool_began(ground: Ground, alone: Alone) -> None:
    ground.theirs(HALF)
    assert ground.their_pending() == ground.our_pending() == ground.every[HALF:]

    assert ground.ours() == ground.every[HALF:]

    assert ground.their_pending() == []
    assert ground.outcome() == alone(ground.case, ground.path)
    assert (ground.notes(), ground.ledger()) == (NOTES, ground.every)


@every_case
def test_the_tool_finishes_what_we_began(ground: Ground, alone: Alone) -> None:
    ground.ours(ground.folder.migrations[HALF - 1].version)

    ground.theirs()

    assert ground.outcome() == alone(ground.case, ground.path)
    assert ground.ours() == []
    assert (ground.notes(), ground.ledger()) == (NOTES, ground.every)


@two_ways
def test_the_tool_does_again_what_we_undid(ground: Ground, alone: Alone) -> None:
    ground.ours()

    assert ground.ours(ground.folder.migrations[HALF - 1].version) == ground.every[: HALF - 1 : -1]

    assert ground.their_pending() == ground.every[HALF:]
    ground.theirs()
    assert ground.outcome().schema == alone(ground.case, ground.path).schema
    assert ground.ours() == []
    assert (ground.notes(), ground.ledger()) == (NOTES, ground.every)


@reverting
def test_what_the_tool_undid_is_drift_until_it_is_repaired(ground: Ground, alone: Alone) -> None:
    ground.ours()

    ground.peer.down(ground.login, ground.path)

    assert ground.their_pending() == ground.every[-1:]
    assert [row.order for row in ground.plan().undone] == ground.every[-1:]
    with ground.login.connect() as session:
        repair(session, ground.folder)
    assert ground.ours() == ground.every[-1:]
    assert ground.their_pending() == []
    assert ground.outcome().schema == alone(ground.case, ground.path).schema
