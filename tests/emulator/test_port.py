"""A pack that was ported around the emulators and back is drawn by the real one, pixel by pixel.

The cartridge's textures as the Rice plugin dumps them, as RT64 would, and as an archive of Ship of Harkinian has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from o2r_files import resources, write_archive
from packs import noise
from rt64_dumps import write_rt64

from emulator.mupen64plus import Emulator
from emulator.scene import GAME, PACK_SCALE, SCENE, Drawn, painted
from texpipe.formats import TARGETS
from texpipe.imaging.image_files import encode_png, save_png
from texpipe.imaging.texel_formats import quantise
from texpipe.texture import Rgba8
from texpipe.upkeep.any_pack import open_pack
from texpipe.upkeep.port import Port, Wish, port

pytestmark = pytest.mark.slow


def painted_over(drawn: Drawn, seed: int) -> Rgba8:
    """A picture that nobody would take for the texture: stripes and noise under the texture's own alpha."""
    width, height = (side * PACK_SCALE for side in drawn.size)
    colours = noise((width, height), seed)[..., :3] // 2 + 64
    colours[:, np.arange(width) // 8 % 2 == seed % 2] //= 2
    alpha = drawn.decoded[..., 3].repeat(PACK_SCALE, 0).repeat(PACK_SCALE, 1)
    return np.dstack([colours, alpha]).astype(np.uint8)


def near(drawn: Drawn) -> Rgba8:
    """The texture with one step of one channel in one texel."""
    other = drawn.decoded.copy()
    red = int(other[0, 0, 0])
    other[0, 0, 0] = red + 8 if red < 128 else red - 8
    other = quantise(other, drawn.texels)
    assert (other != drawn.decoded).any(axis=-1).sum() == 1
    return other


@dataclass(frozen=True)
class Circle:
    pictures: dict[str, Rgba8]
    ports: tuple[Port, ...]
    planted: str
    rice: Path


@pytest.fixture(scope="module")
def circle(dumped: tuple[Rgba8, Path], tmp_path_factory: pytest.TempPathFactory) -> Circle:
    root = tmp_path_factory.mktemp("circle")
    (root / "pack" / GAME).mkdir(parents=True)
    pictures = {drawn.name: painted_over(drawn, number) for number, drawn in enumerate(SCENE)}
    for name, rgba in pictures.items():
        (root / "pack" / GAME / name).write_bytes(encode_png(rgba))
    entries: dict[str, bytes] = {}
    for number, drawn in enumerate(SCENE):
        write_rt64(root / "rt64", drawn.texels, drawn.decoded)
        entries |= resources(drawn.texels, drawn.decoded, f"Scene{number}")
    planted = write_rt64(root / "rt64", SCENE[0].texels, near(SCENE[0]))
    archive = write_archive(root / "game.o2r", entries)
    rice = dumped[1]
    steps: Sequence[tuple[str, Path, Path, str]] = (
        ("pack", rice, root / "rt64", "to-rt64"),
        ("to-rt64", root / "rt64", archive, "to-soh"),
        ("to-soh", archive, rice, "to-rice"),
    )
    ports = tuple(
        port(
            open_pack(root / pack),
            [old],
            [new],
            root / made,
            Wish(target="rice" if made == "to-rice" else None),
        )
        for pack, old, new, made in steps
    )
    return Circle(pictures, ports, planted, root / "to-rice" / "rice")


def test_nothing_is_lost_and_the_near_duplicate_is_not_matched(circle: Circle):
    for made, target in zip(circle.ports, ("rt64", "soh", "rice"), strict=True):
        assert (made.target, len(made.ported), dict(made.lost), made.problems) == (target, len(SCENE), {}, ())
        assert {one.how for one in made.ported} == {"exact"}
    to_rt64 = circle.ports[0]
    assert [Path(name).name.partition(".")[0] for name in to_rt64.missing] == [circle.planted]


def test_the_pack_has_its_pixels_and_names_that_the_plugin_takes(circle: Circle):
    files = {Path(one.entry.name).name: one for one in open_pack(circle.rice).textures}
    assert files.keys() == circle.pictures.keys()
    by_name = {drawn.name: drawn for drawn in SCENE}
    for name, one in files.items():
        rgba = one.entry.pixels()
        assert (rgba == circle.pictures[name]).all()
        size = rgba.shape[1], rgba.shape[0]
        assert not TARGETS["rice"].problems(Path(one.entry.name), by_name[name].size, size, PACK_SCALE)


def test_the_emulator_draws_the_ported_pack(emulator: Emulator, dumped: tuple[Rgba8, Path], circle: Circle):
    shot = emulator.show(circle.rice, "ported")
    # To be looked at: pytest --basetemp FOLDER keeps it.
    save_png(emulator.scratch / "ported.png", np.hstack([dumped[0], shot]))
    for drawn in SCENE:
        shown = shot[drawn.on_shot][..., :3].astype(float)
        assert np.abs(shown - painted(drawn, circle.pictures[drawn.name])).max() <= 1, drawn.label
