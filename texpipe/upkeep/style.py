"""A pack's own style: a model adapted to what its makers made of the game's textures, where that is better."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from texpipe.analysis.inventory import read_again
from texpipe.errors import GuardError, Interrupted, PackError, SourceError
from texpipe.imaging.image_files import encode_png
from texpipe.networks import catalogue
from texpipe.storage.atomic import write_atomic
from texpipe.storage.small_files import RefusedFileError, read_json
from texpipe.train.data.real_pairs import collect_pairs
from texpipe.train.evaluation.metrics import Metric
from texpipe.train.loop.checkpoints import checkpoints
from texpipe.train.loop.state import TrainingJob, TrainingProgress
from texpipe.train.loop.trainer import finetune
from texpipe.train.presets import load_preset, with_changes
from texpipe.upkeep.gaps import ByHand

PRESET = "pack-style"
"""The preset that packs are learned from by."""
NAME = "pack-style"
"""Name of the adapted model."""
LEAST_PAIRS = 16
"""Smallest number of pairs to learn from: fewer held-out ones prove nothing."""
_JUDGES: tuple[Metric, ...] = ("lpips_alex",)
"""What must be better: the metric whose network is not the one that the losses look through, as that of DISTS is."""
_VERDICT = "verdict.json"
_MAX_VERDICT = 1 << 20


@dataclass(frozen=True)
class Wish:
    """How to learn: `steps` and `minutes` limit it, whichever comes first; None for the preset's.

    `base` is the model to adapt.
    """

    base: str
    steps: int | None = None
    minutes: float | None = None
    device: str = "auto"
    preset: str = PRESET
    perceptual: bool = True


@dataclass(frozen=True)
class Style:
    """What became of learning a style.

    Attributes:
        model: the adapted model; None where the base fills the gaps.
        said: the verdict, in one line.
    """

    model: Path | None
    said: str


@dataclass(frozen=True)
class Watchers:
    """Who is told of a training: see `train.loop.trainer.finetune`."""

    progress: Callable[[TrainingProgress], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False
    phase: Callable[[str], None] = lambda _: None


def learn_style(by_hand: Sequence[ByHand], work: Path, wish: Wish, watchers: Watchers) -> Style:
    """Adapt a model to the hand-made pictures of a pack; what an earlier call made of the same pictures is used again.

    Args:
        by_hand: textures with their pictures.
        work: folder for pairs, checkpoints and the model. A training that was stopped there is continued.
        wish: how to learn.
        watchers: who is told of it.

    Raises:
        PackError: the folder cannot be written.
        ModelError, UsageError: the base cannot be trained.
        Interrupted: `watchers.stopped` said so.
    """
    if len(by_hand) < LEAST_PAIRS:
        return Style(None, f"{len(by_hand)} hand-made pictures are too few to learn from")
    folder = work / f"style-{_key(by_hand, wish)}"
    if (known := known_style(folder)) is not None:
        return known
    pairs = folder / "pairs" / "lr", folder / "pairs" / "hr"
    watchers.phase("writing pairs")
    _write_pairs(by_hand, *pairs)
    preset = with_changes(load_preset(wish.preset), base=wish.base)
    try:
        usable = len(collect_pairs(*pairs, preset.degradation.scale).pictures)
    except SourceError as error:
        return _kept(folder, Style(None, error.message))
    if usable < LEAST_PAIRS:
        said = f"{usable} of {len(by_hand)} hand-made pictures fit their textures; these are too few to learn from"
        return _kept(folder, Style(None, said))
    job = TrainingJob(
        textures=None,
        pairs=pairs,
        output=folder / "training",
        preset=preset,
        name=NAME,
        steps=wish.steps,
        minutes=wish.minutes,
        device=wish.device,
        perceptual=wish.perceptual,
        freeze_body=True,
        judges=_JUDGES,
    )
    return _kept(folder, _trained(job, watchers))


def _trained(job: TrainingJob, watchers: Watchers) -> Style:
    resumed = bool(checkpoints(job.output))
    if not resumed:  # what a kill before the first checkpoint left
        shutil.rmtree(job.output, ignore_errors=True)
    try:
        result = finetune(replace(job, resume=resumed), watchers.progress, watchers.stopped, watchers.phase)
    except GuardError as error:
        return Style(None, error.message)
    except Interrupted as stopped:
        raise Interrupted(stopped.message, hint="The same command continues it.") from stopped
    return Style(result.model, result.verdict)


def _key(by_hand: Sequence[ByHand], wish: Wish) -> str:
    """Name everything that an adapted model depends on."""
    depends = {
        "pairs": [(one.item.source.name, one.item.sha256, _digest(one)) for one in by_hand],
        "base": catalogue.resolve(wish.base).weights,
        "preset": load_preset(wish.preset).model_dump(mode="json"),
        "length": [wish.steps, wish.minutes],
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:16]


def _digest(one: ByHand) -> str:
    """Return the digest of a picture; "" of one that cannot be read, which is no pair either."""
    try:
        return one.entry.digest()
    except (PackError, SourceError):
        return ""


def _write_pairs(by_hand: Sequence[ByHand], small: Path, large: Path) -> None:
    """Write textures and pictures in the dump's names; those that cannot be read are left out."""
    for one in by_hand:
        path = PurePosixPath(one.item.source.name).with_suffix(".png")
        try:
            texture, picture = read_again(one.item).rgba, one.picture()
        except (PackError, SourceError):
            continue
        for folder, rgba in ((small, texture), (large, picture)):
            write_atomic(folder / path, encode_png(rgba), fsync=False)


def known_style(folder: Path) -> Style | None:
    """Return what an earlier call found out; None if that is not known, or the model is gone.

    Args:
        folder: of the style.
    """
    try:
        top = read_json(folder / _VERDICT, _MAX_VERDICT)
    except RefusedFileError:
        return None
    if not isinstance(top, dict) or not isinstance(top.get("said"), str):
        return None
    model = folder / "training" / f"{NAME}.safetensors" if top.get("accepted") else None
    return Style(model, str(top["said"])) if model is None or model.is_file() else None


def _kept(folder: Path, style: Style) -> Style:
    verdict = {"accepted": style.model is not None, "said": style.said}
    write_atomic(folder / _VERDICT, (json.dumps(verdict, indent=2) + "\n").encode())
    return style
