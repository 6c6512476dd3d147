"""The JSON Schema of recipes, for editors."""

from __future__ import annotations

import json

from texpipe.recipe.schema import Recipe
from texpipe.recipe.targets import KnownTargets, targets_schema


def json_schema(known: KnownTargets) -> str:
    """Return the JSON Schema of recipes, for editors: the text of `recipes/recipe.schema.json`.

    Args:
        known: the targets that a recipe may name.
    """
    schema = Recipe.model_json_schema()
    schema["title"] = "texpipe recipe"
    defs = schema["$defs"]
    # The short forms that validators expand: one word for both axes, names of targets.
    defs["EdgeRule"] = {"anyOf": [defs["EdgeRule"]["properties"]["x"], defs["EdgeRule"]]}
    defs["Preset"] = {"anyOf": [defs["Preset"]["properties"]["model"], defs["Preset"]]}
    targets = schema["properties"]["targets"]
    schema["properties"]["targets"] = targets_schema(defs["Target"], targets["description"], known)
    inputs = schema["properties"]["input"]
    listed_inputs = {key: inputs.pop(key) for key in ("type", "items", "minItems", "maxItems")}
    inputs["anyOf"] = [listed_inputs["items"], listed_inputs]
    names = defs["Match"]["properties"]["name"]
    names["anyOf"] = [names["anyOf"][0]["items"], *names["anyOf"]]
    for name in ("groups", "overrides"):
        field = schema["properties"][name]
        listed = {key: field.pop(key) for key in ("type", "items", "maxItems")}
        field["anyOf"] = [listed, {"type": "string"}]
    del defs["Target"]
    return json.dumps(schema, indent=2) + "\n"
