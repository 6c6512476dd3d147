"""What is computed first, and what of it comes from a file."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.errors import UsageError
from texpipe.planning.jobs import FrameJob, ResultRef, SingleTexture, Workload
from texpipe.planning.order import read_order, slices
from texpipe.texture import Source


def workload(contents: list[int]) -> Workload:
    """One job a texture; those of one content are frames of one animation."""
    jobs, piece_of = [], {}
    for number, content in enumerate(contents):
        item = SurveyedTexture(Source(str(number), Path(str(number))), "", (1, 1), None)  # type: ignore[arg-type]
        base, final = ResultRef(item, f"base {number}"), ResultRef(item, f"key {number}")
        jobs += [SingleTexture(base, str(content)), FrameJob(final, str(content), (base,))]
        piece_of[str(number)] = final
    return Workload(tuple(jobs), piece_of)


@given(st.lists(st.integers(0, 60), max_size=90), st.lists(st.integers(0, 99), max_size=90))
def test_every_job_is_in_one_part_with_what_it_is_made_of_and_named_ones_come_first(contents, named):
    work = workload(contents)
    first = [str(number) for number in named]
    parts = list(slices(work, first))
    assert sorted(job.result.key for part in parts for job in part.jobs) == sorted(
        job.result.key for job in work.jobs
    )
    place_of = {job.result.key: place for place, part in enumerate(parts) for job in part.jobs}
    for job in work.jobs:
        assert all(place_of[piece.key] == place_of[job.result.key] for piece in job.made_of)
    # What is named later may come with what was named before.
    earliest = {contents[number]: number for number in reversed(named) if number < len(contents)}
    places = [place_of[f"key {number}"] for number in sorted(earliest.values(), key=named.index)]
    assert places == sorted(places)
    wanted = set(earliest)
    others = [place_of[f"key {number}"] for number, one in enumerate(contents) if one not in wanted]
    assert max(places, default=-1) < min(others, default=len(parts))


def test_without_names_all_is_one_part():
    work = workload([1, 2, 3])
    assert [part.jobs for part in slices(work, ())] == [work.jobs]


def test_names_are_lines_each_once(tmp_path):
    file = tmp_path / "order"
    file.write_text("b.png\n\n sub/a b.png \nb.png\n")
    assert read_order(file) == ("b.png", "sub/a b.png")


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_file_without_names_is_refused(tmp_path, text):
    (tmp_path / "order").write_text(text)
    with pytest.raises(UsageError, match="--order"):
        read_order(tmp_path / "order")
    with pytest.raises(UsageError, match="cannot be read"):
        read_order(tmp_path / "missing")
