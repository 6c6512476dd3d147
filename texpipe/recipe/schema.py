"""What a recipe can say. JSON Schema, documentation and error messages follow from these models."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
)

from texpipe.recipe.fields import Count, Detail, Glob, NameText, PackBytes, Part, PathText, SizeText, sides
from texpipe.recipe.group_rules import AUTO, GroupEntry, GroupRule
from texpipe.recipe.models import Chain, PresetEntry, not_a_switch
from texpipe.recipe.targets import (
    Target,
    known_in,
    listed_targets,
    target_with,
)
from texpipe.relations import Group
from texpipe.system.limits import limit
from texpipe.texture import (
    Action,
    AlphaClass,
    Clean,
    Colour,
    Consistency,
    EdgeMode,
    Kind,
    Outline,
    TexelFormat,
    Tiles,
    Winner,
)

DEFAULT_MODEL = "texpipe-x4"
"""Name of the model of a recipe that does not name one."""

MAX_RULES = limit("MAX_RULES", 10_000)
MAX_NAMES = limit("MAX_NAMES", 1_000)
MAX_GROUPS = limit("MAX_GROUPS", 1_000)
MAX_INPUTS = limit("MAX_INPUTS", 256)
MAX_OVERRIDES = 100
"""Largest number of folders of hand-made pictures."""


class Match(Part):
    """Which textures a rule is for: those that meet every condition. No condition matches all textures."""

    name: Annotated[tuple[Glob, ...], Field(min_length=1, max_length=MAX_NAMES)] | None = Field(
        default=None,
        description="Glob on the file name, or on the relative path if the pattern has a slash; case counts. Of a list "
        "of them one must fit.",
    )
    folder: Glob | None = Field(
        default=None, description="Glob on the folder, relative to the input, or one above it."
    )
    alpha: AlphaClass | None = Field(
        default=None, description="How the texture uses alpha, as texpipe found it."
    )
    format: TexelFormat | None = Field(
        default=None, description="Texel format on the console, as far as it is known."
    )
    kind: Kind | None = Field(
        default=None, description="What the texture shows, where texpipe is sure of it."
    )
    tiles: Tiles | None = Field(
        default=None,
        description="Whether texpipe found that it repeats along an axis: true, false or uncertain.",
    )
    size: SizeText | None = Field(default=None, description="Width and height in texels, such as 32x64.")
    min_side: Count | None = Field(
        default=None, description="Smallest length of the shorter side, in texels."
    )
    max_side: Count | None = Field(default=None, description="Largest length of the longer side, in texels.")
    min_colours: Count | None = Field(
        default=None, description="Smallest number of distinct visible colours."
    )
    max_colours: Count | None = Field(default=None, description="Largest number of distinct visible colours.")

    @field_validator("name", mode="before")
    @classmethod
    def _one_name_is_a_list(cls, value: object) -> object:
        return value if value is None or isinstance(value, list | tuple) else (value,)

    @field_validator("tiles", mode="before")
    @classmethod
    def _switch_as_a_word(cls, value: object) -> object:
        return str(value).lower() if isinstance(value, bool) else value

    @field_validator("max_colours", "max_side")
    @classmethod
    def _not_below_the_minimum(cls, maximum: int | None, info: ValidationInfo) -> int | None:
        lower = "min_colours" if info.field_name == "max_colours" else "min_side"
        minimum = info.data.get(lower)
        # Sides differ: "shorter at least 16, longer at most 8" can match nothing.
        if maximum is not None and minimum is not None and minimum > maximum:
            raise ValueError(f"is below {lower}, so nothing can match")
        return maximum


class EdgeRule(Part):
    """What lies beyond the border of a texture, per axis."""

    x: Literal["auto", EdgeMode] = Field(default="auto", description="Left and right.")
    y: Literal["auto", EdgeMode] = Field(default="auto", description="Top and bottom.")


class Rule(Part):
    """What to do with the textures that match; what it leaves out texpipe decides by the pixels."""

    match: Match = Field(description="Which textures the rule is for.")
    action: Action | None = Field(
        default=None,
        description="upscale, nearest (repeat texels), copy (write it as it is) or skip (leave it out).",
    )
    edges: EdgeRule | None = Field(
        default=None, description="How the texture repeats: one word for both axes, or x and y."
    )
    alpha: Literal["auto", AlphaClass] | None = Field(default=None, description="How alpha is treated.")
    colour: Colour | None = Field(default=None, description="Colour correction, instead of the recipe's.")
    cells: SizeText | None = Field(
        default=None,
        description="Size of the pictures on an atlas in texels, such as 32x32: each is upscaled alone.",
    )
    consistency: Consistency | None = Field(
        default=None, description="How true to the source, instead of the recipe's."
    )
    clean: Clean | None = Field(default=None, description="Banding and dither, instead of the recipe's.")
    outline: Outline | None = Field(
        default=None, description="Outlines of cut-outs, instead of the recipe's."
    )
    model: Chain | None = Field(
        default=None,
        description="A model for these textures instead of the recipe's, or a list; as `model` there.",
    )
    detail: Detail | None = Field(default=None, description="The model's dial, instead of the recipe's.")

    @property
    def cell_size(self) -> tuple[int, int] | None:
        """Width and height of the pictures on an atlas."""
        return sides(self.cells)

    @field_validator("edges", mode="before")
    @classmethod
    def _one_word_is_both_axes(cls, value: object) -> object:
        return {"x": value, "y": value} if isinstance(value, str) else value


class Recipe(Part):
    """A recipe: what to upscale, how and for which emulator."""

    version: Literal[1] = Field(description="Version of this format.")
    name: NameText = Field(description="The recipe's name.")
    game: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        default=None, description="ROM header name, disc serial or archive name, as the target needs it."
    )
    input: Annotated[tuple[PathText, ...], Field(min_length=1, max_length=MAX_INPUTS)] = Field(
        description="Folder of textures, relative to this file, or a list of such folders."
    )
    on_conflict: Winner = Field(
        default="newest",
        description="Of pictures that differ under one name in several inputs: the newest file, first or last input.",
    )
    output: PathText = Field(description="Folder to write, relative to this file.")
    overrides: Annotated[tuple[PathText, ...], Field(max_length=MAX_OVERRIDES)] = Field(
        default=(),
        description="Folder of pictures made by hand, relative to this file, or a list of them: each is used instead "
        "of upscaling the texture that it is named after. The first folder that has one wins.",
    )
    model: Chain = Field(
        default=(DEFAULT_MODEL,),
        description="A model's name, or a path relative to this file; or a list of them, used one after the other.",
    )
    models: dict[NameText, PresetEntry] = Field(
        default_factory=dict,
        description="Names of the recipe's own, for `model` here and in rules: a model, a list, or {model, detail}.",
    )
    scale: Literal[1, 2, 4, 8, 16] = Field(default=4, description="Enlargement.")
    colour: Colour = Field(
        default="match",
        description="match: the colours of the source, area by area; histogram: also each as often; off: the model's.",
    )
    consistency: Consistency = Field(
        default="loose",
        description="strict: made small again, a result is its source, to 1 of 255 on average; loose: only areas are.",
    )
    clean: Clean = Field(
        default="off",
        description="auto: smooth banding and dither before the model sees them, where there are any; off: leave them.",
    )
    outline: Outline = Field(
        default="smooth",
        description="smooth: outlines of cut-outs as if drawn at the new size; hard: every texel keeps its corners.",
    )
    detail: Detail | None = Field(
        default=None,
        description="The dial of a model that has one: 0 faithful, 1 inventive; the model's own choice if not given.",
    )
    targets: tuple[Target, ...] = Field(
        description="Pack formats to write: a list of names, or names with options."
    )
    budget: PackBytes | None = Field(
        default=None,
        description="Largest size of each target's pack, such as 600M or 1.5G: the textures that lose least by it are "
        "written at half or a quarter of the scale.",
    )
    stp: Literal["opaque", "semi"] = Field(
        default="opaque",
        description="What bit 15 of a colour in PS1 .tim files means; only the game knows where it counts.",
    )
    rules: Annotated[tuple[Rule, ...], Field(max_length=MAX_RULES)] = Field(
        default=(),
        description="The first rule that matches a texture decides; texpipe decides what it leaves out.",
    )
    groups: Annotated[tuple[GroupEntry, ...], Field(max_length=MAX_GROUPS)] = Field(
        default=(),
        description="Pictures that the console had to split: declared, in .ctt files, or auto to find them.",
    )
    variants: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: textures that differ in their colours alone share one structure; off: each has its own.",
    )
    atlases: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: sheets of pictures with gutters between them are upscaled picture by picture; off: whole.",
    )
    frames: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: what frames of an animation have in common is upscaled the same; off: each for itself.",
    )
    mirrored: Literal["auto", "off"] = Field(
        default="auto",
        description="auto: textures that are mirror images of each other have mirrored results; off: each its own.",
    )

    @field_validator("version", "scale", mode="before")
    @classmethod
    def _true_is_not_one(cls, value: object) -> object:
        return not_a_switch(value)

    @field_validator("rules", "groups", "overrides", mode="before")
    @classmethod
    def _all_commented_out_is_empty(cls, value: object) -> object:
        return () if value is None else value

    @field_validator("groups", "overrides", mode="before")
    @classmethod
    def _one_entry(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("input", mode="before")
    @classmethod
    def _one_input(cls, value: object) -> object:
        return value if isinstance(value, (list, tuple)) else [value]

    @field_validator("targets", mode="before")
    @classmethod
    def _names_to_targets(cls, value: object, info: ValidationInfo) -> object:
        if isinstance(value, dict):
            return [target_with(name, options) for name, options in value.items()]
        if isinstance(value, list):
            return [target for item in value for target in listed_targets(item)]
        if isinstance(value, tuple):  # from Python, ready-made
            return value
        raise ValueError(f"must be a list of names, of {', '.join(known_in(info) or ())}")

    @field_validator("targets")
    @classmethod
    def _each_target_once(cls, targets: tuple[Target, ...], info: ValidationInfo) -> tuple[Target, ...]:
        if not targets:
            raise ValueError(f"is empty: name at least one of {', '.join(known_in(info) or ())}")
        names = [target.name for target in targets]
        repeated = next((name for name in names if names.count(name) > 1), None)
        if repeated:
            raise ValueError(f"names {repeated} twice")
        known = known_in(info)
        if known is None:
            return targets
        return tuple(target.of_game(info.data.get("game"), known) for target in targets)

    @classmethod
    def default(cls) -> Recipe:
        """Return a recipe without rules: everything is decided by classify."""
        return cls(version=1, name="default", input=(".",), output=".", targets=(Target(name="folder"),))

    @property
    def uses_dial(self) -> bool:
        """Whether anything in it is about the model's dial."""
        return self.detail is not None or any(rule.detail is not None for rule in self.rules)

    def picture_groups(self) -> tuple[Group, ...]:
        """Return the split pictures that the recipe declares."""
        return tuple(one.picture() for one in self.groups if isinstance(one, GroupRule))

    @property
    def join_files(self) -> tuple[str, ...]:
        """Paths of join files among the groups, relative to the recipe."""
        return tuple(one for one in self.groups if isinstance(one, str) and one != AUTO)

    @property
    def finds_groups(self) -> bool:
        """Whether split pictures are to be found by their pixels."""
        return AUTO in self.groups
