"""Time and memory of `texpipe run` where nothing changed since the last run; and after one texture changed.

A dump of small noise, enlarged by repeating texels, so that the first run takes minutes. Each run is a process of its
own. POSIX only: memory is read by `resource`.

    python benchmarks/second_run.py --count 30000
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from texpipe.imaging.image_files import encode_png

GAME = "SYNTHETIC GAME"
RECIPE = f"""version: 1
name: game
game: {GAME}
input: dump
output: pack
targets: [gliden64]
rules: [{{match: {{}}, action: nearest}}]
"""
SIDES = 8, 16


def make_dump(folder: Path, count: int) -> list[Path]:
    """Write different textures; return their files."""
    rng = np.random.default_rng(0)
    files = [folder / f"{GAME}#{number:08X}#0#2_all.png" for number in range(1, count + 1)]
    for number, file in enumerate(files):
        file.write_bytes(noise(rng, SIDES[number % len(SIDES)]))
    return files


def noise(rng: np.random.Generator, side: int) -> bytes:
    """Return the PNG of a texture."""
    rgb = rng.integers(0, 256, (side, side, 3))
    return encode_png(np.dstack([rgb, np.full((side, side), 255)]).astype(np.uint8))


def run(recipe: Path) -> tuple[float, float, float, str]:
    """Run a recipe; return its seconds of wall clock and of the processor, its peak memory in MB, and its summary."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "texpipe", "run", str(recipe), "--device", "cpu"],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        raise SystemExit(said)
    summary = next(line for line in said.splitlines() if line.startswith("wrote"))
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return seconds, used.ru_utime + used.ru_stime, peak, summary


def main() -> None:
    """Run one dump again and again, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=30_000, help="textures")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "dump").mkdir()
        files = make_dump(folder / "dump", chosen.count)
        recipe = folder / "game.yaml"
        recipe.write_text(RECIPE, encoding="utf-8")
        time.sleep(4)  # files that were just written are read again, because their times may not tell
        print(f"{'':28}{'seconds':>9}{'of processor':>14}{'peak MB':>9}")
        for what in ("first run", "second run", "third run", "after a change", "the next run"):
            if what == "after a change":
                files[0].write_bytes(noise(np.random.default_rng(1), SIDES[0]))
            *found, summary = run(recipe)
            print(f"{what:28}{found[0]:9.2f}{found[1]:14.2f}{found[2]:9.0f}   {summary}", flush=True)


if __name__ == "__main__":
    main()
