"""Look at every texture once: read -> classify -> plan. Pixels are not kept, but read again when needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from texpipe.errors import SourceError
from texpipe.limits import available_cores
from texpipe.looking import MOST_WORKERS, Seen, look_at_all
from texpipe.manifest import Entry
from texpipe.memory import shared
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.relations import Box
from texpipe.sightings import Sighting, Sightings
from texpipe.texture import Decisions, Facts, FlatName, Plan, Progress, Source, TexelFormat, Texture


@dataclass(frozen=True, slots=True)
class Clues:
    """What tells which textures belong together.

    `pixels` is the digest of what is visible in a texture, `indices` that of its index image: equal for variants in
    other colours, "" where that says nothing or nobody asked for it. `cells` are the pictures on a sheet with gutters,
    `blocks` digests of parts that frames of an animation may have in common, `contrast` the spread of the visible luma,
    `orbit` a digest that its mirror images have, too.
    """

    facts: Facts
    pixels: str
    indices: str = ""
    cells: tuple[Box, ...] = ()
    blocks: bytes = b""
    contrast: float = 0.0
    orbit: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """A texture that was read and understood.

    `found` holds clues until planning is over: they take as much memory as all else, and nobody asks for them later.
    """

    source: Source
    sha256: str
    size: tuple[int, int]
    plan: Plan
    found: Clues | None
    texels: TexelFormat | None = None
    warnings: tuple[str, ...] = ()

    @property
    def clues(self) -> Clues:
        """What planning goes by."""
        assert self.found is not None, "planning is over"
        return self.found

    def without_clues(self) -> Item:
        """Return what is needed of it when planning is over."""
        return replace(self, found=None)

    def entry(self) -> Entry:
        """Return the manifest entry of this texture, before anything was written."""
        return Entry(
            source=self.source.name,
            status="skipped" if self.plan.action == "skip" else "written",
            sha256=self.sha256,
            size=self.size,
            id=_id(self.source),
            alpha=self.plan.alpha,
            edges=self.plan.edges,
            decided_by=self.plan.decided_by,
            warnings=self.warnings,
            format=self.texels,
        )


@dataclass(frozen=True)
class Failure:
    """A texture that could not be read, and why."""

    source: Source
    reason: str

    def entry(self) -> Entry:
        """Return the manifest entry of this texture."""
        return Entry(self.source.name, "failed", id=_id(self.source), reason=self.reason)


@dataclass(frozen=True)
class Survey:
    """All textures of a folder in stable order, and how many other files were passed over, by kind."""

    items: tuple[Item, ...]
    failures: tuple[Failure, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=Counter)


def survey(
    root: Path,
    recipe: Recipe,
    *,
    exclude: Path | None = None,
    sightings: Sightings | None = None,
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
        SourceError: `root` is missing or unreadable. One bad texture becomes a `Failure` instead.
    """
    found = scan(root, exclude=exclude, stp=recipe.stp)
    items: list[Item] = []
    failures = [Failure(source, reason) for source, reason in found.unusable]
    known = Sightings() if sightings is None else sightings
    looked = look_at_all(found.sources, known, workers or min(available_cores(), MOST_WORKERS))
    for done, (source, seen) in enumerate(zip(found.sources, looked, strict=True), start=1):
        if isinstance(seen, Seen):
            items.append(_item(source, seen.sha256, seen.sighting, recipe))
        else:
            failures.append(Failure(source, seen))
        progress(Progress("read", done, len(found.sources), failed=len(failures)))
    return Survey(tuple(items), tuple(failures), found.ignored)


def read_again(item: Item) -> Texture:
    """Decode a texture that the survey saw.

    Raises:
        SourceError: it cannot be read any more, or is another one now.
    """
    texture = decode(item.source)
    if texture.sha256 != item.sha256:
        raise SourceError(f"{texture.source.name} changed while texpipe was running", hint="Run again.")
    return texture


def _id(source: Source) -> FlatName | None:
    return FlatName(source.emulator) if source.emulator is not None else None


def _item(source: Source, sha256: str, seen: Sighting, recipe: Recipe) -> Item:
    plan = decide(recipe, source.name, seen.size, seen.facts)
    indices = seen.bare_indices if plan.alpha == "mask" else seen.indices
    return Item(
        source=source if source.emulator == seen.emulator else replace(source, emulator=seen.emulator),
        sha256=sha256,
        size=shared(seen.size),
        plan=_lighter_plan(plan),
        found=Clues(
            facts=_lighter_facts(seen.facts),
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


def _lighter_plan(plan: Plan) -> Plan:
    """Return the same plan, if possible that of another texture; reasons take no part in comparing plans."""
    by = plan.decided_by
    reasons = Decisions(shared(by.action), shared(by.alpha), shared(by.x), shared(by.y))
    same, _ = shared((replace(plan, edges=shared(plan.edges), decided_by=reasons), reasons))
    return same


def _lighter_facts(facts: Facts) -> Facts:
    return replace(
        facts,
        x=shared(facts.x),
        y=shared(facts.y),
        alpha_reason=shared(facts.alpha_reason),
        texels_reason=shared(facts.texels_reason),
    )
