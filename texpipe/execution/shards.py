"""Parts of one run on several machines: each leaves a note in the store when it is done, and a merge asks for all."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from texpipe.errors import PackError
from texpipe.planning.jobs import Work
from texpipe.planning.run_plan import Run
from texpipe.storage.atomic import write_atomic
from texpipe.storage.keys import canonical_json

_NOTE = re.compile(r"(\d+)-of-(\d+)")


class MissingShards(PackError):
    """Parts of a run are not finished; `missing` holds them as `--shard` takes them."""

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            f"these shards are not finished for this recipe, model and kind of computer: {', '.join(missing)}",
            hint=f"Run `texpipe run RECIPE --shard {missing[0]}`, with the same --model, --device and --precision.",
        )
        self.missing = tuple(missing)


def leave_note(run: Run) -> None:
    """Say that this part is done, and for what.

    Raises:
        PackError: the note cannot be written.
    """
    assert run.order.shard is not None
    part, parts = run.order.shard
    write_atomic(_folder(run) / f"{part}-of-{parts}", _identity(run))


def require_all(run: Run) -> None:
    """Check that every part was done for this recipe and model, and computed the way this machine does.

    Raises:
        MissingShards: a part is missing, or differs.
        PackError: there is none.
    """
    notes = {
        (int(found[1]), int(found[2])): note for note in _notes(run) if (found := _NOTE.fullmatch(note.name))
    }
    if not notes:
        raise PackError(
            f"no shard waits to be merged in {run.order.output}",
            hint="Run `texpipe run RECIPE --shard 1/N` first.",
        )
    good = {place for place, note in notes.items() if note.read_bytes() == _identity(run)}
    missing = {
        parts: [f"{part}/{parts}" for part in range(1, parts + 1) if (part, parts) not in good]
        for parts in sorted({parts for _, parts in notes})
    }
    fewest = min(missing.values(), key=len)
    if fewest:
        raise MissingShards(fewest)


def forget(run: Run) -> None:
    """Remove the notes, so that a merged folder is the same as one from a single run."""
    shutil.rmtree(_folder(run), ignore_errors=True)


def _identity(run: Run) -> bytes:
    return canonical_json([run.order.recipe_sha256, run.model.weights, run.order.recipe.detail, run.engine])


def _folder(run: Run) -> Path:
    return run.store.root / "shards"


def _notes(run: Run) -> list[Path]:
    return sorted(_folder(run).glob("*-of-*"))


def part_of(work: Work, shard: tuple[int, int] | None) -> Work:
    """Return the jobs that one of several machines does: (i, n) is the i-th of n, from 1.

    Decided by content, so that the parts stay the same when textures are added, and duplicates stay together.
    """
    if shard is None:
        return work
    part, parts = shard
    return replace(work, jobs=tuple(job for job in work.jobs if int(job.content, 16) % parts == part - 1))
