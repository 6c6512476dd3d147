"""Comparison sheets: what the cells show, and what a pack must have for one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dumps import texture
from hypothesis import given
from hypothesis import strategies as st
from reportable import finished_pack, pack_of_dump

from texpipe.errors import PackError
from texpipe.imaging.image_files import encode_png, save_png
from texpipe.manifest.schema import Entry
from texpipe.passes.resample import repeat
from texpipe.read.decode import decode
from texpipe.report.sheet import (
    GAP,
    MAGENTA,
    MOST_PIXELS,
    MOST_TEXTURES,
    Sample,
    bicubic,
    cells,
    over,
    sheet_of_pack,
    tiled,
)
from texpipe.texture import EdgeMode, Edges, Metrics, Source

MODES: tuple[EdgeMode, ...] = ("wrap", "mirror", "clamp")
TEXEL_OF: dict[EdgeMode, Callable[[int, int], int]] = {
    "wrap": lambda at, size: at % size,
    "mirror": lambda at, size: min(at % (2 * size), 2 * size - 1 - at % (2 * size)),
    "clamp": lambda at, size: at,
}


@given(st.integers(1, 9), st.integers(1, 9), st.sampled_from(MODES), st.sampled_from(MODES))
def test_the_last_cell_shows_what_the_console_shows(
    width: int, height: int, x: EdgeMode, y: EdgeMode
) -> None:
    rgba = texture(3, (width, height))
    shown = tiled(rgba, Edges(x, y))
    left = 0 if x == "clamp" else width // 4
    top = 0 if y == "clamp" else height // 4
    assert shown.shape == (height + 2 * top, width + 2 * left, 4)
    for row in range(shown.shape[0]):
        for column in range(shown.shape[1]):
            texel = rgba[TEXEL_OF[y](row - top, height), TEXEL_OF[x](column - left, width)]
            assert (shown[row, column] == texel).all()


def test_a_mirrored_ramp_has_no_step() -> None:
    """A ramp that wraps jumps from its end to its start; mirrored it never does."""
    ramp = np.repeat(np.arange(16, dtype=np.uint8)[None, :, None], 4, axis=2) * 10
    steps = {
        mode: np.abs(np.diff(tiled(ramp, Edges(mode))[..., 0].astype(int))).max()
        for mode in ("wrap", "mirror")
    }
    assert steps == {"wrap": 150, "mirror": 10}


def test_the_cells_of_a_row() -> None:
    source = texture(1, alpha="binary")
    result = repeat(source, 4)
    shown = cells(Sample(source, result, Edges("wrap", "clamp")))
    assert [cell.shape for cell in shown] == [(32, 32, 3)] * 4 + [(32, 48, 3)]
    hidden = result[..., 3] == 0
    assert hidden.any()
    assert (shown[2][hidden] == MAGENTA).all()
    assert (shown[3][hidden] == 0).all()
    assert (shown[2][~hidden] == result[~hidden][:, :3]).all()
    assert (shown[4][:, 8:-8] == shown[2]).all()


def test_bicubic_takes_no_colour_from_hidden_texels() -> None:
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[...] = (0, 255, 0, 0)
    rgba[:, :2] = (200, 0, 0, 255)
    grown = bicubic(rgba, 4)
    assert grown.shape == (16, 16, 4)
    assert grown[grown[..., 3] > 0, 1].max() == 0


def test_half_alpha_mixes_with_the_backdrop() -> None:
    rgba = np.array([[[200, 100, 0, 51]]], np.uint8)  # one fifth
    assert over(rgba, (0, 0, 100)).tolist() == [[[40, 20, 80]]]


@pytest.mark.parametrize("size", [(20, 16), (4, 4), (18, 18)])
def test_a_sample_of_another_size_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="not a whole multiple of 8x8"):
        Sample(texture(0), texture(0, size), Edges())


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A finished pack of two textures, a duplicate and one that was left out."""
    return finished_pack(tmp_path, others=[Entry("d.png", "skipped", reason="rule 1: skip")])


def test_the_sheet_of_a_pack(pack: Path) -> None:
    target = pack / "report" / "sheet.png"
    assert sheet_of_pack(pack, target) == (2, 2)
    page = decode(Source("sheet.png", target)).rgba
    row = 4 * 32 + 48 + 4 * GAP
    assert page.shape == (48, 2 * row + 2 * GAP, 4)
    assert sheet_of_pack(pack, target, width=row) == (2, 2)
    assert decode(Source("sheet.png", target)).rgba.shape == (2 * 48 + 2 * GAP, row, 4)


