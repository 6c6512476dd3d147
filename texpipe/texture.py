"""Frozen values passed between the rooms: what a texture is, what is planned for it and what became of it.

Pictures are numpy arrays, H x W x C, RGB order, straight alpha: uint8 in [0, 255] when stored or shown,
float32 in [0, 1] inside `passes/` and `upscale/`. Nobody writes into an array that came out of another room.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

AlphaClass: TypeAlias = Literal["opaque", "binary", "ternary", "soft", "mask", "data"]
EdgeMode: TypeAlias = Literal["wrap", "mirror", "clamp"]
Action: TypeAlias = Literal["upscale", "nearest", "copy", "skip"]
PlannedAction: TypeAlias = Literal["hand", Action]
"""What a plan does: what a recipe can say, or take a picture that was made by hand."""
Colour: TypeAlias = Literal["match", "histogram", "off"]
Consistency: TypeAlias = Literal["loose", "strict"]
Clean: TypeAlias = Literal["auto", "off"]
Winner: TypeAlias = Literal["newest", "first", "last"]
Outline: TypeAlias = Literal["smooth", "hard"]
Status: TypeAlias = Literal["written", "copied", "skipped", "failed", "edited", "foreign"]
Kind: TypeAlias = Literal["letters", "hud", "face", "cut-out", "ground", "picture", "data"]
"""What a texture shows; `data` is stored as a texture and is no picture."""
KINDS: tuple[Kind, ...] = get_args(Kind)
Tiles: TypeAlias = Literal["true", "false", "uncertain"]
"""Whether a texture repeats along an axis."""
TexelFormat: TypeAlias = Literal[
    "rgba16", "rgba32", "yuv16", "ci4", "ci8", "ia4", "ia8", "ia16", "i4", "i8", "psx4", "psx8", "psx16"
]

Rgba8: TypeAlias = NDArray[np.uint8]
"""H x W x 4, straight alpha."""
RgbF: TypeAlias = NDArray[np.float32]
"""H x W x 3 in [0, 1]."""
PlaneF: TypeAlias = NDArray[np.float32]
"""H x W in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Edges:
    """What lies beyond the border of a texture, per axis: `x` left and right, `y` top and bottom.

    `wrap` repeats the texture, `mirror` repeats it flipped (the edge texel twice), `clamp` holds the edge texel.
    """

    x: EdgeMode = "clamp"
    y: EdgeMode = "clamp"


@dataclass(frozen=True, slots=True)
class Axes:
    """Of which axes something is true: `x` left and right, `y` top and bottom."""

    x: bool = False
    y: bool = False

    def __bool__(self) -> bool:
        return self.x or self.y


@dataclass(frozen=True, slots=True)
class Likely:
    """How likely axes repeat, 0 to 1; None where that is certain enough."""

    x: float | None = None
    y: float | None = None

    def __bool__(self) -> bool:
        return self.x is not None or self.y is not None


@dataclass(frozen=True, slots=True)
class EmulatorName:
    """What an emulator's file name says of a texture.

    Attributes:
        scheme: the grammar it was read by, a module name of `formats/` such as "gliden64".
        game: the ROM header name, disc serial or archive that the name belongs to, if it says so.
        texels: the format of the texels on the console, if it says so.
        fields: the other parts of the name, in the scheme's own terms; JSON-able.
    """

    scheme: str
    game: str | None = None
    texels: TexelFormat | None = None
    fields: tuple[tuple[str, str | int], ...] = ()

    def as_json(self) -> dict[str, str | int | None]:
        """Return the flat object that the manifest shows as `id`."""
        return {"scheme": self.scheme, "game": self.game, "texels": self.texels, **dict(self.fields)}


@dataclass(frozen=True, slots=True, eq=False)
class FlatName(Mapping[str, "str | int | None"]):
    """`EmulatorName.as_json` without its dictionary, which takes more memory than all else of a manifest's entry."""

    name: EmulatorName

    def __getitem__(self, key: str) -> str | int | None:
        return self.name.as_json()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.name.as_json())

    def __len__(self) -> int:
        return len(self.name.as_json())


