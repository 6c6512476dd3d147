"""Model cards: NAME.json for programs and NAME.md for people, beside NAME.safetensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TypeAlias

from texpipe.storage.atomic import write_atomic

FactTable: TypeAlias = Mapping[str, str | int | float]


@dataclass(frozen=True)
class OtherEnd:
    """The inventive end of a model's dial.

    Attributes:
        inventive: name of the safetensors file, beside the model's own.
        sha256: hex digest of that file.
        detail: where the dial stands if nobody says, 0 (the model's own file) to 1 (the inventive one).
    """

    inventive: str
    sha256: str
    detail: float


@dataclass(frozen=True)
class Card:
    """A model card: what a user should know before using a model.

    Attributes:
        name: the model's name, which is the stem of its file.
        summary: one sentence.
        good_for, weak_at: one line each.
        licence: SPDX identifier.
        notice: the copyright line that goes with the licence.
        licence_text: the full text.
        sha256: hex digest of the safetensors file.
        sections: named tables of facts, such as origin, architecture, training, metrics.
        dial: the other end of the model's dial, if it has one.
    """

    name: str
    summary: str
    good_for: tuple[str, ...]
    weak_at: tuple[str, ...]
    licence: str
    notice: str
    licence_text: str
    sha256: str
    sections: Mapping[str, FactTable]
    dial: OtherEnd | None = None


def write_card(folder: Path, card: Card) -> None:
    """Write NAME.json and NAME.md into `folder`; the same card gives the same bytes."""
    facts = {name: value for name, value in asdict(card).items() if name != "dial" or value is not None}
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    write_atomic(folder / f"{card.name}.json", text.encode())
    write_atomic(folder / f"{card.name}.md", _as_markdown(card).encode())


def _as_markdown(card: Card) -> str:
    """Return the card as a Markdown page."""
    parts = [f"# {card.name}", card.summary]
    parts += [_bullets("Good for", card.good_for), _bullets("Weak at", card.weak_at)]
    parts += [_table(title, section) for title, section in card.sections.items()]
    parts += ["## File", f"`{card.name}.safetensors`, sha256 `{card.sha256}`"]
    if card.dial:
        parts += ["## Dial", _dial(card.dial)]
    parts += [f"## Licence: {card.licence}", card.notice, f"```text\n{card.licence_text.rstrip()}\n```"]
    return "\n\n".join(part for part in parts if part) + "\n"


def licence_text(spdx: str) -> str:
    """Return the full text of a licence that the package carries: Apache-2.0 or BSD-3-Clause."""
    return (files("texpipe.networks") / "licences" / f"{spdx}.txt").read_text("utf-8")


def _dial(end: OtherEnd) -> str:
    return (
        f"This file is detail 0, the faithful end. Detail 1, the inventive end, is `{end.inventive}`, sha256 "
        f"`{end.sha256}`. `texpipe run` blends the two, at {end.detail:g} by default."
    )


def _bullets(title: str, lines: tuple[str, ...]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)]) if lines else ""


def _table(title: str, section: FactTable) -> str:
    rows = [f"| {key.replace('_', ' ')} | {value} |" for key, value in section.items()]
    return "\n".join([f"## {title.capitalize()}", "", "| | |", "| --- | --- |", *rows])
