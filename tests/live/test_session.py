"""A dump that grows: previews first, then what a run makes, byte for byte, whatever happened in between."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from dumps import GAME, dump, texture, tree, write_recipe

from texpipe.errors import PackError
from texpipe.formats.contract import Picture
from texpipe.imaging.image_files import decode, encode_png
from texpipe.live.arrivals import Arrivals
from texpipe.live.delivery import Delivery
from texpipe.live.destination import Destination
from texpipe.live.events import Event
from texpipe.live.installed_files import InstallationRecord, InstalledFile
from texpipe.live.preview import Previewer, Previews
from texpipe.live.refining import Refinement, refine
from texpipe.live.session import BATCH, MAX_WAIT_SECONDS, QUIET_SECONDS, Session
from texpipe.options import RunOptions
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options


@pytest.fixture(autouse=True)
def own_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


class FakeChanges:
    """Tells what it is given, and lets no time pass by itself."""

    def __init__(self) -> None:
        self.found: set[Path] = set()
        self.count, self.missing = 0, ()

    def wait(self, seconds: float) -> set[Path]:
        found, self.found = self.found, set()
        self.count += len(found)
        return found


class Here:
    """Refines in this process when it is asked for events."""

    def __init__(self) -> None:
        self.asked: list[Refinement] = []
        self.waiting: list[Refinement] = []

    @property
    def is_busy(self) -> bool:
        return bool(self.waiting)

    def start(self, asked: Refinement) -> None:
        self.asked.append(asked)
        self.waiting.append(asked)

    def events(self) -> list[Event]:
        told: list[Event] = []
        for asked in self.waiting:
            refine(asked, told.append)
        self.waiting = []
        return told

    def close(self) -> None:
        pass


class Game:
    """A dump, an emulator's folder and a session over both; its clock moves when it is told to."""

    def __init__(self, folder: Path, model: Path, container: str = "folder") -> None:
        self.folder, self.dump, self.emulator = folder, folder / "dump", folder / "emulator"
        self.dump.mkdir(exist_ok=True)
        recipe = write_recipe(folder, f"model: {model}\n")
        targets = f"targets: {{gliden64: {{container: {container}}}}}"
        recipe.write_text(recipe.read_text().replace("targets: [gliden64]", targets))
        self.options = load_options(recipe, device="cpu")
        self.events: list[Event] = []
        self.now = 1000.0
        self.changes, self.refiner = FakeChanges(), Here()
        place = Destination("gliden64", self.emulator)
        self.session = Session(
            self.options,
            place,
            changes=self.changes,
            previewer=Previewer(self.options),
            delivery=Delivery(self.options.recipe.targets[0], self.emulator, self.options.output.absolute()),
            refiner=self.refiner,
            tell=self.events.append,
            arrivals=Arrivals(clock=lambda: self.now, wall=lambda: 4e9),
            clock=lambda: self.now,
        )

    def tell(self, *files: Path) -> None:
        self.changes.found |= set(files)

    def step(self, seconds: float = 0.1) -> None:
        self.now += seconds
        self.session.step()

    def play_to_the_end(self) -> None:
        for _ in range(200):
            self.step()
            if self.session.is_idle:
                return
        raise AssertionError("it never became idle")

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]

    def shown(self) -> dict[str, bytes]:
        return tree(self.emulator) if self.emulator.exists() else {}


def as_run_makes_it(options: RunOptions, folder: Path) -> dict[str, bytes]:
    """What a run makes of the dump in a folder of its own: the whole output but the store."""
    run_recipe(replace(options, output=folder, first=()))
    return without_store(folder)


def without_store(output: Path) -> dict[str, bytes]:
    return {path: data for path, data in tree(output).items() if not path.startswith((".store", ".lock"))}


@pytest.fixture
def game(tmp_path: Path, tiny_model: Path) -> Game:
    return Game(tmp_path, tiny_model)


def test_previews_come_first_and_the_end_is_what_a_run_makes(game, tmp_path):
    names = dump(game.dump, 3)
    game.tell(*(game.dump / name for name in names))
    game.step()
    first = game.shown()
    assert len(first) == 3
    assert all(decode(data, name=path)[0].shape == (32, 32, 4) for path, data in first.items())
    assert game.kinds() == ["started", "found", "preview"]
    assert set(game.events[-1].textures) == set(names)
    game.play_to_the_end()
    assert game.events[-1].kind == "idle"
    assert game.events[-1].count == 3
    final = as_run_makes_it(game.options, tmp_path / "fresh")
    assert without_store(game.options.output) == final
    assert game.shown() == {path.removeprefix("gliden64/"): final[f"gliden64/{path}"] for path in first}
    assert game.shown() != first, "previews are not the last word"


