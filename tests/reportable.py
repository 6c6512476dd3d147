"""Finished packs on disk, made without any network, for tests of reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dumps import texture

from texpipe.formats import parse_name
from texpipe.manifest import (
    Entry,
    Manifest,
    ModelId,
    Output,
    RecipeId,
    summarise,
    write_manifest,
    write_run_info,
)
from texpipe.passes.resample import repeat
from texpipe.pixels import save_png
from texpipe.read.decode import decode
from texpipe.texture import AlphaClass, Decisions, Edges, Metrics, Source

NAMES = ("a.png", "b.png", "c.png")
SIDE, SCALE = 8, 4


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
    root, output = folder / "dump", folder / "out"
    entries = []
    for number, name in enumerate(names):
        rgba = texture(0 if name == "c.png" else number, (SIDE, SIDE), alpha)
        save_png(root / name, rgba)
        save_png(output / "folder" / name, repeat(rgba, SCALE))
        file = Output("folder", f"folder/{name}", f"{number:064d}", (SIDE * SCALE, SIDE * SCALE))
        entries.append(replace(_entry(root, name, alpha), outputs=(written(name) if written else file,)))
    entries = [replace(one, group="pieces") if one.source in group else one for one in entries]
    entries = [replace(one, duplicate_of="a.png") if one.source == "c.png" else one for one in entries]
    textures = (*entries, *others)
    recipe, model = RecipeId("test", "0" * 64), ModelId("tiny", "0" * 64, None)
    summary = summarise(textures, ignored=0)
    manifest = Manifest("0", recipe, model, SCALE, ("folder",), textures, summary)
    write_manifest(output / "manifest.json", manifest)
    write_run_info(output / "run.json", {"input": str(root)})
    return output


def _entry(root: Path, name: str, alpha: AlphaClass) -> Entry:
    parsed = parse_name(name)
    return Entry(
        name,
        "written",
        decode(Source(name, root / name)).sha256,
        (SIDE, SIDE),
        id=parsed.as_json() if parsed else None,
        alpha=alpha,
        edges=Edges("wrap", "mirror"),
        decided_by=Decisions("classify: a picture", "classify: alpha", "rule 1: wrap", "rule 1: mirror"),
        metrics=Metrics(1.0, 1.5, 2.0, 0.0),
    )
