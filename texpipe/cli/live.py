"""`texpipe live`: upscale a dump while the game is played, into the emulator's folder."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.completion import complete_model, complete_target
from texpipe.cli.console import Console
from texpipe.cli.device_line import say_device
from texpipe.cli.install import ask_to_move, say_switches
from texpipe.cli.live_screen import Screen
from texpipe.cli.options import (
    PATH,
    device_option,
    order_option,
    precision_option,
    quiet_option,
    recipe_or_dump_argument,
)
from texpipe.cli.run_dump import recipe_of_dump
from texpipe.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from texpipe.live.destination import Destination
    from texpipe.live.events import Event
    from texpipe.options import RunOptions

_LOOK_SECONDS = 1.0
"""Time between two looks into a dump that has no texture yet, in seconds."""


@click.command()
@recipe_or_dump_argument
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="The emulator's texture folder; by default it is looked for.",
)
@click.option(
    "--target",
    metavar="NAME",
    shell_complete=complete_target,
    help="Which of the recipe's emulators; needed if it has several.",
)
@click.option(
    "--input",
    "inputs",
    type=PATH,
    multiple=True,
    help="Folder that the emulator dumps to, instead of the recipe's. Repeat it for several.",
)
@click.option("--output", type=PATH, help="Folder of the pack, instead of the recipe's.")
@click.option(
    "--model",
    metavar="NAME|PATH",
    shell_complete=complete_model,
    help="Model to refine with, instead of the recipe's.",
)
@device_option
@precision_option
@click.option("--memory", metavar="SIZE", help="Memory that each process should stay below, such as 2G.")
@order_option
@click.option(
    "--on-ready",
    metavar="COMMAND",
    help="Command of the shell to start when new textures are there, such as one that presses the emulator's key.",
)
@click.option(
    "--replace",
    is_flag=True,
    help="Move caches that would hide the textures to OUTPUT/.backup without asking.",
)
@click.option("--json", "as_json", is_flag=True, help="Print every event as a line of JSON to stdout.")
@quiet_option
@click.pass_obj
def live(
    console: Console,
    recipe: Path,
    into: Path | None,
    target: str | None,
    inputs: tuple[Path, ...],
    output: Path | None,
    model: str | None,
    device: str,
    precision: str,
    memory: str | None,
    order: Path | None,
    on_ready: str | None,
    replace: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Upscale textures while the game is played: first a preview, then as the recipe says.

    \b
    Switch on the dumping of textures in the emulator, start this, and play. Ctrl-C ends it; the same command goes on.
    Press Enter to have everything written at once.
    Example:
      texpipe live oot.yaml
      texpipe live ~/dumps/oot --into ~/.local/share/mupen64plus/hires_texture
    """
    from texpipe.live.ready_command import ReadyCommand
    from texpipe.live.session import play
    from texpipe.planning.load_options import load_options

    console = console.quieter(quiet)
    say_device(console, device, precision)
    if recipe.is_dir():
        recipe = _recipe_for(console, recipe)
    options = load_options(
        recipe,
        inputs or None,
        output,
        model,
        device=device,
        precision=precision,
        memory=memory,
        order=order,
    )
    place = _place(console, options, target, into, replace=replace)
    command = ReadyCommand(on_ready) if on_ready else None

    with Screen(console, as_json=as_json) as screen:

        def tell(event: Event) -> None:
            screen(event)
            if command is not None:
                command.take(event)

        def stop() -> bool:
            if command is not None:
                command.start_if_due()
            return False

        play(options, place, tell=tell, stop=stop, write_now=_enter_pressed())
    return ExitCode.OK


def _recipe_for(console: Console, dump: Path) -> Path:
    """Return the recipe of a dump: the one that is here already, or a first one, as soon as there is a texture."""
    from texpipe.read.scan import holds_textures

    if not holds_textures(dump):
        console.say(f"waiting for the first texture in {dump}")
        while not holds_textures(dump):
            time.sleep(_LOOK_SECONDS)
    return recipe_of_dump(console, dump)


def _place(
    console: Console, options: RunOptions, target: str | None, into: Path | None, *, replace: bool
) -> Destination:
    """Find the emulator's folder, and move away what would hide the textures, after asking."""
    from texpipe.live.destination import place_for
    from texpipe.live.installation import Changes, carry_out
    from texpipe.live.pick_up import pick_up_of

    place = place_for(options, target, into)
    changes = Changes(place, options.output.absolute(), {}, {}, (), (), ())
    if changes.in_the_way:
        if not replace:
            ask_to_move(console, changes)
        console.say(f"What was in the way is in {carry_out(changes)}")
    say_switches(console, place.target)
    if (pick_up := pick_up_of(place.target)) is not None:
        console.say(f"To see new textures: {pick_up.what}")
    return place


def _enter_pressed() -> Callable[[], bool]:
    """Return what tells whether Enter was pressed since it was asked last."""
    pressed = threading.Event()

    def listen() -> None:
        while sys.stdin.readline():
            pressed.set()

    def asked() -> bool:
        was = pressed.is_set()
        pressed.clear()
        return was

    if sys.stdin is not None and sys.stdin.isatty():
        threading.Thread(target=listen, name="enter", daemon=True).start()
    return asked
