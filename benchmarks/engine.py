"""Textures per second: this engine against the loop that tools use, same weights, interleaved in one process.

The loop: float32, one picture at a time, padded by 16 texels on each side so that the seam nearly closes, the
plain network over all threads. This engine: batches, periodic convolutions, a worker per core, any precision.

    python benchmarks/engine.py --model texpipe-x4 --precision auto --output engine.json
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from texpipe.networks.catalogue import resolve
from texpipe.networks.checkpoint import load
from texpipe.networks.rrdbnet import Architecture, RRDBNet
from texpipe.texture import Edges, Pass
from texpipe.upscale.batching import upscale
from texpipe.upscale.device import DTYPES, Device
from texpipe.upscale.engine import Engine, identity

Clock: TypeAlias = Callable[[], float]

WRAP = Edges("wrap", "wrap")
PADDING = 16
"""Texels that rivals add on each side of a texture."""


@dataclass(frozen=True)
class Row:
    """One size's figures; times are seconds per texture, best and median of the rounds.

    `gflops` counts the convolutions as written, without padding; a method that multiplies less does not count
    less, so that `peak_share` may exceed 1.
    """

    size: int
    engine_best: float
    engine_median: float
    loop_best: float
    loop_median: float
    engine_per_second: float
    loop_per_second: float
    ratio: float
    gflops: float
    peak_share: float


def main() -> None:
    """Measure and print."""
    options = _options()
    if options.cores:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
        torch.set_num_threads(options.cores)
    network = load(resolve(options.model).path).network.eval()
    engine = Engine(network, options.device, options.precision)
    clock = time.process_time if options.cpu_time else time.perf_counter
    peak = convolution_peak(engine.device, clock)
    result = {
        "clock": clock.__name__,
        "model": options.model,
        "engine": identity(options.device, options.precision),
        "machine": platform.machine(),
        "cores": engine.device.workers,
        "loop": f"fp32, one by one, {PADDING} texels of padding, {torch.get_num_threads()} threads",
        "peak_gflops": peak / 1e9,
        "agreement": agreement(network, engine),
        "sizes": [
            asdict(row) for row in measure(network, engine, options.sizes, options.rounds, peak, clock)
        ],
    }
    print(table(result))
    if options.output:
        options.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def measure(
    network: RRDBNet, engine: Engine, sizes: Sequence[int], rounds: int, peak: float, clock: Clock
) -> list[Row]:
    """Time both ways for each size, in turns, so that a slow neighbour slows both."""
    times: dict[int, tuple[list[float], list[float]]] = {size: ([], []) for size in sizes}
    for _ in range(rounds + 1):  # the first round warms up
        for size, (ours, theirs) in times.items():
            pictures = textures(size, engine.device.workers * max(1, engine.device.batch_texels // size**2))
            ours.append(_seconds(clock, lambda: _run_engine(engine, pictures)) / len(pictures))  # noqa: B023
            few = pictures[: max(1, 2048 // (size + 2 * PADDING) ** 2)]
            theirs.append(_seconds(clock, lambda: _run_loop(network, few, engine.device)) / len(few))  # noqa: B023
    return [
        _row(size, ours[1:], theirs[1:], network.architecture, peak) for size, (ours, theirs) in times.items()
    ]


def textures(size: int, count: int) -> list[NDArray[np.float32]]:
    """Return seeded noise textures; a convolution takes the same time whatever it sees."""
    random = np.random.default_rng(size)
    return [random.random((size, size, 3), dtype=np.float32) for _ in range(count)]


def flops_per_texel(a: Architecture) -> float:
    """Return the floating-point operations of the network's convolutions per input texel."""
    grow, feat = a.num_grow_ch, a.num_feat
    dense = sum((feat + k * grow) * grow for k in range(4)) + (feat + 4 * grow) * feat
    trunk = a.num_in_ch * a.unshuffle**2 * feat + 3 * a.num_block * dense + feat * feat
    ups = sum(feat * feat * int(4**stage) for stage in range(1, a.stages + 1))
    tail = feat * (feat + a.num_out_ch) * int(4**a.stages)
    return 18.0 * (trunk + ups + tail) / a.unshuffle**2


def convolution_peak(device: Device, clock: Clock) -> float:
    """Return the operations per second of one large convolution per core, in the engine's precision."""
    place = torch.device(device.name)
    weight = torch.randn(64, 64, 3, 3).to(place, DTYPES[device.precision], memory_format=torch.channels_last)
    maps = torch.randn(1, 64, 66, 66).to(place, DTYPES[device.precision], memory_format=torch.channels_last)
    repeats = 20

    def work(_: int) -> None:
        torch.set_num_threads(1)
        with torch.inference_mode():
            for _ in range(repeats):
                functional.conv2d(maps, weight)
        _synchronise(device)

    with ThreadPoolExecutor(device.workers) as pool:
        best = min(_seconds(clock, lambda: list(pool.map(work, range(device.workers)))) for _ in range(6))
    return 18 * 64 * 64 * 64 * 64 * repeats * device.workers / best


