"""A sample shows what there is, keeps groups whole, and is the same for the same dump."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.analysis.survey import survey
from texpipe.imaging.image_files import encode_png
from texpipe.planning.jobs import FrameJob, ResultRef, SingleTexture, Workload
from texpipe.planning.planner import plan_jobs
from texpipe.planning.sample import Sample, sample_of
from texpipe.recipe.schema import Recipe
from texpipe.texture import Decisions, Edges, Plan, Source

PLAN = Plan("upscale", "opaque", Edges(), 4, "match", False, Decisions("", "", "", ""))
CUT_OUT = replace(PLAN, alpha="binary")


def single(name: str, plan: Plan = PLAN, size: tuple[int, int] = (16, 16)) -> SingleTexture:
    item = SurveyedTexture(Source(name, Path()), "0" * 64, size, plan)
    return SingleTexture(ResultRef(item, f"key of {name}"), f"content of {name}")


def work_of(*jobs: SingleTexture | FrameJob) -> Workload:
    return Workload(jobs, piece_of={job.result.item.source.name: job.result for job in jobs})


def frames(*names: str) -> tuple[SingleTexture | FrameJob, ...]:
    """An animation: each frame as it is first made, and averaged with the others."""
    alone = [replace(single(name), content="content of an animation") for name in names]
    made = tuple(job.result for job in alone)
    averaged = [
        FrameJob(ResultRef(job.result.item, f"average of {job.result.key}"), job.content, made)
        for job in alone
    ]
    return (*alone, *averaged)


def test_what_is_rare_is_in_it_and_what_is_common_fills_the_rest() -> None:
    common = [single(f"ground {number}") for number in range(60)]
    rare = [single("letter", CUT_OUT, (8, 8)), single("title", size=(320, 240))]
    found = sample_of(work_of(*common, *rare), 8)
    assert {"letter", "title"} < found.names
    assert len(found.names) == 8


def test_an_animation_comes_whole_or_not_at_all() -> None:
    animation = frames("a", "b", "c")
    others = [single(f"other {number}") for number in range(4)]
    most = sample_of(work_of(*animation, *others), 10)
    few = sample_of(work_of(*animation, *others[:1]), 2)
    assert {"a", "b", "c"} < most.names
    assert len(most.work.jobs) == 10
    assert few.names == {"other 0"}
    assert (few.size.pictures, few.size.of, few.size.asked) == (1, 4, 2)


def test_where_there_are_only_larger_groups_the_smallest_of_them_comes() -> None:
    found = sample_of(
        work_of(*frames("a", "b"), *(replace(one, content="z") for one in frames("c", "d", "e"))), 1
    )
    assert found.names == {"a", "b"}


@given(st.lists(st.integers(1, 5), min_size=1, max_size=12), st.integers(1, 20))
def test_as_many_pictures_as_asked_where_textures_alone_can_fill_the_rest(
    sizes: list[int], count: int
) -> None:
    """A frame of an animation is one picture, though it takes two jobs."""
    animations = [
        replace(job, content=f"animation {number}")
        for number, size in enumerate(sizes)
        for job in frames(*(f"{number}.{frame}" for frame in range(size)))
    ]
    others = [single(f"other {number}") for number in range(count)]
    found = sample_of(work_of(*animations, *others), count)
    assert found.size.pictures == len(found.names) == count
    assert found.size.of == sum(sizes) + count


def test_what_is_said_of_other_textures_is_left_out() -> None:
    work = replace(
        work_of(*(single(f"ground {number}") for number in range(6))),
        notes={f"ground {number}": "a note" for number in range(6)},
        warnings=("of no texture in particular",),
    )
    found = sample_of(work, 2)
    assert set(found.work.notes) == found.names == set(found.work.piece_of)
    assert found.work.warnings == work.warnings


def test_duplicates_come_with_the_texture_that_they_are_copies_of() -> None:
    one = single("one")
    work = replace(
        work_of(one), piece_of={"one": one.result, "copy": one.result}, duplicate_of={"copy": "one"}
    )
    assert sample_of(work, 1).names == {"one", "copy"}


def test_a_quarter_of_it_are_the_worst() -> None:
    work = work_of(*(single(f"ground {number}") for number in range(40)))
    worst = [f"ground {number}" for number in (31, 17, 5)]
    found = sample_of(work, 8, worst=["gone", *worst])
    assert {"ground 31", "ground 17"} < found.names
    assert len(found.names) == 8


def test_the_time_of_all_follows_from_texels_that_the_network_sees() -> None:
    copied = single("copied", replace(PLAN, action="copy"), (512, 512))
    found = sample_of(work_of(single("small"), single("large", size=(32, 32)), copied), 3)
    assert (found.texels, found.all_texels) == (1280, 1280)
    assert replace(found, texels=256).whole(2.0) == 10.0
    assert sample_of(work_of(copied), 1).whole(2.0) == 0.0


def test_no_picture_is_no_sample() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        sample_of(work_of(single("one")), 0)


@given(st.permutations(range(12)), st.integers(1, 14))
def test_it_follows_from_the_textures_whatever_their_order(order: list[int], count: int) -> None:
    jobs = [single(f"{number}", (PLAN, CUT_OUT)[number % 2], (8 << number % 3, 8)) for number in range(12)]
    found = sample_of(work_of(*(jobs[number] for number in order)), count)
    assert found.names == sample_of(work_of(*jobs), count).names
    assert len(found.names) == min(count, 12)


def test_it_is_taken_from_a_dump_as_it_is_planned(tmp_path: Path) -> None:
    for number in range(9):
        noise = np.random.default_rng(number).integers(0, 256, (16, 16, 4), np.uint8)
        noise[..., 3] = 255
        (tmp_path / f"ground {number}.png").write_bytes(encode_png(noise))
    shape = np.full((16, 16, 4), 255, np.uint8)
    shape[:8, :, 3] = 0
    shape[8:, :8, :3] = 40
    (tmp_path / "sprite.png").write_bytes(encode_png(shape))
    found = sample_of(_planned(tmp_path), 3)
    assert isinstance(found, Sample)
    assert "sprite.png" in found.names
    assert len(found.names) == 3


def _planned(folder: Path) -> Workload:
    return plan_jobs(survey(folder, Recipe.default()), Recipe.default(), ("engine",))
