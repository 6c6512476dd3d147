"""The manifest of a pack: the result of every texture, and why. Two runs of one recipe write the same bytes.

It has no times, host names or absolute paths; what may differ between runs goes to `run.json`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from texpipe.relations import Frame, Mirror, Spot, Variant
from texpipe.texture import AlphaClass, Axes, Decisions, Edges, Kind, Likely, Metrics, Status, TexelFormat

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

SCHEMA: Literal["texpipe.manifest/1"] = "texpipe.manifest/1"

LAYERS_SCHEMA: Literal["texpipe.layers/1"] = "texpipe.layers/1"
"""Schema of the manifest of a pack that was merged out of several (`upkeep/layers_manifest.py`)."""

Maker: TypeAlias = Literal["model", "nearest", "hand", "copied", "edited", "foreign"]
"""Who made a texture's picture: a model, texpipe by repeating texels, a person, or nobody (it is the source)."""

Kept: TypeAlias = Literal["edited", "foreign"]
"""Whose a file is that a run keeps although it would write another one there."""

_STRICT = {"extra": "forbid", "strict": True}


@dataclass(frozen=True, slots=True)
class Output:
    """A file of the pack: `path` below the output folder, hex `sha256` of its bytes, `size` of the picture (w, h).

    `kept` says that texpipe left another file in its place: `edited` if somebody changed what texpipe wrote there,
    `foreign` if texpipe never wrote it. `sha256` and `size` then are those of the result that was not written.
    `scale` says how many times its source the picture is, and `loss` how many levels that costs it, if the manifest's
    `budget` made it smaller than the manifest's `scale`; both None elsewhere.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    target: str
    path: str
    sha256: str
    size: tuple[int, int]
    kept: Kept | None = None
    scale: int | None = None
    loss: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where the picture of a texture comes from.

    Attributes:
        kind: `model` if it was upscaled, `nearest` if texels were repeated, `hand` for a picture that somebody made and
            the recipe's `overrides` have, `copied` for the source as it is; `edited` if somebody changed a file of the
            pack, `foreign` if another program or person put one there.
        model: name of the model, or of several that it went through, with ` + ` between them; the manifest's `model`
            or `models` have their digests and licences.
        detail: where the model's dial stood, 0 (faithful) to 1 (inventive); None if it has none.
        file: path of a hand-made picture below its folder, and `sha256` the hex digest of its bytes; also where an
            edited or foreign file is in its place.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    kind: Maker
    model: str | None = None
    detail: float | None = None
    file: str | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class PackFile:
    """A file of the pack that belongs to no texture alone, such as a list of names; `path` and `sha256` as `Output`."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    target: str
    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """The result of one texture; the same object as `inspect --json` prints, which leaves `outputs` empty.

    Attributes:
        source: the texture's name: its path below the input folder, with forward slashes.
        sha256: hex digest of the source file's bytes; None if it cannot be read.
        size: width and height of the source in texels; None if it cannot be decoded.
        id: the parsed emulator name (`EmulatorName.as_json`), or None.
        alpha, edges: how the texture is treated, and `decided_by` who decided that and the action.
        duplicate_of: the source whose result this one shares.
        group: the name of the split picture that it is a piece of.
        spot: where in that picture it lies, and who says so.
        variant: the texture that gave it and others their structure, and how they are known to be variants.
        frame: the animation that it is a frame of, and how that is known.
        mirror: the texture whose mirror image it is, along which axis, and how that is known.
        status: written, copied, skipped, failed, or edited or foreign if a file that texpipe kept is in its place;
            `reason` says why one of the last four.
        warnings: what decoding had to change, one line each.
        format: format of the texels on the console, if known.
        undecided: the axes that may repeat or not, treated so that neither mistake shows; None where all is decided.
        input: which of several inputs it is from, a name of `Manifest.inputs`; None of a single one.
        instead_of: the inputs that have another picture under its name, which is not used.
        repeats: how likely axes repeat, 0 to 1, that are undecided or repeated against the odds; None if none is.
        kind: what it shows; None where that is not sure, and `kind_confidence` the probability of the likeliest kind, 0
            to 1; both None of what cannot be read, and in older manifests.
        by: where its picture comes from; None if it has none, and in manifests of texpipe before 0.2.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    source: str
    status: Status
    sha256: str | None = None
    size: tuple[int, int] | None = None
    id: Mapping[str, str | int | None] | None = None
    alpha: AlphaClass | None = None
    edges: Edges | None = None
    decided_by: Decisions | None = None
    duplicate_of: str | None = None
    group: str | None = None
    spot: Spot | None = None
    variant: Variant | None = None
    frame: Frame | None = None
    mirror: Mirror | None = None
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    format: TexelFormat | None = None
    undecided: Axes | None = None
    repeats: Likely | None = None
    outputs: tuple[Output, ...] = ()
    metrics: Metrics | None = None
    input: str | None = None
    instead_of: tuple[str, ...] = ()
    by: Provenance | None = None
    kind: Kind | None = None
    kind_confidence: float | None = None


@dataclass(frozen=True)
class RecipeId:
    """The recipe that made a pack: its name and the hex sha256 of its file's bytes."""

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    name: str
    sha256: str


@dataclass(frozen=True)
class ModelId:
    """The model that made a pack: its name, the hex sha256 of its weights file and its licence, if known.

    `architecture` and `borders` are those of a model that another package knows: what it is, and how right the borders
    of its results are.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    name: str
    sha256: str
    licence: str | None
    architecture: str | None = None
    borders: str | None = None


@dataclass(frozen=True)
class Summary:
    """Counts of textures by status, of duplicates and hand-made ones among them, and of other files in the input.

    `conflicts` counts textures that have other pixels in another input.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    written: int = 0
    copied: int = 0
    skipped: int = 0
    failed: int = 0
    duplicates: int = 0
    ignored: int = 0
    edited: int = 0
    foreign: int = 0
    conflicts: int = 0
    by_hand: int = 0


