"""Which folders are outputs of texpipe: by their store and the schema of their manifest, never by a name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from texpipe.manifest.output_folder import is_output_folder


def write(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text, "utf-8")


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("manifest.json", '{\n  "schema": "texpipe.manifest/1",\n'),
        ("manifest.json", '{"schema":"texpipe.manifest/7", "torn'),
        (".store/written", ""),
        (".store/ab/x.png", ""),
    ],
)
def test_a_store_or_a_manifest_of_ours_makes_an_output_folder(tmp_path: Path, path: str, text: str) -> None:
    write(tmp_path, path, text)
    assert is_output_folder(tmp_path)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("manifest.json", '{"name": "my web app"}'),
        ("manifest.json", '{"name": "x", "schema": "texpipe.manifest/1"'),
        ("manifest.json/x", ""),
        ("run.json", "{}"),
        (".store/notes of mine.txt", ""),
        (".lock", ""),
    ],
)
def test_a_file_of_the_same_name_does_not(tmp_path: Path, path: str, text: str) -> None:
    write(tmp_path, path, text)
    assert not is_output_folder(tmp_path)
