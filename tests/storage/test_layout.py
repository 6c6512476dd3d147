"""The output folder's layout, and which folders a recipe may write to without being asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from texpipe.storage.layout import OutputLayout


def test_every_place_is_another_one_below_the_output(tmp_path: Path) -> None:
    layout = OutputLayout(tmp_path)
    places = [
        layout.manifest,
        layout.run_info,
        layout.report,
        layout.lock,
        layout.store,
        layout.analysis_cache,
        layout.journal,
        layout.shard_marks,
    ]
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(tmp_path) for place in places)


@pytest.mark.parametrize(
    ("names", "ours"),
    [((), True), ((".lock", "letter.txt"), True), (("manifest.json",), True), (("letter.txt",), False)],
)
def test_a_folder_with_other_files_alone_is_not_ours(
    tmp_path: Path, names: tuple[str, ...], ours: bool
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert OutputLayout(tmp_path).is_ours() == ours


def test_a_store_alone_makes_a_folder_ours(tmp_path: Path) -> None:
    OutputLayout(tmp_path).store.mkdir()
    (tmp_path / "letter.txt").touch()
    assert OutputLayout(tmp_path).is_ours()
