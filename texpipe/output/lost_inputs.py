"""Inputs that lost all that they once gave to a pack: a disk may not be connected, or a folder was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence, Set

from texpipe.analysis.inventory import SurveyedTexture
from texpipe.errors import PackError
from texpipe.manifest.schema import Entry, Manifest
from texpipe.packs.pack import Pack
from texpipe.planning.run_plan import RunPlan
from texpipe.storage.layout import OutputLayout


def require_no_lost_input(run: RunPlan, manifest: Manifest, packs: Sequence[Pack]) -> None:
    """Check that of each input of the run before something is left: another input may be the larger part of a pack.

    Args:
        run: what is planned.
        manifest: of the run before; a single input has no name in it and is not looked at.
        packs: what will be written, as planned.

    Raises:
        PackError: all textures of an input would be removed, or replaced by other pictures of other inputs.
    """
    present = {item.source.name: item for item in run.seen.items}
    given = Counter(entry.input for entry in manifest.textures if entry.input and entry.outputs)
    alone = _of_one_texture(
        path for pack in packs for outputs in pack.outputs.values() for path in {one.path for one in outputs}
    ) & _of_one_texture(path for entry in manifest.textures for path in {one.path for one in entry.outputs})
    stay = {entry.input for entry in manifest.textures if _stays(entry, present.get(entry.source), alone)}
    for name, count in given.items():
        if name not in stay:
            raise PackError(
                f"nothing was written: nothing is left of the input {name}, which gave {count} "
                f"texture{'' if count == 1 else 's'} to the pack",
                hint="Give that folder again, in the recipe's input or with --add. If its textures are to go, run "
                f"again with --remove: a copy goes to {OutputLayout(run.order.output).backup}.",
            )


def _of_one_texture(paths: Iterable[str]) -> set[str]:
    """Return the files that hold one texture; others are archives, which stay whatever is left of an input."""
    return {path for path, textures in Counter(paths).items() if textures == 1}


def _stays(entry: Entry, now: SurveyedTexture | None, planned: Set[str]) -> bool:
    if now is None:  # it may have moved to another folder of the dump
        return any(one.path in planned for one in entry.outputs)
    return now.origin.input == entry.input or now.sha256 == entry.sha256
