"""`texpipe complete`: the textures that a pack lacks, in the pack's own style."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from texpipe.cli.completion import complete_model
from texpipe.cli.console import Console, print_json
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.options import PATH, json_option, quiet_option, torch_device_option
from texpipe.cli.phases import Phases
from texpipe.cli.progress import ProgressBar
from texpipe.cli.training_bar import training_bar
from texpipe.errors import ExitCode

if TYPE_CHECKING:
    from texpipe.upkeep.complete import Completion, Plan

_SHOWN = 20
"""Number of gaps that are named, unless all are asked for."""


@click.command()
@click.argument("pack", type=PATH)
@click.option(
    "--dump", "dumps", type=PATH, multiple=True, required=True, metavar="DIR",
    help="Dump of the game. Repeat it for several.",
)  # fmt: skip
@click.option(
    "--output", type=PATH, metavar="DIR",
    help="Write the gaps as a pack of their own, into a folder that is not there yet, and leave PACK alone.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Say what would be filled with what, and write nothing.")
@click.option(
    "--style", type=click.Choice(["auto", "never"]), default="auto", show_default=True,
    help="auto: adapt the model to the hand-made pictures of the pack, and use it if it is better; never: do not.",
)  # fmt: skip
@click.option(
    "--base", metavar="MODEL", shell_complete=complete_model, default="texpipe-x4", show_default=True,
    help="Model that is adapted, and that fills the gaps where an adapted one is not better.",
)  # fmt: skip
@click.option(
    "--steps", type=click.IntRange(min=1), help="Number of training steps, instead of the preset's."
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="Longest time to train, in minutes."
)
@click.option(
    "--scale",
    type=click.Choice(["1", "2", "4", "8", "16"]),
    help="Enlargement; by default the usual one of the pack.",
)
@click.option("--target", metavar="NAME", help="Emulator to write for, where the pack's names do not say it.")
@click.option(
    "--container", metavar="KIND", help="With --output: one file instead of a folder, such as hts or rtz."
)
@click.option(
    "--work", type=PATH, default=Path("build/complete"), show_default=True, metavar="DIR",
    help="Folder for the training and its model; a call that was stopped is continued from it.",
)  # fmt: skip
@torch_device_option
@click.option("--list", "listed", is_flag=True, help="Name every gap, not only the first.")
@json_option
@quiet_option
@click.pass_obj
def complete(
    console: Console,
    pack: Path,
    dumps: tuple[Path, ...],
    output: Path | None,
    dry_run: bool,
    style: Literal["auto", "never"],
    base: str,
    steps: int | None,
    minutes: float | None,
    scale: str | None,
    target: str | None,
    container: str | None,
    work: Path,
    device: str,
    listed: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Fill the gaps of a pack in its own style; files that are there are never changed.

    Textures that differ from a hand-made one in their palette alone get its picture in their colours. The others are
    made by a model that learns from the pack's own pictures, if it is better than before on some of them held out.

    \b
    Examples:
      texpipe complete ~/packs/zelda --dump ~/dumps/zelda --dry-run
      texpipe complete ~/packs/zelda --dump ~/dumps/zelda --minutes 20
    """
    if container is not None and output is None:
        raise click.UsageError("--container needs --output: files of a pack are never changed")
    from texpipe.upkeep.complete import Order, plan_completion
    from texpipe.upkeep.style import Watchers

    console = console.quieter(quiet)
    order = Order(
        pack,
        dumps,
        work,
        output,
        style == "auto",
        base,
        None if scale is None else int(scale),
        target,
        container,
        steps,
        minutes,
        device,
    )
    with ProgressBar(console, events=as_json) as bar:
        planned = plan_completion(order, bar)
    for problem in planned.plan.problems:
        console.warn(problem)
    _show_plan(console, planned.plan, listed)
    if dry_run:
        if as_json:
            print_json(planned.plan.as_json())
        return ExitCode.OK
    phases = Phases(console)
    with training_bar(console) as show, DeferredInterrupt(quiet=console.quiet) as interrupt:
        learnt = planned.learn(Watchers(show, lambda: interrupt.requested, phases))
        phases.end()
    with ProgressBar(console, events=as_json) as bar:
        done = planned.fill(learnt, bar)
    if as_json:
        print_json(done.as_json())
    _show_done(console, done, output or pack)
    return ExitCode.SOME_FAILED if done.failed or planned.plan.problems else ExitCode.OK


def _show_plan(console: Console, plan: Plan, listed: bool) -> None:
    from texpipe.upkeep.completed import WAYS

    gaps = plan.gaps
    shown = gaps.gaps if listed else gaps.gaps[:_SHOWN]
    for gap in shown:
        like = f" like {gap.like.entry.name}" if gap.like else ""
        console.say(f"{gap.name}: {gap.how}{like}")
    if len(shown) < len(gaps.gaps):
        console.say(f"... and {len(gaps.gaps) - len(shown):,} more; --list names them")
    for name, why in plan.left_out.items():
        console.say(f"{name}: left out: {why}")
    counts = ", ".join(f"{gaps.count(how):,} {how}" for how in WAYS if gaps.count(how))
    console.say(f"gaps: {len(gaps.gaps):,}{f' ({counts})' if counts else ''}")
    console.say(f"pictures that a model can learn from: {len(gaps.by_hand):,}; scale {plan.scale}")
    if gaps.wrong:
        console.warn(
            f"{len(gaps.wrong):,} textures have a file under a wrong name and are not filled; "
            "`texpipe coverage --list` names them"
        )


def _show_done(console: Console, done: Completion, where: Path) -> None:
    for name, why in done.failed.items():
        console.warn(f"{name}: {why}")
    if done.style is not None:
        console.say(_about_style(done))
    console.say(f"{where}: {len(done.filled):,} of {len(done.plan.gaps.gaps):,} gaps filled")


def _about_style(done: Completion) -> str:
    assert done.style is not None, "the caller has looked"
    if done.style.model is not None:
        return f"filled by {done.style.model}, which learnt the pack's style: {done.style.said}"
    return f"filled by the base model, not adapted: {done.style.said}"
