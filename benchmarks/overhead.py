"""Overhead of the bf16 engine beside its convolutions, measured on a processor without bf16.

Everything else that the engine does in bf16 (gathers, copies, sums, Python) is bound by memory and takes about as long
on any processor. So the convolutions are replaced by ones that only write their result, which is not counted, and the
remaining time is compared with that of the convolutions at a given speed. This is an estimate, not a measurement.

    python benchmarks/overhead.py --model texpipe-x4 --gflops 500
"""

from __future__ import annotations

import argparse
import time
from threading import Thread

import torch
from engine import flops_per_texel
from torch import Tensor
from torch.nn import functional

from texpipe.networks.catalogue import resolve
from texpipe.networks.checkpoint import load
from texpipe.networks.padding import Pads
from texpipe.upscale import convolve
from texpipe.upscale.compiled import CompiledNetwork, compile_network
from texpipe.upscale.convolve import DirectConvolution

CPU = torch.device("cpu")
LANES = 16
"""Smallest number of outputs that a convolution is counted with: fewer take as long, for a register holds these."""


class Pretended:
    """A convolution that writes its result without computing it, and counts what it would have taken.

    Args:
        speed: operations per second in bf16; float32 has half of that.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self.writing = 0.0
        self.computing = 0.0

    def __call__(self, maps: Tensor, weight: Tensor, *_: object) -> Tensor:
        """Return channels_last maps of the size that results without padding, all 0.5."""
        start = time.thread_time()
        count, inputs, height, width = maps.shape
        shape = (count, weight.shape[0], height - weight.shape[2] + 1, width - weight.shape[3] + 1)
        out = torch.empty(shape, dtype=maps.dtype, memory_format=torch.channels_last).fill_(0.5)
        speed = self._speed if maps.dtype is torch.bfloat16 else self._speed / 2
        outputs = max(LANES, weight.shape[0])
        products = count * shape[2] * shape[3] * outputs * inputs * weight.shape[2] * weight.shape[3]
        self.computing += 2 * products / speed
        self.writing += time.thread_time() - start
        return out


def measure(execute: CompiledNetwork, flops: float, speed: float, count: int, side: int, rounds: int) -> str:
    """Return a line about batches of `count` pictures: milliseconds, and the share of the speed that is left."""
    images = torch.rand(count, side, side, 3)
    spent = []
    for _ in range(rounds + 2):  # the first two find their memory
        pretended = Pretended(speed)
        functional.conv2d = torch.ops.mkldnn._convolution_pointwise = pretended  # type: ignore[assignment]
        start = time.thread_time()
        with torch.inference_mode():
            execute(images, Pads("wrap", "wrap"))
        spent.append(time.thread_time() - start - pretended.writing)
    besides = min(spent[2:])
    written = flops * count * side * side / speed
    share = written / (pretended.computing + besides)
    return (
        f"{count:>3} x {side} x {side}: besides {besides * 1e3:.1f} ms, "
        f"convolutions {pretended.computing * 1e3:.1f} ms (as written {written * 1e3:.1f}): {share:.0%} of the speed"
    )


def main() -> None:
    """Measure in a thread of its own, as the engine works."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", default="texpipe-x4", help="a name in models/, or a path")
    parser.add_argument("--gflops", type=float, default=500, help="bf16 convolutions of one core")
    parser.add_argument("--rounds", type=int, default=12, help="the best counts")
    options = parser.parse_args()
    torch.set_num_threads(1)
    network = load(resolve(options.model).path).network.eval()
    convolve._uses_onednn = lambda device, dtype: True
    with torch.inference_mode():
        execute = compile_network(network, DirectConvolution(CPU), CPU, torch.bfloat16)
    flops = flops_per_texel(network.architecture)

    def work() -> None:
        for count, side in ((16, 16), (4, 32), (1, 64)):
            print(measure(execute, flops, options.gflops * 1e9, count, side, options.rounds))

    thread = Thread(target=work)
    thread.start()
    thread.join()


if __name__ == "__main__":
    main()
