"""Which folder of which emulator a pack goes to."""

import sys
from pathlib import Path, PurePosixPath

import pytest

from texpipe.errors import UsageError
from texpipe.live.destination import destination

FOLDER_PACK = [PurePosixPath("ZELDA/a.png")]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    return tmp_path


def test_the_only_emulator_is_taken(home: Path) -> None:
    (home / ".local/share/duckstation").mkdir(parents=True)
    place = destination("duckstation", [PurePosixPath("SLUS-00067/config.yaml")], None)
    assert place.folder == home / ".local/share/duckstation/textures"


def test_of_several_emulators_the_user_chooses(home: Path) -> None:
    (home / ".local/share/dolphin-emu").mkdir(parents=True)
    (home / ".var/app/org.DolphinEmu.dolphin-emu/data/dolphin-emu").mkdir(parents=True)
    with pytest.raises(UsageError, match="several emulators") as caught:
        destination("dolphin", FOLDER_PACK, None)
    assert str(caught.value.hint).count("--into ") == 2
    assert destination("dolphin", FOLDER_PACK, home / "x").folder == home / "x"


def test_without_an_emulator_the_usual_places_are_named(home: Path) -> None:
    with pytest.raises(UsageError, match="no emulator for packs of ppsspp") as caught:
        destination("ppsspp", FOLDER_PACK, None)
    assert "PSP/TEXTURES" in str(caught.value.hint)
    with pytest.raises(UsageError) as caught:
        destination("folder", FOLDER_PACK, None)
    assert "--into" in str(caught.value.hint)


def test_a_cache_file_goes_to_the_caches_and_an_old_one_hides_a_folder(home: Path) -> None:
    (home / ".local/share/mupen64plus").mkdir(parents=True)
    caches = home / ".cache/mupen64plus/cache"
    caches.mkdir(parents=True)
    assert destination("gliden64", [PurePosixPath("ZELDA_HIRESTEXTURES.hts")], None).folder == caches
    (caches / "ZELDA_HIRESTEXTURES.htc").write_bytes(b"old")
    (caches / "MARIO_HIRESTEXTURES.htc").write_bytes(b"another game")
    place = destination("gliden64", FOLDER_PACK, None)
    assert place.folder == home / ".local/share/mupen64plus/hires_texture"
    assert place.hiding == (caches / "ZELDA_HIRESTEXTURES.htc",)
