"""What a texture shows: the same whichever way it is turned, and nothing where that is not sure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw, ImageFont

from texpipe.classify.evidence import Seen
from texpipe.classify.kinds import guess_kinds
from texpipe.cli.inspect import inspect
from texpipe.imaging.visible import premultiplied
from texpipe.recipe.rules import matches
from texpipe.recipe.schema import Match
from texpipe.texture import KINDS, AxisGuess, Facts, KindGuess, Rgba8, Tiles

CLAMP = AxisGuess("clamp", 0.9, "ends")
WRAP = AxisGuess("wrap", 0.9, "repeats")
DOUBT = AxisGuess("clamp", 0.4, "may repeat", undecided=True)
FACTS = Facts("opaque", "", CLAMP, CLAMP, None, "", 9, False, False, False)


def kind_of(rgba: Rgba8) -> KindGuess:
    return guess_kinds(Seen.of([premultiplied(np.ascontiguousarray(rgba))]))[0]


def stones(seed: int) -> Rgba8:
    """A ground: rough at every distance, alike all over, in browns."""
    random = np.random.default_rng(seed)
    plane = sum(
        np.kron(random.normal(0, 12, (side, side)), np.ones((64 // side, 64 // side)))
        for side in (8, 16, 32, 64)
    )
    rgb = np.clip(np.array([120, 100, 80]) + np.asarray(plane)[..., None], 0, 255)
    return np.dstack([rgb, np.full((64, 64), 255)]).astype(np.uint8)


def letters(text: str = "START", width: int = 64) -> Rgba8:
    """White letters on nothing."""
    plane = Image.new("L", (width, 16))
    ImageDraw.Draw(plane).text((width / 2, 8), text, 255, ImageFont.load_default(16), anchor="mm")
    ink = np.asarray(plane)
    return np.dstack([np.where(ink[..., None] > 0, 255, 0).repeat(3, 2), ink]).astype(np.uint8)


def button(fill: tuple[int, int, int], side: int = 32) -> Rgba8:
    """A sign on a round plate with a dark rim."""
    big = 8 * side
    image = Image.new("RGBA", (big, big))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((8, 8, big - 8, big - 8), 40, fill, (20, 20, 30), 12)
    draw.polygon(
        [(big // 4, big // 2), (big * 5 // 8, big // 4), (big * 5 // 8, big * 3 // 4)], (255, 255, 255)
    )
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))


@pytest.mark.parametrize("fill", [(40, 90, 200), (200, 40, 40), (60, 160, 60), (220, 200, 40)])
def test_buttons_are_parts_of_a_hud(fill: tuple[int, int, int]) -> None:
    assert kind_of(button(fill)).kind == kind_of(button(fill, 48)).kind == "hud"


def test_letters_grounds_and_noise_are_told_apart() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 4), np.uint8)
    noise[..., 3] = 255
    assert kind_of(letters()).kind == kind_of(letters("R", 16)).kind == "letters"
    assert kind_of(stones(1)).kind == "ground"
    assert kind_of(noise).kind == "data"


@given(arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(4))))
def test_any_picture_has_a_kind_or_none_and_turning_it_changes_nothing(rgba: Rgba8) -> None:
    found = kind_of(rgba)
    assert found.kind is None or found.kind in KINDS
    assert 0 <= found.confidence <= 1
    for turned in (rgba[::-1], rgba[:, ::-1], rgba.swapaxes(0, 1)):
        assert kind_of(turned) == found


def test_hidden_colours_have_no_say() -> None:
    shown = letters()
    hidden = shown.copy()
    hidden[shown[..., 3] == 0, :3] = (255, 0, 255)
    assert kind_of(hidden) == kind_of(shown)


def test_a_few_texels_show_nothing() -> None:
    assert kind_of(np.full((4, 64, 4), 255, np.uint8)) == KindGuess(None, 0.0)


@pytest.mark.parametrize("kind", [*KINDS, None])
def test_a_rule_for_a_kind_matches_what_is_surely_of_it(kind: str | None) -> None:
    facts = replace(FACTS, kind=KindGuess(kind, 0.9))  # type: ignore[arg-type]
    found = [one for one in KINDS if matches(Match(kind=one), "a.png", (8, 8), facts)]
    assert found == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("x", "y", "tiles"),
    [(CLAMP, CLAMP, "false"), (WRAP, CLAMP, "true"), (CLAMP, DOUBT, "uncertain"), (DOUBT, WRAP, "true")],
)
def test_a_rule_for_what_tiles_matches_what_was_found(x: AxisGuess, y: AxisGuess, tiles: Tiles) -> None:
    facts = replace(FACTS, x=x, y=y)
    words: list[object] = [True, False, "uncertain"]
    rules = [Match.model_validate({"tiles": word}) for word in words]
    found = [rule.tiles for rule in rules if matches(rule, "a.png", (8, 8), facts)]
    assert found == [tiles]


def test_inspect_offers_every_kind() -> None:
    (option,) = (one for one in inspect.params if one.opts == ["--kind"])
    assert (*KINDS, "unsure") == tuple(option.type.choices)  # type: ignore[attr-defined]
