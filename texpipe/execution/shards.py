"""Parts of one run on several machines: each leaves a note in the store when it is done, and a merge requires all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from texpipe.errors import PackError
from texpipe.planning.jobs import Workload
from texpipe.planning.run_plan import RunPlan
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import canonical_json
from texpipe.storage.small_files import RefusedFileError, read_small

_NOTE = re.compile(r"(\d+)-of-(\d+)")


class MissingShards(PackError):
    """Parts of a run are not finished; `missing` holds them as `--shard` takes them."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"these shards are not finished for this recipe, model and kind of computer: {', '.join(missing)}",
            hint=f"Run `texpipe run RECIPE --shard {missing[0]}`, with the same --model, --device and --precision.",
        )
        self.missing = tuple(missing)


def mark_done(run: RunPlan) -> None:
    """Note that this part is done, and for which recipe, model and engine.

    Raises:
        PackError: the note cannot be written.
    """
    assert run.order.shard is not None
    part, parts = run.order.shard
    write_atomic(run.layout.shard_marks / f"{part}-of-{parts}", _identity(run))


def require_all_done(run: RunPlan) -> None:
    """Check that every part was done for this recipe and model, and computed the way this machine does.

    Raises:
        MissingShards: a part is missing, or differs.
        PackError: no part is done.
    """
    notes = {
        (int(found[1]), int(found[2])): note for note in _notes(run) if (found := _NOTE.fullmatch(note.name))
    }
    if not notes:
        raise PackError(
            f"there are no shards to merge in {run.order.output}",
            hint="Run `texpipe run RECIPE --shard 1/N` first.",
        )
    good = {place for place, note in notes.items() if _says(note, _identity(run))}
    missing = {
        parts: [f"{part}/{parts}" for part in range(1, parts + 1) if (part, parts) not in good]
        for parts in sorted({parts for _, parts in notes})
    }
    fewest = min(missing.values(), key=len)
    if fewest:
        raise MissingShards(fewest)


def remove_marks(run: RunPlan) -> None:
    """Remove the notes, so that a merged folder is the same as that of a single run."""
    shutil.rmtree(run.layout.shard_marks, ignore_errors=True)


def _identity(run: RunPlan) -> bytes:
    return canonical_json(
        [run.order.recipe_sha256, *run.models.weights(), run.order.recipe.detail, run.engine]
    )


def _says(note: Path, identity: bytes) -> bool:
    with suppress(RefusedFileError):
        return read_small(note, len(identity)) == identity
    return False


def _notes(run: RunPlan) -> list[Path]:
    return sorted(run.layout.shard_marks.glob("*-of-*"))


def jobs_of_shard(work: Workload, shard: tuple[int, int] | None) -> Workload:
    """Return the jobs that one of several machines computes: (i, n) is the i-th of n, from 1.

    The content decides, so that parts stay the same when textures are added, and duplicates stay together.
    """
    if shard is None:
        return work
    part, parts = shard
    return replace(work, jobs=tuple(job for job in work.jobs if int(job.content, 16) % parts == part - 1))
