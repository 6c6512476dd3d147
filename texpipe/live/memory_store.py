"""Results that are needed for a moment only, in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from texpipe.storage.results import ResultRecord, ResultStore, StoredResult


class MemoryStore(ResultStore):
    """A store that writes nothing: what it holds is gone with it."""

    keeps_facts = False

    def __init__(self) -> None:
        super().__init__(Path())
        self._results: dict[str, StoredResult] = {}

    def get(self, key: str) -> StoredResult | None:
        """Return the result or None."""
        return self._results.get(key)

    def has(self, key: str) -> bool:
        """Return whether there is a result of this key."""
        return key in self._results

    def record(self, key: str) -> ResultRecord | None:
        """Return what is known of a result; None if there is none."""
        found = self._results.get(key)
        return None if found is None else ResultRecord(found.sha256, found.facts)

    def put(self, key: str, png: bytes, facts: Mapping[str, Any]) -> StoredResult:
        """Keep a result."""
        stored = StoredResult(png, hashlib.sha256(png).hexdigest(), dict(facts))
        self._results[key] = stored
        return stored
