"""The output folder's layout."""

from __future__ import annotations

from pathlib import Path

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
        layout.backup,
    ]
    assert len(set(places)) == len(places)
    assert all(place.is_relative_to(tmp_path) for place in places)
