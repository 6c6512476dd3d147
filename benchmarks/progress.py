"""How true the time left is: a run of 100 flat, 40 small and 2 large textures, and every estimate beside the truth.

    python benchmarks/progress.py [--model NAME]

On a quiet machine no estimate after the first third of the run should be off by more than 30 %.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from texpipe.imaging.image_files import encode_png

SHORT_SECONDS = 5.0
"""Seconds before the end within which an error is no longer counted."""


def write_dump(folder: Path) -> None:
    """Write the textures; flat ones are of one colour, the others are noise."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(142):
        side = 256 if number >= 140 else 32
        noise = rng.integers(0, 256, (side, side, 3))
        rgb = np.broadcast_to(rng.integers(0, 256, 3), (side, side, 3)) if number < 100 else noise
        rgba = np.dstack([rgb, np.full((side, side), 255)]).astype(np.uint8)
        (folder / f"GAME#{number:08X}#0#2_all.png").write_bytes(encode_png(rgba))


def estimates(folder: Path, model: str) -> tuple[list[tuple[float, float]], float]:
    """Run the dump; return (seconds since the start, seconds left) of each event, and the end."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "version: 1\nname: x\ngame: GAME\ninput: dump\noutput: out\ntargets: [gliden64]\n", "utf-8"
    )
    command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--model", model, "--json"]
    found, end = [], 0.0
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        began = None
        for line in process.stderr:
            if not line.startswith("{"):
                continue
            event, now = json.loads(line), time.monotonic()
            if event["stage"] == "upscale":
                began = began or now
                end = now - began
                if event["seconds_left"] is not None:
                    found.append((end, event["seconds_left"]))
    return found, end


def main() -> None:
    """Print each estimate and the largest error after the first third."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="texpipe-x4-fast")
    model = parser.parse_args().model
    with tempfile.TemporaryDirectory() as folder:
        write_dump(Path(folder) / "dump")
        found, end = estimates(Path(folder), model)
    errors = []
    for at, left in found:
        truth = end - at
        if at > end / 3 and truth > SHORT_SECONDS:
            errors.append(abs(left / truth - 1))
        print(f"{at:6.1f} s: {left:6.1f} s left, in truth {truth:6.1f}")
    print(f"{end:.1f} s in all; largest error after the first third: {max(errors, default=0.0):.0%}")


if __name__ == "__main__":
    main()
