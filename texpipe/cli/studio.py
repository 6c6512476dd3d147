"""`texpipe studio`: the workshop, in the browser."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click

from texpipe.cli.console import Console
from texpipe.cli.options import PATH, quiet_option
from texpipe.errors import ExitCode, Interrupted, UsageError


@click.command()
@click.argument("given", metavar="RECIPE|OUTPUT|DUMP", type=PATH)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Port to listen on; a free one by default."
)
@click.option("--no-browser", is_flag=True, help="Only print the address, and open no browser.")
@click.option(
    "--device",
    default="auto",
    show_default=True,
    help="What computes previews and runs; as in `texpipe run`.",
)
@quiet_option
@click.pass_obj
def studio(console: Console, given: Path, port: int, no_browser: bool, device: str, quiet: bool) -> int:
    """Decide about textures in the browser, see them at once, and have the recipe written.

    \b
    A folder of dumped textures is enough, or a zip file of it: it gets a first recipe, as `texpipe init` writes it.
    Only this computer can reach the page. Stop it with Ctrl-C: what is not saved is there again the next time.
    Examples:
      texpipe studio ~/dumps/oot
      texpipe studio oot.yaml --no-browser
    """
    try:
        from texpipe.studio.server import serve
    except ModuleNotFoundError as error:
        raise UsageError(
            f"texpipe studio needs a package that is not installed: {error.name}",
            hint='python -m pip install "texpipe[studio]"',
        ) from error
    from texpipe.studio.opening import Opening

    console = console.quieter(quiet)

    def opened(address: str) -> None:
        click.echo(address)
        if not no_browser and not webbrowser.open(address):
            console.say("No browser was found: open this address in one on this computer.")
        console.say("Ctrl-C ends the server.")

    try:
        serve(Opening(given, device=device), port=port, opened=opened)
    except KeyboardInterrupt as stop:
        raise Interrupted("stopped", hint="What is not saved is there again the next time.") from stop
    return ExitCode.OK
