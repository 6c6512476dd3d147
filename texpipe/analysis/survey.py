"""Every texture once: read -> classify -> plan. Pixels are not kept, but read again when needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprint, Inventory, Survey, SurveyedTexture, Unreadable
from texpipe.analysis.neighbours import Kin, informed_by_neighbours, kin_of
from texpipe.analysis.pool import MAX_WORKERS, Analysed, analyse_all
from texpipe.classify.analysis import Analysis
from texpipe.progress import Progress
from texpipe.read.scan import scan
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.system.cpu import available_cores
from texpipe.system.interning import interned
from texpipe.texture import Decisions, Facts, Plan, Source


def survey(
    root: Path,
    recipe: Recipe,
    *,
    exclude: Path | None = None,
    cache: AnalysisCache | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Survey:
    """Read and classify every texture below `root` and decide what to do with it.

    Args:
        root: a folder, or one picture.
        recipe: its rules decide, classify fills in what they leave out.
        exclude: a folder below `root` that is not input: the output of an earlier run.
        cache: earlier analyses; new ones are added. None to analyse everything.
        workers: number of threads or processes that analyse while others are read; None for one per core. They do
            not change the result.
        progress: called after each texture.

    Raises:
        SourceError: `root` is missing or unreadable. One bad texture becomes an `Unreadable` instead.
    """
    found = scan(root, exclude=exclude, stp=recipe.stp)
    items: dict[str, SurveyedTexture] = {}
    kin: list[Kin] = []
    fingerprints: dict[str, Fingerprint] = {}
    failures = [Unreadable(source, reason) for source, reason in found.unusable]
    known = AnalysisCache() if cache is None else cache
    results = analyse_all(found.sources, known, workers or min(available_cores(), MAX_WORKERS))
    for done, (source, result) in enumerate(zip(found.sources, results, strict=True), start=1):
        if isinstance(result, Analysed):
            analysis, name = result.analysis, source.name
            items[name] = _surveyed(source, result.sha256, analysis, recipe)
            fingerprints[name] = _fingerprint(analysis, items[name].plan, recipe)
            kin += filter(None, [kin_of(name, analysis)])
        else:
            failures.append(Unreadable(source, result))
        progress(Progress("read", done, len(found.sources), failed=len(failures)))
    for name, facts in informed_by_neighbours(kin).items():
        items[name] = _decided_again(items[name], facts, recipe)
        fingerprints[name] = replace(fingerprints[name], facts=_kept(facts))
    return Survey(Inventory(tuple(items.values()), tuple(failures), found.ignored), fingerprints)


def _surveyed(source: Source, sha256: str, analysis: Analysis, recipe: Recipe) -> SurveyedTexture:
    plan = decide(recipe, source.name, analysis.size, analysis.facts)
    return SurveyedTexture(
        source=source
        if source.emulator == analysis.emulator
        else replace(source, emulator=analysis.emulator),
        sha256=sha256,
        size=interned(analysis.size),
        plan=_interned_plan(plan),
        texels=analysis.facts.texels,
        warnings=analysis.warnings,
    )


def _decided_again(item: SurveyedTexture, facts: Facts, recipe: Recipe) -> SurveyedTexture:
    return replace(item, plan=_interned_plan(decide(recipe, item.source.name, item.size, facts)))


def _fingerprint(analysis: Analysis, plan: Plan, recipe: Recipe) -> Fingerprint:
    """Return what the recipe needs to know which textures belong together."""
    indices = analysis.bare_indices if plan.alpha == "mask" else analysis.indices
    return Fingerprint(
        facts=_kept(analysis.facts),
        pixels=analysis.all_pixels if plan.alpha == "data" else analysis.pixels,
        indices=indices if recipe.variants == "auto" else "",
        cells=analysis.cells if recipe.atlases == "auto" else (),
        blocks=bytes.fromhex(analysis.blocks) if recipe.frames == "auto" else b"",
        contrast=analysis.contrast,
        orbit=analysis.orbit if recipe.mirrored == "auto" else "",
    )


def _interned_plan(plan: Plan) -> Plan:
    """Return an equal plan, if possible that of another texture; reasons are not compared with plans."""
    by = plan.decided_by
    reasons = Decisions(interned(by.action), interned(by.alpha), interned(by.x), interned(by.y))
    edges, undecided = interned(plan.edges), interned(plan.undecided)
    whole = replace(plan, edges=edges, undecided=undecided, decided_by=reasons)
    same, *_ = interned((whole, reasons, plan.repeats))
    return same


def _kept(facts: Facts) -> Facts:
    """Return facts without what was weighed, which differs from texture to texture."""
    return replace(
        facts,
        x=interned(replace(facts.x, doubt=None)),
        y=interned(replace(facts.y, doubt=None)),
        alpha_reason=interned(facts.alpha_reason),
        texels_reason=interned(facts.texels_reason),
    )
