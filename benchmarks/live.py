"""`texpipe live` measured: from a whole file to its preview, what it takes when nothing happens, and after kill -9.

Sizes, formats and strips are those of `game.py`. Linux only: processor time is read from /proc.

    python benchmarks/live.py latency --count 500 --rate 5    # a scripted emulator drops textures
    python benchmarks/live.py idle --files 20000 --seconds 60
    python benchmarks/live.py kills --count 20                # at random moments; then `live` or `run` goes on

Each ends with exit code 1 if the final bytes are not those of `texpipe run`, or a half-written file was seen.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from game import GAME, make_game

from texpipe.imaging.image_files import encode_png

END_OF_PNG = b"IEND\xaeB`\x82"
POLL_SECONDS = 0.02
"""Time between two looks into the emulator's folder, in seconds: so exact are latencies."""
PATIENCE_SECONDS = 3600.0
TICKS = os.sysconf("SC_CLK_TCK")


class Live:
    """`texpipe live --json` in a process of its own, over `folder`/dump, into `folder`/emulator."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[dict[str, Any]] = []
        words = ["live", "recipe.yaml", "--into", "emulator", "--json", "--device", "cpu"]
        self.process = subprocess.Popen(
            command(*words), cwd=folder, env=environment(folder), stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, kind: str, after: int = 0) -> None:
        """Wait for an event of a kind, but not for one of the first `after` events.

        Raises:
            RuntimeError: the process ended, or it took too long.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while not any(event["event"] == kind for event in self.events[after:]):
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"no event {kind!r}; the last ones: {self.events[-3:]}")
            time.sleep(POLL_SECONDS)

    def seconds(self) -> float:
        """Return the processor time that the process and those that it started have taken."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        return sum(processor_seconds(int(one)) for one in (own, *children))

    def end(self) -> None:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def kill(self) -> None:
        """End it as a power cut would, with the process that refines."""
        own = self.process.pid
        children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
        for one in (own, *map(int, children)):
            os.kill(one, signal.SIGKILL)
        self.process.wait(60)

    def _listen(self) -> None:
        assert self.process.stdout is not None
        self.events.extend(map(json.loads, iter(self.process.stdout.readline, "")))


class Emulator(threading.Thread):
    """Looks into the emulator's folder again and again: when each file was there first, and whether it was whole."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder
        self.seen: dict[str, float] = {}
        self.torn: list[str] = []
        self._ended = threading.Event()

    def run(self) -> None:
        """Look until it is stopped."""
        while not self._ended.wait(POLL_SECONDS):
            for file in self._folder.glob(f"{GAME}/*.png"):
                if file.name not in self.seen:
                    self.seen[file.name] = time.time()
                    if not file.read_bytes().endswith(END_OF_PNG):
                        self.torn.append(file.name)

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()
        self.join()


def command(*words: object) -> list[str]:
    """Return a call of texpipe."""
    return [sys.executable, "-m", "texpipe", *map(str, words)]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment: what is installed where is remembered in the folder."""
    return {**os.environ, "XDG_DATA_HOME": str(folder / "own")}


def processor_seconds(process: int) -> float:
    """Return what a process has taken; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def prepare(folder: Path, model: str) -> Path:
    """Write a recipe for the dump; return the dump, which is empty."""
    dump = folder / "dump"
    dump.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(
        f"version: 1\nname: live\ngame: {GAME}\ninput: dump\noutput: out\nmodel: {model}\ntargets: [gliden64]\n"
    )
    return dump


@contextmanager
def textures(count: int, seed: int) -> Iterator[list[Path]]:
    """Yield files of textures in the order in which the game dumps them."""
    with tempfile.TemporaryDirectory() as folder:
        make_game(Path(folder), count + 1, seed)  # GLideN64 takes no checksum of 0
        files = [file for file in sorted(Path(folder).iterdir()) if "#00000000#" not in file.name]
        random.Random(seed).shuffle(files)
        yield files


