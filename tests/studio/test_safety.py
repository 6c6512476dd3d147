"""Attacks on the workshop: strangers' pages, names that mean this computer, missing tokens, paths that lead out."""

from __future__ import annotations

from pathlib import Path

import pytest
from dumps import texture
from studio_page import PORT, Page, name_of

from texpipe.imaging.image_files import encode_png
from texpipe.studio import guard
from texpipe.studio.reviews import Reviews

CASES = [
    ({"x-texpipe-token": ""}, 401),
    ({"x-texpipe-token": "another"}, 401),
    ({"x-texpipe-token": "", "cookie": f"texpipe-{PORT}=another"}, 401),
    ({"origin": "https://evil.example"}, 403),
    ({"origin": "null"}, 403),
    ({"origin": f"http://127.0.0.1:{PORT + 1}"}, 403),
    ({"host": "evil.example"}, 403),
    ({"host": f"evil.example:{PORT}"}, 403),
    ({"host": ""}, 403),
]


@pytest.mark.parametrize(("headers", "status"), CASES)
def test_a_stranger_changes_and_sees_nothing(page: Page, headers: dict[str, str], status: int) -> None:
    before = page.workshop.draft.text
    body = b'{"version": 1, "names": ["x"], "set": {"action": "skip"}}'
    for method, path in (("GET", "/api/state"), ("POST", "/api/decide"), ("POST", "/api/session")):
        answer = page.ask(method, path, content=body, headers=headers)
        assert answer.status == status
        assert "set-cookie" not in answer.headers
    assert page.workshop.draft.text == before


def test_the_cookie_of_the_page_opens_what_the_token_opens(page: Page) -> None:
    given = page.ask("POST", "/api/session").headers["set-cookie"]
    assert "HttpOnly" in given
    assert "SameSite=strict" in given
    headers = {"x-texpipe-token": "", "cookie": given.partition(";")[0]}
    answer = page.ask("GET", "/api/state", headers=headers)
    assert answer.status == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    "name", ["../mine.yaml", "/etc/passwd", "..\\mine.yaml", "hud/../../mine.yaml", "\0"]
)
def test_no_path_leads_out(page: Page, folder: Path, name: str) -> None:
    files = sorted(path.name for path in folder.iterdir())
    for path in ("/api/picture", "/api/preview", "/api/texture"):
        assert page.ask("GET", path, {"name": name}).status == 404
    page.put(name, encode_png(texture(1)), 404)
    assert page.ask("GET", f"/static/{name}").status in (400, 404)
    assert sorted(path.name for path in folder.iterdir()) == files


def test_uploads_are_limited_and_must_be_whole_pictures(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    png = encode_png(texture(1, (32, 32)))
    page.put(name_of(0), png[: len(png) // 2], 404)
    page.put(name_of(0), b"GIF89a", 404)
    page.put(name_of(0), encode_png(texture(1, (9, 31))), 422)
    monkeypatch.setattr(guard, "MAX_BYTES", len(png) - 1)
    page.put(name_of(0), png, 413)
    assert page.workshop.overrides().by_texture == {}


def test_a_hand_made_picture_is_never_replaced_unasked(page: Page, folder: Path) -> None:
    first, second = encode_png(texture(1, (32, 32))), encode_png(texture(2, (32, 32)))
    file = folder / "by-hand" / page.put(name_of(0), first)["path"].rpartition("/")[2]
    assert page.put(name_of(0), second, 409)["error"]["code"] == "exists"
    assert file.read_bytes() == first
    page.put(name_of(0), second, replace="1")
    assert file.read_bytes() == second
    assert [one.read_bytes() for one in (folder / "by-hand" / ".backup").rglob("*.png")] == [first]


def test_two_pages_at_once_do_not_overwrite_each_other(page: Page) -> None:
    old = page.workshop.draft.version
    page.decide(name_of(0), edges_x="wrap")
    text = page.workshop.draft.text
    for path in ("decide", "undo", "save", "reload"):
        refused = page.post(path, 409, version=old, names=[name_of(0)], set={"action": "skip"})
        assert refused["error"]["code"] == "conflict"
    assert page.workshop.draft.text == text


@pytest.mark.parametrize("body", [b"[", b"[]", b'{"names": 1}', b'{"names": [1], "set": {}}', b"[" * 99_999])
def test_nonsense_is_refused(page: Page, body: bytes) -> None:
    assert page.ask("POST", "/api/decide", content=body).status == 422


def test_reviews_are_sorted_and_a_damaged_file_is_kept(page: Page, folder: Path) -> None:
    hostile = "<img src=x onerror=alert(1)>\n{a: b}.png"
    reviews = Reviews(folder / "mine.yaml")
    reviews.put([hostile], "flag", "why: {not}")
    page.post("review", names=[name_of(3), name_of(1)], mark="approve", note="good # yes")
    assert list(reviews.all()) == sorted([hostile, name_of(1), name_of(3)])
    assert reviews.all()[hostile].note == "why: {not}"
    page.post("review", names=[name_of(3)], mark=None, note=None)
    assert name_of(3) not in reviews.all()
    reviews.file.write_text("- not ours")
    page.post("review", 422, names=[name_of(1)], mark="flag")
    assert reviews.file.read_text() == "- not ours"


def test_reviews_of_a_large_dump_can_be_read_again(folder: Path) -> None:
    names = [f"{number:05d}.png" for number in range(50_000)]
    Reviews(folder / "mine.yaml").put(names, "approve", "seen")
    again = Reviews(folder / "mine.yaml")
    assert again.counts() == {"approve": 50_000, "reject": 0, "flag": 0, "note": 50_000}
    again.put(names[1:], "", "")
    assert again.counts()["approve"] == 1
    again.file.write_text(again.file.read_text().replace("approve", "flag"))
    assert again.counts()["flag"] == 1, "git may change the file meanwhile"
