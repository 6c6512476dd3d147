"""A workshop on a small dump, as the page reaches it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dumps import dump, texture
from studio_page import RECIPE, Page, name_of

from texpipe.imaging.image_files import encode_png
from texpipe.studio.workshop import Workshop


@pytest.fixture
def folder(tmp_path: Path, tiny_model: Path) -> Path:
    """Seven textures of 8 x 8 in the root, two of 16 x 16 in a folder, a model and a recipe with comments."""
    dump(tmp_path / "dump", 7)
    (tmp_path / "dump" / "hud").mkdir()
    for number in (7, 8):
        picture = np.ascontiguousarray(texture(number, (16, 16)))
        (tmp_path / "dump" / "hud" / name_of(number)).write_bytes(encode_png(picture))
    shutil.copy(tiny_model, tmp_path / "tiny.safetensors")
    (tmp_path / "mine.yaml").write_text(RECIPE)
    return tmp_path


@pytest.fixture
def page(folder: Path) -> Iterator[Page]:
    workshop = Workshop(folder / "mine.yaml", device="cpu")
    yield Page(workshop)
    workshop.run.close()