def test_a_sheet_of_a_whole_pack_fits_on_a_page_and_has_the_worst(tmp_path: Path) -> None:
    sizes = [(8, 8), (16, 8), (64, 64), (200, 30), (256, 256)]
    for number in range(60):
        save_png(tmp_path / "dump" / f"{number:02}.png", texture(number, sizes[number % 5]))

    def worse(entry: Entry) -> Entry:
        bad = entry.source in ("10.png", "31.png")
        return replace(
            entry, edges=Edges("wrap", "wrap"), metrics=Metrics(9.0 if bad else 1.0, 1.0, 0.0, 0.0)
        )

    output = pack_of_dump(tmp_path, change=worse)
    target = tmp_path / "sheet.png"
    shown, of = sheet_of_pack(output, target)
    assert (of, shown > 10, shown <= MOST_TEXTURES) == (60, True, True)
    page = decode(Source("sheet.png", target)).rgba
    assert max(page.shape) <= MOST_PIXELS
    for name in ("10.png", "31.png"):
        result = decode(Source(name, output / "folder" / name)).rgba[..., :3]
        corner = np.lib.stride_tricks.sliding_window_view(page[..., :3], (4, 32, 3))[:, :, 0]
        assert (corner == result[:4, :32]).all(axis=(2, 3, 4)).any(), name
    assert sheet_of_pack(output, target, names=["04.png"]) == (1, 1)
    assert decode(Source("sheet.png", target)).rgba.shape[1] > MOST_PIXELS, "named, it is as large as it is"


def test_a_texture_that_is_larger_than_a_sheet_is_reduced(tmp_path: Path) -> None:
    save_png(tmp_path / "dump" / "a.png", texture(1, (256, 64)))
    assert sheet_of_pack(pack_of_dump(tmp_path), tmp_path / "sheet.png") == (1, 1)
    assert max(decode(Source("sheet.png", tmp_path / "sheet.png")).rgba.shape) <= MOST_PIXELS


def test_named_textures_alone_even_duplicates(pack: Path) -> None:
    target = pack / "sheet.png"
    assert sheet_of_pack(pack, target, names=["c.png"]) == (1, 1)
    with pytest.raises(PackError, match=r"no texture 'x\.png', 'y\.png'"):
        sheet_of_pack(pack, target, names=["a.png", "x.png", "y.png", "x.png"])
    with pytest.raises(PackError, match=r"'d\.png': skipped, rule 1: skip"):
        sheet_of_pack(pack, target, names=["d.png"])


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"input": null}', "\xff"])
def test_a_torn_run_json(pack: Path, text: str) -> None:
    (pack / "run.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(PackError, match=r"run\.json is damaged") as caught:
        sheet_of_pack(pack, pack / "sheet.png")
    assert caught.value.hint


def test_a_missing_run_json(pack: Path) -> None:
    (pack / "run.json").unlink()
    with pytest.raises(PackError, match=r"cannot read .*run\.json"):
        sheet_of_pack(pack, pack / "sheet.png")


def test_the_input_is_gone(pack: Path) -> None:
    root = Path(json.loads((pack / "run.json").read_text())["input"])
    root.rename(root.with_name("moved"))
    with pytest.raises(PackError, match="are gone"):
        sheet_of_pack(pack, pack / "sheet.png")


@pytest.mark.parametrize("change", ["other pixels", "other size", "no picture", "gone"])
def test_sources_that_are_not_as_they_were_are_left_out(
    pack: Path, change: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = pack.parent / "dump" / "a.png"
    match change:
        case "other pixels":
            source.write_bytes(encode_png(texture(9)))
        case "other size":
            source.write_bytes(encode_png(texture(0, (5, 8))))
        case "no picture":
            source.write_bytes(b"")
        case _:
            source.unlink()
    assert sheet_of_pack(pack, pack / "sheet.png") == (1, 2)
    assert "a.png is left out" in caplog.text


def test_results_that_do_not_fit_are_left_out(pack: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_png(pack / "folder" / "a.png", texture(0, (20, 20)))
    assert sheet_of_pack(pack, pack / "sheet.png") == (1, 2)
    assert "a.png is left out: 20x20 is not a whole multiple of 8x8" in caplog.text


def test_a_result_that_is_gone(pack: Path) -> None:
    (pack / "folder" / "b.png").unlink()
    with pytest.raises(PackError, match=r"cannot read .*b\.png"):
        sheet_of_pack(pack, pack / "sheet.png")
