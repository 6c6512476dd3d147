"""Any history of an output folder: runs, changed recipes, grown and shrunk dumps, edits, files of others, killed runs.

Whatever happens, no byte that a person put there is lost, and a finished pack is what a fresh run would write, apart
from files that a person changed or put there.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from packs import noise

from texpipe.errors import PackError
from texpipe.imaging.image_files import encode_png
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.output.adopt import adopt
from texpipe.output.result import RunResult
from texpipe.pipeline import run_recipe
from texpipe.planning.load_options import load_options

STEPS_PER_HISTORY = 25
HISTORIES = 20
"""1,500 steps for the three machines together."""

FOLDERS = ("[folder]", "[gliden64]", "[gliden64, folder]")
CONTAINERS = ("[{gliden64: {container: hts}}]", "[{gliden64: {container: htc}}, folder]", "[gliden64]")
NUMBERS = st.integers(1, 6)
INPUTS = ("in", "more")
PLACES = st.integers(0, 1)


class Killed(BaseException):
    """Stands for the end of the process: nothing may catch it and go on."""


@contextmanager
def killed_after(renames: int) -> Iterator[None]:
    """End the run with its n-th renamed file, and let it clean up nothing."""
    left, replace = [renames], Path.replace

    def counted(self: Path, target: Path) -> Path:
        if left[0] == 0:
            raise Killed
        left[0] -= 1
        return replace(self, target)

    # A killed process removes none of its files, and writes none any more.
    def kept(self: Path, missing_ok: bool = False) -> None:
        if left[0]:
            unlink(self, missing_ok=missing_ok)

    unlink = Path.unlink
    with mock.patch.object(Path, "replace", counted), mock.patch.object(Path, "unlink", kept):
        yield


def name_of(number: int) -> str:
    return f"G#{number:08X}#0#2_all.png"


class History(RuleBasedStateMachine):
    """One output folder, and whoever works in it."""

    possible_targets: tuple[str, ...] = FOLDERS

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.pack = self.folder / "pack"
        self.dumps = [self.folder / name for name in INPUTS]
        for dump in self.dumps:
            dump.mkdir()
        self.inputs = INPUTS[:1]
        self.model = self.folder / "tiny.safetensors"
        torch.manual_seed(7)
        save_safetensors(self.model, RRDBNet(num_feat=4, num_block=1, num_grow_ch=2).state_dict(), {})
        self.targets, self.scale = self.possible_targets[0], 2
        self.made: dict[str, set[bytes]] = {}
        self.drawn = 0

    @initialize()
    def first_dump(self) -> None:
        for number in (1, 2):
            self.dump_texture(number)

    def teardown(self) -> None:
        shutil.rmtree(self.folder)

    # ---- the game, the modder, the emulator

    @rule(number=NUMBERS, dump=PLACES, look=st.integers(0, 1))
    def dump_texture(self, number: int, dump: int = 0, look: int = 0) -> None:
        """A dump may have other pixels under the name of another one's texture."""
        (self.dumps[dump] / name_of(number)).write_bytes(encode_png(noise((4, 4), number + 100 * look)))

    @rule(number=NUMBERS, dump=PLACES)
    def lose_texture(self, number: int, dump: int) -> None:
        if len(list(self.dumps[dump].iterdir())) > 1:
            (self.dumps[dump] / name_of(number)).unlink(missing_ok=True)

    @rule(inputs=st.sampled_from([INPUTS[:1], INPUTS[1:], INPUTS, INPUTS[::-1]]))
    def add_or_remove_an_input(self, inputs: tuple[str, ...]) -> None:
        if all(any((self.folder / name).iterdir()) for name in inputs):
            self.inputs = inputs

    @rule(scale=st.sampled_from([2, 4]))
    def change_scale(self, scale: int) -> None:
        self.scale = scale

    @rule(data=st.data())
    def change_targets(self, data: st.DataObject) -> None:
        self.targets = data.draw(st.sampled_from(self.possible_targets))

    @rule(data=st.data())
    def edit_a_picture(self, data: st.DataObject) -> None:
        pictures = sorted(self.pack.glob("[fg]*/**/*.png"))
        if pictures:
            self._make(data.draw(st.sampled_from(pictures)))

    @rule(number=NUMBERS, where=st.sampled_from(["folder", "gliden64/G"]))
    def put_a_picture(self, number: int, where: str) -> None:
        self._make(self.pack / where / name_of(number))

    @rule(name=st.sampled_from(["folder/notes.txt", "gliden64/readme.png", "mine.txt"]))
    def put_another_file(self, name: str) -> None:
        self._make(self.pack / name)

    def _make(self, file: Path) -> None:
        """Write bytes that no run ever wrote."""
        self.drawn += 1
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file() and file.read_bytes() in self.made.get(self._path(file), ()):
            self.made[self._path(file)].discard(file.read_bytes())  # a person replaces work of their own
        data = encode_png(noise((5, 5), 1000 + self.drawn))
        file.write_bytes(data)
        self.made.setdefault(self._path(file), set()).add(data)

    def _path(self, file: Path) -> str:
        return file.relative_to(self.pack).as_posix()

    # ---- runs

    @rule()
    def run(self) -> None:
        self._finished(self._run(self.pack, remove=True))

    @rule()
    def run_unasked(self) -> None:
        """Without `--remove` a run may stop, but then it changed nothing."""
        before = self._pack_files()
        try:
            self._finished(self._run(self.pack))
        except PackError:
            assert self._pack_files() == before

    @rule()
    def run_and_replace(self) -> None:
        self._finished(self._run(self.pack, remove=True, replace_edited=["all"]))

    @rule(renames=st.integers(0, 30))
    def run_and_be_killed(self, renames: int) -> None:
        try:
            with killed_after(renames):
                self._run(self.pack, remove=True)
        except (Killed, PackError):
            pass

    def _run(self, output: Path, **options: object) -> RunResult:
        recipe = self.folder / "recipe.yaml"
        recipe.write_text(
            f"version: 1\nname: r\ngame: G\ninput: [{', '.join(self.inputs)}]\noutput: pack\nmodel: tiny.safetensors\n"
            f"targets: {self.targets}\nscale: {self.scale}\nrules: [{{match: {{}}, action: nearest}}]\n",
            "utf-8",
        )
        return run_recipe(load_options(recipe, output=output, **options))  # type: ignore[arg-type]

    def _finished(self, result: RunResult) -> None:
        """Hold the pack against that of a fresh folder."""
        fresh = self.folder / "fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        self._run(fresh)
        wanted = {
            path: (fresh / path).read_bytes()
            for target in result.manifest.targets
            for path in (
                one.relative_to(fresh).as_posix() for one in (fresh / target).rglob("*") if one.is_file()
            )
        }
        found = self._pack_files()
        for path in {*wanted, *found}:
            if found.get(path) in self.made.get(path, ()):
                continue
            assert found.get(path) == wanted.get(path), path

    def _pack_files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.pack).as_posix(): path.read_bytes()
            for name in ("folder", "gliden64")
            for path in (self.pack / name).rglob("*")
            if path.is_file() and not path.name.endswith(".part")
        }

    @invariant()
    def nothing_made_by_a_person_is_lost(self) -> None:
        kept = {path.read_bytes() for path in (self.pack / ".backup").rglob("*") if path.is_file()}
        for path, contents in self.made.items():
            there = (self.pack / path).read_bytes() if (self.pack / path).is_file() else b""
            assert contents <= kept | {there}, path


