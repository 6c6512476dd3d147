"""The closing summary of a run, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from texpipe.cli.console import Console, print_json
from texpipe.cli.worst import worst

if TYPE_CHECKING:
    from texpipe.output.result import RunResult

SHOWN_PROBLEMS = 20
"""So many failed textures, and broken rules, are named at the end."""
_SHOWN_REASONS = 10
_SHOWN_WORST = 10


def show(console: Console, outcome: RunResult, *, as_json: bool) -> int:
    """Say what was done: written, duplicates, skipped and failed with reasons, and where to copy the pack.

    Returns:
        The exit code of the command.
    """
    if as_json:
        print_json(outcome.as_json())
    for warning in outcome.warnings:
        console.warn(warning)
    _failures(console, outcome)
    _name_some(console, outcome.problems, "`texpipe verify` names them all")
    if outcome.shard is not None:
        return _show_shard(console, outcome, outcome.shard)
    counts = outcome.manifest.summary
    verb = "would write" if outcome.dry_run else "wrote"
    console.say(
        f"{verb} {counts.written + counts.copied} textures ({counts.duplicates} of them duplicates)"
        f" in {outcome.seconds:.1f} s: {outcome.computed} computed, {outcome.cached} from the store"
    )
    reasons = list(outcome.skip_reasons().items())
    for reason, number in reasons[:_SHOWN_REASONS]:
        console.say(f"skipped {number}: {reason}")
    if len(reasons) > _SHOWN_REASONS:
        console.say(
            f"skipped {sum(number for _, number in reasons[_SHOWN_REASONS:])} more; manifest.json says why"
        )
    if outcome.ignored:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(outcome.ignored.items()))
        console.say(f"ignored other files: {kinds}")
    _kept(console, outcome)
    for line in worst(outcome.manifest.textures, _SHOWN_WORST):
        console.say(f"look at {line}")
    for line in outcome.where_to:
        console.say(line)
    return outcome.exit_code


def _kept(console: Console, outcome: RunResult) -> None:
    kept = [entry for entry in outcome.manifest.textures if entry.status in ("edited", "foreign")]
    for entry in kept[:SHOWN_PROBLEMS]:
        console.say(f"{entry.reason}")
    if len(kept) > SHOWN_PROBLEMS:
        console.say(f"... and {len(kept) - SHOWN_PROBLEMS} more that were kept; manifest.json names them all")


def _show_shard(console: Console, outcome: RunResult, shard: tuple[int, int]) -> int:
    console.say(
        f"part {shard[0]} of {shard[1]} is done in {outcome.seconds:.1f} s:"
        f" {outcome.computed} pictures computed, {outcome.cached} were in the store"
    )
    console.say("When all parts are done, write the pack with `texpipe merge RECIPE`.")
    return outcome.exit_code


def _failures(console: Console, outcome: RunResult) -> None:
    failed = [entry for entry in outcome.manifest.textures if entry.status == "failed"]
    _name_some(
        console, [f"{entry.source}: {entry.reason}" for entry in failed], "manifest.json names them all"
    )


def _name_some(console: Console, lines: Sequence[str], all_of_them: str) -> None:
    for line in lines[:SHOWN_PROBLEMS]:
        console.warn(line)
    if len(lines) > SHOWN_PROBLEMS:
        console.warn(f"... and {len(lines) - SHOWN_PROBLEMS} more; {all_of_them}")
