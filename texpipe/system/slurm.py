"""Which part of a run this process is, from `--shard` or from a Slurm array's environment."""

from __future__ import annotations

import os
import re

from texpipe.errors import UsageError


def parse_shard(text: str | None) -> tuple[int, int] | None:
    """Return (i, n) of "i/n", or of "auto" in a Slurm array; None for None.

    Raises:
        UsageError: the text is not I/N with 1 <= I <= N.
    """
    if text is None:
        return None
    if text == "auto":
        return _slurm_task()
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard {text} is not I/N with 1 <= I <= N", hint="For example --shard 2/8.")
    return part, parts


def _slurm_task() -> tuple[int, int]:
    """Return which task of how many of a Slurm array this is, whatever number the first has.

    Raises:
        UsageError: there is no array, or it has gaps, which say that tasks of another one are done again.
    """
    names = ("TASK_ID", "TASK_MIN", "TASK_MAX", "TASK_COUNT")
    try:
        task, first, last, count = (int(os.environ[f"SLURM_ARRAY_{name}"]) for name in names)
    except (KeyError, ValueError) as error:
        raise UsageError(
            "--shard auto needs the task of a Slurm array",
            hint="Start it with `sbatch --array=1-8`, or say which part: --shard 2/8.",
        ) from error
    if last - first + 1 != count or not first <= task <= last:
        raise UsageError(
            f"the Slurm array has {count} tasks from {first} to {last}: nothing says how many shards there are",
            hint='Say it: --shard "$SLURM_ARRAY_TASK_ID/8" for an array that was --array=1-8.',
        )
    return task - first + 1, count