def test_a_run_that_is_faster_than_the_previews_has_the_last_word(game, tmp_path):
    names = dump(game.dump, 4 * BATCH)
    game.tell(*(game.dump / name for name in names))
    game.step()
    game.step(MAX_WAIT_SECONDS)  # the run begins, although half of them wait for their previews
    assert game.kinds()[-1] == "refining"
    game.play_to_the_end()
    assert game.kinds().count("idle") == 1
    assert game.kinds()[-1] == "idle"
    final = as_run_makes_it(game.options, tmp_path / "fresh")
    assert game.shown() == {
        path.removeprefix("gliden64/"): data for path, data in final.items() if "/" in path
    }


def test_it_is_idle_as_soon_as_a_damaged_file_is_given_up_after_the_run(game):
    game.tell(*(game.dump / name for name in dump(game.dump, 1)))
    game.step()
    damaged = game.dump / f"{GAME}#00002000#0#2_all.png"
    damaged.write_bytes(b"\x89PNG nonsense")
    game.tell(damaged)
    game.step(MAX_WAIT_SECONDS)
    game.play_to_the_end()
    assert game.kinds()[-2:] == ["unreadable", "idle"]


def test_a_link_in_the_pack_is_told(game):
    game.tell(*(game.dump / name for name in dump(game.dump, 1)))
    folder = game.options.output / "gliden64"
    folder.mkdir(parents=True)
    (folder / "mine.png").symlink_to("nowhere.png")
    game.play_to_the_end()
    assert any(event.kind == "problem" and "mine.png is a link" in event.text for event in game.events)


def test_files_of_another_pack_stay(game, tmp_path):
    names = dump(game.dump, 2)
    other = game.emulator / GAME / names[0]
    other.parent.mkdir(parents=True)
    other.write_bytes(b"another upscaling")
    digest = hashlib.sha256(b"another upscaling").hexdigest()
    path = other.relative_to(game.emulator).as_posix()
    InstallationRecord(game.emulator).write({path: InstalledFile.of(str(tmp_path / "another"), digest)})
    game.tell(*(game.dump / name for name in names))
    game.play_to_the_end()
    assert other.read_bytes() == b"another upscaling"
    assert "kept" in game.kinds()
    assert len(game.shown()) == 2


def test_newer_textures_are_shown_while_others_wait_and_are_refined_in_that_order(game):
    names = dump(game.dump, 12)
    game.tell(*(game.dump / name for name in names))
    game.step()
    late = game.dump / f"{GAME}#0000AAAA#0#2_all.png"
    late.write_bytes(encode_png(texture(99)))
    game.tell(late)
    game.play_to_the_end()
    previews = [event.textures for event in game.events if event.kind == "preview"]
    assert late.name in previews[1]
    assert game.refiner.asked[0].options.first[: len(previews[-1])] == previews[-1]


def test_a_killed_session_leaves_previews_that_the_next_one_replaces(game, tmp_path, tiny_model):
    game.tell(*(game.dump / name for name in dump(game.dump, 3)))
    game.step()
    (game.dump / f"{GAME}#00001001#0#2_all.png").unlink()  # its preview has no place in the pack
    (game.emulator / GAME / "own.png").write_bytes(b"somebody's")
    later = Game(tmp_path, tiny_model)
    later.tell(*game.dump.iterdir())
    later.play_to_the_end()
    final = as_run_makes_it(later.options, tmp_path / "fresh")
    expected = {path.removeprefix("gliden64/"): data for path, data in final.items() if "/" in path}
    assert later.shown() == {**expected, f"{GAME}/own.png": b"somebody's"}
    InstallationRecord(later.emulator).settle()
    assert set(InstallationRecord(later.emulator).read()) == set(expected)


def test_what_was_made_before_is_not_previewed_again_nor_written_over(game, tmp_path, tiny_model):
    names = dump(game.dump, 2)
    game.tell(*(game.dump / name for name in names))
    game.play_to_the_end()
    final = game.shown()
    later = Game(tmp_path, tiny_model)
    later.tell(*(game.dump / name for name in names))
    later.step()
    assert "preview" not in later.kinds()
    later.tell(*(game.dump / name for name in names))  # the emulator dumps them once more
    later.step()
    assert later.shown() == final
    later.play_to_the_end()
    assert later.shown() == final


def test_a_texture_that_changes_is_previewed_again(game):
    name = dump(game.dump, 1)[0]
    game.tell(game.dump / name)
    game.play_to_the_end()
    before = game.shown()
    (game.dump / name).write_bytes(encode_png(texture(5)))
    game.tell(game.dump / name)
    game.step()
    assert game.kinds()[-1] == "preview"
    assert game.shown() != before


