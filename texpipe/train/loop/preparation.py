"""Preparation of a training: load everything, measure the base, and resume from a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from texpipe.errors import Location, ModelError, UsageError
from texpipe.train import generators
from texpipe.train.data.crops import Crops
from texpipe.train.data.dataset import TexturePair
from texpipe.train.evaluation.metrics import Judge, Scores
from texpipe.train.evaluation.validation import upscaler_of, validate
from texpipe.train.generators import Base
from texpipe.train.loop.checkpoints import checkpoints, leftovers, load_state
from texpipe.train.loop.distributed import ProcessGroup
from texpipe.train.loop.log import Log
from texpipe.train.loop.material import Material, log_material, material_of, warn_of
from texpipe.train.loop.state import State, Tools, TrainingJob, channels_last, new_state
from texpipe.train.loop.steps import freeze_body
from texpipe.train.loop.teaching import taught_crops
from texpipe.train.losses import terms
from texpipe.train.losses.features import Trunk, TrunkName
from texpipe.train.losses.shared_look import SharedDists, SharedLook, SharedLpips
from texpipe.train.losses.weights import fetching, from_file, weights
from texpipe.train.presets import differences, load_preset
from texpipe.train.prune_blocks import shortened
from texpipe.train.schema import Preset
from texpipe.upscale.device import choose, torch_device

_SHORTENING_CROPS = 16
"""Number of crops on which the change by removing a block is measured."""


def prepare(
    job: TrainingJob, here: ProcessGroup, phase: Callable[[str], None] = lambda _: None
) -> tuple[State, Tools]:
    """Load everything, measure the base, and resume from the newest checkpoint if the job says so.

    Args:
        job: the settings.
        here: this process among those that train.
        phase: called with the name of each part of the work when it begins.

    Raises:
        SourceError: no usable texture.
        UsageError: the base, the output folder or the checkpoint does not fit the job.
        ModelError: a model, weights or the checkpoint cannot be loaded.
    """
    preset = job.preset
    device = choose(torch_device(job.device))
    place = torch.device(device.name, here.local_rank) if device.name == "cuda" else torch.device(device.name)
    newest = _checkpoint_to_resume(job)
    base, network = start(preset, place)
    phase("collecting textures")
    material = material_of(job)
    if material.pairs is not None and job.pairs is not None and here.first:
        warn_of(material.pairs, job.pairs)
    phase("preparing")
    crops, pairs = material.crops, material.held
    if preset.keep_blocks is not None:
        network = channels_last(shortened(network, preset.keep_blocks, shortening_crops(crops, place)), place)
    if job.freeze_body:
        freeze_body(network)
    taught = taught_crops(job, crops, place)
    if job.perceptual and (words := fetching()):
        phase(words)
    judge = Judge(place, perceptual=job.perceptual)
    before = None
    if base and here.first:
        phase("judging the base")
        before = validate(upscaler_of(base.network.to(place), preset.colour), pairs, judge)
    look = shared_look(preset, place)
    state = new_state(network, preset, place, look)
    here.wait()  # the first process must not write before all have checked the output folder
    if newest:
        _resume(newest, job, state)
    tools = Tools(
        job,
        here,
        device,
        taught or crops,
        comparisons(preset, place, look),
        pairs,
        judge,
        base,
        before,
        material.sources,
        Log(job.output, enabled=here.first),
        look,
        unseen=material.unseen,
        originals=_of_originals(pairs) if material.pairs else (),
    )
    _log_start(tools, material)
    return state, tools


def _of_originals(pairs: Sequence[TexturePair]) -> tuple[Scores, ...]:
    """Measure what somebody made against the textures that it was made of; no perceptual metric tells of that."""
    judge = Judge(perceptual=False)
    return tuple(judge.measure(pair.hr, pair) for pair in pairs)


def shortening_crops(crops: Crops, place: torch.device) -> Tensor:
    """Return the crops on which the change by removing a block is measured, N x 3 x H x W."""
    return torch.stack([crops[i][0] for i in range(_SHORTENING_CROPS)]).to(place)


def _checkpoint_to_resume(job: TrainingJob) -> Path | None:
    """Return the newest checkpoint to resume from; None for a new training.

    Raises:
        UsageError: the output folder holds another training, or the model's name is not a file name.
        ModelError: there is no checkpoint to resume from.
    """
    if Path(job.name).name != job.name:
        raise UsageError(f"{job.name!r} is not a file name", hint="Give a --name without slashes.")
    if not job.resume:
        if existing := leftovers(job.output, job.name):
            raise UsageError(
                f"{job.output} already holds a training, or files of its names: {existing[0].name}",
                hint="Add --resume to continue it, or choose another --output.",
            )
        return None
    kept = checkpoints(job.output)
    if not kept:
        raise ModelError(
            f"no checkpoint in {job.output}", hint="Leave out --resume, or give the training's --output."
        )
    return kept[-1]


def start(preset: Preset, place: torch.device) -> tuple[Base | None, nn.Module]:
    """Return the base, if the preset has one, and the network to train: a copy of the base's, or a new one.

    Raises:
        UsageError: the base has another scale than the preset.
        ModelError: the base cannot be loaded or trained.
    """
    base = generators.load(preset.base) if preset.base else None
    network = copy.deepcopy(base.network) if base else generators.new(preset.generator)
    if generators.scale_of(network) != preset.degradation.scale:
        raise UsageError(
            f"the base has scale {generators.scale_of(network)}, the preset {preset.degradation.scale}",
            hint="Choose a base of the preset's scale.",
        )
    return base, channels_last(network, place)


def _log_start(tools: Tools, material: Material) -> None:
    """Log the start of the training: what it learns from, and the base's scores."""
    log = tools.log.log_event
    log_material(tools.log, material)
    if tools.before:
        log("base", scores=tools.before.scores)
    if tools.caveat:
        log("caveat", text=tools.caveat)