def agreement(network: RRDBNet, engine: Engine) -> dict[str, float]:
    """Compare with the plain float32 network under periodic padding: PSNR in dB, largest error in levels."""
    smooth = functional.interpolate(torch.rand(1, 3, 8, 8), size=(24, 24), mode="bicubic").clamp(0, 1)
    with torch.inference_mode():
        expected = network(smooth, WRAP).clamp(0, 1)[0].permute(1, 2, 0).numpy()
    found = engine.run(smooth[0].permute(1, 2, 0).numpy()[None], WRAP)[0]
    error = np.abs(found.astype(np.float64) - expected)
    return {
        "psnr_db": float(-20 * np.log10(np.sqrt((error**2).mean()) + 1e-12)),
        "max_levels": float(error.max() * 255),
    }


def table(result: dict[str, object]) -> str:
    """Return the figures for people."""
    lines = [
        f"{result['model']} on {result['engine']}, {result['cores']} cores, {result['clock']}",
        f"against the loop ({result['loop']}); convolution peak {result['peak_gflops']:.0f} GFLOP/s",
        f"agreement with plain fp32, periodic: {result['agreement']}",
        "",
        f"{'size':>6}{'engine/s':>12}{'loop/s':>12}{'ratio':>8}{'GFLOP/s':>10}{'of peak':>9}",
    ]
    rows = result["sizes"]
    assert isinstance(rows, list)
    for row in rows:
        lines.append(
            f"{row['size']:>6}{row['engine_per_second']:>12.2f}{row['loop_per_second']:>12.2f}"
            f"{row['ratio']:>8.1f}{row['gflops']:>10.0f}{row['peak_share']:>9.0%}"
        )
    return "\n".join(lines)


def _row(size: int, ours: list[float], theirs: list[float], architecture: Architecture, peak: float) -> Row:
    engine, loop = min(ours), min(theirs)
    speed = flops_per_texel(architecture) * size**2 / engine
    return Row(
        size=size,
        engine_best=engine,
        engine_median=statistics.median(ours),
        loop_best=loop,
        loop_median=statistics.median(theirs),
        engine_per_second=1 / engine,
        loop_per_second=1 / loop,
        ratio=loop / engine,
        gflops=speed / 1e9,
        peak_share=speed / peak,
    )


def _run_engine(engine: Engine, pictures: list[NDArray[np.float32]]) -> None:
    for _ in upscale([Pass(picture, WRAP) for picture in pictures], engine, engine.scale):
        pass


def _run_loop(network: RRDBNet, pictures: list[NDArray[np.float32]], device: Device) -> None:
    place = torch.device(device.name)
    network.to(place)
    for picture in pictures:
        padded = np.pad(picture, ((PADDING, PADDING), (PADDING, PADDING), (0, 0)), mode="wrap")
        with torch.inference_mode():
            batch = torch.from_numpy(padded).permute(2, 0, 1)[None].contiguous().to(place)
            network(batch).clamp(0, 1).cpu().numpy()


def _seconds(clock: Clock, action: Callable[[], object]) -> float:
    start = clock()
    action()
    return clock() - start


def _synchronise(device: Device) -> None:
    if device.name == "cuda":
        torch.cuda.synchronize()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="texpipe-x4", help="a name in models/, or a path")
    parser.add_argument("--device", default="auto", choices=["auto", "cpu", "cuda"])
    parser.add_argument("--precision", default="auto", choices=["auto", "fp32", "bf16", "fp16"])
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[16, 32, 64], metavar="N", help="texels per side"
    )
    parser.add_argument("--rounds", type=int, default=4, help="how often each is timed; the best counts")
    parser.add_argument(
        "--cores", type=int, help="use so many (Linux); 1 is the fair choice on a busy machine"
    )
    parser.add_argument(
        "--cpu-time", action="store_true", help="processor time, with --cores 1, ignores neighbours"
    )
    parser.add_argument("--quick", action="store_true", help="one round at 16 and 32")
    parser.add_argument("--output", type=Path, help="write the figures as JSON here")
    options = parser.parse_args()
    if options.quick:
        options.sizes, options.rounds = [16, 32], 1
    return options


if __name__ == "__main__":
    main()
