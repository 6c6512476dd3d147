"""Whatever fails, and at whatever moment: nothing half-written carries a final name, and one more run mends it all.

Faults are injected below Python's own functions, by an audit hook: it sees every file that is opened, renamed,
removed or locked and every folder that is made or listed, whoever asks for it.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
from dumps import GAME, dump, texture, tree, write_recipe
from hypothesis import given
from hypothesis import strategies as st

from texpipe.errors import DeviceError, PackError, SourceError, TexpipeError
from texpipe.formats.contract import Picture
from texpipe.formats.portable_names import file_digest, folded, unportable
from texpipe.imaging.image_files import encode_png, save_png
from texpipe.options import RunOptions
from texpipe.output.result import RunResult
from texpipe.packs.obsolete_files import remove_left_over
from texpipe.packs.ownership import PackFolder
from texpipe.packs.pack import plan_pack
from texpipe.packs.verify import verify_pack
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options
from texpipe.progress import Progress
from texpipe.recipe.targets import Target
from texpipe.storage.atomic import write_atomic
from texpipe.texture import Edges, Source
from texpipe.upscale.engine import Engine

# ---- failing calls

_SEEN = {"open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "os.listdir"}
_WRITES = _SEEN - {"os.scandir", "os.listdir"}


@dataclass
class Fault:
    """Raises an `error` at call number `at` to the file system below `folder`; with `lasting` at all that follow."""

    folder: str
    error: Callable[[], BaseException] | None = None
    at: int = 0
    lasting: bool = False
    writes_only: bool = False
    calls: int = 0

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if event not in (_WRITES if self.writes_only else _SEEN) or not self._concerns(event, arguments):
            return
        self.calls += 1
        if self.error is not None and (self.calls == self.at or (self.lasting and self.calls > self.at)):
            raise self.error()

    def _concerns(self, event: str, arguments: tuple[object, ...]) -> bool:
        path = arguments[0]
        if not isinstance(path, str | Path) or not str(path).startswith(self.folder):
            return False
        return not (self.writes_only and event == "open" and arguments[1] == "r")


_fault: Fault | None = None


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _fault is not None:
        _fault(event, arguments)


sys.addaudithook(_hook)  # never to be removed, so one serves all tests


@contextmanager
def failing(fault: Fault) -> Iterator[Fault]:
    global _fault
    _fault = fault
    try:
        yield fault
    finally:
        _fault = None


def disk_error(number: int) -> Callable[[], OSError]:
    return lambda: OSError(number, os.strerror(number))


# ---- a small game, and a run of it

RULES = """\
targets: {gliden64: {container: hts}, folder: , rt64: {container: rtz, hashes: hashes.json}}
rules:
  - {match: {name: '*00001000*'}, action: copy}
"""
LAST_RULE = "  - {match: {name: '*'}, edges: clamp}\n"


@dataclass(frozen=True)
class Game:
    """A dump of three textures, a recipe, and a changed one that leaves out a texture and does another by repeating."""

    folder: Path
    model: Path

    def order(self, output: str, recipe: str = "changed") -> RunOptions:
        path = self.folder / f"{recipe}.yaml"
        return load_options(path, output=self.folder / output, model=str(self.model), precision="fp32")

    def run(self, output: str, recipe: str = "changed", **options: Callable[[Progress], None]) -> RunResult:
        return run_recipe(self.order(output, recipe), **options)

    def tree(self, output: str) -> dict[str, bytes]:
        """Return every file of an output but the backups, whose folders have dates."""
        files = tree(self.folder / output)
        return {path: data for path, data in files.items() if not path.startswith(".backup/")}


def write_rules(folder: Path, name: str, rules: str) -> None:
    written = write_recipe(folder).read_text("utf-8").replace("targets: [gliden64]\n", rules)
    (folder / f"{name}.yaml").write_text(written, "utf-8")


def write_hashes(folder: Path, names: list[str]) -> None:
    """Say under which hash RT64 knows each texture, as a list of its pack's author would."""
    keys = [name.removesuffix("_all.png").partition("#")[2].lower() for name in names]
    listed = [
        {"path": "", "hashes": {"rt64": f"{number:016x}", "rice": key}} for number, key in enumerate(keys, 1)
    ]
    (folder / "hashes.json").write_text(json.dumps({"textures": listed}), "utf-8")


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Game:
    """The game, its first pack in `first`, and in `wanted` what the changed recipe makes of that."""
    folder = tmp_path_factory.mktemp("game")
    write_hashes(folder, dump(folder / "dump", 3))
    write_rules(folder, "first", RULES + LAST_RULE)
    changed = "  - {match: {name: '*00001001*'}, action: skip}\n  - {match: {name: '*00001002*'}, action: nearest}\n"
    write_rules(folder, "changed", RULES + changed + LAST_RULE)
    made = Game(folder, tiny_model)
    made.run("first", "first")
    shutil.copytree(folder / "first", folder / "wanted")
    made.run("wanted")
    return made