def drop(
    files: Sequence[Path], dump: Path, rate: float, stop: Callable[[], bool] = lambda: False
) -> dict[str, float]:
    """Write files into the dump as an emulator does, under their names at once; return when each was whole."""
    whole: dict[str, float] = {}
    began = time.monotonic()
    for number, file in enumerate(files):
        if stop():
            break
        data = file.read_bytes()
        with (dump / file.name).open("wb") as written:
            written.write(data[: len(data) // 2])
            written.flush()
            written.write(data[len(data) // 2 :])
        whole[file.name] = time.time()
        time.sleep(max(0.0, began + (number + 1) / rate - time.monotonic()))
    return whole


def differences(folder: Path, output: str = "out") -> list[str]:
    """Return the paths at which output and emulator's folder are not what `texpipe run` makes of the dump."""
    fresh = folder / "fresh"
    if not fresh.exists():
        words = ("-q", "run", "recipe.yaml", "--output", fresh, "--device", "cpu")
        subprocess.run(command(*words), cwd=folder, check=True)
    wanted, made = tree(fresh), tree(folder / output)
    shown = {f"gliden64/{path}": data for path, data in tree(folder / "emulator").items()}
    pack = {path: data for path, data in wanted.items() if path.startswith("gliden64/")}
    return sorted({path for path, _ in (wanted.items() ^ made.items()) | (pack.items() ^ shown.items())})


def tree(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder that runs have in common."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
        and path.name != "run.json"
        and not path.relative_to(folder).parts[0].startswith(".")
    }


def part(values: Sequence[float], share: float) -> float:
    """Return the value that a share of all values does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def latency(folder: Path, count: int, rate: float, model: str) -> bool:
    """Drop textures; print how long each took to be in the emulator's folder; return whether all went well."""
    dump = prepare(folder, model)
    with textures(count + 1, 1) as (first, *files):
        live, emulator = Live(folder), Emulator(folder / "emulator")
        drop([first], dump, rate)
        live.wait("preview")  # the network is loaded while the player still starts the game
        emulator.start()
        before = live.seconds()
        whole = drop(files, dump, rate)
        while not whole.keys() <= emulator.seen.keys():
            time.sleep(POLL_SECONDS)
            if live.process.poll() is not None:
                raise RuntimeError("texpipe live ended")
        taken = live.seconds() - before
        previewed = time.monotonic()
        live.wait("idle", max(i for i, event in enumerate(live.events) if event["event"] == "found"))
        refined = time.monotonic() - previewed
        live.end()
        emulator.stop()
    times = [emulator.seen[name] - at for name, at in whole.items()]
    print(f"{count} textures at {rate:g} per second, load {os.getloadavg()[0]:.1f}")
    print(
        f"whole file to preview: half {part(times, 0.5):.2f} s, 95 % {part(times, 0.95):.2f} s, last {max(times):.2f} s"
    )
    print(f"processor time until the last preview: {taken / count:.3f} s per texture, refining included")
    print(f"refined {refined:.0f} s after the last preview; torn files seen: {len(emulator.torn)}")
    wrong = differences(folder)
    print(f"files that are not as `texpipe run` makes them: {len(wrong)}")
    return not wrong and not emulator.torn


def idle(folder: Path, files: int, seconds: float) -> bool:
    """Print the share of a core that is taken while nothing happens, with many files in the dump."""
    dump = prepare(folder, "texpipe-x4-preview")
    (folder / "recipe.yaml").open("a").write("rules: [{match: {name: '*'}, action: copy}]\n")
    data = encode_png(np.zeros((4, 4, 4), np.uint8))
    for number in range(1, files + 1):  # a checksum of 0 is none
        (dump / f"{GAME}#{number:08X}#0#2_all.png").write_bytes(data)
    live = Live(folder)
    live.wait("idle")
    time.sleep(5)
    before = live.seconds()
    time.sleep(seconds)
    share = (live.seconds() - before) / seconds
    live.end()
    print(f"{files} files, nothing happens for {seconds:g} s: {share:.2%} of a core")
    return share < 0.01


def kills(folder: Path, count: int, seed: int, number_of_textures: int) -> bool:
    """Kill it at random moments; print how often the next `live` or `run` did not end in the bytes of a run."""
    rng = random.Random(seed)
    failed = 0
    with textures(number_of_textures, seed) as files:
        for number in range(count):
            place = folder / str(number)
            dump = prepare(place, "texpipe-x4-preview")
            live = Live(place)
            dropping = threading.Thread(target=drop, args=(files, dump, 10.0))
            dropping.start()
            if number % 4:  # every fourth is killed while it still starts
                live.wait("started")
            moment = rng.uniform(0, 15)
            time.sleep(moment)
            state = live.events[-1]["event"] if live.events else "starting"
            live.kill()
            dropping.join()
            if number % 2:
                again = Live(place)
                again.wait("idle")
                again.end()
            else:
                for words in (
                    ("run", "recipe.yaml", "--device", "cpu"),
                    ("install", "out", "--into", "emulator"),
                ):
                    subprocess.run(command("-q", *words), cwd=place, env=environment(place), check=True)
            wrong = differences(place)
            failed += bool(wrong)
            then = "live" if number % 2 else "run"
            print(
                f"{number + 1}: killed after {moment:.1f} s ({state}), then {then}: {wrong[:3] or 'the same bytes'}"
            )
            shutil.rmtree(place)
    print(f"{count} kills, {failed} with other bytes")
    return not failed


def main() -> None:
    """Measure one of the three."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    modes = parser.add_subparsers(dest="mode", required=True)
    mode = modes.add_parser("latency")
    mode.add_argument("--count", type=int, default=500, help="number of textures")
    mode.add_argument("--rate", type=float, default=5.0, help="textures per second")
    mode.add_argument("--model", default="texpipe-x4-fast", help="to refine with")
    mode = modes.add_parser("idle")
    mode.add_argument("--files", type=int, default=20_000)
    mode.add_argument("--seconds", type=float, default=60.0)
    mode = modes.add_parser("kills")
    mode.add_argument("--count", type=int, default=20)
    mode.add_argument("--seed", type=int, default=0)
    mode.add_argument("--textures", type=int, default=24, dest="number_of_textures")
    options = vars(parser.parse_args())
    signal.signal(
        signal.SIGINT, signal.default_int_handler
    )  # a shell's background jobs ignore it, and so would ours
    measured = {"latency": latency, "idle": idle, "kills": kills}[options.pop("mode")]
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(0 if measured(Path(folder), **options) else 1)


if __name__ == "__main__":
    main()
