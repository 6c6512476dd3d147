"""`texpipe finetune`: train a model on a folder of modern textures."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.interrupt import DeferredInterrupt
from texpipe.cli.options import device_option, json_option, quiet_option
from texpipe.cli.progress import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from texpipe.train.schema import Preset
    from texpipe.train.state import TrainingProgress


@click.command()
@click.option(
    "--textures",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of modern textures (PNG, JPG, TGA, DDS, WebP), or a .tar of them.",
)
@click.option(
    "--preset", default="texture-esrgan", show_default=True, help="Name in recipes/train, or a .yaml file."
)
@click.option("--base", metavar="MODEL", help="Start from this model instead of the preset's.")
@click.option(
    "--keep-blocks",
    type=click.IntRange(min=1),
    help="Make a faster model: keep only so many of the base's residual blocks.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    default=Path("build/finetune"),
    show_default=True,
    help="Folder for the model, its card, checkpoints, log and sheets.",
)
@click.option("--name", default="finetuned", show_default=True, help="Of the finished model.")
@click.option(
    "--steps", type=click.IntRange(min=1), help="Length of the training; the preset's if not given."
)
@click.option(
    "--minutes", type=click.FloatRange(min=0, min_open=True), help="End after so many minutes at the latest."
)
@click.option("--resume", is_flag=True, help="Go on from the newest checkpoint in the output folder.")
@click.option("--crop", type=click.IntRange(min=4), help="Side of the low-resolution crops, in texels.")
@click.option("--batch", type=click.IntRange(min=1), help="Crops per step.")
@click.option("--freeze-body", is_flag=True, help="Train only the layers after the residual blocks.")
@click.option(
    "--validate-every", default=100, show_default=True, type=click.IntRange(min=1), help="In steps."
)
@click.option("--save-every", default=50, show_default=True, type=click.IntRange(min=1), help="In steps.")
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Of crops, degradation and new layers.",
)
@device_option
@click.option(
    "--sheet", type=click.Path(path_type=Path), help="Only write a PNG of degraded textures to look at."
)
@json_option
@quiet_option
@click.pass_obj
def finetune(
    console: Console,
    textures: Path,
    preset: str,
    base: str | None,
    keep_blocks: int | None,
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
    as_json: bool,
    quiet: bool,
) -> None:
    """Train a model on modern textures, degraded the way an N64 or PS1 degrades them.

    The result replaces its base only if it is better on held-out textures; otherwise both are kept and the
    exit code is 8. Ctrl-C saves a checkpoint. `torchrun --nproc-per-node N -m texpipe finetune ...` uses N
    processes.

    \b
    Example:
      texpipe finetune --textures ~/textures --steps 200 --output build/mine
    """
    from texpipe.train.presets import load_preset, with_changes
    from texpipe.train.state import TrainingJob
    from texpipe.train.trainer import finetune as train

    # Of torchrun's processes only the first one speaks.
    console = console.quieter(quiet or os.environ.get("RANK", "0") != "0")
    chosen = with_changes(load_preset(preset), base=base, keep_blocks=keep_blocks, crop=crop, batch=batch)
    if sheet is not None:
        _degradation_sheet(textures, chosen, seed, sheet)
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
    )
    with _bar(console) as show, DeferredInterrupt(quiet=console.quiet) as interrupt:
        outcome = train(job, show, lambda: interrupt.requested)
    if outcome.model is None:
        return
    console.say(f"{outcome.verdict}\nwrote {outcome.model} after {outcome.steps} steps")
    if as_json:
        result = {"model": str(outcome.model), "steps": outcome.steps, "verdict": outcome.verdict}
        print_json({**result, "before": outcome.before, "after": outcome.after})


def _degradation_sheet(textures: Path, preset: Preset, seed: int, path: Path) -> None:
    from texpipe.train.collection import collect
    from texpipe.train.dataset import degradation_examples
    from texpipe.train.sheets import save_sheet

    titles, rows = degradation_examples(collect(textures), preset.degradation, seed)
    save_sheet(path, titles, rows)


@contextmanager
def _bar(console: Console) -> Iterator[Callable[[TrainingProgress], None]]:
    """Show a bar; what is yielded moves it on."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
    )
    with Bar(*columns, console=console.rich, transient=True) as live:
        task = live.add_task("preparing", total=None, said="")

        def show(progress: TrainingProgress) -> None:
            said = f"loss {progress.loss:.4f}, {clock(progress.seconds_left)} left"
            live.update(
                task, description=progress.stage, completed=progress.step, total=progress.total, said=said
            )

        yield show
