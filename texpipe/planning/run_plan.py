"""A run's plan: all that is known before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from texpipe.analysis.inventory import Inventory
from texpipe.networks.catalogue import ModelFile
from texpipe.options import RunOptions
from texpipe.planning.jobs import Workload
from texpipe.planning.run_models import RunModels
from texpipe.planning.sample import Sample
from texpipe.storage.layout import OutputLayout
from texpipe.storage.results import ResultStore


@dataclass(frozen=True)
class RunPlan:
    """All that is known of a run before anything is computed.

    Attributes:
        order: what the run is asked to do.
        models: those of the recipe and of its rules.
        engine: name of how results are computed.
        seen: every texture of the input.
        left_out: texture name -> why no target can hold it.
        work: the jobs of the others.
        sample: what of the dump is made, if not all of it.
        begun_by: name of how the first of them were computed, if the device was lost then.
        begun_keys: keys of the results that were computed so.
    """

    order: RunOptions
    models: RunModels
    engine: str
    seen: Inventory
    left_out: Mapping[str, str]
    work: Workload
    sample: Sample | None = None
    begun_by: str | None = None
    begun_keys: frozenset[str] = frozenset()

    @property
    def model(self) -> ModelFile:
        """The model that the run is called by."""
        return self.models.main

    @property
    def layout(self) -> OutputLayout:
        """Where everything lies in the output folder."""
        return OutputLayout(self.order.output)

    @cached_property
    def store(self) -> ResultStore:
        """The store of results."""
        return ResultStore(self.layout.store)
