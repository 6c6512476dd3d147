"""How long a run takes on this machine and how much disk it fills, before it begins.

The speed is that of the last longer run with the same models on the same device, else that of a short probe. Both are
kept in the user's cache folder.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np

from texpipe.errors import DeviceError, ModelError, PackError
from texpipe.imaging.image_files import encode_png
from texpipe.passes import recombine
from texpipe.passes.metrics import measure
from texpipe.planning.amount import Forecast, network_texels
from texpipe.planning.jobs import Job, JobResult, is_recorded, texels_of
from texpipe.planning.run_plan import RunPlan
from texpipe.storage.atomic import write_atomic
from texpipe.storage.home import cache_folder
from texpipe.storage.small_files import RefusedFileError, read_json
from texpipe.system.cpu import available_cores
from texpipe.texture import Decisions, Edges, Pass, Plan
from texpipe.upscale.device import Device, choose, gpus
from texpipe.upscale.hardware import require_torch

_SIDES: Final = (16, 32, 64, 128)
"""Sides in texels that are probed: the nearest to where most of a run's work is."""
_PROBE_TEXELS: Final = 4096
"""Texels of a round of a probe: a full batch on a processor."""
_PROBE_SECONDS: Final = 1.0
"""Time that a probe takes at least, without loading the model."""
_LEAST_TEXELS: Final = 50_000
"""Least texels of a run that a probe pays off for: fewer take less than a minute on a slow processor."""
_MEASURED_TEXELS: Final = 20_000
"""Least texels of a run of which finishing is measured before it begins: it takes a tenth of a second."""
_LEARNED_SECONDS: Final = 5.0
"""Least time of a run from which a speed is learned."""
_LEARNED_TEXELS: Final = 20_000
"""Least texels of a run from which a speed is learned."""
_PNG_BYTES: Final = 1.4
"""Bytes that a pixel of a result takes as a PNG: 1.39 in a pack of 145 mixed N64 textures by texpipe-x4-preview."""
_PLAIN_BYTES: Final = 4
"""Bytes that a pixel takes in a pack that is not compressed."""
_MAX_NOTE: Final = 1 << 12
"""Largest size of a file that notes a speed, in bytes."""


def forecast(run: RunPlan, *, probe: bool = True) -> Forecast | None:
    """Return what a run will need; None where no speed is known and none is measured.

    Args:
        run: the plan.
        probe: measure a speed that is not known, if the run is long enough; it loads the model.
    """
    left = [job for job in run.work.jobs if not is_recorded(job, run.store)]
    texels: Counter[tuple[str, ...]] = Counter()
    sides: dict[tuple[str, ...], Counter[int]] = defaultdict(Counter)
    for job in left:
        if amount := network_texels(job):
            texels[job.plan.model] += amount
            sides[job.plan.model][_side(job)] += amount
    seconds = 0.0
    for named, amount in texels.items():
        speed = _Speed(run, named)
        per_texel = speed.recall(sides[named])
        if per_texel is None and probe and run.order.executor == "local" and amount >= _LEAST_TEXELS:
            per_texel = speed.probe(sides[named].most_common(1)[0][0])
        if per_texel is None:
            return None
        seconds += amount * per_texel
    return Forecast(seconds, _disk(left, run), sum(network_texels(job) > 0 for job in left))


def learn(run: RunPlan, done: Iterable[JobResult], seconds: float) -> None:
    """Remember how fast a run was, if it is long enough to tell and had one model.

    Args:
        run: the plan.
        done: its finished jobs.
        seconds: from the first texels that were computed to the last result.
    """
    texels: Counter[tuple[str, ...]] = Counter()
    for one in done:
        if not one.cached and one.reason is None:
            texels[one.job.plan.model] += network_texels(one.job)
    texels = +texels
    if len(texels) != 1 or seconds < _LEARNED_SECONDS:
        return
    ((named, amount),) = texels.items()
    if amount >= _LEARNED_TEXELS:
        _Speed(run, named).keep(seconds / amount)


def finishing_seconds(jobs: Iterable[Job], scale: int) -> float | None:
    """Measure the processor seconds that a texel takes after the network; None where a run is too short for it.

    Args:
        jobs: what is computed.
        scale: of the results.
    """
    sides: Counter[int] = Counter()
    for job in jobs:
        if amount := network_texels(job):
            sides[_side(job)] += amount
    if sides.total() < _MEASURED_TEXELS:
        return None
    _finishing_seconds(scale, _SIDES[0])  # loads what it needs
    return _finishing_seconds(scale, sides.most_common(1)[0][0])


