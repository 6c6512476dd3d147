"""From finished jobs to packs on disk, the manifest and run.json."""

from __future__ import annotations

import platform
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from texpipe import __version__
from texpipe.errors import PackError
from texpipe.formats import TARGETS
from texpipe.formats.pack import Pack, Picture, remove_left_over, write_pack
from texpipe.jobs import Done, Work
from texpipe.manifest import (
    Entry,
    Manifest,
    ModelId,
    RecipeId,
    read_manifest,
    summarise,
    write_manifest,
    write_run_info,
)
from texpipe.networks.catalogue import ModelFile
from texpipe.order import Order, Outcome
from texpipe.pixels import encode_png
from texpipe.read.decode import decode
from texpipe.store import Lock, Store, write_atomic
from texpipe.survey import Item, Survey
from texpipe.texture import Metrics, Status


def rehearse(order: Order, model: ModelFile, seen: Survey, work: Work, started: float) -> Outcome:
    """Return what a run would write, without writing or computing anything."""
    store = Store(order.output / ".store")
    cached = sum(all(store.has(piece.key) for piece in job.pieces) for job in work.jobs)
    pictures = [
        Picture(item.source, _size(item), "", lambda: b"")
        for item in seen.items
        if item.plan.action != "skip"
    ]
    packs = [write_pack(target, pictures, order.output, write=False) for target in order.recipe.targets]
    manifest = _manifest(order, model, seen, work, packs, {}, {})
    return _outcome(order, seen, manifest, (len(work.jobs) - cached, cached), (), started, dry_run=True)


def finish(
    order: Order,
    model: ModelFile,
    seen: Survey,
    work: Work,
    done: Sequence[Done],
    store: Store,
    started: float,
) -> Outcome:
    """Write packs, manifest and run.json; of a shard only the note that its part is in the store.

    Raises:
        PackError: something cannot be written.
    """
    computed = sum(not one.cached and one.reason is None for one in done)
    cached = sum(one.cached for one in done)
    reasons = {piece.item.source.name: one.reason for one in done if one.reason for piece in one.job.pieces}
    if order.shard is not None:
        return _finish_shard(order, model, seen, work, (computed, cached), reasons, started)
    before = None
    with suppress(PackError):
        before = read_manifest(order.output / "manifest.json")
    pictures, metrics = _collect(seen, work, reasons, store)
    packs = [write_pack(target, pictures, order.output) for target in order.recipe.targets]
    manifest = _manifest(order, model, seen, work, packs, reasons, metrics)
    kept = remove_left_over(order.output, before, manifest)
    write_manifest(order.output / "manifest.json", manifest)
    outcome = _outcome(order, seen, manifest, (computed, cached), tuple(kept), started)
    write_run_info(order.output / "run.json", _run_info(order, outcome))
    return outcome


def require_all_shards(order: Order) -> None:
    """Check that every part of a sharded run left its note in the store, for this very recipe.

    Raises:
        PackError: a part is missing.
    """
    notes = sorted((order.output / ".store" / "shards").glob("[0-9]*-of-*"))
    if not notes:
        raise PackError(
            f"no shard waits to be merged in {order.output}",
            hint="Run `texpipe run RECIPE --shard 1/N` first.",
        )
    total = max(int(note.name.partition("-of-")[2]) for note in notes)
    digest = order.recipe_sha256.encode()
    present = {note.name for note in notes if note.read_bytes() == digest}
    missing = [f"{part}/{total}" for part in range(1, total + 1) if f"{part}-of-{total}" not in present]
    if missing:
        raise PackError(
            f"these shards are not finished for this recipe: {', '.join(missing)}",
            hint=f"Run `texpipe run RECIPE --shard {missing[0]}`.",
        )


def lock_of(order: Order) -> Lock:
    """Return what keeps two runs from writing one folder; shards only exclude themselves, they share the store."""
    if order.shard is None:
        return Lock(order.output)
    part, total = order.shard
    return Lock(order.output / ".store" / "shards", f".lock-{part}-of-{total}")


def forget_shards(order: Order) -> None:
    """Remove the notes of shards, so that a merged folder is the same as one from a single run."""
    shutil.rmtree(order.output / ".store" / "shards", ignore_errors=True)


def _finish_shard(
    order: Order,
    model: ModelFile,
    seen: Survey,
    work: Work,
    counts: tuple[int, int],
    reasons: Mapping[str, str],
    started: float,
) -> Outcome:
    assert order.shard is not None
    part, total = order.shard
    note = order.output / ".store" / "shards" / f"{part}-of-{total}"
    write_atomic(note, order.recipe_sha256.encode())
    manifest = _manifest(order, model, seen, work, [], reasons, {})
    return _outcome(order, seen, manifest, counts, (), started)


