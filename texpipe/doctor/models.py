"""Examines the installed models: whether each file is the one that its card describes, and its licence."""

from __future__ import annotations

from collections.abc import Iterator

from texpipe.doctor.finding import Finding
from texpipe.errors import TexpipeError
from texpipe.networks.catalogue import installed, resolve


def models() -> Iterator[Finding]:
    """Examine each model that has a name."""
    names = list(installed())
    if not names:
        yield Finding("models", "models", "problem", "none is installed", "Install texpipe again.")
    for name in names:
        try:
            file = resolve(name)
        except TexpipeError as error:
            yield Finding("models", name, "problem", error.message, error.hint)
        else:
            state = "as its card describes" if file.card.get("sha256") else "has no card"
            yield Finding("models", name, "good", f"{state}, licence {file.licence or 'unknown'}")
