"""Every texture once: read -> classify -> plan. Pixels are not kept, but read again when needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TypeAlias

from texpipe.analysis.cache import AnalysisCache
from texpipe.analysis.inventory import Fingerprint, Inventory, Origin, Survey, SurveyedTexture, Unreadable
from texpipe.analysis.neighbours import informed_by_neighbours, kin_of
from texpipe.analysis.pool import MAX_WORKERS, Analysed, AnalysisResult, analyse_all
from texpipe.analysis.same_names import Candidate, one_of_each_name, winners_first
from texpipe.classify.analysis import Analysis
from texpipe.progress import Progress
from texpipe.read.inputs import input_names
from texpipe.read.scan import Scan, scan
from texpipe.recipe.rules import matches, plan_by, rule_for
from texpipe.recipe.schema import Match, Recipe
from texpipe.system.cpu import available_cores
from texpipe.system.interning import interned
from texpipe.texture import Decisions, Facts, Plan, Source

Found: TypeAlias = Callable[[SurveyedTexture, Fingerprint], None]
"""What is told of each texture while others are still to be read."""


def survey(
    root: Path | Sequence[Path],
    recipe: Recipe,
    *,
    exclude: Path | None = None,
    cache: AnalysisCache | None = None,
    workers: int | None = None,
    memory: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    found: Found = lambda texture, fingerprint: None,
) -> Survey:
    """Read and classify every texture below `root` and decide what to do with it.

    Args:
        root: a folder, or one picture; or several of them, of which each name is taken once.
        recipe: its rules decide, classify fills in what they leave out.
        exclude: a folder below `root` that is not input: the output of an earlier run.
        cache: earlier analyses; new ones are added. None to analyse everything.
        workers: number of threads or processes that analyse while others are read; None for one per core. They do
            not change the result.
        memory: bytes that this process should stay below; by default a share of what is free.
        progress: called after each texture.
        found: called with each texture that can be read, before its neighbours and other inputs are asked.

    Raises:
        SourceError: `root` is missing or unreadable. One bad texture becomes an `Unreadable` instead.
    """
    roots = (root,) if isinstance(root, Path) else tuple(root)
    scans = [scan(one, exclude=exclude, stp=recipe.stp) for one in roots]
    return survey_scans(
        roots,
        scans,
        recipe,
        cache=cache,
        workers=workers,
        memory=memory,
        progress=progress,
        found=found,
    )


def survey_scans(
    roots: Sequence[Path],
    scans: Sequence[Scan],
    recipe: Recipe,
    *,
    cache: AnalysisCache | None = None,
    workers: int | None = None,
    memory: int | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
    found: Found = lambda texture, fingerprint: None,
) -> Survey:
    """Read and classify textures that were listed; see `survey`.

    Args:
        roots: the inputs.
        scans: what is to be read of each.
        recipe, cache, workers, memory, progress, found: as `survey` takes them.
    """
    places = [place for place, one in enumerate(scans) for _ in one.sources]
    sources = [source for one in scans for source in one.sources]
    origins = [Origin(name) for name in input_names(roots)]
    read = [
        Candidate(place, Unreadable(source, reason, origins[place]))
        for place, one in enumerate(scans)
        for source, reason in one.unusable
    ]
    failed, steps = len(read), count(1)
    known = AnalysisCache() if cache is None else cache
    results = analyse_all(sources, known, workers or min(available_cores(), MAX_WORKERS), memory)
    for place, source, result in zip(places, sources, results, strict=True):
        read.append(_candidate(place, origins[place], source, result, recipe))
        texture, fingerprint = read[-1].texture, read[-1].fingerprint
        if fingerprint is not None and isinstance(texture, SurveyedTexture):
            found(texture, fingerprint)
        failed += fingerprint is None
        progress(Progress("read", next(steps), len(sources), failed=failed))
    ignored = sum((Counter(one.ignored) for one in scans), Counter[str]())
    return _settled(read, origins, recipe, ignored)


def _candidate(
    place: int, origin: Origin, source: Source, result: AnalysisResult, recipe: Recipe
) -> Candidate:
    if not isinstance(result, Analysed):
        return Candidate(place, Unreadable(source, result, origin))
    analysis = result.analysis
    rule = rule_for(recipe, source.name, analysis.size, analysis.facts)
    plan = plan_by(rule, recipe, analysis.facts)
    item = SurveyedTexture(
        source=source
        if source.emulator == analysis.emulator
        else replace(source, emulator=analysis.emulator),
        sha256=result.sha256,
        size=interned(analysis.size),
        plan=_interned_plan(plan),
        texels=analysis.facts.texels,
        warnings=analysis.warnings,
        origin=origin,
        kind=interned(analysis.facts.kind),
    )
    kin = kin_of(source.name, analysis)
    asked = kin is not None and any(one.match.tiles for one in recipe.rules)
    kept = analysis if asked else None
    return Candidate(place, item, _fingerprint(analysis, plan, recipe), rule, kin, kept)


def _settled(
    read: Sequence[Candidate], origins: Sequence[Origin], recipe: Recipe, ignored: Counter[str]
) -> Survey:
    """Return what was read, each name once."""
    inputs = tuple(origin.input for origin in origins) if len(origins) > 1 else ()
    if inputs:
        read = sorted(one_of_each_name(read, recipe.on_conflict), key=lambda one: one.name.encode())
    said = informed_by_neighbours(filter(None, (one.kin for one in read)))
    read = [_decided_again(one, said[one.name], recipe) if one.name in said else one for one in read]
    items = [one.texture for one in read if isinstance(one.texture, SurveyedTexture)]
    inventory = Inventory(
        tuple(winners_first(items, inputs, recipe.on_conflict) if inputs else items),
        tuple(one.texture for one in read if isinstance(one.texture, Unreadable)),
        dict(sorted(ignored.items())),
        inputs,
        tuple(_idle_rules(read, recipe)),
    )
    return Survey(inventory, {one.name: one.fingerprint for one in read if one.fingerprint is not None})


def _idle_rules(read: Sequence[Candidate], recipe: Recipe) -> Iterator[tuple[int, bool]]:
    used = {one.rule for one in read}
    for number, rule in enumerate(recipe.rules, start=1):
        if number not in used:
            yield number, any(_matches(rule.match, one) for one in read)


def _matches(match: Match, one: Candidate) -> bool:
    if one.fingerprint is None or not isinstance(one.texture, SurveyedTexture):
        return False
    return matches(match, one.name, one.texture.size, one.fingerprint.facts)


def _decided_again(one: Candidate, facts: Facts, recipe: Recipe) -> Candidate:
    assert isinstance(one.texture, SurveyedTexture)
    assert one.fingerprint is not None
    if one.analysis is not None:  # rules ask whether it repeats, so another one may match now
        return _decided_anew(one, replace(one.analysis, facts=facts), one.texture, recipe)
    texture = replace(one.texture, plan=_interned_plan(plan_by(one.rule, recipe, facts)))
    return replace(one, texture=texture, fingerprint=replace(one.fingerprint, facts=_kept(facts)))


def _decided_anew(one: Candidate, analysis: Analysis, texture: SurveyedTexture, recipe: Recipe) -> Candidate:
    rule = rule_for(recipe, one.name, texture.size, analysis.facts)
    plan = plan_by(rule, recipe, analysis.facts)
    texture = replace(texture, plan=_interned_plan(plan))
    return replace(one, rule=rule, texture=texture, fingerprint=_fingerprint(analysis, plan, recipe))


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
    edges, undecided, repeats = interned(plan.edges), interned(plan.undecided), interned(plan.repeats)
    whole = replace(plan, edges=edges, undecided=undecided, repeats=repeats, decided_by=reasons)
    same, *_ = interned((whole, reasons, repeats))
    return same


def _kept(facts: Facts) -> Facts:
    """Return facts without what was weighed, which differs from texture to texture."""
    return replace(
        facts,
        x=interned(replace(facts.x, doubt=None)),
        y=interned(replace(facts.y, doubt=None)),
        kind=interned(facts.kind),
        alpha_reason=interned(facts.alpha_reason),
        texels_reason=interned(facts.texels_reason),
    )
