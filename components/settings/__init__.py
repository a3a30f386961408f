"""Every configuration key: its type, its default and its limits.

This package is the one place. `Pulumi.yaml`'s `config:` block and `docs/reference/settings.md` are generated from its models
(`make generate`), and a test fails where they differ. Units and side effects of a key stand in its description.
"""

from __future__ import annotations

from components.settings.databases import DatabaseSettings, RoleNames
from components.settings.docker import AdminerSettings, DockerSettings, HealthSettings, RedisSettings
from components.settings.external import ExternalSettings
from components.settings.login import LoginSettings
from components.settings.parameters import KEPT_PARAMETERS, ServerParameters
from components.settings.parse import SettingsError, parse
from components.settings.stack import Settings

__all__ = [
    "KEPT_PARAMETERS",
    "AdminerSettings",
    "DatabaseSettings",
    "DockerSettings",
    "ExternalSettings",
    "HealthSettings",
    "LoginSettings",
    "RedisSettings",
    "RoleNames",
    "ServerParameters",
    "Settings",
    "SettingsError",
    "parse",
]
