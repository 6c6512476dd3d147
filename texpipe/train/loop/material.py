"""What a training learns from and is judged by: degraded textures, real pairs, or both."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from texpipe.errors import UsageError
from texpipe.train.data.collection import Collection, collect
from texpipe.train.data.crops import Crops
from texpipe.train.data.dataset import TextureCrops, TexturePair
from texpipe.train.data.real_pairs import MixedCrops, PairCrops, RealPairs, collect_pairs, held_out_pairs
from texpipe.train.evaluation.validation import held_out
from texpipe.train.loop.log import Log
from texpipe.train.loop.state import TrainingJob

log = logging.getLogger(__name__)

_NAMED = 20
"""Number of pairs that are named on the screen when they are left out; the log names all."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a training learns from and is judged by.

    Attributes:
        crops: what it learns from.
        held: what it is judged by.
        held_count: number of pictures that were held out, of which `held` are as many as are judged.
        unseen: no picture of `held` is learned from.
        textures: degraded ones; None without them.
        pairs: real ones; None without them.
    """

    crops: Crops
    held: tuple[TexturePair, ...]
    held_count: int
    unseen: bool
    textures: Collection | None
    pairs: RealPairs | None

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the pictures come from, for the model card."""
        return tuple(source for one in (self.textures, self.pairs) if one for source in one.sources)


def material_of(job: TrainingJob) -> Material:
    """Collect what a job names; where there are real pairs, they judge.

    Raises:
        SourceError: no usable texture, or no usable pair.
        UsageError: the job names neither.
    """
    textures = None if job.textures is None else collect(job.textures)
    pairs = None if job.pairs is None else collect_pairs(*job.pairs, job.preset.degradation.scale)
    if pairs is None:
        if textures is None:
            raise UsageError("there is nothing to train on", hint="Give --textures, --pairs, or both.")
        return _of_textures(job, textures)
    return _of_pairs(job, textures, pairs)


def _of_textures(job: TrainingJob, textures: Collection) -> Material:
    preset = job.preset
    training, held = textures.split(preset.data.held_out)
    crops = TextureCrops(textures, training, preset.data, preset.degradation, job.seed)
    judged = held_out(textures, held, preset.degradation, job.seed, 4 * job.validate_on)
    return Material(crops, judged, len(held), set(training).isdisjoint(held), textures, None)


def _of_pairs(job: TrainingJob, textures: Collection | None, pairs: RealPairs) -> Material:
    preset = job.preset
    training, held = pairs.split(preset.data.held_out)
    real = PairCrops(pairs, training, preset.data, preset.degradation.scale, job.seed)
    crops: Crops = real
    if textures is not None:
        degraded = TextureCrops(textures, textures.pictures, preset.data, preset.degradation, job.seed)
        crops = MixedCrops(degraded, real, preset.data.pairs_share)
    judged = held_out_pairs(pairs, held, 4 * job.validate_on)
    return Material(crops, judged, len(held), set(training).isdisjoint(held), textures, pairs)


def warn_of(pairs: RealPairs, folders: tuple[Path, Path]) -> None:
    """Say which pairs are not used, and why."""
    for folder, count in zip(folders, pairs.alone, strict=True):
        if count:
            log.warning("%d files in %s have no partner", count, folder)
    for one in pairs.skipped[:_NAMED]:
        log.warning("left out %s: %s", one.name, one.reason)
    if (more := len(pairs.skipped) - _NAMED) > 0:
        log.warning("%d more pairs were left out; log.jsonl names them", more)


def log_material(to: Log, material: Material) -> None:
    """Log how much there is to learn from, what was left out and why, and what was moved."""
    event = to.log_event
    textures, pairs = material.textures, material.pairs
    if textures is not None:
        held = 0 if pairs is not None else material.held_count
        event("collection", usable=len(textures.pictures), held_out=held, skipped=len(textures.skipped))
    if pairs is not None:
        event(
            "pairs",
            usable=len(pairs.pictures),
            held_out=material.held_count,
            skipped=len(pairs.skipped),
            without_partner=list(pairs.alone),
        )
        for name, shift in pairs.shifted.items():
            event("shifted", file=name, right=shift.right, down=shift.down)
    for one in (textures, pairs):
        for skipped in one.skipped if one is not None else ():
            event("skipped", file=skipped.name, reason=skipped.reason)
