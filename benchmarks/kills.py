"""Runs that are killed while they rename archives, caches and manifests: does the next run always end the same?

Six targets are written at once: plain files, a GLideN64 cache, a .o2r archive, DDS files or a .rtz archive, Dolphin's
levels and PPSSPP's list. An output of one recipe is taken over by another recipe, which writes other containers, leaves
a texture out and repeats another; that run is killed, often several times in a row, and then left alone. It must end
as an undisturbed one does, byte for byte, with no file of the first recipe left and every file of somebody else's kept.

A strike comes right before or after a call to the system (a file opened, renamed or removed, a folder made), mostly one
that concerns a container or a list, or at a random time, in the middle of whatever goes on.

    python benchmarks/kills.py --count 120
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from texpipe.cli import main as texpipe
from texpipe.imaging.image_files import encode_png
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet

NAMES = (
    "n64/GAME#0000ABCD#0#2_all.png",
    "n64/GAME#0000ABCE#0#2_all.png",
    "n64/GAME#0000ABCF#0#2_all.png",
    "assets/objects/x/gWoodTex.rgba16.png",
    "assets/objects/x/gStoneTex.rgba16.png",
    "gc/tex1_8x8_m_491f13c5ccb0e7e8_5.png",
    "psp/0894abcd0000000012345678.png",
    "psp/0894abcd0000000012345679.png",
    "wood.png",
)
HEAD = "version: 1\nname: kills\ngame: GAME\ninput: dump\noutput: out\nmodel: tiny.safetensors\n"
RECIPES = {
    "files": "targets:\n  folder:\n  gliden64:\n  rt64: {hashes: game.json}\n  soh: {game: pack}\n"
    "  dolphin: {game: GZLE01, mipmaps: true}\n  ppsspp: {game: ULUS10041}\n",
    "containers": "targets:\n  folder:\n  gliden64: {container: hts}\n  rt64: {container: rtz, hashes: game.json}\n"
    "  soh: {game: other}\n  dolphin: {game: GZLE01}\n  ppsspp: {game: ULUS10042}\n"
    "rules:\n  - {match: {name: '*ABCE*'}, action: skip}\n  - {match: {name: wood.png}, action: nearest}\n",
}
"""Two recipes, each of which takes over the output of the other."""
FOREIGN = ("notes.txt", "folder/mine.png", "soh.txt", ".store-of-mine/x")
"""Files of somebody else in the output folder."""
IMPORTANT = (".hts", ".rtz", ".o2r", ".dds", ".ini", ".json", "written", "analysis", ".part")
"""Ends of the names of containers, lists, notes and what becomes of them."""
SEEN = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir"})


@dataclass
class Strike:
    """Kills this process at the n-th call to the system that concerns a folder, or after some seconds.

    Attributes:
        folder: where calls count.
        at: number of the call; 0 to count them all.
        important: count only calls that concern containers, lists and notes.
        seconds: kill after this time instead, if above 0.
    """

    folder: str
    at: int = 0
    important: bool = False
    seconds: float = 0.0
    calls: int = field(default=0, init=False)

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """See a call before it is made."""
        if event not in SEEN or not any(self._concerns(one) for one in arguments[:2]):
            return
        self.calls += 1
        if self.calls == self.at:
            os.kill(os.getpid(), signal.SIGKILL)

    def _concerns(self, path: object) -> bool:
        text = os.fspath(path) if isinstance(path, str | Path) else ""
        return text.startswith(self.folder) and (not self.important or text.endswith(IMPORTANT))

    def begin(self) -> None:
        """Wait for the moment."""
        if self.seconds:
            timer = threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()
        sys.addaudithook(self)


@dataclass
class Game:
    """A dump, two recipes, their packs, and what an undisturbed run makes of one where the other was."""

    folder: Path
    calls: dict[tuple[str, bool], int] = field(default_factory=dict)
    seconds: float = 1.0

    def output(self, name: str) -> Path:
        """Return an output folder."""
        return self.folder / name

    def run(self, recipe: str, output: Path, strike: Strike | None = None) -> int:
        """Run the command in a fork of this process, which has imported everything; return how it ended."""
        child = os.fork()
        if child == 0:
            null = os.open(os.devnull, os.O_RDWR)
            log = os.open(self.folder / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(null, 1)
            os.dup2(log, 2)
            self._command(recipe, output, strike)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _command(self, recipe: str, output: Path, strike: Strike | None) -> None:
        if strike is not None:
            strike.begin()
        code = 70
        try:
            words = ["run", str(self.folder / f"{recipe}.yaml"), "--output", str(output), "--remove"]
            texpipe([*words, "--precision", "fp32", "--device", "cpu"])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            if strike is not None and not strike.at and not strike.seconds:
                (self.folder / "calls").write_text(str(strike.calls))
            os._exit(code)

    def tree(self, output: Path) -> dict[str, bytes]:
        """Return all files of an output but run.json, what was checked, and the backups, which have dates."""
        return {
            path.relative_to(output).as_posix(): path.read_bytes()
            for path in sorted(output.rglob("*"))
            if path.is_file()
            and path.name not in ("run.json", "checked", "finished")
            and ".backup" not in path.parts
        }

    def what_failed(self) -> str:
        """Return what the last run said."""
        return (self.folder / "log").read_text("utf-8", "replace")


def make_game(folder: Path) -> Game:
    """Write dump, model, list and recipes, make both packs, and count the calls of taking over one of them."""
    torch.manual_seed(7)
    torch.set_num_threads(1)
    save_safetensors(
        folder / "tiny.safetensors", RRDBNet(num_feat=4, num_block=1, num_grow_ch=2).state_dict(), {}
    )
    randoms = np.random.default_rng(0)
    for name in NAMES:
        path = folder / "dump" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rgba = randoms.integers(0, 256, (8, 8, 4), dtype=np.uint8)
        rgba[..., 3] = np.where(rgba[..., 3] < 60, 0, 255)
        path.write_bytes(encode_png(rgba))
    listed = [
        {"path": "", "hashes": {"rt64": f"{at:016x}", "rice": f"0000abc{c}#0#2"}}
        for at, c in enumerate("def", 1)
    ]
    (folder / "game.json").write_text(json.dumps({"textures": listed}), "utf-8")
    for name, text in RECIPES.items():
        (folder / f"{name}.yaml").write_text(HEAD + text, "utf-8")
    game = Game(folder)
    for recipe in RECIPES:
        require(game.run(recipe, game.output(recipe)) == 0, game.what_failed())
        for number, path in enumerate(FOREIGN):
            foreign = game.output(recipe) / path
            foreign.parent.mkdir(parents=True, exist_ok=True)
            foreign.write_bytes(b"mine %d" % number)
    for before, recipe in takeovers():
        wanted = game.output(f"wanted-{recipe}")
        for important in (False, True):
            shutil.rmtree(wanted, ignore_errors=True)
            shutil.copytree(game.output(before), wanted)
            began = time.monotonic()
            require(
                game.run(recipe, wanted, Strike(str(wanted), important=important)) == 0, game.what_failed()
            )
            game.seconds = time.monotonic() - began
            game.calls[recipe, important] = int((folder / "calls").read_text())
    return game


def takeovers() -> Iterator[tuple[str, str]]:
    """Yield which recipe's output is taken over by which recipe."""
    files, containers = RECIPES
    yield files, containers
    yield containers, files


