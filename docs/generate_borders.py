"""Writes the table of architectures and their borders into docs/models.md: measured, from tiny random networks.

python docs/generate_borders.py            # needs the package spandrel
python docs/generate_borders.py --check    # fails if the page has another table
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch  # noqa: TID253

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from zoo import ZOO, descriptor_of, weights  # noqa: E402

from texpipe.networks import borders, bridge, certificate  # noqa: E402
from texpipe.networks.foreign_facts import Borders  # noqa: E402
from texpipe.texture import Axes  # noqa: E402

PAGE = ROOT / "docs" / "models.md"
START, END = "<!-- borders: start -->\n", "<!-- borders: end -->\n"
HEAD = "| architecture | borders | f(T x) - T f(x) | difference from spandrel |\n| --- | --- | --- | --- |\n"


def rows() -> Iterator[str]:
    """Yield a line of the table for each architecture."""
    for name in ZOO:
        network = bridge.build(weights(name))
        found = certificate.certify(network)
        yield f"| {name} | {words(found)} | {periodic(network, found)} | {from_spandrel(name, network)} |\n"


def words(found: Borders) -> str:
    """Say the class of a network."""
    if found.multiple is None:
        return "approximate"
    return "exact at any size" if found.multiple == 1 else f"exact at multiples of {found.multiple}"


def periodic(network: bridge.ForeignNetwork, found: Borders) -> str:
    """Measure the certificate once more, as a share of the spread of the result, rounded up to a power of ten."""
    side = -(-max(24, network.minimum) // (found.multiple or 8)) * (found.multiple or 8)
    axes = Axes(True, True)
    with torch.inference_mode():
        x = certificate.picture(side, side)
        once = borders.run(network, x, axes, found)
        twice = borders.run(network, certificate.repeated(x, axes), axes, found)
    return power(float((twice - certificate.repeated(once, axes)).abs().max() / once.std()))


def from_spandrel(name: str, network: bridge.ForeignNetwork) -> str:
    """Compare clamped results with those of spandrel's own call."""
    descriptor: Any = descriptor_of(name)
    with torch.inference_mode():
        x = certificate.picture(48, 40)
        found = borders.run(network, x, Axes(), Borders(1)).clamp(0, 1)
        return power(float((found - descriptor(x.clone())).abs().max()))


def power(value: float) -> str:
    """Round up to a power of ten: the digits differ from machine to machine."""
    if value == 0:
        return "0"
    exponent = -20
    while 10.0**exponent < value:
        exponent += 1
    return f"< 1e{exponent}"


def main() -> None:
    """Write the table, or check it."""
    torch.set_num_threads(1)
    table = "".join(rows())
    page = PAGE.read_text("utf-8")
    before, rest = page.split(START)
    _, after = rest.split(END)
    written = before + START + HEAD + table + END + after
    if "--check" in sys.argv and written != page:
        sys.exit("docs/models.md has another table: python docs/generate_borders.py")
    PAGE.write_text(written, "utf-8")


if __name__ == "__main__":
    main()
