"""How figures are shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def spread(seconds: Sequence[float]) -> str:
    """Median with the fastest and the slowest."""
    return f"{statistics.median(seconds):.2f} s (min {min(seconds):.2f}, max {max(seconds):.2f}, n = {len(seconds)})"
