"""A run's plan: all that is known before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from texpipe.analysis.inventory import Survey
from texpipe.networks.catalogue import ModelFile
from texpipe.options import Order
from texpipe.planning.jobs import Work
from texpipe.storage.results import Store


@dataclass(frozen=True)
class Run:
    """All that is known of a run before anything is computed.

    Attributes:
        order: what was asked for.
        model: the weights.
        engine: name of how results are computed.
        seen: every texture.
        left_out: texture name -> why no target can hold it.
        work: the jobs of the others.
    """

    order: Order
    model: ModelFile
    engine: str
    seen: Survey
    left_out: Mapping[str, str]
    work: Work

    @cached_property
    def store(self) -> Store:
        """Where results are kept."""
        return Store(self.order.output / ".store")
