"""The list of `texpipe inspect`: a row or a paragraph for each texture, and why it is treated like that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from texpipe.cli.inspected import InspectedTexture
from texpipe.cli.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from texpipe.manifest.schema import Entry
    from texpipe.relations import Spot
    from texpipe.texture import Facts

_REASONS_WIDTH = 40
"""Smallest width of the column of reasons, in characters, when stdout is no terminal; names are then never cut."""
_DUPLICATE = "duplicate of "
"""What a reason begins with that ends with a name."""
_TABLE_WIDTH = 120
"""Smallest width of a terminal, in characters, on which a row is easier to read than a paragraph."""
_HEADINGS = ("texture", "size", "action", "format", "kind", "alpha", "x", "y")


def show_list(textures: Sequence[InspectedTexture]) -> None:
    """Print the textures to stdout: rows for pagers, `grep` and wide terminals, paragraphs on narrow ones."""
    from rich.cells import cell_len
    from rich.console import Console

    rows = [_row(one) for one in textures]
    terminal = Console(highlight=False)
    if terminal.is_terminal and terminal.width < _TABLE_WIDTH:
        _show_paragraphs(terminal, rows)
        return
    if not terminal.is_terminal:
        names = max((cell_len(row[0]) for row in rows), default=0)
        terminal = Console(highlight=False, width=names + 60 + max(_REASONS_WIDTH, names + len(_DUPLICATE)))
    _show_table(terminal, rows)


def _show_table(terminal: Console, rows: Sequence[tuple[str, ...]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in _HEADINGS:
        table.add_column(heading, no_wrap=heading != "texture", overflow="fold")
    table.add_column("why", overflow="fold", ratio=1)
    for row in rows:
        table.add_row(*map(escape, row))
    terminal.print(table)


def _show_paragraphs(terminal: Console, rows: Sequence[tuple[str, ...]]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    for name, size, action, texels, kind, alpha, x, y, why in rows:
        terminal.print(Text(name, style="bold"), overflow="fold")
        facts = (size, action, texels, kind, alpha, x and f"x {x}", y and f"y {y}")
        terminal.print(Padding(Text("  ".join(filter(None, facts))), (0, 0, 0, 2)))
        for line in why.splitlines():
            terminal.print(Padding(Text(line, style="dim"), (0, 0, 0, 4)))


def _row(one: InspectedTexture) -> tuple[str, ...]:
    entry = one.entry
    if one.action is None or one.facts is None or entry.size is None or entry.edges is None:
        return (printable(entry.source), "", "failed", "", "", "", "", "", printable(str(entry.reason)))
    width, height = entry.size
    return (
        printable(entry.source),
        f"{width}x{height}",
        one.action,
        entry.format or "?",
        entry.kind or "?",
        entry.alpha or "",
        _edge(entry, "x"),
        _edge(entry, "y"),
        "\n".join(printable(reason) for reason in _reasons(entry, one.facts)),
    )


def _edge(entry: Entry, axis: Literal["x", "y"]) -> str:
    """Return how an axis is treated; "wrap?" if it may repeat or not and is computed both ways."""
    if entry.undecided and getattr(entry.undecided, axis):
        return "wrap?"
    return str(getattr(entry.edges, axis))


def _reasons(entry: Entry, facts: Facts) -> list[str]:
    reasons = entry.decided_by
    assert reasons is not None
    lines = [f"{_DUPLICATE}{entry.duplicate_of}"] if entry.duplicate_of else []
    lines += [f"piece of {entry.group}, {_where(entry.spot)}"] if entry.spot else []
    lines.append(f"action: {reasons.action}")
    if entry.status != "skipped":
        lines += [f"alpha: {reasons.alpha}", f"x: {reasons.x}", f"y: {reasons.y}"]
    lines += [f"cannot be used: {entry.reason}"] if entry.status == "failed" else []
    return [*lines, f"kind: {_kind(facts)}", f"texels: {_texels(facts)}", *entry.warnings]


def _where(spot: Spot) -> str:
    return f"column {spot.column + 1}, row {spot.row + 1}: {spot.why}"


def _kind(facts: Facts) -> str:
    """Say what a texture shows, and how sure that is."""
    found = facts.kind
    return f"{found.kind} ({found.confidence:.0%} sure)" if found.kind else "not sure"


def _texels(facts: Facts) -> str:
    colours = f"{facts.colours} colour{'s' if facts.colours != 1 else ''}"
    words = {"grey": facts.grey, "flat": facts.flat, "tiny": facts.tiny}
    return ", ".join([facts.texels_reason, colours, *(word for word, true in words.items() if true)])
