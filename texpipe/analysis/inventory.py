"""What is known of each texture of a dump."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from texpipe.errors import SourceError
from texpipe.formats.contract import Picture
from texpipe.manifest.schema import Entry
from texpipe.read.unchanged import decode_unchanged
from texpipe.relations import Box
from texpipe.system.interning import interned
from texpipe.texture import UNSURE, Facts, FlatName, KindGuess, Plan, Source, TexelFormat, Texture


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What tells which textures belong together: it takes as much memory as all else that is known of a texture.

    `pixels` is the digest of what is visible in a texture, `indices` that of its index image: equal for variants in
    other colours, "" where that says nothing or the recipe does not need it. `cells` are the pictures on a sheet with
    gutters, `blocks` digests of parts that frames of an animation may have in common, `contrast` the spread of the
    visible luma, `orbit` a digest that its mirror images have, too.
    """

    facts: Facts
    pixels: str
    indices: str = ""
    cells: tuple[Box, ...] = ()
    blocks: bytes = b""
    contrast: float = 0.0
    orbit: str = ""


Fingerprints: TypeAlias = Mapping[str, Fingerprint]
"""The fingerprints of textures by name."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Which of several inputs a texture is from, and those that have another picture under its name."""

    input: str = ""
    instead_of: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SurveyedTexture:
    """A texture that was read and classified, and what will be done to it."""

    source: Source
    sha256: str
    size: tuple[int, int]
    plan: Plan
    texels: TexelFormat | None = None
    warnings: tuple[str, ...] = ()
    origin: Origin = Origin()
    kind: KindGuess = UNSURE

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
            kind=self.kind.kind,
            kind_confidence=self.kind.confidence,
            undecided=self.plan.undecided or None,
            input=self.origin.input or None,
            instead_of=self.origin.instead_of,
            repeats=self.plan.repeats or None,
        )


@dataclass(frozen=True)
class Unreadable:
    """A texture that could not be read, and why."""

    source: Source
    reason: str
    origin: Origin = Origin()

    def entry(self) -> Entry:
        """Return the manifest entry of this texture."""
        return Entry(
            self.source.name,
            "failed",
            id=_id(self.source),
            reason=self.reason,
            input=self.origin.input or None,
            instead_of=self.origin.instead_of,
        )


@dataclass(frozen=True)
class Inventory:
    """All textures of the inputs in stable order.

    Attributes:
        items, failures: those that can be read, and those that cannot.
        ignored: how many other files were passed over, by kind.
        inputs: names of the inputs, where there are several.
        idle_rules: numbers, from 1, of the rules that match no texture as the first rule; and whether they match one
            after an earlier rule.
    """

    items: tuple[SurveyedTexture, ...]
    failures: tuple[Unreadable, ...] = ()
    ignored: Mapping[str, int] = field(default_factory=Counter)
    inputs: tuple[str, ...] = ()
    idle_rules: tuple[tuple[int, bool], ...] = ()


@dataclass(frozen=True)
class Survey:
    """What planning starts from: the textures of a folder and the fingerprints of those that can be read.

    A run keeps the inventory alone when its plan is made.
    """

    inventory: Inventory
    fingerprints: Fingerprints

    @property
    def items(self) -> tuple[SurveyedTexture, ...]:
        """The textures that can be read."""
        return self.inventory.items

    @property
    def failures(self) -> tuple[Unreadable, ...]:
        """The textures that cannot be read."""
        return self.inventory.failures

    def without(self, names: Container[str]) -> Survey:
        """Return the same without some textures, given by name."""
        items = tuple(item for item in self.items if item.source.name not in names)
        return replace(self, inventory=replace(self.inventory, items=items))


def read_again(item: SurveyedTexture) -> Texture:
    """Decode a texture of the survey again.

    Raises:
        SourceError: it cannot be read any more, or has changed.
    """
    texture = decode_unchanged(item.source, item.sha256)
    if texture is None:
        raise SourceError(f"{item.source.name} changed while texpipe was running", hint="Run again.")
    return texture


def _id(source: Source) -> FlatName | None:
    return FlatName(source.emulator) if source.emulator is not None else None


def picture_of(item: SurveyedTexture, sha256: str, read: Callable[[], bytes]) -> Picture:
    """Return a texture as packs take it; see `Picture` for what the digest and the reader are of."""
    plan = item.plan
    factor = 1 if plan.action == "copy" else plan.scale
    size = interned((item.size[0] * factor, item.size[1] * factor))
    return Picture(item.source, factor, size, sha256, read, plan.edges, plan.alpha)
