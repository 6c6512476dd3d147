"""`texpipe finetune`: train a model on a folder of modern textures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.completion import complete_model, complete_preset
from texpipe.cli.console import Console, print_json
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.needs import FEW
from texpipe.cli.options import PATH, json_option, quiet_option, torch_device_option
from texpipe.cli.phases import Phases, Preview
from texpipe.cli.replaceable import PICTURES, force_option, require_replaceable
from texpipe.cli.training_bar import training_bar
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.train.schema import Preset


@click.command()
@click.option(
    "--textures",
    type=PATH,
    help="Folder of modern textures (PNG, JPG, TGA, DDS, WebP), or a .tar of them.",
)
@click.option(
    "--pairs",
    type=(PATH, PATH),
    metavar="LR_DIR HR_DIR",
    help="Folders of low-resolution textures and of what somebody made of them, under the same names. "
    "Held-out pairs judge the result.",
)
@click.option(
    "--preset",
    shell_complete=complete_preset,
    default="texture-esrgan",
    show_default=True,
    help="Training preset: a name in recipes/train, or a .yaml file.",
)
@click.option(
    "--base",
    metavar="MODEL",
    shell_complete=complete_model,
    help="Model to start from, instead of the preset's.",
)
@click.option(
    "--keep-blocks",
    type=click.IntRange(min=1),
    help="Number of the base's residual blocks to keep, or of a Compact's convolutions: fewer make a faster model.",
)
@click.option(
    "--teacher",
    shell_complete=complete_model,
    metavar="MODEL",
    help="Slower model whose pictures the new one learns to make, beside the originals.",
)
@click.option(
    "--unlabelled",
    type=PATH,
    help="Folder of low-resolution textures without originals, such as a dump: the teacher makes theirs.",
)
@click.option(
    "--output",
    type=PATH,
    default=Path("build/finetune"),
    show_default=True,
    help="Folder for the model, its card, checkpoints, log and sheets.",
)
@click.option("--name", default="finetuned", show_default=True, help="Name of the finished model.")
@click.option(
    "--steps", type=click.IntRange(min=1), help="Number of training steps, instead of the preset's."
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="Longest time to train, in minutes."
)
@click.option("--resume", is_flag=True, help="Continue from the newest checkpoint in the output folder.")
@click.option("--crop", type=click.IntRange(min=4), help="Side of the low-resolution crops, in texels.")
@click.option("--batch", type=click.IntRange(min=1), help="Number of crops in a step.")
@click.option("--freeze-body", is_flag=True, help="Train only the layers after the residual blocks.")
@click.option(
    "--validate-every",
    default=100,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of steps between two validations.",
)
@click.option(
    "--save-every",
    default=50,
    show_default=True,
    type=click.IntRange(min=1),
    help="Number of steps between two checkpoints.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Seed of the crops, the degradation and new layers.",
)
@torch_device_option
@click.option(
    "--sheet",
    type=PATH,
    help="Write a PNG with examples of degraded textures, or of pairs, and do not train.",
)
@click.option(
    "--preview",
    is_flag=True,
    help="Open a page in the browser that shows the newest sheet while it trains.",
)
@force_option
@json_option
@quiet_option
@click.pass_obj
def finetune(
    console: Console,
    textures: Path | None,
    pairs: tuple[Path, Path] | None,
    preset: str,
    base: str | None,
    keep_blocks: int | None,
    teacher: str | None,
    unlabelled: Path | None,
    output: Path,
    name: str,
    steps: int | None,
    minutes: float | None,
    resume: bool,
    crop: int | None,
    batch: int | None,
    freeze_body: bool,
    validate_every: int,
    save_every: int,
    seed: int,
    device: str,
    sheet: Path | None,
    preview: bool,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a model on modern textures, which are degraded the way an N64 or PS1 degrades them, or on real pairs.

    If the result is not better than its base on held-out textures, both are kept and the exit code is 8.
    Ctrl-C saves a checkpoint. `torchrun --nproc-per-node N -m texpipe finetune ...` uses N processes.

    \b
    Examples:
      texpipe finetune --textures ~/textures --steps 200 --output build/mine
      texpipe finetune --pairs ~/dump ~/by-hand --output build/mine
    """
    from texpipe.train.loop.output import SHEET
    from texpipe.train.loop.state import TrainingJob
    from texpipe.train.loop.trainer import finetune as train
    from texpipe.train.presets import load_preset, with_changes

    # torchrun starts several processes; only the first one prints.
    console = console.quieter(quiet or os.environ.get("RANK", "0") != "0")
    chosen = with_changes(
        load_preset(preset), base=base, keep_blocks=keep_blocks, crop=crop, batch=batch, teacher=teacher
    )
    if unlabelled is not None and chosen.teacher.model is None:
        raise click.UsageError("--unlabelled needs a --teacher, who makes what those textures lack")
    if textures is None and pairs is None:
        raise click.UsageError("give --textures, --pairs, or both: there is nothing to train on")
    if sheet is not None:
        require_replaceable(sheet, force, PICTURES)
        _sheet_of_examples(textures, pairs, chosen, seed, sheet)
        console.say(f"wrote {sheet}")
        return
    job = TrainingJob(
        textures=textures,
        output=output,
        preset=chosen,
        name=name,
        steps=steps,
        minutes=minutes,
        resume=resume,
        seed=seed,
        validate_every=validate_every,
        save_every=save_every,
        device=device,
        freeze_body=freeze_body,
        unlabelled=unlabelled,
        pairs=pairs,
    )
    phases = Phases(console)
    shown = Preview(output) if preview and not console.quiet else lambda _: None
    with training_bar(console) as show, DeferredInterrupt(quiet=console.quiet) as interrupt:
        result = train(job, show, lambda: interrupt.requested, phases, shown)
        phases.end()
    if result.model is None:
        return
    console.say(result.verdict)
    console.say(f"wrote {result.model} after {result.steps} steps")
    sheets = sorted(output.glob(f"*/{SHEET}"))
    if sheets:
        console.say(f"Look at {sheets[-1]}: low resolution, bicubic, base, now, original")
    console.say(f"Use it: {command('texpipe', 'run', 'oot', '--model', result.model, '--sample', str(FEW))}")
    if as_json:
        summary = {"model": str(result.model), "steps": result.steps, "verdict": result.verdict}
        print_json({**summary, "before": result.before, "after": result.after})


def _sheet_of_examples(
    textures: Path | None, pairs: tuple[Path, Path] | None, preset: Preset, seed: int, path: Path
) -> None:
    """Show degraded textures; without them, real pairs."""
    from texpipe.train.data.collection import collect
    from texpipe.train.data.dataset import degradation_examples
    from texpipe.train.data.real_pairs import collect_pairs, pair_examples
    from texpipe.train.evaluation.sheets import save_sheet
    from texpipe.train.loop.material import warn_of

    if textures is not None:
        titles, rows = degradation_examples(collect(textures), preset.degradation, seed)
    else:
        assert pairs is not None, "the caller has looked"
        found = collect_pairs(*pairs, preset.degradation.scale)
        warn_of(found, pairs)
        titles, rows = pair_examples(found)
    save_sheet(path, titles, rows)
