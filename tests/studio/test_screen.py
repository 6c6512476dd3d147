"""What I see here: a screenshot of the pack that shows numbers becomes the list of the textures on it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from dumps import texture
from PIL import Image
from studio_page import Page, name_of, screen_with

from texpipe.imaging.image_files import encode_png
from texpipe.live import probe_pack
from texpipe.live.probe_pack import look, probe_output
from texpipe.probe.numbers import read_numbers, write_numbers
from texpipe.studio import guard


def numbered(page: Page) -> None:
    """Give the textures numbers, as the pack of `texpipe probe` has them."""
    write_numbers(probe_output(page.workshop.options), page.textures()["name"])


def screenshot(page: Page, *names: str) -> bytes:
    return screen_with(read_numbers(probe_output(page.workshop.options)), *names)


def read(page: Page, data: bytes, status: int = 200) -> dict[str, dict[str, float]]:
    answer = page.ask("PUT", "/api/screen", content=data)
    assert answer.status == status, answer.content
    return answer.json()


def test_the_textures_on_the_screen_are_named_by_their_share(page: Page, tmp_path: Path) -> None:
    numbered(page)
    shown = [f"hud/{name_of(7)}", name_of(2)]
    png = screenshot(page, *shown)
    seen = read(page, png)
    assert list(seen["shares"]) == shown
    assert 0.8 < seen["shares"][shown[0]] / (128 * 128 / (360 * 480)) < 1.2
    (tmp_path / "shot.png").write_bytes(png)
    known = read_numbers(probe_output(page.workshop.options))
    assert look([tmp_path / "shot.png"], known).shares == seen["shares"], "as `texpipe probe --read` says"
    jpeg = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").save(jpeg, "JPEG", quality=95)
    assert list(read(page, jpeg.getvalue())["shares"]) == shown


def test_a_picture_without_numbers_has_none(page: Page) -> None:
    numbered(page)
    assert read(page, screenshot(page)) == {"shares": {}, "unread": 0.0}
    assert read(page, encode_png(texture(1, (1, 1))))["shares"] == {}


def test_without_the_pack_it_is_said_how_to_get_it(page: Page) -> None:
    told = read(page, encode_png(texture(1)), 422)["error"]
    assert "texpipe probe" in str(told["hint"])


def test_hostile_pictures_are_refused(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    numbered(page)
    png = screenshot(page, name_of(1))
    bomb = bytearray(png)
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    for data in (b"", b"<svg onload=alert(1)>", png[: len(png) // 2], bytes(bomb)):
        assert read(page, data, 404)["error"]["message"].startswith("the screenshot: ")
    monkeypatch.setattr(probe_pack, "_MOST_PIXELS", 360 * 480 - 1)
    assert "480 x 360 pixels are more than a screen has" in read(page, png, 404)["error"]["message"]
    monkeypatch.setattr(guard, "MAX_BYTES", len(png) - 1)
    read(page, png, 413)
    stranger = page.ask("PUT", "/api/screen", content=png, headers={"x-texpipe-token": ""})
    assert stranger.status == 401
