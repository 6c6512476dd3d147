"""Look at every texture once: read -> classify -> plan. Pixels are not kept, but read again when needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprint, Survey, SurveyedTexture, Unreadable
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
    sightings: AnalysisCache | None = None,
    workers: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Survey:
    """Read and classify every texture below `root` and decide what to do with it.

    Args:
        root: a folder, or one picture.
        recipe: its rules decide, classify fills in what they leave out.
        exclude: a folder below `root` that is not input: the output of an earlier run.
        sightings: what is known already, and what is seen now will be; None to look at everything.
        workers: threads or processes that look while others are read; None for one per core. They change nothing
            about what is found.
        progress: called after each texture.

    Raises:
        SourceError: `root` is missing or unreadable. One bad texture becomes a `Unreadable` instead.
    """
    found = scan(root, exclude=exclude, stp=recipe.stp)
    items: list[SurveyedTexture] = []
    failures = [Unreadable(source, reason) for source, reason in found.unusable]
    known = AnalysisCache() if sightings is None else sightings
    looked = analyse_all(found.sources, known, workers or min(available_cores(), MAX_WORKERS))
    for done, (source, seen) in enumerate(zip(found.sources, looked, strict=True), start=1):
        if isinstance(seen, Analysed):
            items.append(_surveyed(source, seen.sha256, seen.sighting, recipe))
        else:
            failures.append(Unreadable(source, seen))
        progress(Progress("read", done, len(found.sources), failed=len(failures)))
    return Survey(tuple(items), tuple(failures), found.ignored)


def _surveyed(source: Source, sha256: str, seen: Analysis, recipe: Recipe) -> SurveyedTexture:
    plan = decide(recipe, source.name, seen.size, seen.facts)
    indices = seen.bare_indices if plan.alpha == "mask" else seen.indices
    return SurveyedTexture(
        source=source if source.emulator == seen.emulator else replace(source, emulator=seen.emulator),
        sha256=sha256,
        size=interned(seen.size),
        plan=_interned_plan(plan),
        found=Fingerprint(
            facts=_interned_facts(seen.facts),
            pixels=seen.all_pixels if plan.alpha == "data" else seen.pixels,
            indices=indices if recipe.variants == "auto" else "",
            cells=seen.cells if recipe.atlases == "auto" else (),
            blocks=bytes.fromhex(seen.blocks) if recipe.frames == "auto" else b"",
            contrast=seen.contrast,
            orbit=seen.orbit if recipe.mirrored == "auto" else "",
        ),
        texels=seen.facts.texels,
        warnings=seen.warnings,
    )


def _interned_plan(plan: Plan) -> Plan:
    """Return the same plan, if possible that of another texture; reasons take no part in comparing plans."""
    by = plan.decided_by
    reasons = Decisions(interned(by.action), interned(by.alpha), interned(by.x), interned(by.y))
    same, _ = interned((replace(plan, edges=interned(plan.edges), decided_by=reasons), reasons))
    return same


def _interned_facts(facts: Facts) -> Facts:
    return replace(
        facts,
        x=interned(facts.x),
        y=interned(facts.y),
        alpha_reason=interned(facts.alpha_reason),
        texels_reason=interned(facts.texels_reason),
    )
