"""The first rule that matches decides; what it leaves out is decided by classify; the plan says which did."""

from __future__ import annotations

import time
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.planning.result_keys import plan_key
from texpipe.recipe.rules import RuleFinder, decide, deciding, matches, plan_by, rule_for, sureness
from texpipe.recipe.schema import Match, Recipe, Rule
from texpipe.storage.keys import canonical_json
from texpipe.texture import Axes, AxisGuess, Edges, Facts, Likely

FACTS = Facts(
    alpha="binary",
    alpha_reason="only 0 and 255",
    x=AxisGuess("wrap", 0.912, "edges continue"),
    y=AxisGuess("clamp", 0.5, "edges differ"),
    texels="rgba16",
    texels_reason="name",
    colours=12,
    grey=False,
    flat=False,
    tiny=False,
)
SIZE = (32, 16)


def recipe(*rules: dict[str, Any], **fields: Any) -> Recipe:
    base = {"version": 1, "name": "t", "input": "i", "output": "o", "targets": ["folder"], "rules": rules}
    return Recipe.model_validate({**base, **fields})


def plan_of(*rules: dict[str, Any], name: str = "a/b.png", facts: Facts = FACTS, **fields: Any):
    return decide(recipe(*rules, **fields), name, SIZE, facts)


def test_without_rules_classify_decides() -> None:
    plan = plan_of(scale=8, colour="histogram")
    assert (plan.action, plan.alpha, plan.edges) == ("upscale", "binary", Edges("wrap", "clamp"))
    assert (plan.scale, plan.colour, plan.grey) == (8, "histogram", False)
    assert plan.decided_by.action == "classify: a picture to upscale"
    assert plan.decided_by.alpha == "classify: only 0 and 255"
    assert plan.decided_by.x == "classify: repeats left to right (91% sure): edges continue"
    assert plan.decided_by.y == "classify: probably doesn't repeat top to bottom (50% sure): edges differ"


def test_a_rule_decides_what_it_says_and_no_more() -> None:
    rule = {"match": {}, "edges": {"y": "mirror"}, "colour": "off"}
    plan = plan_of({"match": {"name": "nothing"}, "action": "skip"}, rule, {"match": {}, "action": "copy"})
    assert (plan.action, plan.edges, plan.colour) == ("upscale", Edges("wrap", "mirror"), "off")
    assert plan.decided_by.y == "rule 2: mirror"
    assert plan.decided_by.x == "classify: repeats left to right (91% sure): edges continue"
    assert plan.decided_by.action.startswith("classify")


def test_an_undecided_axis_is_treated_both_ways_unless_a_rule_says_which() -> None:
    facts = replace(FACTS, x=AxisGuess("clamp", 0.38, "edges differ", undecided=True))
    plan = plan_of(facts=facts)
    assert (plan.edges, plan.undecided) == (Edges("clamp", "clamp"), Axes(x=True))
    assert plan.decided_by.x == (
        "classify: probably doesn't repeat left to right (62% sure), but may: edges differ"
    )
    assert plan.repeats == Likely(x=0.38)
    ruled = plan_of({"match": {}, "edges": "clamp"}, facts=facts)
    assert (ruled.edges, ruled.undecided, ruled.repeats) == (Edges("clamp", "clamp"), Axes(), Likely())


def test_an_axis_that_is_repeated_against_the_odds_says_so_and_stays_uncertain() -> None:
    facts = replace(FACTS, y=AxisGuess("wrap", 0.4, "edges differ"))
    plan = plan_of(facts=facts)
    assert (plan.edges, plan.undecided, plan.repeats) == (Edges("wrap", "wrap"), Axes(), Likely(y=0.4))
    assert plan.decided_by.y == (
        "classify: may repeat top to bottom (40% sure), treated so because it does less harm if wrong: edges differ"
    )
    assert sureness(0, recipe(), facts) == 0.4
    ruled = plan_of({"match": {}, "edges": {"y": "wrap"}}, facts=facts)
    assert (ruled.repeats, ruled.decided_by.y) == (Likely(), "rule 1: wrap")


