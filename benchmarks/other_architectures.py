"""SPAN, Compact and RealPLKSR in texpipe's engines against spandrel's own call on pictures padded by 16 texels.

python benchmarks/other_architectures.py        # random weights: they do not matter for the time
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable

import numpy as np
import torch

from texpipe.networks import borders, bridge, state_dict_names
from texpipe.networks.foreign_facts import Borders
from texpipe.networks.spandrel_package import import_spandrel
from texpipe.texture import Axes, Edges
from texpipe.upscale.engine import Engine
from texpipe.upscale.foreign_engine import ForeignEngine

PADDING = 16
ROUNDS = 3
WRAPPED = Edges("wrap", "wrap")


def processor_seconds(work: Callable[[], object]) -> float:
    """Return the processor time of one call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def report(
    name: str, side: int, count: int, ours: Callable[[], object], theirs: Callable[[], object]
) -> None:
    """Print textures per second of both, interleaved, the best of some rounds."""
    times = [[processor_seconds(work) for work in (ours, theirs)] for _ in range(ROUNDS + 1)][1:]
    one, other = (count / min(column) for column in zip(*times, strict=True))
    print(f"{name:9} {side:3}  {one:7.1f}  {other:7.1f} textures/s  {one / other:.1f} times", flush=True)


def compare(
    name: str,
    engine: Engine | ForeignEngine,
    state: dict[str, torch.Tensor],
    sizes: tuple[tuple[int, int], ...] = ((16, 8), (32, 4), (64, 1)),
) -> None:
    """Print textures per second of the engine and of spandrel; `sizes` are sides and how many."""
    descriptor = import_spandrel().ModelLoader("cpu").load_from_state_dict(dict(state))
    for side, count in sizes:
        batch = np.random.default_rng(0).random((count, side, side, 3), dtype=np.float32)
        around = ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0))
        padded = torch.from_numpy(np.pad(batch, around, "wrap")).permute(0, 3, 1, 2)

        def ours(batch: np.ndarray = batch) -> None:
            engine.run(batch, WRAPPED)

        def theirs(padded: torch.Tensor = padded) -> None:
            for one in padded:
                descriptor(one[None])

        report(name, side, count, ours, theirs)


def compare_batches(name: str, engine: ForeignEngine, network: bridge.ForeignNetwork) -> None:
    """Print textures per second of batches, and of the network as it is, wrapped too, picture by picture."""
    for side, count in ((16, 8), (32, 4), (64, 1)):
        batch = np.random.default_rng(0).random((count, side, side, 3), dtype=np.float32)
        planes = torch.from_numpy(batch).permute(0, 3, 1, 2)

        def together(batch: np.ndarray = batch) -> None:
            engine.run(batch, WRAPPED)

        def one_by_one(planes: torch.Tensor = planes) -> None:
            with torch.inference_mode():
                for one in planes:
                    borders.run(network, one[None], Axes(True, True), Borders(1))

        report(f"{name}, batch of {count}", side, count, together, one_by_one)


def main() -> None:
    """Compare the architectures in their usual sizes."""
    torch.set_num_threads(1)
    import_spandrel()
    of = "spandrel.architectures"
    span = importlib.import_module(f"{of}.SPAN").SPAN(num_in_ch=3, num_out_ch=3).eval().state_dict()
    compact = importlib.import_module(f"{of}.Compact.__arch.SRVGG").SRVGGNetCompact().state_dict()
    compare("SPAN", ForeignEngine(bridge.build(span), Borders(1), "cpu", "fp32"), span)
    large = importlib.import_module(f"{of}.PLKSR").RealPLKSR(dim=64, n_blocks=28).eval().state_dict()
    foreign = ForeignEngine(bridge.build(large), Borders(1), "cpu", "fp32")
    compare("RealPLKSR", foreign, large, ((16, 2), (32, 1)))
    compare_batches("RealPLKSR", foreign, bridge.build(large))
    compare("Compact", Engine(state_dict_names.build(compact), "cpu", "fp32"), compact)


if __name__ == "__main__":
    main()
