"""Look at every texture once: read -> classify -> plan. Pixels are not kept, but read again when needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from texpipe.limits import available_cores
from texpipe.looking import MOST_WORKERS, Seen, look_at_all
from texpipe.manifest import Entry
from texpipe.read.scan import scan
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.relations import Box
from texpipe.sightings import Sighting, Sightings
from texpipe.texture import Facts, Plan, Progress, Source


@dataclass(frozen=True)
class Item:
    """A texture that was read and understood.

    `pixels` is the digest of what is visible in it, `indices` that of its index image: equal for variants in other
    colours, "" where that says nothing or nobody asked for it. `cells` are the pictures on a sheet with gutters,
    `blocks` digests of parts that frames of an animation may have in common, `contrast` the spread of the visible luma,
    `orbit` a digest that its mirror images have, too.
    """

    source: Source
    sha256: str
    size: tuple[int, int]
    pixels: str
    facts: Facts
    plan: Plan
    warnings: tuple[str, ...] = ()
    indices: str = ""
    cells: tuple[Box, ...] = ()
    blocks: bytes = b""
    contrast: float = 0.0
    orbit: str = ""

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
            format=self.facts.texels,
        )


@dataclass(frozen=True)
class Failure:
    """A texture that could not be read or upscaled, and why."""

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

    def entries(self) -> list[Entry]:
        """Return the manifest entries of all textures, before anything was written."""
        seen: tuple[Item | Failure, ...] = (*self.items, *self.failures)
        return sorted((one.entry() for one in seen), key=lambda entry: entry.source)


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
        workers: threads that look at textures while others are read; None for one per core. They change nothing
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


def _id(source: Source) -> dict[str, str | int | None] | None:
    return source.emulator.as_json() if source.emulator is not None else None


def _item(source: Source, sha256: str, seen: Sighting, recipe: Recipe) -> Item:
    plan = decide(recipe, source.name, seen.size, seen.facts)
    indices = seen.bare_indices if plan.alpha == "mask" else seen.indices
    return Item(
        source=replace(source, emulator=seen.emulator),
        sha256=sha256,
        size=seen.size,
        pixels=seen.all_pixels if plan.alpha == "data" else seen.pixels,
        facts=seen.facts,
        plan=plan,
        warnings=seen.warnings,
        indices=indices if recipe.variants == "auto" else "",
        cells=seen.cells if recipe.atlases == "auto" else (),
        blocks=bytes.fromhex(seen.blocks) if recipe.frames == "auto" else b"",
        contrast=seen.contrast,
        orbit=seen.orbit if recipe.mirrored == "auto" else "",
    )
