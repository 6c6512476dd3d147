"""How often the writer encodes and reads what it writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from dumps import dump, tree, write_recipe

from texpipe.options import RunOptions
from texpipe.output import writer
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.storage import results

COUNT = 4
COPY = "rules: [{match: {}, action: copy}]\n"


def options(folder: Path, model: Path, output: str, rules: str = "") -> RunOptions:
    return load_options(write_recipe(folder, rules), output=folder / output, model=str(model), device="cpu")


def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the sizes of the PNGs that the writer encodes from now on."""
    sizes: list[int] = []
    plain = writer.encode_png

    def counted(rgba: object) -> bytes:
        png = plain(rgba)
        sizes.append(len(png))
        return png

    monkeypatch.setattr(writer, "encode_png", counted)
    return sizes


def test_a_copied_texture_is_encoded_once_unless_memory_is_full(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump(tmp_path / "dump", COUNT)
    sizes = encoded(monkeypatch)
    run_recipe(options(tmp_path, tiny_model, "roomy", COPY))
    assert len(sizes) == COUNT
    monkeypatch.setattr(writer, "MAX_COPIES_BYTES", sizes[0] + sizes[1])
    run_recipe(options(tmp_path, tiny_model, "tight", COPY))
    assert len(sizes) == COUNT + COUNT + (COUNT - 2)
    assert tree(tmp_path / "roomy") == tree(tmp_path / "tight")


def test_a_cached_result_is_read_once_for_a_pack_that_is_there_and_once_more_for_a_new_one(
    tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump(tmp_path / "dump", COUNT)
    asked = options(tmp_path, tiny_model, "out")
    run_recipe(asked)
    reads: list[str] = []
    plain = results.read_small

    def counted(file: Path, limit: int) -> bytes:
        reads.extend([file.name] if file.suffix == ".png" else [])
        return plain(file, limit)

    monkeypatch.setattr(results, "read_small", counted)
    assert run_recipe(asked).cached == COUNT
    assert len(reads) == COUNT
    for file in (tmp_path / "out").rglob("*_all.png"):
        file.unlink()
    reads.clear()
    assert run_recipe(asked).cached == COUNT
    assert len(reads) == 2 * COUNT
