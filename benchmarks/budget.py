"""Peak memory of a run over a synthetic game under several memory limits, and whether all packs are equal.

The network has the width of the shipped ones and random weights; with few blocks it needs the same memory, except for
its weights, and less time.

    python benchmarks/budget.py --count 60 --blocks 1 --budgets 500M 700M 1G 4G
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

import torch
from game import GAME, make_game

from texpipe.networks.checkpoint import save_safetensors
from texpipe.networks.rrdbnet import RRDBNet
from texpipe.system.memory import size_of


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
    chosen = parser.parse_args()
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
