"""The `texpipe` command: one thin file per sub-command, imported only when it is used."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from texpipe import __version__

# All sub-commands: name -> (module:attribute, one line of help).
# The help is here so that `texpipe --help` imports none of their modules.
COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("texpipe.cli.init:init", "Analyse a dump and write a first recipe for it."),
    "run": ("texpipe.cli.run:run", "Upscale a folder of textures into a pack that an emulator loads."),
    "compare": (
        "texpipe.cli.compare:compare",
        "Show a part of a dump by several models, side by side, with the time of each.",
    ),
    "merge": (
        "texpipe.cli.merge:merge",
        "Write one pack out of several, or from the shards that `run --shard` computed.",
    ),
    "inspect": (
        "texpipe.cli.inspect:inspect",
        "Show what each texture is and what a run would do with it.",
    ),
    "verify": (
        "texpipe.cli.verify:verify",
        "Check each file of a pack by its manifest and its emulator's rules.",
    ),
    "coverage": (
        "texpipe.cli.coverage:coverage",
        "Show which textures of a dump a pack has, and which it lacks.",
    ),
    "complete": (
        "texpipe.cli.complete:complete",
        "Fill the gaps of a pack in its own style, without changing what is there.",
    ),
    "diff": (
        "texpipe.cli.diff:diff",
        "Show how two packs differ: what was added, removed or changed, by whom.",
    ),
    "patch": ("texpipe.cli.patch:patch", "Make and apply small updates of packs."),
    "archive": (
        "texpipe.cli.archive:archive",
        "Write the zip file that people upload, with install lines, credits and a picture.",
    ),
    "port": ("texpipe.cli.port:port", "Make a pack for another emulator, through dumps of the game by both."),
    "adopt": (
        "texpipe.cli.adopt:adopt",
        "Make edited files of a pack a source: copy them to the recipe's overrides.",
    ),
    "report": (
        "texpipe.cli.report:report",
        "Show a finished pack before and after: as a page, a sheet or a clip.",
    ),
    "studio": (
        "texpipe.cli.studio:studio",
        "Decide about textures in the browser, see them at once, have the recipe written.",
    ),
    "install": (
        "texpipe.cli.install:install",
        "Copy a finished pack into its emulator's folder, or take it out again.",
    ),
    "live": (
        "texpipe.cli.live:live",
        "Upscale a dump while the game is played, into the emulator's folder.",
    ),
    "probe": (
        "texpipe.cli.probe:probe",
        "Find out which textures a screenshot of the game shows.",
    ),
    "finetune": ("texpipe.cli.finetune:finetune", "Train a model on a folder of modern textures."),
    "evaluate": (
        "texpipe.cli.evaluate:evaluate",
        "Compare models on textures that they were not trained on.",
    ),
    "models": ("texpipe.cli.models:models", "List, download, convert, blend and export models."),
    "doctor": (
        "texpipe.cli.doctor:doctor",
        "Show what texpipe runs on: devices, models, folders, emulators, speed.",
    ),
}


class _LazyGroup(click.Group):
    """A group that imports a sub-command only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a sub-command and return it."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name][0].split(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; `help` before or behind it asks for its help, and a folder or file alone is run."""
        word, rest = args[0], args[1:]
        if word == "help":
            return super().resolve_command(ctx, [*rest[:1], "--help"]) if rest else self._help(ctx)
        if word in COMMANDS and rest == ["help"] and not Path("help").exists():
            return super().resolve_command(ctx, [word, "--help"])
        if word not in COMMANDS and Path(word).exists():
            return super().resolve_command(ctx, ["run", *args])
        if word not in COMMANDS and not word.startswith("-"):
            _refuse(word, rest)
        return super().resolve_command(ctx, args)

    def _help(self, ctx: click.Context) -> NoReturn:
        click.echo(ctx.get_help())
        ctx.exit()

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of sub-commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _refuse(word: str, rest: Sequence[str]) -> NoReturn:
    """Say that there is no such command, and which was meant.

    Raises:
        UsageError: always.
    """
    import difflib

    from texpipe.errors import UsageError
    from texpipe.system.meant_paths import did_you_mean
    from texpipe.system.shell import command

    close = difflib.get_close_matches(word, COMMANDS, n=1)
    if word == "uninstall":
        pack = [*rest] or ["OUTPUT"]
        hint = f"Did you mean: {command('texpipe', 'install', *pack, '--uninstall')}"
        raise UsageError(f"no such command: {word}", hint=hint)
    if close:
        raise UsageError(
            f"no such command: {word}", hint=f"Did you mean: {command('texpipe', close[0], *rest)}"
        )
    meant = did_you_mean(Path(word))
    if "/" in word or "\\" in word or Path(word).suffix:
        hint = meant or "Check the path, or drag the folder into the terminal."
        raise UsageError(f"{word} does not exist", hint=hint)
    raise UsageError(f"no such command: {word}", hint=f"{meant}`texpipe help` lists all commands.")


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="texpipe")
@click.option("-v", "--verbose", count=True, help="Show more messages; give it twice for debugging.")
@click.option("-q", "--quiet", is_flag=True, help="Show errors only.")
@click.option(
    "--log",
    "log_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Append all messages to a file, each with its time, also those that -v and -vv would show.",
)
@click.pass_context
def texpipe(ctx: click.Context, verbose: int, quiet: bool, log_file: Path | None) -> None:
    """AI-upscaled texture packs for N64 and PS1 games.

    \b
    Example:
      texpipe run recipes/oot.yaml
    """
    from texpipe.cli.console import Console, start_log

    level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    start_log(level, log_file)
    ctx.obj = Console(quiet=quiet)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with one of the documented codes."""
    from texpipe.cli.console import exit_code_of
    from texpipe.system.interrupts import EXIT_CODE, end_without_waiting

    words = list(sys.argv[1:] if arguments is None else arguments)
    code = exit_code_of(texpipe, words, ends_process=True)
    if code == EXIT_CODE:
        end_without_waiting()
    sys.exit(code)