@dataclass(frozen=True, slots=True)
class Source:
    """A texture file that a scan found.

    Attributes:
        name: path relative to the scanned folder, with forward slashes: the texture's name everywhere.
        root: the file, or a folder that it is in: many textures have one.
        emulator: its parsed file name, or None for a name that no grammar knows.
        member: which picture of a file that holds several, in the terms of that file's reader.
        alpha_file: the picture whose red channel is this one's alpha, of an old `_rgb` and `_a` pair.
        below: path of the file below `root`; "" if that is the file.
    """

    name: str
    root: Path
    emulator: EmulatorName | None = None
    member: str | None = None
    alpha_file: Path | None = None
    below: str = ""

    @property
    def file(self) -> Path:
        """Where it is."""
        return self.root / self.below


@dataclass(frozen=True)
class StoredForm:
    """How the picture file held its pixels, before they became RGBA8: evidence for the classifier.

    Attributes:
        mode: Pillow's mode of the file ("P", "RGBA", "L", ...).
        bits: bits per channel in the file.
        palette: number of palette entries used, or None without a palette.
    """

    mode: str
    bits: int = 8
    palette: int | None = None


@dataclass(frozen=True, eq=False)
class Texture:
    """A decoded texture.

    Attributes:
        source: where it came from.
        rgba: H x W x 4 uint8, straight alpha, hidden RGB as the file had it.
        sha256: hex digest of the file's bytes.
        stored: how the file held the pixels.
        warnings: what decoding had to change, one line each.
        edges: how it goes on beyond its borders, where the dump says so.
    """

    source: Source
    rgba: Rgba8
    sha256: str
    stored: StoredForm
    warnings: tuple[str, ...] = ()
    edges: Edges | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in texels."""
        return self.rgba.shape[1], self.rgba.shape[0]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What is weighed where no fact decides about an axis.

    Attributes:
        odds: log odds that it repeats.
        clamp, wrap: visible harm, in levels, of a clamp if it repeats and of a wrap if it ends.
        step: the step across the seam over a usual one.
    """

    odds: float
    clamp: float
    wrap: float
    step: float


_EVEN = 0.5
"""Probability at which an axis as well repeats as not."""


@dataclass(frozen=True, slots=True)
class AxisGuess:
    """What the classifier thinks of one axis: a mode, how sure it is (0 to 1) and why, in one line.

    `undecided`: it may as well repeat, with a probability of `confidence`; the mode is `clamp`. `doubt` is what was
    weighed, None if a fact decided.
    """

    mode: EdgeMode
    confidence: float
    reason: str
    undecided: bool = False
    doubt: Doubt | None = None

    @property
    def repeats(self) -> float | None:
        """How likely it repeats, where a person should say whether it does: undecided, or repeated against the odds."""
        against_odds = self.mode == "wrap" and self.confidence < _EVEN
        return self.confidence if self.undecided or against_odds else None


@dataclass(frozen=True, slots=True)
class KindGuess:
    """What a texture shows, None where that is not sure, and the probability of the likeliest kind, 0 to 1."""

    kind: Kind | None
    confidence: float


UNSURE = KindGuess(None, 0.0)
"""The guess of what nothing can be told of."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a texture is, as far as its pixels and its name tell.

    Attributes:
        alpha: alpha class, and `alpha_reason` one line of evidence.
        x, y: tileability per axis.
        texels: the console format: from the name, else the smallest that holds the pixels exactly, else None.
        texels_reason: one line of evidence.
        colours: number of distinct visible colours (RGB where alpha > 0).
        grey: R = G = B wherever alpha > 0.
        flat: one visible colour, or nothing visible at all.
        tiny: a side of at most 4 texels.
        kind: what it shows.
    """

    alpha: AlphaClass
    alpha_reason: str
    x: AxisGuess
    y: AxisGuess
    texels: TexelFormat | None
    texels_reason: str
    colours: int
    grey: bool
    flat: bool
    tiny: bool
    kind: KindGuess = UNSURE

    @property
    def tiles(self) -> Tiles:
        """Whether it repeats along any axis, mirrored or not; uncertain if it may and nothing is decided."""
        if self.x.mode != "clamp" or self.y.mode != "clamp":
            return "true"
        return "uncertain" if self.x.undecided or self.y.undecided else "false"


