"""The catalogue knows every sentence in which classify and the rules give their reasons, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

import texpipe.report
from texpipe.analysis.neighbours import _informed
from texpipe.classify import classify
from texpipe.classify.alpha import alpha_class
from texpipe.classify.analysis import SAID_BY_DUMP
from texpipe.classify.tileability import certain
from texpipe.recipe.rules import plan_by
from texpipe.recipe.schema import Match, Recipe, Rule
from texpipe.texture import AxisGuess, Doubt, Source, StoredForm, Texture

TEXTS = Path(texpipe.report.__file__).parent / "static" / "texts.js"


def sentences() -> dict[str, dict[str, str]]:
    """Return the sentences of each language by key."""
    parts = re.split(r"^  (\w\w): \{$", TEXTS.read_text("utf-8"), flags=re.M)
    return {
        language: dict(re.findall(r'\b(why_\w+): "([^"]+)"', part))
        for language, part in zip(parts[1::2], parts[2::2], strict=True)
    }


def pattern_of(sentence: str) -> re.Pattern[str]:
    """Return what a filled-in sentence looks like, as reasons.js does."""
    parts = re.split(r"\{(\w+)\}", sentence)
    return re.compile(
        "".join(f"(?P<{part}>.+?)" if at % 2 else re.escape(part) for at, part in enumerate(parts))
    )


def pictures() -> Iterator[np.ndarray]:
    """Yield 16 x 16 pictures of every alpha class, with borders of every kind."""
    noise = np.random.default_rng(3).integers(1, 255, (16, 16, 4), np.uint8)
    opaque = noise.copy()
    opaque[..., 3] = 255
    yield from (noise, opaque, opaque[:12], opaque[:2, :2], np.tile(opaque[:4, :4], (4, 4, 1)))
    for levels in ([0, 255], [0, 128, 255]):
        holes = noise.copy()
        holes[..., 3] = np.resize(levels, (16, 16)).T
        yield holes
    hidden = noise.copy()
    hidden[..., 3] = 0
    yield hidden
    grey = np.repeat(noise[..., :1], 4, axis=2)
    yield np.ascontiguousarray(grey)
    fence = opaque.copy()
    fence[:, ::2] = 0
    fence[-1] = fence[0]
    yield fence
    icon = np.zeros((16, 16, 4), np.uint8)
    icon[2:14, 2:14] = opaque[2:14, 2:14]
    yield icon
    touching = icon.copy()
    touching[0, 7:9] = opaque[0, 7:9]
    yield touching


def guesses() -> Iterator[AxisGuess]:
    """Yield what can be thought of an axis."""
    for picture in pictures():
        lines = np.where(picture[..., 3:] > 0, picture, 0)[None]
        yield from (guess for guess in certain(lines, [True]) if guess is not None)
        texture = Texture(Source("a.png", Path("a.png")), picture, "", StoredForm("RGBA"))
        yield from (classify(texture).x, classify(texture).y)
    doubt = Doubt(1.0, 5.0, 5.0, 1.25)
    weighed = AxisGuess("clamp", 0.6, "", doubt=doubt)
    for odds in (-2.0, 2.0):
        yield _informed(weighed, [replace(weighed, doubt=replace(doubt, odds=odds))])
    for mode, sure in product(("wrap", "mirror", "clamp"), (0.6, 0.95, 1.0)):
        yield AxisGuess(mode, sure, SAID_BY_DUMP)
    for likely in (0.4, 0.6):
        yield AxisGuess("clamp", likely, SAID_BY_DUMP, undecided=True)
    yield AxisGuess("wrap", 0.4, SAID_BY_DUMP)


def reasons() -> Iterator[tuple[str, str]]:
    """Yield who decides and why."""
    picture = next(pictures())
    facts = classify(Texture(Source("a.png", Path("a.png")), picture, "", StoredForm("RGBA")))
    recipe = Recipe.default().model_copy(update={"rules": (Rule(match=Match(), action="copy"),)})
    alphas = [alpha_class(one, texels) for one in pictures() for texels in (None, "i4")]
    seen = [replace(facts, x=guess, y=guess) for guess in guesses()]
    seen += [replace(facts, alpha=alpha, alpha_reason=why) for alpha, why in alphas]
    seen.append(replace(facts, alpha="opaque", flat=True))
    for rule, one in product((0, 1), seen):
        by = plan_by(rule, recipe, one).decided_by
        yield from (tuple(text.split(": ", 1)) for text in (by.action, by.alpha, by.x, by.y))
    yield "by hand", ""


def test_every_reason_is_in_the_catalogue_and_nothing_else() -> None:
    known = {key: pattern_of(text) for key, text in sentences()["en"].items()}
    used: set[str] = set()

    def look_up(text: str) -> bool:
        for key, pattern in known.items():
            found = pattern.fullmatch(text)
            if found is not None:
                used.add(key)
                for value in found.groupdict().values():
                    look_up(value)
                return True
        return False

    for who, why in set(reasons()):
        assert look_up(who), who
        assert who != "classify" or look_up(why), why
    assert used == set(known)


def test_every_language_fills_in_the_same() -> None:
    found = sentences()
    english = {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in found["en"].items()}
    for texts in found.values():
        assert {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in texts.items()} == english