def assert_nothing_half_written(game: Game, output: str, outcome: RunResult | None) -> None:
    """Every file is as the first run or the undisturbed second one wrote it; parts have names of their own."""
    if outcome is not None:
        assert verify_pack(game.folder / output).problems == ()
        return
    first, wanted = game.tree("first"), game.tree("wanted")
    for path, data in game.tree(output).items():
        if not path.endswith((".part", ".lock", ".store/written")):  # the last grows line by line
            assert data in (first.get(path), wanted.get(path)), path


def assert_one_more_run_mends(game: Game, output: str) -> None:
    game.run(output)
    assert game.tree(output) == game.tree("wanted")
    shutil.rmtree(game.folder / output)


def packs(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return what is outside of the store, which may hold results of other runs, too."""
    return {path: data for path, data in files.items() if not path.startswith(".store")}


def calls_of_a_run(game: Game, folder: str) -> int:
    shutil.copytree(game.folder / "first", game.folder / "counted")
    with failing(Fault(str(game.folder / folder))) as fault:
        game.run("counted")
    shutil.rmtree(game.folder / "counted")
    return fault.calls


ONCE = (
    disk_error(errno.ENOSPC),
    disk_error(errno.EACCES),
    disk_error(errno.EIO),
    MemoryError,
    KeyboardInterrupt,
)


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_fault_at_any_call_to_the_file_system(game: Game, lasting: bool) -> None:
    """Once: the errors in turn. From then on: the disk is gone, which on the disk looks as if the run was killed."""
    total = calls_of_a_run(game, "")
    assert total > 50
    for at, error in zip(range(1, total + 1), itertools.cycle(ONCE[:3] if lasting else ONCE)):
        output = f"fault-{at}"
        shutil.copytree(game.folder / "first", game.folder / output)
        outcome = None
        fault = Fault(str(game.folder), error, at, lasting)
        with failing(fault), suppress(TexpipeError, MemoryError, KeyboardInterrupt):
            outcome = game.run(output)
        assert fault.calls >= at
        assert_nothing_half_written(game, output, outcome)
        assert_one_more_run_mends(game, output)


# ---- the disk


def test_a_disk_that_is_full_keeps_what_was_there(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    """For real: the system cuts every file off at so many bytes, in the middle of a write."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (0, 1, 60, 300, 700, 2000):
        shutil.copytree(game.folder / "first", game.folder / "full")
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        try:
            with pytest.raises(PackError, match="cannot write") as stopped:
                game.run("full")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "room" in str(stopped.value.hint)
        assert_nothing_half_written(game, "full", None)
        assert_one_more_run_mends(game, "full")


SMALL_DISK = """\
set -e
mount -t tmpfs -o size=48k none "$1"
status=0; "$2" -m texpipe -q run "$3" --output "$1" --model "$4" --precision fp32 || status=$?
test $status = 5
mount -o remount,ro "$1"
status=0; "$2" -m texpipe -q run "$3" --output "$1" --model "$4" --precision fp32 || status=$?
test $status = 5
mount -o remount,rw,size=4m "$1"
"$2" -m texpipe -q run "$3" --output "$1" --model "$4" --precision fp32
cp -a "$1/." "$5"
"""


def test_a_real_disk_that_is_full_and_then_read_only(tmp_path: Path, game: Game) -> None:
    run = shutil.which("unshare")
    if run is None or subprocess.run([run, "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk, on Linux")
    (tmp_path / "disk").mkdir()
    arguments = [
        tmp_path / "disk",
        sys.executable,
        game.folder / "first.yaml",
        game.model,
        tmp_path / "saved",
    ]
    done = subprocess.run(
        [run, "-m", "sh", "-c", SMALL_DISK, "sh", *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "No space left on device" in done.stderr
    assert "Read-only file system" in done.stderr
    assert tree(tmp_path / "saved") == game.tree("first")


def test_an_output_that_cannot_be_written_to_is_left_as_it_was(game: Game) -> None:
    shutil.copytree(game.folder / "first", game.folder / "fixed")
    fault = Fault(str(game.folder / "fixed"), disk_error(errno.EROFS), 1, lasting=True, writes_only=True)
    with failing(fault), pytest.raises(PackError, match="Read-only file system"):
        game.run("fixed")
    assert game.tree("fixed") == game.tree("first")
    assert_one_more_run_mends(game, "fixed")


@pytest.mark.parametrize("damage", ["emptied", "cut off", "a bit flipped", "removed"])
def test_every_damaged_file_is_noticed_and_made_again(game: Game, damage: str) -> None:
    """Each file in turn: the manifest, entries and sidecars of the store, notes, pictures, caches, archives."""
    shutil.copytree(game.folder / "first", game.folder / "damaged")
    wanted = game.tree("first")
    assert {Path(path).suffix for path in wanted} >= {".json", ".png", ".hts", ".rtz"}
    for path, data in wanted.items():
        file = game.folder / "damaged" / path
        middle = len(data) // 2
        if damage == "removed":
            file.unlink()
        elif data:
            flipped = data[:middle] + bytes([data[middle] ^ 4]) + data[middle + 1 :]
            file.write_bytes({"emptied": b"", "cut off": data[:middle]}.get(damage, flipped))
        if (
            damage == "a bit flipped" and file.suffix == ".hts"
        ):  # its texels have no checksum: it may be an edit
            with pytest.raises(PackError, match="was changed since texpipe wrote it"):
                game.run("damaged", "first")
            file.unlink()
        if path == "CREDITS.md" and damage in ("cut off", "a bit flipped"):  # somebody may have changed it
            assert (
                "CREDITS.md was changed by hand: it stays as it is" in game.run("damaged", "first").warnings
            )
            file.unlink()
        game.run("damaged", "first")
        assert game.tree("damaged") == wanted, path
    shutil.rmtree(game.folder / "damaged")


def test_a_damaged_manifest_does_not_hide_what_is_left_over(game: Game) -> None:
    shutil.copytree(game.folder / "first", game.folder / "torn")
    (game.folder / "torn" / "manifest.json").write_bytes(b"{")
    outcome = game.run("torn")
    assert any("not a whole JSON file" in line for line in outcome.warnings)
    assert game.tree("torn") == game.tree("wanted")
    shutil.rmtree(game.folder / "torn")


def test_a_run_killed_while_it_writes_leaves_nothing_to_another_recipe(game: Game) -> None:
    """Textures that only the killed run put into the pack are known to the next one, though no manifest has them."""

    def kill(step: Progress) -> None:
        if step.stage == "write" and step.done == step.total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        game.run("changed-mind", "first", progress=kill)
    assert (game.folder / "changed-mind" / "folder").is_dir()
    assert not (game.folder / "changed-mind" / "manifest.json").exists()
    game.run("changed-mind")
    assert packs(game.tree("changed-mind")) == packs(game.tree("wanted"))
    shutil.rmtree(game.folder / "changed-mind")


def test_everything_is_on_the_disk_before_the_manifest_names_it(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, bytes]] = []
    monkeypatch.setattr("texpipe.output.writer.sync_disk", lambda: seen.append(game.tree("settled")))
    game.run("settled", "first")
    (before,) = seen
    after = game.tree("settled")
    assert "manifest.json" not in before
    others = (".", "manifest", "credits", "CREDITS")  # the manifest does not name these
    assert {path for path in after if not path.startswith(others)} <= set(before)
    shutil.rmtree(game.folder / "settled")


def test_a_file_and_its_name_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[bool] = []
    plain = os.fsync

    def fsync(handle: int) -> None:
        flushed.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        plain(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomic(tmp_path / "file", b"x")
    assert flushed == [False, True]
    write_atomic(tmp_path / "file", b"y", fsync=False)
    assert len(flushed) == 2


# ---- the input


def test_a_texture_that_vanishes_or_may_not_be_read_fails_alone(game: Game) -> None:
    for number, reason in (
        (errno.ENOENT, "is missing"),
        (errno.EACCES, f"cannot be read: {os.strerror(errno.EACCES)}"),
    ):
        name = f"{GAME}#00001002#0#2_all.png"
        with failing(Fault(str(game.folder / "dump" / name), disk_error(number), 1, lasting=True)):
            outcome = game.run("alone")
        assert outcome.exit_code == 7
        (entry,) = (one for one in outcome.manifest.textures if one.status == "failed")
        assert (entry.source, entry.reason) == (name, reason)
        assert verify_pack(game.folder / "alone").problems == ()
        game.run("alone")
        assert packs(game.tree("alone")) == packs(game.tree("wanted"))
        shutil.rmtree(game.folder / "alone")


def test_a_texture_that_vanishes_after_it_was_looked_at_fails_alone(game: Game) -> None:
    file = game.folder / "dump" / f"{GAME}#00001002#0#2_all.png"
    data = file.read_bytes()

    def vanish(step: Progress) -> None:
        if step.stage == "read" and step.done == step.total:
            file.unlink()

    outcome = game.run("vanished", progress=vanish)
    file.write_bytes(data)
    assert [one.source for one in outcome.manifest.textures if one.status == "failed"] == [file.name]
    shutil.rmtree(game.folder / "vanished")


def test_a_whole_input_that_is_gone_changes_nothing(game: Game) -> None:
    shutil.copytree(game.folder / "first", game.folder / "gone")
    (game.folder / "dump").rename(game.folder / "unplugged")
    with pytest.raises(SourceError, match="does not exist"):
        game.run("gone")
    (game.folder / "unplugged").rename(game.folder / "dump")
    assert game.tree("gone") == game.tree("first")
    assert_one_more_run_mends(game, "gone")


# ---- memory, workers, clocks, locks


def without_memory(monkeypatch: pytest.MonkeyPatch, largest: int) -> list[int]:
    """Let the engine run out of memory on batches of more than so many pictures; return a list of those."""
    plain = Engine.run
    refused: list[int] = []

    def run(self: Engine, batch: np.ndarray, edges: Edges) -> np.ndarray:
        if len(batch) > largest:
            refused.append(len(batch))
            raise MemoryError
        return plain(self, batch, edges)

    monkeypatch.setattr(Engine, "run", run)
    return refused


def test_out_of_memory_halves_batches_and_changes_no_byte(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = without_memory(monkeypatch, 1)
    game.run("halves", "first")
    assert refused
    assert game.tree("halves") == game.tree("first")
    shutil.rmtree(game.folder / "halves")


def test_out_of_memory_for_anything_is_a_clear_error_and_is_mended(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        without_memory(patched, 0)
        with pytest.raises(DeviceError, match="out of memory") as stopped:
            game.run("starved", "first")
    assert stopped.value.hint is not None
    assert not (game.folder / "starved" / "manifest.json").exists()
    game.run("starved", "first")
    assert game.tree("starved") == game.tree("first")
    shutil.rmtree(game.folder / "starved")


def test_a_picture_too_big_for_memory_stops_no_other(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_big(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patched:
        patched.setattr("texpipe.execution.compute.nearest", too_big)
        patched.setattr("texpipe.execution.job_io.read_again", too_big)
        outcome = game.run("big")
    (entry,) = (one for one in outcome.manifest.textures if one.status == "failed")
    assert entry.reason == "there is not enough memory for it"
    shutil.rmtree(game.folder / "big")


def test_a_worker_that_dies_stops_the_run_and_the_next_one_goes_on(
    game: Game, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise RuntimeError("device-side assert triggered")

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "run", die)
        with pytest.raises(RuntimeError, match="device-side"):
            game.run("dead", "first")
    game.run("dead", "first")
    assert game.tree("dead") == game.tree("first")
    shutil.rmtree(game.folder / "dead")


def test_ctrl_c_at_every_step(game: Game) -> None:
    steps: list[Progress] = []
    game.run("steps", "first", progress=steps.append)
    shutil.rmtree(game.folder / "steps")
    for last in steps:

        def stop(step: Progress, last: Progress = last) -> None:
            if (step.stage, step.done) == (last.stage, last.done):
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            game.run("steps", "first", progress=stop)
    game.run("steps", "first")
    assert game.tree("steps") == game.tree("first")
    shutil.rmtree(game.folder / "steps")


def test_clocks_that_jump_change_nothing(game: Game, monkeypatch: pytest.MonkeyPatch) -> None:
    """Backwards by a day at every look, and dumps from 1970 and 2200, which zip files cannot even say."""
    days = itertools.count(20_000, -1)
    for name in ("time", "time_ns"):
        monkeypatch.setattr(time, name, lambda: next(days) * 86400)
    for file, year in zip(sorted((game.folder / "dump").iterdir()), (0, 7_258_118_400, 1), strict=True):
        os.utime(file, (year, year))
    outcome = game.run("clock", "first")
    assert game.tree("clock") == game.tree("first")
    assert outcome.seconds >= 0
    shutil.rmtree(game.folder / "clock")


def test_a_file_system_that_cannot_lock_is_told_from_another_run(
    game: Game, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(fcntl, "flock", refuse)
    game.run("cluster", "first")
    assert "cannot be locked (Function not implemented)" in caplog.text
    assert game.tree("cluster") == game.tree("first")
    shutil.rmtree(game.folder / "cluster")


# ---- names

ODD = {
    "CON.png": "name of a device",
    "lpt1.tools.png": "name of a device",
    "what?.png": "Windows allows no '?'",
    "a:b.png": "Windows allows no ':'",
    "trailing./wood.png": "dot or space at the end",
    "Case/Stone.png": None,
    "case/stone.png": "cannot tell it from Case/Stone.png",
    "caf\u00e9.png": "cannot tell it from cafe\u0301.png",
    "cafe\u0301.png": None,
    "x" * 251 + ".png": None,
    "\u00e9" * 125 + ".png": None,
}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems cannot even hold these names")
def test_names_that_some_system_cannot_hold(tmp_path: Path, tiny_model: Path) -> None:
    for number, name in enumerate(ODD):
        save_png(tmp_path / "dump" / name, texture(number))
    bare = os.fsencode(tmp_path / "dump") + b"/\xff\xfe.png"
    Path(os.fsdecode(bare)).write_bytes(encode_png(texture(99)))
    write_rules(tmp_path, "odd", "targets: [folder]\nrules:\n  - {match: {name: '*'}, action: nearest}\n")
    order = load_options(tmp_path / "odd.yaml", output=tmp_path / "out", model=str(tiny_model))
    outcome = run_recipe(order)
    entries = {one.source: one for one in outcome.manifest.textures}
    assert "not valid UTF-8" in str(entries.pop("\\xff\\xfe.png").reason)
    assert {name: one.status for name, one in entries.items()} == {
        name: "skipped" if reason else "written" for name, reason in ODD.items()
    }
    for name, reason in ODD.items():
        assert (reason or "") in (entries[name].reason or "")
    before = tree(tmp_path / "out")
    assert verify_pack(tmp_path / "out").problems == ()
    run_recipe(order)
    assert tree(tmp_path / "out") == before


names = st.lists(
    st.lists(
        st.sampled_from(["a", "A", "\u00c5", "A\u030a", "b.png", "B.tga", "nul", "c d", "..e"]),
        min_size=1,
        max_size=3,
    ),
    max_size=12,
)


@given(names)
def test_no_two_files_of_a_pack_are_one_anywhere(parts: list[list[str]]) -> None:
    pictures = [picture("/".join(one)) for one in parts]
    pack = plan_pack(Target(name="folder"), pictures)
    paths = [PurePosixPath(output.path) for outputs in pack.outputs.values() for output in outputs]
    assert len({folded(path) for path in paths}) == len(paths)
    assert not {folded(path) for path in paths} & {folded(above) for path in paths for above in path.parents}
    assert not any(unportable(path) for path in paths)
    assert {one.source.name for one in pictures} == set(pack.outputs) | set(pack.left_out)


def picture(name: str) -> Picture:
    return Picture(Source(name, Path(name)), 4, (32, 32), "", bytes)


def test_a_name_whose_case_changed_survives_where_case_is_ignored(tmp_path: Path) -> None:
    """Such a file system has one file under both names; here two links to one file stand for it."""
    (tmp_path / "stone.png").write_bytes(b"x")
    os.link(tmp_path / "stone.png", tmp_path / "Stone.png")
    digest = file_digest(tmp_path / "stone.png")
    assert digest is not None
    assert remove_left_over(PackFolder.opened(tmp_path, [("Stone.png", digest)]), {"stone.png": digest}) == []
    assert (tmp_path / "stone.png").read_bytes() == b"x"


# ---- descriptors


def test_no_descriptor_is_left_open(game: Game) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counts descriptors in /proc")

    def count() -> int:
        return sum(1 for _ in Path("/proc/self/fd").iterdir())

    game.run("open", "first")
    before = count()
    for _ in range(3):
        with failing(Fault(str(game.folder / "open"), disk_error(errno.EIO), 40)), suppress(PackError):
            game.run("open", "first")
        game.run("open", "first")
    assert count() == before
    shutil.rmtree(game.folder / "open")
