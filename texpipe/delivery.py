"""From finished jobs to packs on disk, the manifest and run.json."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from texpipe import __version__
from texpipe.errors import PackError, TexpipeError
from texpipe.formats import format_of
from texpipe.formats.check import broken_rules, digests_of, remove_left_over
from texpipe.formats.contract import Picture
from texpipe.formats.pack import Pack, plan_pack, write_pack
from texpipe.formats.written import keep_notes, noted
from texpipe.groups.joins import read_again
from texpipe.jobs import Done, Work
from texpipe.manifest import (
    Entry,
    Manifest,
    ModelId,
    PackFile,
    RecipeId,
    summarise,
)
from texpipe.manifest_file import read_manifest, write_manifest, write_run_info
from texpipe.networks.catalogue import ModelFile
from texpipe.order import Order, Outcome
from texpipe.pixels import encode_png
from texpipe.store import Store, settle
from texpipe.survey import Item, Survey
from texpipe.texture import Metrics, Progress, Status


@dataclass(frozen=True)
class Run:
    """All that is known of a run before anything is computed.

    Attributes:
        order: what was asked for.
        model: the weights.
        engine: name of how results are computed.
        seen: every texture.
        left_out: texture name -> why no target can hold it.
        work: the jobs of the others.
    """

    order: Order
    model: ModelFile
    engine: str
    seen: Survey
    left_out: Mapping[str, str]
    work: Work

    @property
    def store(self) -> Store:
        """Where results are kept."""
        return Store(self.order.output / ".store")


def left_out_by_all(order: Order, seen: Survey) -> dict[str, str]:
    """Return the textures that no target can hold, and why: they need not be computed."""
    targets = order.recipe.targets
    packs = _planned_packs(order, seen.items)
    names = set(packs[0].left_out).intersection(*(pack.left_out for pack in packs))
    if len(targets) == 1:
        return dict(packs[0].left_out)
    return {
        name: "; ".join(
            f"{target.name}: {pack.left_out[name]}" for target, pack in zip(targets, packs, strict=True)
        )
        for name in names
    }


def rehearse(run: Run) -> Outcome:
    """Return what a run would write, without writing or computing anything."""
    upscaled = [job for job in run.work.jobs if not job.frames]
    cached = sum(all(run.store.has(piece.key) for piece in job.pieces) for job in upscaled)
    held = (item for item in run.seen.items if item.source.name not in run.left_out)
    manifest = _manifest(run, _planned_packs(run.order, held), {}, {})
    return _outcome(run, manifest, len(upscaled) - cached, cached, dry_run=True)


def _planned_packs(order: Order, items: Iterable[Item]) -> list[Pack]:
    """Return what each target would get, with nothing computed yet."""
    pictures = [_placeholder(item) for item in items if item.plan.action != "skip"]
    return [plan_pack(target, pictures) for target in order.recipe.targets]


def deliver(run: Run, done: Sequence[Done], progress: Callable[[Progress], None] = lambda _: None) -> Outcome:
    """Write packs, manifest and run.json, in this order: a manifest never names what is not on the disk.

    Args:
        run: what was planned.
        done: what became of it.
        progress: called after each texture of each pack.

    Raises:
        PackError: something cannot be written.
    """
    output, targets = run.order.output, run.order.recipe.targets
    before, warnings = _files_before(run)
    reasons = failures(done)
    pictures, metrics = _collect(run, reasons)
    steps, total = count(1), len(pictures) * len(targets)
    packs = [
        write_pack(target, pictures, output, lambda: progress(Progress("write", next(steps), total)))
        for target in targets
    ]
    manifest = _manifest(run, packs, reasons, metrics)
    files = digests_of(manifest)
    warnings += remove_left_over(output, before, files)
    settle()
    write_manifest(output / "manifest.json", manifest)
    keep_notes(output, files)
    outcome = _outcome(run, manifest, *_counts(done), warnings=tuple(warnings))
    outcome = replace(outcome, problems=tuple(broken_rules(output, manifest)))
    write_run_info(output / "run.json", _run_info(run, outcome))
    return outcome


def _files_before(run: Run) -> tuple[set[tuple[str, str]], list[str]]:
    """Return path and hex sha256 of what earlier runs wrote here, and a warning if their manifest is damaged."""
    known = noted(run.order.output)
    try:
        manifest = read_manifest(run.order.output / "manifest.json")
        return known | set(digests_of(manifest).items()), []
    except PackError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return known, []
        if isinstance(error.__cause__, OSError):  # not damaged: nothing may be changed that it might know of
            raise
        return known, [f"{error.message}: it is written anew"]


def report_shard(run: Run, done: Sequence[Done]) -> Outcome:
    """Return the outcome of one part of a run, for which no pack was written."""
    reasons = failures(done)
    entries = [failure.entry() for failure in run.seen.failures]
    entries += [
        replace(item.entry(), status="failed", reason=reasons[item.source.name])
        for item in run.seen.items
        if item.source.name in reasons
    ]
    return _outcome(run, _with_head(run, entries), *_counts(done))


def failures(done: Sequence[Done]) -> dict[str, str]:
    """Return texture name -> reason for everything that could not be made."""
    return {piece.item.source.name: one.reason for one in done if one.reason for piece in one.job.pieces}


def _counts(done: Sequence[Done]) -> tuple[int, int]:
    """Return how many pictures were computed, and how many were in the store."""
    upscaled = [one for one in done if not one.job.frames]
    return sum(not one.cached and one.reason is None for one in upscaled), sum(one.cached for one in upscaled)


def _placeholder(item: Item) -> Picture:
    plan = item.plan
    return Picture(item.source, _factor(item), _size(item), "", bytes, plan.edges, plan.alpha)


def _collect(run: Run, reasons: dict[str, str]) -> tuple[list[Picture], dict[str, Metrics]]:
    """Return the pictures to write, in stable order; what cannot be had is added to `reasons`."""
    pictures: list[Picture] = []
    metrics: dict[str, Metrics] = {}
    for item in run.seen.items:
        name = item.source.name
        if name in run.left_out:
            continue
        if item.plan.action == "copy":
            try:
                digest = hashlib.sha256(_copied(item)).hexdigest()
            except TexpipeError as error:
                reasons[name] = error.message
                continue
            edges, alpha = item.plan.edges, item.plan.alpha
            pictures.append(Picture(item.source, 1, item.size, digest, partial(_copied, item), edges, alpha))
        elif (piece := run.work.piece_of.get(name)) is not None:
            owner = piece.item.source.name
            stored = None if owner in reasons else run.store.get(piece.key)
            if stored is None:
                reasons.setdefault(
                    name, reasons.get(owner, "its result is missing from the store: run again")
                )
                continue
            metrics[name] = Metrics(**stored.facts)
            reader = partial(_png, run.store, piece.key)
            edges, alpha = item.plan.edges, item.plan.alpha
            pictures.append(
                Picture(item.source, _factor(item), _size(item), stored.sha256, reader, edges, alpha)
            )
    return pictures, metrics


def _copied(item: Item) -> bytes:
    """Return the PNG of a texture that is not upscaled, made anew each time: memory never holds all of them."""
    return encode_png(read_again(item).rgba)


def _png(store: Store, key: str) -> bytes:
    stored = store.get(key)
    if stored is None:
        raise PackError("a result vanished from the store while the pack was written", hint="Run again.")
    return stored.png


def _factor(item: Item) -> int:
    return 1 if item.plan.action == "copy" else item.plan.scale


def _size(item: Item) -> tuple[int, int]:
    return item.size[0] * _factor(item), item.size[1] * _factor(item)


def _manifest(
    run: Run, packs: Sequence[Pack], reasons: Mapping[str, str], metrics: Mapping[str, Metrics]
) -> Manifest:
    entries = [failure.entry() for failure in run.seen.failures]
    entries += [_entry(run, item, packs, reasons.get(item.source.name), metrics) for item in run.seen.items]
    return _with_head(run, entries, tuple(file for pack in packs for file in pack.files))


def _varies(engine: str) -> str | None:
    """Say why another run of the same recipe on the same machine may end in other bytes; None where it cannot."""
    if not engine.startswith("cuda"):
        return None
    return (
        "computed on a GPU, whose library may choose its methods by the size of a batch: last bits may differ"
    )


def _with_head(run: Run, entries: Sequence[Entry], files: tuple[PackFile, ...] = ()) -> Manifest:
    recipe = run.order.recipe
    return Manifest(
        texpipe=__version__,
        recipe=RecipeId(recipe.name, run.order.recipe_sha256),
        model=ModelId(run.model.name, run.model.sha256, run.model.licence),
        scale=recipe.scale,
        targets=tuple(target.name for target in recipe.targets),
        varies=_varies(run.engine),
        textures=tuple(entries),
        summary=summarise(entries, ignored=sum(run.seen.ignored.values())),
        files=files,
    )


def _entry(
    run: Run, item: Item, packs: Sequence[Pack], failure: str | None, metrics: Mapping[str, Metrics]
) -> Entry:
    name = item.source.name
    base = run.work.entry(item)
    if failure is not None:
        return replace(base, status="failed", reason=failure)
    if item.plan.action == "skip":
        return replace(base, status="skipped", reason=item.plan.decided_by.action)
    if name in run.left_out:
        return replace(base, status="skipped", reason=run.left_out[name])
    outputs = tuple(one for pack in packs for one in pack.outputs.get(name, ()))
    targets = [target.name for target in run.order.recipe.targets]
    missing = [
        f"not in {target}: {pack.left_out[name]}"
        for target, pack in zip(targets, packs, strict=True)
        if name in pack.left_out
    ]
    if not outputs:  # a rival took its place only now
        return replace(base, status="skipped", reason="; ".join(missing))
    status: Status = "copied" if item.plan.action == "copy" else "written"
    warnings = (*base.warnings, *missing)
    return replace(base, status=status, outputs=outputs, metrics=metrics.get(name), warnings=warnings)


def _outcome(
    run: Run,
    manifest: Manifest,
    computed: int,
    cached: int,
    *,
    warnings: tuple[str, ...] = (),
    dry_run: bool = False,
) -> Outcome:
    order = run.order
    games = {item.source.emulator.game for item in run.seen.items if item.source.emulator}
    foreign = sorted(game for game in games if order.recipe.game and game and game != order.recipe.game)
    warnings += tuple(f"textures of {game} are among those of {order.recipe.game}" for game in foreign)
    warnings += run.work.warnings
    warnings += tuple(f"{entry.source}: {line}" for entry in manifest.textures for line in entry.warnings)
    return Outcome(
        manifest=manifest,
        output=order.output,
        computed=computed,
        cached=cached,
        ignored=dict(run.seen.ignored),
        warnings=warnings,
        where_to=() if order.shard or dry_run else tuple(_where(order, manifest)),
        seconds=order.elapsed(),
        dry_run=dry_run,
        shard=order.shard,
    )


def _where(order: Order, manifest: Manifest) -> list[str]:
    filled = {one.target for entry in manifest.textures for one in entry.outputs}
    lines: list[str] = []
    for name in (target.name for target in order.recipe.targets):
        if name in filled:
            lines += [f"The pack is in {order.output / name}", *format_of(name).copy_to.splitlines()]
        else:
            lines.append(f"No texture fits {name}: there is no pack for it")
    return lines


def _run_info(run: Run, outcome: Outcome) -> dict[str, object]:
    from importlib.metadata import version

    return {
        "input": str(run.order.input.resolve()),
        "stp": run.order.recipe.stp,
        "seconds": round(outcome.seconds, 3),
        "computed": outcome.computed,
        "cached": outcome.cached,
        "engine": run.engine,
        "texpipe": __version__,
        "torch": version("torch"),
        "python": platform.python_version(),
        "system": platform.platform(),
    }