def test_an_undecided_axis_that_rather_repeats_says_that() -> None:
    facts = replace(FACTS, x=AxisGuess("clamp", 0.62, "edges differ", undecided=True))
    said = plan_of(facts=facts).decided_by.x
    assert said == "classify: probably repeats left to right (62% sure), but may not: edges differ"
    ends = AxisGuess("clamp", 1.0, "ends")
    assert sureness(0, recipe(), replace(facts, y=ends)) == 0.62


GUESSES = [
    AxisGuess("wrap", 0.8, "edges continue"),
    AxisGuess("clamp", 0.38, "edges differ", undecided=True),
    AxisGuess("clamp", 0.97, "edges differ"),
]


@pytest.mark.parametrize("edges", ["wrap", "mirror", "clamp"])
def test_where_rules_give_both_edges_no_guess_reaches_the_key_of_the_result(edges: str) -> None:
    """So results of such textures stay byte for byte as they are, however the guesses get better."""
    rule = {"match": {}, "edges": edges}
    keys = [
        canonical_json(plan_key(plan_of(rule, facts=replace(FACTS, x=x, y=y))))
        for x in GUESSES
        for y in GUESSES
    ]
    assert len(set(keys)) == 1
    guessed = [
        canonical_json(plan_key(plan_of({"match": {}}, facts=replace(FACTS, x=x, y=y))))
        for x in GUESSES
        for y in GUESSES
    ]
    assert len(set(guessed)) == len(guessed)


def test_a_fact_is_said_without_odds() -> None:
    facts = replace(FACTS, x=AxisGuess("clamp", 1.0, "33 texels are no power of two"))
    assert plan_of(facts=facts).decided_by.x == "classify: 33 texels are no power of two"


def test_auto_asks_classify() -> None:
    plan = plan_of({"match": {}, "alpha": "auto", "edges": "auto"})
    assert (plan.alpha, plan.edges) == ("binary", Edges("wrap", "clamp"))
    assert plan.decided_by.alpha.startswith("classify")


@pytest.mark.parametrize(
    ("alpha", "colours", "action"),
    [("opaque", 1, "nearest"), ("binary", 0, "nearest"), ("binary", 1, "upscale"), ("soft", 1, "upscale")],
)
def test_only_what_nothing_can_change_is_repeated(alpha: Any, colours: int, action: str) -> None:
    flat = replace(FACTS, flat=True, alpha=alpha, colours=colours)
    assert plan_of(facts=flat).action == action
    assert plan_of({"match": {}, "action": "upscale"}, facts=flat).action == "upscale"


