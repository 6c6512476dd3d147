"""Peak memory: of a run over a synthetic game under several memory limits, and whether all packs are equal; with
`--sides`, of commands that are given one large picture.

The network has the width of the shipped ones and random weights; with few blocks it needs the same memory, except for
its weights, and less time.

    python benchmarks/budget.py --count 60 --blocks 1 --budgets 500M 700M 1G 4G
    python benchmarks/budget.py --sides 512 1024 --budgets 1500M 4G
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from game import GAME, make_game
from numpy.typing import NDArray
from PIL import Image

from texpipe.imaging.image_files import save_png
from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.system.memory import size_of


def picture_of(kind: str, side: int) -> NDArray[np.uint8]:
    """Return one picture, S x S x 4: soft blobs under noise, so that nearly every texel has a colour of its own."""
    randoms = np.random.default_rng(side)
    blobs = Image.fromarray(randoms.integers(0, 256, (side // 32, side // 32, 3), dtype=np.uint8))
    rgb = np.asarray(blobs.resize((side, side), Image.Resampling.BICUBIC)).astype(np.int16)
    rgb += randoms.integers(-12, 13, rgb.shape, dtype=np.int16)
    rgba = np.dstack([rgb.clip(0, 255), np.full((side, side), 255)]).astype(np.uint8)
    if kind == "flat":
        rgba[..., :3] = 128
    elif kind == "palette":
        rgba[..., :3] &= 0xC0
    elif kind == "tileable":
        rgba = np.tile(rgba[: side // 2, : side // 2], (2, 2, 1))
    elif kind == "cut-out":
        rgba[..., 3] = np.where(np.add.outer(np.arange(side) // 37, np.arange(side) // 41) % 3 > 0, 255, 0)
    elif kind == "soft":
        rgba[..., 3] = np.linspace(0, 255, side).astype(np.uint8)[:, None]
    return rgba


KINDS = ("flat", "opaque", "palette", "tileable", "cut-out", "soft")


def measure_large(root: Path, sides: list[int], kinds: list[str], budgets: list[str]) -> None:
    """Print the peaks of `inspect`, `run`, `verify` and `report` for one picture of each kind and side."""
    torch.manual_seed(0)
    save_safetensors(root / "m.safetensors", RRDBNet(num_feat=8, num_block=1, num_grow_ch=4).state_dict(), {})
    for side in sides:
        for kind in kinds:
            folder = root / f"{kind}-{side}"
            save_png(folder / "dump" / "a.png", picture_of(kind, side))
            recipe = folder / "recipe.yaml"
            recipe.write_text(
                "version: 1\nname: large\ninput: dump\noutput: out\nmodel: ../m.safetensors\ntargets: [folder]\n"
            )
            for budget in budgets:
                output = folder / budget
                commands = {
                    "inspect": ["inspect", str(folder / "dump"), "--memory", budget],
                    "run": [
                        "run",
                        str(recipe),
                        "--output",
                        str(output),
                        "--memory",
                        budget,
                        "--device",
                        "cpu",
                    ],
                    "verify": ["verify", str(output)],
                    "report": ["report", str(output)],
                }
                found = {name: peak_of(words) for name, words in commands.items()}
                print(
                    f"{side} {kind:8} --memory {budget}:", *(f"{n} {p}" for n, p in found.items()), flush=True
                )


# A process of its own that holds nothing: at first a child counts the memory of the process that starts it as its own.
WATCH = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(usage.ru_maxrss >> 10, os.waitstatus_to_exitcode(status))
"""


def peak_of(words: list[str]) -> str:
    """Run a command; return its peak memory in MB, and its exit code if that is not 0."""
    command = [sys.executable, "-c", WATCH, sys.executable, "-m", "texpipe", "-q", *words]
    peak, code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return f"{peak} MB" + (f" (code {code})" if code != "0" else "")


def measure(recipe: Path, output: Path, budget: str) -> tuple[float, float, str]:
    """Run a recipe; return seconds, peak memory in MB, and a digest of all files written except run.json."""
    command = [sys.executable, "-m", "texpipe", "-q", "run", str(recipe), "--device", "cpu"]
    command += ["--output", str(output), "--memory", budget]
    began = time.perf_counter()
    with subprocess.Popen(command) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"the run ended with code {process.returncode}")
    digest = hashlib.sha256()
    for path in sorted(output.rglob("*")):
        if path.is_file() and path.name != "run.json":
            digest.update(path.relative_to(output).as_posix().encode() + path.read_bytes())
    return time.perf_counter() - began, usage.ru_maxrss / 1024, digest.hexdigest()[:12]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--blocks", type=int, default=1)
    parser.add_argument("--budgets", nargs="+", default=["500M", "700M", "1G", "4G"])
    parser.add_argument("--sides", nargs="*", type=int, default=[], help="sides of large pictures")
    parser.add_argument(
        "--kinds", nargs="+", default=list(KINDS), choices=KINDS, help="kinds of large pictures"
    )
    chosen = parser.parse_args()
    if chosen.sides:
        with tempfile.TemporaryDirectory() as folder:
            measure_large(Path(folder), chosen.sides, chosen.kinds, chosen.budgets)
        return
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "dump").mkdir()
        make_game(root / "dump", chosen.count, 0)
        save_safetensors(root / "model.safetensors", RRDBNet(num_block=chosen.blocks).state_dict(), {})
        recipe = root / "recipe.yaml"
        recipe.write_text(
            f"version: 1\nname: budget\ngame: {GAME}\ninput: dump\noutput: out\nmodel: model.safetensors\n"
            "targets: [gliden64]\n"
        )
        for number, budget in enumerate(chosen.budgets):
            seconds, peak, digest = measure(recipe, root / f"out{number}", budget)
            most = size_of(budget) / 2**20
            print(
                f"--memory {budget}: peak {peak:.0f} of {most:.0f} MB, {seconds:.0f} s, bytes {digest}",
                flush=True,
            )


if __name__ == "__main__":
    main()
