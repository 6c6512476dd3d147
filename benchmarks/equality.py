"""Checks of the engine's results: close to the plain network in float32, and the same bits in any batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rivals import WRAP, Pictures, Way

from texpipe.imaging.image_files import decode
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.upscale.engine import Engine


def samples(folder: Path, side: int, count: int) -> Pictures:
    """Return the colours of `count` textures of side x side texels, taken evenly from a folder."""
    read = (decode(path.read_bytes(), name=path.name)[0] for path in sorted(folder.rglob("*.png")))
    square = [rgba[..., :3] for rgba in read if rgba.shape[:2] == (side, side)]
    chosen = np.linspace(0, len(square) - 1, min(count, len(square))).astype(int)
    return [(square[number] / 255).astype(np.float32) for number in chosen]


def plain(network: RRDBNet, pictures: Iterable[NDArray[np.float32]]) -> Pictures:
    """Return what the plain network makes in float32 under periodic padding."""
    with torch.inference_mode():
        return [
            network(torch.from_numpy(picture).permute(2, 0, 1)[None], WRAP)
            .clamp(0, 1)[0]
            .permute(1, 2, 0)
            .numpy()
            for picture in pictures
        ]


def fidelity(
    found: Sequence[NDArray[np.float32]], expected: Sequence[NDArray[np.float32]]
) -> dict[str, float]:
    """Compare results: PSNR in dB of all together and of the worst, largest error in levels of 255."""
    errors = [ours.astype(np.float64) - theirs for ours, theirs in zip(found, expected, strict=True)]
    squares = [float((error**2).mean()) for error in errors]
    return {
        "psnr_pooled": _psnr(float(np.mean(squares))),
        "psnr_worst": _psnr(max(squares)),
        "max_levels": max(float(np.abs(error).max()) for error in errors) * 255,
        "share_above_1_level": float(np.mean([(np.abs(error) > 1 / 255).mean() for error in errors])),
    }


def same_bits(engine: Engine, way: Way, sizes: Sequence[int]) -> dict[str, bool]:
    """Return whether results keep every bit: alone, in other batches, in another order, with more threads."""
    kept = {"alone": True, "order": True, "threads": True, "workers": True}
    for size in sizes:
        batch = np.random.default_rng(size).random((5, size, size, 3), dtype=np.float32)
        with torch_threads(1):
            together = engine.run(batch, WRAP)
            kept["alone"] &= all(
                np.array_equal(engine.run(batch[k : k + 1], WRAP)[0], together[k]) for k in range(2)
            )
            kept["order"] &= np.array_equal(engine.run(batch[::-1], WRAP)[::-1], together)
        with torch_threads(2):
            kept["threads"] &= np.array_equal(engine.run(batch, WRAP), together)
        kept["workers"] &= np.array_equal(np.stack(way.run(list(batch))), together)
    return kept


@contextmanager
def torch_threads(number: int) -> Iterator[None]:
    """Set torch's number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _psnr(square: float) -> float:
    return float(-10 * np.log10(square + 1e-20))
