"""The certificate of a network of another architecture: of which class its borders are, measured.

A network f is exactly periodic if f(T x) = T f(x) for the repeat T of a picture x: then its result is the one that the
infinite plane of copies would give. That is tested in float32 on fixed pictures, on each axis and on both, and so is
that a shifted picture gives the shifted result. The first class that a network passes is the one that it is run by.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor, nn

from texpipe.networks.borders import run
from texpipe.networks.bridge import ForeignNetwork
from texpipe.networks.foreign_facts import Borders
from texpipe.texture import Axes

TOLERANCE: Final = 1e-4
"""Largest difference that counts as rounding, as a share of the standard deviation of the result."""
_MAX_MULTIPLE: Final = 64
"""Largest multiple of sides that is tried, in texels."""
_SHAPES: Final = ((1, 1), (3, 5), (1, 2))
"""Height and width of the pictures, in multiples."""
_SMALL: Final = 9
"""Smallest side of a picture for networks that take any, in texels."""
_EVERY_WAY: Final = (Axes(True, True), Axes(True, False), Axes(False, True))


@torch.inference_mode()
def certify(network: ForeignNetwork) -> Borders:
    """Find the class of a network's borders.

    Args:
        network: on the CPU, in float32.

    Returns:
        The first class that it passes; "approximate", with the difference measured, for what passes none.
    """
    for multiple in _multiples(network):
        if _passes(network, Borders(multiple)):
            return Borders(multiple)
    return Borders(None, _rounded(_levels(network)))


def _multiples(network: ForeignNetwork) -> Iterator[int]:
    """Yield the multiples to try: those that the network asks for, doubled, and the sides of its windows."""
    windows = math.lcm(*_window_sides(network.network), network.multiple)
    doubled = [network.multiple << step for step in range(_MAX_MULTIPLE.bit_length())]
    yield from sorted({one for one in (*doubled, windows) if one <= _MAX_MULTIPLE})


def _window_sides(network: nn.Module) -> set[int]:
    found: set[int] = set()
    for module in network.modules():
        for name in ("window_size", "split_size"):
            value = getattr(module, name, ())
            found |= {value} if isinstance(value, int) else {one for one in value if isinstance(one, int)}
    return {one for one in found if one > 0}


def _passes(network: ForeignNetwork, borders: Borders) -> bool:
    try:
        return all(
            _is_periodic(network, borders, *shape) for shape in _shapes(network, borders.multiple or 1)
        )
    except (
        RuntimeError,
        ValueError,
        ArithmeticError,
        IndexError,
        AssertionError,
    ):  # it cannot take such sides
        return False


def _shapes(network: ForeignNetwork, multiple: int) -> Iterator[tuple[int, int]]:
    """Yield the heights and widths of the test pictures; large windows get fewer, for they take long."""
    least = max(_SMALL if multiple == 1 else multiple, network.minimum)
    unit = -(-least // multiple) * multiple
    for down, across in _SHAPES if unit < 16 else _SHAPES[::2]:
        yield down * unit, across * unit


def _is_periodic(network: ForeignNetwork, borders: Borders, height: int, width: int) -> bool:
    x = picture(height, width)
    for axes in _EVERY_WAY:
        once = run(network, x, axes, borders)
        allowed = TOLERANCE * float(once.std())
        if not _difference(run(network, repeated(x, axes), axes, borders), repeated(once, axes)) <= allowed:
            return False
        step = borders.multiple or 1
        shifts = [step if on else 0 for on in (axes.y, axes.x)]
        moved = run(network, x.roll(shifts, (2, 3)), axes, borders)
        expected = once.roll([shift * network.scale for shift in shifts], (2, 3))
        if not _difference(moved, expected) <= allowed:
            return False
    return True


def _levels(network: ForeignNetwork) -> float:
    """Return how far a repeated picture and the repeated result are apart, in levels."""
    borders = Borders(None)
    side = -(-max(16, network.minimum) // network.multiple) * network.multiple
    x = picture(side, side)
    axes = Axes(True, True)
    once = run(network, x, axes, borders).clamp(0, 1)
    return 255 * _difference(run(network, repeated(x, axes), axes, borders).clamp(0, 1), repeated(once, axes))


def picture(height: int, width: int) -> Tensor:
    """Return a fixed picture of noise on smooth colours, 1 x 3 x H x W in [0, 1]."""
    noise = torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(height * 4096 + width))
    down = torch.linspace(0, 1, height).view(1, 1, -1, 1)
    return (noise + down + torch.linspace(0, 1, width)) / 3


def repeated(x: Tensor, axes: Axes) -> Tensor:
    """Return pictures twice, one beside the other, along some axes."""
    return x.repeat(1, 1, 2 if axes.y else 1, 2 if axes.x else 1)


def _difference(one: Tensor, other: Tensor) -> float:
    """Return the largest difference; infinite where there are numbers that are none."""
    worst = float((one - other).abs().max())
    return worst if math.isfinite(worst) else math.inf


def _rounded(levels: float) -> float:
    """Round to two digits: the last ones differ from machine to machine."""
    return float(f"{levels:.2g}")
