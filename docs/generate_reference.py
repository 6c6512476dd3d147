"""Writes docs/reference-recipe.md, docs/reference-commands.md and recipes/recipe.schema.json out of the code.

    python docs/generate_reference.py

`tests/docs/test_reference.py` fails where the pages and the code have drifted apart.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from texpipe.cli import texpipe
from texpipe.formats import TARGETS
from texpipe.recipe.json_schema import json_schema

DOCS = Path(__file__).parent
SCHEMA = DOCS.parent / "recipes" / "recipe.schema.json"
MADE = "<!-- Made by docs/generate_reference.py. Change the code, not this page. -->"


def pages() -> dict[str, str]:
    """Return the text of each page by file name."""
    return {"reference-recipe.md": recipe_page(), "reference-commands.md": command_page()}


# ---- recipes


def recipe_page() -> str:
    """Return the reference of recipes: every key with its values, default and meaning."""
    schema = json.loads(json_schema(TARGETS))
    parts = [
        MADE,
        "# Reference: recipes",
        "Every key that a recipe can have. [recipes.md](recipes.md) explains them.",
    ]
    waiting, seen = [("The recipe", schema)], set()
    while waiting:
        title, mapping = waiting.pop(0)
        if title in seen:
            continue
        seen.add(title)
        parts += [f"## {title}", mapping.get("description", "")]
        parts.append("\n".join(key_table(mapping, schema["$defs"])))
        waiting += nested(mapping, schema["$defs"])
    return "\n\n".join(part for part in parts if part) + "\n"


def key_table(mapping: dict[str, Any], defs: dict[str, Any]) -> Iterator[str]:
    """Yield the rows of a mapping's table."""
    yield "| key | value | default | meaning |"
    yield "| --- | --- | --- | --- |"
    for key, value in mapping["properties"].items():
        default = "required" if key in mapping.get("required", ()) else shown(value.get("default"))
        cells = (f"`{key}`", kind(value, defs), default, value.get("description", ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def kind(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    """Return in words what values a schema allows."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return kind(defs[name] | {"title": name}, defs)
    if "anyOf" in schema or "oneOf" in schema:
        kinds = [
            kind(one, defs) for one in schema.get("anyOf") or schema["oneOf"] if one.get("type") != "null"
        ]
        return " or ".join(
            one
            for one in dict.fromkeys(kinds)
            if not any(one in other for other in kinds if other not in (one, f"list of {one}"))
        )
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"] if value is not None)
    if "properties" in schema:
        title = schema.get("title", "mapping")
        return f"[{title}](#{title.lower()})" if title in defs else "names with options"
    return plain_kind(schema, defs)


def plain_kind(schema: dict[str, Any], defs: dict[str, Any]) -> str:
    """Return in words what a schema without alternatives allows."""
    match schema.get("type"):
        case "array":
            return f"list of {kind(schema.get('items', {}), defs)}"
        case "integer":
            low, high = schema.get("minimum"), schema.get("maximum")
            return "whole number" + (f", {low} to {high:,}" if low is not None and high is not None else "")
        case "boolean":
            return "`true`, `false`"
        case "string" if "pattern" in schema and "\\x00" not in schema["pattern"]:
            return f"text, `{schema['pattern']}`"
        case "string":
            return "text"
        case other:
            return str(other or "anything")


def nested(schema: dict[str, Any], defs: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the mappings with names of their own that lie directly in a mapping."""
    for value in schema["properties"].values():
        for name in references(value):
            for one in (defs[name], *defs[name].get("anyOf", ()), *defs[name].get("oneOf", ())):
                if "properties" in one:
                    yield name, one


def references(schema: object) -> Iterator[str]:
    """Yield the names of the definitions that a schema refers to, in order."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for value in schema.values():
            yield from references(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from references(value)


def shown(default: object) -> str:
    """Return a default as a recipe writes it."""
    if default is None or default == [] or default == ():
        return ""
    return f"`{default}`"


# ---- commands


def command_page() -> str:
    """Return the reference of commands: every option and argument."""
    intro = "Every command and option. [running.md](running.md) explains what they do."
    parts = [MADE, "# Reference: commands", intro, "## texpipe", *options_of(texpipe)]
    for path, command in commands(texpipe, "texpipe"):
        usage = " ".join(command.collect_usage_pieces(click.Context(command)))
        parts += [f"## {path}", f"    {path} {usage}", *paragraphs(command.help or ""), *options_of(command)]
    return "\n\n".join(part for part in parts if part) + "\n"


def commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group with its path."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")


def paragraphs(text: str) -> Iterator[str]:
    """Yield the paragraphs of a help text; what click leaves unwrapped becomes a block of code after its first line."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if not paragraph.startswith("\b"):
            yield paragraph
            continue
        lines = paragraph.splitlines()[1:]
        yield "\n".join(line for line in lines if not line.startswith(" ") and not line.startswith("Example"))
        yield "\n".join("  " + line for line in lines if line.startswith(" "))


def options_of(command: click.Command) -> Iterator[str]:
    """Yield a table of a command's options, if it has any."""
    rows = [option_row(one) for one in command.params if isinstance(one, click.Option)]
    if rows:
        yield "\n".join(["| option | default | meaning |", "| --- | --- | --- |", *rows])


def option_row(option: click.Option) -> str:
    """Return one row of the table of options."""
    names = ", ".join(f"`{name}`" for name in option.opts)
    takes = "" if option.is_flag or option.count else f" {values_of(option)}"
    default = f"`{option.default}`" if option.show_default else ""
    return f"| {names}{takes} | {default} | {option.help} |"


def values_of(option: click.Option) -> str:
    """Return what an option takes: its choices, or a word for it."""
    if isinstance(option.type, click.Choice):
        return ", ".join(f"`{choice}`" for choice in option.type.choices)
    word = option.metavar or option.type.name.upper().replace(" RANGE", "")
    return word.replace("|", " or ")


def main() -> None:
    """Write the pages and the schema."""
    SCHEMA.write_text(json_schema(TARGETS), "utf-8")
    for name, text in pages().items():
        (DOCS / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
