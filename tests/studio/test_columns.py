"""Columns say of each texture what is true of it alone, however many textures share a row of their tables."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from dumps import dump, texture
from studio_page import Page, name_of

from texpipe.errors import ModelError
from texpipe.imaging.image_files import encode_png
from texpipe.recipe.rules import plan_by, sureness
from texpipe.studio import planned_keys
from texpipe.studio.columns import flat
from texpipe.studio.workshop import Workshop


def alone(workshop: Workshop, name: str) -> dict[str, Any]:
    """Return what the columns are to say of one texture, worked out from its own facts."""
    item, facts, recipe = workshop.dump.item(name), workshop.dump.facts(name), workshop.loaded.recipe
    rule = workshop.dump.rules[workshop.dump.place(name)]
    plan, by_hand = plan_by(rule, recipe, facts), name in workshop.overrides().by_texture
    review = workshop.reviews.all().get(name)
    return {
        "name": name,
        "width": item.size[0],
        "height": item.size[1],
        "format": facts.texels,
        "kind": facts.kind.kind,
        "rule": rule,
        "by_hand": by_hand,
        "alpha": plan.alpha,
        "action": "hand" if by_hand else plan.action,
        "x": plan.edges.x,
        "y": plan.edges.y,
        "sure_x": None if plan.repeats.x is None else round(plan.repeats.x, 3),
        "sure_y": None if plan.repeats.y is None else round(plan.repeats.y, 3),
        "sure": round(sureness(rule, recipe, facts), 3),
        "model": " > ".join(plan.model),
        "detail": plan.detail,
        "colour": plan.colour,
        "outline": plan.outline,
        "review": review.mark if review else "",
        "note": review.note if review else "",
    }


def test_every_texture_has_its_own_values(folder: Path) -> None:
    dump(folder / "dump" / "more", 24, (16, 16))
    page = Page(Workshop(folder / "mine.yaml", device="cpu"))
    workshop = page.workshop
    page.decide(name_of(1), name_of(2), edges_x="wrap")
    page.decide(f"more/{name_of(3)}", scope=("alpha",), detail=0.5, edges_y="clamp")
    page.put(name_of(4), encode_png(texture(99, (32, 32))))
    page.post("review", names=[name_of(5), f"more/{name_of(5)}"], mark="flag", note="a floor")
    shown = page.textures()
    names = [item.source.name for item in workshop.dump.seen.items]
    assert shown["name"] == names
    for place, name in enumerate(names):
        own = alone(workshop, name)
        assert {field: shown[field][place] for field in own} == own
        told = page.get("texture", name=name)
        assert told["colours"] == workshop.dump.facts(name).colours
        assert {field: told[field] for field in shown} == {
            field: values[place] for field, values in shown.items()
        }


def test_a_table_has_each_row_once(page: Page) -> None:
    page.decide(name_of(1), scope=("size",), edges_x="wrap", edges_y="clamp")
    answer = page.get("textures")
    for table in (answer["traits"], answer["decided"], answer["past"]):
        rows = list(zip(*(values for field, values in table.items() if field != "of"), strict=True))
        assert len(rows) == len({str(row) for row in rows})
        assert set(table["of"]) == set(range(len(rows)))
    assert len(answer["decided"]["rule"]) < len(answer["name"])
    assert (
        flat({"name": [], **{key: {**answer[key], "of": []} for key in ("traits", "decided", "past")}})["x"]
        == []
    )


def test_undo_names_exactly_what_is_done_otherwise(page: Page) -> None:
    workshop = page.workshop

    def plans() -> dict[str, Any]:
        return {name: workshop.dump.plan(name, workshop.loaded.recipe) for name in workshop.dump.place_of}

    before = plans()
    page.decide(name_of(1), scope=("size",), edges_x="mirror", outline="hard")
    after = plans()
    undone = page.post("undo")
    assert plans() == before
    assert undone["names"] == [name for name in before if before[name] != after[name]] != []
    assert page.post("redo")["names"] == undone["names"]


@pytest.fixture
def slow_plan(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let the plan of a dump, however small, take until the event is set, and nobody wait for it."""
    may_end = threading.Event()
    plan_jobs = planned_keys.plan_jobs

    def slowly(*given: Any) -> Any:
        assert may_end.wait(60)
        return plan_jobs(*given)

    monkeypatch.setattr(planned_keys, "plan_jobs", slowly)
    monkeypatch.setattr(planned_keys, "_WAITED_FOR", 0)
    monkeypatch.setattr(planned_keys, "_CALM", 0.01)
    return may_end


@pytest.mark.usefixtures("one_thread")
def test_nobody_waits_while_a_large_dump_is_planned(page: Page, slow_plan: threading.Event) -> None:
    made = page.picture("preview", name=name_of(1))
    assert page.ask("GET", "/api/picture", {"name": name_of(1), "what": "result"}).status == 404
    page.decide(name_of(2), action="copy")
    assert page.picture("preview", name=name_of(1)) == made, "it is kept, and needs no plan"
    slow_plan.set()
    begun = time.monotonic()
    while page.ask("GET", "/api/picture", {"name": name_of(1), "what": "result"}).content != made:
        assert time.monotonic() < begun + 60
        time.sleep(0.01)


def test_what_hinders_a_plan_is_told(page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*given: Any) -> Any:
        raise ModelError("the model is gone")

    monkeypatch.setattr(planned_keys, "plan_jobs", fails)
    told = page.ask("GET", "/api/picture", {"name": name_of(1), "what": "result"})
    assert (told.status, told.json()["error"]["message"]) == (422, "the model is gone")
    monkeypatch.undo()
    page.decide(name_of(2), action="copy")
    assert page.ask("GET", "/api/picture", {"name": name_of(1), "what": "result"}).status == 404
