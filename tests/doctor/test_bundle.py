"""The archive for bug reports: what is in it, and what must never be."""

import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from texpipe.doctor.bundle import without_private_paths, write_bundle
from texpipe.doctor.finding import Finding
from texpipe.errors import UsageError

WORDS = st.text(
    st.characters(categories=("Ll", "Lu", "Nd"), include_characters=" -_"), min_size=1, max_size=8
)


def test_the_archive_has_everything_but_pictures_and_private_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "Jane Doe"
    output = home / "packs" / "oot"
    output.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "texpipe-abc.log").write_text(f"failed on {home}/dumps/a.png and on /srv/nas/secret/b.png")
    (output / "manifest.json").write_text(
        json.dumps({"textures": [{"source": f"{n}.png"} for n in range(99)]})
    )
    (output / "run.json").write_text(json.dumps({"input": str(home / "dumps" / "oot")}))
    (output / "a.png").write_bytes(b"picture")
    recipe = home / "oot.yaml"
    recipe.write_text("input: /mnt/games/dump\n")
    findings = [Finding("folders", "output", "good", f"{output}, 3.0 GB free")]
    names = write_bundle(tmp_path / "bug.zip", findings, output, recipe)
    with zipfile.ZipFile(tmp_path / "bug.zip") as archive:
        assert archive.namelist() == names
        texts = {name: archive.read(name).decode() for name in names}
    assert set(names) == {"doctor.json", "manifest-head.json", "run.json", "recipe.yaml", "texpipe-abc.log"}
    assert len(json.loads(texts["manifest-head.json"])["textures"]) == 50
    everything = "".join(texts.values())
    for private in ("Jane Doe", "secret", "/mnt", "picture"):
        assert private not in everything, private
    assert "a.png" in everything


def test_an_archive_is_not_overwritten(tmp_path: Path) -> None:
    there = tmp_path / "bug.zip"
    there.write_bytes(b"mine")
    with pytest.raises(UsageError):
        write_bundle(there, [], tmp_path, None)
    assert there.read_bytes() == b"mine"


def test_a_torn_manifest_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"textures": [')
    assert "manifest-head.json" in write_bundle(tmp_path / "bug.zip", [], tmp_path, None)


@given(st.lists(WORDS, min_size=2, max_size=4), WORDS, st.sampled_from(["posix", "windows"]))
def test_named_folders_vanish_whatever_their_names(folders: list[str], name: str, kind: str) -> None:
    folder = "/" + "/".join(folders) if kind == "posix" else "C:\\" + "\\".join(folders)
    text = without_private_paths(f"in {folder}/{name}", [Path(folder)])
    assert folder not in text or len(Path(folder).parts) < 2 or folder == "..."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"/srv/a/b/c.png"', '".../c.png"'),
        (r"C:\Users\jane\x.png", ".../x.png"),
        ('"C:\\\\Users\\\\jane\\\\x.png"', '".../x.png"'),
        ("https://pytorch.org/get-started/locally/", "https://pytorch.org/get-started/locally/"),
        ("textures/a/b.png", "textures/a/b.png"),
    ],
)
def test_other_absolute_paths_lose_their_folders(text: str, expected: str) -> None:
    assert without_private_paths(text, []) == expected