def shared_look(preset: Preset, place: torch.device) -> SharedLook | None:
    """Return the VGG16 that losses and the discriminator share, or None if nothing needs it.

    Raises:
        ModelError: its weights are not available.
    """
    if not preset.shared_pass_used:
        return None
    trunk = Trunk("vgg16", needed_weights("vgg16"))
    channels_last(trunk, place)
    return SharedLook(trunk)


def comparisons(preset: Preset, place: torch.device, look: SharedLook | None) -> dict[str, terms.Features]:
    """Return the feature losses of a preset by name, with their trunks loaded.

    Raises:
        ModelError: weights are not available.
    """
    found: dict[str, terms.Features] = {}
    if any(stage.losses.lpips for stage in preset.stages):
        if preset.pooling == "l2" and look is not None:
            found["lpips"] = SharedLpips(look)
        else:
            found["lpips"] = terms.lpips_loss(Trunk("vgg16", needed_weights("vgg16")).to(place))
    if look is not None and any(stage.losses.dists for stage in preset.stages):
        of_dists = needed_weights("dists")
        found["dists"] = SharedDists(look, of_dists["alpha"].to(place), of_dists["beta"].to(place))
    if preset.perceptual_used:
        options = preset.perceptual
        tensors = (
            from_file(options.weights, options.trunk) if options.weights else needed_weights(options.trunk)
        )
        found["perceptual"] = terms.perceptual(Trunk(options.trunk, tensors).to(place), options)
    return found


def needed_weights(name: TrunkName | Literal["dists"]) -> dict[str, Tensor]:
    """Return the weights of a trunk, or those of DISTS, that a loss needs.

    Raises:
        ModelError: they are not in the cache and cannot be fetched.
    """
    found = weights(name) if name != "vgg19" else None
    if found is None:
        raise ModelError(
            f"the weights of {name} are not available",
            hint="`texpipe -v finetune ...` shows why. Or set the losses lpips, dists and perceptual to 0 in the "
            "preset, with another discriminator than projected.",
        )
    return found


def _resume(folder: Path, job: TrainingJob, state: State) -> None:
    """Load a checkpoint into the state of the same training.

    Raises:
        UsageError: the checkpoint is from a training with other settings, which the message lists.
        ModelError: the checkpoint is damaged.
    """
    saved = load_state(folder)
    now = {"seed": job.seed, "freeze_body": job.freeze_body}
    before = saved.get("job", now)
    changes = [
        f"{key}: {before[key]} before, {value} now" for key, value in now.items() if before[key] != value
    ]
    changes += differences(load_preset(folder / "preset.yaml"), job.preset)
    if changes:
        raise UsageError(
            f"{folder} is from a training with other settings: {'; '.join(changes)}",
            hint="Give the same options as before, or choose another --output.",
        )
    try:
        state.load_state_dict(saved)
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the checkpoint does not fit its preset: {error}", location=Location(folder)
        ) from error
