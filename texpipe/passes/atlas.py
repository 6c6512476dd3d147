"""From an atlas to the passes of its cells, and back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from texpipe.passes import make_passes, nearest, pass_count, recombine
from texpipe.relations import Box
from texpipe.texture import Pass, Plan, Rgba8, RgbF


@dataclass(frozen=True)
class Cell:
    """A picture on a sheet: its rectangle and its plan."""

    box: Box
    plan: Plan

    def cut(self, sheet: Rgba8) -> Rgba8:
        """Return this picture."""
        return sheet[self.box.rows, self.box.columns]


@dataclass(frozen=True)
class Atlas:
    """A sheet and its cells.

    Attributes:
        cells: the pictures on the sheet; they do not overlap.
        base: plan of the sheet below them: nearest for flat gutters, upscale where there may be more between them.
        why: the reason why it is an atlas, in one line.
    """

    cells: tuple[Cell, ...]
    base: Plan
    why: str

    def __str__(self) -> str:
        return f"{len(self.cells)} cells {self.why}"

    def passes(self, sheet: Rgba8) -> tuple[Pass, ...]:
        """Return the passes of everything that the network upscales; see `passes.make_passes`."""
        return tuple(one for rgba, plan in self._upscaled(sheet) for one in make_passes(rgba, plan))

    def recombine(self, sheet: Rgba8, results: tuple[RgbF, ...], passes: tuple[Pass, ...]) -> Rgba8:
        """Make the enlarged sheet from the network's results for `passes`.

        Args:
            sheet: H x W x 4 uint8.
            results: sh x sw x 3 float32 each, in the order of the passes.
            passes: what `passes` returned.

        Returns:
            sH x sW x 4 uint8; each cell lies exactly `scale` times as far from the top left as in the source.
        """
        left = zip(passes, results, strict=True)
        scale = self.base.scale
        result = _enlarged(sheet, self.base, left).copy()
        for cell in self.cells:
            box = cell.box
            place = Box(box.x * scale, box.y * scale, box.width * scale, box.height * scale)
            result[place.rows, place.columns] = _enlarged(cell.cut(sheet), cell.plan, left)
        return result

    def _upscaled(self, sheet: Rgba8) -> Iterator[tuple[Rgba8, Plan]]:
        parts = [(sheet, self.base), *((cell.cut(sheet), cell.plan) for cell in self.cells)]
        return ((rgba, plan) for rgba, plan in parts if plan.action == "upscale")


def _enlarged(rgba: Rgba8, plan: Plan, left: Iterator[tuple[Pass, RgbF]]) -> Rgba8:
    """Enlarge one picture; its passes and their results are the next of those that are left."""
    if plan.action == "nearest":
        return nearest(rgba, plan)
    passes, results = zip(*islice(left, pass_count(rgba, plan)), strict=True)
    return recombine(rgba, plan, results, passes)
