"""Recipes: what to upscale, how and for which emulator, in one YAML file."""
