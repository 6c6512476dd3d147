"""What a model is, whatever its architecture: measured once and kept, so that torch is loaded only the first time."""

from __future__ import annotations

from dataclasses import replace

from texpipe.networks import foreign_facts
from texpipe.networks.catalogue import ModelFile


def identified(file: ModelFile) -> ModelFile:
    """Return a model with what is known of its network, if it is of another architecture than ESRGAN's.

    Raises:
        ModelError: it cannot be loaded, or no package that knows it is installed.
    """
    if not file.foreign:
        return file
    facts = foreign_facts.kept(file.sha256)
    if facts is None:
        from texpipe.networks.open_model import measured, open_foreign

        facts = measured(file, open_foreign(file.path))
    return replace(file, facts=facts)
