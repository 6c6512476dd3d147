"""What `texpipe models show` says of a model: its network, the borders of its results, and the notes in its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from texpipe.networks import checkpoint, foreign_facts
from texpipe.networks.catalogue import ModelFile
from texpipe.networks.foreign_facts import Borders
from texpipe.networks.open_model import measured, open_foreign

_ESRGAN: Final = Borders(1)
"""Class of every ESRGAN generator: texpipe's own engine wraps inside each of its convolutions."""


@dataclass(frozen=True)
class Description:
    """A model for people.

    Attributes:
        architecture: its network as a flat JSON object.
        borders: how right the borders of its results are, in words.
        notes: what its file says.
    """

    architecture: Mapping[str, str | int]
    borders: str
    notes: Mapping[str, str]


def description_of(file: ModelFile) -> Description:
    """Load a model and describe it; the borders of a foreign one are measured if they never were.

    Raises:
        ModelError: it cannot be loaded.
    """
    if not file.foreign:
        loaded = checkpoint.load(file.path)
        return Description(loaded.network.architecture.as_json(), str(_ESRGAN), loaded.metadata)
    network = open_foreign(file.path)
    facts = foreign_facts.kept(file.sha256) or measured(file, network)
    return Description(network.as_json(), str(facts.borders), checkpoint.read_weights(file.path).metadata)
