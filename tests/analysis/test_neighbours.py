"""What neighbours of one palette and size say of an axis: a shift of its odds, whoever comes first."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from textures import grain

from texpipe.analysis.neighbours import Kin, informed_by_neighbours, kin_of
from texpipe.analysis.survey import survey
from texpipe.classify.analysis import SAID_BY_DUMP, Analysis
from texpipe.classify.judge import MOST_ODDS
from texpipe.classify.tileability import NOTHING_CHANGES, by_harm
from texpipe.recipe.schema import Recipe
from texpipe.texture import AxisGuess, Doubt, EmulatorName, Facts

SURE = AxisGuess("clamp", 0.9, "nothing is visible at either border")


def open_axis(odds: float) -> AxisGuess:
    return by_harm(Doubt(odds, 6.0, 1.5, 1.8))


def facts(x: AxisGuess, y: AxisGuess = SURE) -> Facts:
    return Facts("opaque", "alpha is 255 everywhere", x, y, "ci8", "so it is named", 40, False, False, False)


def kin(name: str, x: AxisGuess, likes: str = "a palette", pixels: str = "") -> Kin:
    return Kin(name, likes, pixels or name, facts(x))


def odds_of(found: Facts) -> float:
    assert found.x.doubt is not None
    return found.x.doubt.odds


def test_neighbours_pull_an_open_axis_towards_themselves_and_are_named() -> None:
    for others, word in ((2.0, "repeat"), (-2.0, "do not repeat")):
        some = [kin("open", open_axis(0.1)), kin("a", open_axis(others)), kin("b", open_axis(others))]
        found = informed_by_neighbours(some)["open"]
        assert (odds_of(found) - 0.1) * others > 0
        assert found.x.reason.endswith(f"; 2 others of its palette and size probably {word}")
        assert found.x == by_harm(
            found.x.doubt or Doubt(0, 0, 0, 0), found.x.reason.partition(" as inside")[2]
        )


def test_enough_of_them_change_what_is_done() -> None:
    doubtful = kin("open", open_axis(-1.2))
    assert doubtful.facts.x.mode == "clamp"
    crowd = [kin(str(number), open_axis(4.0)) for number in range(9)]
    assert informed_by_neighbours([doubtful, *crowd])["open"].x.mode == "wrap"


@pytest.mark.parametrize(
    "other",
    [
        kin("other palette", open_axis(4.0), likes="another palette"),
        kin("a copy of it", open_axis(4.0), pixels="open"),
        kin("flat", AxisGuess("clamp", 1.0, NOTHING_CHANGES)),
        kin("too small", AxisGuess("clamp", 0.5, "4 texels are too few to tell")),
        kin("mirrored", AxisGuess("mirror", 1.0, SAID_BY_DUMP)),
    ],
    ids=lambda one: one.name,
)
def test_what_says_nothing_changes_nothing(other: Kin) -> None:
    assert "open" not in informed_by_neighbours([kin("open", open_axis(0.1)), other])


def test_facts_stay_and_speak() -> None:
    """What the dump says of one counts for its neighbours, and is not weighed again itself."""
    said = kin("said", AxisGuess("wrap", 1.0, SAID_BY_DUMP))
    found = informed_by_neighbours([said, kin("open", open_axis(-0.5))])
    assert set(found) == {"open"}
    assert odds_of(found["open"]) > -0.5


@given(st.lists(st.tuples(st.floats(-MOST_ODDS, MOST_ODDS), st.integers(0, 3)), max_size=12), st.randoms())
def test_the_order_has_no_say(made: list[tuple[float, int]], order: random.Random) -> None:
    some = [
        kin(str(number), open_axis(round(odds, 3)), str(palette))
        for number, (odds, palette) in enumerate(made)
    ]
    shuffled = some[:]
    order.shuffle(shuffled)
    assert informed_by_neighbours(shuffled) == informed_by_neighbours(some)
    assert all(abs(odds_of(one)) <= MOST_ODDS for one in informed_by_neighbours(some).values())


def test_only_a_palette_makes_neighbours() -> None:
    def named(**fields: str) -> EmulatorName:
        return EmulatorName("gliden64", "GAME", fields=tuple(fields.items()))

    analysis = Analysis(named(palette="0AC1D2E3"), (32, 32), facts(open_axis(0.0)), "p", "p")
    assert kin_of("one", analysis) is not None
    for name in (None, named(), named(palette="$")):
        assert kin_of("one", replace(analysis, emulator=name)) is None
    other = kin_of("two", replace(analysis, size=(32, 64)))
    assert other is not None
    assert other.likes != kin_of("one", analysis).likes  # type: ignore[union-attr]


def test_a_survey_takes_them_into_account(tmp_path) -> None:
    """The same texture alone and among tiles of its palette; a rule that leaves those out changes nothing."""
    crop = np.ascontiguousarray(grain((64, 64), 3, detail=2)[4:36, 6:38])
    name = "GAME#{:08X}#2#1#0AC1D2E3_ciByRGBA.png"
    alone, among = tmp_path / "alone", tmp_path / "among"
    for folder in (alone, among):
        folder.mkdir()
        Image.fromarray(crop).save(folder / name.format(1))
    for seed in range(2, 8):
        Image.fromarray(grain((32, 32), seed)).save(among / name.format(seed))
    recipe = Recipe.default()
    skip = {"match": {"name": "*#0000000[2-7]#*"}, "action": "skip"}
    without = Recipe.model_validate(recipe.model_dump() | {"rules": [skip]})
    (one,), (first, *_), (still, *_) = (
        survey(folder, how, workers=1).items
        for folder, how in ((alone, recipe), (among, recipe), (among, without))
    )
    assert "others of its palette" not in one.plan.decided_by.x
    assert "6 others of its palette and size probably repeat" in first.plan.decided_by.x
    assert still.plan == first.plan


def test_rules_for_what_tiles_match_what_the_neighbours_say(tmp_path) -> None:
    """Alone a texture may repeat, and a rule for that matches; among tiles it does, and another rule matches."""
    crop = np.ascontiguousarray(grain((64, 64), 6, detail=2)[4:36, 6:38])
    name = "GAME#{:08X}#2#1#0AC1D2E3_ciByRGBA.png"
    alone, among = tmp_path / "alone", tmp_path / "among"
    for folder in (alone, among):
        folder.mkdir()
        Image.fromarray(crop).save(folder / name.format(1))
    for seed in range(2, 12):
        Image.fromarray(grain((32, 32), seed)).save(among / name.format(seed))
    rules = [
        {"match": {"tiles": "true"}, "outline": "hard"},
        {"match": {"tiles": "false"}, "consistency": "strict"},
        {"match": {"tiles": "uncertain"}, "clean": "auto"},
    ]
    recipe = Recipe.model_validate(Recipe.default().model_dump() | {"rules": rules})
    found = {}
    for folder in (alone, among):
        seen = survey(folder, recipe, workers=1)
        item, facts = seen.items[0], seen.fingerprints[name.format(1)].facts
        decided = {"true": item.plan.outline == "hard", "false": item.plan.consistency == "strict"}
        decided["uncertain"] = item.plan.clean == "auto"
        assert [word for word, by in decided.items() if by] == [facts.tiles]
        found[folder.name] = facts.tiles
        used = {number for number, _ in seen.inventory.idle_rules} ^ {1, 2, 3}
        assert ({"true": 1, "false": 2, "uncertain": 3}[facts.tiles]) in used
    assert found["alone"] != "true"
    assert found["among"] == "true"
