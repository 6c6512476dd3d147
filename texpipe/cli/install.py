"""`texpipe install`: a finished pack into the emulator's own folder, and out of it again."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from texpipe.cli.completion import complete_target
from texpipe.cli.console import Console
from texpipe.cli.options import output_argument, quiet_option
from texpipe.errors import ExitCode, UsageError
from texpipe.system.shell import command, quoted

if TYPE_CHECKING:
    from texpipe.live.destination import Destination
    from texpipe.live.installation import Changes

_SHOWN = 5
"""Number of files that are named before the rest is counted."""


@click.command()
@output_argument
@click.option(
    "--target",
    metavar="NAME",
    shell_complete=complete_target,
    help="Which of the packs in OUTPUT_DIR; needed if there are several.",
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="The emulator's texture folder; by default it is looked for. --uninstall knows where the pack was put.",
)
@click.option("--uninstall", is_flag=True, help="Take the pack out of the emulator's folder again.")
@click.option(
    "--replace",
    is_flag=True,
    help="Move files that are in the way and not this pack's to OUTPUT_DIR/.backup without asking.",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@quiet_option
@click.pass_obj
def install(
    console: Console,
    output_dir: Path,
    target: str | None,
    into: Path | None,
    uninstall: bool,
    replace: bool,
    dry_run: bool,
    quiet: bool,
) -> int:
    """Copy the pack of a run into the folder where its emulator looks for textures.

    \b
    Example:
      texpipe install ~/packs/oot
      texpipe install ~/packs/oot --uninstall
    """
    from texpipe.live.installation import carry_out, plan_installation, plan_removal
    from texpipe.live.installed_files import InstallationRecord

    console = console.quieter(quiet)
    target, is_only = _target_of(output_dir, target)
    place = _place_of(output_dir, target, into, uninstall=uninstall, is_only=is_only)
    if place is None:
        console.say(f"{output_dir} is not installed anywhere: there is nothing to take out")
        return ExitCode.OK
    if not uninstall and not place.folder.exists():
        console.say(f"{place.folder} is not there yet: it {'would be' if dry_run else 'is'} made")
    record = InstallationRecord(place.folder)
    if uninstall:
        record.require_readable()
    changes = plan_removal(output_dir, place) if uninstall else plan_installation(output_dir, place)
    _show(console, changes, dry_run=dry_run)
    if dry_run:
        return ExitCode.OK
    if changes.in_the_way and not replace:
        ask_to_move(console, changes)
    record.settle()  # what a killed installation noted is not to outlast the pack
    backup = carry_out(changes)
    record.settle()
    if backup is not None:
        console.say(f"What was in the way is in {backup}")
    if not uninstall:
        say_switches(console, target)
    return ExitCode.OK


def _place_of(
    output: Path, target: str, into: Path | None, *, uninstall: bool, is_only: bool
) -> Destination | None:
    """Return where the pack goes, or which folder it is taken out of: by default the one that it was put into.

    None is for a pack that is to be taken out and is nowhere.

    Args:
        output: the output folder.
        target: the pack's.
        into: the folder that the user names.
        uninstall: it is taken out.
        is_only: there are no packs for other targets in the output.

    Raises:
        PackError: there is no pack.
        UsageError: no emulator is found, or several are; or the folder that is named is not there.
    """
    from texpipe.live.destination import Destination, NoEmulatorError, destination, require_near
    from texpipe.live.installation import files_of_pack
    from texpipe.live.installed_files import whereabouts

    if uninstall and into is None:
        there = whereabouts(output)
        known = there.folders
        if not known:
            return _place_of_unclear(output, target, there.unclear) if there.unclear else None
        if len(known) == 1 and is_only:
            return Destination(target, known[0])
        with suppress(NoEmulatorError):
            place = destination(target, files_of_pack(output, target), None)
            if place.folder in known:
                return place
        places = "\n".join(f"--into {quoted(folder)}" for folder in known)
        raise UsageError(
            f"which folder is {output} to be taken out of?",
            hint=f"It was put into these; name one:\n{places}",
        )
    place = destination(target, files_of_pack(output, target), into)
    if into is not None:
        require_near(place.folder)
    return place


def _place_of_unclear(output: Path, target: str, unclear: Mapping[Path, str]) -> Destination:
    """Return the emulator's usual folder, if that is one whose record does not say where the pack is.

    Raises:
        PackError: there is no pack.
        UsageError: it is not.
    """
    from texpipe.live.destination import NoEmulatorError, destination
    from texpipe.live.installation import files_of_pack
    from texpipe.live.installed_files import InstallationRecord

    with suppress(NoEmulatorError):
        place = destination(target, files_of_pack(output, target), None)
        if InstallationRecord(place.folder).file in unclear:
            return place
    problems = "\n".join(unclear.values())
    named = command("texpipe", "install", output, "--uninstall", "--into")
    raise UsageError(
        f"which folder {output} was put into cannot be read from the record of installed files",
        hint=f"{problems}\nName the emulator's texture folder: {named} FOLDER",
    )


def _target_of(output: Path, asked: str | None) -> tuple[str, bool]:
    """Return the target whose pack is installed, and whether it is the only one.

    Raises:
        PackError: there is no readable manifest.
        UsageError: the pack is not there, or there are several and none was asked for.
    """
    from texpipe.manifest.file import read_manifest
    from texpipe.storage.layout import OutputLayout

    targets = read_manifest(OutputLayout(output).manifest).targets
    if asked is None and len(targets) == 1:
        return targets[0], True
    if asked in targets:
        return str(asked), len(targets) == 1
    problem = "there are several packs" if asked is None else f"there is no pack for {asked}"
    raise UsageError(f"{problem} in {output}", hint=f"Choose with --target: {', '.join(targets)}.")


def _show(console: Console, changes: Changes, *, dry_run: bool) -> None:
    would = "would be " if dry_run else ""
    counts = (
        (len(changes.new), f"{would}copied"),
        (len(changes.same), "there already"),
        (len(changes.obsolete), f"{would}removed"),
        (len(changes.kept), "kept, as somebody changed them"),
        (len(changes.shared), "kept, as another pack has them, too"),
    )
    text = ", ".join(f"{number} {what}" for number, what in counts if number) or "nothing to do"
    console.say(f"{changes.place.folder}: {text}")
    for line in changes.links:
        console.warn(line)


def ask_to_move(console: Console, changes: Changes) -> None:
    """Ask whether files that are not the pack's may go to the backup.

    Raises:
        UsageError: nobody can be asked.
        click.Abort: the answer is no.
    """
    paths, owners = changes.in_the_way, changes.owners
    console.warn(f"{len(paths)} files there are not this pack's, or were changed, and are in the way:")
    for path in paths[:_SHOWN]:
        console.say(f"  {path}" + (f" belongs to the pack {owners[path]}" if path in owners else ""))
    if len(paths) > _SHOWN:
        console.say(f"  ... and {len(paths) - _SHOWN} more")
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "files that are not this pack's are in the way, and nothing was changed",
            hint=f"--replace moves them to {changes.pack / '.backup'}.{_ways_out(owners.values())}",
        )
    click.confirm(f"Move them to {changes.pack / '.backup'}?", abort=True, err=True)


def _ways_out(packs: Iterable[str]) -> str:
    """Return how the packs are taken out that own what is in the way, as the end of a hint."""
    commands = (command("texpipe", "install", pack, "--uninstall") for pack in sorted(set(packs)))
    return "".join(f"\nOr take the other pack out first: {one}" for one in commands)


def say_switches(console: Console, target: str) -> None:
    """Say what to switch on in the emulator."""
    from texpipe.formats import format_of

    for line in str(format_of(target).copy_to).splitlines():
        if line.startswith(("Switch on", "The strong checksum", "It must be called")):
            console.say(line)
