"""What tools/engine decides without an engine."""

from __future__ import annotations

import ipaddress
from itertools import combinations
from pathlib import Path

import pytest

from tools.engine import base, images, packages, slots


def test_no_two_slots_share_addresses() -> None:
    networks = [slots.network(kind, number) for kind in slots.FIRST_NETWORK for number in range(slots.MOST)]
    assert not [pair for pair in combinations(networks, 2) if pair[0].overlaps(pair[1])]
    assert all(network.is_private for network in networks)


def test_names_are_short() -> None:
    slot = slots.Slot("podman", slots.MOST - 1, -1)
    assert len(slot.bridge) <= 15
    assert len(f"{slot.folder}/docker.sock") < 100


def test_routes_are_networks() -> None:
    assert all(isinstance(route, ipaddress.IPv4Network) and route.prefixlen for _, route in slots.machine_routes())


def test_a_recipe_changes_with_what_it_is_made_of(monkeypatch: pytest.MonkeyPatch) -> None:
    before = {name: images._recipe(name) for name in images.FILES}
    assert len(set(before.values())) == len(before)
    monkeypatch.setattr(base, "PACKAGES", (*base.PACKAGES, "more"))
    after = {name: images._recipe(name) for name in images.FILES}
    assert not set(before.values()) & set(after.values())


def test_every_recipe_is_there() -> None:
    wanted = {file for pair in images.FILES.values() for file in pair}
    assert {path.name for path in images.RECIPES.iterdir()} == wanted


def test_official() -> None:
    assert images.OFFICIAL.official
    assert not images.BUILT.official


def test_missing_programs() -> None:
    assert packages.missing(("sh", "no-such-program")) == ["no-such-program"]


def test_cache_can_be_shared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PGSTACK_ENGINE_CACHE", str(tmp_path))
    assert slots.Slot("docker", 0, -1).data == tmp_path / "docker-0"
