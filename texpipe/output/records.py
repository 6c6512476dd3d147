"""What became of every texture: the manifest of a run, its outcome, and what goes to run.json."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from texpipe import __version__
from texpipe.analysis.inventory import SurveyedTexture
from texpipe.formats import format_of
from texpipe.manifest.schema import (
    Entry,
    Kept,
    Manifest,
    ModelId,
    Output,
    PackFile,
    Provenance,
    RecipeId,
    summarise,
)
from texpipe.networks.catalogue import ModelFile
from texpipe.networks.licence_terms import strictest
from texpipe.options import RunOptions
from texpipe.output.notices import empty_packs, notices
from texpipe.output.result import RunResult
from texpipe.packs.pack import Pack
from texpipe.planning.jobs import FrameJob, JobResult, Workload
from texpipe.planning.run_plan import RunPlan
from texpipe.system.interning import interned
from texpipe.texture import Metrics, Status
from texpipe.upscale.backend import spoken, why_it_varies


def manifest_of(
    run: RunPlan, packs: Sequence[Pack], reasons: Mapping[str, str], metrics: Mapping[str, Metrics]
) -> Manifest:
    """Return the manifest.

    Args:
        run: what was planned.
        packs: what was written, or would be, for each target.
        reasons: texture name -> why it could not be made.
        metrics: texture name -> what was measured on it.
    """
    entries = [failure.entry() for failure in run.seen.failures]
    entries += [_entry(run, item, packs, reasons.get(item.source.name), metrics) for item in run.seen.items]
    return _with_head(run, entries, tuple(file for pack in packs for file in pack.files))


def shard_result(run: RunPlan, done: Sequence[JobResult]) -> RunResult:
    """Return the outcome of one part of a run, for which no pack was written."""
    reasons = failures(run.work, done)
    entries = [failure.entry() for failure in run.seen.failures]
    entries += [
        replace(item.entry(), status="failed", reason=reasons[item.source.name])
        for item in run.seen.items
        if item.source.name in reasons
    ]
    return run_result(run, _with_head(run, entries), *counts_of(run, done))


def failures(work: Workload, done: Sequence[JobResult]) -> dict[str, str]:
    """Return texture name -> reason for everything that could not be made."""
    failed = {piece.key: one.reason for one in done if one.reason for piece in one.job.pieces}
    return {name: failed[piece.key] for name, piece in work.piece_of.items() if piece.key in failed}


def counts_of(run: RunPlan, done: Sequence[JobResult]) -> tuple[dict[str, int], int]:
    """Return how many pictures were computed by each device, in their order, and how many were in the store before."""
    upscaled = [one for one in done if not isinstance(one.job, FrameJob)]
    last = sum(not one.cached and one.reason is None for one in upscaled)
    stored = sum(one.cached for one in upscaled)
    if run.begun_by is None:
        return {spoken(run.engine): last}, stored
    first = sum(one.cached and one.job.pieces[0].key in run.begun_keys for one in upscaled)
    return {spoken(run.begun_by): first, spoken(run.engine): last}, stored - first


def _model_id(file: ModelFile) -> ModelId:
    facts = file.facts
    if facts is None:
        return ModelId(file.name, file.sha256, file.licence)
    return ModelId(file.name, file.sha256, file.licence, facts.architecture, str(facts.borders))


def _with_head(run: RunPlan, entries: Sequence[Entry], files: tuple[PackFile, ...] = ()) -> Manifest:
    recipe, files_of_models = run.order.recipe, run.models.all()
    several = files_of_models if len(files_of_models) > 1 else ()
    return Manifest(
        texpipe=__version__,
        recipe=RecipeId(recipe.name, run.order.recipe_sha256),
        model=_model_id(run.model),
        models=tuple(map(_model_id, several)),
        licence=strictest(file.licence for file in several),
        scale=recipe.scale,
        budget=recipe.budget,
        targets=tuple(target.name for target in recipe.targets),
        varies=why_it_varies(run.begun_by or run.engine),
        inputs=run.seen.inputs,
        textures=tuple(entries),
        summary=summarise(entries, ignored=sum(run.seen.ignored.values())),
        files=files,
    )


def _entry(
    run: RunPlan,
    item: SurveyedTexture,
    packs: Sequence[Pack],
    failure: str | None,
    metrics: Mapping[str, Metrics],
) -> Entry:
    name = item.source.name
    base = run.work.entry(item)
    nothing = replace(base, by=None)
    if failure is not None:
        return replace(nothing, status="failed", reason=failure)
    if item.plan.action == "skip":
        return replace(nothing, status="skipped", reason=item.plan.decided_by.action)
    if name in run.left_out:
        return replace(nothing, status="skipped", reason=run.left_out[name])
    outputs = tuple(one for pack in packs for one in pack.outputs.get(name, ()))
    targets = [target.name for target in run.order.recipe.targets]
    missing = [
        f"not in {target}: {pack.left_out[name]}"
        for target, pack in zip(targets, packs, strict=True)
        if name in pack.left_out
    ]
    if not outputs:  # a rival took its place only now
        return replace(nothing, status="skipped", reason="; ".join(missing))
    warnings = (*base.warnings, *missing)
    kept = [one for one in outputs if one.kept is not None]
    if kept:
        whose, reason = _kept_status(kept)
        return replace(
            base,
            status=whose,
            reason=reason,
            by=_with_hand_made(Provenance(whose), base.by),
            outputs=outputs,
            metrics=metrics.get(name),
            warnings=warnings,
        )
    status: Status = "copied" if item.plan.action == "copy" else "written"
    return replace(
        base,
        status=status,
        by=_named(base.by, run, item),
        outputs=outputs,
        metrics=metrics.get(name),
        warnings=warnings,
    )


def _named(by: Provenance | None, run: RunPlan, item: SurveyedTexture) -> Provenance | None:
    """Add the names of the models to where a texture comes from, one after the other, and where their dial stood."""
    if by is None or by.kind != "model":
        return by
    plan = run.work.plan_of(item)
    models = run.models.of(plan.model)
    detail = plan.detail if any(file.inventive is not None for file in models) else None
    return interned(Provenance("model", " + ".join(file.name for file in models), detail))


def _with_hand_made(kept: Provenance, planned: Provenance | None) -> Provenance:
    """Name the hand-made picture that a texture would have, if a file that was kept is not in its place."""
    if planned is None or planned.kind != "hand":
        return kept
    return replace(kept, file=planned.file, sha256=planned.sha256)


def _kept_status(kept: Sequence[Output]) -> tuple[Kept, str]:
    """Return the status of a texture of which files of others were kept, and why, in one line."""
    if any(one.kept == "edited" for one in kept):
        paths = ", ".join(one.path for one in kept if one.kept == "edited")
        return "edited", f"{paths} was changed by hand: kept"
    return "foreign", f"{', '.join(one.path for one in kept)} was not written by texpipe: kept"


def run_result(
    run: RunPlan,
    manifest: Manifest,
    computed_by: Mapping[str, int],
    cached: int,
    *,
    warnings: tuple[str, ...] = (),
    dry_run: bool = False,
) -> RunResult:
    """Return what a run did, or would do.

    Args:
        run: what was planned.
        manifest: what became of every texture.
        computed_by: device, as people say it -> how many pictures it computed.
        cached: how many pictures were in the store before.
        warnings: go before those about textures.
        dry_run: nothing was written.
    """
    order = run.order
    warnings += (*notices(run, manifest), *run.work.warnings)
    warnings += tuple(f"{entry.source}: {line}" for entry in manifest.textures for line in entry.warnings)
    return RunResult(
        manifest=manifest,
        output=order.output,
        computed=sum(computed_by.values()),
        computed_by=computed_by,
        cached=cached,
        ignored=dict(run.seen.ignored),
        warnings=warnings,
        where_to=() if order.shard or dry_run else tuple(_where(order, manifest)),
        seconds=order.elapsed(),
        dry_run=dry_run,
        shard=order.shard,
        problems=() if order.shard else tuple(empty_packs(manifest)),
    )


def _where(order: RunOptions, manifest: Manifest) -> list[str]:
    filled = {one.target for entry in manifest.textures for one in entry.outputs}
    lines: list[str] = []
    for name in (target.name for target in order.recipe.targets):
        if name in filled:
            lines += [f"The pack is in {order.output / name}", *format_of(name).copy_to.splitlines()]
    return lines


def _inputs(roots: Sequence[Path]) -> str | list[str]:
    """Return where the input is; a list where there are several."""
    paths = [str(root.resolve()) for root in roots]
    return paths[0] if len(paths) == 1 else paths


def run_info(run: RunPlan, outcome: RunResult) -> dict[str, object]:
    """Return what goes to run.json: all that may differ between runs of one recipe."""
    from importlib.metadata import version

    return {
        "input": _inputs(run.order.inputs),
        "stp": run.order.recipe.stp,
        "seconds": round(outcome.seconds, 3),
        "computed": outcome.computed,
        "cached": outcome.cached,
        "engine": run.engine,
        **({"begun_by": run.begun_by} if run.begun_by else {}),
        "texpipe": __version__,
        "torch": version("torch"),
        "python": platform.python_version(),
        "system": platform.platform(),
    }
