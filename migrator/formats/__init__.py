"""The file formats of other migration tools: how each names its files, and which history table it keeps."""

from __future__ import annotations

from migrator.formats import dbmate, flyway, golang_migrate, goose, soda, sqlx
from migrator.formats.base import Format

FORMATS: dict[str, Format] = {
    format_.name: format_ for format_ in (dbmate.DBMATE, flyway.FLYWAY, golang_migrate.GOLANG_MIGRATE, goose.GOOSE, soda.SODA, sqlx.SQLX)
}

NAMES = frozenset(FORMATS)
"""What `format:` in the settings may be."""
