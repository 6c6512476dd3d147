"""Split pictures declared on the page, and decisions about groups, palettes and everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from dumps import GAME, texture
from hypothesis import given
from hypothesis import strategies as st
from studio_page import RECIPE, Page, name_of

from texpipe.imaging.image_files import save_png
from texpipe.recipe.yaml_positions import read_yaml
from texpipe.studio.columns import flat
from texpipe.studio.rule_text import with_entries, without_entry
from texpipe.studio.workshop import Workshop

HEAD = "version: 1\ngroups:{}rules: []  # none\n"
SECTIONS = [
    " auto\n",
    " [auto, joins]\n",
    " []  # none yet\n",
    "\n  # the sky\n  - name: sky\n    columns: 1\n    files:\n      - a\n      - b\n"
    "\n  # the sea\n  - {name: sea}  # wet\n",
    "\n- auto\n# end\n",
]
ENTRIES = [{"name": "new", "columns": 2, "rows": 1, "overlap": 0, "files": ["a#b.png", "c: d.png"]}, "joins"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_group_is_put_first_and_taken_out_again(section: str) -> None:
    text = HEAD.format(section)
    old = read_yaml(text).value["groups"]
    made = with_entries(text, "groups", ENTRIES[:1])
    listed = read_yaml(made).value["groups"]
    assert listed == ENTRIES[:1] + ([old] if isinstance(old, str) else old)
    again = without_entry(made, "groups", 0)
    assert read_yaml(again).value["groups"] == listed[1:]
    kept = iter(again)
    assert all(letter in kept for letter in text.replace(" []", "").replace(" auto\n", "")), (
        "in the same order"
    )


@given(st.sampled_from(SECTIONS[1:]), st.integers(0, 3))
def test_any_entry_can_be_taken_out_and_comments_stay(section: str, number: int) -> None:
    text = HEAD.format(section)
    listed = read_yaml(text).value["groups"]
    if number < len(listed):
        again = without_entry(text, "groups", number)
        assert read_yaml(again).value["groups"] == listed[:number] + listed[number + 1 :]
        assert again.count("# the") == text.count("# the")
        assert again.endswith("rules: []  # none\n")


def test_textures_are_grouped_and_ungrouped(page: Page, folder: Path) -> None:
    pieces = [name_of(0), name_of(1)]
    done = page.post("group", names=pieces, columns=1)
    assert done["names"] == pieces
    assert flat(done["rows"])["group"] == ["picture-1", "picture-1"]
    assert flat(done["rows"])["spot"] == [[0, 0, 0, 0, 8, 16], [0, 1, 0, 8, 8, 16]]
    page.post("group", 422, names=[name_of(1), name_of(2)], columns=1)
    page.post("group", 422, names=[name_of(2), name_of(3), name_of(4)], columns=2)
    page.post("save")
    text = (folder / "mine.yaml").read_text()
    assert text.startswith(RECIPE)
    assert "groups:\n  - {name: picture-1, columns: 1, rows: 2, overlap: 0" in text
    changed = page.decide(name_of(0), scope=("group",), outline="hard")
    assert sorted(changed["names"]) == pieces
    page.post("run", 409, do="start")
    page.post("save")
    page.post("run", do="start")
    page.workshop.run.join()
    status = page.get("run")
    assert (status["state"], status["code"]) == ("done", 0), status
    entry = page.workshop.entries()[name_of(1)]
    assert entry.group == "picture-1"
    undone = page.post("ungroup", names=[name_of(1)])
    assert sorted(undone["names"]) == pieces
    page.post("save")
    assert "groups: []" in (folder / "mine.yaml").read_text()
    page.post("ungroup", 422, names=[name_of(1)])


def test_a_decision_about_all_is_one_rule_and_keeps_what_others_set(page: Page) -> None:
    changed = page.decide(name_of(0), scope=("all",), consistency="strict")
    assert changed["affected"] == 9
    plans = [page.workshop.dump.plan(name, page.workshop.loaded.recipe) for name in changed["names"]]
    assert {plan.consistency for plan in plans} == {"strict"}
    assert plans[0].colour == "off", "as the stone's rule sets it"


def test_a_selection_without_anything_in_common_is_one_rule(page: Page, folder: Path) -> None:
    names = [name_of(1), name_of(4), f"hud/{name_of(7)}", f"hud/{name_of(8)}"]
    changed = page.decide(*names, clean="auto")
    assert (changed["affected"], changed["rules_added"]) == (4, 2), "those in folders, and those in none"
    page.post("save")
    recipe = Workshop(folder / "mine.yaml", device="cpu")
    every = [item.source.name for item in recipe.dump.seen.items]
    cleaned = [name for name in every if recipe.dump.plan(name, recipe.loaded.recipe).clean == "auto"]
    assert sorted(cleaned) == sorted(names)
    assert page.decide(*names[:2], clean="off")["rules_added"] == 0, "their rule is changed"


def test_textures_of_one_palette_are_alike(tmp_path: Path, tiny_model: Path) -> None:
    for number, palette in enumerate(("0D5E4A2B", "0D5E4A2B", "11112222")):
        name = f"{GAME}#{0x1000 + number:08X}#2#1#{palette}_ciByRGBA.png"
        save_png(tmp_path / "dump" / name, texture(number))
    save_png(tmp_path / "dump" / name_of(9), texture(9))
    recipe = tmp_path / "p.yaml"
    recipe.write_text(
        f"version: 1\nname: p\ngame: {GAME}\ninput: dump\noutput: out\nmodel: {tiny_model}\ntargets: [folder]\n"
    )
    page = Page(Workshop(recipe, device="cpu"))
    names = page.textures()["name"]
    assert sorted(map(str, page.textures()["palette"])) == ["0D5E4A2B", "0D5E4A2B", "11112222", "None"]
    changed = page.decide(names[0], scope=("palette",), edges_x="wrap")
    assert (changed["affected"], changed["rules_added"]) == (2, 1)
    page.decide(name_of(9), scope=("palette",), edges_x="wrap", status=422)
