"""`texpipe inspect`: what each texture is, what a run would do with it, and why."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.games import several_games
from texpipe.cli.options import add_option, json_option, quiet_option
from texpipe.cli.printable import printable
from texpipe.cli.progress import ProgressBar
from texpipe.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.analysis.inventory import Survey, SurveyedTexture, Unreadable
    from texpipe.manifest.schema import Entry
    from texpipe.planning.jobs import Workload
    from texpipe.planning.result_keys import EngineIds
    from texpipe.recipe.schema import Recipe
    from texpipe.relations import Spot
    from texpipe.texture import Facts, PlannedAction, Status

log = logging.getLogger(__name__)

KINDS = ("letters", "hud", "face", "cut-out", "ground", "picture", "data", "unsure")
"""What textures can be picked by: their kinds, or that theirs is not sure."""

_REASONS_WIDTH = 110
"""Width of the column of reasons, in characters, when stdout is no terminal; names are then never cut."""

_HEADINGS = ("texture", "size", "action", "format", "kind", "alpha", "x", "y")


@dataclass(frozen=True)
class _InspectedTexture:
    """A texture's manifest entry, and its planned action and facts unless it cannot be read."""

    entry: Entry
    action: PlannedAction | None = None
    facts: Facts | None = None


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--recipe", type=click.Path(path_type=Path), help="Recipe whose rules are applied.")
@add_option
@click.option("--groups", is_flag=True, help="Find split pictures and print them as the groups of a recipe.")
@click.option(
    "--memory",
    metavar="SIZE",
    help="Memory that this should stay below, such as 2G: larger pictures are named and not looked at; by default "
    "three quarters of what is free.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(KINDS),
    help="Show only textures of this kind; can be given several times.",
)
@json_option
@quiet_option
@click.pass_obj
def inspect(
    console: Console,
    paths: tuple[Path, ...],
    recipe: Path | None,
    add: tuple[Path, ...],
    groups: bool,
    memory: str | None,
    kinds: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    """Show what each texture is, what a run would do with it, and why.

    \b
    PATH is a picture or a folder. Duplicates are found within one PATH. Without PATH the recipe's input is read,
    as a run would.
    Example:
      texpipe inspect recipes/samples/oot --recipe recipes/oot.yaml
      texpipe inspect recipes/samples/oot --groups
    """
    from texpipe.analysis.cache import AnalysisCache
    from texpipe.analysis.survey import survey
    from texpipe.formats import known_targets
    from texpipe.manifest.schema import entry_as_json
    from texpipe.recipe.load import load_recipe
    from texpipe.recipe.schema import Recipe
    from texpipe.system.memory import size_of

    console = console.quieter(quiet)
    loaded = load_recipe(recipe, known_targets()) if recipe else None
    rules = loaded.recipe if loaded else Recipe.default()
    inputs = _inputs(paths, loaded.inputs if loaded else (), add)
    cache = AnalysisCache.beside(loaded.output) if loaded else AnalysisCache()
    limit = None if memory is None else size_of(memory)
    with ProgressBar(console, events=as_json) as bar:
        surveys = [
            survey(
                roots,
                rules,
                exclude=None if paths or loaded is None else loaded.output,
                cache=cache,
                memory=limit,
                progress=bar,
            )
            for roots in inputs
        ]
    log.info("%d textures by the recipe %s", sum(len(found.items) for found in surveys), rules.name)
    if groups:
        return _print_groups(console, surveys, rules, as_json)
    folders = loaded.overrides if loaded else ()
    textures = [one for found in surveys for one in _inspected(found, rules, cache, folders)]
    if kinds:
        textures = [one for one in textures if (one.entry.kind or "unsure") in kinds]
    if as_json:
        print_json([_without_outputs(entry_as_json(one.entry)) for one in textures])
    else:
        _show_table(console, textures)
        for found, roots in zip(surveys, inputs, strict=True):
            _name_games(console, found, roots)
    return _exit_code(any(one.entry.status == "failed" for one in textures))


def _inputs(
    paths: Sequence[Path], of_recipe: Sequence[Path], added: Sequence[Path]
) -> list[tuple[Path, ...]]:
    """Return what is read, and together: each path alone, or all that a run of the recipe would read."""
    if paths and not added:
        return [(path,) for path in paths]
    if not of_recipe and not paths:
        raise UsageError("there is nothing to inspect", hint="Name a folder or a picture, or a --recipe.")
    return [tuple(dict.fromkeys((*(paths or of_recipe), *added)))]


def _name_games(console: Console, found: Survey, roots: Sequence[Path]) -> None:
    from texpipe.planning.games import games_in
    from texpipe.read.inputs import input_names

    games = games_in(found.items, dict(zip(input_names(roots), roots, strict=True)))
    for line in several_games(games, roots[0] if len(roots) == 1 else None):
        console.say(line)


def _print_groups(console: Console, surveys: Sequence[Survey], recipe: Recipe, as_json: bool) -> int:
    """Print the split pictures that are found in addition to those that the recipe declares."""
    from texpipe.groups.split.discovery import propose, recipe_section

    declared = recipe.picture_groups()
    found = [group for one in surveys for group in propose(one.items, one.fingerprints, declared)]
    if as_json:
        print_json([vars(group) for group in found])
    else:
        click.echo(recipe_section(found), nl=False)
    pieces = sum(len(group.files) for group in found)
    console.say(f"found {len(found)} split pictures, which have {pieces} pieces")
    return _exit_code(any(one.failures for one in surveys))


def _exit_code(failed: bool) -> ExitCode:
    return ExitCode.SOME_FAILED if failed else ExitCode.OK


def _inspected(
    found: Survey, recipe: Recipe, cache: AnalysisCache, overrides: Sequence[Path]
) -> list[_InspectedTexture]:
    """Return the textures of one folder, ordered by name, with their plans."""
    from texpipe.planning.by_hand import with_hand_made
    from texpipe.planning.overrides import find_overrides
    from texpipe.planning.planner import plan_jobs
    from texpipe.recipe.models import chains_of

    by_hand = find_overrides(overrides, found.inventory)
    of_rules: EngineIds = dict.fromkeys(chains_of(recipe), ())
    work = plan_jobs(found, recipe, (), cache, of_rules)
    work, items = with_hand_made(work, found, {}, by_hand)
    facts = {name: fingerprint.facts for name, fingerprint in found.fingerprints.items()}
    textures = [_readable(item, facts[item.source.name], work) for item in items]
    textures += [_failed(one) for one in found.failures]
    return sorted(textures, key=lambda one: one.entry.source)


def _failed(failure: Unreadable) -> _InspectedTexture:
    return _InspectedTexture(failure.entry())


def _readable(item: SurveyedTexture, facts: Facts, work: Workload) -> _InspectedTexture:
    plan = work.plan_of(item)
    statuses: dict[str, Status] = {"copy": "copied", "skip": "skipped"}
    made = work.made_by_hand.get(item.source.name)
    problem = None if made is None else made.problem
    status = "failed" if problem else statuses.get(plan.action, "written")
    entry = replace(
        work.entry(item),
        status=status,
        reason=plan.decided_by.action if plan.action == "skip" else problem,
    )
    return _InspectedTexture(entry, plan.action, facts)


def _without_outputs(entry: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in entry.items() if key not in ("outputs", "metrics")}


def _show_table(console: Console, textures: Sequence[_InspectedTexture]) -> None:
    """Print one row per texture to stdout, for pagers and `grep`."""
    from rich.cells import cell_len
    from rich.console import Console as RichConsole
    from rich.markup import escape
    from rich.table import Table

    rows = [_row(one) for one in textures]
    terminal = RichConsole(highlight=False)
    if not terminal.is_terminal:
        names = max((cell_len(row[0]) for row in rows), default=0)
        terminal = RichConsole(highlight=False, width=names + 60 + _REASONS_WIDTH)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, no_wrap=heading != "texture", overflow="fold")
    table.add_column("why", overflow="fold", ratio=1)
    for row in rows:
        table.add_row(*map(escape, row))
    terminal.print(table)
    failed = sum(one.action is None for one in textures)
    if not textures:
        console.warn("there are no textures here: give the folder that your emulator dumps its textures to")
    console.say(f"{len(textures)} textures, {failed} of them cannot be read")


