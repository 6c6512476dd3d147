"""What a run was asked to do, and what came of it: the values at both ends of the pipeline."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from texpipe.errors import PackError, UsageError
from texpipe.manifest import Manifest
from texpipe.memory import size_of
from texpipe.recipe.load import load_recipe
from texpipe.recipe.schema import Recipe
from texpipe.recipe.targets import Target, known_targets

Executor: TypeAlias = Literal["local", "ray"]


@dataclass(frozen=True)
class Order:
    """A recipe together with what the command line changed about it.

    Attributes:
        recipe: rules, groups, scale, colour; its `model` and `targets` are already the ones to use.
        recipe_sha256: hex digest of the recipe file's bytes.
        input, output: folders.
        device, precision: as the engine takes them.
        shard: (i, n) to compute only the i-th of n parts, or None.
        strict: any texture that fails stops the run.
        executor: who does the work: this computer, or a Ray cluster.
        address: of the Ray cluster, as `ray.init` takes it; "local" starts one.
        memory: bytes that a process of the run should stay below; None for a share of what is free.
        given: when, on the monotonic clock.
    """

    recipe: Recipe
    recipe_sha256: str
    input: Path
    output: Path
    device: str = "auto"
    precision: str = "auto"
    shard: tuple[int, int] | None = None
    strict: bool = False
    executor: Executor = "local"
    address: str = "local"
    memory: int | None = None
    given: float = field(default_factory=time.monotonic, compare=False)

    def elapsed(self) -> float:
        """Return the seconds since the order was given."""
        return time.monotonic() - self.given

    @staticmethod
    def make(
        recipe: Path,
        input_: Path | None = None,
        output: Path | None = None,
        model: str | None = None,
        targets: Sequence[str] = (),
        *,
        device: str = "auto",
        precision: str = "auto",
        shard: str | None = None,
        strict: bool = False,
        executor: Executor = "local",
        address: str = "local",
        memory: str | None = None,
    ) -> Order:
        """Read a recipe and apply the command line to it.

        Args:
            recipe: a YAML file, or the name of a shipped recipe.
            input_, output, model, targets: replace the recipe's own.
            device, precision: as the engine takes them.
            shard: "I/N", or "auto": the place of this task in its Slurm array.
            strict, executor, address: see the class.
            memory: a size as `memory.size_of` takes it.

        Raises:
            RecipeError: the recipe has mistakes; all of them are in it.
            UsageError: the recipe's own output has files of others in it, a target is unknown,
                the shard is not I/N, or shards are to be done by Ray, or the memory is no size.
        """
        if shard is not None and executor != "local":
            raise UsageError(
                "--executor ray spreads the work by itself", hint="Leave out either it or --shard."
            )
        loaded = load_recipe(recipe)
        changed = loaded.recipe
        if model is not None:
            changed = changed.model_copy(update={"model": model})
        if targets:
            chosen = tuple(_target(name, changed) for name in dict.fromkeys(targets))
            changed = changed.model_copy(update={"targets": chosen})
        if output is None:
            _require_unsurprising(loaded.output)
        source, destination = _tidy(input_ or loaded.input), _tidy(output or loaded.output)
        if executor != "local":  # other processes start in other folders
            source, destination = source.absolute(), destination.absolute()
        if source.resolve() == destination.resolve():
            raise UsageError(
                f"{destination} is both input and output", hint="Give another --output: a pack is no input."
            )
        return Order(
            recipe=changed,
            recipe_sha256=loaded.sha256,
            input=source,
            output=destination,
            device=device,
            precision=precision,
            shard=_shard(shard),
            strict=strict,
            executor=executor,
            address=address,
            memory=None if memory is None else size_of(memory),
        )


def _require_unsurprising(folder: Path) -> None:
    """A recipe may come from anybody: it alone must not make texpipe write among other files."""
    with suppress(OSError):  # whatever cannot be listed, cannot be written either
        there = {path.name for path in folder.iterdir()}
        if not there or there & {".lock", ".store", "manifest.json"}:
            return
        raise UsageError(
            f"the recipe's output {_tidy(folder)} is a folder with other files in it",
            hint="If you want the pack in there, say so with --output; or name an empty folder.",
        )


def _tidy(path: Path) -> Path:
    """Take out `..` and the like for messages; symbolic links stay as they are."""
    return Path(os.path.normpath(path))


def _target(name: str, recipe: Recipe) -> Target:
    known = known_targets()
    if name not in known:
        raise UsageError(f"unknown target {name!r}", hint=f"Known targets: {', '.join(known)}.")
    said = next((target for target in recipe.targets if target.name == name), None)
    return said or Target.model_validate({"name": name}).of_game(recipe.game)


def _shard(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    if text == "auto":
        return _place_in_array()
    found = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    part, parts = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 1 <= part <= parts:
        raise UsageError(f"--shard {text} is not I/N with 1 <= I <= N", hint="For example --shard 2/8.")
    return part, parts


def _place_in_array() -> tuple[int, int]:
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


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes:
        manifest: one entry per texture, and the summary counts.
        output: the folder that was (or would be) written.
        computed, cached: pictures that were upscaled now, and that the store had.
        ignored: how many files were no textures, by kind.
        warnings: lines for people about what did not stop the run.
        problems: one line for each rule of an emulator that the finished packs break.
        where_to: lines for people: where each pack is and where to copy it.
        seconds: wall-clock time.
        dry_run: nothing was written.
        shard: (i, n) when only this part was computed, and no pack written.
    """

    manifest: Manifest
    output: Path
    computed: int
    cached: int
    ignored: Mapping[str, int]
    warnings: tuple[str, ...]
    where_to: tuple[str, ...]
    seconds: float
    dry_run: bool = False
    shard: tuple[int, int] | None = None
    problems: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """0, 7 when some textures failed, or 5 when an emulator would not take the pack."""
        if self.problems:
            return PackError.exit_code
        return 7 if any(entry.status == "failed" for entry in self.manifest.textures) else 0

    def skip_reasons(self) -> dict[str, int]:
        """Return how many textures were skipped for which reason, commonest first."""
        reasons = Counter(entry.reason or "" for entry in self.manifest.textures if entry.status == "skipped")
        return dict(reasons.most_common())

    def as_json(self) -> dict[str, Any]:
        """Return the result for machines."""
        return {
            "output": str(self.output),
            "summary": vars(self.manifest.summary),
            "computed": self.computed,
            "cached": self.cached,
            "seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
            "failed": {e.source: e.reason for e in self.manifest.textures if e.status == "failed"},
            "warnings": list(self.warnings),
            "problems": list(self.problems),
        }