def test_facts_about_visible_colours_say_nothing_where_alpha_is_data() -> None:
    shine = {"match": {}, "alpha": "data"}
    nothing_visible = replace(FACTS, flat=True, grey=True, colours=0)
    plan = plan_of(shine, facts=nothing_visible)
    assert (plan.action, plan.alpha, plan.grey) == ("upscale", "data", False)
    assert plan_of(facts=nothing_visible).grey


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*#4#*", "GAME#12AB#4#1_all.png", True),
        ("*#4#*", "deep/er/GAME#12AB#4#1_all.png", True),
        ("hud*", "ui/hud1.png", True),
        ("hud*", "hud/1.png", False),
        ("hud/*", "hud/a/1.png", True),
        ("*/hud/*", "hud/1.png", False),
        ("HUD*", "hud1.png", False),
        ("[ab].png", "b.png", True),
        ("a.png", "a.png.png", False),
        ("a?c.png", "abc.png", True),
        ("a.c", "abc", False),
        ("*", "line\nbreak.png", True),
    ],
)
def test_names(pattern: str, name: str, fits: bool) -> None:
    assert matches(Match(name=pattern), name, SIZE, FACTS) == fits


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("ui", "ui/a.png", True),
        ("ui/", "ui/a.png", True),
        ("ui", "ui/icons/a.png", True),
        ("ui/icons", "ui/icons/a.png", True),
        ("*/icons", "ui/icons/big/a.png", True),
        ("icons", "ui/icons/a.png", False),
        ("ui", "a.png", False),
        ("ui", "ui.png", False),
        (".", "a.png", True),
        (".", "ui/a.png", False),
    ],
)
def test_folders(pattern: str, name: str, fits: bool) -> None:
    assert matches(Match(folder=pattern), name, SIZE, FACTS) == fits


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ({}, True),
        ({"max_side": 32}, True),
        ({"max_side": 31}, False),
        ({"min_side": 16}, True),
        ({"min_side": 17}, False),
        ({"size": "32x16"}, True),
        ({"size": "16x32"}, False),
        ({"alpha": "binary"}, True),
        ({"alpha": "soft"}, False),
        ({"format": "rgba16"}, True),
        ({"format": "ci4"}, False),
        ({"min_colours": 12, "max_colours": 12}, True),
        ({"min_colours": 13}, False),
        ({"max_colours": 11}, False),
        ({"max_side": 32, "alpha": "soft"}, False),
    ],
)
def test_every_condition_must_hold(condition: dict[str, Any], fits: bool) -> None:
    assert matches(Match(**condition), "a.png", SIZE, FACTS) == fits


_PARTS = st.lists(
    st.sampled_from(["a", "b", "/", "[", "]", "*", "?", "!", "[*]", "[?]", "[[]", "[a]", "."]), max_size=5
).map("".join)


@given(st.lists(_PARTS.filter(bool), min_size=1, max_size=4), _PARTS)
def test_a_name_without_wildcards_fits_as_a_pattern_does(patterns: list[str], name: str) -> None:
    """Such names are looked up, not searched for: a rule may have a thousand of them."""
    file = name.rpartition("/")[2]
    fits = any(fnmatchcase(name if "/" in one else file, one) for one in patterns)
    assert matches(Match.model_construct(name=tuple(patterns)), name, SIZE, FACTS) == fits


_MATCHES = st.fixed_dictionaries(
    {},
    optional={
        "name": st.lists(_PARTS.filter(bool), min_size=1, max_size=3).map(tuple),
        "alpha": st.sampled_from(["binary", "opaque"]),
    },
)


@given(st.lists(_MATCHES, max_size=6), _PARTS)
def test_rules_of_many_textures_are_found_as_of_one(said: list[dict[str, Any]], name: str) -> None:
    rules = tuple(Rule.model_construct(match=Match.model_construct(**one)) for one in said)
    made = Recipe.default().model_copy(update={"rules": rules})
    assert RuleFinder(made).rule_for(name, SIZE, FACTS) == rule_for(made, name, SIZE, FACTS)


def test_one_of_several_names_is_enough() -> None:
    match = Match(name=["*.dds", "a/b*"])
    assert [matches(match, name, SIZE, FACTS) for name in ("x/y.dds", "a/b.png", "b.png")] == [
        True,
        True,
        False,
    ]
    assert Match(name="a") == Match(name=("a",))
    with pytest.raises(ValueError, match="at least 1"):
        Match(name=())


conditions = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["*", "a*", "*.png", "x/*", "b"]),
        "max_side": st.integers(8, 64),
        "min_colours": st.integers(1, 20),
        "alpha": st.sampled_from(["binary", "opaque"]),
    },
)
rules = st.fixed_dictionaries(
    {"match": conditions},
    optional={
        "action": st.sampled_from(["upscale", "nearest", "copy", "skip"]),
        "edges": st.sampled_from(["auto", "wrap", "mirror", "clamp"]),
        "alpha": st.sampled_from(["auto", "opaque", "soft"]),
    },
)


