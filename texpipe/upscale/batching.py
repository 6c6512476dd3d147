"""Upscale passes in batches of one shape, edge mode and detail, largest first; results come as soon as they are ready.

The network does not wait for decoding or writing: while it computes, the next window of passes is fetched and finished
results are taken away.

A result is the same to the last bit whatever the other passes, their order and the number of cores: a killed run that
continues with other batches ends in the same pack.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import chain
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from texpipe.errors import DeviceError, DeviceLostError, ModelError
from texpipe.texture import Edges, Pass, RgbF
from texpipe.upscale.budget import Budget, Parallelism
from texpipe.upscale.chain import PictureEngine
from texpipe.upscale.device import is_lost, is_out_of_memory
from texpipe.upscale.tiles import run_tiled

log = logging.getLogger(__name__)

_MIN_TILE_SIDE = 64
"""Smallest side of a tile that is tried after running out of memory, in texels."""

_Result: TypeAlias = tuple[int, RgbF]


class Batch(NamedTuple):
    """Passes of one shape, one edge mode and one place of the dial.

    Attributes:
        numbers: the numbers of the passes.
        pictures: their pictures, H x W x 3 each.
        edges: the edges of all of them.
        detail: the detail of all of them.
        texels: the cost of each, in texels.
    """

    numbers: tuple[int, ...]
    pictures: tuple[RgbF, ...]
    edges: Edges
    texels: int
    detail: float = 0.0

    @property
    def all_texels(self) -> int:
        """Cost of the whole batch, in texels."""
        return len(self.numbers) * self.texels


def upscale(
    windows: Iterable[Sequence[Pass]],
    engine: PictureEngine,
    scale: int,
    *,
    tile: int | None = None,
    cores: int | None = None,
    budget: Budget | None = None,
) -> Iterator[tuple[int, RgbF]]:
    """Upscale passes.

    Args:
        windows: passes, each H x W x 3 in [0, 1], of any size from 1 x 1; a window holds as many as memory should hold.
            The next window is fetched while the last batches of the one before are still computed.
        engine: upscales by its own factor.
        scale: the factor wanted, reached by repeating the engine's and by box filtering; see `scaling_steps`.
        tile: pictures with more than tile x tile texels are upscaled in tiles of this side; by default as the device
            wants it.
        cores: number of processor cores to use on a CPU; all by default.
        budget: memory that batches may take; unlimited by default. It changes no result.

    Yields:
        Number of a pass, counted through all windows, and its result, scale H x scale W x 3 float32 in [0, 1], in
        order of completion.

    Raises:
        ModelError: the scale cannot be reached with this engine.
        DeviceError: there is too little memory even for small tiles.
    """
    times, reduction = scaling_steps(engine.scale, scale)
    tile = tile or engine.device.max_tile_side
    cores, texels = cores or engine.device.workers, engine.device.batch_texels
    parallelism = budget.parallelism(cores, texels) if budget else Parallelism(cores, texels)
    cores, texels = parallelism
    numbered = _numbered(windows)
    first = _first_batches(numbered, cores, texels)
    workers = max(1, min(cores, len(first)))
    # Largest input of the last round: its pictures after the rounds before, one by one if they are large, or in tiles.
    growth, max_texels = engine.scale ** (2 * (times - 1)), (tile + 2 * engine.overlap) ** 2
    # Threads that share a convolution wait for each other after each; only a big picture makes up for that.
    threads = cores // workers if first and first[0].texels > texels else 1
    # The smallest goes first, so that the first result comes early.
    batches = chain(
        first[-1:], first[:-1], (one for window in numbered for one in plan_batches(window, texels))
    )

    def work(batch: Batch) -> list[_Result]:
        pictures = np.stack(batch.pictures)
        dialled = engine.at(batch.detail)
        for _ in range(times):
            pictures = _enlarge(pictures, batch.edges, dialled, tile, texels)
        return list(zip(batch.numbers, box_reduce(pictures, reduction), strict=True))

    def fits(together: list[Batch]) -> bool:
        needs = [min(max_texels, max(one.all_texels, one.texels * growth)) for one in together]
        return budget is None or budget.fits(needs, parallelism)

    torch.get_num_threads()  # fixes this thread's number before the workers below set theirs
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads,)) as pool:
        yield from _completed(pool, work, batches, 2 * workers, fits)


def _completed(
    pool: ThreadPoolExecutor,
    work: Callable[[Batch], list[_Result]],
    batches: Iterable[Batch],
    ahead: int,
    fits: Callable[[list[Batch]], bool],
) -> Iterator[_Result]:
    """Yield results in order of completion, with few batches in flight, so that results do not pile up.

    Args:
        pool: runs the batches.
        work: upscales a batch.
        batches: in order, fetched one at a time.
        ahead: largest number of batches in flight, including those that wait for a worker.
        fits: whether there is memory for all of these batches; a single one is started in any case.
    """
    waiting = iter(batches)
    following = next(waiting, None)
    pending: dict[Future[list[_Result]], Batch] = {}

    def begin() -> None:
        nonlocal following
        while following and len(pending) < ahead and (not pending or fits([*pending.values(), following])):
            pending[pool.submit(work, following)] = following
            following = next(waiting, None)

    try:
        begin()
        while pending:
            completed, _ = wait(pending, return_when=FIRST_COMPLETED)
            done = [future for future in pending if future in completed]
            for future in done:
                del pending[future]
            begin()  # before the consumer takes its time over the results
            for future in done:
                yield from future.result()
    finally:
        for future in pending:
            future.cancel()


def scaling_steps(factor: int, scale: int) -> tuple[int, int]:
    """Return how to reach `scale` with a network of `factor`: how often to apply it, then the box filter's side.

    Raises:
        ModelError: the scale cannot be reached.
    """
    times, reached = 1, factor
    while reached < scale and factor > 1:
        times, reached = times + 1, reached * factor
    if reached < scale or reached % scale:
        raise ModelError(
            f"a {factor}x model cannot make a scale of {scale}",
            hint="Use a 4x model, or another scale in the recipe.",
        )
    return times, reached // scale


def plan_batches(passes: Mapping[int, Pass], batch_texels: int) -> list[Batch]:
    """Divide passes into batches that can be run together (see `Batch`), those of the largest pictures first.

    Args:
        passes: the passes by their numbers.
        batch_texels: input texels that a batch should have; a larger picture is a batch of its own.
    """
    buckets: dict[tuple[int, int, Edges, float], list[int]] = defaultdict(list)
    for number, item in passes.items():
        height, width = item.rgb.shape[:2]
        buckets[height, width, item.edges, item.detail].append(number)
    batches = []
    for (height, width, edges, detail), numbers in buckets.items():
        size = _capacity(height, width, edges, batch_texels)
        texels = _texels(height, width, edges)
        for at in range(0, len(numbers), size):
            some = tuple(numbers[at : at + size])
            batches.append(Batch(some, tuple(passes[number].rgb for number in some), edges, texels, detail))
    return sorted(batches, key=lambda batch: -batch.texels)


def _numbered(windows: Iterable[Sequence[Pass]]) -> Iterator[dict[int, Pass]]:
    """Give each pass its number, counted through all windows."""
    count = 0
    for window in windows:
        yield dict(enumerate(window, count))
        count += len(window)


def _first_batches(windows: Iterator[dict[int, Pass]], cores: int, texels: int) -> list[Batch]:
    """Return the batches of enough windows to give each core one, or smaller batches if there are not enough passes."""
    passes: dict[int, Pass] = {}
    for window in windows:
        passes |= window
        batches = plan_batches(passes, texels)
        if len(batches) >= cores:
            return batches
    return plan_batches(passes, texels // cores)


def box_reduce(pictures: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return N x H / side x W / side x 3 means over squares; `side` divides H and W."""
    if side == 1:
        return pictures
    count, height, width, channels = pictures.shape
    squares = pictures.reshape(count, height // side, side, width // side, side, channels)
    reduced: NDArray[np.float32] = squares.mean(axis=(2, 4), dtype=np.float32)
    return reduced


def _enlarge(
    pictures: NDArray[np.float32], edges: Edges, engine: PictureEngine, tile: int, batch_texels: int
) -> NDArray[np.float32]:
    """Apply the engine once to pictures of one shape, in as many batches or tiles as they need."""
    height, width = pictures.shape[1:3]
    if _texels(height, width, edges) > tile * tile:
        if len(pictures) == 1:
            return _enlarge_tiled(pictures[0], edges, engine, tile)[None]
        return np.stack([_enlarge_tiled(picture, edges, engine, tile) for picture in pictures])
    size = _capacity(height, width, edges, batch_texels)
    parts = [pictures[at : at + size] for at in range(0, len(pictures), size)]
    return np.concatenate([_enlarge_batch(part, edges, engine, tile) for part in parts])


def _enlarge_batch(
    pictures: NDArray[np.float32], edges: Edges, engine: PictureEngine, tile: int
) -> NDArray[np.float32]:
    """Run one batch; out of memory halves it, then cuts its picture into tiles."""
    try:
        return engine.run(pictures, edges)
    except (MemoryError, RuntimeError) as error:
        _require_out_of_memory(error, engine)
    engine.device.release_cached_memory()
    if len(pictures) == 1:
        height, width = pictures.shape[1:3]
        log.warning(
            "too little memory for %d x %d texels: upscaled in tiles, the last bits may differ", width, height
        )
        return _enlarge_tiled(pictures[0], edges, engine, tile // 2)[None]
    half = len(pictures) // 2
    parts = (pictures[:half], pictures[half:])
    return np.concatenate([_enlarge_batch(part, edges, engine, tile) for part in parts])


def _enlarge_tiled(picture: RgbF, edges: Edges, engine: PictureEngine, tile: int) -> RgbF:
    """Run one picture in tiles; out of memory makes them smaller."""
    sides = [tile, *(side for side in (tile // 2, tile // 4, tile // 8) if side >= _MIN_TILE_SIDE)]
    for side in sides:
        try:
            return run_tiled(engine, picture, edges, tile=side, overlap=engine.overlap)
        except (MemoryError, RuntimeError) as error:
            _require_out_of_memory(error, engine)
        engine.device.release_cached_memory()
    kind = DeviceError if engine.device.name == "cpu" else DeviceLostError
    raise kind(
        f"out of memory on {engine.device.name} with tiles of {sides[-1]} texels",
        hint="Close other programs, or use --device cpu.",
    )


def _require_out_of_memory(error: MemoryError | RuntimeError, engine: PictureEngine) -> None:
    """Return if memory ran out.

    Raises:
        DeviceLostError: the device is lost.
        RuntimeError: `error`, if it is another one.
    """
    if is_out_of_memory(error):
        return
    if is_lost(error):
        reason = str(error).strip().partition("\n")[0]
        raise DeviceLostError(
            f"{engine.device.instructions} stopped computing: {reason}", hint="Update the graphics driver."
        ) from error
    raise error


def _texels(height: int, width: int, edges: Edges) -> int:
    """Return the cost of a picture in texels: mirrored axes count twice."""
    return height * width * (2 if edges.x == "mirror" else 1) * (2 if edges.y == "mirror" else 1)


def _capacity(height: int, width: int, edges: Edges, batch_texels: int) -> int:
    """Return how many pictures of a shape make a batch; a side costs at least a multiple of 4 texels."""
    return max(1, batch_texels // _texels(-(-height // 4) * 4, -(-width // 4) * 4, edges))
