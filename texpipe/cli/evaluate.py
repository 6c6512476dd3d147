"""`texpipe evaluate`: compare models on held-out textures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click

from texpipe.cli.completion import complete_model, complete_preset
from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, json_option, quiet_option, torch_device_option
from texpipe.cli.printable import printable
from texpipe.cli.replaceable import EVALUATIONS, PICTURES, force_option, require_replaceable
from texpipe.errors import UsageError
from texpipe.system.shell import command

if TYPE_CHECKING:
    from texpipe.texture import Colour
    from texpipe.train.data.dataset import TexturePair
    from texpipe.train.evaluation.evaluate import Evaluation, MethodScores
    from texpipe.train.evaluation.metrics import Metric
    from texpipe.train.evaluation.unpaired import UnpairedEvaluation


_DECIDING: Final[tuple[Literal["lpips_alex", "dists", "l1"], ...]] = ("lpips_alex", "dists", "l1")
"""Metrics by which one model is called better than another, the first that was measured; less is better in all."""
FIGURES, SHEET = "evaluation.json", "sheet.png"
"""Files in the output folder."""


@click.command()
@click.option(
    "--textures",
    type=PATH,
    help="Folder of modern textures; their low-resolution versions are made from them.",
)
@click.option("--pairs", type=PATH, help="Folder with real pairs: lr/NAME and hr/NAME.")
@click.option(
    "--unpaired",
    type=PATH,
    metavar="REFERENCE",
    help="Folder of modern textures: --textures are real low-resolution ones then, upscaled as they are and compared "
    "with these.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME|PATH",
    shell_complete=complete_model,
    help="Model to measure. Repeat it for several.",
)
@click.option("--output", type=PATH, help="Folder to write evaluation.json and sheet.png to.")
@click.option(
    "--preset",
    shell_complete=complete_preset,
    default="texture-esrgan",
    show_default=True,
    help="Training preset whose degradation makes the low-resolution versions.",
)
@click.option(
    "--colour",
    type=click.Choice(["off", "match", "histogram"]),
    default="off",
    show_default=True,
    help="Colour correction after each model, as in a recipe.",
)
@click.option(
    "--detail",
    type=click.FloatRange(0, 1),
    help="The dial of models that have one, 0 faithful to 1 inventive; where `texpipe run` has it if not given.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    type=click.IntRange(min=0),
    help="Seed of the degradation; the same seed gives the same textures.",
)
@click.option("--limit", type=click.IntRange(min=1), help="Largest number of textures to use.")
@torch_device_option
@force_option
@json_option
@quiet_option
@click.pass_obj
def evaluate(
    console: Console,
    textures: Path | None,
    pairs: Path | None,
    unpaired: Path | None,
    models: tuple[str, ...],
    output: Path | None,
    preset: str,
    colour: Colour,
    detail: float | None,
    seed: int,
    limit: int | None,
    device: str,
    force: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Compare models with each other and with nearest, bicubic and Scale2x on textures that none was trained on.

    \b
    Example:
      texpipe evaluate --textures held-out --model texpipe-x4 --model realesrgan-x4plus --output build/eval
      texpipe evaluate --textures dump --unpaired held-out --model texpipe-x4 --colour match
    """
    from texpipe.train.evaluation.evaluate import degraded, real_pairs
    from texpipe.train.evaluation.evaluate import evaluate as measure
    from texpipe.train.losses.weights import fetching
    from texpipe.train.presets import load_preset

    console = console.quieter(quiet)
    if output is not None:
        require_replaceable(output / FIGURES, force, EVALUATIONS)
        require_replaceable(output / SHEET, force, PICTURES)
    if (textures is None) == (pairs is None):
        raise UsageError(
            "give either --textures or --pairs",
            hint="For example: texpipe evaluate --textures DIR --model NAME",
        )
    if unpaired is not None:
        if textures is None:
            raise UsageError(
                "--unpaired needs --textures, a folder of real low-resolution textures",
                hint="For example: texpipe evaluate --textures DUMP --unpaired MODERN --model NAME",
            )
        scale = load_preset(preset).degradation.scale
        _evaluate_unpaired(
            console, textures, unpaired, models, output, scale, colour, detail, limit, device, as_json
        )
        return
    if words := fetching():
        console.say(f"{words} ...")
    found: tuple[TexturePair, ...]
    if textures is not None:
        found = degraded(textures, load_preset(preset).degradation, seed, limit)
    else:
        assert pairs is not None
        found = real_pairs(pairs, limit)
    with console.rich.status("evaluating") as status:
        evaluation = measure(
            found,
            models,
            seed=seed if textures is not None else None,
            device=device,
            colour=colour,
            detail=detail,
            progress=lambda done, total: status.update(f"evaluating: {done}/{total} textures"),
        )
    if as_json:
        print_json(evaluation.as_json())
    else:
        _table(console, evaluation)
        _say_best(console, evaluation, models)
    if output is not None:
        _write(output, evaluation)
        console.say(f"wrote {output / FIGURES} and the sheet {output / SHEET}")


