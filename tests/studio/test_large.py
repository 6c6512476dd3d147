"""Large recipes and hostile names in the workshop."""

from __future__ import annotations

from pathlib import Path

import pytest
from dumps import texture
from studio_page import RECIPE, Page, name_of

from texpipe.imaging.image_files import save_png
from texpipe.studio.workshop import Workshop

HOSTILE = "<img src=x onerror=alert(1)>&'\";#?%2e.png"


@pytest.mark.slow
def test_a_recipe_of_ten_thousand_rules_takes_no_rule_more(folder: Path) -> None:
    recipe = folder / "mine.yaml"
    rules = "".join(f"  - {{match: {{name: no{number}}}, action: skip}}\n" for number in range(9_998))
    text = RECIPE.replace("# the end\n", f"{rules}# the end\n")
    recipe.write_text(text)
    page = Page(Workshop(recipe, device="cpu"))
    page.decide(name_of(0), outline="hard", status=422)
    assert page.workshop.draft.text == text
    changed = page.decide(f"hud/{name_of(7)}", scope=("size",), outline="smooth")
    assert (changed["affected"], changed["rules_added"]) == (2, 0)
    page.post("save")
    assert recipe.read_text() == text.replace("outline: hard", "outline: smooth")


def test_a_hostile_name_is_text(folder: Path) -> None:
    save_png(folder / "dump" / HOSTILE, texture(1))
    page = Page(Workshop(folder / "mine.yaml", device="cpu"))
    assert page.get("texture", name=HOSTILE)["name"] == HOSTILE
    assert page.picture("picture", name=HOSTILE).startswith(b"\x89PNG")
    assert page.decide(HOSTILE, action="copy")["names"] == [HOSTILE]
    page.post("save")
    again = Workshop(folder / "mine.yaml", device="cpu")
    assert again.dump.plan(HOSTILE, again.loaded.recipe).action == "copy"
    answer = page.ask("GET", "/api/texture", {"name": f"{HOSTILE}x"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