class _Speed:
    """The seconds that a texel takes with some models of a run, in the user's cache folder."""

    def __init__(self, run: RunPlan, named: tuple[str, ...]) -> None:
        self._run, self._named = run, named
        devices = len(gpus()) if run.order.device in ("auto", "cuda") else 1
        how = available_cores(), devices, run.order.executor, run.order.recipe.scale
        self._key = json.dumps((run.models.engine_id(named, run.engine), how))

    def recall(self, sides: Counter[int]) -> float | None:
        """Return what a run has shown, else what was probed with the size that has most of the work."""
        return next(
            (known for side in (0, sides.most_common(1)[0][0]) if (known := self._recall(side)) is not None),
            None,
        )

    def _place(self, side: int) -> Path:
        digest = hashlib.sha256(f"{self._key} {side}".encode()).hexdigest()
        return cache_folder() / "speed" / f"{digest}.json"

    def _recall(self, side: int) -> float | None:
        with suppress(RefusedFileError, KeyError, TypeError, ValueError):
            read = read_json(self._place(side), _MAX_NOTE)
            found = read["seconds_per_texel"] if isinstance(read, dict) else None
            return found if isinstance(found, float) and 0 < found < math.inf else None
        return None

    def keep(self, per_texel: float, side: int = 0) -> None:
        """Keep what a run has shown, or a probe with textures of a side; if that is not possible it is lost."""
        with suppress(PackError):
            write_atomic(self._place(side), (json.dumps({"seconds_per_texel": per_texel}) + "\n").encode())

    def probe(self, side: int) -> float | None:
        """Measure with textures of a side; None if the device fails."""
        order = self._run.order
        models = self._run.models.paths()[self._named]
        try:
            require_torch()
            device = choose(order.device, order.precision)
            network = _network_seconds(models, device, side, order.recipe.scale)
        except (DeviceError, ModelError, MemoryError, RuntimeError):
            return None
        per_texel = _together(device, network, _finishing_seconds(order.recipe.scale, side))
        self.keep(per_texel, side)
        return per_texel


def _network_seconds(models: Sequence[Path], device: Device, side: int, scale: int) -> float:
    """Return the seconds that networks take for a texel, with all cores, to reach a scale."""
    from texpipe.upscale.batching import scaling_steps
    from texpipe.upscale.open_engine import open_engine
    from texpipe.upscale.speed import texels_per_second

    engine = open_engine(list(models), device.name, device.precision)
    rate = texels_per_second(engine, side, _PROBE_SECONDS, max(1, _PROBE_TEXELS // side**2))
    times, _ = scaling_steps(engine.scale, scale)
    return float(sum(engine.scale ** (2 * number) for number in range(times))) / rate


def _finishing_seconds(scale: int, side: int) -> float:
    """Return the seconds that one core takes to finish a texel: the picture of the result, its file and its metrics."""
    rng = np.random.default_rng(0)
    rgba = np.dstack([rng.integers(0, 256, (side, side, 3)), np.full((side, side), 255)]).astype(np.uint8)
    result = rng.random((side * scale, side * scale, 3), dtype=np.float32)
    by = Decisions("probe", "probe", "probe", "probe")
    plan = Plan("upscale", "opaque", Edges(), scale, "match", False, by)
    passes = (Pass((rgba[..., :3] / 255).astype(np.float32), plan.edges),)
    start = time.thread_time()
    made = recombine(rgba, plan, (result,), passes)
    encode_png(made)
    measure(rgba, made, plan)
    return (time.thread_time() - start) / side**2


def _together(device: Device, network: float, finishing: float) -> float:
    """Return the seconds of a texel with both.

    A graphics card lets what comes after it wait. On a processor its threads share the cores with the network, and go
    on alone when that is done if they need more than their share.
    """
    threads, cores = device.spare_threads, available_cores()
    if device.name != "cpu":
        return max(network, finishing / threads)
    if finishing <= network * threads:
        return network + finishing / cores
    return network * threads / cores + finishing / threads


def _side(job: Job) -> int:
    """Return the side that is probed for a picture like this one."""
    side = texels_of(job) ** 0.5
    return min(_SIDES, key=lambda one: abs(one - side))


def _disk(jobs: Sequence[Job], run: RunPlan) -> int:
    """Return the bytes of results in the store and in each pack, about."""
    results = sum(texels_of(job) * job.plan.scale**2 for job in jobs) * _PNG_BYTES
    packs = len(run.order.recipe.targets) * results
    budget = run.order.recipe.budget
    if budget is None:
        return int(results + packs)
    smaller = sum((1 / factor**2 for factor in (2, 4)), 0.0) * results if expected_pack(run) > budget else 0.0
    return int(results + smaller + min(packs, len(run.order.recipe.targets) * budget))


def expected_pack(run: RunPlan) -> int:
    """Return the bytes of the largest pack at the recipe's scale, about."""
    factors = {"copy": 1, "skip": 0}
    pixels = sum(
        item.size[0] * item.size[1] * factors.get(item.plan.action, item.plan.scale) ** 2
        for item in run.seen.items
        if item.source.name not in run.left_out
    )
    is_plain = any(target.container == "hts" for target in run.order.recipe.targets)
    return int(pixels * (_PLAIN_BYTES if is_plain else _PNG_BYTES))
