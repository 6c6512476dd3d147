"""What a budget costs: the textures that texpipe makes smaller against others that would save as much.

    python benchmarks/pack_budget.py DUMP [--share 0.5] [--sheet FILE]

runs a dump once at full scale, then with budgets that are shares of that, and prints for each: the pack's size, how
many textures are smaller, the mean loss in levels over all texels of the pack, and the same if the textures were made
smaller in the order of their size (largest or smallest first) or at random until the pack is as small. `--sheet` draws
those of the last budget that lost least and most: source, full, smaller.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from texpipe.imaging.image_files import decode
from texpipe.manifest.schema import Manifest
from texpipe.output import fitting as fitting_module
from texpipe.output.choice import Choice
from texpipe.output.result import RunResult
from texpipe.passes.resample import repeat
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.texture import Rgba8

SHARES = (0.8, 0.6, 0.4, 0.25)
MAGENTA = np.array([255, 0, 255], np.float32)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dump", type=Path)
    parser.add_argument("--model", default="texpipe-x4-preview")
    parser.add_argument("--share", type=float, action="append", help="Budget as a share of the full pack.")
    parser.add_argument("--sheet", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        recipe = Path(name) / "recipe.yaml"
        recipe.write_text(
            f"version: 1\nname: budget\ninput: {asked.dump.resolve()}\noutput: out\ntargets: [folder]\n"
            f"model: {asked.model}\n"
        )
        options = load_options(recipe, device="cpu")
        sets = watched_sets()
        whole = run_recipe(replace(options, recipe=options.recipe.model_copy(update={"budget": 10**12})))
        full = whole.fits[0].full
        print(f"{len(whole.manifest.textures)} textures, {full:,} bytes at full scale")
        print("| budget | pack | smaller | mean loss | largest first | smallest first | at random |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for share in asked.share or SHARES:
            limited = options.recipe.model_copy(update={"budget": int(share * full)})
            done = run_recipe(replace(options, recipe=limited))
            print_row(done, sets[-1], share)
            if asked.sheet:
                write_sheet(asked.sheet, asked.dump, done)


def watched_sets() -> list[tuple[tuple[Choice, ...], ...]]:
    """Keep the choices that each run has, to try others on them."""
    seen: list[tuple[tuple[Choice, ...], ...]] = []
    plain = fitting_module.least_lossy

    def watching(sets: Sequence[Sequence[Choice]], limit: int) -> list[Choice] | None:
        seen.append(tuple(tuple(choices) for choices in sets))
        return plain(sets, limit)

    fitting_module.least_lossy = watching
    return seen


def print_row(done: RunResult, sets: Sequence[Sequence[Choice]], share: float) -> None:
    """Print what a budget cost, and what other orders would."""
    fit = done.fits[0]
    texels = texels_of(done.manifest)
    lost = sum(one.levels * one.texels for one in fit.lost.values())
    by_size = sorted(range(len(sets)), key=lambda number: -sets[number][0].size)
    rng, orders = random.Random(0), [by_size, by_size[::-1]]
    orders += [rng.sample(by_size, len(by_size)) for _ in range(20)]
    others = [loss_in_order(sets, order, fit.budget) / texels for order in orders]
    counts = ", ".join(f"{count} at {scale}x" for scale, count in fit.by_scale().items())
    print(
        f"| {share:.0%} | {fit.size / fit.full:.1%} | {counts} | {lost / texels:.2f} | {others[0]:.2f} | "
        f"{others[1]:.2f} | {np.mean(others[2:]):.2f} |"
    )


def texels_of(manifest: Manifest) -> int:
    """Return the texels of all textures in the pack."""
    return sum(entry.size[0] * entry.size[1] for entry in manifest.textures if entry.size and entry.outputs)


def loss_in_order(sets: Sequence[Sequence[Choice]], order: Sequence[int], budget: int) -> float:
    """Return the loss if sets are made smaller in an order, all to a half and then all to a quarter, up to a budget."""
    at = [0] * len(sets)
    size = sum(choices[0].size for choices in sets)
    for step in range(1, max(map(len, sets))):
        for number in order:
            if size <= budget:
                break
            if step < len(sets[number]):
                size += sets[number][step].size - sets[number][at[number]].size
                at[number] = step
    return sum(choices[place].loss for choices, place in zip(sets, at, strict=True))


def write_sheet(file: Path, dump: Path, done: RunResult) -> None:
    """Draw the textures that lost least and most: source, full scale and smaller, each as large as the full one."""
    lost = sorted(done.fits[0].lost.items(), key=lambda pair: pair[1].levels)
    chosen = dict([*lost[:4], *lost[-4:]])
    smaller, full = pictures(done, chosen), pictures(run_at_full(done), chosen)
    rows = []
    for name, one in chosen.items():
        source, large = decode((dump / name).read_bytes(), name=name)[0], full[name]
        scale = large.shape[0] // source.shape[0]
        rows.append([repeat(source, scale), large, repeat(smaller[name], scale // one.scale)])
    width, height = (max(row[0].shape[axis] for row in rows) for axis in (1, 0))
    sheet = Image.new("RGB", (3 * width, len(rows) * height), tuple(MAGENTA.astype(int)))
    for y, row in enumerate(rows):
        for x, rgba in enumerate(row):
            alpha = rgba[..., 3:].astype(np.float32) / 255
            shown = rgba[..., :3] * alpha + MAGENTA * (1 - alpha)
            sheet.paste(Image.fromarray(shown.astype(np.uint8)), (x * width, y * height))
    sheet.save(file)


def run_at_full(done: RunResult) -> RunResult:
    """Write the pack again without a budget."""
    return run_recipe(load_options(done.output.parent / "recipe.yaml", output=done.output, device="cpu"))


def pictures(done: RunResult, names: Iterable[str]) -> dict[str, Rgba8]:
    """Return the pictures of some textures as they lie in a pack."""
    paths = {entry.source: entry.outputs[0].path for entry in done.manifest.textures if entry.outputs}
    return {name: decode((done.output / paths[name]).read_bytes(), name=name)[0] for name in names}


if __name__ == "__main__":
    main()