@dataclass(frozen=True)
class Manifest:
    """A whole pack. `textures` are put in order of their source names, by code point.

    `inputs` has the names of the inputs where there are several: each as much of its path as tells them apart.
    `models` are all models of a run that has several, and `licence` then is the strictest of their licences.
    `budget` is the largest size that each target's pack was allowed to have, in bytes; None if it was not limited.
    `varies` says why another run on the same machine may end in other bytes; None where it cannot. `refused` has a line
    for every target and path of the file that was left out when it was read, because it leads elsewhere; it is not
    written.
    """

    __pydantic_config__: ClassVar[Mapping[str, object]] = _STRICT

    texpipe: str
    recipe: RecipeId
    model: ModelId
    scale: int
    targets: tuple[str, ...]
    textures: tuple[Entry, ...]
    summary: Summary
    files: tuple[PackFile, ...] = ()
    varies: str | None = None
    models: tuple[ModelId, ...] = ()
    licence: str | None = None
    schema: Literal["texpipe.manifest/1"] = SCHEMA
    refused: tuple[str, ...] = ()
    inputs: tuple[str, ...] = ()
    budget: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "textures", tuple(sorted(self.textures, key=lambda entry: entry.source)))


def summarise(textures: Iterable[Entry], *, ignored: int) -> Summary:
    """Count textures by status.

    Args:
        textures: the manifest's entries.
        ignored: number of files in the input that are no pictures.
    """
    entries = tuple(textures)

    def count(status: Status) -> int:
        return sum(entry.status == status for entry in entries)

    return Summary(
        written=count("written"),
        copied=count("copied"),
        skipped=count("skipped"),
        failed=count("failed"),
        edited=count("edited"),
        foreign=count("foreign"),
        duplicates=sum(entry.duplicate_of is not None for entry in entries),
        conflicts=sum(bool(entry.instead_of) for entry in entries),
        by_hand=sum(entry.by is not None and entry.by.kind == "hand" for entry in entries),
        ignored=ignored,
    )


def entry_as_json(entry: Entry) -> dict[str, Any]:
    """Return the JSON object of one texture, keys in the documented order, numbers rounded to 4 decimals."""
    several = {"input": entry.input, "instead_of": entry.instead_of}
    known = (
        {}
        if entry.kind_confidence is None
        else {"kind": entry.kind, "kind_confidence": entry.kind_confidence}
    )
    likely = {"repeats": fields_of(entry.repeats)} if entry.repeats else {}
    return {
        "source": entry.source,
        **{key: value for key, value in several.items() if value},
        "sha256": entry.sha256,
        "size": entry.size,
        "id": entry.id and dict(entry.id),
        "alpha": entry.alpha,
        "edges": entry.edges and fields_of(entry.edges),
        "decided_by": entry.decided_by and fields_of(entry.decided_by),
        "duplicate_of": entry.duplicate_of,
        "group": entry.group,
        "spot": entry.spot and fields_of(entry.spot),
        "variant": entry.variant and fields_of(entry.variant),
        "frame": entry.frame and fields_of(entry.frame),
        "mirror": entry.mirror and fields_of(entry.mirror),
        "status": entry.status,
        "reason": entry.reason,
        "by": entry.by and _without_none(fields_of(entry.by), *fields_of(entry.by)),
        "warnings": entry.warnings,
        "format": entry.format,
        **known,
        "undecided": entry.undecided and fields_of(entry.undecided),
        **likely,
        "outputs": [_without_none(fields_of(output), "kept", "scale", "loss") for output in entry.outputs],
        "metrics": entry.metrics
        and {name: _rounded(value) for name, value in fields_of(entry.metrics).items()},
    }


def as_json(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest's JSON object, keys in the documented order."""
    return {
        "schema": manifest.schema,
        "texpipe": manifest.texpipe,
        "recipe": vars(manifest.recipe),
        "model": model_as_json(manifest.model),
        **several_as_json(manifest),
        "scale": manifest.scale,
        **({} if manifest.budget is None else {"budget": manifest.budget}),
        "targets": manifest.targets,
        "varies": manifest.varies,
        **({"inputs": manifest.inputs} if manifest.inputs else {}),
        "summary": summary_as_json(manifest.summary),
        "files": [fields_of(file) for file in manifest.files],
        "textures": [entry_as_json(entry) for entry in manifest.textures],
    }


def model_as_json(model: ModelId) -> dict[str, str | None]:
    """Return a model's JSON object; what is known of other architectures alone is only there for those."""
    return {key: value for key, value in vars(model).items() if value is not None or key == "licence"}


def several_as_json(manifest: Manifest) -> dict[str, Any]:
    """Return what a manifest says of several models; nothing for one."""
    if not manifest.models:
        return {}
    return {"models": [model_as_json(one) for one in manifest.models], "licence": manifest.licence}


def summary_as_json(summary: Summary) -> dict[str, int]:
    """Return the counts by name; those that most packs have none of only where there are any."""
    rare = ("edited", "foreign", "conflicts", "by_hand")
    return {name: count for name, count in vars(summary).items() if count or name not in rare}


def _without_none(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in names or value is not None}


def fields_of(value: DataclassInstance) -> dict[str, Any]:
    """Return the fields of a value by name, in order and as they are: `vars` for values with slots."""
    return {name: getattr(value, name) for name in _names(type(value))}


@cache
def _names(kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _rounded(value: float | None) -> float | None:
    """Round to 4 decimals, without a negative zero; a number that is not finite becomes None."""
    return round(float(value), 4) + 0.0 if value is not None and math.isfinite(value) else None
