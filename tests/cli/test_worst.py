"""The textures to look at first: beyond a limit, worst first, and nobody twice."""

from __future__ import annotations

import re
from importlib.resources import files

from texpipe.cli.worst import may_repeat, uncertain, worst
from texpipe.manifest.schema import Entry
from texpipe.report.worst import COLOUR_LIMITS_LEVELS, COVERAGE_LIMITS, SEAM_LIMITS, SEEN_STEP_LEVELS
from texpipe.texture import Axes, Edges, Likely, Metrics


def entry(name: str, duplicate_of: str | None = None, **measured: float) -> Entry:
    return Entry(name, "written", duplicate_of=duplicate_of, metrics=Metrics(**measured))


def test_duplicates_and_textures_within_the_limits_are_left_out() -> None:
    textures = [
        entry("fine", seam_x=1.2, source_seam_x=1.1, colour_drift=1.0, alpha_coverage_drift=0.002),
        entry("tinted", colour_drift=3.0),
        entry("seam", seam_x=6.0, source_seam_x=1.0, colour_drift=4.4),
        entry("thin", alpha_coverage_drift=-0.02),
        entry("again", duplicate_of="seam", seam_x=6.0),
        Entry("skipped", "skipped"),
    ]
    assert worst(textures, 10) == [
        "seam: Seam x 6.00 (source 1.00), Colour drift 4.4",
        "thin: Alpha drift -2.0 %",
        "tinted: Colour drift 3.0",
    ]
    assert worst(textures, 1) == ["seam: Seam x 6.00 (source 1.00), Colour drift 4.4"]


def test_a_seam_that_the_source_has_is_not_held_against_the_result() -> None:
    assert worst([entry("rough", seam_y=2.5, source_seam_y=2.4)], 10) == []
    assert worst([entry("rough", seam_y=2.5)], 10) == ["rough: Seam y 2.50 (source 0.00)"]


def test_a_seam_of_which_nobody_sees_anything_does_not_lead() -> None:
    """A nearly black picture: its texels differ by less than a level, and its border by half a level."""
    dark = entry("dark", seam_x=5.36, source_seam_x=0.0, repeat_step_x=0.49)
    plain = entry("plain", seam_x=2.6, source_seam_x=1.0, repeat_step_x=30.0)
    assert worst([dark, plain], 10) == ["plain: Seam x 2.60 (source 1.00)"]
    script = files("texpipe.report").joinpath("static/textures.js").read_text("utf-8")
    found = re.search(r"SEEN_STEP = ([\d.]+);", script)
    assert found
    assert float(found[1]) == SEEN_STEP_LEVELS


def test_the_report_does_not_turn_amber_or_red_at_other_limits() -> None:
    script = files("texpipe.report").joinpath("static/textures.js").read_text("utf-8")
    limits = {
        name: (float(amber), float(red))
        for name, amber, red in re.findall(r"(\w+): \[([\d.]+), ([\d.]+)\]", script)
    }
    # The page shows coverage in percent.
    coverage = (COVERAGE_LIMITS[0] * 100, COVERAGE_LIMITS[1] * 100)
    assert limits == {"seam": SEAM_LIMITS, "colour": COLOUR_LIMITS_LEVELS, "alphaDrift": coverage}


def test_the_summary_uses_the_words_of_the_report() -> None:
    """Who reads "Alpha drift" in the terminal must find it in the page."""
    static = files("texpipe.report").joinpath("static")
    metrics = re.findall(r'label: say\("(\w+)"\), short:', static.joinpath("facts.js").read_text("utf-8"))
    english = dict(
        re.findall(r'(\w+): "([^"]*)"', static.joinpath("texts.js").read_text("utf-8").split("\n  de: {")[0])
    )
    labels = [english[name] for name in metrics]
    (line,) = worst([entry("all", seam_x=9.0, colour_drift=9.0, alpha_coverage_drift=0.5)], 1)
    assert len(labels) == 3
    assert all(label in line for label in labels), line


def test_what_may_repeat_is_named_with_the_jump_it_would_have_worst_first_and_how_likely() -> None:
    faint = Entry(
        "faint", "written", undecided=Axes(y=True), metrics=Metrics(repeat_y=1.2, repeat_step_y=4.0)
    )
    steep = Metrics(repeat_x=2.14, repeat_step_x=31.0, repeat_step_y=2.0)
    steeper = Metrics(repeat_x=3.0, repeat_step_x=60.0)
    textures = [
        faint,
        Entry("steep", "written", undecided=Axes(x=True, y=True), repeats=Likely(0.4, 0.3), metrics=steep),
        Entry("steeper", "written", undecided=Axes(x=True), repeats=Likely(x=0.1), metrics=steeper),
        Entry("decided", "written", metrics=Metrics(repeat_x=9.0, repeat_step_x=90.0)),
        Entry("again", "written", duplicate_of="steep", undecided=Axes(x=True), metrics=steep),
        Entry("inspected", "written", undecided=Axes(x=True)),
    ]
    jump, inside = "if repeated, colours jump by", "times as much as inside"
    assert uncertain(textures) == [
        f"steep: probably doesn't repeat left to right (60 % sure); {jump} 31 of 255 at the border, 2.1 "
        f"{inside}; probably doesn't repeat top to bottom (70 % sure); {jump} 2 of 255 at the border",
        f"steeper: probably doesn't repeat left to right (90 % sure); {jump} 60 of 255 at the border, 3.0 "
        f"{inside}",
        f"faint: probably doesn't repeat top to bottom (50 % sure); {jump} 4 of 255 at the border, 1.2 {inside}",
        "inspected: probably doesn't repeat left to right (50 % sure)",
    ]
    assert may_repeat(textures) == 5, "also the duplicate"
    against_odds = Entry(
        "wrapped",
        "written",
        edges=Edges("clamp", "wrap"),
        repeats=Likely(y=0.4),
        metrics=Metrics(seam_y=8.57, repeat_y=8.57, repeat_step_y=90.0),
    )
    assert may_repeat([against_odds, entry("certain", repeat_step_x=90.0)]) == 1
    assert uncertain([*textures, against_odds])[0] == (
        "wrapped: may repeat top to bottom (40 % sure), treated so; colours jump by 90 of 255 at the border, 8.6 "
        f"{inside}"
    )
    likely = Entry("likely", "written", undecided=Axes(x=True), repeats=Likely(x=0.62), metrics=steeper)
    assert uncertain([likely]) == [
        f"likely: probably repeats left to right (62 % sure); {jump} 60 of 255 at the border, 3.0 {inside}"
    ]
