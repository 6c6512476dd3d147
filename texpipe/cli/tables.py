"""Tables on stdout, for pagers and `grep`: not wrapped where nothing shows them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table.

    Args:
        headings: of the columns.
        rows: their cells; text of strangers must be `printable`.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    cells = [tuple(row) for row in rows]
    terminal = Console(highlight=False)
    if not terminal.is_terminal:
        widths = (max(map(cell_len, column)) + 2 for column in zip(headings, *cells, strict=True))
        terminal = Console(highlight=False, width=sum(widths) + 2)
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in cells:
        table.add_row(*map(escape, row))
    terminal.print(table)
