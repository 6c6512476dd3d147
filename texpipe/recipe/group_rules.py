"""How a recipe declares pictures that the console had to split."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator

from texpipe.recipe.fields import Count, Margin, NameText, Part, PathText, SizeText, sides
from texpipe.relations import Group
from texpipe.system.limits import limit

MAX_PIECES = limit("MAX_PIECES", 4_096)


class GroupRule(Part):
    """A picture that the console had to split: joined, upscaled once and split again."""

    name: NameText = Field(description="Any name; the manifest shows it at every piece.")
    columns: Count = Field(description="Pieces in a row.")
    rows: Count = Field(description="Pieces in a column.")
    overlap: Literal[0, 1, 2, 4] = Field(default=0, description="Texels that neighbouring pieces share.")
    tile: SizeText | None = Field(
        default=None, description="Size of a piece in texels, such as 64x32; the last ones may be smaller."
    )
    margins: Annotated[tuple[Margin, ...], Field(min_length=4, max_length=4)] = Field(
        default=(0, 0, 0, 0),
        description="Texels left, top, right and bottom of the joined pieces that only fill them up.",
    )
    trim: Annotated[tuple[Margin, ...], Field(min_length=4, max_length=4)] = Field(
        default=(0, 0, 0, 0),
        description="Texels left, top, right and bottom of every piece that do not belong to the picture.",
    )
    files: Annotated[tuple[PathText, ...], Field(max_length=MAX_PIECES)] = Field(
        description="Paths of the pieces, row by row from the top left; equal tiles are one file."
    )

    @field_validator("files")
    @classmethod
    def _fill_the_grid_once(cls, files: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        columns, rows = info.data.get("columns"), info.data.get("rows")
        if columns and rows and len(files) != columns * rows:
            raise ValueError(
                f"has {len(files)} entries, but {columns} columns x {rows} rows are {columns * rows}"
            )
        return files

    def picture(self) -> Group:
        """Return the split picture that this declares."""
        return Group(
            self.name,
            self.columns,
            self.rows,
            self.overlap,
            self.files,
            tile=sides(self.tile),
            margins=self.margins,
            trim=self.trim,
        )


AUTO = "auto"
"""Entry of `groups` that has split pictures found by their pixels."""


def _kind_of_group(value: object) -> str:
    return "path" if isinstance(value, str) else "group"


GroupEntry: TypeAlias = Annotated[
    Annotated[GroupRule, Tag("group")] | Annotated[PathText, Tag("path")], Discriminator(_kind_of_group)
]
"""A declared group, `auto`, or the path of a `.ctt` join file or a folder of them."""