@given(st.lists(rules, max_size=5), st.sampled_from(["a.png", "x/a.png", "b"]))
def test_the_first_match_wins_and_leaving_out_asks_classify(said: list[dict[str, Any]], name: str) -> None:
    plan = plan_of(*said, name=name)
    first = next((rule for rule in said if matches(Match(**rule["match"]), name, SIZE, FACTS)), {})
    number = said.index(first) + 1 if first else 0
    default = plan_of(name=name)
    assert plan.action == first.get("action", default.action)
    assert plan.alpha == (default.alpha if first.get("alpha", "auto") == "auto" else first["alpha"])
    word = first.get("edges", "auto")
    assert plan.edges == (default.edges if word == "auto" else Edges(word, word))
    for by, decided in (("action", plan.decided_by.action), ("alpha", plan.decided_by.alpha)):
        ruled = first.get(by, "auto") != "auto"
        assert decided.startswith(f"rule {number}: " if ruled else "classify: ")


guesses = st.builds(
    AxisGuess,
    mode=st.sampled_from(["wrap", "mirror", "clamp"]),
    confidence=st.sampled_from([0.2, 0.7, 1.0]),
    reason=st.sampled_from(["a", "b"]),
    undecided=st.booleans(),
)
facts_found = st.builds(
    Facts,
    alpha=st.sampled_from(["opaque", "binary", "data"]),
    alpha_reason=st.sampled_from(["a", "b"]),
    x=guesses,
    y=guesses,
    texels=st.sampled_from(["ci8", None]),
    texels_reason=st.just(""),
    colours=st.integers(0, 2),
    grey=st.booleans(),
    flat=st.booleans(),
    tiny=st.booleans(),
)


@given(facts_found, facts_found, rules)
def test_what_decides_is_all_that_decides(one: Facts, other: Facts, rule: dict[str, Any]) -> None:
    """Textures that differ in nothing that decides get equal plans."""
    decided_alike = replace(
        other,
        alpha=one.alpha,
        grey=one.grey,
        flat=one.flat,
        colours=min(other.colours + 1, 9) if one.colours else 0,
        x=replace(other.x, mode=one.x.mode, undecided=one.x.undecided),
        y=replace(other.y, mode=one.y.mode, undecided=one.y.undecided),
    )
    assert deciding(decided_alike) == deciding(one)
    for number in (0, 1):
        plan = plan_by(number, recipe(rule), one)
        assert plan == plan_by(number, recipe(rule), decided_alike)


def test_how_sure_the_least_certain_axis_is() -> None:
    certain, unsure = (
        replace(FACTS, y=AxisGuess("clamp", 1.0, "ends")),
        recipe({"match": {}, "edges": "wrap"}),
    )
    assert sureness(0, recipe(), FACTS) == 0.5
    assert sureness(0, recipe(), certain) == 0.912
    assert sureness(1, unsure, FACTS) == 1
    may = replace(certain, x=AxisGuess("clamp", 0.38, "edges differ", undecided=True))
    assert sureness(0, recipe(), may) == pytest.approx(0.62)


@given(st.lists(rules, min_size=1, max_size=4))
def test_rules_after_a_match_never_matter(said: list[dict[str, Any]]) -> None:
    catch_all = {"match": {}, "action": "copy"}
    assert plan_of(*said, catch_all) == plan_of(*said, catch_all, *said)


def test_many_textures_and_many_rules_take_seconds() -> None:
    many = recipe(
        *({"match": {"name": f"*#{number:08X}#*", "max_side": 8}, "action": "skip"} for number in range(400))
    )
    assert isinstance(many.rules[0], Rule)
    started = time.process_time()
    for number in range(500):
        decide(many, f"walls/GAME#{number * 7:08X}#0#2_all.png", (8, 8), FACTS)
    assert time.process_time() - started < 4  # 200,000 comparisons; 100 rules x 50,000 textures are 5 million


def test_patterns_cannot_blow_up() -> None:
    started = time.process_time()
    assert not matches(Match(name="*a" * 250), "a" * 240 + "b", SIZE, FACTS)
    assert time.process_time() - started < 1
