"""The shard of a run that this process computes, from `--shard` or from a Slurm array's environment."""

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
    """Return this task's position in its Slurm array, from 1, and the number of tasks.

    Raises:
        UsageError: this is not a task of an array, or the array has gaps, as one that repeats failed tasks has.
    """
    names = ("TASK_ID", "TASK_MIN", "TASK_MAX", "TASK_COUNT")
    try:
        task, first, last, count = (int(os.environ[f"SLURM_ARRAY_{name}"]) for name in names)
    except (KeyError, ValueError) as error:
        raise UsageError(
            "--shard auto needs the task of a Slurm array",
            hint="Start it with `sbatch --array=1-8`, or give the shard: --shard 2/8.",
        ) from error
    if last - first + 1 != count or not first <= task <= last:
        raise UsageError(
            f"the Slurm array has {count} tasks from {first} to {last}: the number of shards is unknown",
            hint='Give the shard: --shard "$SLURM_ARRAY_TASK_ID/8" for an array that was --array=1-8.',
        )
    return task - first + 1, count
