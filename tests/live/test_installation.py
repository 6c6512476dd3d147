"""Packs in emulators' folders: what is copied, what is kept, what is taken out again."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from texpipe.errors import PackError
from texpipe.live.destination import Destination
from texpipe.live.installation import (
    carry_out,
    files_of_pack,
    plan_installation,
    plan_removal,
    without_others,
)
from texpipe.live.installed_files import InstallationRecord, InstalledFile

NAMES = st.sampled_from(["GAME/a.png", "GAME/b.png", "GAME/sub/c.png", "GAME/list.ini", "OTHER/d.png"])
TREES = st.dictionaries(NAMES, st.binary(max_size=3), max_size=5)


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def write(folder: Path, files: dict[str, bytes]) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def tree(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def install(output: Path, folder: Path) -> Path | None:
    backup = carry_out(plan_installation(output, Destination("gliden64", folder)))
    InstallationRecord(folder).settle()
    return backup


def uninstall(output: Path, folder: Path) -> None:
    carry_out(plan_removal(output, Destination("gliden64", folder)))


def test_a_pack_is_copied_and_a_second_time_nothing_is_to_do(tmp_path: Path) -> None:
    files = {"GAME/a.png": b"a", "GAME/sub/c.png": b"c"}
    write(tmp_path / "out/gliden64", files)
    assert install(tmp_path / "out", tmp_path / "emulator") is None
    assert tree(tmp_path / "emulator") == files
    again = plan_installation(tmp_path / "out", Destination("gliden64", tmp_path / "emulator"))
    assert (again.new, set(again.same), again.in_the_way) == ({}, set(files), ())


def test_without_a_pack_there_is_nothing_to_install(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="there is no pack"):
        files_of_pack(tmp_path, "gliden64")


def test_links_in_a_pack_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    write(tmp_path / "out/gliden64", {"GAME/a.png": b"a"})
    (tmp_path / "out/gliden64/GAME/b.png").symlink_to(tmp_path / "secret")
    install(tmp_path / "out", tmp_path / "emulator")
    assert tree(tmp_path / "emulator") == {"GAME/a.png": b"a"}


def test_links_to_files_of_the_pack_are_installed_as_files_and_all_others_are_named(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    pack = tmp_path / "out/gliden64"
    write(pack, {"GAME/a.png": b"a", "OTHER/c.png": b"c"})
    links = {
        "GAME/b.png": "../OTHER/c.png",
        "out.png": tmp_path / "secret",
        "gone.png": "nowhere",
        "again": "again",
    }
    for name, target in {**links, "COPY": "OTHER", "GAME/up": ".."}.items():
        (pack / name).symlink_to(target)
    changes = plan_installation(tmp_path / "out", Destination("gliden64", tmp_path / "emulator"))
    assert [line.removeprefix(f"{pack}/").partition(",")[0] for line in changes.links] == [
        "COPY is a link to a folder",
        "GAME/up is a link to a folder",
        "again is a link that leads to itself",
        "gone.png is a link to a file that is missing",
        "out.png is a link that leads out of its folder",
    ]
    carry_out(changes)
    assert tree(tmp_path / "emulator") == {"GAME/a.png": b"a", "GAME/b.png": b"c", "OTHER/c.png": b"c"}
    assert not (tmp_path / "emulator/GAME/b.png").is_symlink()


def test_a_link_in_the_emulators_folder_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    write(tmp_path / "out/gliden64", {"GAME/a.png": b"a"})
    (tmp_path / "emulator/GAME").mkdir(parents=True)
    (tmp_path / "emulator/GAME/a.png").symlink_to(tmp_path / "mine")
    assert plan_installation(tmp_path / "out", Destination("gliden64", tmp_path / "emulator")).others
    install(tmp_path / "out", tmp_path / "emulator")
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_a_file_that_somebody_changed_is_in_the_way_and_survives_in_the_backup(tmp_path: Path) -> None:
    write(tmp_path / "out/gliden64", {"GAME/a.png": b"one"})
    install(tmp_path / "out", tmp_path / "emulator")
    write(tmp_path / "emulator", {"GAME/a.png": b"painted"})
    write(tmp_path / "out/gliden64", {"GAME/a.png": b"two"})
    changes = plan_installation(tmp_path / "out", Destination("gliden64", tmp_path / "emulator"))
    assert changes.others == ("GAME/a.png",)
    backup = carry_out(changes)
    assert backup is not None
    assert tree(backup) == {"GAME/a.png": b"painted"}
    assert tree(tmp_path / "emulator") == {"GAME/a.png": b"two"}


def test_what_left_the_pack_is_removed_unless_somebody_changed_it(tmp_path: Path) -> None:
    write(tmp_path / "out/gliden64", {"GAME/a.png": b"a", "GAME/sub/b.png": b"b", "GAME/c.png": b"c"})
    install(tmp_path / "out", tmp_path / "emulator")
    write(tmp_path / "emulator", {"GAME/c.png": b"painted"})
    for path in ("GAME/sub/b.png", "GAME/c.png"):
        (tmp_path / "out/gliden64" / path).unlink()
    install(tmp_path / "out", tmp_path / "emulator")
    assert tree(tmp_path / "emulator") == {"GAME/a.png": b"a", "GAME/c.png": b"painted"}
    assert not (tmp_path / "emulator/GAME/sub").exists(), "an empty folder is of no use"


def test_packs_of_two_outputs_in_one_folder_do_not_touch_each_other(tmp_path: Path) -> None:
    write(tmp_path / "one/gliden64", {"GAME/a.png": b"a"})
    write(tmp_path / "two/gliden64", {"OTHER/b.png": b"b"})
    install(tmp_path / "one", tmp_path / "emulator")
    install(tmp_path / "two", tmp_path / "emulator")
    uninstall(tmp_path / "one", tmp_path / "emulator")
    assert tree(tmp_path / "emulator") == {"OTHER/b.png": b"b"}


@pytest.fixture
def emulator(tmp_path: Path) -> Path:
    """An emulator's folder with the pack `one`; `two` is for the same game and not installed yet."""
    write(tmp_path / "one/gliden64", {"GAME/a.png": b"one", "GAME/b.png": b"equal", "GAME/c.png": b"c"})
    write(tmp_path / "two/gliden64", {"GAME/a.png": b"two", "GAME/b.png": b"equal"})
    install(tmp_path / "one", tmp_path / "emulator")
    return tmp_path / "emulator"


