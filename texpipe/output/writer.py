"""From finished jobs to packs on disk, the manifest and run.json."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count

from texpipe.analysis.inventory import SurveyedTexture, picture_of, read_again
from texpipe.errors import PackError, TexpipeError
from texpipe.formats.contract import Picture
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import read_manifest, write_manifest, write_run_info
from texpipe.output.records import counts_of, failures, manifest_of, run_info, run_result
from texpipe.output.result import RunResult
from texpipe.packs.journal import keep_notes, noted
from texpipe.packs.pack import Pack, write_pack
from texpipe.packs.verify import broken_rules, digests_of, remove_left_over
from texpipe.planning.jobs import JobResult
from texpipe.planning.run_plan import RunPlan
from texpipe.progress import Progress
from texpipe.storage.atomic import sync_disk
from texpipe.storage.results import ResultStore
from texpipe.texture import Metrics

MAX_COPIES_BYTES = 32 << 20
"""Largest number of bytes that PNGs of copied textures take until they are written; others are encoded again."""


def write_output(
    run: RunPlan, done: Sequence[JobResult], progress: Callable[[Progress], None] = lambda _: None
) -> RunResult:
    """Write packs, manifest and run.json, in this order: a manifest never names what is not on the disk.

    Args:
        run: what was planned.
        done: what became of it.
        progress: called after each texture of each pack.

    Raises:
        PackError: something cannot be written.
    """
    output = run.order.output
    before, warnings = _files_before(run)
    reasons = failures(done)
    packs, metrics = _write_packs(run, reasons, progress)
    manifest = manifest_of(run, packs, reasons, metrics)
    files = digests_of(manifest)
    warnings += remove_left_over(output, before, files)
    sync_disk()
    write_manifest(run.layout.manifest, manifest)
    keep_notes(output, files)
    outcome = run_result(run, manifest, *counts_of(done), warnings=tuple(warnings))
    outcome = replace(outcome, problems=tuple(broken_rules(output, manifest)))
    write_run_info(run.layout.run_info, run_info(run, outcome))
    return outcome


def _files_before(run: RunPlan) -> tuple[set[tuple[str, str]], list[str]]:
    """Return path and hex sha256 of what earlier runs wrote here, and a warning if their manifest is damaged."""
    known = noted(run.order.output)
    try:
        manifest = read_manifest(run.layout.manifest)
        return known | set(digests_of(manifest).items()), []
    except PackError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return known, []
        if isinstance(error.__cause__, OSError):  # not damaged: nothing may be changed that it might know of
            raise
        return known, [f"{error.message}: it is written anew"]


def _write_packs(
    run: RunPlan, reasons: dict[str, str], progress: Callable[[Progress], None]
) -> tuple[list[Pack], dict[str, Metrics]]:
    """Write the packs; return what is in them and what was measured. What cannot be had is added to `reasons`."""
    pictures, metrics = _collect(run, reasons)
    targets = run.order.recipe.targets
    steps, total = count(1), len(pictures) * len(targets)

    def step() -> None:
        progress(Progress("write", next(steps), total))

    return [write_pack(target, pictures, run.order.output, step) for target in targets], metrics


def _collect(run: RunPlan, reasons: dict[str, str]) -> tuple[list[Picture], dict[str, Metrics]]:
    """Return the pictures to write, in stable order; what cannot be had is added to `reasons`."""
    pictures: list[Picture] = []
    metrics: dict[str, Metrics] = {}
    spare_bytes = MAX_COPIES_BYTES
    for item in run.seen.items:
        name = item.source.name
        if name in run.left_out:
            continue
        if item.plan.action == "copy":
            try:
                png = encode_png(read_again(item).rgba)
            except TexpipeError as error:
                reasons[name] = error.message
                continue
            spare_bytes -= len(png)
            read = _Copied(item, png if spare_bytes >= 0 else None)
            pictures.append(picture_of(item, hashlib.sha256(png).hexdigest(), read))
        elif (piece := run.work.piece_of.get(name)) is not None:
            owner = piece.item.source.name
            stored = None if owner in reasons else run.store.record(piece.key)
            if stored is None:
                reasons.setdefault(
                    name, reasons.get(owner, "its result is missing from the store: run again")
                )
                continue
            metrics[name] = Metrics(**stored.facts)
            pictures.append(picture_of(item, stored.sha256, _Kept(run.store, piece.key)))
    return pictures, metrics


@dataclass(frozen=True, slots=True)
class _Copied:
    """The PNG of a texture that is not upscaled; encoded again where memory does not hold it."""

    item: SurveyedTexture
    png: bytes | None

    def __call__(self) -> bytes:
        return encode_png(read_again(self.item).rgba) if self.png is None else self.png


@dataclass(frozen=True, slots=True)
class _Kept:
    """The PNG of a result, out of the store."""

    store: ResultStore
    key: str

    def __call__(self) -> bytes:
        stored = self.store.get(self.key)
        if stored is None:
            raise PackError("a result vanished from the store while the pack was written", hint="Run again.")
        return stored.png
