"""Regular expressions that are compiled when they are first used."""

from __future__ import annotations

import re
from functools import cached_property


class Pattern:
    """One regular expression. Most runs read one format, and need not wait for the expressions of all."""

    def __init__(self, text: str, flags: int = 0) -> None:
        self._text = text
        self._flags = flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._text, self._flags)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """See `re.Pattern.fullmatch`."""
        return self._compiled.fullmatch(text)

    def search(self, text: str) -> re.Match[str] | None:
        """See `re.Pattern.search`."""
        return self._compiled.search(text)

    def finditer(self, text: str) -> list[re.Match[str]]:
        """See `re.Pattern.finditer`."""
        return list(self._compiled.finditer(text))