def test_files_of_another_pack_are_in_the_way(tmp_path: Path, emulator: Path) -> None:
    changes = plan_installation(tmp_path / "two", Destination("gliden64", emulator))
    assert changes.in_the_way == (emulator / "GAME/a.png",)
    assert changes.owners == {emulator / "GAME/a.png": str(tmp_path / "one")}
    assert without_others(changes).new == {}


def test_a_replaced_pack_no_longer_has_the_files_of_the_other(tmp_path: Path, emulator: Path) -> None:
    backup = install(tmp_path / "two", emulator)
    assert backup is not None
    assert tree(backup) == {"GAME/a.png": b"one"}
    assert plan_installation(tmp_path / "one", Destination("gliden64", emulator)).others == ("GAME/a.png",)
    uninstall(tmp_path / "one", emulator)
    assert tree(emulator) == {"GAME/a.png": b"two", "GAME/b.png": b"equal"}
    uninstall(tmp_path / "two", emulator)
    assert tree(emulator) == {}
    assert InstallationRecord(emulator).read() == {}


def test_what_two_packs_have_in_common_stays_until_both_are_taken_out(tmp_path: Path, emulator: Path) -> None:
    install(tmp_path / "two", emulator)
    removal = plan_removal(tmp_path / "two", Destination("gliden64", emulator))
    assert (removal.obsolete, removal.shared, removal.kept) == (("GAME/a.png",), ("GAME/b.png",), ())
    carry_out(removal)
    assert tree(emulator) == {"GAME/b.png": b"equal", "GAME/c.png": b"c"}
    uninstall(tmp_path / "one", emulator)
    assert tree(emulator) == {}


def test_a_newer_version_of_a_pack_does_not_replace_what_another_has_too(
    tmp_path: Path, emulator: Path
) -> None:
    install(tmp_path / "two", emulator)
    write(tmp_path / "one/gliden64", {"GAME/b.png": b"newer"})
    changes = plan_installation(tmp_path / "one", Destination("gliden64", emulator))
    assert changes.owners[emulator / "GAME/b.png"] == str(tmp_path / "two")


