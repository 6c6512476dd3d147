"""From finished jobs to packs on disk, the manifest and run.json."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from texpipe.analysis.inventory import SurveyedTexture, picture_of, read_again
from texpipe.errors import TexpipeError
from texpipe.formats.contract import Picture
from texpipe.imaging.image_files import encode_png
from texpipe.manifest.file import write_manifest, write_run_info
from texpipe.manifest.output_folder import has_manifest
from texpipe.output.credits import write_credits
from texpipe.output.fitting import Fit
from texpipe.output.preflight import OutputBefore
from texpipe.output.records import counts_of, failures, manifest_of, run_info, run_result
from texpipe.output.result import RunResult
from texpipe.output.shrinking import require_no_loss
from texpipe.output.stored import StoredPicture
from texpipe.output.within_budget import steps_of_writing, too_large, write_within_budget
from texpipe.packs.journal import keep_notes
from texpipe.packs.obsolete_files import remove_left_over
from texpipe.packs.pack import Pack, plan_pack, write_pack
from texpipe.packs.remembered_checks import RememberedChecks
from texpipe.packs.verify import broken_rules, digests_of, written_by_texpipe
from texpipe.planning.jobs import JobResult
from texpipe.planning.run_plan import RunPlan
from texpipe.progress import Progress
from texpipe.read.hand_made import HandMade
from texpipe.storage.atomic import sync_disk
from texpipe.texture import Metrics

MAX_COPIES_BYTES = 32 << 20
"""Largest number of bytes that PNGs of copied textures take until they are written; others are encoded again."""


def write_output(
    run: RunPlan,
    done: Sequence[JobResult],
    before: OutputBefore,
    progress: Callable[[Progress], None] = lambda _: None,
) -> RunResult:
    """Write packs, manifest and run.json, in this order: a manifest never names what is not on the disk.

    Args:
        run: what was planned.
        done: what became of it.
        before: what `check_output` found in the folder.
        progress: called after each texture of each pack.

    Raises:
        PackError: something cannot be written.
    """
    output = run.order.output
    reasons = failures(run.work, done)
    packs, fits, metrics = _write_packs(run, reasons, before, progress)
    manifest = manifest_of(run, packs, reasons, metrics)
    left = remove_left_over(before.folder, digests_of(manifest))
    warnings = (*before.warnings, *before.folder.replaced(), *left)
    sync_disk()
    if run.layout.manifest.is_file() and not has_manifest(run.layout.manifest):
        before.folder.backup.copy(run.layout.manifest.name)
    write_manifest(run.layout.manifest, manifest)
    not_credited = write_credits(output, manifest, before.folder.backup.copy)
    warnings += () if not_credited is None else (not_credited,)
    keep_notes(output, chain(written_by_texpipe(manifest), before.folder.still_edited()))
    outcome = run_result(run, manifest, *counts_of(run, done), warnings=warnings)
    remembered = RememberedChecks(output)
    problems = (*outcome.problems, *too_large(fits), *broken_rules(output, manifest, remembered))
    outcome = replace(outcome, problems=problems, fits=fits)
    remembered.keep()
    write_run_info(run.layout.run_info, run_info(run, outcome))
    return outcome


def _write_packs(
    run: RunPlan, reasons: dict[str, str], before: OutputBefore, progress: Callable[[Progress], None]
) -> tuple[list[Pack], tuple[Fit, ...], dict[str, Metrics]]:
    """Write the packs; return what is in them, how they keep a budget, and what was measured.

    What cannot be had is added to `reasons`.
    """
    pictures, metrics = _collect(run, reasons)
    targets = run.order.recipe.targets
    if reasons:  # the input may have vanished while it was read
        left = [plan_pack(target, pictures) for target in targets]
        require_no_loss(before.folder, before.pack, left, may_remove=run.order.remove)
    if run.order.recipe.budget is not None:
        packs, fits = write_within_budget(run, pictures, before.folder, progress)
        return packs, fits, metrics
    step = steps_of_writing(progress, len(pictures) * len(targets))
    return [write_pack(target, pictures, before.folder, step) for target in targets], (), metrics


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
            stored = None if name in reasons else run.store.record(piece.key)
            if stored is None:
                reasons.setdefault(name, "its result is missing from the store: run again")
                continue
            metrics[name] = Metrics(**stored.facts)
            picture = picture_of(item, stored.sha256, StoredPicture(run.store, piece.key))
            pictures.append(_with_file(picture, run.work.made_by_hand.get(name)))
    return pictures, metrics


def _with_file(picture: Picture, made: HandMade | None) -> Picture:
    """Say which file somebody made of a picture, if it has the picture's size."""
    return picture if made is None or made.size != picture.size else replace(picture, made_file=made.data)


@dataclass(frozen=True, slots=True)
class _Copied:
    """The PNG of a texture that is not upscaled; encoded again where memory does not hold it."""

    item: SurveyedTexture
    png: bytes | None

    def __call__(self) -> bytes:
        return encode_png(read_again(self.item).rgba) if self.png is None else self.png
