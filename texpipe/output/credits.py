"""What a pack says of its makers: which textures are by models, by hand or foreign, and under which licences."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from texpipe.manifest.schema import Maker, Manifest, ModelId
from texpipe.networks.licence_terms import forbids_commerce, strictest
from texpipe.storage.atomic import write_atomic
from texpipe.storage.links import leads_out
from texpipe.storage.small_files import RefusedFileError, read_json, read_small

SCHEMA = "texpipe.credits/1"
SUMMARY, PAGE = "credits.json", "CREDITS.md"
_MAX_BYTES = 1 << 20
"""Largest summary or page that is read, in bytes."""
_SIGNATURE = "\n<!-- as texpipe wrote it: "
"""What comes before the digest of a page."""

_WORDS: Mapping[Maker, str] = {
    "model": "upscaled by an AI model",
    "nearest": "enlarged by repeating texels, without AI",
    "hand": "made by hand",
    "copied": "copied from the game as they are",
    "edited": "made by texpipe and edited by hand",
    "foreign": "from elsewhere; texpipe found them in the pack and kept them",
}


@dataclass(frozen=True)
class Credits:
    """Who made a pack.

    Attributes:
        texpipe: version that wrote it.
        name: of the recipe.
        textures: number of textures by maker; those that none is known of are not counted.
        models: the models used, each with the number of textures that went through it.
    """

    texpipe: str
    name: str
    textures: Mapping[Maker, int]
    models: tuple[tuple[ModelId, int], ...]

    @property
    def total(self) -> int:
        """Number of textures whose maker is known."""
        return sum(self.textures.values())

    @property
    def by_ai(self) -> int:
        """Number of textures whose picture an AI model made."""
        return self.textures.get("model", 0)

    @property
    def licence(self) -> str | None:
        """The licence that asks the most, of the models used; None if one is unknown, or none was used."""
        return strictest(model.licence for model, _ in self.models)

    def statement(self) -> str:
        """Return what AI made, in one sentence that mod sites can show."""
        if not self.by_ai:
            return "No texture of this pack was made by AI."
        names = ", ".join(model.name for model, _ in self.models)
        return (
            f"{self.by_ai} of {self.total} textures were upscaled from the game's own by AI models ({names})."
        )

    def as_json(self) -> dict[str, Any]:
        """Return the machine-readable summary."""
        return {
            "schema": SCHEMA,
            "texpipe": self.texpipe,
            "name": self.name,
            "textures": {maker: self.textures.get(maker, 0) for maker in _WORDS},
            "ai": {
                "used": bool(self.by_ai),
                "textures": self.by_ai,
                "of": self.total,
                "statement": self.statement(),
            },
            "models": [
                {"name": model.name, "sha256": model.sha256, "licence": model.licence, "textures": count}
                for model, count in self.models
            ],
            "licence": self.licence,
        }

    def page(self) -> str:
        """Return the page for people, Markdown."""
        lines = [
            f"# Credits of {_plain(self.name)}",
            "",
            self.statement(),
            "",
            "| textures | |",
            "| ---: | --- |",
        ]
        lines += [
            f"| {self.textures[maker]} | {words} |"
            for maker, words in _WORDS.items()
            if maker in self.textures
        ]
        if self.models:
            lines += ["", "| model | licence | textures |", "| --- | --- | ---: |"]
            lines += [
                f"| {_plain(model.name)} | {_plain(model.licence or 'unknown')} | {count} |"
                for model, count in self.models
            ]
            lines += ["", self._terms()]
        lines += ["", f"Made with texpipe {self.texpipe}. The game's own art belongs to its makers.", ""]
        return "\n".join(lines)

    def _terms(self) -> str:
        if self.licence is None:
            return "The licence of a model is unknown: ask its maker before you share or sell the pack."
        if forbids_commerce(self.licence):
            return f"The licence {_plain(self.licence)} forbids commercial use."
        return f"The strictest of these licences is {_plain(self.licence)}."


def _plain(text: str) -> str:
    """Return a text as Markdown shows it literally, on one line of a table."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return re.sub(r"([\\`*_{}\[\]<>#|!])", r"\\\1", shown)


def credits_of(manifest: Manifest) -> Credits:
    """Return who made the pack that a manifest describes."""
    counts: Counter[Maker] = Counter()
    through: Counter[str] = Counter()
    for entry in manifest.textures:
        if entry.by is not None and entry.outputs:
            counts[entry.by.kind] += 1
            through.update(set((entry.by.model or "").split(" + ")) - {""})
    known = {model.name: model for model in (*manifest.models, manifest.model)}
    models = tuple((known[name], count) for name, count in sorted(through.items()) if name in known)
    return Credits(manifest.texpipe, manifest.recipe.name, dict(counts), models)


def write_credits(output: Path, manifest: Manifest, keep: Callable[[str], object]) -> str | None:
    """Write CREDITS.md and credits.json beside a manifest; files of others under these names stay.

    Args:
        output: the run's output folder.
        manifest: of the pack.
        keep: called with the name of a summary that is damaged, before it is replaced: keeps a copy of it.

    Returns:
        Why a file was not written, in one line; None if both were.

    Raises:
        PackError: they cannot be written.
    """
    summary, page = output / SUMMARY, output / PAGE
    if not _is_ours(summary, keep):
        return f"{SUMMARY} is there and not texpipe's: it stays, and the pack's credits are not written"
    found = credits_of(manifest)
    text = json.dumps(found.as_json(), indent=2, ensure_ascii=False) + "\n"
    write_atomic(summary, text.encode(), fsync=False)
    if not _is_free(page):
        return f"{PAGE} was changed by hand: it stays as it is"
    write_atomic(page, _signed(found.page()), fsync=False)
    return None


def _signed(text: str) -> bytes:
    """Return a page that ends with its digest in a comment, by which a later run knows that nobody changed it."""
    return f"{text}{_SIGNATURE}{hashlib.sha256(text.encode()).hexdigest()} -->\n".encode()


def _is_ours(summary: Path, keep: Callable[[str], object]) -> bool:
    """Return whether the summary may be written: none lies there, or one of a run; a damaged one is kept aside."""
    if not summary.exists() and not summary.is_symlink():
        return True
    if not summary.is_file() or leads_out(summary, summary.parent):
        return False
    try:
        top = read_json(summary, _MAX_BYTES)
    except RefusedFileError:
        keep(summary.name)
        return True
    return isinstance(top, dict) and top.get("schema") == SCHEMA


def _is_free(page: Path) -> bool:
    """Return whether the page may be written: nothing lies there, an empty file, or a page as a run wrote it."""
    if not page.exists() and not page.is_symlink():
        return True
    if not page.is_file() or leads_out(page, page.parent):
        return False
    try:
        data = read_small(page, _MAX_BYTES)
    except RefusedFileError:
        return False
    text = data.decode("utf-8", "replace").rpartition(_SIGNATURE)[0]
    return not data or data == _signed(text)
