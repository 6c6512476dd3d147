"""Time and memory of `texpipe inspect` and `texpipe run --dry-run` of dumps of several sizes, beside another version.

The textures are those of a synthetic game (see `game.py`). Each command is a process of its own, and both versions run
in turn. POSIX only: memory is read by `resource`.

    python benchmarks/dry_run.py --counts 3000 30000 --against ../texpipe-0.1.0
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from game import RECIPE, make_game

COMMANDS = {
    "inspect": ("inspect", "dump"),
    "run --dry-run": ("run", "game.yaml", "--dry-run", "--device", "cpu", "--model", "texpipe-x4-fast"),
}


def measured(checkout: Path, folder: Path, command: Sequence[str]) -> tuple[float, float, float]:
    """Run a command of a checkout in a folder; return its seconds of wall clock and of the processor, and peak MB."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "texpipe", *command],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{checkout}: {said}")
    peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, peak


def main() -> None:
    """Measure each size and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--counts", type=int, nargs="+", default=[3000], help="textures of each dump")
    parser.add_argument("--against", type=Path, help="another checkout of texpipe, for comparison")
    chosen = parser.parse_args()
    here = Path(__file__).parents[1]
    print(f"{'':15}{'textures':>9}{'version':>9}{'seconds':>9}{'of processor':>14}{'peak MB':>9}")
    for count in chosen.counts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "dump").mkdir()
            make_game(folder / "dump", count, 0)
            (folder / "game.yaml").write_text(RECIPE, encoding="utf-8")
            for what, command in COMMANDS.items():
                versions = {"here": here} | ({"there": chosen.against.resolve()} if chosen.against else {})
                for version, checkout in versions.items():
                    seconds, processor, peak = measured(checkout, folder, command)
                    print(
                        f"{what:15}{count:9}{version:>9}{seconds:9.1f}{processor:14.1f}{peak:9.0f}",
                        flush=True,
                    )


if __name__ == "__main__":
    main()