def _evaluate_unpaired(
    console: Console,
    textures: Path,
    reference: Path,
    models: tuple[str, ...],
    output: Path | None,
    scale: int,
    colour: Colour,
    detail: float | None,
    limit: int | None,
    device: str,
    as_json: bool,
) -> None:
    from texpipe.train.evaluation.unpaired import evaluate_unpaired

    with console.rich.status("evaluating") as status:
        evaluation = evaluate_unpaired(
            textures,
            reference,
            models,
            scale=scale,
            limit=limit,
            device=device,
            colour=colour,
            detail=detail,
            progress=lambda done, total: status.update(f"evaluating: {done}/{total} textures"),
        )
    if as_json:
        print_json(evaluation.as_json())
    else:
        _unpaired_table(console, evaluation)
    if output is not None:
        _write(output, evaluation)
        console.say(f"wrote {output / FIGURES} and the sheet {output / SHEET}")


def _unpaired_table(console: Console, evaluation: UnpairedEvaluation) -> None:
    from rich.table import Table
    from rich.text import Text

    from texpipe.train.evaluation.bands import NAMES

    measured = evaluation.measured
    table = Table(title=f"{evaluation.pictures} real textures against {evaluation.references} modern ones")
    for heading in ("", *(one.name for one in measured)):
        table.add_column(Text(printable(heading)), overflow="fold")
    table.add_row("kernel distance", *(f"{one.distance.mean:.3f}" for one in measured))
    table.add_row("  95 %", *(f"{one.distance.low:.3f} to {one.distance.high:.3f}" for one in measured))
    for at, name in enumerate(NAMES):
        table.add_row(f"energy {name}, dB", *(f"{one.bands[at].mean:+.1f}" for one in measured))
    table.add_row("box distance", *(f"{one.box_distance:.3f}" for one in measured))
    table.add_row("colour drift", *(f"{one.tone_drift:.3f}" for one in measured))
    console.rich.print(table)


def _write(folder: Path, evaluation: Evaluation | UnpairedEvaluation) -> None:
    import json

    from texpipe.storage.atomic import write_atomic
    from texpipe.train.evaluation.sheets import save_sheet

    write_atomic(folder / FIGURES, (json.dumps(evaluation.as_json(), indent=2) + "\n").encode())
    save_sheet(folder / SHEET, evaluation.titles, evaluation.rows)


def _table(console: Console, evaluation: Evaluation) -> None:
    from rich.table import Table
    from rich.text import Text

    from texpipe.train.evaluation.metrics import HIGHER_IS_BETTER, METRICS

    # One row per metric: a terminal is too narrow for one column per metric.
    metrics = [metric for metric in METRICS if any(metric in m.scores for m in evaluation.measured)]
    table = Table(title=f"{evaluation.pictures} textures")
    for heading in ("", *(m.name for m in evaluation.measured)):
        table.add_column(Text(printable(heading)), overflow="fold")
    for metric in metrics:
        arrow = "↑" if metric in HIGHER_IS_BETTER else "↓"
        table.add_row(f"{metric} {arrow}", *(_cell(evaluation, way, metric) for way in evaluation.measured))
    console.rich.print(table)
    console.rich.print(
        "↑ more is better, ↓ less is better; bold: the best; ~ no worse than it beyond chance (paired bootstrap over "
        "textures, 95 %)"
    )


def _say_best(console: Console, evaluation: Evaluation, models: tuple[str, ...]) -> None:
    """Say which model is better than the others and by how much, by the first metric of `_DECIDING` that is there."""
    from texpipe.train.evaluation.bootstrap import paired_interval

    own = evaluation.measured[len(evaluation.measured) - len(models) :] if models else ()
    metric = next((one for one in _DECIDING if any(one in way.scores for way in own)), None)
    if metric is None:
        return
    best, *others = sorted(own, key=lambda way: way.scores[metric])
    for other in others:
        gap = paired_interval(
            [one[metric] for one in other.textures.values()], [one[metric] for one in best.textures.values()]
        )
        ends = f"(95 %: {gap.low:.3f} to {gap.high:.3f})"
        sure = "" if gap.is_certain else ", which may be chance"
        console.say(f"{best.name} is better than {other.name} by {gap.mean:.3f} in {metric} {ends}{sure}")
    console.say(f"Use it: {command('texpipe', 'run', 'oot', '--model', best.name, '--sample', '20')}")


def _cell(evaluation: Evaluation, way: MethodScores, metric: Metric) -> str:
    value = way.scores.get(metric)
    if value is None:
        return "-"
    if way.name == evaluation.best(metric):
        return f"[bold]{value:.3f}[/bold]"
    return f"{value:.3f}" if evaluation.behind(way, metric).is_certain else f"~{value:.3f}"
