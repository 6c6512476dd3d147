"""Look at every texture once: read -> classify -> plan. Pixels are not kept, but read again when needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from texpipe.classify import classify
from texpipe.classify.blocks import block_digests
from texpipe.classify.cells import find_cells
from texpipe.classify.indices import index_digest
from texpipe.errors import TexpipeError
from texpipe.manifest import Entry
from texpipe.read.decode import decode
from texpipe.read.scan import scan
from texpipe.recipe.rules import decide
from texpipe.recipe.schema import Recipe
from texpipe.store import pixel_digest
from texpipe.texture import AxisGuess, Box, Edges, Facts, Plan, Progress, Source, Texture

SAID_BY_DUMP = "the dump says so"
"""The reason of a guess that is none."""


@dataclass(frozen=True)
class Item:
    """A texture that was read and understood.

    `pixels` is the digest of what is visible in it, `indices` that of its index image: equal for variants in other
    colours, "" where that says nothing or nobody asked for it. `cells` are the pictures on a sheet with gutters,
    `blocks` digests of parts that frames of an animation may have in common.
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
    progress: Callable[[Progress], None] = lambda _: None,
) -> Survey:
    """Read and classify every texture below `root` and decide what to do with it.

    Args:
        root: a folder, or one picture.
        recipe: its rules decide, classify fills in what they leave out.
        exclude: a folder below `root` that is not input: the output of an earlier run.
        progress: called after each texture.

    Raises:
        SourceError: `root` is missing or unreadable. One bad texture becomes a `Failure` instead.
    """
    found = scan(root, exclude=exclude, stp=recipe.stp)
    items: list[Item] = []
    failures = [Failure(source, reason) for source, reason in found.unusable]
    for done, source in enumerate(found.sources, start=1):
        outcome = _look(source, recipe)
        if isinstance(outcome, Item):
            items.append(outcome)
        else:
            failures.append(outcome)
        progress(Progress("read", done, len(found.sources), failed=len(failures)))
    return Survey(tuple(items), tuple(failures), found.ignored)


def _id(source: Source) -> dict[str, str | int | None] | None:
    return source.emulator.as_json() if source.emulator is not None else None


def _look(source: Source, recipe: Recipe) -> Item | Failure:
    try:
        texture = decode(source)
    except TexpipeError as error:
        return Failure(source, error.message)
    except MemoryError:
        return Failure(source, "there is not enough memory to read it")
    return item_of(texture, recipe)


def _as_dumped(facts: Facts, edges: Edges | None) -> Facts:
    """What a dump says of a texture's borders counts more than what its pixels look like."""
    if edges is None:
        return facts
    x, y = (AxisGuess(mode, 1.0, SAID_BY_DUMP) for mode in (edges.x, edges.y))
    return replace(facts, x=x, y=y)


def item_of(texture: Texture, recipe: Recipe) -> Item:
    """Classify a decoded texture and plan what to do with it."""
    facts = _as_dumped(classify(texture), texture.edges)
    plan = decide(recipe, texture.source.name, texture.size, facts)
    return Item(
        source=texture.source,
        sha256=texture.sha256,
        size=texture.size,
        pixels=pixel_digest(texture.rgba, hidden=plan.alpha == "data"),
        facts=facts,
        plan=plan,
        warnings=texture.warnings,
        indices=index_digest(texture.rgba, plan.alpha) if recipe.variants == "auto" else "",
        cells=find_cells(texture.rgba) if recipe.atlases == "auto" else (),
        blocks=block_digests(texture.rgba) if recipe.frames == "auto" else b"",
    )
