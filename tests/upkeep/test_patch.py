"""Update archives: what they make is the new pack byte for byte, or the old one stays."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dumps import tree
from hypothesis import given, settings
from pack_trees import GAME, NAMES, SUFFIXES, contents, picture, trees, write_container, write_tree

from texpipe.cli import texpipe as program
from texpipe.cli.console import exit_code_of
from texpipe.errors import PackError
from texpipe.imaging.image_files import encode_png
from texpipe.storage import whole_folder as swapping
from texpipe.upkeep import patch as patching
from texpipe.upkeep.patch import apply_patch, make_patch, read_patch


@pytest.fixture(scope="module", autouse=True)
def disk() -> Iterator[None]:
    """Waiting for a busy disk takes longer than everything else; a kill of the process loses nothing without it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(swapping, "sync_disk", lambda: None)
        patch.setattr("os.fsync", lambda _: None)
        yield


@settings(max_examples=30)
@given(trees, trees)
def test_a_patched_folder_is_the_new_one_byte_for_byte(before: dict, after: dict) -> None:
    with tempfile.TemporaryDirectory() as name:
        one, other = write_tree(Path(name) / "a", before), write_tree(Path(name) / "b", after)
        make_patch(one, other, Path(name) / "p.texpatch")
        apply_patch(Path(name) / "p.texpatch", one)
        assert tree(one) == tree(other)
        assert sorted(path.name for path in Path(name).iterdir()) == ["a", "b", "p.texpatch"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=15)
@given(contents, contents)
def test_a_patched_container_is_the_new_one_byte_for_byte(suffix: str, before: dict, after: dict) -> None:
    with tempfile.TemporaryDirectory() as name:
        one = write_container(Path(name) / f"a{suffix}", before)
        other = write_container(Path(name) / f"b{suffix}", after)
        make_patch(one, other, Path(name) / "p.texpatch")
        apply_patch(Path(name) / "p.texpatch", one)
        assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_patch_of_a_container_brings_only_what_changed(tmp_path: Path, suffix: str) -> None:
    """Of large entries one is changed; the archive is a little larger than that one."""
    folder = {number: tmp_path / "ab"[number] for number in (0, 1)}
    for number, place in folder.items():
        place.mkdir()
        write_large(place / f"x{suffix}", changed=number)
    written = make_patch(folder[0], folder[1], tmp_path / "p.texpatch")
    entry = 64 * 64 * 4
    assert entry / 2 < written.size < 2.2 * entry


def write_large(path: Path, changed: int) -> None:
    import numpy as np

    from texpipe.formats.gliden64_cache import CacheEntry, write_hts

    pictures = [np.random.default_rng(number).integers(0, 256, (64, 64, 4), np.uint8) for number in range(12)]
    if changed:
        pictures[5] = np.random.default_rng(99).integers(0, 256, (64, 64, 4), np.uint8)
    if path.suffix == ".hts":
        write_hts(path, [CacheEntry(number + 1, rgba, 0, 2) for number, rgba in enumerate(pictures)])
        return
    with zipfile.ZipFile(path, "w") as archive:
        for number, rgba in enumerate(pictures):
            archive.writestr(zipfile.ZipInfo(f"{number}.png"), encode_png(rgba))


@pytest.fixture
def packs(tmp_path: Path) -> tuple[Path, Path]:
    one = write_tree(tmp_path / "a", {"": {0: 0, 1: 1, 2: 2}, ".rtz": {0: 1, 1: 2}})
    return one, write_tree(tmp_path / "b", {"": {0: 0, 1: 3, 3: 2}, ".rtz": {0: 1, 1: 3, 4: 0}})


@pytest.fixture
def archive(tmp_path: Path, packs: tuple[Path, Path]) -> Path:
    make_patch(*packs, tmp_path / "p.texpatch")
    return tmp_path / "p.texpatch"


def test_equal_packs_give_equal_archives(tmp_path: Path, packs: tuple[Path, Path], archive: Path) -> None:
    make_patch(*packs, tmp_path / "q.texpatch")
    assert (tmp_path / "q.texpatch").read_bytes() == archive.read_bytes()


@pytest.mark.parametrize("spoil", ["changed", "missing", "in the way"])
def test_another_base_is_refused_and_stays(packs: tuple[Path, Path], archive: Path, spoil: str) -> None:
    one = packs[0]
    if spoil == "changed":
        (one / GAME / NAMES[2]).write_bytes(encode_png(picture(9)))
    elif spoil == "missing":
        (one / GAME / NAMES[0]).unlink()
    else:
        (one / GAME / NAMES[3].lower()).write_bytes(b"mine")
    before = tree(one)
    with pytest.raises(PackError, match=r"is another|is missing|in the way") as refused:
        apply_patch(archive, one)
    assert (
        NAMES[0 if spoil == "missing" else 3 if spoil == "in the way" else 2].lower()
        in str(refused.value).lower()
    )
    assert tree(one) == before