@dataclass(frozen=True, slots=True)
class Decisions:
    """Who decided what of a plan: one short line each, "classify: ..." or "rule 2: ..."."""

    action: str
    alpha: str
    x: str
    y: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done to a texture. Together with its pixels and the model it determines the result.

    `decided_by` and `repeats` are for people and stay out of the store's key. `cells` is the width and height of the
    pictures on an atlas, if a rule says that it is one. `detail` is where the model's dial stands, 0 (faithful) to 1
    (inventive). On `undecided` axes, `clamp` in `edges`, the result is to look right whether the texture repeats or
    not; `repeats` says how likely that is, there and where an axis is repeated against the
    odds. `model` is what a rule names, one model after the other; empty for the recipe's.
    """

    action: PlannedAction
    alpha: AlphaClass
    edges: Edges
    scale: int
    colour: Colour
    grey: bool
    decided_by: Decisions = field(compare=False)
    cells: tuple[int, int] | None = None
    consistency: Consistency = "loose"
    clean: Clean = "off"
    detail: float = 0.0
    undecided: Axes = Axes()
    repeats: Likely = field(default=Likely(), compare=False)
    outline: Outline = "smooth"
    model: tuple[str, ...] = ()

    @property
    def is_computed(self) -> bool:
        """Whether pixels are made of the source's; a copy or a texture that is left out needs none."""
        return self.action in ("upscale", "nearest")

    def with_edges_of(self, other: Plan, by: str) -> Plan:
        """Return this plan with the edges of another one; `by` says who decided that, if they differ."""
        if (self.edges, self.undecided) == (other.edges, other.undecided):
            return self
        reasons = replace(self.decided_by, x=by, y=by)
        return replace(
            self,
            edges=other.edges,
            undecided=other.undecided,
            repeats=other.repeats,
            decided_by=reasons,
        )


@dataclass(frozen=True, eq=False)
class Pass:
    """One 3-channel picture for the network: `rgb` H x W x 3 float32 in [0, 1], its edges, and the dial's place."""

    rgb: RgbF
    edges: Edges
    detail: float = 0.0


@dataclass(frozen=True, slots=True)
class Metrics:
    """Measured on a finished texture; None where a thing has no meaning for it.

    Attributes:
        seam_x, seam_y: step across the seam of the result over the mean step between texels inside; 1 is seamless.
            None where clamped.
        source_seam_x, source_seam_y: the same of the source: what there was before.
        colour_drift: mean absolute difference of means over 8 x 8 texels between the box-reduced result and the source,
            where visible, in levels: tone.
        alpha_coverage_drift: difference in the share of area with alpha >= 128.
        box_distance: mean distance of the box-reduced result from what each texel could have been before it was stored,
            in levels: detail that was lost or invented.
        repeat_x, repeat_y: as `seam_x`, for every axis: what there would be to see if the game repeated the texture.
        repeat_step_x, repeat_step_y: that step itself, in levels.
    """

    seam_x: float | None = None
    seam_y: float | None = None
    colour_drift: float | None = None
    alpha_coverage_drift: float | None = None
    source_seam_x: float | None = None
    source_seam_y: float | None = None
    box_distance: float | None = None
    repeat_x: float | None = None
    repeat_y: float | None = None
    repeat_step_x: float | None = None
    repeat_step_y: float | None = None
