"""What a run did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from texpipe.errors import ExitCode
from texpipe.manifest.schema import Manifest, summary_as_json
from texpipe.output.fitting import Fit
from texpipe.planning.amount import Forecast
from texpipe.planning.sample import SampleSize


@dataclass(frozen=True)
class RunResult:
    """What a run did.

    Attributes:
        manifest: one entry per texture, and the summary counts.
        output: the folder that was (or would be) written.
        computed, cached: pictures that were upscaled now, and that the store had.
        computed_by: device, as people say it -> how many pictures it computed, in the order in which they did.
        ignored: how many files were no textures, by kind.
        warnings: lines for people about what did not stop the run.
        problems: one line for each rule of an emulator that the finished packs break, and for each empty pack.
        where_to: lines for people: where each pack is and where to copy it.
        seconds: wall-clock time.
        dry_run: nothing was written.
        sample: how many pictures were made, where only a sample was asked for.
        whole_seconds: what the whole dump would take, where only a sample was made and its pictures were computed now.
        forecast: what a run would need, where it was only planned and that is known.
        shard: (i, n) when only this part was computed, and no pack written.
        fits: how each pack keeps the budget, where there is one.
        expected: bytes of the largest pack at the recipe's scale, about, where it was only planned.
    """

    manifest: Manifest
    output: Path
    computed: int
    cached: int
    ignored: Mapping[str, int]
    warnings: tuple[str, ...]
    where_to: tuple[str, ...]
    seconds: float
    dry_run: bool = False
    shard: tuple[int, int] | None = None
    problems: tuple[str, ...] = ()
    sample: SampleSize | None = None
    whole_seconds: float | None = None
    computed_by: Mapping[str, int] = field(default_factory=dict)
    forecast: Forecast | None = None
    fits: tuple[Fit, ...] = ()
    expected: int | None = None

    @property
    def exit_code(self) -> ExitCode:
        """`OK`, `SOME_FAILED` if a texture failed, or `PACK` if a pack is empty or breaks a rule."""
        if self.problems:
            return ExitCode.PACK
        failed = any(entry.status == "failed" for entry in self.manifest.textures)
        return ExitCode.SOME_FAILED if failed else ExitCode.OK

    def skip_reasons(self) -> dict[str, int]:
        """Return how many textures were skipped for which reason, commonest first."""
        reasons = Counter(entry.reason or "" for entry in self.manifest.textures if entry.status == "skipped")
        return dict(reasons.most_common())

    def as_json(self) -> dict[str, Any]:
        """Return the result for machines."""
        return {
            "output": str(self.output),
            "summary": summary_as_json(self.manifest.summary),
            "computed": self.computed,
            "computed_by": dict(self.computed_by),
            "cached": self.cached,
            "seconds": round(self.seconds, 3),
            "dry_run": self.dry_run,
            "failed": {e.source: e.reason for e in self.manifest.textures if e.status == "failed"},
            "warnings": list(self.warnings),
            "problems": list(self.problems),
            **({"forecast": asdict(self.forecast)} if self.forecast else {}),
            **({} if self.expected is None else {"expected_bytes": self.expected}),
            **({"budget": {fit.target: fit.as_json() for fit in self.fits}} if self.fits else {}),
        }