@pytest.mark.parametrize("stopped_at", ["_copy", "sync_disk"])
def test_a_pack_that_was_killed_while_it_replaced_another_has_only_what_it_wrote(
    tmp_path: Path, emulator: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: str
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(f"texpipe.live.installation.{stopped_at}", die)
        with pytest.raises(KeyboardInterrupt):
            install(tmp_path / "two", emulator)
    uninstall(tmp_path / "one", emulator)
    expected = {"GAME/a.png": b"two"} if stopped_at == "sync_disk" else {}
    assert tree(emulator) == {**expected, "GAME/b.png": b"equal"}


def test_a_record_of_one_pack_per_file_is_read(tmp_path: Path) -> None:
    record = InstallationRecord(tmp_path / "emulator")
    record.file.parent.mkdir(parents=True)
    rows = {"GAME/a.png": ["/packs/one", "ab"]}
    record.file.write_text(json.dumps({"folder": str(record.folder), "files": rows}), "utf-8")
    assert record.read() == {"GAME/a.png": InstalledFile.of("/packs/one", "ab")}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=TREES, two=TREES, again=TREES, own=TREES)
def test_taking_a_pack_out_leaves_all_that_another_pack_shows(
    tmp_path_factory: pytest.TempPathFactory,
    one: dict[str, bytes],
    two: dict[str, bytes],
    again: dict[str, bytes],
    own: dict[str, bytes],
) -> None:
    base = tmp_path_factory.mktemp("case")
    os.environ["XDG_DATA_HOME"] = str(base / "data")
    emulator = base / "emulator"
    write(emulator, own)
    emulator.mkdir(exist_ok=True)
    for name, files in (("one", one), ("two", two), ("one", again)):
        for path in tree(base / name / "gliden64"):
            (base / name / "gliden64" / path).unlink()
        write(base / name / "gliden64", files)
        if files:
            install(base / name, emulator)
    shown = tree(emulator)
    uninstall(base / "one", emulator)
    of_two = {path: data for path, data in shown.items() if two.get(path) == data}
    assert of_two.items() <= tree(emulator).items()
    uninstall(base / "two", emulator)
    assert tree(emulator).items() <= own.items()


def test_a_killed_installation_is_finished_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from texpipe.live import installation

    files = {f"GAME/{name}.png": name.encode() for name in "abcdef"}
    write(tmp_path / "out/gliden64", files)
    copy, count = installation._copy, 0

    def dying(*files: Path) -> None:
        nonlocal count
        count += 1
        if count == 4:
            raise KeyboardInterrupt
        copy(*files)

    monkeypatch.setattr(installation, "_copy", dying)
    with pytest.raises(KeyboardInterrupt):
        install(tmp_path / "out", tmp_path / "emulator")
    monkeypatch.undo()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    write(tmp_path / "out/gliden64", {"GAME/a.png": b"newer"})
    changes = plan_installation(tmp_path / "out", Destination("gliden64", tmp_path / "emulator"))
    assert changes.in_the_way == (), "what the killed one copied is known"
    carry_out(changes)
    assert tree(tmp_path / "emulator") == files | {"GAME/a.png": b"newer"}


def test_a_damaged_record_loses_nothing(tmp_path: Path) -> None:
    write(tmp_path / "out/gliden64", {"GAME/a.png": b"a"})
    install(tmp_path / "out", tmp_path / "emulator")
    InstallationRecord(tmp_path / "emulator").file.write_text('{"files": [1, 2')
    uninstall(tmp_path / "out", tmp_path / "emulator")
    assert tree(tmp_path / "emulator") == {"GAME/a.png": b"a"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=TREES, second=TREES, own=TREES)
def test_nothing_of_others_is_ever_lost_and_uninstalling_restores_the_rest(
    tmp_path_factory: pytest.TempPathFactory,
    first: dict[str, bytes],
    second: dict[str, bytes],
    own: dict[str, bytes],
) -> None:
    base = tmp_path_factory.mktemp("case")
    os.environ["XDG_DATA_HOME"] = str(base / "data")
    output, emulator = base / "out", base / "emulator"
    emulator.mkdir()
    kept: dict[str, bytes] = {}
    for version in (first, second):
        if not version:
            continue
        for path in list(tree(output / "gliden64") if output.exists() else {}):
            (output / "gliden64" / path).unlink()
        write(output / "gliden64", version)
        write(emulator, own)
        backup = install(output, emulator)
        kept |= tree(backup) if backup else {}
        found = tree(emulator)
        assert version.items() <= found.items()
        for path, data in own.items():
            assert found.get(path) == data or kept.get(path) == data, path
    uninstall(output, emulator)
    left = tree(emulator)
    assert left.items() <= own.items(), "only what others put there is left"
