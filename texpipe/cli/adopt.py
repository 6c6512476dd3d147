"""`texpipe adopt`: edited files of a pack become hand-made pictures that later runs start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.console import Console, print_json
from texpipe.cli.options import PATH, json_option, output_argument, quiet_option
from texpipe.errors import ExitCode, UsageError
from texpipe.progress import of_textures

if TYPE_CHECKING:
    from texpipe.output.adopt import Adopted
    from texpipe.recipe.load import LoadedRecipe

_DEFAULT_FOLDER = "by-hand"
"""Name of the folder beside a recipe that has no `overrides`."""


@click.command()
@output_argument
@click.option("--recipe", type=PATH, help="Recipe whose folder of hand-made pictures is used.")
@click.option("--into", type=PATH, help="Folder to copy to, instead of the recipe's.")
@click.option(
    "--replace", is_flag=True, help="Replace pictures that are there; they are moved to its folder .backup."
)
@click.option(
    "--add-to-recipe", is_flag=True, help="Add the line `overrides: DIR` to the recipe, if it has none."
)
@json_option
@quiet_option
@click.pass_obj
def adopt(
    console: Console,
    output_dir: Path,
    recipe: Path | None,
    into: Path | None,
    replace: bool,
    add_to_recipe: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Copy the files of a pack that were edited by hand into a folder that recipes name as `overrides`.

    \b
    From then on they are a source like the dump: later runs bring them to the size and format of each target.
    Example:
      texpipe adopt build/oot --recipe recipes/oot.yaml
    """
    from texpipe.formats import known_targets
    from texpipe.manifest.file import read_manifest
    from texpipe.output.adopt import adopt as adopt_edits
    from texpipe.output.lost_pictures import require_pictures
    from texpipe.recipe.load import load_recipe
    from texpipe.storage.layout import OutputLayout

    console = console.quieter(quiet)
    if recipe is None and (into is None or add_to_recipe):
        needed = "--add-to-recipe needs --recipe" if add_to_recipe else "neither --recipe nor --into is given"
        raise UsageError(needed, hint="Example: texpipe adopt build/oot --recipe recipes/oot.yaml")
    if add_to_recipe and recipe is not None and not recipe.is_file():
        raise UsageError(f"{recipe} is no file: a recipe that comes with texpipe is not changed")
    loaded = None if recipe is None else load_recipe(recipe, known_targets())
    folder = into or _folder_of(loaded)
    if loaded is not None and _is_named(loaded, folder):
        require_pictures(folder, loaded.overrides, read_manifest(OutputLayout(output_dir).manifest).textures)
    done = adopt_edits(output_dir, folder, replace=replace)
    added = loaded is not None and add_to_recipe and _add(loaded, done.into)
    if as_json:
        print_json({**vars(done), "into": str(done.into), "recipe_changed": added})
    _show(console, done)
    if loaded is not None and added:
        console.say(f"added to {loaded.path}: {_line(loaded, done.into)}")
    elif loaded is not None:
        _name_line(console, loaded, done.into, was_asked=add_to_recipe)
    return ExitCode.SOME_FAILED if done.left else ExitCode.OK


def _folder_of(loaded: LoadedRecipe | None) -> Path:
    assert loaded is not None, "the caller has looked"
    folders = loaded.overrides or (loaded.path.parent / _DEFAULT_FOLDER,)
    return Path(os.path.normpath(folders[0]))


def _show(console: Console, done: Adopted) -> None:
    for line in done.left:
        console.warn(f"not adopted: {line}")
    for name in done.files:
        console.say(str(done.into / name))
    for line in done.notes:
        console.say(line)
    already = f", {len(done.known)} are there already" if done.known else ""
    console.say(f"copied {of_textures(len(done.files), 'edited')} to {done.into}{already}")


def _line(loaded: LoadedRecipe, folder: Path) -> str:
    from texpipe.recipe.edits import overrides_line

    new = Path(os.path.relpath(folder.resolve(), loaded.path.parent.resolve()))
    # Of two folders that have a picture of one name the first wins: what was edited last.
    return overrides_line(new, *map(Path, loaded.recipe.overrides))


def _is_named(loaded: LoadedRecipe, folder: Path) -> bool:
    return folder.resolve() in (known.resolve() for known in loaded.overrides)


def _name_line(console: Console, loaded: LoadedRecipe, folder: Path, *, was_asked: bool) -> None:
    """Say what the recipe needs, unless it has it: a line at the margin, as it is pasted; `was_asked` to add it."""
    if _is_named(loaded, folder):
        return
    line = _line(loaded, folder)
    if loaded.overrides:
        console.say(
            f"{loaded.path} has `overrides` already. To use the new folder, too, put this in their place:"
        )
    else:
        way = "" if was_asked else " (--add-to-recipe does that)"
        console.say(f"To use them, add this line to {loaded.path}{way}:")
    console.say(line)


def _add(loaded: LoadedRecipe, folder: Path) -> bool:
    """Add the line to a recipe that has none, if it then means what it should; return whether it was added."""
    from texpipe.formats import known_targets
    from texpipe.recipe.edits import with_line
    from texpipe.recipe.load import load_recipe
    from texpipe.storage.atomic import part_of, write_atomic

    if loaded.overrides:
        return False
    text = with_line(loaded.path.read_bytes().decode(), _line(loaded, folder))
    draft = part_of(loaded.path)
    try:
        write_atomic(draft, text.encode())
        if not _is_named(load_recipe(draft, known_targets()), folder):
            return False
        write_atomic(loaded.path, text.encode(), any_link=True)
        return True
    finally:
        draft.unlink(missing_ok=True)
