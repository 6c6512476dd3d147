"""The teacher of a training: loaded, and put between the crops and the network that learns."""

from __future__ import annotations

import hashlib
import json

import torch

from texpipe.errors import UsageError
from texpipe.networks import catalogue, dial
from texpipe.networks.catalogue import ModelFile
from texpipe.texture import Edges
from texpipe.train.data.collection import Collection, collect
from texpipe.train.data.crops import Crops
from texpipe.train.data.taught import TaughtCrops
from texpipe.train.loop.state import TrainingJob
from texpipe.upscale.engine import Engine


def taught_crops(job: TrainingJob, crops: Crops, place: torch.device) -> TaughtCrops | None:
    """Return the crops with a teacher's pictures in the place of originals; None for a preset without a teacher.

    The pool is kept in OUTPUT/teacher, in a folder for these settings, so that a resumed training finds it.

    Raises:
        SourceError: no usable texture in `job.unlabelled`.
        UsageError: the teacher has another scale than the preset.
        ModelError: the teacher cannot be loaded.
    """
    options = job.preset.teacher
    if options.model is None:
        return None
    file = catalogue.resolve(options.model)
    engine = Engine(dial.load(file.path), place.type)
    if engine.scale != job.preset.degradation.scale:
        raise UsageError(
            f"the teacher has scale {engine.scale}, the preset {job.preset.degradation.scale}",
            hint="Choose a teacher of the preset's scale.",
        )
    engine = engine.at(file.detail if options.detail is None else options.detail)
    unlabelled = None if job.unlabelled is None else collect(job.unlabelled)
    folder = job.output / "teacher" / _key(job, crops, file, unlabelled)
    return TaughtCrops(crops, unlabelled, lambda batch: engine.run(batch, Edges()), options, folder)


def _key(job: TrainingJob, crops: Crops, teacher: ModelFile, unlabelled: Collection | None) -> str:
    """Name everything that the pool depends on."""
    preset = job.preset
    depends = {
        "teacher": teacher.weights,
        "options": preset.teacher.model_dump(mode="json", exclude={"model"}),
        "data": preset.data.model_dump(mode="json"),
        "degradation": preset.degradation.model_dump(mode="json"),
        "textures": [picture.name for picture in crops.pictures],
        "unlabelled": [picture.name for picture in unlabelled.pictures] if unlabelled else None,
        "seed": job.seed,
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:16]
