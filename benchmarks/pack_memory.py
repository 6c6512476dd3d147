"""Memory of a run with a large pack: python benchmarks/pack_memory.py [TEXTURES] [SIDE] [CONTAINER]

Makes a dump of different synthetic textures (5,000 of 48 x 48 by default) and runs a recipe that enlarges them four
times without a network, so that reading, planning, storing and writing are measured. Prints the size of the pack (.hts
by default) and the peak memory of the process, minus that of the same run over a single texture: the memory of the
textures and the pack without the program and its engine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from texpipe.imaging.image_files import encode_png

GAME = "GAME"
RECIPE = """\
version: 1
name: memory
input: dump
output: out
model: texpipe-x4-fast
targets: {{gliden64: {{container: {container}}}}}
rules: [{{match: {{}}, action: nearest}}]
"""


def texture(number: int, side: int) -> np.ndarray:
    """Return a smooth texture, H x W x 4 uint8; each number has its own."""
    y, x = np.mgrid[0:side, 0:side] / side
    waves = [
        np.sin(6.28 * (x * (1 + number % 5) + y * (1 + number // 5 % 5)) + number * k) for k in (1, 2, 3)
    ]
    rgb = np.stack(waves, axis=-1) * 90 + 128
    rgb[0, 0] = number & 255, number >> 8 & 255, number >> 16
    return np.dstack([rgb, np.full((side, side), 255)]).astype(np.uint8)


def measure(folder: Path, count: int, side: int, container: str) -> tuple[float, float, float]:
    """Run texpipe over a new dump; return seconds, peak memory in MB and size of the pack in MB."""
    (folder / "dump").mkdir(parents=True)
    for number in range(count):
        name = f"{GAME}#{number + 1:08X}#0#2_all.png"
        (folder / "dump" / name).write_bytes(encode_png(texture(number, side)))
    (folder / "recipe.yaml").write_text(RECIPE.format(container=container))
    began = time.perf_counter()
    command = [sys.executable, "-m", "texpipe", "-q", "run", str(folder / "recipe.yaml")]
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the run ended with code {process.returncode}")
    pack = folder / "out" / "gliden64" / f"{GAME}_HIRESTEXTURES.{container}"
    return time.perf_counter() - began, usage.ru_maxrss / 1024, pack.stat().st_size / 1e6


def main() -> None:
    """Measure and print."""
    given = dict(enumerate(sys.argv[1:]))
    count, side, container = int(given.get(0, 5000)), int(given.get(1, 48)), given.get(2, "hts")
    with tempfile.TemporaryDirectory() as folder:
        _, base, _ = measure(Path(folder) / "one", 1, side, container)
        seconds, peak, size = measure(Path(folder) / "many", count, side, container)
    print(f"{count} textures of {side} x {side}: a .{container} of {size:.0f} MB in {seconds:.0f} s")
    print(f"peak memory {peak:.0f} MB, {peak - base:.0f} MB more than for one texture ({base:.0f} MB)")


if __name__ == "__main__":
    main()
