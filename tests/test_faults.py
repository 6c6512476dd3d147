"""Whatever fails, and at whatever moment: nothing half-written carries a final name, and one more run mends it all.

Faults are injected below Python's own functions, by an audit hook: it sees every file that is opened, renamed,
removed or locked and every folder that is made or listed, whoever asks for it.
"""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from dumps import dump, tree, write_recipe

from texpipe.errors import TexpipeError
from texpipe.formats.check import verify_pack
from texpipe.order import Order, Outcome
from texpipe.pipeline import run_recipe
from texpipe.texture import Progress

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
targets: {gliden64: {container: hts}, folder: , rt64: {container: rtz}}
rules:
  - {match: {name: '*00001000*'}, action: copy}
"""


@dataclass(frozen=True)
class Game:
    """A dump of three textures, a recipe, and a changed one that leaves out a texture and does another by repeating."""

    folder: Path
    model: Path

    def order(self, output: str, recipe: str = "changed") -> Order:
        path = self.folder / f"{recipe}.yaml"
        return Order.make(path, output=self.folder / output, model=str(self.model), precision="fp32")

    def run(self, output: str, recipe: str = "changed", **options: Callable[[Progress], None]) -> Outcome:
        return run_recipe(self.order(output, recipe), **options)

    def tree(self, output: str) -> dict[str, bytes]:
        return tree(self.folder / output)


def write_rules(folder: Path, name: str, rules: str) -> None:
    written = write_recipe(folder).read_text("utf-8").replace("targets: [gliden64]\n", rules)
    (folder / f"{name}.yaml").write_text(written, "utf-8")


@pytest.fixture(scope="module")
def game(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Game:
    """The game, its first pack in `first`, and in `wanted` what the changed recipe makes of that."""
    folder = tmp_path_factory.mktemp("game")
    dump(folder / "dump", 3)
    write_rules(folder, "first", RULES)
    changed = "  - {match: {name: '*00001001*'}, action: skip}\n  - {match: {name: '*00001002*'}, action: nearest}\n"
    write_rules(folder, "changed", RULES + changed)
    made = Game(folder, tiny_model)
    made.run("first", "first")
    shutil.copytree(folder / "first", folder / "wanted")
    made.run("wanted")
    return made


def assert_nothing_half_written(game: Game, output: str, outcome: Outcome | None) -> None:
    """Every file is as the first run or the undisturbed second one wrote it; parts have names of their own."""
    if outcome is not None:
        assert verify_pack(game.folder / output)[1] == []
        return
    first, wanted = game.tree("first"), game.tree("wanted")
    for path, data in game.tree(output).items():
        if not path.endswith((".part", ".lock", ".store/written")):  # the last grows line by line
            assert data in (first.get(path), wanted.get(path)), path


def assert_one_more_run_mends(game: Game, output: str) -> None:
    game.run(output)
    assert game.tree(output) == game.tree("wanted")
    shutil.rmtree(game.folder / output)


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
        with failing(Fault(str(game.folder), error, at, lasting)) as fault:
            with suppress(TexpipeError, MemoryError, KeyboardInterrupt):
                outcome = game.run(output)
        assert fault.calls >= at
        assert_nothing_half_written(game, output, outcome)
        assert_one_more_run_mends(game, output)
