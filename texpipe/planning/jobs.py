"""What there is to compute, each picture once, and what every texture gets of it.

A job is one picture and the textures that get their pixels from it: a single texture with all its duplicates, the
pieces of a picture that the console had to split, or a picture that is derived from finished results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.groups.split.stitching import SplitPicture
from texpipe.manifest.schema import Entry, Provenance
from texpipe.passes import make_passes, recombine
from texpipe.passes.atlas import Atlas, Cell
from texpipe.read.hand_made import HandMade
from texpipe.relations import Flip, Frame, Mirror, Spot, Variant
from texpipe.storage.results import ResultStore
from texpipe.texture import Pass, Plan, Rgba8, RgbF

RECORD_BYTES = 2 << 10
"""Bytes that a texture still takes when its pixels are made, for its metrics, its files and its entry in the manifest:
1.1 KB in a first run, 2.1 KB in one that also reads what an earlier run wrote."""


@dataclass(frozen=True, slots=True)
class ResultRef:
    """A texture that a job makes, and the store key of its result."""

    item: SurveyedTexture
    key: str


@dataclass(frozen=True, slots=True)
class _OneTexture:
    """What all jobs of one texture have: its result and the `content`, a digest of pixels and plan alone.

    The content is the same on machines that compute differently. Jobs of which one is derived from the other have the
    same content, so that they stay in one shard.
    """

    result: ResultRef
    content: str

    @property
    def plan(self) -> Plan:
        """What is done to the texture."""
        return self.result.item.plan

    @property
    def pieces(self) -> tuple[ResultRef, ...]:
        """The results that it makes."""
        return (self.result,)

    @property
    def made_of(self) -> tuple[ResultRef, ...]:
        """The finished results that it is derived from."""
        return ()


@dataclass(frozen=True, slots=True)
class SingleTexture(_OneTexture):
    """A texture with all its duplicates: upscaled, or enlarged by repeating its texels."""

    def passes(self, picture: Rgba8) -> tuple[Pass, ...]:
        """Return what the network is to see of the picture."""
        return make_passes(picture, self.plan)

    def recombine(self, picture: Rgba8, results: tuple[RgbF, ...], passes: tuple[Pass, ...]) -> Rgba8:
        """Make the enlarged picture of its passes and their results."""
        return recombine(picture, self.plan, results, passes)


@dataclass(frozen=True, slots=True)
class AtlasJob(_OneTexture):
    """A sheet of pictures that are upscaled one by one."""

    atlas: Atlas

    def passes(self, picture: Rgba8) -> tuple[Pass, ...]:
        """Return what the network is to see of the sheet."""
        return self.atlas.passes(picture)

    def recombine(self, picture: Rgba8, results: tuple[RgbF, ...], passes: tuple[Pass, ...]) -> Rgba8:
        """Make the enlarged sheet of its passes and their results."""
        return self.atlas.recombine(picture, results, passes)


@dataclass(frozen=True, slots=True)
class SplitPictureJob:
    """A picture that the console had to split: joined, upscaled as one and split again into its `pieces`."""

    split: SplitPicture
    pieces: tuple[ResultRef, ...]
    content: str

    @property
    def plan(self) -> Plan:
        """What is done to the joined picture."""
        return self.split.plan

    @property
    def made_of(self) -> tuple[ResultRef, ...]:
        """Nothing: it needs its sources alone."""
        return ()

    def passes(self, picture: Rgba8) -> tuple[Pass, ...]:
        """Return what the network is to see of the joined picture."""
        sheet = self._sheet()
        return make_passes(picture, self.plan) if sheet is None else sheet.passes(picture)

    def recombine(self, picture: Rgba8, results: tuple[RgbF, ...], passes: tuple[Pass, ...]) -> Rgba8:
        """Make the enlarged picture of its passes and their results."""
        sheet = self._sheet()
        if sheet is None:
            return recombine(picture, self.plan, results, passes)
        return sheet.recombine(picture, results, passes)

    def _sheet(self) -> Atlas | None:
        """Return what lies inside of margins as a sheet of one picture; None without margins."""
        if not any(self.split.group.margins):
            return None
        cell = Cell(self.split.inside, self.plan)
        return Atlas((cell,), replace(self.plan, action="nearest"), "inside of margins")


@dataclass(frozen=True, slots=True)
class VariantJob(_OneTexture):
    """A texture in other colours: it takes the structure of the result `like`."""

    like: ResultRef

    @property
    def made_of(self) -> tuple[ResultRef, ...]:
        """The result whose structure it takes."""
        return (self.like,)


@dataclass(frozen=True, slots=True)
class FrameJob(_OneTexture):
    """A frame that is averaged with all `frames` of its animation, itself among them."""

    frames: tuple[ResultRef, ...]

    @property
    def made_of(self) -> tuple[ResultRef, ...]:
        """The results of all frames before they are averaged."""
        return self.frames


@dataclass(frozen=True, slots=True)
class MirroredJob(_OneTexture):
    """A texture that is another one, `original`, flipped by `axis`."""

    original: ResultRef
    axis: Flip

    @property
    def made_of(self) -> tuple[ResultRef, ...]:
        """The result that is flipped."""
        return (self.original,)


@dataclass(frozen=True, slots=True)
class HandMadeJob(_OneTexture):
    """A texture that gets a picture which somebody made by hand, in the pack's size."""

    made: HandMade