def test_changes_in_other_files_are_kept_when_asked_for(packs: tuple[Path, Path], archive: Path) -> None:
    one, other = packs
    mine = encode_png(picture(9))
    (one / GAME / NAMES[0]).write_bytes(mine)
    (one / ".store").mkdir()
    (one / ".store" / "kept").write_bytes(b"hidden")
    (one / "notes.txt").write_text("mine")
    with pytest.raises(PackError, match="is another"):
        apply_patch(archive, one)
    apply_patch(archive, one, other_changes=True)
    expected = {**tree(other), f"{GAME}/{NAMES[0]}": mine, ".store/kept": b"hidden", "notes.txt": b"mine"}
    assert tree(one) == expected


def test_the_result_can_go_elsewhere_and_shares_no_file(
    packs: tuple[Path, Path], archive: Path, tmp_path: Path
) -> None:
    before = tree(packs[0])
    apply_patch(archive, packs[0], output=tmp_path / "new")
    assert tree(tmp_path / "new") == tree(packs[1])
    assert tree(packs[0]) == before
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "new").rglob("*.png"))
    with pytest.raises(PackError, match="is there already"):
        apply_patch(archive, packs[0], output=tmp_path / "new")


@pytest.mark.parametrize("fault", ["link", "write", "exchange"])
def test_a_patch_that_fails_leaves_the_pack(
    packs: tuple[Path, Path], archive: Path, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(packs[0])

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    if fault == "link":
        monkeypatch.setattr(patching.shutil, "copy2", fail)
        monkeypatch.setattr(patching.os, "link", fail)
    elif fault == "write":
        monkeypatch.setattr(patching, "_run", fail)
    else:
        monkeypatch.setattr(swapping, "_take_place", fail)
    with pytest.raises(PackError, match="No space left"):
        apply_patch(archive, packs[0])
    assert tree(packs[0]) == before
    assert sorted(path.name for path in packs[0].parent.iterdir()) == ["a", "b", "p.texpatch"]


def test_without_exchange_of_names_the_folder_is_replaced_in_two_steps(
    packs: tuple[Path, Path], archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(swapping, "_exchanged", lambda *_: False)
    apply_patch(archive, packs[0])
    assert tree(packs[0]) == tree(packs[1])
    assert sorted(path.name for path in packs[0].parent.iterdir()) == ["a", "b", "p.texpatch"]


def test_what_a_stop_between_the_two_steps_left_is_put_back(packs: tuple[Path, Path], archive: Path) -> None:
    one, before = packs[0], tree(packs[0])
    one.rename(one.with_name(".a.1-00ff.part.old"))
    one.with_name(".a.999999999-00ff.part").mkdir()
    swapping.put_back(one)
    assert tree(one) == before
    assert sorted(path.name for path in one.parent.iterdir()) == ["a", "b", "p.texpatch"]
    apply_patch(archive, one)


def test_a_pack_that_is_a_link_stays_one(packs: tuple[Path, Path], archive: Path, tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    packs[0].rename(tmp_path / "drive" / "real")
    packs[0].symlink_to(Path("drive", "real"), target_is_directory=True)
    apply_patch(archive, packs[0])
    assert packs[0].is_symlink()
    assert tree(tmp_path / "drive" / "real") == tree(packs[1])
    assert [path.name for path in (tmp_path / "drive").iterdir()] == ["real"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "drive", "p.texpatch"]


def test_links_that_a_patch_says_nothing_of_are_named(packs: tuple[Path, Path], tmp_path: Path) -> None:
    (packs[1] / "more").symlink_to(tmp_path)
    written = make_patch(*packs, tmp_path / "q.texpatch")
    assert [line.partition(",")[0] for line in written.links] == [
        f"{packs[1] / 'more'} is a link to a folder"
    ]


def test_a_container_that_is_a_link_stays_one(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    real = write_container(tmp_path / "drive" / "real.rtz", {0: 1})
    other, link = write_container(tmp_path / "b.rtz", {0: 2}), tmp_path / "a.rtz"
    link.symlink_to(real)
    make_patch(link, other, tmp_path / "p.texpatch")
    (tmp_path / "drive" / ".real.rtz.999999999-00ff.part").write_bytes(b"of a killed process")
    apply_patch(tmp_path / "p.texpatch", link)
    assert link.is_symlink()
    assert real.read_bytes() == other.read_bytes()
    assert [path.name for path in (tmp_path / "drive").iterdir()] == ["real.rtz"]


def apply_until(count: int, archive: Path, place: Path) -> int:
    """Apply in a process of its own that is killed at its n-th use of the disk; return how it ended."""
    child = os.fork()
    if child == 0:
        uses = 0

        def count_uses(event: str, _: object) -> None:
            nonlocal uses
            if event in (
                "open",
                "os.link",
                "os.rename",
                "os.mkdir",
                "os.remove",
                "os.rmdir",
                "ctypes.dlopen",
            ):
                uses += 1
                if uses > count:
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(count_uses)
        try:
            apply_patch(archive, place)
        except BaseException:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_patch_killed_at_any_step_leaves_the_old_pack_or_the_new_one(
    packs: tuple[Path, Path], archive: Path, tmp_path: Path
) -> None:
    """For every n until it gets through."""
    one, other = packs
    before, after = tree(one), tree(other)
    seen = []
    for count in (*range(0, 90, 3), 10**6):
        place = tmp_path / f"try{count}" / "a"
        shutil.copytree(one, place)
        code = apply_until(count, archive, place)
        found = tree(place)
        assert found in (before, after)
        seen.append((code, found == after))
        if found == before:  # whatever was left is no obstacle, and is removed
            apply_patch(archive, place)
            assert tree(place) == after
            assert [path.name for path in place.parent.iterdir()] == ["a"]
    assert {(0, True), (-signal.SIGKILL, False), (-signal.SIGKILL, True)} == set(seen)


def rewritten(archive: Path, change: Callable[[dict], object]) -> None:
    with zipfile.ZipFile(archive) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    top = json.loads(entries["patch.json"])
    change(top)
    entries["patch.json"] = json.dumps(top).encode()
    with zipfile.ZipFile(archive, "w") as new:
        for name, data in entries.items():
            new.writestr(name, data)


@pytest.mark.parametrize(
    "change",
    [
        lambda top: top["made"][0].update(name="../evil.png"),
        lambda top: top["made"][0].update(name="/etc/evil.png"),
        lambda top: top["made"][0].update(name=".store/evil"),
        lambda top: top["removed"].append("../evil.png"),
        lambda top: top["made"][0].update(sha256="0" * 64),
        lambda top: top["made"][0].update(pieces=[{"base": None, "start": 0, "length": 10**12}]),
        lambda top: top["made"][0].update(pieces=[{"base": "nothing", "start": 0, "length": 1}]),
        lambda top: top["made"].append(top["made"][0]),
        lambda top: top.update(schema="texpipe.patch/2"),
        lambda top: top.update(base=[]),
    ],
)
def test_a_hostile_or_damaged_archive_changes_nothing(
    packs: tuple[Path, Path], archive: Path, change: Callable[[dict], object]
) -> None:
    rewritten(archive, change)
    before = tree(packs[0].parent)
    with pytest.raises(PackError):
        apply_patch(archive, packs[0])
    assert tree(packs[0].parent) == before


def test_packs_of_two_kinds_have_no_patch(packs: tuple[Path, Path], tmp_path: Path) -> None:
    alone = write_container(tmp_path / "x.hts", {0: 0})
    with pytest.raises(PackError, match="not of one kind"):
        make_patch(packs[0], alone, tmp_path / "q.texpatch")
    make_patch(packs[0], packs[0], tmp_path / "q.texpatch")
    with pytest.raises(PackError, match="is not a folder"):
        apply_patch(tmp_path / "q.texpatch", alone)


def test_the_commands(
    packs: tuple[Path, Path], tmp_path: Path, texpipe: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    def call(*words: object) -> tuple[int, str, str]:
        return exit_code_of(program, list(map(str, words))), *capsys.readouterr()

    update = tmp_path / "p.texpatch"
    made = texpipe("patch", "make", *packs, "--output", update, "--json")
    assert json.loads(made.stdout)["made"] == len(read_patch(update).made)
    assert f"{GAME}/{NAMES[2]}" in json.loads(call("patch", "show", update, "--json")[1])["removed"]
    code, _, said = call("patch", "make", *packs, "--output", update)
    assert (code, "already exists" in said) == (2, True)
    assert texpipe("patch", "apply", update, packs[0]).returncode == 0
    assert tree(packs[0]) == tree(packs[1])
    code, _, said = call("patch", "apply", update, packs[0])
    assert (code, "is not the pack that this update is for" in said) == (5, True)
