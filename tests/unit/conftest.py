"""A slow machine is no reason for a property to fail: hypothesis looks at what is computed, not at how long it takes."""

from __future__ import annotations

import hypothesis

hypothesis.settings.register_profile("unit", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("unit")
