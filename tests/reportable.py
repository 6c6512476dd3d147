"""Finished packs on disk, made without any network, for tests and measurements of reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from dumps import texture

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.analysis.survey import survey
from texpipe.imaging.image_files import save_png
from texpipe.manifest.file import read_manifest, write_manifest, write_run_info
from texpipe.manifest.schema import Entry, Manifest, ModelId, Output, RecipeId, summarise
from texpipe.passes.resample import repeat
from texpipe.read.decode import decode
from texpipe.recipe.schema import Recipe
from texpipe.texture import AlphaClass, Decisions, Edges, Metrics

NAMES = ("a.png", "b.png", "c.png")
SIDE, SCALE = 8, 4
PICTURES = 50
"""So many textures of a large pack are different."""


def finished_pack(
    folder: Path,
    *,
    names: Sequence[str] = NAMES,
    alpha: AlphaClass = "opaque",
    group: Sequence[str] = (),
    others: Sequence[Entry] = (),
    written: Callable[[str], Output] | None = None,
) -> Path:
    """Write sources to `folder`/dump and a pack of them to `folder`/out, which is returned.

    Args:
        folder: an empty folder.
        names: the textures, 8 x 8, every texel repeated 4 times; "c.png" is a duplicate of "a.png".
        alpha: of all of them.
        group: names that are pieces of one picture.
        others: more entries, without files.
        written: says what stands in the manifest for a name, instead of a PNG in `folder`/out/folder.
    """
    for number, name in enumerate(names):
        save_png(folder / "dump" / name, texture(0 if name == "c.png" else number, (SIDE, SIDE), alpha))

    def decided(entry: Entry) -> Entry:
        return replace(
            entry,
            alpha=alpha,
            edges=Edges("wrap", "mirror"),
            decided_by=Decisions("classify: a picture", "classify: alpha", "rule 1: wrap", "rule 1: mirror"),
            metrics=Metrics(1.0, 1.5, 2.0, 0.0),
            group="pieces" if entry.source in group else None,
            duplicate_of="a.png" if entry.source == "c.png" else None,
            outputs=(written(entry.source),) if written else entry.outputs,
        )

    return pack_of_dump(folder, change=decided, others=others)


def pack_of_dump(
    folder: Path,
    *,
    change: Callable[[Entry], Entry] = lambda entry: entry,
    others: Sequence[Entry] = (),
) -> Path:
    """Write a pack of `folder`/dump, every texel repeated 4 times, to `folder`/out, which is returned.

    Args:
        folder: has the dump.
        change: the manifest's entry of each texture as it would be -> as it is written.
        others: more entries, without files.
    """
    items = survey(folder / "dump", Recipe.default()).items
    return _write(folder, [*(change(_written(item, folder / "out")) for item in items), *others])


def large_pack(folder: Path, count: int) -> Path:
    """Write a pack of `count` textures with names of the usual length to `folder`/out, which is returned.

    A few pictures under many names, as no real dump has them, but with decisions and measures of their own.
    """
    few = [f"{number}.png" for number in range(PICTURES)]
    finished_pack(folder, names=few)
    first = read_manifest(folder / "out" / "manifest.json").textures
    rng = np.random.default_rng(0)
    entries = list(first)
    for number in range(PICTURES, count):
        like = first[number % PICTURES]
        name = f"scene{number % 7}/THE LEGEND OF ZELDA#{number:08X}#0#2_all.png"
        (folder / "dump" / name).parent.mkdir(exist_ok=True)
        (folder / "dump" / name).hardlink_to(folder / "dump" / like.source)
        seam, colour, alpha = rng.exponential(1, 3).tolist()
        step = f"classify: the step across the seam is {seam:.2f} of the mean step inside (0.93)"
        entries.append(
            replace(
                like,
                source=name,
                id={
                    "scheme": "gliden64",
                    "game": "THE LEGEND OF ZELDA",
                    "texels": "rgba16",
                    "crc": f"{number:08X}",
                },
                decided_by=Decisions("classify: a picture to upscale", "classify: alpha is 255", step, step),
                metrics=Metrics(seam, seam / 2, colour, alpha / 50),
            )
        )
    return _write(folder, entries)


def _write(folder: Path, textures: Sequence[Entry]) -> Path:
    recipe, model = RecipeId("test", "0" * 64), ModelId("tiny", "0" * 64, None)
    summary = summarise(textures, ignored=0)
    targets = dict.fromkeys(["folder", *(one.target for entry in textures for one in entry.outputs)])
    manifest = Manifest("0", recipe, model, SCALE, tuple(targets), tuple(textures), summary)
    write_manifest(folder / "out" / "manifest.json", manifest)
    write_run_info(folder / "out" / "run.json", {"input": str(folder / "dump")})
    return folder / "out"


def _written(item: SurveyedTexture, output: Path) -> Entry:
    """Write the result of a texture, and return its entry with it."""
    name = item.source.name
    path = PurePosixPath("folder", name if name.endswith(".png") else f"{name}.png")
    save_png(output / path, repeat(decode(item.source).rgba, SCALE))
    size = (item.size[0] * SCALE, item.size[1] * SCALE)
    return replace(item.entry(), outputs=(Output("folder", str(path), item.sha256, size),))
