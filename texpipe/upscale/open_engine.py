"""From model files to the engine that runs them, whatever their architecture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from texpipe.networks import catalogue, foreign_facts
from texpipe.networks.dial import load
from texpipe.networks.open_model import measured, open_foreign
from texpipe.upscale.chain import Chain, PictureEngine
from texpipe.upscale.engine import Engine
from texpipe.upscale.foreign_engine import ForeignEngine


def open_engine(models: Sequence[Path], device: str, precision: str) -> PictureEngine:
    """Load one model, or several that are run one after the other.

    Args:
        models: at least one file.
        device, precision: as `device.choose` takes them.

    Raises:
        ModelError: see `dial.load` and `open_model.open_foreign`.
        DeviceError: see `device.choose`.
    """
    engines = tuple(_open_one(path, device, precision) for path in models)
    return engines[0] if len(engines) == 1 else Chain(engines)


def _open_one(path: Path, device: str, precision: str) -> PictureEngine:
    if not catalogue.is_foreign(path):
        return Engine(load(path), device, precision)
    file = catalogue.describe(path)
    network = open_foreign(path)
    facts = foreign_facts.kept(file.sha256) or measured(file, network)
    return ForeignEngine(network, facts.borders, device, precision)
