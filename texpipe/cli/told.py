"""What a run tells at its end, without the textures: also what a later run tells that finds nothing to do."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texpipe.cli.worst import may_repeat, uncertain, worst
from texpipe.progress import in_bytes
from texpipe.storage.small_files import RefusedFileError, refusing

if TYPE_CHECKING:
    from texpipe.output.result import RunResult
    from texpipe.planning.amount import Forecast
    from texpipe.planning.sample import SampleSize

_SHOWN_WORST = 5
"""Largest number of conspicuous textures that the summary lists."""
_SHARES = {2: "half", 4: "a quarter of their", 8: "an eighth of their"}
"""Words for sizes that textures are reduced to, by the factor."""


@dataclass(frozen=True)
class Told:
    """What the summary of a run is made of.

    Attributes:
        document: the result for machines.
        output: the folder that was (or would be) written.
        exit_code: of the command.
        written: number of textures in the packs.
        duplicates, by_hand, pieces: how many of them are equal to others, were made by hand, and are pieces of split
            pictures.
        failed: a line for each texture that failed.
        warnings, problems: as `RunResult` has them.
        skipped: how many textures were skipped for which reason, commonest first.
        ignored: how many files were no textures, by kind.
        kept: a line for each texture whose file somebody else made.
        any_edited: whether one of these files was edited.
        worst: a line for each of the most conspicuous textures.
        may_repeat: number of textures that may repeat or not.
        uncertain: a line for each of them but duplicates, worst first.
        filled: targets whose pack has a texture.
        seconds, computed, computed_by, cached: as `RunResult` has them.
        dry_run, shard, sample, whole_seconds, forecast, expected: as `RunResult` has them.
        budget: bytes that each pack may have, where that is limited.
        fits: a line for each pack that has a budget.
    """

    document: Mapping[str, Any]
    output: str
    exit_code: int
    written: int
    duplicates: int
    by_hand: int
    pieces: int
    failed: tuple[str, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    skipped: tuple[tuple[str, int], ...]
    ignored: Mapping[str, int]
    kept: tuple[str, ...]
    any_edited: bool
    worst: tuple[str, ...]
    may_repeat: int
    uncertain: tuple[str, ...]
    filled: tuple[str, ...]
    seconds: float
    computed: int
    computed_by: Mapping[str, int]
    cached: int
    dry_run: bool = False
    shard: tuple[int, int] | None = None
    sample: SampleSize | None = None
    whole_seconds: float | None = None
    forecast: Forecast | None = None
    expected: int | None = None
    budget: int | None = None
    fits: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder that was (or would be) written."""
        return Path(self.output)

    def repeated(self, seconds: float) -> Told:
        """Return what a run tells that finds all of it done after `seconds`."""
        counts: dict[str, Any] = {
            "computed": 0,
            "computed_by": dict.fromkeys(self.computed_by, 0),
            "cached": self.computed + self.cached,
        }
        document = {**self.document, **counts, "seconds": round(seconds, 3)}
        return replace(self, document=document, seconds=seconds, **counts)


def told(result: RunResult) -> Told:
    """Return what is told of a run."""
    textures, counts = result.manifest.textures, result.manifest.summary
    kept = [entry for entry in textures if entry.status in ("edited", "foreign")]
    return Told(
        document=result.as_json(),
        output=str(result.output),
        exit_code=int(result.exit_code),
        written=counts.written + counts.copied,
        duplicates=counts.duplicates,
        by_hand=counts.by_hand,
        pieces=sum(entry.group is not None and entry.status == "written" for entry in textures),
        failed=tuple(f"{entry.source}: {entry.reason}" for entry in textures if entry.status == "failed"),
        warnings=result.warnings,
        problems=result.problems,
        skipped=tuple(result.skip_reasons().items()),
        ignored=dict(result.ignored),
        kept=tuple(str(entry.reason) for entry in kept),
        any_edited=any(entry.status == "edited" for entry in kept),
        worst=tuple(worst(textures, _SHOWN_WORST)),
        may_repeat=may_repeat(textures),
        uncertain=tuple(uncertain(textures)),
        filled=tuple(dict.fromkeys(one.target for entry in textures for one in entry.outputs)),
        seconds=result.seconds,
        computed=result.computed,
        computed_by=dict(result.computed_by),
        cached=result.cached,
        dry_run=result.dry_run,
        shard=result.shard,
        sample=result.sample,
        whole_seconds=result.whole_seconds,
        forecast=result.forecast,
        expected=result.expected,
        budget=result.manifest.budget,
        fits=tuple(_fits(result)),
    )


def _fits(result: RunResult) -> Iterator[str]:
    """Yield a line for each pack that has a budget: its size, and which textures were made smaller for it."""
    for fit in result.fits:
        size, budget = in_bytes(fit.size), in_bytes(fit.budget)
        if not fit.lost:
            yield f"{fit.target}: {size}, within the budget of {budget} at full scale"
            continue
        smaller = " and ".join(
            f"{count:,} at {_SHARES.get(result.manifest.scale // scale, f'{scale} times')} size"
            for scale, count in fit.by_scale().items()
        )
        yield (
            f"{fit.target}: {size} instead of {in_bytes(fit.full)}, to stay below {budget}. Textures written smaller: "
            f"{smaller}; they lose least ({fit.mean_loss:.1f} levels of 255 on average)"
        )


def told_as_text(one: Told) -> str:
    """Return what is told of a run that wrote whole packs as JSON, in the order of its keys, for `told_before`."""
    return json.dumps(asdict(one))


def told_before(text: str) -> Told | None:
    """Return what an earlier run of this version told; None if the text is another's."""
    with suppress(RefusedFileError), refusing(Path("finished")):
        kept = json.loads(text)
        lists = {name: tuple(value) for name, value in kept.items() if isinstance(value, list)}
        skipped = tuple((reason, number) for reason, number in kept["skipped"])
        return Told(**{**kept, **lists, "skipped": skipped})
    return None
