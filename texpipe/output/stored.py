"""The PNG of a result, out of the store when it is needed."""

from __future__ import annotations

from dataclasses import dataclass

from texpipe.errors import PackError
from texpipe.storage.results import ResultStore


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """Reads a PNG that the store keeps by `key`."""

    store: ResultStore
    key: str

    def __call__(self) -> bytes:
        """Return its bytes; raises PackError if it is gone."""
        stored = self.store.get(self.key)
        if stored is None:
            raise PackError("a result vanished from the store while the pack was written", hint="Run again.")
        return stored.png
