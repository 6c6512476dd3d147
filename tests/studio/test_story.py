"""From a dump to a pack by requests of the page alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from dumps import texture, tree
from studio_page import RECIPE, Page, name_of

from texpipe.imaging.image_files import encode_png
from texpipe.studio.columns import flat

pytestmark = pytest.mark.usefixtures("one_thread")


def test_from_a_dump_to_a_pack_without_touching_a_file(
    page: Page, folder: Path, texpipe: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    assert page.get("state")["textures"] == 9
    listed = page.textures()
    assert set(listed["status"]) == {"new"}
    assert set(listed["review"]) == {""}

    wrapped = page.decide(name_of(1), scope=("size",), edges_x="wrap", edges_y="wrap")
    assert wrapped["affected"] == 7
    assert set(flat(wrapped["rows"])["x"]) == {"wrap"}
    preview = page.picture("preview", name=name_of(1))
    assert preview.startswith(b"\x89PNG")
    big = f"hud/{name_of(7)}"
    page.decide(big, scope=("folder",), model="texpipe-x4-preview")
    page.decide(big, action="skip")
    page.post("undo")
    by_hand = encode_png(texture(99, (32, 32)))
    page.put(name_of(2), by_hand)
    page.post("review", names=[name_of(1)], mark="approve")
    assert "edges: wrap" in page.get("diff")["diff"]
    page.post("run", 409, do="start")
    page.post("save")
    page.post("run", do="start")
    page.workshop.run.join()

    status = page.get("run")
    assert (status["state"], status["code"]) == ("done", 0), status
    assert page.picture("picture", name=name_of(1), what="result") == preview
    text = (folder / "mine.yaml").read_text()
    assert [line for line in RECIPE.splitlines() if line not in text.splitlines()] == []
    before = tree(folder / "out")
    again = texpipe("run", folder / "mine.yaml", "--json", "--device", "cpu")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["computed"] == 0
    assert tree(folder / "out") == before