class ContainerHistory(History):
    """The same with textures in caches, of which one file holds many."""

    possible_targets = CONTAINERS


class HandMadeHistory(History):
    """The same as `History`, with a folder of hand-made pictures; `painted` has all that were ever put there."""

    def __init__(self) -> None:
        super().__init__()
        self.by_hand = self.folder / "hd"
        self.by_hand.mkdir()
        self.painted: dict[str, set[bytes]] = {}

    @rule(number=NUMBERS, side=st.sampled_from([4, 5, 8, 16]))
    def paint(self, number: int, side: int) -> None:
        """A person who paints a texture anew gives up what was there for it."""
        self.take_away(number)
        self.drawn += 1
        data = encode_png(noise((side, side), 5000 + self.drawn))
        (self.by_hand / name_of(number)).write_bytes(data)
        self.painted[name_of(number)] = {data}

    @rule(number=NUMBERS)
    def take_away(self, number: int) -> None:
        """A person deletes a picture: what the pack has of it is the last there is."""
        file = self.by_hand / name_of(number)
        if not file.is_file():
            return
        data = file.read_bytes()
        file.unlink()
        if data not in self._kept():
            for contents in (*self.made.values(), *self.painted.values()):
                contents.discard(data)

    @rule(replace=st.booleans())
    def adopt(self, replace: bool) -> None:
        before = self._pack_files()
        try:
            done = adopt(self.pack, self.by_hand, replace=replace)
        except PackError:  # no run has finished yet
            done = None
        assert self._pack_files() == before
        for name in done.files if done else ():
            self.painted.setdefault(name, set()).add((self.by_hand / name).read_bytes())

    @rule()
    def adopt_and_run(self) -> None:
        """Nothing of what was adopted is called edited afterwards."""
        try:
            adopted = {*adopt(self.pack, self.by_hand, replace=True).files}
        except PackError:
            return
        for name in adopted:
            self.painted.setdefault(name, set()).add((self.by_hand / name).read_bytes())
        result = self._run(self.pack, remove=True)
        made = {entry.source: entry.by for entry in result.manifest.textures if entry.source in adopted}
        assert all(by is None or by.kind in ("hand", "foreign") for by in made.values()), made
        self._finished(result)

    def _run(self, output: Path, **options: object) -> RunResult:
        return super()._run(output, overrides=[self.by_hand], **options)

    def _kept(self) -> set[bytes]:
        folders = (self.pack, self.pack / ".backup", self.by_hand)
        files = (path for folder in folders for path in folder.rglob("*.png"))
        return {path.read_bytes() for path in files if path.is_file()}

    @invariant()
    def nothing_made_by_a_person_is_lost(self) -> None:
        kept = self._kept()
        for path, contents in {**self.made, **self.painted}.items():
            there = (self.pack / path).read_bytes() if (self.pack / path).is_file() else b""
            assert contents <= kept | {there}, path


@pytest.mark.parametrize("machine", [History, ContainerHistory, HandMadeHistory])
def test_nothing_is_lost_and_a_pack_does_not_depend_on_its_history(machine: type[History]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            settings.default,
            max_examples=HISTORIES,
            stateful_step_count=STEPS_PER_HISTORY,
            suppress_health_check=list(HealthCheck),
            deadline=None,
        ),
    )
