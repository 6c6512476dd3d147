"""What texpipe says of the kinds of textures that its weights did not see: counts and bounds.

python benchmarks/kinds.py --games GAMES                  # the part "judged" of kind_labels.csv
python benchmarks/kinds.py --games GAMES --part checked   # games that were labelled after all was fixed
python benchmarks/kinds.py --games GAMES --sheet DIR      # also pictures of what it is sure of and wrong
"""

from __future__ import annotations

import argparse
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from kind_samples import Sample, samples
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from texpipe.classify.evidence import Seen
from texpipe.classify.kinds import guess_kinds
from texpipe.imaging.visible import premultiplied
from texpipe.texture import KINDS

CELL, COLUMNS = 96, 12
THING = "thing"
"""What a game shows as an icon in one place and as a sprite in another: it has a row, and no say in what is right."""


def main() -> None:
    """Make the samples, ask, print; write sheets of mistakes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--games", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--part", default="judged", choices=("fit", "tuned", "judged", "checked"))
    parser.add_argument("--sheet", type=Path, help="folder for pictures of mistakes")
    chosen = parser.parse_args()
    made = list(samples(chosen.games, chosen.part))
    said = [guess_kinds(Seen.of([premultiplied(one.rgba)]))[0].kind for one in made]
    show(made, said)
    if chosen.sheet is not None:
        chosen.sheet.mkdir(parents=True, exist_ok=True)
        for kind in KINDS:
            called = [one for one, name in zip(made, said, strict=True) if name == kind]
            wrong = [one for one in called if one.kind not in (kind, THING)]
            if wrong:
                sheet(wrong[: COLUMNS * 12]).save(chosen.sheet / f"called-{kind}.png")


def show(made: Sequence[Sample], said: Sequence[str | None]) -> None:
    """Print a row per true kind, then what is right of each word, with bounds, and what is wrong by source."""
    table = Counter((one.kind, word) for one, word in zip(made, said, strict=True))
    print("| it is \\ called |", " | ".join(KINDS), "| not sure | all |\n|" + " --- |" * (len(KINDS) + 3))
    for kind in (*KINDS, THING):
        counts = [table[kind, word] for word in (*KINDS, None)]
        print(f"| {kind} |", " | ".join(map(str, counts)), f"| {sum(counts)} |")
    for called in KINDS:
        named, right = sum(table[kind, called] for kind in KINDS), table[called, called]
        if named:
            low, high = bounds(right, named)
            found = right / max(sum(table[called, other] for other in (*KINDS, None)), 1)
            print(
                f"| {called} | {right} of {named} | {right / named:.1%} | {low:.1%} to {high:.1%} | {found:.1%} |"
            )
    wrong: dict[tuple[str, str, str | None], int] = defaultdict(int)
    for one, word in zip(made, said, strict=True):
        if word not in (None, one.kind) and one.kind != THING:
            wrong[one.source, one.kind, word] += 1
    for (source, kind, word), count in sorted(wrong.items(), key=lambda pair: -pair[1])[:30]:
        print(f"  {count} of {source}: {kind} called {word}")


def bounds(right: int, named: int) -> tuple[float, float]:
    """Return Wilson's interval for a share, at 95 %."""
    z = 1.96
    share = right / named
    spread = z * math.sqrt(share * (1 - share) / named + z * z / (4 * named * named))
    middle, scale = share + z * z / (2 * named), 1 + z * z / named
    return (middle - spread) / scale, (middle + spread) / scale


def sheet(some: Sequence[Sample]) -> Image.Image:
    """Lay pictures out over grey, enlarged by a whole factor, with their true kind and source."""
    page = Image.new("RGB", (COLUMNS * CELL, -(-len(some) // COLUMNS) * (CELL + 24)), (40, 40, 44))
    draw = ImageDraw.Draw(page)
    for number, one in enumerate(some):
        x, y = number % COLUMNS * CELL, number // COLUMNS * (CELL + 24)
        factor = max(1, (CELL - 4) // max(one.rgba.shape[:2]))
        shown: NDArray[np.uint8] = one.rgba.repeat(factor, 0).repeat(factor, 1)[: CELL - 4, : CELL - 4]
        picture = Image.new("RGBA", shown.shape[1::-1], (110, 60, 110, 255))
        picture.alpha_composite(Image.fromarray(np.ascontiguousarray(shown)))
        page.paste(picture.convert("RGB"), (x, y))
        draw.text((x, y + CELL - 2), f"{one.kind}\n{one.source[:15]}", (220, 220, 220))
    return page


if __name__ == "__main__":
    main()
