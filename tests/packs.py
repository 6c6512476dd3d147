"""Finished textures and manifests for tests of pack formats."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from texpipe.formats.contract import Picture
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import write_manifest
from texpipe.manifest.schema import Entry, Manifest, ModelId, RecipeId, Summary
from texpipe.packs.pack import Pack
from texpipe.texture import Edges, Rgba8, Source


def finished(source: Source, rgba: Rgba8, scale: int, edges: Edges | None = None) -> Picture:
    """A texture as the pipeline hands it to a format: `rgba` is the result, `scale` times its source."""
    png = encode_png(rgba)
    size = (rgba.shape[1], rgba.shape[0])
    digest = hashlib.sha256(png).hexdigest()
    return Picture(source, scale, size, digest, partial(bytes, png), edges or Edges())


def noise(size: tuple[int, int], seed: int = 0) -> Rgba8:
    """W x H opaque texels of seeded noise."""
    rng = np.random.default_rng(seed)
    rgba = rng.integers(0, 256, (size[1], size[0], 4)).astype(np.uint8)
    rgba[..., 3] = 255
    return rgba


def in_manifest(output: Path, packs: dict[str, Pack], pictures: Sequence[Picture]) -> None:
    """Write the manifest of packs by target name, so that `verify_pack` can look at them."""
    entries = [
        Entry(
            picture.source.name,
            "written",
            size=picture.source_size,
            outputs=tuple(
                one for pack in packs.values() for one in pack.outputs.get(picture.source.name, ())
            ),
        )
        for picture in pictures
    ]
    files = tuple(file for pack in packs.values() for file in pack.files)
    manifest = Manifest(
        "0",
        RecipeId("r", ""),
        ModelId("m", "", None),
        pictures[0].scale,
        tuple(packs),
        tuple(entries),
        Summary(),
        files,
    )
    write_manifest(output / "manifest.json", manifest)
