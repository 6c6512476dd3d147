"""What planning leaves behind: jobs without the fingerprints that they were planned by, and little of each texture."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from dumps import dump
from hypothesis import given, settings
from hypothesis import strategies as st

from texpipe.analysis.inventory import Fingerprint, Inventory, SurveyedTexture
from texpipe.analysis.survey import survey
from texpipe.groups.frames import MAX_FRAMES, find_animations
from texpipe.imaging.image_files import encode_png
from texpipe.planning.jobs import ResultRef, SingleTexture, VariantJob, Workload
from texpipe.planning.planner import _in_one_shard, plan_jobs
from texpipe.recipe.schema import Recipe
from texpipe.texture import AxisGuess, Decisions, Edges, Facts, Plan, Source

MAX_BYTES = 1700
"""Largest memory of a texture and its job when planning is over, what many have in common included."""
PLAN = Plan("upscale", "opaque", Edges(), 4, "match", False, Decisions("", "", "", ""))
NOTHING = AxisGuess("clamp", 0.0, "")
FACTS = Facts("opaque", "", NOTHING, NOTHING, None, "", 2, False, False, False)


def planned(folder: Path) -> tuple[Inventory, Workload]:
    seen = survey(folder, Recipe.default())
    return seen.inventory, plan_jobs(seen, Recipe.default(), ("engine",))


def related(folder: Path) -> Path:
    """A dump with a duplicate, variants in other colours and a mirror image."""
    dump(folder, 3, (16, 16))
    random = np.random.default_rng(5)
    shape = np.where(random.random((16, 16, 1)) < 0.4, 200, 30).astype(np.uint8)
    first = np.dstack([shape, shape // 2, shape // 3, np.full_like(shape, 255)])
    for name, rgba in (
        ("a", first),
        ("same", first),
        ("tint", first[..., [1, 2, 0, 3]]),
        ("flip", first[:, ::-1]),
    ):
        (folder / f"{name}.png").write_bytes(encode_png(np.ascontiguousarray(rgba)))
    return folder


def test_no_fingerprint_outlives_planning(tmp_path: Path) -> None:
    seen, work = planned(related(tmp_path / "dump"))
    assert work.duplicate_of
    assert work.variant_of or work.mirror_of
    kept = list(reachable((seen, work)))
    assert sum(isinstance(one, SurveyedTexture) for one in kept) >= len(seen.items) == 7
    assert not any(isinstance(one, Fingerprint | Facts) for one in kept)


def reachable(root: object) -> Iterator[object]:
    """Yield all values that can be reached from one."""
    known: set[int] = set()
    waiting = [root]
    while waiting:
        one = waiting.pop()
        if id(one) not in known and not isinstance(one, type):
            known.add(id(one))
            yield one
            waiting += gc.get_referents(one)


def test_a_texture_and_its_job_take_little(tmp_path: Path) -> None:
    dump(tmp_path, 80)
    kept = planned(tmp_path)
    assert len(kept[1].jobs) == 80
    assert sum(map(sys.getsizeof, reachable(kept))) / 80 < MAX_BYTES


def item(number: int) -> SurveyedTexture:
    source = Source(f"GAME#{number:08X}#0#2_all.png", Path("dump"))
    return SurveyedTexture(source, "", (16, 16), PLAN)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 90), min_size=1, max_size=5), st.randoms())
def test_textures_that_share_blocks_are_one_animation_or_too_many(sizes: list[int], random) -> None:
    items: list[SurveyedTexture] = []
    fingerprints: dict[str, Fingerprint] = {}
    for film, size in enumerate(sizes):
        same = np.random.default_rng(film).bytes(16 * 8)
        frames = [item(len(items) + place) for place in range(size)]
        fingerprints |= {one.source.name: Fingerprint(FACTS, one.source.name, blocks=same) for one in frames}
        items += frames
    random.shuffle(items)
    found = {len(one.frames) for one in find_animations(items, fingerprints)}
    assert found == {size for size in sizes if 1 < size <= MAX_FRAMES}


def test_what_is_made_of_each_other_has_one_content() -> None:
    first = item(0)
    like = ResultRef(first, "like")
    variants = [VariantJob(ResultRef(item(number), str(number)), f"{number:x}", like) for number in (5, 3, 9)]
    alone = SingleTexture(ResultRef(item(77), "alone"), "77")
    made = list(_in_one_shard([SingleTexture(like, "4"), *variants, alone]))
    assert [job.content for job in made] == ["3", "3", "3", "3", "77"]