SourceJob: TypeAlias = SingleTexture | AtlasJob | SplitPictureJob
"""Jobs that need nothing but their sources."""

DerivedJob: TypeAlias = VariantJob | FrameJob | MirroredJob
"""Jobs that are made of the finished results of others, without the network."""

Job: TypeAlias = SourceJob | HandMadeJob | DerivedJob
"""One picture to compute."""


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
        made_by_hand: texture name -> the picture that it gets instead of a result.
        notes: texture name -> a warning that arose during planning.
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
    made_by_hand: Mapping[str, HandMade] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def record_bytes(self) -> int:
        """Bytes of memory that the packs and the manifest of all textures will take."""
        return RECORD_BYTES * len(self.piece_of)

    def plan_of(self, item: SurveyedTexture) -> Plan:
        """Return what is done to a texture as a part of a split picture, a set of variants or a sheet."""
        name = item.source.name
        piece = self.piece_of.get(name)
        own = piece is not None and piece.item.source.name == name
        return piece.item.plan if piece and (own or name in self.variant_of) else item.plan

    def entry(self, item: SurveyedTexture) -> Entry:
        """Return the manifest entry of a texture with what it belongs to, before anything was written."""
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
            by=provenance_of(plan, self.made_by_hand.get(name)),
            warnings=(*item.warnings, *((note,) if note else ())),
        )


def provenance_of(plan: Plan, made: HandMade | None = None) -> Provenance | None:
    """Return where the picture of a texture comes from by its plan; None if it has none.

    Which model it was, and where its dial stood, is not known here.
    """
    match plan.action:
        case "hand" if made is not None:
            return Provenance("hand", file=made.name, sha256=made.sha256 or None)
        case "copy":
            return Provenance("copied")
        case "nearest":
            return Provenance("nearest")
        case "upscale":
            return Provenance("model")
    return None


@dataclass(frozen=True, slots=True)
class JobResult:
    """A job that is finished, or failed with a reason; `cached` when its result was in the store already."""

    job: Job
    cached: bool = False
    reason: str | None = None


def is_stored(job: Job, store: ResultStore) -> bool:
    """Return whether all results of a job are in the store."""
    return all(store.has(piece.key) for piece in job.pieces)


def is_recorded(job: Job, store: ResultStore) -> bool:
    """Return whether the store has records of all results of a job: for an estimate, which needs no look at pictures.

    A torn picture counts as stored here, and is made all the same.
    """
    return all(store.record(piece.key) is not None for piece in job.pieces)


def count_pictures(jobs: Iterable[Job]) -> int:
    """Return how many pictures jobs make: a frame is made twice, alone and then averaged with the others."""
    return sum(not isinstance(job, FrameJob) for job in jobs)


def texels_of(job: Job) -> int:
    """Return the source texels of a job."""
    return sum(piece.item.size[0] * piece.item.size[1] for piece in job.pieces)
