"""Opens a model of another architecture, with the certificate of its borders."""

from __future__ import annotations

import logging
from pathlib import Path

from texpipe.errors import Location, ModelError
from texpipe.networks import bridge, certificate, checkpoint, foreign_facts, spandrel_package
from texpipe.networks.bridge import ForeignNetwork
from texpipe.networks.catalogue import ModelFile
from texpipe.networks.foreign_facts import ForeignFacts

log = logging.getLogger(__name__)


def open_foreign(path: Path, *, trust: bool = False) -> ForeignNetwork:
    """Load a network of another architecture; arguments and errors as `checkpoint.load` and `bridge.build`."""
    weights = checkpoint.read_weights(path, trust=trust)
    if not spandrel_package.installed():
        raise ModelError(
            "not an ESRGAN generator (RRDBNet); other architectures need the package spandrel",
            hint=spandrel_package.INSTALL,
            location=Location(path),
        )
    try:
        return bridge.build(weights.state)
    except ModelError as error:
        raise ModelError(error.message, hint=error.hint, location=Location(path)) from error


def measured(file: ModelFile, network: ForeignNetwork) -> ForeignFacts:
    """Return the facts of a network that is loaded, and keep them for the next run."""
    log.info("testing the borders of %s: once for each model file", file.name)
    borders = certificate.certify(network)
    weights = sum(value.numel() for value in network.network.parameters())
    facts = ForeignFacts(network.architecture, network.scale, weights, borders)
    foreign_facts.keep(file.sha256, facts)
    return facts
