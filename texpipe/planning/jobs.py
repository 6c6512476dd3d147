"""What there is to compute, each picture once, and what every texture gets of it.

A job is one picture for the network and the textures that get their pixels from it: a single texture with all its
duplicates, or the pieces of a picture that the console had to split.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.groups.split.stitching import SplitPicture
from texpipe.manifest.schema import Entry
from texpipe.passes import make_passes, recombine
from texpipe.passes.atlas import Atlas
from texpipe.relations import Flip, Frame, Mirror, Spot, Variant
from texpipe.storage.results import ResultStore
from texpipe.texture import Pass, Plan, Rgba8, RgbF

BYTES_TO_COME = 2 << 10
"""What a texture still takes when its pixels are made, for its metrics, its files and its entry in the manifest: 1.1 KB
in a first run, 2.1 KB in one that also reads what an earlier run wrote."""


@dataclass(frozen=True, slots=True)
class ResultRef:
    """A texture that a job makes, and the store key of its result."""

    item: SurveyedTexture
    key: str


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to compute: a texture, an `atlas`, a split picture with its `join`, or what is made of finished ones:
    a variant `like` another texture, a frame that is averaged with all `frames` of its animation, a texture that is
    the `image` of another one, flipped by `axis`.

    `content` is a digest of pixels and plan alone: the same on machines that compute differently. What is made of each
    other has the same, so that it stays in one shard.
    """

    plan: Plan
    pieces: tuple[ResultRef, ...]
    content: str
    join: SplitPicture | None = None
    like: ResultRef | None = None
    atlas: Atlas | None = None
    frames: tuple[ResultRef, ...] = ()
    image: ResultRef | None = None
    axis: Flip = "none"

    @property
    def made_of(self) -> tuple[ResultRef, ...]:
        """The finished results that it is made of; a job for the network needs nothing but its sources."""
        return (*self.frames, *(piece for piece in (self.like, self.image) if piece is not None))

    def passes(self, picture: Rgba8) -> tuple[Pass, ...]:
        """Return what the network is to see of the picture."""
        return self.atlas.passes(picture) if self.atlas else make_passes(picture, self.plan)

    def recombine(self, picture: Rgba8, results: tuple[RgbF, ...]) -> Rgba8:
        """Make the enlarged picture of the results for `passes`."""
        if self.atlas:
            return self.atlas.recombine(picture, results)
        return recombine(picture, self.plan, results)


@dataclass(frozen=True)
class Workload:
    """All jobs of a run, and what each texture gets from where.

    Attributes:
        jobs: in the order of their first texture.
        piece_of: texture name -> the piece whose result it gets.
        duplicate_of: texture name -> name of the first texture with the same pixels and plan.
        group_of: texture name -> name of the picture that it is a piece of.
        spot_of: texture name -> where in that picture, and why.
        variant_of: texture name -> the texture that it has its structure from, and why.
        frame_of: texture name -> the animation that it is a frame of.
        mirror_of: texture name -> the texture whose mirror image it is.
        notes: texture name -> a warning that arose here.
        warnings: the same about no texture in particular.
    """

    jobs: tuple[Job, ...]
    piece_of: Mapping[str, ResultRef] = field(default_factory=dict)
    duplicate_of: Mapping[str, str] = field(default_factory=dict)
    group_of: Mapping[str, str] = field(default_factory=dict)
    spot_of: Mapping[str, Spot] = field(default_factory=dict)
    variant_of: Mapping[str, Variant] = field(default_factory=dict)
    frame_of: Mapping[str, Frame] = field(default_factory=dict)
    mirror_of: Mapping[str, Mirror] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def bytes_to_come(self) -> int:
        """Memory that the packs and the manifest of all textures will take."""
        return BYTES_TO_COME * len(self.piece_of)

    def plan_of(self, item: SurveyedTexture) -> Plan:
        """Return what is done to a texture as a part of what it belongs to: a split picture, a family, a sheet."""
        name = item.source.name
        piece = self.piece_of.get(name)
        own = piece is not None and piece.item.source.name == name
        return piece.item.plan if piece and (own or name in self.variant_of) else item.plan

    def entry(self, item: SurveyedTexture) -> Entry:
        """Return the manifest entry of a texture with its part in the work, before anything was written."""
        name = item.source.name
        note, group, plan = self.notes.get(name), self.group_of.get(name), self.plan_of(item)
        by = plan.decided_by
        return replace(
            replace(item, plan=plan).entry(),
            decided_by=replace(by, action=f"group {group}: {by.action}") if group else by,
            duplicate_of=self.duplicate_of.get(name),
            group=group,
            spot=self.spot_of.get(name),
            variant=self.variant_of.get(name),
            frame=self.frame_of.get(name),
            mirror=self.mirror_of.get(name),
            warnings=(*item.warnings, *((note,) if note else ())),
        )


@dataclass(frozen=True, slots=True)
class JobResult:
    """A job that is finished, or failed with a reason; `cached` when its result was in the store already."""

    job: Job
    cached: bool = False
    reason: str | None = None


def is_stored(job: Job, store: ResultStore) -> bool:
    """Return whether all results of a job are in the store."""
    return all(store.has(piece.key) for piece in job.pieces)


def texels_of(job: Job) -> int:
    """Return the source texels of a job."""
    return sum(piece.item.size[0] * piece.item.size[1] for piece in job.pieces)