def _collect(
    seen: Survey, work: Work, reasons: dict[str, str], store: Store
) -> tuple[list[Picture], dict[str, Metrics]]:
    """Return the pictures to write, in stable order; reasons of duplicates of failed textures are added."""
    pictures: list[Picture] = []
    metrics: dict[str, Metrics] = {}
    for item in seen.items:
        name = item.source.name
        piece = work.piece_of.get(name)
        if item.plan.action == "copy":
            png = encode_png(decode(item.source).rgba)
            pictures.append(Picture.of(item.source, item.size, png))
        elif piece is not None:
            owner = piece.item.source.name
            stored = None if owner in reasons else store.get(piece.key)
            if stored is None:
                reasons.setdefault(
                    name, reasons.get(owner, "its result is missing from the store: run again")
                )
                continue
            metrics[name] = Metrics(**stored.facts)
            pictures.append(Picture(item.source, _size(item), stored.sha256, _reader(store, piece.key)))
    return pictures, metrics


def _reader(store: Store, key: str) -> Callable[[], bytes]:
    def read() -> bytes:
        stored = store.get(key)
        if stored is None:
            raise PackError("a result vanished from the store while the pack was written", hint="Run again.")
        return stored.png

    return read


def _size(item: Item) -> tuple[int, int]:
    factor = 1 if item.plan.action == "copy" else item.plan.scale
    return item.size[0] * factor, item.size[1] * factor


def _manifest(
    order: Order,
    model: ModelFile,
    seen: Survey,
    work: Work,
    packs: Sequence[Pack],
    reasons: Mapping[str, str],
    metrics: Mapping[str, Metrics],
) -> Manifest:
    entries = [failure.entry() for failure in seen.failures]
    entries += [_entry(item, work, packs, reasons.get(item.source.name), metrics) for item in seen.items]
    return Manifest(
        texpipe=__version__,
        recipe=RecipeId(order.recipe.name, order.recipe_sha256),
        model=ModelId(model.name, model.sha256, model.licence),
        scale=order.recipe.scale,
        targets=tuple(target.name for target in order.recipe.targets),
        textures=tuple(entries),
        summary=summarise(entries, ignored=sum(seen.ignored.values())),
    )


def _entry(
    item: Item, work: Work, packs: Sequence[Pack], failure: str | None, metrics: Mapping[str, Metrics]
) -> Entry:
    name = item.source.name
    note = work.notes.get(name)
    base = replace(
        item.entry(),
        duplicate_of=work.duplicate_of.get(name),
        group=work.group_of.get(name),
        warnings=(*item.warnings, *((note,) if note else ())),
    )
    piece = work.piece_of.get(name)
    if piece is not None and name in work.group_of:
        plan = piece.item.plan
        base = replace(base, alpha=plan.alpha, edges=plan.edges, decided_by=plan.decided_by)
    if failure is not None:
        return replace(base, status="failed", reason=failure)
    if item.plan.action == "skip":
        return replace(base, status="skipped", reason=item.plan.decided_by.action)
    outputs = tuple(pack.outputs[name] for pack in packs if name in pack.outputs)
    if packs and not outputs:
        return replace(base, status="skipped", reason=packs[0].left_out[name])
    status: Status = "copied" if item.plan.action == "copy" else "written"
    return replace(base, status=status, outputs=outputs, metrics=metrics.get(name))


def _outcome(
    order: Order,
    seen: Survey,
    manifest: Manifest,
    counts: tuple[int, int],
    warnings: tuple[str, ...],
    started: float,
    *,
    dry_run: bool = False,
) -> Outcome:
    games = {entry.id["game"] for entry in manifest.textures if entry.id and entry.id["game"]}
    foreign = sorted(str(game) for game in games if order.recipe.game and game != order.recipe.game)
    warnings += tuple(f"textures of {game} are among those of {order.recipe.game}" for game in foreign)
    warnings += tuple(f"{entry.source}: {line}" for entry in manifest.textures for line in entry.warnings)
    where = [] if order.shard or dry_run else _where(order)
    return Outcome(
        manifest=manifest,
        output=order.output,
        computed=counts[0],
        cached=counts[1],
        ignored=dict(seen.ignored),
        warnings=warnings,
        where_to=tuple(where),
        seconds=time.monotonic() - started,
        dry_run=dry_run,
    )


def _where(order: Order) -> list[str]:
    lines: list[str] = []
    for target in order.recipe.targets:
        lines += [f"The pack is in {order.output / target.name}", *TARGETS[target.name].COPY_TO.splitlines()]
    return lines


def _run_info(order: Order, outcome: Outcome) -> dict[str, object]:
    return {
        "input": str(Path(order.input).resolve()),
        "seconds": round(outcome.seconds, 3),
        "computed": outcome.computed,
        "cached": outcome.cached,
        "device": order.device,
        "precision": order.precision,
        "texpipe": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
