"""Where a run.json says that the dump is: looked for with care, because the file may be a stranger's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from reportable import finished_pack

from texpipe.errors import PackError
from texpipe.read import scan as scanning
from texpipe.report.sources import dump_of


def says(output: Path, *inputs: object) -> Path:
    (output / "run.json").write_text(json.dumps({"input": list(inputs)}))
    return output


@pytest.mark.parametrize("text", ["/", "n" * 5000, "a/" * 4000, "\0", "nowhere"])
def test_what_is_no_dump_is_gone(tmp_path: Path, text: str) -> None:
    with pytest.raises(PackError, match="gone"):
        dump_of(says(finished_pack(tmp_path), text), {"a.png"})


def test_an_input_that_is_named_often_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = finished_pack(tmp_path)
    listed: list[Path] = []
    walk = scanning._walk
    monkeypatch.setattr(scanning, "_walk", lambda root, *more: listed.append(root) or walk(root, *more))
    dump = str(tmp_path / "dump")
    says(output, *[dump] * 1000, *(f"{dump}/{number}" for number in range(1000)))
    assert set(dump_of(output, {"a.png"}).sources) >= {"a.png"}
    assert listed == [tmp_path / "dump"]
