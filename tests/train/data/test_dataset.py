"""Folders and shards of modern textures, and the pairs of crops made of them."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from degradations import BICUBIC
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from texpipe.errors import SourceError
from texpipe.texture import Edges
from texpipe.train.data.collection import Collection, TrainingPicture, bleed, collect, tiling_of
from texpipe.train.data.dataset import TextureCrops, fit, held_out_pair, jitter, sharpness, working_size
from texpipe.train.data.degradation import Degradation
from texpipe.train.schema import Data

STILL = Data(
    crop=8, grey_chance=0, alpha_chance=0, jitter_chance=0, darken_chance=0, flips=False, min_sharpness=0
)


def noise(seed: int = 0, size: tuple[int, int] = (32, 32), channels: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size[1], size[0], channels), np.uint8)


def encoded(pixels: np.ndarray, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, form, **options)
    return buffer.getvalue()


def one(pixels: np.ndarray, edges: Edges | None = None) -> Collection:
    rgba = pixels if pixels.shape[2] == 4 else np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])
    return Collection((TrainingPicture("a.png", edges or Edges()),), (), (), {"a.png": lambda: rgba})


def shard(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def test_folders_are_read_whole_in_all_formats(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    forms = {"a.png": "PNG", "sub/b.jpg": "JPEG", "c.webp": "WEBP", "d.tga": "TGA", "e.dds": "DDS"}
    for i, (name, form) in enumerate(forms.items()):
        (tmp_path / name).write_bytes(encoded(noise(i), form))
    (tmp_path / "readme.txt").write_text("no picture")
    assert [picture.name for picture in collect(tmp_path).pictures] == sorted(forms)


def test_linked_folders_are_read_once_whatever_they_lead_to(tmp_path: Path) -> None:
    root, drive = tmp_path / "textures", tmp_path / "drive"
    for number, path in enumerate([root / "z/a.png", drive / "b.png", drive / "below/c.png"]):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(noise(number)))
    shard(drive / "d.tar", {"e.png": encoded(noise(3)), "index.csv": b"file,package\ne.png,made\n"})
    (root / "more").symlink_to(drive)
    (root / "again").symlink_to(drive / "below")
    (root / "first").symlink_to("z")
    (root / "z/up").symlink_to(root)
    (drive / "below/back").symlink_to(root)
    (root / "f.png").symlink_to(drive / "b.png")
    found = collect(root, distinct=False)
    names = ["again/c.png", "f.png", "more/b.png", "more/d/e.png", "z/a.png"]
    assert [one.name for one in found.pictures] == names
    assert found.sources == ("made (?): 1",)


def test_a_link_to_what_is_missing_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.png").write_bytes(encoded(noise()))
    (tmp_path / "more").symlink_to(tmp_path / "not mounted")
    assert len(collect(tmp_path).pictures) == 1
    assert f"{tmp_path / 'more'} is a link to what is missing" in caplog.text


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    listing = os.scandir

    def refuse(folder: str) -> object:
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", folder)
        return listing(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(SourceError, match="closed cannot be listed: Permission denied"):
        collect(tmp_path)


def test_damaged_small_invisible_and_double_files_are_left_out(tmp_path: Path) -> None:
    good = encoded(noise())
    (tmp_path / "a.png").write_bytes(good)
    (tmp_path / "b.png").write_bytes(good)
    (tmp_path / "c.png").write_bytes(good[:200])
    (tmp_path / "d.png").write_bytes(encoded(noise(size=(4, 4))))
    (tmp_path / "e.png").write_bytes(encoded(np.zeros((16, 16, 4), np.uint8)))
    (tmp_path / "f.jpg").write_bytes(b"not a jpeg")
    found = collect(tmp_path)
    assert [picture.name for picture in found.pictures] == ["a.png"]
    reasons = {skipped.name: skipped.reason for skipped in found.skipped}
    assert reasons.keys() == {"b.png", "c.png", "d.png", "e.png", "f.jpg"}
    assert "a.png" in reasons["b.png"]


def test_a_missing_or_empty_folder_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        collect(tmp_path)
    assert caught.value.hint
    with pytest.raises(SourceError, match="no folder"):
        collect(tmp_path / "nowhere")
    (tmp_path / "x.tar").write_bytes(b"no tar")
    with pytest.raises(SourceError, match=r"x\.tar"):
        collect(tmp_path)


def test_a_shard_has_alpha_planes_tile_flags_and_sources(tmp_path: Path) -> None:
    alpha = noise(9, channels=3)[..., 0]
    rows = (
        "file,package,licence,mode",
        "x/a.jpg,pack 1,CC0,whole:both",
        "x/b.jpg,pack 1,CC0,whole:x",
        "x/c.jpg,pack 2,MIT,crop",
    )
    index = "\n".join(rows)
    files = {f"x/{name}.jpg": encoded(noise(i), "JPEG") for i, name in enumerate("abc")}
    path = shard(tmp_path / "s.tar", files | {"x/a.a.png": encoded(alpha), "index.csv": index.encode()})
    for root in (path, tmp_path):
        found = collect(root)
        assert [p.edges for p in found.pictures] == [Edges("wrap", "wrap"), Edges("wrap", "clamp"), Edges()]
        assert np.array_equal(found.load(found.pictures[0])[..., 3], alpha)
        assert found.sources == ("pack 1 (CC0): 2", "pack 2 (MIT): 1")


def test_a_compressed_shard_says_what_to_do(tmp_path: Path) -> None:
    path = shard(tmp_path / "s.tar", {"a.png": encoded(noise())})
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(SourceError, match="not a readable tar file") as caught:
        collect(path)
    assert "unpack" in str(caught.value.hint)


def test_the_split_depends_on_names_alone() -> None:
    names = [f"{i}.png" for i in range(400)]
    whole = Collection(tuple(TrainingPicture(n, Edges()) for n in names), (), (), {})
    half = Collection(tuple(TrainingPicture(n, Edges()) for n in names[::2]), (), (), {})
    training, held = whole.split(0.1)
    assert set(training).isdisjoint(held)
    assert 20 <= len(held) <= 60
    assert set(half.split(0.1)[1]) == set(held) & set(half.pictures)


@pytest.mark.parametrize(("count", "held_out"), [(2, 1), (6, 1), (10, 2), (25, 5), (50, 8)])
def test_small_folders_hold_out_textures_that_are_not_trained_on(count: int, held_out: int) -> None:
    pictures = tuple(TrainingPicture(f"{i}.png", Edges()) for i in range(count))
    training, held = Collection(pictures, (), (), {}).split(0.0)
    assert (len(held), len(training)) == (held_out, count - held_out)
    assert set(training) | set(held) == set(pictures)
    trained, rest = Collection(pictures, (), (), {}).split(0.999)
    assert trained
    assert rest


def test_a_single_texture_is_trained_and_judged_on() -> None:
    single = one(noise())
    assert single.split(0.05) == (single.pictures, single.pictures)


def test_tiling_is_seen_per_axis() -> None:
    waves = (127 + 120 * np.sin(np.arange(64) * 2 * np.pi / 64))[None, :, None]
    slope = np.arange(64)[:, None, None] * 2
    picture = np.broadcast_to((waves + slope) / 2, (64, 64, 4)).astype(np.uint8)
    assert tiling_of(picture) == Edges(x="wrap", y="clamp")


def test_colour_bleeds_under_alpha_and_visible_pixels_stay() -> None:
    rgba = noise(channels=4)
    rgba[..., 3] = np.where(rgba[..., 3] > 128, 255, 0)
    result, visible = bleed(rgba), rgba[..., 3] > 0
    assert np.array_equal(result[visible], rgba[visible][:, :3])
    colours = {tuple(colour) for colour in rgba[visible][:, :3]}
    assert {tuple(colour) for colour in result[~visible]} <= colours


@settings(max_examples=30, deadline=None)
@given(st.integers(8, 40), st.integers(8, 40), st.sampled_from(["wrap", "clamp"]), st.integers(1, 10))
def test_every_size_becomes_a_crop(width: int, height: int, mode: str, crop: int) -> None:
    data = STILL.model_copy(update={"crop": max(crop, 4)})
    crops = TextureCrops(
        one(noise(size=(width, height)), Edges(mode, mode)),
        (TrainingPicture("a.png", Edges(mode, mode)),),
        data,
        BICUBIC,
        0,
    )
    lr, hr = crops[0]
    assert lr.shape == (3, data.crop, data.crop)
    assert hr.shape == (3, 4 * data.crop, 4 * data.crop)
    assert 0 <= float(lr.min()) <= float(lr.max()) <= 1


def test_small_wrapping_textures_are_repeated_and_others_mirrored() -> None:
    picture = noise(size=(8, 8))
    repeated, edges = fit(picture, Edges("wrap", "clamp"), 16, 4)
    assert np.array_equal(repeated[:8], np.tile(picture, (1, 2, 1)))
    assert np.array_equal(repeated[8:, :8], picture[::-1])
    assert edges == Edges("clamp", "clamp")


def test_pair_n_is_a_function_of_seed_and_n() -> None:
    collection, data = one(noise(size=(64, 64))), Data(crop=8)
    a = TextureCrops(collection, collection.pictures, data, Degradation(), 1)
    b = TextureCrops(collection, collection.pictures, data, Degradation(), 1)
    other = TextureCrops(collection, collection.pictures, data, Degradation(), 2)
    for n in (5, 0, 3):
        assert all(x.equal(y) for x, y in zip(a[n], b[n], strict=True))
        assert not a[n][1].equal(other[n][1])
    assert not a[0][1].equal(a[1][1])


def test_the_low_resolution_crop_lies_where_the_high_one_does() -> None:
    crops = TextureCrops(
        one(noise(size=(64, 64)), Edges("wrap", "wrap")),
        (TrainingPicture("a.png", Edges("wrap", "wrap")),),
        STILL,
        Degradation(**(BICUBIC.model_dump() | {"reductions": {"box": 1}})),
        0,
    )
    for n in range(5):
        lr, hr = (side.numpy() for side in crops[n])
        assert np.abs(hr.reshape(3, 8, 4, 8, 4).mean(axis=(2, 4)) - lr).max() <= 0.51 / 255


def test_flat_crops_are_drawn_again() -> None:
    half = noise(size=(256, 64))
    half[:, :200] = 77
    crops = TextureCrops(
        one(half),
        (TrainingPicture("a.png", Edges()),),
        STILL.model_copy(update={"min_sharpness": 0.05}),
        BICUBIC,
        0,
    )
    sharp = [sharpness(crops[n][1].numpy().transpose(1, 2, 0)) > 0.05 for n in range(20)]
    blunt = TextureCrops(one(half), (TrainingPicture("a.png", Edges()),), STILL, BICUBIC, 0)
    chance = [sharpness(blunt[n][1].numpy().transpose(1, 2, 0)) > 0.05 for n in range(20)]
    assert sum(sharp) > sum(chance) + 5


def test_jitter_makes_grey_and_darkens() -> None:
    picture = noise().astype(np.float32) / 255
    rng = np.random.default_rng(0)
    grey = jitter(picture, STILL.model_copy(update={"grey_chance": 1.0}), rng)
    assert np.array_equal(grey[..., 0], grey[..., 2])
    dark = jitter(picture, STILL.model_copy(update={"darken_chance": 1.0}), rng)
    assert dark.mean() < 0.85 * picture.mean()
    assert np.array_equal(jitter(picture, STILL, rng), picture)


def test_alpha_planes_are_also_pictures() -> None:
    rgba = noise(channels=4)
    crops = TextureCrops(
        one(rgba),
        (TrainingPicture("a.png", Edges()),),
        STILL.model_copy(update={"alpha_chance": 1.0}),
        BICUBIC,
        0,
    )
    hr = crops[0][1].numpy()
    assert np.array_equal(hr[0], hr[1])
    assert np.array_equal(np.sort((hr[0] * 255).round().ravel()), np.sort(rgba[..., 3].ravel()))


def test_large_pictures_are_reduced_whole_or_cut() -> None:
    big, wrap = noise(size=(640, 1280)), Edges("wrap", "wrap")
    seen = [working_size(big, wrap, np.random.default_rng(i)) for i in range(12)]
    whole = [picture for picture, edges in seen if edges == wrap]
    cut = [picture for picture, edges in seen if edges != wrap]
    assert whole
    assert cut
    assert all(
        256 <= max(picture.shape) <= 512 and picture.shape[0] // picture.shape[1] in (1, 2)
        for picture in whole
    )
    assert all(picture.shape == (256, 256, 3) for picture in cut)


def test_held_out_pairs_depend_on_name_and_seed() -> None:
    collection = one(noise(size=(70, 40)))
    a = held_out_pair(collection, collection.pictures[0], Degradation(), 0, 32)
    b = held_out_pair(collection, collection.pictures[0], Degradation(), 0, 32)
    assert np.array_equal(a.lr, b.lr)
    assert a.hr.shape == (32, 32, 3)
    assert a.lr.shape == (8, 8, 3)
