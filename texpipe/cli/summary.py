"""The closing summary of a run, for people and for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from texpipe.cli.console import Console, print_json
from texpipe.cli.worst import uncertain, worst

if TYPE_CHECKING:
    from texpipe.output.result import RunResult

SHOWN_PROBLEMS = 20
"""Largest number of failed textures, and of broken rules, that the summary names."""
_SHOWN_REASONS = 10
"""Largest number of reasons for skipped textures that the summary lists."""
_SHOWN_WORST = 10
"""Largest number of conspicuous textures that the summary lists."""


def show(console: Console, result: RunResult, *, as_json: bool) -> int:
    """Print what was done: textures written, skipped and failed, with reasons, and where to copy the pack.

    Returns:
        The exit code of the command.
    """
    if as_json:
        print_json(result.as_json())
    for warning in result.warnings:
        console.warn(warning)
    _failures(console, result)
    _warn_first(console, result.problems, "`texpipe verify` names them all")
    if result.shard is not None:
        return _show_shard(console, result, result.shard)
    counts = result.manifest.summary
    verb = "would write" if result.dry_run else "wrote"
    by_hand = f", {counts.by_hand} by hand" if counts.by_hand else ""
    console.say(
        f"{verb} {counts.written + counts.copied} textures ({counts.duplicates} of them duplicates{by_hand})"
        f" in {result.seconds:.1f} s: {result.computed} computed, {result.cached} from the store"
    )
    reasons = list(result.skip_reasons().items())
    for reason, number in reasons[:_SHOWN_REASONS]:
        console.say(f"skipped {number}: {reason}")
    if len(reasons) > _SHOWN_REASONS:
        console.say(
            f"skipped {sum(number for _, number in reasons[_SHOWN_REASONS:])} more; manifest.json has the reasons"
        )
    if result.ignored:
        kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(result.ignored.items()))
        console.say(f"ignored other files: {kinds}")
    _show_kept(console, result)
    for line in worst(result.manifest.textures, _SHOWN_WORST):
        console.say(f"look at {line}")
    _name_uncertain(console, uncertain(result.manifest.textures))
    for line in result.where_to:
        console.say(line)
    return result.exit_code


def _show_kept(console: Console, result: RunResult) -> None:
    kept = [entry for entry in result.manifest.textures if entry.status in ("edited", "foreign")]
    for entry in kept[:SHOWN_PROBLEMS]:
        console.say(str(entry.reason))
    if len(kept) > SHOWN_PROBLEMS:
        console.say(f"... and {len(kept) - SHOWN_PROBLEMS} more that were kept; manifest.json names them all")
    if any(entry.status == "edited" for entry in kept):
        console.say("`texpipe adopt OUTPUT --recipe RECIPE` makes edited files a source of later runs")


def _name_uncertain(console: Console, lines: Sequence[str]) -> None:
    """Print which textures may repeat without anybody being certain: a rule settles each."""
    if not lines:
        return
    many = f"{len(lines)} textures" if len(lines) > 1 else "1 texture"
    console.say(
        f"{many} may repeat, not certain; `edges: wrap` or `edges: clamp` in a rule settles it. Worst first:"
    )
    for line in lines[:_SHOWN_WORST]:
        console.say(f"  {line}")
    if len(lines) > _SHOWN_WORST:
        console.say('  ... the report has all of them: sort by "May repeat, not certain"')


def _show_shard(console: Console, result: RunResult, shard: tuple[int, int]) -> int:
    console.say(
        f"shard {shard[0]} of {shard[1]} is done in {result.seconds:.1f} s:"
        f" {result.computed} pictures computed, {result.cached} were in the store"
    )
    console.say("When all shards are done, write the pack with `texpipe merge RECIPE`.")
    return result.exit_code


def _failures(console: Console, result: RunResult) -> None:
    failed = [entry for entry in result.manifest.textures if entry.status == "failed"]
    _warn_first(
        console, [f"{entry.source}: {entry.reason}" for entry in failed], "manifest.json names them all"
    )


def _warn_first(console: Console, lines: Sequence[str], where_all_are: str) -> None:
    for line in lines[:SHOWN_PROBLEMS]:
        console.warn(line)
    if len(lines) > SHOWN_PROBLEMS:
        console.warn(f"... and {len(lines) - SHOWN_PROBLEMS} more; {where_all_are}")
