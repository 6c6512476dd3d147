"""Before the first step: everything is loaded, the base is measured, and a training that stopped is picked up."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from texpipe.errors import Location, ModelError, UsageError
from texpipe.train import generators, losses
from texpipe.train.checkpoints import checkpoints, leftovers, load_state
from texpipe.train.collection import Collection, collect
from texpipe.train.dataset import TextureCrops
from texpipe.train.distributed import World
from texpipe.train.features import Trunk, TrunkName
from texpipe.train.generators import Base
from texpipe.train.log import Log
from texpipe.train.metrics import Judge
from texpipe.train.presets import differences, load_preset
from texpipe.train.schema import Preset
from texpipe.train.shared_look import SharedDists, SharedLook, SharedLpips
from texpipe.train.shorten import shortened
from texpipe.train.state import Job, State, Tools, channels_last, new_state
from texpipe.train.steps import freeze_body
from texpipe.train.validation import held_out, upscaler_of, validate
from texpipe.train.weights import from_file, weights
from texpipe.upscale.device import choose

_LOOKED_AT = 16
"""Crops that tell which blocks a network can spare."""


def prepare(job: Job, here: World) -> tuple[State, Tools]:
    """Load everything, measure the base, and go back to the newest checkpoint if asked to.

    Raises:
        SourceError: no usable texture.
        UsageError: the base, the output folder or the checkpoint does not fit the job.
        ModelError: a model, weights or the checkpoint cannot be had.
    """
    preset = job.preset
    device = choose(job.device)
    place = torch.device(device.name, here.local_rank) if device.name == "cuda" else torch.device("cpu")
    newest = checkpoint_to_resume(job)
    base, network = start(preset, place)
    collection = collect(job.textures)
    training, held = collection.split(preset.data.held_out)
    crops = TextureCrops(collection, training, preset.data, preset.degradation, job.seed)
    if preset.keep_blocks is not None:
        network = channels_last(shortened(network, preset.keep_blocks, looked_at(crops, place)), place)
    if job.freeze_body:
        freeze_body(network)
    pairs = held_out(collection, held, preset.degradation, job.seed, 4 * job.validate_on)
    judge = Judge(place, perceptual=job.perceptual)
    before = None
    if base and here.first:
        before = validate(upscaler_of(base.network.to(place), preset.colour), pairs, judge)
    look = shared_look(preset, place)
    state = new_state(network, preset, place, look)
    here.wait()  # nobody writes before all have looked at the output folder
    if newest:
        go_on(newest, job, state)
    tools = Tools(
        job,
        here,
        device,
        crops,
        comparisons(preset, place, look),
        pairs,
        judge,
        base,
        before,
        collection.sources,
        Log(job.output, enabled=here.first),
        look,
        unseen=set(training).isdisjoint(held),
    )
    log_start(tools, collection, len(held))
    return state, tools


def looked_at(crops: TextureCrops, place: torch.device) -> Tensor:
    """Return the crops that tell which blocks a network can spare, N x 3 x H x W."""
    return torch.stack([crops[i][0] for i in range(_LOOKED_AT)]).to(place)


def checkpoint_to_resume(job: Job) -> Path | None:
    """Return the newest checkpoint to go on from; None for a new training, whose output folder holds none yet.

    Raises:
        UsageError: the output folder holds a training that the job does not go on with, or the model's name is none.
        ModelError: there is none to go on with.
    """
    if Path(job.name).name != job.name:
        raise UsageError(f"{job.name!r} is no name of a file", hint="Give a --name without slashes.")
    if not job.resume:
        if there := leftovers(job.output, job.name):
            raise UsageError(
                f"{job.output} holds a training already: {there[0].name}",
                hint="Add --resume to go on with it, or choose another --output.",
            )
        return None
    kept = checkpoints(job.output)
    if not kept:
        raise ModelError(
            f"no checkpoint in {job.output}", hint="Leave out --resume, or name the training's --output."
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


def log_start(tools: Tools, collection: Collection, held_out: int) -> None:
    """Log what the training starts from: textures, those left out and why, and the base's figures."""
    say = tools.log.say
    say("collection", usable=len(collection.pictures), held_out=held_out, skipped=len(collection.skipped))
    for skipped in collection.skipped:
        say("skipped", file=skipped.name, reason=skipped.reason)
    if tools.before:
        say("base", scores=tools.before.scores)
    if tools.caveat:
        say("caveat", text=tools.caveat)


def shared_look(preset: Preset, place: torch.device) -> SharedLook | None:
    """Load the VGG16 that several losses and the discriminator share, if any of them needs it.

    Raises:
        ModelError: its weights cannot be had.
    """
    if not preset.shared_pass_used:
        return None
    trunk = Trunk("vgg16", needed_weights("vgg16"))
    channels_last(trunk, place)
    return SharedLook(trunk)


def comparisons(preset: Preset, place: torch.device, look: SharedLook | None) -> dict[str, losses.Features]:
    """Load the trunks that the preset's losses look through.

    Raises:
        ModelError: weights cannot be had.
    """
    found: dict[str, losses.Features] = {}
    if any(stage.losses.lpips for stage in preset.stages):
        if preset.pooling == "l2" and look is not None:
            found["lpips"] = SharedLpips(look)
        else:
            found["lpips"] = losses.lpips_loss(Trunk("vgg16", needed_weights("vgg16")).to(place))
    if look is not None and any(stage.losses.dists for stage in preset.stages):
        of_dists = needed_weights("dists")
        found["dists"] = SharedDists(look, of_dists["alpha"].to(place), of_dists["beta"].to(place))
    if preset.perceptual_used:
        options = preset.perceptual
        tensors = (
            from_file(options.weights, options.trunk) if options.weights else needed_weights(options.trunk)
        )
        found["perceptual"] = losses.perceptual(Trunk(options.trunk, tensors).to(place), options)
    return found


def needed_weights(name: TrunkName | Literal["dists"]) -> dict[str, Tensor]:
    """Return the weights of a trunk, or DISTS's own, that a loss cannot do without.

    Raises:
        ModelError: they are not in the cache and cannot be fetched.
    """
    found = weights(name) if name != "vgg19" else None
    if found is None:
        raise ModelError(
            f"the weights of {name} cannot be had here",
            hint="`texpipe -v finetune ...` says why. Or set the losses lpips, dists and perceptual to 0 in "
            "the preset, and choose another discriminator than projected.",
        )
    return found


def go_on(folder: Path, job: Job, state: State) -> None:
    """Load a checkpoint into the state of the same training.

    Raises:
        UsageError: the checkpoint is of a training with other settings, which are named.
        ModelError: damaged.
    """
    kept = load_state(folder)
    now = {"seed": job.seed, "freeze_body": job.freeze_body}
    found = [f"{k}: {kept['job'][k]} then, {v} now" for k, v in now.items() if kept.get("job", now)[k] != v]
    found += differences(load_preset(folder / "preset.yaml"), job.preset)
    if found:
        raise UsageError(
            f"{folder} is of a training with other settings: {'; '.join(found)}",
            hint="Give the same options as then, or choose another --output.",
        )
    try:
        state.load_state_dict(kept)
    except (KeyError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"the checkpoint does not fit its preset: {error}", location=Location(folder)
        ) from error
