"""What a run is asked to do: a recipe, and what the command line changes about it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

from texpipe.recipe.schema import Recipe

ExecutorName: TypeAlias = Literal["local", "ray"]

SAMPLE_SUFFIX: Final = "-sample"
"""End of the name of a sample's output."""


def sample_output(output: Path) -> Path:
    """Return the folder of a sample, beside that of the whole dump."""
    return output.with_name(f"{output.name}{SAMPLE_SUFFIX}")


@dataclass(frozen=True)
class RunOptions:
    """A recipe together with what the command line changed about it.

    Attributes:
        recipe: rules, groups, scale, colour; its `model` and `targets` are already the ones to use.
        recipe_sha256: hex digest of the recipe file's bytes.
        inputs: folders of textures, or single pictures; at least one.
        output: folder.
        device, precision: as the engine takes them.
        shard: (i, n) to compute only the i-th of n parts, or None.
        strict: any texture that fails stops the run.
        executor: who computes: this computer, or a Ray cluster.
        address: of the Ray cluster, as `ray.init` takes it; "local" starts one.
        memory: bytes that a process of the run should stay below; None for a share of what is free.
        replace_edited: which files that were changed by hand, or not written by texpipe, are given up: "all", or
            globs of paths in the output and of textures' names.
        remove: much of the pack may be removed.
        recipe_file: the recipe's file.
        rule_lines: where in it each rule begins, counted from 1.
        overrides: folders of pictures made by hand; the first one that has a picture for a texture wins.
        sample: about how many pictures to make, which show what there is in the dump; None for all.
        first: names of textures to compute before the others, the most important first.
        given: when, on the monotonic clock.
    """

    recipe: Recipe
    recipe_sha256: str
    inputs: tuple[Path, ...]
    output: Path
    device: str = "auto"
    precision: str = "auto"
    shard: tuple[int, int] | None = None
    strict: bool = False
    executor: ExecutorName = "local"
    address: str = "local"
    memory: int | None = None
    replace_edited: tuple[str, ...] = ()
    remove: bool = False
    recipe_file: Path | None = None
    rule_lines: tuple[int, ...] = ()
    overrides: tuple[Path, ...] = ()
    sample: int | None = None
    first: tuple[str, ...] = ()
    given: float = field(default_factory=time.monotonic, compare=False)

    @property
    def whole_output(self) -> Path:
        """The folder of the whole dump: of a sample, the one beside its own."""
        name = self.output.name
        return self.output if self.sample is None else self.output.with_name(name.removesuffix(SAMPLE_SUFFIX))

    def elapsed(self) -> float:
        """Return the seconds since the run was asked for."""
        return time.monotonic() - self.given
