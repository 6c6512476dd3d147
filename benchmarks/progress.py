"""How true the time left is: a run of 100 flat, 40 small and 2 large textures, and every estimate beside the truth.

    python benchmarks/progress.py [--model NAME]

On a quiet machine no estimate after the first third of the run should be off by more than 30 %. What the last stage,
writing and checking the pack, takes after it is printed as well.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from texpipe.imaging.image_files import encode_png

SHORT_SECONDS = 2.0
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


class Estimate(NamedTuple):
    """A moment of a run: seconds and processor seconds since the work began, and the seconds left that it said."""

    at: float
    processor: float
    left: float


def estimates(folder: Path, model: str) -> tuple[list[Estimate], Estimate, float]:
    """Run the dump; return the estimate of each event, the end, and the seconds of what comes after it."""
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "version: 1\nname: x\ngame: GAME\ninput: dump\noutput: out\ntargets: [gliden64]\n", "utf-8"
    )
    command = [sys.executable, "-m", "texpipe", "run", str(recipe), "--model", model, "--json"]
    found, end = [], Estimate(0.0, 0.0, 0.0)
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        assert process.stderr is not None
        began: tuple[float, float] | None = None
        for line in process.stderr:
            if not line.startswith("{"):
                continue
            event, now = json.loads(line), (time.monotonic(), processor_seconds(process.pid))
            if event["stage"] == "upscale":
                began = began or now
                end = Estimate(now[0] - began[0], now[1] - began[1], event["seconds_left"] or 0.0)
                if event["seconds_left"] is not None:
                    found.append(end)
    assert began is not None
    return found, end, time.monotonic() - began[0] - end.at


def processor_seconds(process: int) -> float:
    """Return the processor time of a process, which on a busy machine alone says how much is done; 0 where unknown."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print each estimate and the largest error after the first third, by the clock and by processor time."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="texpipe-x4-fast")
    model = parser.parse_args().model
    with tempfile.TemporaryDirectory() as folder:
        write_dump(Path(folder) / "dump")
        found, end, after = estimates(Path(folder), model)
    clock_errors, processor_errors = [], []
    first = found[0]
    for one in found:
        truth, work = end.at - one.at, end.processor - one.processor
        # What the estimate means in processor time, if the process gets as much of the machine as it had so far.
        share = (one.processor - first.processor) / max(one.at - first.at, 1e-9)
        if one.at > end.at / 3 and truth > SHORT_SECONDS:
            clock_errors.append(abs(one.left / truth - 1))
            processor_errors.append(abs(one.left * share / work - 1) if work else 0.0)
        print(
            f"{one.at:6.1f} s: {one.left:6.1f} s left, in truth {truth:6.1f}; "
            f"of the processor {one.left * share:6.1f} s, in truth {work:6.1f}"
        )
    print(
        f"{model}: {end.at:.1f} s, and {after:.1f} s to write and end; largest error after the first third: "
        f"{max(clock_errors, default=0.0):.0%} by the clock, {max(processor_errors, default=0.0):.0%} by processor time"
    )


if __name__ == "__main__":
    main()
