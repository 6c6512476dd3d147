"""The closing summary of a run, for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from texpipe.cli.console import Console, print_json
from texpipe.cli.needs import of_budget, said, warn_of_disk
from texpipe.cli.told import Told
from texpipe.progress import in_words, of_textures
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.planning.sample import SampleSize

SHOWN_PROBLEMS = 20
"""Largest number of failed textures, and of broken rules, that the summary names."""
_SHOWN_REASONS = 10
"""Largest number of reasons for skipped textures that the summary lists."""
_SHOWN_KINDS = 8
"""Largest number of kinds of ignored files that the summary lists."""
_SHOWN_UNCERTAIN = 3
"""Largest number of textures that may repeat that the summary lists."""


def show(
    console: Console,
    result: Told,
    *,
    as_json: bool,
    page: Path | None = None,
    recipe: Path | None = None,
    others: Sequence[str] = (),
    merged: bool = False,
    lister: str | None = None,
) -> int:
    """Print the report's place, what was made, what to look at, and the command that installs it.

    Args:
        console: for people.
        result: what is told of the run.
        as_json: print it for machines, too.
        page: the report that was just written.
        recipe: what was run, for commands that go on from here.
        others: the other options of that run, for the command that makes the rest after a sample.
        merged: other runs computed the pictures, and nobody was told of them.
        lister: command that lists the textures that may repeat, for a dry run.

    Returns:
        The exit code of the command.
    """
    if as_json:
        print_json(dict(result.document))
    for warning in result.warnings:
        console.warn(warning)
    _failures(console, result, "`texpipe inspect`" if result.dry_run else "manifest.json")
    _warn_first(console, result.problems, "`texpipe verify` names them all")
    if result.shard is not None:
        return _show_shard(console, result, result.shard)
    if page is not None:
        console.say(f"Open the report in a browser: {page}")
    _show_made(console, result)
    for line in result.fits:
        console.say(line)
    _show_kept(console, result, recipe)
    _show_what_to_look_at(
        console, result, is_new=result.computed > 0 or merged or result.dry_run, lister=lister
    )
    _show_next(console, result, page, None if recipe is None else command("texpipe", "run", recipe, *others))
    return result.exit_code


def _show_made(console: Console, result: Told) -> None:
    also = {
        "duplicate" if result.duplicates == 1 else "duplicates": result.duplicates,
        "by hand": result.by_hand,
        "piece of a split picture" if result.pieces == 1 else "pieces of split pictures": result.pieces,
    }
    among = ", ".join(f"{count} {what}" for what, count in also.items() if count)
    textures = f"{of_textures(result.written)}{f' (among them {among})' if among else ''}"
    if result.dry_run:  # its seconds are those of the look at the dump
        counts = f"{_pictures(result.computed)} to compute, {result.cached} from earlier runs"
        console.say(f"would write {textures}: {counts}")
    else:
        counts = f"{_pictures(result.computed)} computed, {result.cached} from earlier runs"
        console.say(f"wrote {textures} in {result.seconds:.1f} s: {counts}")
    if result.failed:
        console.say(f"{len(result.failed)} failed: the warnings above say why")
    if len(result.computed_by) > 1:
        (first, by_first), (last, by_last) = result.computed_by.items()
        console.say(f"{first}, computed {by_first} of them and stopped; {last}, computed the other {by_last}")
    reasons = result.skipped
    for reason, number in reasons[:_SHOWN_REASONS]:
        console.say(f"skipped {number}: {reason}")
    if len(reasons) > _SHOWN_REASONS:
        console.say(
            f"skipped {sum(number for _, number in reasons[_SHOWN_REASONS:])} more; "
            f"{'`texpipe inspect --all`' if result.dry_run else 'manifest.json'} has the reasons"
        )
    if result.ignored:
        console.say(f"ignored other files: {_ignored(result.ignored)}")


def _ignored(counts: Mapping[str, int]) -> str:
    """Return how many files of each kind were ignored, by kind; of many kinds those of most files."""
    most = sorted(counts, key=lambda kind: (-counts[kind], kind))[:_SHOWN_KINDS]
    shown = [f"{counts[kind]} {kind}" for kind in sorted(most)]
    left = len(counts) - len(most)
    return ", ".join(shown) + (f" and those of {left} more kind{'' if left == 1 else 's'}" if left else "")


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


def _show_next(console: Console, result: Told, page: Path | None, whole: str | None) -> None:
    """Say what comes next: the whole dump after a sample, a report if the one that is there is old, installing.

    Args:
        console: for people.
        result: what is told of the run.
        page: the report that was just written.
        whole: the command that makes the rest after a sample.
    """
    from texpipe.report.stamp import older_report

    if result.sample is not None:
        console.say(_sample_in_words(result.sample, result.whole_seconds))
        if whole is not None and not result.sample.all_made:
            console.say(f"To make all of it: {whole}")
    if result.dry_run:
        if result.forecast is not None:
            console.say(f"It would take {said(result.forecast)}.")
            warn_of_disk(console, result.forecast, result.folder)
        if result.expected is not None and result.budget is not None:
            console.say(of_budget(result.expected, result.budget))
        return
    for target in result.filled:
        console.say(f"The pack is in {result.folder / target}")
    if page is None and (older := older_report(result.folder)) is not None:
        console.say(
            f"The report {older} is older than the pack: `{command('texpipe', 'report', result.output)}` makes it anew"
        )
    for target in result.filled:
        _show_install(console, result.folder, target, only=len(result.filled) == 1)


def _sample_in_words(size: SampleSize, whole_seconds: float | None) -> str:
    """Say how many pictures a sample has, why not as many as asked, and how long all would take."""
    said = f"This was a sample: {size.pictures} of {size.of} pictures"
    if size.pictures != size.asked and size.pictures < size.of:
        said += f", not {size.asked}, because pictures that belong together stay together"
    if size.all_made:
        return f"{said}. All of the dump is made already."
    if whole_seconds is None:
        return f"{said}."
    return f"{said}. All of the dump would take about {in_words(whole_seconds)} here."


def _show_install(console: Console, output: Path, target: str, *, only: bool) -> None:
    """Say how a pack gets to its emulator: by a command where texpipe knows the folder, else by hand."""
    from texpipe.formats import format_of
    from texpipe.formats.emulator_folders import usual_folders

    if usual_folders(target):
        which = () if only else ("--target", target)
        console.say(f"Into the emulator: {command('texpipe', 'install', output, *which)}")
        return
    for line in format_of(target).copy_to.splitlines():
        console.say(line)


def _show_kept(console: Console, result: Told, recipe: Path | None) -> None:
    for line in result.kept[:SHOWN_PROBLEMS]:
        console.say(line)
    if len(result.kept) > SHOWN_PROBLEMS:
        console.say(
            f"... and {len(result.kept) - SHOWN_PROBLEMS} more that were kept; manifest.json names them all"
        )
    if result.any_edited:
        of = command("texpipe", "adopt", result.output, "--recipe", *([] if recipe is None else [recipe]))
        console.say(f"`{of}{' RECIPE' if recipe is None else ''}` makes edited files a source of later runs")


def _show_what_to_look_at(console: Console, result: Told, *, is_new: bool, lister: str | None) -> None:
    """Name the conspicuous and the uncertain textures; only where they are if no picture is new."""
    if is_new:
        for line in result.worst:
            console.say(f"look at {line}")
        _name_uncertain(console, result, _where_uncertain_are(result, lister))
    elif result.worst or result.may_repeat:
        count = f" ({result.may_repeat} may repeat, not certain)" if result.may_repeat else ""
        console.say(
            f"Nothing new to look at: `{command('texpipe', 'report', result.output, '--open')}` shows all{count}"
        )


def _where_uncertain_are(result: Told, lister: str | None) -> str:
    from texpipe.report.stamp import older_report
    from texpipe.storage.layout import OutputLayout

    if result.dry_run and lister is not None:
        return f"`{lister}` lists all of them"
    page = OutputLayout(result.folder).report / "index.html"
    has_report = page.exists() and older_report(result.folder) is None
    report = f"`{command('texpipe', 'report', result.output, '--open')}`"
    where = "the report has" if has_report else f"{report} shows"
    return f'{where} all of them: sort by "May repeat, not certain"'


def _name_uncertain(console: Console, result: Told, where_all_are: str) -> None:
    """Print which textures may repeat without anybody being certain: a rule settles each."""
    count = result.may_repeat
    if not count:
        return
    console.say(
        f"{of_textures(count)} may repeat, not certain: made so that a mistake shows least, until a rule says "
        "`edges: wrap` (repeats) or `edges: clamp` (ends). Worst first:"
    )
    lines = result.uncertain
    for line in lines[:_SHOWN_UNCERTAIN]:
        console.say(f"  {line}")
    if len(lines) > _SHOWN_UNCERTAIN:
        console.say(f"  ... {where_all_are}")


def _show_shard(console: Console, result: Told, shard: tuple[int, int]) -> int:
    console.say(
        f"shard {shard[0]} of {shard[1]} is done in {result.seconds:.1f} s:"
        f" pictures computed: {result.computed}, in the store before: {result.cached}"
    )
    console.say("When all shards are done, write the pack with `texpipe merge RECIPE`.")
    return result.exit_code


def _failures(console: Console, result: Told, where: str) -> None:
    _warn_first(console, result.failed, f"{where} names them all")


def _warn_first(console: Console, lines: Sequence[str], where_all_are: str) -> None:
    for line in lines[:SHOWN_PROBLEMS]:
        console.warn(line)
    if len(lines) > SHOWN_PROBLEMS:
        console.warn(f"... and {len(lines) - SHOWN_PROBLEMS} more; {where_all_are}")
