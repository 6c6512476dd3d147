"""The textures of several dumps of one game."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from texpipe.read.scan import scan
from texpipe.texture import Source


def sources_of(dumps: Sequence[Path]) -> tuple[dict[str, Source], dict[str, str]]:
    """Return the textures by name, in order, those that several dumps have once, and why others cannot be used.

    Raises:
        SourceError: a dump is missing or cannot be listed.
    """
    sources: dict[str, Source] = {}
    unreadable: dict[str, str] = {}
    for dump in dumps:
        found = scan(dump)
        for source in found.sources:
            sources.setdefault(source.name, source)
        unreadable |= {source.name: reason for source, reason in found.unusable}
    return dict(sorted(sources.items())), unreadable
