"""Examines the installed models: whether each file is the one that its card describes, and its licence and borders."""

from __future__ import annotations

from collections.abc import Iterator

from texpipe.doctor.finding import Finding
from texpipe.errors import TexpipeError
from texpipe.networks.catalogue import ModelFile, installed, resolve
from texpipe.networks.foreign_facts import kept


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
            found = f"{state}, licence {file.licence or 'unknown'}, {_borders(file)}"
            yield Finding("models", name, "good", found)


def _borders(file: ModelFile) -> str:
    """Return how right the borders of results are, as far as that was measured: those of own networks are exact."""
    if not file.foreign:
        return "borders exact"
    facts = kept(file.sha256)
    return str(facts.borders) if facts is not None else "borders not measured yet"