def _row(one: _InspectedTexture) -> tuple[str, ...]:
    entry = one.entry
    if one.action is None or one.facts is None or entry.size is None or entry.edges is None:
        return (printable(entry.source), "", "failed", "", "", "", "", "", printable(str(entry.reason)))
    width, height = entry.size
    return (
        printable(entry.source),
        f"{width}x{height}",
        one.action,
        entry.format or "?",
        entry.kind or "?",
        entry.alpha or "",
        _edge(entry, "x"),
        _edge(entry, "y"),
        "\n".join(printable(reason) for reason in _reasons(entry, one.facts)),
    )


def _edge(entry: Entry, axis: Literal["x", "y"]) -> str:
    """Return how an axis is treated; "wrap?" if it may repeat or not and is computed both ways."""
    if entry.undecided and getattr(entry.undecided, axis):
        return "wrap?"
    return str(getattr(entry.edges, axis))


def _reasons(entry: Entry, facts: Facts) -> list[str]:
    reasons = entry.decided_by
    assert reasons is not None
    lines = [f"duplicate of {entry.duplicate_of}"] if entry.duplicate_of else []
    lines += [f"piece of {entry.group}, {_where(entry.spot)}"] if entry.spot else []
    lines.append(f"action: {reasons.action}")
    if entry.status != "skipped":
        lines += [f"alpha: {reasons.alpha}", f"x: {reasons.x}", f"y: {reasons.y}"]
    lines += [f"cannot be used: {entry.reason}"] if entry.status == "failed" else []
    return [*lines, f"kind: {_kind(facts)}", f"texels: {_texels(facts)}", *entry.warnings]


def _where(spot: Spot) -> str:
    return f"column {spot.column + 1}, row {spot.row + 1}: {spot.why}"


def _kind(facts: Facts) -> str:
    """Say what a texture shows, and how sure that is."""
    found = facts.kind
    return f"{found.kind} ({found.confidence:.0%} sure)" if found.kind else "not sure"


def _texels(facts: Facts) -> str:
    colours = f"{facts.colours} colour{'s' if facts.colours != 1 else ''}"
    words = {"grey": facts.grey, "flat": facts.flat, "tiny": facts.tiny}
    return ", ".join([facts.texels_reason, colours, *(word for word, true in words.items() if true)])
