"""The migration tools of others, as their users run them: for the tests of interoperation, and to be measured against.

`python -m tools.peers install` gets them, pinned, from the package registries.
"""

from __future__ import annotations

from tools.peers.base import Peer, PeerError
from tools.peers.programs import PEERS

__all__ = ["PEERS", "Peer", "PeerError"]
