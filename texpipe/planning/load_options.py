"""Reads a recipe and applies the command line to it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from texpipe.errors import UsageError
from texpipe.formats import format_of, known_targets
from texpipe.manifest.output_folder import is_output_folder
from texpipe.options import ExecutorName, RunOptions, sample_output
from texpipe.recipe.fields import pack_bytes
from texpipe.recipe.load import load_recipe
from texpipe.recipe.models import with_models
from texpipe.recipe.schema import Recipe
from texpipe.recipe.targets import Target, context_of
from texpipe.storage.home import from_home
from texpipe.storage.layout import OutputLayout
from texpipe.system.memory import size_of
from texpipe.system.slurm import parse_shard


def load_options(
    recipe: Path,
    input_: Path | Sequence[Path] | None = None,
    output: Path | None = None,
    model: str | None = None,
    targets: Sequence[str] = (),
    *,
    add: Sequence[Path] = (),
    detail: float | None = None,
    device: str = "auto",
    precision: str = "auto",
    shard: str | None = None,
    strict: bool = False,
    executor: ExecutorName = "local",
    address: str = "local",
    memory: str | None = None,
    replace_edited: Sequence[str] = (),
    remove: bool = False,
    overrides: Sequence[Path] = (),
    sample: int | None = None,
    order: Path | None = None,
    budget: str | None = None,
) -> RunOptions:
    """Read a recipe and apply the command line to it.

    Args:
        recipe: a YAML file, or the name of a shipped recipe.
        input_: one folder of textures or several, instead of the recipe's own.
        output, model, targets: replace the recipe's own.
        add: folders of textures in addition to these.
        detail: replaces the recipe's own, not that of its rules.
        device, precision: as the engine takes them.
        shard: "I/N", or "auto": the place of this task in its Slurm array.
        strict, executor, address, replace_edited, remove: see `RunOptions`.
        memory: a size as `memory.size_of` takes it.
        overrides: replaces the recipe's own, if there are any.
        sample: number of pictures of a sample, which has an output of its own beside that of the whole dump.
        order: a file of names of textures to compute first, as `order.read_order` takes it.
        budget: a size as `fields.pack_bytes` takes it, instead of the recipe's own.

    Raises:
        RecipeError: the recipe has mistakes; all of them are in it.
        UsageError: the recipe's own output has files of others in it, a target is unknown,
            the shard is not I/N, shards are to be done by Ray, the memory or the budget is not a size, or a target
            cannot keep one.
    """
    if shard is not None and executor != "local":
        raise UsageError("--executor ray divides the work by itself", hint="Leave out either it or --shard.")
    loaded = load_recipe(recipe, known_targets())
    changed = loaded.recipe
    if model is not None:
        changed = with_models(changed.model_copy(update={"model": (model,)}), Path())
    if detail is not None:
        changed = changed.model_copy(update={"detail": detail})
    if targets:
        chosen = tuple(_target(name, changed) for name in dict.fromkeys(targets))
        changed = changed.model_copy(update={"targets": chosen})
    if budget is not None:
        changed = changed.model_copy(update={"budget": _budget(budget)})
    if changed.budget is not None:
        _require_scales(changed.targets)
    if output is None:
        _require_unsurprising(loaded.output)
    inputs, destination = _inputs(input_, loaded.inputs, add), _tidy(output or loaded.output)
    by_hand = tuple(_tidy(folder) for folder in overrides or loaded.overrides)
    if sample is not None:
        destination = sample_output(destination)
    if executor != "local":  # other processes start in other folders
        inputs, destination = tuple(path.absolute() for path in inputs), destination.absolute()
        by_hand = tuple(folder.absolute() for folder in by_hand)
    if any(path.resolve() == destination.resolve() for path in inputs):
        raise UsageError(
            f"{destination} is both input and output",
            hint="Give another --output: a pack cannot be its own input.",
        )
    return RunOptions(
        recipe=changed,
        recipe_sha256=loaded.sha256,
        inputs=inputs,
        output=destination,
        device=device,
        precision=precision,
        shard=parse_shard(shard),
        strict=strict,
        executor=executor,
        address=address,
        memory=None if memory is None else size_of(memory),
        replace_edited=tuple(replace_edited),
        remove=remove,
        recipe_file=loaded.path,
        rule_lines=loaded.rule_lines,
        overrides=by_hand,
        sample=sample,
        first=() if order is None else _order(order),
    )


def _budget(text: str) -> int:
    try:
        return pack_bytes(text)
    except ValueError as error:
        raise UsageError(f"--budget {error}") from error


def _require_scales(targets: Sequence[Target]) -> None:
    """Refuse a budget for an emulator that wants one scale for all textures: nothing can be chosen there."""
    for target in targets:
        reason = format_of(target.name).one_scale
        if reason is not None:
            raise UsageError(
                f"a budget cannot be kept for {target.name}: it {reason}",
                hint="Leave the budget out for this target, or give the recipe a lower `scale`.",
            )


def _order(file: Path) -> tuple[str, ...]:
    from texpipe.planning.order import read_order

    return read_order(file)


def _inputs(
    given: Path | Sequence[Path] | None, of_recipe: Sequence[Path], added: Sequence[Path]
) -> tuple[Path, ...]:
    """Return what is read: what the command line names or else the recipe, and what is added; each folder once."""
    chosen = (given,) if isinstance(given, Path) else tuple(given or of_recipe)
    each: dict[Path, Path] = {}
    for path in map(_tidy, (*chosen, *added)):
        each.setdefault(path.resolve(), path)
    return tuple(each.values())


def _require_unsurprising(folder: Path) -> None:
    """Refuse a folder of other files as a recipe's own output: recipes come from anybody, and may name any folder."""
    with suppress(OSError):  # a folder that cannot be listed cannot be written either
        there = {path.name for path in folder.iterdir()} - {OutputLayout(folder).lock.name}
        if not there or is_output_folder(folder):
            return
        raise UsageError(
            f"the recipe's output {_tidy(folder)} is a folder with other files in it",
            hint="If you want the pack in there, say so with --output; or name an empty folder.",
        )


def _tidy(path: Path) -> Path:
    """Remove `~`, `..` and the like for messages; symbolic links stay as they are."""
    return Path(os.path.normpath(from_home(str(path))))


def _target(name: str, recipe: Recipe) -> Target:
    known = known_targets()
    if name not in known:
        raise UsageError(f"unknown target {name!r}", hint=f"Known targets: {', '.join(known)}.")
    declared = next((target for target in recipe.targets if target.name == name), None)
    return declared or Target.model_validate({"name": name}, context=context_of(known)).of_game(
        recipe.game, known
    )
