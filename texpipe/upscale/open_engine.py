"""From model files to the engine that runs them, whatever their architecture and the library that computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from texpipe.networks import catalogue, foreign_facts
from texpipe.networks.dial import load
from texpipe.networks.open_model import measured, open_foreign
from texpipe.upscale.backend import backend_of
from texpipe.upscale.chain import Chain, PictureEngine
from texpipe.upscale.device import Device, choose


def open_engine(models: Sequence[Path], device: str, precision: str) -> PictureEngine:
    """Load one model, or several that are run one after the other.

    Args:
        models: at least one file.
        device, precision: as `device.choose` takes them.

    Raises:
        ModelError: see `dial.load` and `open_model.open_foreign`.
        DeviceError: see `device.choose` and `backend.Backend`.
    """
    chosen = choose(device, precision)
    engines = tuple(_open_one(path, chosen) for path in models)
    return engines[0] if len(engines) == 1 else Chain(engines)


def _open_one(path: Path, device: Device) -> PictureEngine:
    backend = backend_of(device.name)
    if not catalogue.is_foreign(path):
        return backend.open(load(path), device)
    file = catalogue.describe(path)
    network = open_foreign(path)
    facts = foreign_facts.kept(file.sha256) or measured(file, network)
    return backend.open_foreign(network, facts.borders, device)
