"""What the commands about models tell of one: architecture, scale, borders, and how fast it is on this computer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.errors import TexpipeError

if TYPE_CHECKING:
    from texpipe.networks.overviews import Overview

SECONDS = 1.0
"""Time to measure a model for, after a first batch."""


@dataclass(frozen=True)
class ModelFacts:
    """What is known of a model.

    Attributes:
        line: for people; empty where nothing is known.
        architecture, scale, borders: as in `overviews.Overview`; None where unknown.
        per_second: textures of 32 x 32 texels a second, as this computer computes by default.
    """

    line: str = ""
    architecture: str | None = None
    scale: int | None = None
    borders: str | None = None
    per_second: float | None = None

    def as_json(self) -> dict[str, str | int | float | None]:
        """Return the facts for machines; nothing of a model about which nothing is known."""
        if not self.line:
            return {}
        return {
            "architecture": self.architecture,
            "scale": self.scale,
            "borders": self.borders,
            "textures_per_second": self.per_second,
        }


def facts_of(path: Path | None, *, measure: bool = False) -> ModelFacts:
    """Return what is known of a model.

    Args:
        path: its file; None for one that is not installed.
        measure: load it and measure what is not known yet.
    """
    from texpipe.networks import overviews
    from texpipe.networks.catalogue import describe
    from texpipe.upscale.backend import identity

    if path is None:
        return ModelFacts()
    try:
        file = describe(path)
        known = overviews.kept(file.sha256)
        if known is None and not measure:
            return ModelFacts()
        engine = identity("auto", "auto")
        if known is None or (measure and engine not in known.speeds):
            known = _measured(path, engine, known)
            overviews.keep(file.sha256, known)
    except TexpipeError as error:
        return ModelFacts(line=f"cannot be used: {error.message}")
    speed = known.speeds.get(engine)
    told = "speed not measured" if speed is None else f"{speed:.3g} textures of 32x32 a second here"
    return ModelFacts(
        f"{known.architecture}, {known.scale}x, {known.borders}, {told}",
        known.architecture,
        known.scale,
        known.borders,
        speed,
    )


def _measured(path: Path, engine: str, known: Overview | None) -> Overview:
    """Load a model and time it.

    Raises:
        TexpipeError: it cannot be loaded, or the device fails.
    """
    from texpipe.doctor.speed import textures_per_second
    from texpipe.networks.catalogue import describe
    from texpipe.networks.describe import description_of
    from texpipe.networks.overviews import Overview
    from texpipe.upscale.open_engine import open_engine

    if known is None:
        found = description_of(describe(path))
        said = found.architecture
        known = Overview(str(said.get("type", "?")), int(said.get("scale", 1)), found.borders)
    return known.with_speed(engine, textures_per_second(open_engine([path], "auto", "auto"), SECONDS))