def require(true: bool, said: str) -> None:
    """Stop if something is not as it must be."""
    if not true:
        sys.exit(said)


@dataclass(frozen=True)
class Outcome:
    """One takeover with its kills.

    Attributes:
        kills: how many of its runs were killed before they had ended.
        problems: what is wrong after the last one.
    """

    kills: int
    problems: tuple[str, ...]


def disturbed(game: Game, number: int, seed: int) -> Outcome:
    """Take over an output with some kills, run once more, and compare."""
    chance = random.Random(f"{seed} {number}")
    before, recipe = list(takeovers())[number % 2]
    output = game.output("out")
    shutil.rmtree(output, ignore_errors=True)
    shutil.copytree(game.output(before), output)
    kills = 0
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        kills += game.run(recipe, output, strike_of(game, recipe, output, chance)) == -signal.SIGKILL
    problems = half_written(game, output, before, recipe)
    code = game.run(recipe, output)
    if code:
        problems.append(f"the next run ended with {code}: {game.what_failed()}")
    problems += differences(game.tree(output), game.tree(game.output(f"wanted-{recipe}")))
    return Outcome(kills, tuple(problems))


def strike_of(game: Game, recipe: str, output: Path, chance: random.Random) -> Strike:
    """Draw a moment: three in four at calls that concern containers and lists, the others at any call or time."""
    kind = chance.choice(("important", "important", "important", "any", "time"))
    if kind == "time":
        return Strike(str(output), seconds=chance.uniform(0.01, game.seconds))
    important = kind == "important"
    return Strike(str(output), chance.randint(1, game.calls[recipe, important]), important)


def half_written(game: Game, output: Path, before: str, recipe: str) -> list[str]:
    """Return the files that carry a final name and are as neither recipe writes them."""
    old, new = game.tree(game.output(before)), game.tree(game.output(f"wanted-{recipe}"))
    grows = (".part", ".lock", ".store/written")
    return [
        f"{path} is half written"
        for path, data in game.tree(output).items()
        if not path.endswith(grows) and data not in (old.get(path), new.get(path))
    ]


def differences(found: dict[str, bytes], wanted: dict[str, bytes]) -> list[str]:
    """Return how two trees differ."""
    return [
        *(f"{path} is missing" for path in sorted(wanted.keys() - found.keys())),
        *(f"{path} was left behind" for path in sorted(found.keys() - wanted.keys())),
        *(f"{path} differs" for path in sorted(found.keys() & wanted.keys()) if found[path] != wanted[path]),
    ]


def run_all(game: Game, count: int, seed: int, say: Callable[[str], object] = print) -> Counter[str]:
    """Kill until so many kills are done; return counts of takeovers, kills and those that went wrong."""
    counts: Counter[str] = Counter()
    while counts["kills"] < count:
        outcome = disturbed(game, counts["takeovers"], seed)
        counts += Counter(takeovers=1, kills=outcome.kills, wrong=bool(outcome.problems))
        for problem in outcome.problems:
            say(f"takeover {counts['takeovers'] - 1}, seed {seed}: {problem}")
    return counts


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=120, help="number of kills")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        game = make_game(Path(folder))
        counts = run_all(game, chosen.count, chosen.seed)
    same = counts["takeovers"] - counts["wrong"]
    print(
        f"{counts['kills']} kills, {counts['takeovers']} takeovers, {same} of them byte for byte as undisturbed ones"
    )
    sys.exit(1 if counts["wrong"] else 0)


if __name__ == "__main__":
    main()