def test_a_half_written_file_is_waited_for_and_then_shown(game):
    file = game.dump / f"{GAME}#00001000#0#2_all.png"
    whole = encode_png(texture(1))
    file.write_bytes(whole[: len(whole) // 2])
    game.tell(file)
    game.step()
    assert game.shown() == {}
    assert "unreadable" not in game.kinds()
    file.write_bytes(whole)
    game.tell(file)
    game.step()
    game.step()
    assert len(game.shown()) == 1


def test_a_damaged_file_does_not_keep_it_from_being_idle(game):
    names = dump(game.dump, 2)
    (game.dump / names[0]).write_bytes(b"\x89PNG nonsense")
    game.tell(*game.dump.iterdir())
    game.play_to_the_end()
    (event,) = (event for event in game.events if event.kind == "unreadable")
    assert event.textures == (f"{GAME}#00001000#0#2_all.png",)


def test_a_cleared_dump_keeps_what_is_shown_and_is_not_tried_all_the_time(game):
    game.tell(*(game.dump / name for name in dump(game.dump, 8)))
    game.play_to_the_end()
    shown = game.shown()
    shutil.rmtree(game.dump)
    game.dump.mkdir()
    new = game.dump / f"{GAME}#0000BBBB#0#2_all.png"
    new.write_bytes(encode_png(texture(77)))
    game.tell(new)
    runs = len(game.refiner.asked)
    for _ in range(100):
        game.step()
    problem = next(event for event in game.events if event.kind == "problem")
    assert "this run would remove 8 of the 8 files" in str(problem.text)
    assert len(game.refiner.asked) == runs + 1
    assert shown.items() <= game.shown().items()
    assert any("0000BBBB" in path for path in game.shown())
    dump(game.dump, 8)  # they come back
    game.now += 1000
    game.play_to_the_end()
    assert len(game.shown()) == 9


def test_in_an_endless_stream_of_textures_refining_begins_all_the_same(game):
    began = game.now
    for number in range(10_000):
        file = game.dump / f"{GAME}#{number:08X}#0#2_all.png"
        if number % 50 == 0:
            file.write_bytes(encode_png(texture(number)))
            game.tell(file)
        game.step(QUIET_SECONDS / 51)
        if game.refiner.asked:
            break
    assert MAX_WAIT_SECONDS <= game.now - began < MAX_WAIT_SECONDS + QUIET_SECONDS


def test_refining_waits_for_what_came_while_a_preview_was_made(game, monkeypatch):
    first, second = (game.dump / name for name in dump(game.dump, 2))
    make = game.session._previewer.make

    def takes_long(files: list[Path]) -> Previews:
        game.now += 10 * QUIET_SECONDS
        return make(files)

    monkeypatch.setattr(game.session._previewer, "make", takes_long)
    game.tell(first)
    game.step()
    assert game.kinds()[-1] == "preview"
    game.tell(second)
    game.step()
    assert game.kinds()[-1] == "preview"
    assert game.refiner.asked == []
    game.play_to_the_end()
    assert len(game.refiner.asked) == 1


def test_without_textures_nothing_is_refined(game):
    for _ in range(50):
        game.step(1)
    assert game.refiner.asked == []
    assert game.kinds() == ["started"]


def test_files_of_others_are_kept_and_named(game):
    name = dump(game.dump, 2)[0]
    own = game.emulator / GAME / name
    own.parent.mkdir(parents=True)
    own.write_bytes(b"drawn by hand")
    game.tell(*game.dump.iterdir())
    game.play_to_the_end()
    assert own.read_bytes() == b"drawn by hand"
    assert len(game.shown()) == 2
    (kept,) = (event for event in game.events if event.kind == "kept")
    assert kept.text == f"{GAME}/{name}"


def test_a_full_disk_is_told_and_tried_again(game, monkeypatch):
    game.tell(*(game.dump / name for name in dump(game.dump, 1)))
    put = game.session._delivery.put
    full = iter([True])

    def fails_once(pictures: Iterable[Picture]) -> list[str]:
        if next(full, False):
            raise PackError("no space left")
        return put(pictures)

    monkeypatch.setattr(game.session._delivery, "put", fails_once)
    game.play_to_the_end()
    assert [event.kind for event in game.events if event.kind in ("problem", "preview")] == [
        "problem",
        "preview",
    ]


def test_a_cache_is_written_as_a_whole(tmp_path, tiny_model):
    game = Game(tmp_path, tiny_model, "htc")
    game.tell(*(game.dump / name for name in dump(game.dump, 3)))
    game.step()
    assert game.shown() == {}
    game.session.write_now()
    game.step()
    game.play_to_the_end()
    assert list(game.shown()) == [f"{GAME}_HIRESTEXTURES.htc"]
    assert "preview" not in game.kinds()
